/* assets: the style sheet with the site's colours, its logo, the icon of its pages. Each path holds a hash of the bytes. Immutable. */
#ifndef OTP_PORTAL_ASSETS_H
#define OTP_PORTAL_ASSETS_H

#include "otp-portal/response.h"

struct asset {
	struct str path, bytes;
	const char *type, *policy; /* policy: NULL: that of the pages */
};
struct assets {
	struct asset style, icon, logo; /* logo: path is empty when there is none */
};
/* In arena; the logo's bytes are the config's. */
const struct assets *assets_make(struct arena *a, const struct site_config *config);
void asset_page(struct request *r, struct response *out);

#endif
