/* link_form: the form behind a live link, page by page: shown with what was saved, saved at every step, checked, and at the end carried out (link_act). */
#ifndef OTP_PORTAL_LINK_FORM_H
#define OTP_PORTAL_LINK_FORM_H

#include "engine/workflow/engine.h"
#include "otp-portal/response.h"

void link_form(struct request *r, struct view *v, const struct link_view *look, struct response *out);
/* The link expired while somebody was writing: what was typed is kept, and goes along to the new link. False: nothing was typed that could be kept. */
bool link_form_late(struct request *r, struct view *v, const struct link_view *look, struct response *out);

#endif
