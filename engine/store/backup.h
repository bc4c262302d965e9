/* backup: the whole store in one file of its own, and put in place again.
 *
 * A running store is copied by its writing connection, a piece between two transactions, and what is written meanwhile reaches the copy too: so no reader stays
 * open for long, the write-ahead log does not grow, and nobody waits for more than one piece. Until it is whole it is called FILE.part. */
#ifndef ENGINE_STORE_BACKUP_H
#define ENGINE_STORE_BACKUP_H

#include "engine/store/store.h"

struct backup;

#define BACKUP_PART ".part"
struct backup_wish {
	const char *store;    /* path of the store that is copied */
	const char *file;     /* where to */
	bool overwrite;       /* an earlier backup may give way; nothing else ever does */
	struct store *open;   /* the store, when this process has it open; NULL: no server runs */
};
/* Makes FILE.part, for its owner only. CONFLICT: FILE is there, or another backup to it is under way. Any thread; caller closes. */
struct backup *backup_open(const struct backup_wish *wish, struct err *err);
/* Copies a piece (all of it, when no server runs). Writer's thread, outside of transactions. */
bool backup_turn(struct backup *b, bool *done, struct err *err);
/* After the last turn, any thread: FILE is on disk and whole. */
bool backup_finish(struct backup *b, int64_t *bytes, struct err *err);
void backup_close(struct backup *b); /* removes what is not finished; NULL is harmless. Not in the middle of a turn. */

/* Copies FILE to a place beside the store, where it can be looked at and then put in place; what root makes belongs to the folder's owner. In arena; NULL: not readable, not a backup, another is under way. */
const char *restore_open(struct arena *a, const char *store, const char *file, struct err *err);
/* Puts it in place of the store, which is kept beside it: *kept is its new name, empty when there was none. CONFLICT: a server runs. */
bool restore_finish(struct arena *a, const char *store, struct str stamp, struct str *kept, struct err *err);
void restore_drop(struct arena *a, const char *store); /* what restore_open made */
/* CONFLICT: a process has the store open. */
bool restore_possible(const char *store, struct err *err);

#endif
