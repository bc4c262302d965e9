#include "engine/store/links.h"

#include "engine/store/handle.h"

bool draft_save(struct tx *tx, const unsigned char link_id[SECRET_ID], struct str task, struct str answers, int64_t now, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO drafts (link_id, task, answers, saved_at) VALUES (?, ?, ?, ?)"
	                                     " ON CONFLICT (link_id, task) DO UPDATE SET answers = excluded.answers, saved_at = excluded.saved_at");
	bind_blob(s, link_id, SECRET_ID);
	bind_text(s, task);
	bind_text(s, answers);
	bind_int(s, now);
	return stmt_run(s, NULL, err);
}

bool draft_load(struct view *v, const unsigned char link_id[SECRET_ID], struct str task, struct arena *a, struct str *answers, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT answers FROM drafts WHERE link_id = ? AND task = ?");
	bind_blob(s, link_id, SECRET_ID);
	bind_text(s, task);
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

bool draft_move(struct tx *tx, const unsigned char from[SECRET_ID], const unsigned char to[SECRET_ID], struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE drafts SET link_id = ? WHERE link_id = ?");
	bind_blob(s, to, SECRET_ID);
	bind_blob(s, from, SECRET_ID);
	return stmt_run(s, NULL, err);
}

static const int64_t RENEWABLE_MS = INT64_C(30) * 86400000;

static bool sweep(struct db *db, const char *sql, int64_t now, int64_t limit, struct err *err) {
	struct stmt *s = db_query(db, sql);
	bind_int(s, now);
	bind_int(s, limit);
	return stmt_run(s, NULL, err);
}

/* The first file of a draft that goes: to delete one costs what it cost to write. */
static bool sweep_file(struct db *db, int64_t now, bool *found, struct err *err) {
	struct stmt *s = db_query(db, "DELETE FROM blobs WHERE id = (SELECT b.id FROM blobs b JOIN links l ON l.id = b.link_id WHERE b.link_id IS NOT NULL AND"
	                              " (l.state <> 'live' OR (l.kind = 'start' AND l.expires_at <= ?) OR l.expires_at <= ?) LIMIT 1)");
	int64_t changed;
	bind_int(s, now);
	bind_int(s, now - RENEWABLE_MS);
	bool ok = stmt_run(s, &changed, err);
	*found = ok && changed > 0;
	return ok;
}

/* Drafts go with their links (ON DELETE CASCADE). A task's link stays when it has ended, and only its draft goes. */
bool draft_sweep(struct tx *tx, int64_t now, int64_t limit, bool *left, struct err *err) {
	if (!sweep_file(tx_db(tx), now, left, err) || *left)
		return *left;
	return sweep(tx_db(tx), "DELETE FROM links WHERE number IN (SELECT number FROM links WHERE kind = 'start' AND"
	                        " state = 'live' AND expires_at <= ? ORDER BY expires_at LIMIT ?)", now, limit, err) &&
	       sweep(tx_db(tx), "DELETE FROM drafts WHERE link_id IN (SELECT d.link_id FROM drafts d JOIN links l ON l.id = d.link_id"
	                        " WHERE l.state <> 'live' OR l.expires_at <= ? LIMIT ?)", now - RENEWABLE_MS, limit, err);
}
