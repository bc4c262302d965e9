/* login_page: /home/otplogin (address, then code; or a log-in link), /backend with the overviews and what waits, and logging out. */
#ifndef OTP_PORTAL_LOGIN_PAGE_H
#define OTP_PORTAL_LOGIN_PAGE_H

#include "otp-portal/response.h"

/* The page behind a log-in that the visitor wanted: a path of the back end with its query ("/backend" when none is named, or one of somebody
 * else's making). In arena. */
struct str login_next(const struct request *r);
void login_page(struct request *r, struct response *out);
void login_backend(struct request *r, struct response *out);
void login_logout(struct request *r, struct response *out);

#endif
