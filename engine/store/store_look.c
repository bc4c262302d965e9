#include "engine/store/store_look.h"

#include "engine/store/db.h"
#include "engine/store/schema.h"

#include <string.h>

enum { SAID = 200 };

static bool read_int(struct db *db, const char *sql, int64_t *out, struct err *err) {
	struct stmt *s = db_query(db, sql);
	enum db_step step = stmt_step(s, err);
	*out = step == DB_ROW ? stmt_int(s, 0) : 0;
	stmt_end(s);
	return step != DB_FAIL;
}

static bool is_ours(struct db *db, struct err *err) {
	int64_t application, tables;
	return read_int(db, "PRAGMA application_id", &application, err) && read_int(db, "SELECT count(*) FROM sqlite_schema WHERE name IN ('schema_version', 'site', 'outbox')", &tables, err) &&
	       ((application == SCHEMA_APPLICATION && tables == 3) || err_set(err, ERR_PERMANENT, "store.foreign", "the file is no store of Stafet"));
}

static bool read_fingerprint(struct db *db, const unsigned char *fingerprint, struct store_seen *out, struct err *err) {
	unsigned char kept[SECRET_FINGERPRINT];
	struct stmt *s = db_query(db, "SELECT value FROM site WHERE name = 'fingerprint'");
	enum db_step step = stmt_step(s, err);
	out->key_known = fingerprint && step == DB_ROW;
	out->key_fits = out->key_known && stmt_bytes(s, 0, kept, sizeof kept) && memcmp(kept, fingerprint, sizeof kept) == 0;
	stmt_end(s);
	return step != DB_FAIL;
}

static bool read_work(struct db *db, struct store_seen *out, struct err *err) {
	return read_int(db, "SELECT count(*) FROM instances", &out->instances, err) && read_int(db, "SELECT at FROM history ORDER BY id DESC LIMIT 1", &out->changed_at, err);
}

static bool read_outbox(struct db *db, int64_t now, struct store_seen *out, struct err *err) {
	if (!read_int(db, "SELECT count(*) FROM outbox WHERE state = 'queued'", &out->queued, err) ||
	    !read_int(db, "SELECT count(*) FROM outbox WHERE state = 'unknown'", &out->unknown, err) ||
	    !read_int(db, "SELECT count(*) FROM outbox WHERE state = 'failed' OR state = 'expired'", &out->failed, err) ||
	    !read_int(db, "SELECT min(next_at) FROM outbox WHERE state = 'queued'", &out->late_since, err))
		return false;
	if (out->late_since > now)
		out->late_since = 0;
	return true;
}

bool store_look(const char *path, const unsigned char *fingerprint, int64_t now, struct store_seen *out, struct err *err) {
	struct db *db;
	*out = (struct store_seen){.newest = schema_newest()};
	if (!db_open(&db, path, DB_READER, err))
		return false;
	bool ok = is_ours(db, err) && read_int(db, "SELECT max(version) FROM schema_version", &out->version, err) && read_fingerprint(db, fingerprint, out, err) &&
	          read_work(db, out, err) && read_outbox(db, now, out, err);
	db_close(db);
	return ok;
}

/* One row "ok", or up to a hundred that say what is wrong. */
static bool check_pages(struct db *db, struct arena *a, struct err *err) {
	struct stmt *s = db_query(db, "PRAGMA integrity_check");
	enum db_step step = stmt_step(s, err);
	struct str said = step == DB_ROW ? stmt_text(s, 0, a) : STR("");
	stmt_end(s);
	return step != DB_FAIL && (str_is(said, "ok") || err_set(err, ERR_PERMANENT, "store.broken", "%.*s", (int)(said.len < SAID ? said.len : SAID), said.at));
}

static bool check_references(struct db *db, struct arena *a, struct err *err) {
	struct stmt *s = db_query(db, "PRAGMA foreign_key_check");
	enum db_step step = stmt_step(s, err);
	struct str table = step == DB_ROW ? stmt_text(s, 0, a) : STR("");
	int64_t row = step == DB_ROW ? stmt_int(s, 1) : 0;
	stmt_end(s);
	return step == DB_DONE || (step == DB_ROW && err_set(err, ERR_PERMANENT, "store.broken", "row %lld of %.*s refers to one that is not there", (long long)row, STR_ARG(table)));
}

bool store_check(const char *path, struct err *err) {
	struct db *db;
	if (!db_open(&db, path, DB_PATIENT, err))
		return false;
	struct arena *a = arena_new();
	bool ok = check_pages(db, a, err) && check_references(db, a, err);
	arena_free(a);
	db_close(db);
	return ok;
}
