#include "engine/store/outbox.h"

#include "engine/store/handle.h"

#define CAPTURED "SELECT id, outbox_id, at, channel, recipient, raw FROM captured "

static void read_captured(struct stmt *s, struct arena *a, struct captured *out) {
	*out = (struct captured){
	        .id = stmt_int(s, 0),
	        .outbox_id = stmt_int(s, 1),
	        .at = stmt_int(s, 2),
	        .channel = (enum channel)stmt_int(s, 3),
	        .to = stmt_text(s, 4, a),
	        .raw = stmt_blob(s, 5, a),
	};
}

bool captured_put(struct tx *tx, const struct captured *row, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO captured (outbox_id, at, channel, recipient, raw) VALUES (?, ?, ?, ?, ?)");
	bind_int_or_null(s, row->outbox_id, row->outbox_id != 0);
	bind_int(s, row->at);
	bind_int(s, row->channel);
	bind_text(s, row->to);
	bind_blob(s, row->raw.at, row->raw.len);
	return stmt_run(s, NULL, err);
}

bool captured_list(struct view *v, int64_t after, int64_t limit, struct arena *a, struct captured_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), CAPTURED "WHERE id > ? ORDER BY id LIMIT ?");
	bind_int(s, after);
	bind_int(s, limit);
	enum db_step step;
	*out = (struct captured_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_captured(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

bool captured_load(struct view *v, int64_t id, struct arena *a, struct captured *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), CAPTURED "WHERE id = ?");
	bind_int(s, id);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		read_captured(s, a, out);
	stmt_end(s);
	return row_found(step, "captured message", err);
}
