/* store: one site's data: a file, its lock, one writing connection, a few reading ones, the checkpoint gate.
 *
 * struct tx is a transaction that the writer has open (or a scenario runner); only it may write. struct view is a
 * read-only snapshot for one request. All functions of the table families take one of them, so that a reader sees at the call
 * whether it writes. A tx can be read through tx_view(). */
#ifndef ENGINE_STORE_STORE_H
#define ENGINE_STORE_STORE_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct store;
struct tx;   /* wraps the writing connection */
struct view; /* wraps a connection inside a read transaction */

/* Opens or creates, takes the lock file (path.lock; CONFLICT names the pid that holds it), migrates, checks the key
 * fingerprint (PERMANENT if another key file wrote this store). path NULL: in memory, without lock. */
struct store *store_open(const char *path, const unsigned char fingerprint[16], struct err *err);
void store_close(struct store *s);

/* The writer's side: one thread. */
bool store_begin(struct store *s, struct tx **out, struct err *err);
bool store_commit(struct tx *tx, struct err *err); /* failure: nothing of it was kept */
void store_rollback(struct tx *tx);
bool tx_alive(const struct tx *tx);       /* false: SQLite rolled the whole transaction back (full disk) */
/* A refusal must come before a job's first write. The writer marks where a job begins; whole transitions that stand for themselves (overdue timers that
 * ran before the job's own event) are marked too, so that a refusal after them keeps them. dirty: rows were changed since the mark (at first: since the beginning). */
void tx_mark(struct tx *tx);
bool tx_dirty(const struct tx *tx);
struct view *tx_view(struct tx *tx);      /* the same transaction, read-only; borrowed until commit */
/* At 64 MB of WAL closes the gate for readers, checkpoints with RESTART, opens it; below, a PASSIVE one now and then. */
void store_checkpoint(struct store *s, bool idle);
void store_fail_at(struct store *s, int64_t nth); /* fault tests: see db_fail_at */

/* Readers: any thread; waits for the gate and for a free connection (at most 1 s: TRANSIENT). */
struct view *store_view(struct store *s, struct err *err);
void view_close(struct view *v);

#endif
