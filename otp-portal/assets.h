/* assets: the files that are built into the program. Immutable. */
#ifndef OTP_PORTAL_ASSETS_H
#define OTP_PORTAL_ASSETS_H

#include "otp-portal/response.h"

/* "/assets/<hash>/style.css" */
struct str asset_style_path(struct arena *a);
void asset_page(struct request *r, struct response *out);

#endif
