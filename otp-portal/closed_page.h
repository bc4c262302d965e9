/* closed_page: what a link shows when nothing can be done through it: not open yet, expired, a newer one was sent, done by somebody else, passed on, the case has
 * gone on. Says what the person can do next, and nothing of the case to those who have no part in it any more. Safe to reload. */
#ifndef OTP_PORTAL_CLOSED_PAGE_H
#define OTP_PORTAL_CLOSED_PAGE_H

#include "otp-portal/prose.h"

/* A link that is not open, and was not used by its holder. done: the entry of somebody else that used it up, or NULL. Status 410 when it will never be of use
 * again, 409 when it may be, 200 when it is done, was sent anew, or opens later. */
void closed_page(struct request *r, struct view *v, const struct link_view *look, const struct history *done, struct response *out);

#endif
