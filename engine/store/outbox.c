#include "engine/store/outbox.h"

#include "engine/base/log.h"
#include "engine/store/outbox_sql.h"

enum { STATES = OUTBOX_CANCELLED + 1, CRASHES = 3 };

static const char *const names[STATES] = {"queued", "leased", "begun", "sent", "unknown", "failed", "expired", "cancelled"};

#define TO(state) (1u << (state))

/* The diagram of the header as a table: from each state, the states it may move to. */
static const unsigned allowed[STATES] = {
        [OUTBOX_QUEUED] = TO(OUTBOX_QUEUED) | TO(OUTBOX_LEASED) | TO(OUTBOX_SENT) | TO(OUTBOX_FAILED) | TO(OUTBOX_EXPIRED) | TO(OUTBOX_CANCELLED),
        [OUTBOX_LEASED] = TO(OUTBOX_QUEUED) | TO(OUTBOX_BEGUN) | TO(OUTBOX_FAILED) | TO(OUTBOX_EXPIRED) | TO(OUTBOX_CANCELLED),
        [OUTBOX_BEGUN] = TO(OUTBOX_QUEUED) | TO(OUTBOX_SENT) | TO(OUTBOX_UNKNOWN) | TO(OUTBOX_FAILED) | TO(OUTBOX_EXPIRED) | TO(OUTBOX_CANCELLED),
        [OUTBOX_SENT] = TO(OUTBOX_QUEUED),
        [OUTBOX_UNKNOWN] = TO(OUTBOX_QUEUED) | TO(OUTBOX_SENT) | TO(OUTBOX_FAILED) | TO(OUTBOX_CANCELLED),
        [OUTBOX_FAILED] = TO(OUTBOX_QUEUED) | TO(OUTBOX_SENT) | TO(OUTBOX_CANCELLED),
        [OUTBOX_EXPIRED] = TO(OUTBOX_QUEUED) | TO(OUTBOX_SENT) | TO(OUTBOX_CANCELLED),
};

/* The part of a row that moves. */
struct life {
	int64_t id;
	enum outbox_state state;
	int64_t next_at, attempts, crashes, fence, lease_until, sent_at;
	bool undelivered;         /* sent, but reported as not arrived */
	bool withdrawn;           /* its task was left while it could not be cancelled: never queued again */
	struct str owner, answer; /* empty: stays as it is in the row */
};

#define LIFE "SELECT id, state, next_at, attempts, crashes, fence, lease_until, sent_at, withdrawn," \
             " state = 'sent' AND delivery IN ('failed', 'expired') FROM outbox "

const char *outbox_state_name(enum outbox_state state) {
	BUG_IF((unsigned)state >= STATES);
	return names[state];
}

int64_t outbox_deadline(const struct outbox_row *row) {
	return row->deadline_at ? row->deadline_at : row->created_at + OUTBOX_LIFETIME_MS;
}

static enum outbox_state state_of(struct stmt *s, int column, struct arena *a) {
	struct str name = stmt_text(s, column, a);
	unsigned state = 0;
	while (state < STATES && !str_is(name, names[state]))
		state++;
	return (enum outbox_state)state; /* STATES (the schema forbids it): no move is allowed from there */
}

static void read_life(struct stmt *s, struct arena *a, struct life *out) {
	*out = (struct life){
	        .id = stmt_int(s, 0),
	        .state = state_of(s, 1, a),
	        .next_at = stmt_int(s, 2),
	        .attempts = stmt_int(s, 3),
	        .crashes = stmt_int(s, 4),
	        .fence = stmt_int(s, 5),
	        .lease_until = stmt_int(s, 6),
	        .sent_at = stmt_int(s, 7),
	        .withdrawn = stmt_int(s, 8) != 0,
	        .undelivered = stmt_int(s, 9) != 0,
	};
}

static enum db_step end_life(struct stmt *s, struct life *out, struct err *err) {
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW) {
		struct arena *a = arena_new();
		read_life(s, a, out);
		arena_free(a);
	}
	stmt_end(s);
	return step;
}

