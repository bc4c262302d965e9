#include "engine/store/facts.h"

#include "engine/store/handle.h"

bool fact_put(struct tx *tx, const struct fact *fact, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO facts (instance_id, item, basis, contact_id, history_id, at) VALUES (?, ?, ?, ?, ?, ?)"
	                                     " ON CONFLICT (instance_id, item) DO UPDATE SET basis = excluded.basis,"
	                                     " contact_id = excluded.contact_id, history_id = excluded.history_id, at = excluded.at");
	bind_int(s, fact->instance_id);
	bind_text(s, fact->item);
	bind_text(s, fact->basis);
	bind_int_or_null(s, fact->contact_id, fact->contact_id != 0);
	bind_int_or_null(s, fact->history_id, fact->history_id != 0);
	bind_int(s, fact->at);
	return stmt_run(s, NULL, err);
}

bool fact_find(struct view *v, int64_t instance_id, struct str item, struct arena *a, struct fact *out, bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT basis, contact_id, history_id, at FROM facts WHERE instance_id = ? AND item = ?");
	bind_int(s, instance_id);
	bind_text(s, item);
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found)
		*out = (struct fact){
		        .instance_id = instance_id,
		        .item = arena_str(a, item),
		        .basis = stmt_text(s, 0, a),
		        .contact_id = stmt_int(s, 1),
		        .history_id = stmt_int(s, 2),
		        .at = stmt_int(s, 3),
		};
	stmt_end(s);
	return step != DB_FAIL;
}

bool fact_remove(struct tx *tx, int64_t instance_id, struct str item, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM facts WHERE instance_id = ? AND item = ?");
	bind_int(s, instance_id);
	bind_text(s, item);
	return stmt_run(s, NULL, err);
}
