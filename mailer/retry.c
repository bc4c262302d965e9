#include "mailer/retry.h"

#define MINUTE_MS INT64_C(60000)

enum { JITTER_PERCENT = 20, UNKNOWN_MINUTES = 15, UNKNOWN_CODE_MINUTES = 1 };

int64_t retry_next_at(int64_t now, int64_t attempt, uint32_t random) {
	static const int64_t minutes[] = {1, 5, 15, 30, 60, 120, 240};
	int64_t last = (int64_t)(sizeof minutes / sizeof *minutes);
	int64_t n = attempt < 1 ? 1 : attempt > last ? last : attempt;
	int64_t wait = minutes[n - 1] * MINUTE_MS;
	int64_t most = wait * JITTER_PERCENT / 100;
	return now + wait - most + (int64_t)random * 2 * most / UINT32_MAX;
}

/* A second copy of these shows the same token or code. What tells strangers that nobody reads here, or what was not taken, is said once. */
static bool is_harmless_twice(const struct outbox_row *row) {
	return row->has_link || row->task || row->priority == OUTBOX_CODE;
}

bool retry_again(const struct outbox_row *row, int64_t now, int64_t *next_at) {
	bool code = row->priority == OUTBOX_CODE; /* somebody waits for it at a page */
	*next_at = now + (code ? UNKNOWN_CODE_MINUTES : UNKNOWN_MINUTES) * MINUTE_MS;
	return is_harmless_twice(row) && !str_starts(row->answer, STR(RETRY_UNKNOWN)) && *next_at <= outbox_deadline(row);
}

struct settlement retry_settle(const struct outbox_row *row, enum outcome outcome, int64_t now, uint32_t random) {
	struct settlement s = {.state = OUTBOX_SENT};
	switch (outcome) {
	case OUTCOME_SENT:
		break;
	case OUTCOME_NEVER:
		s.state = OUTBOX_FAILED;
		break;
	case OUTCOME_LATER:
		s.next_at = retry_next_at(now, row->attempts, random);
		s.state = s.next_at > outbox_deadline(row) ? OUTBOX_EXPIRED : OUTBOX_QUEUED;
		break;
	case OUTCOME_UNKNOWN:
		s.state = OUTBOX_UNKNOWN;
		s.again = retry_again(row, now, &s.next_at);
	}
	return s;
}