static bool life_load(struct db *db, int64_t id, struct life *out, struct err *err) {
	struct stmt *s = db_query(db, LIFE "WHERE id = ?");
	bind_int(s, id);
	return row_found(end_life(s, out, err), "message", err);
}

static bool life_write(struct db *db, const struct life *was, const struct life *is, struct err *err) {
	struct stmt *s = db_query(db, "UPDATE outbox SET state = ?, next_at = ?, attempts = ?, crashes = ?, fence = ?, lease_until = ?,"
	                              " sent_at = ?, owner = coalesce(?, owner), answer = coalesce(?, answer), uncertain = max(uncertain, ?)"
	                              " WHERE id = ? AND state = ? AND fence = ?");
	bool held = is->state == OUTBOX_LEASED || is->state == OUTBOX_BEGUN;
	bind_text(s, str_from(names[is->state]));
	bind_int(s, is->next_at);
	bind_int(s, is->attempts);
	bind_int(s, is->crashes);
	bind_int(s, is->fence);
	bind_int_or_null(s, is->lease_until, held);
	bind_int_or_null(s, is->sent_at, is->sent_at != 0);
	bind_text_or_null(s, is->owner);
	bind_text_or_null(s, is->answer);
	bind_int(s, is->state == OUTBOX_UNKNOWN);
	bind_int(s, was->id);
	bind_text(s, str_from(names[was->state]));
	bind_int(s, was->fence);
	return row_changed(s, "message", err);
}

/* The only place where a row's state changes. */
static bool life_move(struct db *db, const struct life *was, struct life *is, struct err *err) {
	if (is->state == OUTBOX_QUEUED && was->withdrawn)
		is->state = OUTBOX_CANCELLED;
	if ((unsigned)was->state >= STATES || !(allowed[was->state] & TO(is->state)))
		return err_set(err, ERR_CONFLICT, "store.conflict", "message %lld may not go from %s to %s", (long long)was->id,
		               (unsigned)was->state < STATES ? names[was->state] : "?", names[is->state]);
	if (!life_write(db, was, is, err))
		return false;
	log_event(LOG_DEBUG, "outbox-moved", "id=%lld from=%s to=%s fence=%lld", (long long)was->id, names[was->state],
	          names[is->state], (long long)is->fence);
	return true;
}

#define ROW \
	"SELECT id, instance_id, history_id, contact_id, channel, recipient, recipient_name, role, language, workflow, message," \
	" link_id, task, data, message_id, thread, priority, state, created_at, next_at, deadline_at, attempts, crashes, fence," \
	" sent_at, answer, patient, parts, delivery, coalesce(delivery_at, 0), delivery_reason, coalesce(limit_at, 0) FROM outbox "

static void read_row(struct stmt *s, struct arena *a, struct outbox_row *out) {
	*out = (struct outbox_row){
	        .id = stmt_int(s, 0),
	        .instance_id = stmt_int(s, 1),
	        .history_id = stmt_int(s, 2),
	        .contact_id = stmt_int(s, 3),
	        .channel = (enum channel)stmt_int(s, 4),
	        .recipient = stmt_text(s, 5, a),
	        .recipient_name = stmt_text(s, 6, a),
	        .role = stmt_text(s, 7, a),
	        .language = stmt_text(s, 8, a),
	        .workflow = stmt_text(s, 9, a),
	        .message = stmt_text(s, 10, a),
	        .task = stmt_int(s, 12) != 0,
	        .data = stmt_text(s, 13, a),
	        .message_id = stmt_text(s, 14, a),
	        .thread = stmt_text(s, 15, a),
	        .priority = stmt_int(s, 16),
	        .state = state_of(s, 17, a),
	        .created_at = stmt_int(s, 18),
	        .next_at = stmt_int(s, 19),
	        .deadline_at = stmt_int(s, 20),
	        .attempts = stmt_int(s, 21),
	        .crashes = stmt_int(s, 22),
	        .fence = stmt_int(s, 23),
	        .sent_at = stmt_int(s, 24),
	        .answer = stmt_text(s, 25, a),
	        .patient = stmt_int(s, 26) != 0,
	        .parts = stmt_int(s, 27),
	        .delivery_at = stmt_int(s, 29),
	        .delivery_reason = stmt_text(s, 30, a),
	        .limit_at = stmt_int(s, 31),
	};
	out->has_link = stmt_bytes(s, 11, out->link_id, sizeof out->link_id);
	delivery_from(stmt_text(s, 28, a), &out->delivery);
}

