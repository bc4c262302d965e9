/* resend: the newest messages to people of a case, how they stand, and a button for each that can be sent again (`resend` of a page view). Only for who is logged in: behind a
 * mailed link a scanner could press it. */
#ifndef OTP_PORTAL_RESEND_H
#define OTP_PORTAL_RESEND_H

#include "otp-portal/show_page.h"

bool resend_write(const struct prose *p, struct view *v, const struct show_view *show, bool ready, struct response *out, struct err *err);
/* The answer to such a button: leads back to the page. */
bool resend_asked(struct request *r, const struct show_view *show);
void resend_post(struct request *r, const struct show_view *show, struct response *out);

#endif
