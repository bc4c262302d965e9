#include "otp-portal/refusals.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "otp-portal/network.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE = 60000, PATH_TOLD = 200 };

struct refusals {
	pthread_mutex_t lock;
	int64_t minute;
	long long count; /* in it */
};

struct refusals *refusals_open(void) {
	struct refusals *f = calloc(1, sizeof *f);
	BUG_IF(f == NULL);
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

void refusals_close(struct refusals *f) {
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* How much of a path stands before its secret; 0: it has none. */
static size_t before_secret(struct str path) {
	static const char *const secret[] = {"/l/", "/report/", "/inbound/"};
	for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
		if (str_starts(path, str_from(secret[i])))
			return strlen(secret[i]);
	return 0;
}

static bool is_refusal(const struct request *r, unsigned status) {
	static const unsigned refused[] = {400, 403, 405, 413, 415, 421, 429, 431};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (refused[i] == status)
			return true;
	return status == 404 && (before_secret(r->path) > 0 || str_is(r->path, "/backend"));
}

/* *more: that the minute before did not tell. */
static bool may_tell(struct refusals *f, long long *more) {
	int64_t minute = clock_monotonic() / MINUTE;
	pthread_mutex_lock(&f->lock);
	*more = 0;
	if (f->minute != minute) {
		*more = f->count > REFUSALS_TOLD ? f->count - REFUSALS_TOLD : 0;
		f->minute = minute;
		f->count = 0;
	}
	bool may = ++f->count <= REFUSALS_TOLD;
	pthread_mutex_unlock(&f->lock);
	return may;
}

void refusals_note(struct refusals *f, struct request *r, unsigned status) {
	long long more;
	if (!is_refusal(r, status) || !may_tell(f, &more))
		return;
	struct str from = network_of(r->client, r->arena), query = r->path, path = str_cut(&query, '?');
	size_t shown = before_secret(path) > 0 ? before_secret(path) : PATH_TOLD;
	path.len = path.len < shown ? path.len : shown;
	if (more > 0)
		log_event(LOG_WARN, "refused-more", "count=%lld", more);
	log_event(LOG_INFO, "refused", "status=%u from=%.*s path=%.*s", status, STR_ARG(from), STR_ARG(path));
}
