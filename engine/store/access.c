#include "engine/store/access.h"

#include "engine/store/handle.h"

/* Up to this many occurrences of a window are kept to the millisecond; more are added to the last one, so that
 * a flood cannot fill the store. */
enum { EXACT = 64 };
static const int64_t KEPT_MS = INT64_C(31) * 86400000;

struct tally {
	int64_t rows, hits, last_at;
};

static bool tally(struct db *db, struct str name, struct str key, int64_t since, struct tally *out, struct err *err) {
	struct stmt *s = db_query(db, "SELECT count(*), coalesce(sum(hits), 0), max(at) FROM counters WHERE name = ? AND key = ? AND at > ?");
	bind_text(s, name);
	bind_text(s, key);
	bind_int(s, since);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*out = (struct tally){stmt_int(s, 0), stmt_int(s, 1), stmt_int(s, 2)};
	stmt_end(s);
	return step == DB_ROW;
}

static bool forget(struct db *db, struct str name, struct str key, int64_t until, struct err *err) {
	struct stmt *s = db_query(db, "DELETE FROM counters WHERE name = ? AND key = ? AND at <= ?");
	bind_text(s, name);
	bind_text(s, key);
	bind_int(s, until);
	return stmt_run(s, NULL, err);
}

bool counter_add(struct tx *tx, struct str name, struct str key, int64_t now, int64_t window_ms, int64_t *count, struct err *err) {
	struct db *db = tx_db(tx);
	struct tally t;
	if (!forget(db, name, key, now - window_ms, err) || !tally(db, name, key, now - window_ms, &t, err))
		return false;
	struct stmt *s = db_query(db, "INSERT INTO counters (name, key, at, hits) VALUES (?, ?, ?, 1)"
	                              " ON CONFLICT (name, key, at) DO UPDATE SET hits = hits + 1");
	bind_text(s, name);
	bind_text(s, key);
	bind_int(s, t.rows < EXACT ? now : t.last_at);
	*count = t.hits + 1;
	return stmt_run(s, NULL, err);
}

bool counter_read(struct view *v, struct str name, struct str key, int64_t now, int64_t window_ms, int64_t *count, struct err *err) {
	struct tally t;
	if (!tally(view_db(v), name, key, now - window_ms, &t, err))
		return false;
	*count = t.hits;
	return true;
}

bool counter_clear(struct tx *tx, struct str name, struct str key, struct err *err) {
	return forget(tx_db(tx), name, key, INT64_MAX, err);
}

static bool run_until(struct stmt *s, int64_t until, int64_t limit, struct err *err) {
	bind_int(s, until);
	bind_int(s, limit);
	return stmt_run(s, NULL, err);
}

bool counter_sweep(struct tx *tx, int64_t now, int64_t limit, struct err *err) {
	struct db *db = tx_db(tx);
	int64_t until = now - KEPT_MS;
	return run_until(db_query(db, "DELETE FROM counters WHERE (name, key, at) IN"
	                              " (SELECT name, key, at FROM counters WHERE at <= ? ORDER BY at LIMIT ?)"),
	                 until, limit, err) &&
	       run_until(db_query(db, "DELETE FROM logins WHERE number IN"
	                              " (SELECT number FROM logins WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"),
	                 until, limit, err) &&
	       run_until(db_query(db, "DELETE FROM sessions WHERE number IN"
	                              " (SELECT number FROM sessions WHERE ends_at <= ? ORDER BY ends_at LIMIT ?)"),
	                 until, limit, err);
}

