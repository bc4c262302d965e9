/* closed_page: what a link shows when nothing can be done through it: not open yet, expired, withdrawn, not possible at this step. Says what the
 * person can do next, and nothing of the case to those who have no part in it any more. */
#ifndef OTP_PORTAL_CLOSED_PAGE_H
#define OTP_PORTAL_CLOSED_PAGE_H

#include "otp-portal/prose.h"

/* A link that is not open, and not used. 410 when it never will be again, else 409; a page that opens later is 200 when it is read. */
void closed_page(struct request *r, const struct link_view *look, struct response *out);

#endif
