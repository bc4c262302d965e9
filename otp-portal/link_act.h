/* link_act: the answers behind a link are carried out: at once, or after a one-time code where the act asks for one. */
#ifndef OTP_PORTAL_LINK_ACT_H
#define OTP_PORTAL_LINK_ACT_H

#include "otp-portal/form_page.h"

/* The event that the page is about, or the form of a start. */
struct str link_task(const struct link_view *look);
/* A transition, the receipt, and a page with what was wrong; or the page where the code is asked for. */
void link_act(const struct filling *f, const struct link_view *look, const struct answers *answers, struct response *out);
/* A step of the code's page. False: the step is none. */
bool link_act_code(const struct filling *f, const struct link_view *look, struct view *v, struct response *out);

#endif
