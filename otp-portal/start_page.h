/* start_page: what anybody can begin: the front page, and the first page of a start form. Its link is made when that page is posted. */
#ifndef OTP_PORTAL_START_PAGE_H
#define OTP_PORTAL_START_PAGE_H

#include "engine/workflow/definition.h"
#include "otp-portal/response.h"

enum { STARTS_AN_HOUR = 30 }; /* of one network */
void start_front(struct request *r, struct response *out);
/* Whether a file may come with a post to this start form. */
bool start_takes_files(struct request *r);
void start_page(struct request *r, struct response *out);

#endif
