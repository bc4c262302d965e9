/* seeds: what draws are made with, and how often each instance has drawn. The bytes are sealed: whoever reads the store alone can foresee no draw. */
#ifndef ENGINE_STORE_SEEDS_H
#define ENGINE_STORE_SEEDS_H

#include "engine/store/store.h"

struct seed {
	int64_t id;
	int64_t instance_id; /* that committed it */
	struct str name;
	struct str sealed;
	int64_t history_id;  /* that committed it */
	int64_t revealed_id; /* of history; 0: it is hidden */
};

bool seed_insert(struct tx *tx, struct seed *seed, struct err *err); /* fills id. CONFLICT: the instance has one of that name that is not revealed */
bool seed_reveal(struct tx *tx, int64_t id, int64_t history_id, struct err *err); /* CONFLICT: it is revealed */
/* The newest of that name, now (seen 0) or as it was behind the entry of history with the id `seen`; *found false: there is none. */
bool seed_newest(struct view *v, int64_t instance_id, struct str name, int64_t seen, struct arena *a, struct seed *out, bool *found, struct err *err);
struct seed_list {
	struct seed *items;
	size_t count, cap;
};
bool seed_made(struct view *v, int64_t history_id, struct arena *a, struct seed_list *out, struct err *err); /* by that entry */
bool seed_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct seed_list *out, struct err *err); /* oldest first */

/* A draw of an instance with a seed: the first is number 1. CONFLICT: that number is there. */
struct drawn {
	int64_t seed_id, instance_id, number;
	int64_t history_id;
};
struct drawn_list {
	struct drawn *items;
	size_t count, cap;
};
bool drawn_insert(struct tx *tx, const struct drawn *drawn, struct err *err);
bool drawn_count(struct view *v, int64_t seed_id, int64_t instance_id, int64_t seen, int64_t *count, struct err *err);
bool drawn_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct drawn_list *out, struct err *err); /* oldest first */

#endif
