#include "engine/store/links.h"

#include "engine/store/handle.h"

bool draft_save(struct tx *tx, const unsigned char link_id[SECRET_ID], struct str answers, int64_t now, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO drafts (link_id, answers, saved_at) VALUES (?, ?, ?)"
	                                     " ON CONFLICT (link_id) DO UPDATE SET answers = excluded.answers, saved_at = excluded.saved_at");
	bind_blob(s, link_id, SECRET_ID);
	bind_text(s, answers);
	bind_int(s, now);
	return stmt_run(s, NULL, err);
}

bool draft_load(struct view *v, const unsigned char link_id[SECRET_ID], struct arena *a, struct str *answers, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT answers FROM drafts WHERE link_id = ?");
	bind_blob(s, link_id, SECRET_ID);
	enum db_step step = stmt_step(s, err);
	*answers = step == DB_ROW ? stmt_text(s, 0, a) : STR("");
	stmt_end(s);
	return step != DB_FAIL;
}

bool draft_remove(struct tx *tx, const unsigned char link_id[SECRET_ID], struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM drafts WHERE link_id = ?");
	bind_blob(s, link_id, SECRET_ID);
	return stmt_run(s, NULL, err);
}

/* Drafts go with their links (ON DELETE CASCADE). */
bool draft_sweep(struct tx *tx, int64_t now, int64_t limit, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM links WHERE number IN (SELECT number FROM links WHERE kind = 'start' AND"
	                                     " state = 'live' AND expires_at <= ? ORDER BY expires_at LIMIT ?)");
	bind_int(s, now);
	bind_int(s, limit);
	return stmt_run(s, NULL, err);
}
