/* banner: on pages of somebody's case, what they can do now in the package's own words (texts `banner`), with the way there; and the page comes again by itself when something of it begins. */
#ifndef OTP_PORTAL_BANNER_H
#define OTP_PORTAL_BANNER_H

#include "otp-portal/prose.h"

/* Asks the browser to come again at that instant, in 10 seconds at the soonest and an hour at the latest. INT64_MAX: it does not. */
void banner_come_again(struct request *r, int64_t at, struct response *out);
/* For the prose's instance; contact_id 0: nothing. Ahead of the page's heading. */
bool banner_write(const struct prose *p, struct view *v, int64_t contact_id, struct response *out, struct err *err);

#endif
