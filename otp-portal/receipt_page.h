/* receipt_page: what a used link shows: what was decided and when. Safe to reload and to keep. */
#ifndef OTP_PORTAL_RECEIPT_PAGE_H
#define OTP_PORTAL_RECEIPT_PAGE_H

#include "otp-portal/prose.h"

void receipt_page(struct request *r, struct view *v, const struct link_view *look, struct str path, struct response *out);

#endif
