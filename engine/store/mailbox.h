/* mailbox: signals are stored before they are consumed, so an early one is not lost. */
#ifndef ENGINE_STORE_MAILBOX_H
#define ENGINE_STORE_MAILBOX_H

#include "engine/store/store.h"

struct signal_row {
	int64_t id, instance_id, root_id, from_instance_id; /* from 0: command line */
	struct str event, data; /* JSON object of fields */
	/* Not empty: a message to that address in that role did not arrive, or was answered with data as its text; then there is no event. */
	struct str role, actor;
	struct str files, refused; /* of an answer: files that it brings and that nobody has claimed yet, and names of files that are not taken; a line a file */
	int64_t at;
	int64_t hops; /* signals that led to this one, each sent by the event that took the one before */
};

bool signal_is_answer(const struct signal_row *row);
bool mailbox_put(struct tx *tx, const struct signal_row *row, struct err *err);
/* Oldest first that its instance can take: not yet `held`. */
bool mailbox_next(struct view *v, int64_t root_id /* 0: any */, struct arena *a, struct signal_row *out, bool *found, struct err *err);
/* All that wait for the instance, held or not; oldest first. For replay. */
struct signal_rows {
	struct signal_row *items;
	size_t count, cap;
};
bool mailbox_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct signal_rows *out, struct err *err);
bool mailbox_remove(struct tx *tx, int64_t id, struct err *err);
/* No event of that name in the instance's state now: waits until the state changes. */
bool mailbox_hold(struct tx *tx, int64_t id, struct err *err);
bool mailbox_release(struct tx *tx, int64_t instance_id, bool *any, struct err *err); /* its held rows may be tried again */

#endif