static bool end_rows(struct stmt *s, struct arena *a, struct outbox_list *out, struct err *err) {
	enum db_step step;
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_row(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

static void bind_id(struct stmt *s, int64_t id) {
	bind_int_or_null(s, id, id != 0);
}

bool outbox_put(struct tx *tx, struct outbox_row *row, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO outbox (instance_id, history_id, contact_id, channel, recipient, recipient_name, role,"
	                                     " language, workflow, message, link_id, task, data, message_id, thread, priority, state,"
	                                     " created_at, next_at, deadline_at, patient, limit_at)"
	                                     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?)");
	bind_id(s, row->instance_id);
	bind_id(s, row->history_id);
	bind_id(s, row->contact_id);
	bind_int(s, row->channel);
	bind_text(s, row->recipient);
	bind_text(s, row->recipient_name);
	bind_text(s, row->role);
	bind_text(s, row->language);
	bind_text(s, row->workflow);
	bind_text(s, row->message);
	if (row->has_link)
		bind_blob(s, row->link_id, sizeof row->link_id);
	else
		bind_null(s);
	bind_int(s, row->task);
	bind_text(s, row->data);
	bind_text(s, row->message_id);
	bind_text(s, row->thread);
	bind_int(s, row->priority);
	bind_int(s, row->created_at);
	bind_int(s, row->next_at);
	bind_int_or_null(s, row->deadline_at, row->deadline_at != 0);
	bind_int(s, row->patient);
	bind_int_or_null(s, row->limit_at, row->limit_at != 0);
	if (!stmt_run(s, NULL, err))
		return false;
	row->id = db_last_id(tx_db(tx));
	row->state = OUTBOX_QUEUED;
	return true;
}

bool outbox_load(struct view *v, int64_t id, struct arena *a, struct outbox_row *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), ROW "WHERE id = ?");
	bind_int(s, id);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		read_row(s, a, out);
	stmt_end(s);
	return row_found(step, "message", err);
}

static enum db_step next_priority(struct db *db, struct outbox_lane lane, int64_t *priority, struct err *err) {
	struct stmt *s = db_query(db, "SELECT priority FROM outbox WHERE " OUTBOX_LINE " AND priority > ? AND priority <= ? ORDER BY priority LIMIT 1");
	bind_line(s, lane);
	bind_int(s, *priority);
	bind_int(s, lane.most);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*priority = stmt_int(s, 0);
	stmt_end(s);
	return step;
}

/* Priority by priority, so that each is one range of the index: rows that wait for their next try cost nothing. */
static bool due_rows(struct db *db, struct outbox_lane lane, int64_t now, int64_t limit, struct arena *a, struct outbox_list *out, struct err *err) {
	int64_t priority = INT64_MIN;
	enum db_step step = DB_ROW;
	while ((int64_t)out->count < limit && (step = next_priority(db, lane, &priority, err)) == DB_ROW) {
		struct stmt *s = db_query(db, ROW "WHERE " OUTBOX_LINE " AND priority = ? AND next_at <= ?" OUTBOX_TAKEN " ORDER BY next_at, id LIMIT ?");
		bind_line(s, lane);
		bind_int(s, priority);
		bind_int(s, now);
		bind_taken(s, lane);
		bind_int(s, limit - (int64_t)out->count);
		if (!end_rows(s, a, out, err))
			return false;
	}
	return step != DB_FAIL;
}

