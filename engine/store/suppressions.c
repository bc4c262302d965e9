#include "engine/store/suppressions.h"

#include "engine/base/address.h"
#include "engine/store/handle.h"

#define SUPPRESSION "SELECT channel, address, reason, at FROM suppressions "

static void bind_key(struct stmt *s, struct arena *a, enum channel channel, struct str address) {
	bind_int(s, channel);
	bind_text(s, address_key(a, address));
}

static void read_row(struct stmt *s, struct arena *a, struct suppression *out) {
	*out = (struct suppression){
	        .channel = (enum channel)stmt_int(s, 0),
	        .address = stmt_text(s, 1, a),
	        .reason = stmt_text(s, 2, a),
	        .at = stmt_int(s, 3),
	};
}

bool suppression_add(struct tx *tx, const struct suppression *row, bool *fresh, struct err *err) {
	int64_t changes;
	struct arena *a = arena_new();
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO suppressions (channel, key, address, reason, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
	bind_key(s, a, row->channel, row->address);
	bind_text(s, row->address);
	bind_text(s, row->reason);
	bind_int(s, row->at);
	bool ok = stmt_run(s, &changes, err);
	*fresh = ok && changes == 1;
	arena_free(a);
	return ok;
}

bool suppression_remove(struct tx *tx, enum channel channel, struct str address, bool *found, struct err *err) {
	int64_t changes;
	struct arena *a = arena_new();
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM suppressions WHERE channel = ? AND key = ?");
	bind_key(s, a, channel, address);
	bool ok = stmt_run(s, &changes, err);
	*found = ok && changes == 1;
	arena_free(a);
	return ok;
}

bool suppression_load(struct view *v, enum channel channel, struct str address, struct arena *a, struct suppression *out, bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), SUPPRESSION "WHERE channel = ? AND key = ?");
	bind_key(s, a, channel, address);
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found)
		read_row(s, a, out);
	stmt_end(s);
	return step != DB_FAIL;
}

bool suppression_list(struct view *v, int64_t skip, int64_t limit, struct arena *a, struct suppression_list *out, struct err *err) {
	enum db_step step;
	struct stmt *s = db_query(view_db(v), SUPPRESSION "ORDER BY at, key LIMIT ? OFFSET ?");
	bind_int(s, limit);
	bind_int(s, skip);
	*out = (struct suppression_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_row(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}
