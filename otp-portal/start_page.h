/* start_page: what anybody can begin: the front page, and the first page of a start form. Its link is made when that page is posted. */
#ifndef OTP_PORTAL_START_PAGE_H
#define OTP_PORTAL_START_PAGE_H

#include "engine/workflow/definition.h"
#include "otp-portal/response.h"

void start_front(struct request *r, struct response *out);
/* Whether this contact, who is logged in, may start it: it is public, or they have the role in one of the workflows that its `login` names. */
bool start_is_for(struct request *r, struct view *v, const struct definition *d, int64_t contact_id, bool *is, struct err *err);
/* Whether a file may come with a post to this start form. */
bool start_takes_files(struct request *r);
void start_page(struct request *r, struct response *out);

#endif