static bool lease_row(struct db *db, struct outbox_row *row, struct str owner, int64_t lease_until, struct err *err) {
	const struct life was = {.id = row->id, .state = row->state, .next_at = row->next_at, .attempts = row->attempts,
	                         .crashes = row->crashes, .fence = row->fence, .sent_at = row->sent_at};
	struct life is = was;
	is.state = OUTBOX_LEASED;
	is.attempts++, is.crashes++, is.fence++;
	is.lease_until = lease_until;
	is.owner = owner;
	if (!life_move(db, &was, &is, err))
		return false;
	row->state = is.state;
	row->attempts = is.attempts;
	row->crashes = is.crashes;
	row->fence = is.fence;
	return true;
}

bool outbox_lease(struct tx *tx, struct outbox_lane lane, struct str owner, int64_t now, int64_t lease_until, int64_t limit, struct arena *a, struct outbox_list *out, struct err *err) {
	struct outbox_list due = {0};
	if (!due_rows(tx_db(tx), lane, now, limit, a, &due, err))
		return false;
	for (size_t i = 0; i < due.count && (i == 0 || due.items[i].crashes == 0); i++) {
		bool alone = due.items[i].crashes > 0;
		if (!lease_row(tx_db(tx), &due.items[i], owner, lease_until, err))
			return false;
		*(struct outbox_row *)ARENA_PUSH(a, out) = due.items[i];
		if (alone)
			break;
	}
	return true;
}

/* The row as its lessee knows it: CONFLICT when somebody else has it by now. */
static bool life_of_lessee(struct db *db, int64_t id, int64_t fence, struct life *out, struct err *err) {
	if (!life_load(db, id, out, err))
		return false;
	bool held = out->state == OUTBOX_LEASED || out->state == OUTBOX_BEGUN;
	return (held && out->fence == fence) ||
	       err_set(err, ERR_CONFLICT, "store.conflict", "message %lld is no longer held with fence %lld", (long long)id,
	               (long long)fence);
}

bool outbox_begin(struct tx *tx, int64_t id, int64_t fence, int64_t now, struct err *err) {
	struct life was;
	if (!life_of_lessee(tx_db(tx), id, fence, &was, err))
		return false;
	if (was.lease_until <= now)
		return err_set(err, ERR_CONFLICT, "store.conflict", "the lease of message %lld has ended", (long long)id);
	struct life is = was;
	is.state = OUTBOX_BEGUN;
	return life_move(tx_db(tx), &was, &is, err);
}

bool outbox_settle(struct tx *tx, int64_t id, int64_t fence, enum outbox_state state, int64_t next_at, struct str answer, int64_t now, struct err *err) {
	BUG_IF(state == OUTBOX_LEASED || state == OUTBOX_BEGUN);
	struct life was;
	if (!life_of_lessee(tx_db(tx), id, fence, &was, err))
		return false;
	struct life is = was;
	is.state = state;
	is.crashes = 0; /* whoever settles has not crashed */
	is.answer = answer;
	if (state == OUTBOX_QUEUED)
		is.next_at = next_at;
	if (state == OUTBOX_SENT)
		is.sent_at = now;
	return life_move(tx_db(tx), &was, &is, err);
}

bool outbox_release(struct tx *tx, int64_t id, int64_t fence, struct err *err) {
	struct life was;
	if (!life_of_lessee(tx_db(tx), id, fence, &was, err))
		return false;
	struct life is = was;
	is.state = OUTBOX_QUEUED;
	is.attempts--;
	is.crashes = 0;
	return life_move(tx_db(tx), &was, &is, err);
}

static enum db_step next_ended_lease(struct db *db, int64_t now, struct life *out, struct err *err) {
	struct stmt *s = db_query(db, LIFE "WHERE lease_until <= ? ORDER BY lease_until, id LIMIT 1");
	bind_int(s, now);
	return end_life(s, out, err);
}

