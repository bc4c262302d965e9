/* link_page: a mailed link, /l/<token>. GET shows what can be done with it now; POST fills the form in, page by page, and decides. */
#ifndef OTP_PORTAL_LINK_PAGE_H
#define OTP_PORTAL_LINK_PAGE_H

#include "otp-portal/filling.h"

void link_page(struct request *r, struct response *out);
/* Asks the writer for the decision that these answers are; shared with a form of one page on /start/<workflow>. link: as it was read. */
void link_act(const struct filling *f, const struct link *link, const struct answers *answers, struct response *out);

#endif
