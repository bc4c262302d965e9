#include "engine/store/mailbox.h"

#include "engine/store/handle.h"

#define SIGNAL "SELECT id, instance_id, root_id, from_instance_id, event, data, at, hops, role, actor, files, refused FROM mailbox "

bool signal_is_answer(const struct signal_row *row) {
	return row->data.len + row->files.len + row->refused.len > 0;
}

bool mailbox_put(struct tx *tx, const struct signal_row *row, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO mailbox (instance_id, root_id, from_instance_id, event, data, at, hops, role, actor, files, refused)"
	                                     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	bind_int(s, row->instance_id);
	bind_int(s, row->root_id);
	bind_int_or_null(s, row->from_instance_id, row->from_instance_id != 0);
	bind_text(s, row->event);
	bind_text(s, row->data);
	bind_int(s, row->at);
	bind_int(s, row->hops);
	bind_text(s, row->role);
	bind_text(s, row->actor);
	bind_text(s, row->files);
	bind_text(s, row->refused);
	return stmt_run(s, NULL, err);
}

static struct stmt *query_next(struct db *db, int64_t root_id) {
	if (root_id == 0)
		return db_query(db, SIGNAL "WHERE held = 0 ORDER BY id LIMIT 1");
	struct stmt *s = db_query(db, SIGNAL "WHERE held = 0 AND root_id = ? ORDER BY id LIMIT 1");
	bind_int(s, root_id);
	return s;
}

static struct signal_row read_signal(struct stmt *s, struct arena *a) {
	return (struct signal_row){
	        .id = stmt_int(s, 0),
	        .instance_id = stmt_int(s, 1),
	        .root_id = stmt_int(s, 2),
	        .from_instance_id = stmt_int(s, 3),
	        .event = stmt_text(s, 4, a),
	        .data = stmt_text(s, 5, a),
	        .at = stmt_int(s, 6),
	        .hops = stmt_int(s, 7),
	        .role = stmt_text(s, 8, a),
	        .actor = stmt_text(s, 9, a),
	        .files = stmt_text(s, 10, a),
	        .refused = stmt_text(s, 11, a),
	};
}

bool mailbox_next(struct view *v, int64_t root_id, struct arena *a, struct signal_row *out, bool *found, struct err *err) {
	struct stmt *s = query_next(view_db(v), root_id);
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found)
		*out = read_signal(s, a);
	stmt_end(s);
	return step != DB_FAIL;
}

bool mailbox_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct signal_rows *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), SIGNAL "WHERE instance_id = ? ORDER BY id");
	enum db_step step;
	bind_int(s, instance_id);
	*out = (struct signal_rows){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct signal_row *)ARENA_PUSH(a, out) = read_signal(s, a);
	stmt_end(s);
	return step == DB_DONE;
}

bool mailbox_remove(struct tx *tx, int64_t id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM mailbox WHERE id = ?");
	bind_int(s, id);
	return row_changed(s, "signal", err);
}

bool mailbox_hold(struct tx *tx, int64_t id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE mailbox SET held = 1 WHERE id = ? AND held = 0");
	bind_int(s, id);
	return row_changed(s, "signal", err);
}

static bool holds_any(struct db *db, int64_t instance_id, bool *any, struct err *err) {
	struct stmt *s = db_query(db, "SELECT 1 FROM mailbox WHERE instance_id = ? AND held = 1 LIMIT 1");
	bind_int(s, instance_id);
	enum db_step step = stmt_step(s, err);
	*any = step == DB_ROW;
	stmt_end(s);
	return step != DB_FAIL;
}

/* Looked for first: nearly never there is one, and SQLite prepares a lot to change many. */
bool mailbox_release(struct tx *tx, int64_t instance_id, bool *any, struct err *err) {
	if (!holds_any(tx_db(tx), instance_id, any, err))
		return false;
	if (!*any)
		return true;
	struct stmt *s = db_query(tx_db(tx), "UPDATE mailbox SET held = 0 WHERE instance_id = ? AND held = 1");
	bind_int(s, instance_id);
	return stmt_run(s, NULL, err);
}
