/* help_page: GET /help, what the site says to those who do not get on (site.help); its texts are its administrators'. */
#ifndef OTP_PORTAL_HELP_PAGE_H
#define OTP_PORTAL_HELP_PAGE_H

#include "otp-portal/response.h"

void help_page(struct request *r, struct response *out);

#endif
