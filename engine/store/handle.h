/* handle: what tx and view are inside, for the table files of this folder only, and the two ways in which
 * most of their statements end. */
#ifndef ENGINE_STORE_HANDLE_H
#define ENGINE_STORE_HANDLE_H

#include "engine/store/db.h"
#include "engine/store/registers.h"
#include "engine/store/store.h"

struct view {
	struct db *db;
	struct store *store; /* NULL: borrowed from the writing connection, nothing to give back */
	bool taken;
	uint64_t store_number;    /* of the store that was opened, 1, 2... in this process; 0: a view of one in memory, which may see an open transaction */
	struct register_stamp stamp;
	bool stamp_read;          /* in this transaction */
	bool registers_replaced;  /* by this transaction */
};

struct tx {
	struct db *db;
	struct view view;
	int64_t changes_at_mark;
	bool open;
};

struct db *tx_db(struct tx *tx);
struct db *view_db(struct view *v);
/* ROW: true. DONE: NOT_FOUND that names `what`. FAIL: false, err is set already. */
bool row_found(enum db_step step, const char *what, struct err *err);
/* Runs and ends a conditional change that must hit exactly one row: none is CONFLICT. */
bool row_changed(struct stmt *s, const char *what, struct err *err);
/* The lock of a store, which may not be there; caller closes. -1, CONFLICT: a process holds it. */
int store_lock(const char *store, struct err *err);
struct db *store_writer(struct store *s); /* writer's thread, outside of a transaction */
/* Tests: the length of the write-ahead log at which the gate closes (64 MB unless told). */
void store_set_wal_limit(struct store *s, int64_t bytes);

#endif
