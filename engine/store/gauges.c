#include "engine/store/gauges.h"

#include "engine/store/handle.h"

#include <string.h>

/* One row of up to two numbers; an aggregate over nothing is 0. */
static bool read_two(struct stmt *s, int64_t *first, int64_t *second, struct err *err) {
	enum db_step step = stmt_step(s, err);
	*first = step == DB_ROW ? stmt_int(s, 0) : 0;
	if (second)
		*second = step == DB_ROW ? stmt_int(s, 1) : 0;
	stmt_end(s);
	return step != DB_FAIL;
}

static bool read_due(struct db *db, const char *sql, int64_t now, int64_t *count, int64_t *due_at, struct err *err) {
	struct stmt *s = db_query(db, sql);
	bind_int(s, now);
	return read_two(s, count, due_at, err);
}

/* channel, state, count */
static bool read_outbox(struct db *db, const char *sql, struct gauges *out, struct err *err) {
	struct stmt *s = db_query(db, sql);
	struct arena *a = arena_new();
	enum db_step step;
	while ((step = stmt_step(s, err)) == DB_ROW) {
		int64_t channel = stmt_int(s, 0);
		struct str state = stmt_text(s, 1, a);
		for (int i = 0; i < GAUGE_STATES && channel > 0 && channel < GAUGE_CHANNELS; i++)
			if (str_is(state, outbox_state_name((enum outbox_state)i)))
				out->outbox[channel][i] = stmt_int(s, 2);
	}
	stmt_end(s);
	arena_free(a);
	return step == DB_DONE;
}

bool gauges_read(struct view *v, int64_t now, struct gauges *out, struct err *err) {
	struct db *db = view_db(v);
	memset(out, 0, sizeof *out);
	return read_outbox(db, "SELECT channel, 'queued', count(*) FROM outbox WHERE state = 'queued' GROUP BY channel", out, err) &&
	       read_outbox(db, "SELECT channel, state, count(*) FROM outbox WHERE state <> 'sent' AND state IN ('leased', 'begun', 'unknown', 'failed', 'expired') GROUP BY channel, state", out, err) &&
	       read_due(db, "SELECT count(*), min(next_at) FROM outbox WHERE state = 'queued' AND next_at <= ?", now, &out->outbox_due, &out->outbox_due_at, err) &&
	       read_two(db_query(db, "SELECT count(*) FROM outbox WHERE delivery IN ('failed', 'expired')"), &out->undelivered, NULL, err) &&
	       read_two(db_query(db, "SELECT count(*) FILTER (WHERE state <> 'failed'), count(*) FILTER (WHERE state = 'failed') FROM documents WHERE state <> 'ready'"), &out->documents_waiting,
	                &out->documents_failed, err) &&
	       read_due(db, "SELECT count(*), min(due_at) FROM timers WHERE due_at <= ?", now, &out->timers_due, &out->timer_due_at, err) &&
	       read_two(db_query(db, "SELECT count(*) FROM mailbox WHERE held = 0"), &out->signals, NULL, err) &&
	       read_two(db_query(db, "SELECT max(id) FROM history"), &out->transitions, NULL, err);
}
