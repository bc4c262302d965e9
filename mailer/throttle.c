#include "mailer/throttle.h"

#include <strings.h>

enum {
	MINUTE_MS = 60000,
	PAUSE_MS = 30000, PAUSE_MAX_MS = 1800000,
	SLOW_MS = 2000, SLOW_MAX_MS = 60000,
	SLOW_LEAST_MS = 20, /* faster than this is as good as unlimited */
	REST_MS = 1000, REST_MAX_MS = 60000,
	PROBE_MS = 180000 /* longer than any send takes (mailer/smtp.c) */
};

/* GCRA lets through at most T / interval + burst in a time T. */
struct rate throttle_rate(int64_t per_minute) {
	struct rate r = {0};
	if (per_minute > 0) {
		r.burst = per_minute < 10 ? 1 : per_minute / 10;
		int64_t steady = per_minute - r.burst + 1;
		r.interval_ms = (MINUTE_MS + steady - 1) / steady;
	}
	return r;
}

struct rate throttle_rate_of(const struct mail_config *config, struct str domain) {
	const struct mail_rates *rates = &config->per_domain;
	for (size_t i = 0; i < rates->count; i++)
		if (str_equal(rates->domains[i], domain))
			return throttle_rate(rates->per_minute[i]);
	return throttle_rate(rates->other);
}

/* A domain that was slowed down gets one at a time. */
static struct rate slower(const struct pace *p, struct rate rate) {
	return p->interval_ms > rate.interval_ms ? (struct rate){p->interval_ms, 1} : rate;
}

static int64_t within(int64_t at, int64_t now, int64_t most) {
	return at - now > most ? now : at;
}

bool throttle_limits(const struct pace *p, struct rate rate, int64_t now) {
	return slower(p, rate).interval_ms > 0 || within(p->open_at, now, PAUSE_MAX_MS) > now;
}

int64_t throttle_ready_at(const struct pace *p, struct rate rate, int64_t now) {
	struct rate r = slower(p, rate);
	int64_t open_at = within(p->open_at, now, PAUSE_MAX_MS);
	int64_t free_at = within(p->free_at, now, r.interval_ms * (r.burst + 1) + MINUTE_MS) - r.interval_ms * (r.burst - 1);
	return r.interval_ms > 0 && free_at > open_at ? free_at : open_at;
}

void throttle_take(struct pace *p, struct rate rate, int64_t now) {
	struct rate r = slower(p, rate);
	int64_t free_at = within(p->free_at, now, r.interval_ms * (r.burst + 1) + MINUTE_MS);
	p->free_at = (free_at > now ? free_at : now) + r.interval_ms;
}

static int64_t doubled(int64_t first, int64_t times, int64_t most) {
	int64_t span = first << (times < 20 ? times : 20);
	return span < most ? span : most;
}

bool throttle_slow(struct pace *p, struct str answer, int64_t now) {
	if (within(p->open_at, now, PAUSE_MAX_MS) > now)
		return false;
	p->open_at = now + doubled(PAUSE_MS, p->strikes, PAUSE_MAX_MS);
	p->interval_ms = p->interval_ms * 2 < SLOW_MS ? SLOW_MS : p->interval_ms * 2 > SLOW_MAX_MS ? SLOW_MAX_MS : p->interval_ms * 2;
	p->strikes++;
	p->answer = answer;
	return true;
}

bool throttle_ease(struct pace *p) {
	if (p->strikes == 0)
		return false;
	p->interval_ms = p->interval_ms * 3 / 4;
	if (p->interval_ms < SLOW_LEAST_MS) {
		p->interval_ms = p->strikes = p->open_at = 0;
		p->answer = STR("");
	}
	return true;
}

bool throttle_is_greylisting(struct str answer) {
	enum { WORD = 8 };
	for (size_t i = 0; i + WORD <= answer.len; i++)
		if (strncasecmp(answer.at + i, "greylist", WORD) == 0 || strncasecmp(answer.at + i, "graylist", WORD) == 0)
			return true;
	return false;
}

bool breaker_is_open(const struct pace *p) {
	return p->strikes >= BREAKER_FAILURES;
}

int64_t breaker_ready_at(const struct pace *p, int64_t now) {
	return breaker_is_open(p) ? within(p->open_at, now, PROBE_MS) : 0;
}

void breaker_probe(struct pace *p, int64_t now) {
	p->open_at = now + PROBE_MS;
}

void breaker_fail(struct pace *p, struct str answer, int64_t now) {
	p->strikes++;
	p->answer = answer;
	if (breaker_is_open(p))
		p->open_at = now + doubled(REST_MS, p->strikes - BREAKER_FAILURES, REST_MAX_MS);
}

bool breaker_mend(struct pace *p) {
	bool was = p->strikes > 0;
	p->strikes = p->open_at = 0;
	p->answer = STR("");
	return was;
}

bool breaker_try(struct pace *p) {
	bool rests = breaker_is_open(p);
	p->open_at = 0;
	return rests;
}
