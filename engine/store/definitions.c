#include "engine/store/instances.h"

#include "engine/store/handle.h"

bool definition_keep(struct tx *tx, const unsigned char hash[SECRET_HASH], struct str workflow, struct str source, int64_t now, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO definitions (hash, workflow, source, kept_at) VALUES (?, ?, ?, ?)"
	                                     " ON CONFLICT (hash) DO NOTHING");
	bind_blob(s, hash, SECRET_HASH);
	bind_text(s, workflow);
	bind_text(s, source);
	bind_int(s, now);
	return stmt_run(s, NULL, err);
}

bool definition_in_use(struct view *v, struct arena *a, struct kept_definition_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT d.hash, d.workflow, d.source FROM definitions d WHERE EXISTS"
	                                      " (SELECT 1 FROM instances i WHERE i.definition = d.hash AND i.ended_at IS NULL)"
	                                      " ORDER BY d.id");
	enum db_step step;
	*out = (struct kept_definition_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW) {
		struct kept_definition *kept = ARENA_PUSH(a, out);
		stmt_bytes(s, 0, kept->hash, sizeof kept->hash);
		kept->workflow = stmt_text(s, 1, a);
		kept->source = stmt_text(s, 2, a);
	}
	stmt_end(s);
	return step == DB_DONE;
}

bool definition_load_kept(struct view *v, const unsigned char hash[SECRET_HASH], struct arena *a, struct str *source, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT source FROM definitions WHERE hash = ?");
	bind_blob(s, hash, SECRET_HASH);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*source = stmt_text(s, 0, a);
	stmt_end(s);
	return row_found(step, "definition", err);
}
