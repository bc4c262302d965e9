/* suppressions: addresses and numbers that want no messages, each with the reason. Kept for ever, until somebody takes it out. */
#ifndef ENGINE_STORE_SUPPRESSIONS_H
#define ENGINE_STORE_SUPPRESSIONS_H

#include "engine/store/people.h"

enum { SUPPRESSION_REASON = 200 }; /* bytes */

struct suppression {
	enum channel channel;
	struct str address, reason; /* address: in its normal form */
	int64_t at;
};
struct suppression_list {
	struct suppression *items;
	size_t count, cap;
};

/* *fresh false: it is there already, and stays as it is. */
bool suppression_add(struct tx *tx, const struct suppression *row, bool *fresh, struct err *err);
bool suppression_remove(struct tx *tx, enum channel channel, struct str address, bool *found, struct err *err);
bool suppression_load(struct view *v, enum channel channel, struct str address, struct arena *a, struct suppression *out, bool *found, struct err *err);
/* Oldest first, behind the first `skip`. */
bool suppression_list(struct view *v, int64_t skip, int64_t limit, struct arena *a, struct suppression_list *out, struct err *err);

#endif
