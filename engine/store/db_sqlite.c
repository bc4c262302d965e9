#include "engine/store/db.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 512, READER_WORK_MS = 1000, READER_WAIT_MS = 2000, BUSY_WAIT_MS = 200, PROGRESS_STEPS = 2000, PAGE = 4096 };

struct stmt {
	const char *sql; /* its address is the key of the cache */
	sqlite3_stmt *handle;
	struct db *db;
	int bound;
	int error; /* of preparing or binding; the first step tells it */
	bool busy, writes;
	int64_t deadline_at; /* monotonic; 0: not stepped yet */
	int64_t work_until;  /* processor time of the thread; 0: it has done too little to be asked */
};

struct db {
	sqlite3 *handle;
	enum db_mode mode;
	struct stmt *slots[SLOTS]; /* open addressing, never removed from */
	size_t statements;
	struct stmt *stepping; /* NULL: one is prepared, which may read the schema */
	int64_t fail_in;     /* fault tests: calls left until one fails; 0: none will */
	int64_t wal_pages;
};

/* A disk that cannot be read makes SQLite say "malformed" as well (SQLITE_IOERR_CORRUPTFS). */
static bool is_broken(int code) {
	return (code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB;
}

/* What the store cannot do says nothing about the job: only what would be so on a sound disk too is PERMANENT. */
static enum err_kind kind_of(int code) {
	switch (code & 0xFF) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_INTERRUPT:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
	case SQLITE_ABORT:
		return ERR_TRANSIENT;
	case SQLITE_TOOBIG:
		return ERR_INPUT;
	case SQLITE_CONSTRAINT:
		/* Only these mean that somebody was faster; a broken foreign key or check is a fault of ours. */
		return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
		                       code == SQLITE_CONSTRAINT_ROWID
		               ? ERR_CONFLICT
		               : ERR_PERMANENT;
	default:
		return ERR_PERMANENT;
	}
}

static bool fail(struct db *db, int code, const char *doing, struct err *err) {
	BUG_IF((code & 0xFF) == SQLITE_NOMEM || (code & 0xFF) == SQLITE_MISUSE);
	enum err_kind kind = kind_of(code);
	const char *key = is_broken(code)         ? "store.broken"
	                  : kind == ERR_CONFLICT  ? "store.conflict"
	                  : kind == ERR_TRANSIENT ? "store.busy"
	                  : kind == ERR_INPUT     ? "store.too_big"
	                                          : "store.broken";
	bool own_text = db->handle && sqlite3_extended_errcode(db->handle) == code;
	err_set(err, kind, key, "%s (%d) in: %.160s", own_text ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code), code, doing);
	if (is_broken(code))
		log_err(LOG_ERROR, "store-broken", err);
	return false;
}

/* As SQLite does on a full disk: the whole transaction is gone, not only the statement. */
static bool fault_due(struct db *db) {
	if (db->fail_in == 0 || --db->fail_in > 0)
		return false;
	db_rollback(db);
	return true;
}

static int statement_is_late(void *context) {
	struct stmt *s = ((struct db *)context)->stepping;
	if (!s)
		return 0;
	int64_t work = clock_processor();
	if (s->work_until == 0)
		s->work_until = work + READER_WORK_MS;
	return work > s->work_until || clock_monotonic() > s->deadline_at;
}

static int wal_grew(void *context, sqlite3 *handle, const char *name, int pages) {
	(void)handle;
	(void)name;
	((struct db *)context)->wal_pages = pages;
	return SQLITE_OK;
}

static int mode_is_wal(void *context, int columns, char **values, char **names) {
	(void)names;
	*(bool *)context = columns == 1 && values[0] && strcmp(values[0], "wal") == 0;
	return SQLITE_OK;
}

static bool keep_log(struct db *db, struct err *err) {
	bool wal = false;
	int code = sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL", mode_is_wal, &wal, NULL);
	if (code != SQLITE_OK)
		return fail(db, code, "journal_mode", err);
	return wal || err_set(err, ERR_PERMANENT, "store.broken", "the file system cannot keep a write-ahead log");
}

