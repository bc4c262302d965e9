/* wishes: which lists of instances hold which row of a pool, so that whoever takes a row need look at no others. What stands here is watched: lists whose exhaustion was
 * told are not there until they change. */
#ifndef ENGINE_STORE_WISHES_H
#define ENGINE_STORE_WISHES_H

#include "engine/store/claims.h"

struct wish_list {
	int64_t instance_id, root_id;
	struct str field;       /* that is the list */
	struct claim_pool pool; /* that its rows are claimed from */
};
/* From now on these rows are watched, sorted by key and each once; count 0: none. */
bool wish_watch(struct tx *tx, const struct wish_list *list, const struct str *keys, size_t count, struct err *err);
bool wish_forget(struct tx *tx, int64_t instance_id, struct err *err); /* all its lists */

/* The lists on which the row stands, but for those of one instance; oldest instance first. */
struct wish_lists {
	struct wish_list *items;
	size_t count, cap;
};
bool wish_holders(struct view *v, const struct claim_pool *pool, struct str row, int64_t except_id, struct arena *a, struct wish_lists *out, struct err *err);
/* Keys on the list, ascending, from behind `after` on; at most `limit`. */
struct wished_rows {
	struct str *items;
	size_t count, cap;
};
bool wish_keys(struct view *v, const struct wish_list *list, struct str after, int64_t limit, struct arena *a, struct wished_rows *out, struct err *err);
/* All that is watched for the instance: a row of the list a key. For verify. */
struct wish {
	struct wish_list list;
	struct str row;
};
struct wishes {
	struct wish *items;
	size_t count, cap;
};
bool wish_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct wishes *out, struct err *err);

#endif
