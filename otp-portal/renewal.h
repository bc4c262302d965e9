/* renewal: "send me a new link": to the contact that the old one was sent to, never to another, and so often as a person may need it. */
#ifndef OTP_PORTAL_RENEWAL_H
#define OTP_PORTAL_RENEWAL_H

#include "otp-portal/response.h"

/* The button, and where the new link goes: masked. look: one that engine_renewable() admits. */
void renewal_form(struct request *r, const struct link_view *look, struct response *out);
/* It was pressed. The answer is the same whether something was sent or a limit is reached: 303 to the link with ?sent=1. */
bool renewal_asked(const struct request *r);
void renewal_post(struct request *r, const struct link_view *look, struct response *out);

#endif