bool login_insert(struct tx *tx, const struct login *login, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO logins (id, browser, key_id, contact_id, address, created_at, expires_at, tries,"
	                                     " max_tries, used_at, sent_at, digits) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	bind_blob(s, login->id, sizeof login->id);
	bind_blob(s, login->browser, sizeof login->browser);
	bind_int(s, login->key_id);
	bind_int_or_null(s, login->contact_id, login->contact_id != 0);
	bind_text(s, login->address);
	bind_int(s, login->created_at);
	bind_int(s, login->expires_at);
	bind_int(s, login->tries);
	bind_int(s, login->max_tries);
	bind_int_or_null(s, login->used_at, login->used_at != 0);
	bind_int_or_null(s, login->sent_at, login->sent_at != 0);
	bind_int(s, login->digits);
	return stmt_run(s, NULL, err);
}

bool login_load(struct view *v, const unsigned char id[SECRET_ID], struct arena *a, struct login *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT id, browser, key_id, contact_id, address, created_at, expires_at, tries, max_tries,"
	                                      " used_at, sent_at, digits FROM logins WHERE id = ?");
	bind_blob(s, id, SECRET_ID);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW) {
		*out = (struct login){
		        .key_id = stmt_int(s, 2),
		        .contact_id = stmt_int(s, 3),
		        .address = stmt_text(s, 4, a),
		        .created_at = stmt_int(s, 5),
		        .expires_at = stmt_int(s, 6),
		        .tries = stmt_int(s, 7),
		        .max_tries = stmt_int(s, 8),
		        .used_at = stmt_int(s, 9),
		        .sent_at = stmt_int(s, 10),
		        .digits = (int)stmt_int(s, 11),
		};
		stmt_bytes(s, 0, out->id, sizeof out->id);
		stmt_bytes(s, 1, out->browser, sizeof out->browser);
	}
	stmt_end(s);
	return row_found(step, "log-in request", err);
}

bool login_find(struct view *v, const unsigned char browser[SECRET_HASH], struct arena *a, struct login *out, bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT id FROM logins WHERE browser = ? ORDER BY number DESC LIMIT 1");
	unsigned char id[SECRET_ID];
	bind_blob(s, browser, SECRET_HASH);
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found)
		stmt_bytes(s, 0, id, sizeof id);
	stmt_end(s);
	return *found ? login_load(v, id, a, out, err) : step != DB_FAIL;
}

bool login_try(struct tx *tx, const unsigned char id[SECRET_ID], int64_t now, struct arena *a, struct login *out, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE logins SET tries = tries + 1 WHERE id = ? AND used_at IS NULL AND expires_at > ?"
	                                     " AND tries < max_tries");
	bind_blob(s, id, SECRET_ID);
	bind_int(s, now);
	return row_changed(s, "log-in request", err) && login_load(tx_view(tx), id, a, out, err);
}

bool login_use(struct tx *tx, const unsigned char id[SECRET_ID], int64_t now, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE logins SET used_at = ? WHERE id = ? AND used_at IS NULL AND expires_at > ?");
	bind_int(s, now);
	bind_blob(s, id, SECRET_ID);
	bind_int(s, now);
	return row_changed(s, "log-in request", err);
}

bool session_insert(struct tx *tx, const struct session *session, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO sessions (id, contact_id, created_at, seen_at, ends_at) VALUES (?, ?, ?, ?, ?)");
	bind_blob(s, session->id, sizeof session->id);
	bind_int(s, session->contact_id);
	bind_int(s, session->created_at);
	bind_int(s, session->seen_at);
	bind_int(s, session->ends_at);
	return stmt_run(s, NULL, err);
}

bool session_load(struct view *v, const unsigned char id[SECRET_HASH], int64_t now, int64_t idle_ms, struct session *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT id, contact_id, created_at, seen_at, ends_at FROM sessions"
	                                      " WHERE id = ? AND ends_at > ? AND seen_at > ?");
	bind_blob(s, id, SECRET_HASH);
	bind_int(s, now);
	bind_int(s, now - idle_ms);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW) {
		*out = (struct session){
		        .contact_id = stmt_int(s, 1),
		        .created_at = stmt_int(s, 2),
		        .seen_at = stmt_int(s, 3),
		        .ends_at = stmt_int(s, 4),
		};
		stmt_bytes(s, 0, out->id, sizeof out->id);
	}
	stmt_end(s);
	return row_found(step, "session", err);
}

