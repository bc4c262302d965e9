/* claims: who holds which row of a pool. Numbered places and holds make it impossible to pass a pool's limits, whatever the engine decides: the place of a claim
 * lies below the row's capacity, its hold below what one holder may have, and each number is given once at a time. Released claims stay: what an entry of history
 * saw can be asked again. */
#ifndef ENGINE_STORE_CLAIMS_H
#define ENGINE_STORE_CLAIMS_H

#include "engine/store/store.h"

struct claim_pool {
	int64_t owner_id; /* instance; 0: the whole site's */
	struct str name;  /* "workflow.pool", of the workflow that declares it */
};
struct claim {
	int64_t id;
	struct claim_pool pool;
	struct str row;   /* its key in the register */
	int64_t place, hold;
	int64_t holder_id;
	int64_t at, history_id;
	int64_t released_id; /* of history; 0: it is held */
};
struct claim_list {
	struct claim *items;
	size_t count, cap;
};

/* Fills id, place (the lowest that is free) and hold. CONFLICT: the row has no place below capacity, the holder none below `each` (0: any number), or has the row. */
bool claim_insert(struct tx *tx, struct claim *claim, int64_t capacity, int64_t each, struct err *err);
/* CONFLICT: the holder does not hold it. */
bool claim_release(struct tx *tx, const struct claim_pool *pool, struct str row, int64_t holder_id, int64_t history_id, struct err *err);

/* How many hold the row: now (seen 0), or behind the entry of history with the id `seen`. */
bool claim_count(struct view *v, const struct claim_pool *pool, struct str row, int64_t seen, int64_t *count, struct err *err);
/* What the holder holds in the pool, oldest claim first. */
bool claim_held(struct view *v, const struct claim_pool *pool, int64_t holder_id, int64_t seen, struct arena *a, struct claim_list *out, struct err *err);
/* When each claim of the pool began and ended, by row, also what is released; at most `limit` of them. */
struct claim_spans {
	struct claim_span {
		struct str row;
		int64_t history_id, released_id; /* 0: it is held */
	} *items;
	size_t count, cap;
};
bool claim_spans(struct view *v, const struct claim_pool *pool, int64_t limit, struct arena *a, struct claim_spans *out, struct err *err);

/* All of the holder's, in every pool, also released ones; oldest first. */
bool claim_of_holder(struct view *v, int64_t holder_id, struct arena *a, struct claim_list *out, struct err *err);
/* The place and the hold that it must have been given: the lowest that were free. same_entry: what its own entry released was free by then; the table does not say which came first. */
bool claim_numbers(struct view *v, const struct claim *claim, bool same_entry, int64_t *place, int64_t *hold, struct err *err);
/* The entries that have claimed the row behind that one, newest first. */
struct claim_entries {
	int64_t *items;
	size_t count, cap;
};
bool claim_entries(struct view *v, const struct claim_pool *pool, struct str row, int64_t after_id, struct arena *a, struct claim_entries *out, struct err *err);

#endif
