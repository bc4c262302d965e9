/* receipt_page: what a link shows when nothing can be done with it: what was decided and when, or why not. Safe to reload and to keep. */
#ifndef OTP_PORTAL_RECEIPT_PAGE_H
#define OTP_PORTAL_RECEIPT_PAGE_H

#include "otp-portal/prose.h"

/* A used link. */
void receipt_page(struct request *r, struct view *v, const struct link_view *look, struct str path, struct response *out);
/* A link that was withdrawn, superseded or has expired: 410. One whose event is not possible now: 409. */
void receipt_gone(struct request *r, const struct link_view *look, struct response *out);

#endif
