#include "engine/store/reports.h"

#include "engine/base/log.h"
#include "engine/store/handle.h"

static void put_number(unsigned char *to, uint64_t number) {
	for (int i = 0; i < 8; i++)
		to[i] = (unsigned char)(number >> (56 - 8 * i));
}

static uint64_t get_number(const unsigned char *from) {
	uint64_t number = 0;
	for (int i = 0; i < 8; i++)
		number = number << 8 | from[i];
	return number;
}

bool report_token(const struct keyring *keys, int64_t outbox_id, char out[SECRET_TOKEN + 1]) {
	unsigned char id[SECRET_ID];
	int64_t key = keyring_current(keys);
	put_number(id, (uint64_t)outbox_id);
	put_number(id + 8, (uint64_t)key);
	return token_make(keys, key, "report", id, out);
}

bool report_token_read(const struct keyring *keys, struct str token, int64_t *outbox_id) {
	unsigned char id[SECRET_ID], mac[SECRET_MAC];
	if (!token_split(token, id, mac) || !token_verify(keys, (int64_t)get_number(id + 8), "report", id, mac))
		return false;
	*outbox_id = (int64_t)get_number(id);
	return true;
}

/* *count: how many it has; NOT_FOUND: there is no such message. */
static bool count_of(struct db *db, int64_t outbox_id, int64_t *count, struct err *err) {
	struct stmt *s = db_query(db, "SELECT (SELECT count(*) FROM reports WHERE outbox_id = o.id) FROM outbox o WHERE o.id = ?");
	bind_int(s, outbox_id);
	enum db_step step = stmt_step(s, err);
	*count = step == DB_ROW ? stmt_int(s, 0) : 0;
	stmt_end(s);
	return row_found(step, "message", err);
}

bool report_put(struct tx *tx, struct report *report, struct err *err) {
	int64_t count;
	BUG_IF(report->query.len + report->type.len + report->body.len > 2 * REPORT_BYTES);
	if (!count_of(tx_db(tx), report->outbox_id, &count, err))
		return false;
	if (count >= REPORTS_OF_ONE)
		return err_set(err, ERR_CONFLICT, "store.conflict", "message %lld has %d reports already", (long long)report->outbox_id, REPORTS_OF_ONE);
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO reports (outbox_id, at, query, type, body) VALUES (?, ?, ?, ?, ?)");
	bind_int(s, report->outbox_id);
	bind_int(s, report->at);
	bind_blob(s, report->query.at, report->query.len);
	bind_blob(s, report->type.at, report->type.len);
	bind_blob(s, report->body.at, report->body.len);
	if (!stmt_run(s, NULL, err))
		return false;
	report->id = db_last_id(tx_db(tx));
	return true;
}

#define REPORT "SELECT r.id, r.outbox_id, r.at, coalesce(r.read_at, 0), r.query, r.type, r.body FROM reports r "

static bool end_reports(struct stmt *s, struct arena *a, struct report_list *out, struct err *err) {
	enum db_step step;
	*out = (struct report_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct report *)ARENA_PUSH(a, out) = (struct report){
		        .id = stmt_int(s, 0),
		        .outbox_id = stmt_int(s, 1),
		        .at = stmt_int(s, 2),
		        .read_at = stmt_int(s, 3),
		        .query = stmt_blob(s, 4, a),
		        .type = stmt_blob(s, 5, a),
		        .body = stmt_blob(s, 6, a),
		};
	stmt_end(s);
	return step == DB_DONE;
}

bool reports_unread(struct view *v, int64_t limit, struct arena *a, struct report_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), REPORT "JOIN outbox o ON o.id = r.outbox_id WHERE r.read_at IS NULL AND o.state NOT IN ('leased', 'begun')"
	                                             " ORDER BY r.id LIMIT ?");
	bind_int(s, limit);
	return end_reports(s, a, out, err);
}

bool reports_of(struct view *v, int64_t outbox_id, struct arena *a, struct report_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), REPORT "WHERE r.outbox_id = ? ORDER BY r.id");
	bind_int(s, outbox_id);
	return end_reports(s, a, out, err);
}

bool delivery_begin(struct tx *tx, int64_t outbox_id, int64_t parts, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE outbox SET parts = ?, delivery = 'none', delivery_at = NULL, delivery_reason = '' WHERE id = ?");
	bind_int(s, parts);
	bind_int(s, outbox_id);
	return row_changed(s, "message", err);
}

/* *fresh false: somebody has read it already. */
static bool mark(struct db *db, int64_t id, int64_t now, bool *fresh, struct err *err) {
	int64_t changes;
	struct stmt *s = db_query(db, "UPDATE reports SET read_at = ? WHERE id = ? AND read_at IS NULL");
	bind_int(s, now);
	bind_int(s, id);
	if (!stmt_run(s, &changes, err))
		return false;
	*fresh = changes == 1;
	return true;
}

static bool write_delivery(struct db *db, const struct report *report, enum delivery delivery, struct str reason, struct err *err) {
	struct stmt *s = db_query(db, "UPDATE outbox SET delivery = ?, delivery_at = ?, delivery_reason = ? WHERE id = ?");
	bind_text(s, str_from(delivery_name(delivery)));
	bind_int(s, report->at);
	bind_text(s, reason);
	bind_int(s, report->outbox_id);
	return row_changed(s, "message", err);
}

static bool shows_taken(enum outbox_state state, enum delivery delivery) {
	bool arrives = delivery == DELIVERY_DELIVERED || delivery == DELIVERY_ON_WAY;
	return (state == OUTBOX_UNKNOWN && delivery != DELIVERY_NONE) || ((state == OUTBOX_QUEUED || state == OUTBOX_FAILED || state == OUTBOX_EXPIRED) && arrives);
}

bool report_read(struct tx *tx, const struct report *report, enum delivery delivery, struct str reason, int64_t now, struct err *err) {
	struct outbox_row row;
	bool fresh;
	if (!mark(tx_db(tx), report->id, now, &fresh, err))
		return false;
	if (!fresh)
		return true;
	struct arena *a = arena_new();
	bool ok = outbox_load(tx_view(tx), report->outbox_id, a, &row, err);
	enum delivery after = ok ? delivery_after(row.delivery, delivery, row.parts) : DELIVERY_NONE;
	if (ok && after != row.delivery) {
		ok = write_delivery(tx_db(tx), report, after, reason, err);
		log_event(after == DELIVERY_FAILED || after == DELIVERY_EXPIRED ? LOG_WARN : LOG_INFO, "delivery-moved", "id=%lld from=%s to=%s", (long long)row.id,
		          delivery_name(row.delivery), delivery_name(after));
	}
	if (ok && shows_taken(row.state, delivery))
		ok = outbox_confirm(tx, row.id, report->at, err);
	arena_free(a);
	return ok;
}

bool report_sweep(struct tx *tx, int64_t before, int64_t limit, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM reports WHERE id IN (SELECT r.id FROM reports r JOIN outbox o ON o.id = r.outbox_id"
	                                     " LEFT JOIN instances i ON i.id = o.instance_id WHERE r.at <= ?1 AND (i.id IS NULL OR i.ended_at <= ?1) ORDER BY r.at LIMIT ?2)");
	bind_int(s, before);
	bind_int(s, limit);
	return stmt_run(s, NULL, err);
}
