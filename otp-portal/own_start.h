/* own_start: starts for who is logged in (`login`, `from`): a button on the back end's first page, which makes a link of their own. One request, in its arena. */
#ifndef OTP_PORTAL_OWN_START_H
#define OTP_PORTAL_OWN_START_H

#include "otp-portal/prose.h"

/* Whether this contact, who is logged in, may start it: it is public, or they have the role in one of the workflows that its `login` names, or a case that its `from` asks for. */
bool own_start_is_for(struct request *r, struct view *v, const struct definition *d, int64_t contact_id, bool *is, struct err *err);
/* The press of that button: on to the form; where several cases fit, the person chooses one first; where none does, what is missing is told. A GET changes nothing: it finds the button, or what is missing. */
void own_start_page(struct request *r, struct view *v, const struct package *package, struct response *out);
/* The head of a page that says what is missing; the caller ends it. */
void own_start_missing(const struct prose *p, struct response *out);

#endif
