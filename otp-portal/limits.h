/* limits: how often something may happen, by who does it. Counters are rows of the store, so a restart forgets nothing; what they are
 * counted by is hashed with the site's key. */
#ifndef OTP_PORTAL_LIMITS_H
#define OTP_PORTAL_LIMITS_H

#include "engine/store/access.h"
#include "otp-portal/response.h"

#define LIMIT_MINUTE INT64_C(60000)
#define LIMIT_HOUR (60 * LIMIT_MINUTE)
#define LIMIT_DAY (24 * LIMIT_HOUR)

/* The visitor's network (/32, IPv6 /64), hashed. In arena. */
struct str limit_network(const struct request *r);
/* A normal address, hashed. In arena. */
struct str limit_address(const struct portal_world *world, struct str address, struct arena *a);
/* Refuses with DENIED before anything is written, else counts. */
bool limit_count(struct tx *tx, const char *name, struct str key, int64_t most, int64_t window_ms, int64_t now, struct err *err);
/* *reached: there were `most` already. */
bool limit_reached(struct view *v, const char *name, struct str key, int64_t most, int64_t window_ms, int64_t now, bool *reached, struct err *err);

#endif
