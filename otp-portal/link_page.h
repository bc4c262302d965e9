/* link_page: a mailed link, /l/<token>. GET shows what can be done with it now; POST fills the form in, page by page, and decides. */
#ifndef OTP_PORTAL_LINK_PAGE_H
#define OTP_PORTAL_LINK_PAGE_H

#include "otp-portal/response.h"

/* Whether a file may come with a post to this link. */
bool link_takes_files(struct request *r);
void link_page(struct request *r, struct response *out);

#endif