bool outbox_reclaim(struct tx *tx, int64_t now, int64_t *count, struct err *err) {
	struct db *db = tx_db(tx);
	struct life was;
	enum db_step step;
	for (*count = 0; (step = next_ended_lease(db, now, &was, err)) == DB_ROW; ++*count) {
		struct life is = was;
		is.state = was.state == OUTBOX_BEGUN ? OUTBOX_UNKNOWN : was.crashes >= CRASHES ? OUTBOX_FAILED : OUTBOX_QUEUED;
		is.attempts -= is.state == OUTBOX_QUEUED; /* it was not begun */
		if (is.state == OUTBOX_FAILED)
			is.answer = STR("set aside: the process died three times while it was held");
		if (!life_move(db, &was, &is, err))
			return false;
	}
	return step != DB_FAIL;
}

static bool late_rows(struct db *db, int64_t now, int64_t limit, struct arena *a, struct outbox_list *out, struct err *err) {
	struct stmt *s = db_query(db, ROW "WHERE state <> 'sent' AND state = 'queued' AND coalesce(deadline_at, created_at + ?) < ? ORDER BY id LIMIT ?");
	bind_int(s, OUTBOX_LIFETIME_MS);
	bind_int(s, now);
	bind_int(s, limit);
	return end_rows(s, a, out, err);
}

bool outbox_expire(struct tx *tx, int64_t now, int64_t limit, int64_t *count, struct err *err) {
	struct db *db = tx_db(tx);
	struct arena *a = arena_new();
	struct outbox_list late = {0};
	bool ok = late_rows(db, now, limit, a, &late, err);
	for (*count = 0; ok && *count < (int64_t)late.count; ++*count) {
		struct life was;
		ok = life_load(db, late.items[*count].id, &was, err);
		struct life is = was;
		is.state = OUTBOX_EXPIRED;
		is.answer = STR("not sent: its deadline has passed");
		ok = ok && life_move(db, &was, &is, err);
	}
	arena_free(a);
	return ok;
}

bool outbox_requeue(struct tx *tx, int64_t id, int64_t next_at, struct err *err) {
	struct life was;
	if (!life_load(tx_db(tx), id, &was, err))
		return false;
	if (was.state != OUTBOX_UNKNOWN)
		return err_set(err, ERR_CONFLICT, "store.conflict", "the outcome of message %lld is not unknown", (long long)id);
	struct life is = was;
	is.state = was.crashes >= CRASHES ? OUTBOX_FAILED : OUTBOX_QUEUED;
	is.next_at = next_at;
	return life_move(tx_db(tx), &was, &is, err);
}

bool outbox_confirm(struct tx *tx, int64_t id, int64_t at, struct err *err) {
	struct life was;
	if (!life_load(tx_db(tx), id, &was, err))
		return false;
	struct life is = was;
	is.state = OUTBOX_SENT;
	is.sent_at = at;
	return life_move(tx_db(tx), &was, &is, err);
}

/* What somebody decides about, who looks at it on the command line. */
static bool life_in_hand(struct db *db, int64_t id, struct life *out, struct err *err) {
	if (!life_load(db, id, out, err))
		return false;
	bool at_rest = out->state == OUTBOX_QUEUED || out->state == OUTBOX_UNKNOWN || out->state == OUTBOX_FAILED || out->state == OUTBOX_EXPIRED || out->undelivered;
	return at_rest || err_set(err, ERR_CONFLICT, "store.conflict", "message %lld is %s%s", (long long)id,
	                          out->state == OUTBOX_LEASED || out->state == OUTBOX_BEGUN ? "being sent: " : "", names[out->state]);
}

static bool send_until(struct db *db, int64_t id, int64_t deadline_at, struct err *err) {
	struct stmt *s = db_query(db, "UPDATE outbox SET deadline_at = ?, patient = 0, delivery = 'none', delivery_at = NULL, delivery_reason = ''"
	                              " WHERE id = ?");
	bind_int(s, deadline_at);
	bind_int(s, id);
	return row_changed(s, "message", err);
}

