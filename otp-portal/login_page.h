/* login_page: /home/otplogin (address, then code; or a log-in link), /backend with the overviews, and logging out. */
#ifndef OTP_PORTAL_LOGIN_PAGE_H
#define OTP_PORTAL_LOGIN_PAGE_H

#include "otp-portal/response.h"

void login_page(struct request *r, struct response *out);
void login_backend(struct request *r, struct response *out);
void login_logout(struct request *r, struct response *out);

#endif
