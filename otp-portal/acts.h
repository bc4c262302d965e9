/* acts: what the reader of a page can do from it (`acts` of a page view): a button for each, which leads to the act's own form. */
#ifndef OTP_PORTAL_ACTS_H
#define OTP_PORTAL_ACTS_H

#include "otp-portal/show_page.h"

/* The buttons that this reader has now; nothing when there are none. */
bool acts_write(const struct prose *p, struct view *v, const struct show_view *show, struct response *out, struct err *err);
/* A button was pressed: the reader gets the link of that act, and goes there. Nothing is done by it yet. */
void acts_post(struct request *r, const struct show_view *show, struct response *out);

#endif