bool outbox_retry(struct tx *tx, int64_t id, int64_t now, int64_t deadline_at, struct err *err) {
	struct db *db = tx_db(tx);
	struct life was;
	if (!life_in_hand(db, id, &was, err))
		return false;
	if (was.withdrawn)
		return err_set(err, ERR_CONFLICT, "store.conflict", "message %lld is not wanted any more: its task was left", (long long)id);
	struct life is = was;
	is.state = OUTBOX_QUEUED;
	is.crashes = 0;
	is.next_at = now;
	return life_move(db, &was, &is, err) && send_until(db, id, deadline_at, err);
}

bool outbox_drop(struct tx *tx, int64_t id, struct err *err) {
	struct life was;
	if (!life_in_hand(tx_db(tx), id, &was, err))
		return false;
	struct life is = was;
	is.state = OUTBOX_CANCELLED;
	return life_move(tx_db(tx), &was, &is, err);
}

bool outbox_tasks(struct view *v, int64_t instance_id, struct arena *a, struct outbox_tasks *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT o.id, coalesce(o.history_id, 0), o.link_id, l.task, l.role, coalesce(l.state = 'live', 0) FROM outbox o LEFT JOIN links l ON l.id = o.link_id"
	                                      " WHERE o.instance_id = ? AND o.task = 1 AND o.state NOT IN ('sent', 'cancelled') ORDER BY o.id");
	enum db_step step;
	bind_int(s, instance_id);
	*out = (struct outbox_tasks){0};
	while ((step = stmt_step(s, err)) == DB_ROW) {
		struct outbox_task *task = ARENA_PUSH(a, out);
		*task = (struct outbox_task){.id = stmt_int(s, 0), .history_id = stmt_int(s, 1), .task = stmt_text(s, 3, a), .role = stmt_text(s, 4, a), .live = stmt_int(s, 5) != 0};
		stmt_bytes(s, 2, task->link_id, sizeof task->link_id);
	}
	stmt_end(s);
	return step == DB_DONE;
}

/* What is on its way to the relay cannot be stopped, but it is not tried again; nor is what failed, by hand. */
static bool withdraw(struct db *db, const struct life *was, struct err *err) {
	struct stmt *s = db_query(db, "UPDATE outbox SET withdrawn = 1 WHERE id = ?");
	bind_int(s, was->id);
	return stmt_run(s, NULL, err);
}

static bool cancel(struct db *db, const struct life *was, struct err *err) {
	struct life is = *was;
	is.state = OUTBOX_CANCELLED;
	return was->state == OUTBOX_QUEUED || was->state == OUTBOX_LEASED ? life_move(db, was, &is, err) : withdraw(db, was, err);
}

bool outbox_cancel(struct tx *tx, int64_t id, struct err *err) {
	struct life was;
	return life_load(tx_db(tx), id, &was, err) && cancel(tx_db(tx), &was, err);
}

struct lives {
	struct life *items;
	size_t count, cap;
};

/* Neither sent nor cancelled. */
static bool unsent_to(struct db *db, int64_t instance_id, struct str role, int64_t contact_id, struct arena *a, struct lives *out, struct err *err) {
	struct stmt *s = db_query(db, LIFE "WHERE instance_id = ? AND contact_id = ? AND role = ? AND state NOT IN ('sent', 'cancelled') ORDER BY id");
	enum db_step step;
	bind_int(s, instance_id);
	bind_int(s, contact_id);
	bind_text(s, role);
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_life(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

bool outbox_cancel_contact(struct tx *tx, int64_t instance_id, struct str role, int64_t contact_id, struct err *err) {
	struct arena *a = arena_new();
	struct lives found = {0};
	bool ok = unsent_to(tx_db(tx), instance_id, role, contact_id, a, &found, err);
	for (size_t i = 0; ok && i < found.count; i++)
		ok = cancel(tx_db(tx), &found.items[i], err);
	arena_free(a);
	return ok;
}

bool outbox_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct outbox_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), ROW "WHERE instance_id = ? ORDER BY id");
	bind_int(s, instance_id);
	*out = (struct outbox_list){0};
	return end_rows(s, a, out, err);
}

