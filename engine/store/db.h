/* db: the one narrow door to SQL. One writing connection belongs to the writer thread; reading connections are
 * opened read-only, one a thread at a time. Statements are prepared once per connection and kept by the address of their
 * SQL literal. SQL is portable between SQLite and PostgreSQL where it can be (STRICT tables and ? marks aside).
 * Only files in engine/store include this header. */
#ifndef ENGINE_STORE_DB_H
#define ENGINE_STORE_DB_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct db;

enum db_mode { DB_WRITER, DB_READER, DB_PATIENT, DB_MEMORY };

/* WRITER: creates the file; WAL, synchronous=FULL, foreign keys, what is deleted is overwritten, no automatic checkpoint. READER: SQLITE_OPEN_READONLY, query_only, statement
 * deadline of 1 s of work (2 s with what it had to wait for). PATIENT: a reader without it. MEMORY: a private in-memory store (scenarios). */
bool db_open(struct db **out, const char *path, enum db_mode mode, struct err *err);
void db_close(struct db *db); /* finalizes its statements */

/* A statement under way: bind in order, step, read columns, end. sql must be a string literal. Outside a
 * transaction a statement that writes is refused (TRANSIENT): after a full disk it would be committed alone. */
struct stmt;
struct stmt *db_query(struct db *db, const char *sql);
void bind_int(struct stmt *s, int64_t value);
void bind_int_or_null(struct stmt *s, int64_t value, bool set);
void bind_double(struct stmt *s, double value);
void bind_text(struct stmt *s, struct str value); /* borrowed until stmt_end */
void bind_text_or_null(struct stmt *s, struct str value); /* empty: NULL */
void bind_blob(struct stmt *s, const void *bytes, size_t len);
void bind_null(struct stmt *s);

enum db_step { DB_ROW, DB_DONE, DB_FAIL };
enum db_step stmt_step(struct stmt *s, struct err *err); /* err: TRANSIENT (whatever the store is to blame for: busy, full or broken disk, deadline, transaction gone), CONFLICT (unique constraint), PERMANENT (any other constraint) */
int64_t stmt_int(struct stmt *s, int column);
double stmt_double(struct stmt *s, int column);
bool stmt_is_null(struct stmt *s, int column);
struct str stmt_text(struct stmt *s, int column, struct arena *a); /* copy in arena */
struct str stmt_blob(struct stmt *s, int column, struct arena *a);
bool stmt_bytes(struct stmt *s, int column, void *out, size_t len); /* a blob of exactly len bytes */
void stmt_end(struct stmt *s); /* resets and unbinds; always, also after DB_FAIL */

/* step + end for a statement that gives no row. *changes may be NULL. */
bool stmt_run(struct stmt *s, int64_t *changes, struct err *err);
int64_t db_last_id(struct db *db);

bool db_begin(struct db *db, struct err *err);  /* BEGIN IMMEDIATE */
bool db_commit(struct db *db, struct err *err); /* on failure nothing of it was kept: rolled back */
void db_rollback(struct db *db);                /* harmless when SQLite did it already */
bool db_in_transaction(struct db *db);          /* sqlite3_get_autocommit() == 0 */
int64_t db_changes_total(struct db *db);        /* to see whether a job has written yet */
bool db_script(struct db *db, const char *sql, struct err *err); /* several statements (migrations) */
/* Changes to sqlite_schema itself: the same meaning in other words, for a migration. No row is touched, and later statements see the new words. */
bool db_reword(struct db *db, const char *sql, struct err *err);
int64_t db_wal_bytes(struct db *db);           /* length of the write-ahead log as of the last commit */
/* PASSIVE or RESTART checkpoint by the writer; *bytes_left: what could not be copied yet. */
bool db_checkpoint(struct db *db, bool restart, int64_t *bytes_left, struct err *err);
/* A copy of the whole database into `path`, an empty file, page by page. Between two steps `from` may write: what it changes is brought up to date in the copy
 * (a change by another connection begins it anew). No transaction of a WRITER is open during a step. pages: -1: all of them. Nothing is synced. */
struct db_copy;
bool db_copy_open(struct db_copy **out, struct db *from, const char *path, struct err *err);
bool db_copy_step(struct db_copy *c, int pages, bool *done, struct err *err);
void db_copy_close(struct db_copy *c); /* NULL is harmless */
/* For fault tests: the nth call from now that may fail (step, commit) fails as if the disk were full; 0 = never. */
void db_fail_at(struct db *db, int64_t nth);

#endif