bool session_touch(struct tx *tx, const unsigned char id[SECRET_HASH], int64_t now, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE sessions SET seen_at = ? WHERE id = ? AND seen_at < ?");
	bind_int(s, now);
	bind_blob(s, id, SECRET_HASH);
	bind_int(s, now);
	return stmt_run(s, NULL, err);
}

bool session_remove(struct tx *tx, const unsigned char id[SECRET_HASH], struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM sessions WHERE id = ?");
	bind_blob(s, id, SECRET_HASH);
	return stmt_run(s, NULL, err);
}

bool session_remove_all(struct tx *tx, int64_t contact_id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM sessions WHERE contact_id = ?");
	bind_int(s, contact_id);
	return stmt_run(s, NULL, err);
}

bool session_remove_everybody(struct tx *tx, int64_t *count, struct err *err) {
	return stmt_run(db_query(tx_db(tx), "DELETE FROM sessions"), count, err);
}

bool session_list(struct view *v, int64_t now, int64_t skip, int64_t limit, struct arena *a, struct session_list *out, struct err *err) {
	enum db_step step;
	struct stmt *s = db_query(view_db(v), "SELECT contact_id, created_at, seen_at, ends_at FROM sessions WHERE ends_at > ? ORDER BY created_at DESC, number DESC LIMIT ? OFFSET ?");
	bind_int(s, now);
	bind_int(s, limit);
	bind_int(s, skip);
	*out = (struct session_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct session *)ARENA_PUSH(a, out) = (struct session){.contact_id = stmt_int(s, 0), .created_at = stmt_int(s, 1), .seen_at = stmt_int(s, 2), .ends_at = stmt_int(s, 3)};
	stmt_end(s);
	return step == DB_DONE;
}

static bool browser_find(struct db *db, int64_t contact_id, const unsigned char id[SECRET_HASH], int64_t since, enum browser_met *met, struct err *err) {
	struct stmt *s = db_query(db, "SELECT count(*), coalesce(max(id = ? AND seen_at > ?), 0) FROM browsers WHERE contact_id = ?");
	bind_blob(s, id, SECRET_HASH);
	bind_int(s, since);
	bind_int(s, contact_id);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*met = stmt_int(s, 0) == 0 ? BROWSER_FIRST : stmt_int(s, 1) ? BROWSER_KNOWN : BROWSER_NEW;
	stmt_end(s);
	return step == DB_ROW;
}

bool browser_known(struct view *v, int64_t contact_id, const unsigned char id[SECRET_HASH], int64_t since, bool *known, struct err *err) {
	enum browser_met met;
	if (!browser_find(view_db(v), contact_id, id, since, &met, err))
		return false;
	*known = met == BROWSER_KNOWN;
	return true;
}

bool browser_meet(struct tx *tx, int64_t contact_id, const unsigned char id[SECRET_HASH], int64_t now, int64_t since, enum browser_met *met, struct err *err) {
	struct db *db = tx_db(tx);
	if (!browser_find(db, contact_id, id, since, met, err))
		return false;
	struct stmt *s = db_query(db, "INSERT INTO browsers (contact_id, id, seen_at) VALUES (?, ?, ?)"
	                              " ON CONFLICT (contact_id, id) DO UPDATE SET seen_at = excluded.seen_at");
	bind_int(s, contact_id);
	bind_blob(s, id, SECRET_HASH);
	bind_int(s, now);
	if (!stmt_run(s, NULL, err))
		return false;
	s = db_query(db, "DELETE FROM browsers WHERE contact_id = ?1 AND number NOT IN"
	                 " (SELECT number FROM browsers WHERE contact_id = ?1 ORDER BY seen_at DESC, number DESC LIMIT ?2)");
	bind_int(s, contact_id);
	bind_int(s, BROWSERS);
	return stmt_run(s, NULL, err);
}