bool outbox_newest(struct view *v, int64_t instance_id, struct str role, int64_t day, struct arena *a, struct outbox_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), ROW "WHERE id IN (SELECT (SELECT o.id FROM outbox o WHERE o.instance_id = ?1 AND o.contact_id = p.contact_id"
	                                          " AND o.role = ?2 AND o.state <> 'cancelled' AND o.workflow <> '' ORDER BY o.id DESC LIMIT 1)"
	                                          " FROM (SELECT contact_id FROM participations WHERE instance_id = ?1 AND role = ?2"
	                                          " UNION SELECT g.contact_id FROM scopes s JOIN grants g ON g.rule_id = s.rule_id AND g.scope = s.scope"
	                                          " WHERE s.instance_id = ?1 AND s.role = ?2 AND ?3 BETWEEN g.from_day AND g.until_day) p) ORDER BY id");
	bind_int(s, instance_id);
	bind_text(s, role);
	bind_int(s, day);
	*out = (struct outbox_list){0};
	return end_rows(s, a, out, err);
}

/* Two statements, because nearly all rows are sent: the others have an index of their own. */
static struct stmt *query_states(struct db *db, unsigned states) {
	if (states & TO(OUTBOX_SENT))
		return db_query(db, ROW "WHERE state IN (?, ?, ?, ?, ?, ?, ?, ?) AND id > ? ORDER BY id LIMIT ?");
	return db_query(db, ROW "WHERE state <> 'sent' AND state IN (?, ?, ?, ?, ?, ?, ?, ?) AND id > ? ORDER BY id LIMIT ?");
}

static bool end_row(struct stmt *s, struct arena *a, struct outbox_row *out, bool *found, struct err *err) {
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found)
		read_row(s, a, out);
	stmt_end(s);
	return step != DB_FAIL;
}

bool outbox_of_link(struct view *v, int64_t instance_id, const unsigned char link_id[SECRET_ID], struct arena *a, struct outbox_row *out, bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), ROW "WHERE instance_id = ? AND link_id = ? ORDER BY id LIMIT 1");
	bind_int(s, instance_id);
	bind_blob(s, link_id, SECRET_ID);
	return end_row(s, a, out, found, err);
}

bool outbox_of_message_id(struct view *v, struct str message_id, struct arena *a, struct outbox_row *out, bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), ROW "WHERE message_id = ? ORDER BY id LIMIT 1");
	bind_text(s, message_id);
	return end_row(s, a, out, found, err);
}

bool outbox_texted(struct view *v, struct str number, int64_t since, int64_t limit, struct arena *a, struct outbox_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), ROW "WHERE channel = 2 AND recipient = ? AND state IN ('sent', 'begun', 'unknown') AND created_at >= ?"
	                                          " AND (workflow <> '' OR link_id IS NOT NULL) ORDER BY id DESC LIMIT ?");
	bind_text(s, number);
	bind_int(s, since);
	bind_int(s, limit);
	*out = (struct outbox_list){0};
	return end_rows(s, a, out, err);
}

bool outbox_list(struct view *v, unsigned states, int64_t after, int64_t limit, struct arena *a, struct outbox_list *out, struct err *err) {
	struct stmt *s = query_states(view_db(v), states);
	for (unsigned state = 0; state < STATES; state++)
		bind_text(s, str_from(states & TO(state) ? names[state] : ""));
	bind_int(s, after);
	bind_int(s, limit);
	*out = (struct outbox_list){0};
	return end_rows(s, a, out, err);
}

bool outbox_undelivered(struct view *v, int64_t after, int64_t limit, struct arena *a, struct outbox_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), ROW "WHERE delivery IN ('failed', 'expired') AND state = 'sent' AND id > ? ORDER BY id LIMIT ?");
	bind_int(s, after);
	bind_int(s, limit);
	*out = (struct outbox_list){0};
	return end_rows(s, a, out, err);
}