static bool is_reader(enum db_mode mode) {
	return mode == DB_READER || mode == DB_PATIENT;
}

/* auto_vacuum counts only while the file is still empty, so it comes first. */
static bool set_up(struct db *db, struct err *err) {
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_WAIT_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_QPSG, 1, (int *)NULL); /* or a statement whose values might fit a partial index is prepared anew for each */
	if (is_reader(db->mode)) {
		if (db->mode == DB_READER)
			sqlite3_progress_handler(db->handle, PROGRESS_STEPS, statement_is_late, db);
		return db_script(db, "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY", err);
	}
	if (!db_script(db, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY", err))
		return false;
	if (db->mode == DB_MEMORY)
		return true;
	if (!keep_log(db, err))
		return false;
	sqlite3_wal_hook(db->handle, wal_grew, db); /* it also replaces the automatic checkpoint */
	return db_script(db, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864", err);
}

/* Nobody asks how much memory SQLite has taken, and the count has a lock that all threads would share. */
static void set_up_library(void) {
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

bool db_open(struct db **out, const char *path, enum db_mode mode, struct err *err) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct db *db = calloc(1, sizeof *db);
	BUG_IF(db == NULL);
	pthread_once(&once, set_up_library);
	db->mode = mode;
	int flags = is_reader(mode) ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	const char *name = mode == DB_MEMORY ? ":memory:" : path;
	int code = sqlite3_open_v2(name, &db->handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (code != SQLITE_OK ? !fail(db, code, name, err) : !set_up(db, err)) {
		db_close(db);
		return false;
	}
	*out = db;
	return true;
}

void db_close(struct db *db) {
	if (!db)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		if (db->slots[i]) {
			sqlite3_finalize(db->slots[i]->handle);
			free(db->slots[i]);
		}
	BUG_IF(sqlite3_close(db->handle) != SQLITE_OK);
	free(db);
}

static size_t slot_of(const struct db *db, const char *sql) {
	size_t slot = (size_t)(((uint64_t)(uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 40) % SLOTS;
	while (db->slots[slot] && db->slots[slot]->sql != sql)
		slot = (slot + 1) % SLOTS;
	return slot;
}

/* A wrong statement is a bug; a busy or broken file is told by the first step, and preparing is tried again. */
static void prepare(struct stmt *s) {
	s->error = sqlite3_prepare_v3(s->db->handle, s->sql, -1, SQLITE_PREPARE_PERSISTENT, &s->handle, NULL);
	BUG_IF((s->error & 0xFF) == SQLITE_ERROR);
	s->writes = s->error == SQLITE_OK && !sqlite3_stmt_readonly(s->handle);
}

struct stmt *db_query(struct db *db, const char *sql) {
	size_t slot = slot_of(db, sql);
	if (!db->slots[slot]) {
		BUG_IF(++db->statements > SLOTS / 2);
		struct stmt *s = calloc(1, sizeof *s);
		BUG_IF(s == NULL);
		*s = (struct stmt){.sql = sql, .db = db};
		db->slots[slot] = s;
	}
	struct stmt *s = db->slots[slot];
	BUG_IF(s->busy);
	db->stepping = NULL;
	if (!s->handle)
		prepare(s);
	s->busy = true;
	s->bound = 0;
	s->deadline_at = 0;
	return s;
}

static void bound(struct stmt *s, int code) {
	BUG_IF(code == SQLITE_RANGE || code == SQLITE_MISUSE || code == SQLITE_NOMEM);
	if (s->error == SQLITE_OK)
		s->error = code;
}

void bind_int(struct stmt *s, int64_t value) {
	if (s->handle)
		bound(s, sqlite3_bind_int64(s->handle, ++s->bound, value));
}

void bind_int_or_null(struct stmt *s, int64_t value, bool set) {
	if (set)
		bind_int(s, value);
	else
		bind_null(s);
}

void bind_double(struct stmt *s, double value) {
	if (s->handle)
		bound(s, sqlite3_bind_double(s->handle, ++s->bound, value));
}

void bind_text(struct stmt *s, struct str value) {
	const char *at = value.len ? value.at : "";
	if (s->handle)
		bound(s, sqlite3_bind_text64(s->handle, ++s->bound, at, value.len, SQLITE_STATIC, SQLITE_UTF8));
}

void bind_text_or_null(struct stmt *s, struct str value) {
	if (value.len)
		bind_text(s, value);
	else
		bind_null(s);
}

void bind_blob(struct stmt *s, const void *bytes, size_t len) {
	if (s->handle)
		bound(s, sqlite3_bind_blob64(s->handle, ++s->bound, len ? bytes : "", len, SQLITE_STATIC));
}

void bind_null(struct stmt *s) {
	if (s->handle)
		bound(s, sqlite3_bind_null(s->handle, ++s->bound));
}

/* Code of what forbids this step before SQLite is asked. */
static int refusal(struct stmt *s) {
	struct db *db = s->db;
	if (s->error != SQLITE_OK)
		return s->error;
	if (fault_due(db))
		return SQLITE_FULL;
	/* The transaction was rolled back under us: what comes now would be committed alone. */
	if (s->writes && !db_in_transaction(db))
		return SQLITE_ABORT_ROLLBACK;
	if (db->mode != DB_READER)
		return SQLITE_OK;
	int64_t now = clock_monotonic();
	if (s->deadline_at == 0) {
		s->deadline_at = now + READER_WAIT_MS;
		s->work_until = 0;
	}
	db->stepping = s;
	return now > s->deadline_at ? SQLITE_INTERRUPT : SQLITE_OK;
}

enum db_step stmt_step(struct stmt *s, struct err *err) {
	BUG_IF(!s->busy);
	int code = refusal(s);
	if (code == SQLITE_OK)
		code = sqlite3_step(s->handle);
	if (code == SQLITE_ROW)
		return DB_ROW;
	if (code == SQLITE_DONE)
		return DB_DONE;
	fail(s->db, code, s->sql, err);
	return DB_FAIL;
}

int64_t stmt_int(struct stmt *s, int column) {
	return sqlite3_column_int64(s->handle, column);
}

double stmt_double(struct stmt *s, int column) {
	return sqlite3_column_double(s->handle, column);
}

bool stmt_is_null(struct stmt *s, int column) {
	return sqlite3_column_type(s->handle, column) == SQLITE_NULL;
}

struct str stmt_text(struct stmt *s, int column, struct arena *a) {
	const char *at = (const char *)sqlite3_column_text(s->handle, column);
	return arena_str(a, (struct str){at, (size_t)sqlite3_column_bytes(s->handle, column)});
}

struct str stmt_blob(struct stmt *s, int column, struct arena *a) {
	const char *at = sqlite3_column_blob(s->handle, column);
	return arena_str(a, (struct str){at, (size_t)sqlite3_column_bytes(s->handle, column)});
}

bool stmt_bytes(struct stmt *s, int column, void *out, size_t len) {
	const void *at = sqlite3_column_blob(s->handle, column);
	if (!at || (size_t)sqlite3_column_bytes(s->handle, column) != len)
		return false;
	memcpy(out, at, len);
	return true;
}

void stmt_end(struct stmt *s) {
	if (s->handle) {
		sqlite3_reset(s->handle);
		sqlite3_clear_bindings(s->handle);
	}
	s->error = SQLITE_OK;
	s->busy = false;
}

bool stmt_run(struct stmt *s, int64_t *changes, struct err *err) {
	enum db_step step = stmt_step(s, err);
	BUG_IF(step == DB_ROW);
	if (step == DB_DONE && changes)
		*changes = sqlite3_changes64(s->db->handle);
	stmt_end(s);
	return step == DB_DONE;
}

int64_t db_last_id(struct db *db) {
	return sqlite3_last_insert_rowid(db->handle);
}

static int one_word(struct db *db, const char *sql) {
	struct stmt *s = db_query(db, sql);
	int code = s->error == SQLITE_OK ? sqlite3_step(s->handle) : s->error;
	stmt_end(s);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

bool db_begin(struct db *db, struct err *err) {
	if (fault_due(db))
		return fail(db, SQLITE_FULL, "BEGIN", err);
	int code = one_word(db, db->mode == DB_READER ? "BEGIN" : "BEGIN IMMEDIATE");
	return code == SQLITE_OK || fail(db, code, "BEGIN", err);
}

bool db_commit(struct db *db, struct err *err) {
	if (fault_due(db))
		return fail(db, SQLITE_FULL, "COMMIT", err);
	if (!db_in_transaction(db))
		return fail(db, SQLITE_ABORT_ROLLBACK, "COMMIT", err);
	int code = one_word(db, "COMMIT");
	if (code == SQLITE_OK)
		return true;
	fail(db, code, "COMMIT", err);
	db_rollback(db);
	return false;
}

void db_rollback(struct db *db) {
	if (db_in_transaction(db))
		one_word(db, "ROLLBACK");
	BUG_IF(db_in_transaction(db));
}

bool db_in_transaction(struct db *db) {
	return sqlite3_get_autocommit(db->handle) == 0;
}

int64_t db_changes_total(struct db *db) {
	return sqlite3_total_changes64(db->handle);
}

bool db_script(struct db *db, const char *sql, struct err *err) {
	int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return code == SQLITE_OK || fail(db, code, sql, err);
}

bool db_reword(struct db *db, const char *sql, struct err *err) {
	struct err aside;
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, (int *)NULL);
	bool ok = db_script(db, "PRAGMA writable_schema = ON", err) && db_script(db, sql, err);
	ok = db_script(db, "PRAGMA writable_schema = RESET", ok ? err : &aside) && ok;
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	return ok;
}

int64_t db_wal_bytes(struct db *db) {
	return db->wal_pages * PAGE;
}

bool db_checkpoint(struct db *db, bool restart, int64_t *bytes_left, struct err *err) {
	int pages = 0, copied = 0;
	int mode = restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
	int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, mode, &pages, &copied);
	*bytes_left = (int64_t)(pages - copied) * PAGE;
	if (code != SQLITE_OK)
		return fail(db, code, "checkpoint", err);
	if (restart)
		db->wal_pages = 0; /* the next commit writes at its beginning */
	return true;
}

struct db_copy {
	sqlite3 *to;
	sqlite3_backup *backup;
};

/* What a crash leaves of it is no backup, and it is synced as a whole at the end: so no journal, and no waiting for the disk in the writer's thread. */
bool db_copy_open(struct db_copy **out, struct db *from, const char *path, struct err *err) {
	struct db_copy *c = calloc(1, sizeof *c);
	BUG_IF(c == NULL);
	int code = sqlite3_open_v2(path, &c->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(c->to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL);
	if (code == SQLITE_OK && !(c->backup = sqlite3_backup_init(c->to, "main", from->handle, "main")))
		code = sqlite3_extended_errcode(c->to);
	if (code == SQLITE_OK) {
		*out = c;
		return true;
	}
	db_copy_close(c);
	return fail(from, code, path, err);
}

bool db_copy_step(struct db_copy *c, int pages, bool *done, struct err *err) {
	int code = sqlite3_backup_step(c->backup, pages);
	*done = code == SQLITE_DONE;
	return *done || code == SQLITE_OK || err_set(err, ERR_TRANSIENT, "store.busy", "the copy cannot be written: %s (%d)", sqlite3_errstr(code), code);
}

void db_copy_close(struct db_copy *c) {
	if (!c)
		return;
	sqlite3_backup_finish(c->backup);
	BUG_IF(sqlite3_close(c->to) != SQLITE_OK);
	free(c);
}

void db_fail_at(struct db *db, int64_t nth) {
	db->fail_in = nth;
}
