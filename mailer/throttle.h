/* throttle: how fast a recipient domain or the relay is sent to, and whether the relay is asked at all. Pure: reads and changes a struct pace.
 *
 *   rate     at most so many in any 60 seconds, a tenth of them at once (GCRA)
 *   domain   one that asks to slow down is left alone for 30 s, doubled each time up to 30 min; then it gets one mail in 2 s (doubled each time, up to
 *            60 s), and a quarter more with each mail that it takes, until nothing is left of that
 *   breaker  of a relay or gateway:   closed -- three failures of its own in a row --> open: it rests 1 s, doubled each time up to 60 s
 *                                       ^                                                |        ^
 *                                       '------------ it answers ------ half-open: one probe -- it fails
 *
 * Instants further ahead than any of these spans come from a clock that has gone back since; they count as past. */
#ifndef MAILER_THROTTLE_H
#define MAILER_THROTTLE_H

#include "engine/base/config.h"
#include "engine/store/paces.h"

struct rate {
	int64_t interval_ms, burst; /* interval 0: no limit */
};
struct rate throttle_rate(int64_t per_minute); /* 0: no limit */
struct rate throttle_rate_of(const struct mail_config *config, struct str domain);

/* Whether mails to it have to wait their turn. */
bool throttle_limits(const struct pace *p, struct rate rate, int64_t now);
/* When the next may go; now or before: now. */
int64_t throttle_ready_at(const struct pace *p, struct rate rate, int64_t now);
/* One goes, even before its time. */
void throttle_take(struct pace *p, struct rate rate, int64_t now);
/* A call to slow down. False: it was sent before an earlier one was heard. The answer is borrowed. */
bool throttle_slow(struct pace *p, struct str answer, int64_t now);
/* One was taken. True: something has changed. */
bool throttle_ease(struct pace *p);
/* A server that defers each address it does not know yet does not ask us to slow down. */
bool throttle_is_greylisting(struct str answer);

enum { BREAKER_FAILURES = 3 };
bool breaker_is_open(const struct pace *p); /* or half-open */
int64_t breaker_ready_at(const struct pace *p, int64_t now);
/* One message goes to see whether it works again; no other does before that is known. */
void breaker_probe(struct pace *p, int64_t now);
/* It failed. The answer is borrowed. */
void breaker_fail(struct pace *p, struct str answer, int64_t now);
/* It answered. True: something has changed. */
bool breaker_mend(struct pace *p);
/* The process starts: whoever started it may have mended what was wrong. True: something has changed. */
bool breaker_try(struct pace *p);

#endif
