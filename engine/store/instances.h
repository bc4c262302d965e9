/* instances: one row a running case. data is canonical JSON of its fields. */
#ifndef ENGINE_STORE_INSTANCES_H
#define ENGINE_STORE_INSTANCES_H

#include "engine/base/secret.h"
#include "engine/store/store.h"

struct instance {
	int64_t id;
	struct str reference;  /* for people: "K7QF-3MXP", unique, no I O 0 1 */
	struct str workflow;
	unsigned char definition[SECRET_HASH]; /* machine hash it is pinned to */
	struct str state, data;
	int64_t version;       /* counts transitions and refused timers: 1 after the start */
	int64_t parent_id;     /* 0: none */
	int64_t root_id;       /* own id when it has no parent */
	int64_t started_at, entered_at, changed_at;
	int64_t ended_at;      /* 0: not in a final state */
	int64_t erase_at;      /* when what it says is erased (erasure.h); 0: no time is set */
	int64_t erased_at;     /* 0: it was not */
};

/* A new name for people; random, so hardly ever one that is taken. In arena. */
struct str instance_reference(struct arena *a);
/* id, root_id and, unless it has one, reference are filled in; CONFLICT: its reference is taken. Its definition must have been kept before. */
bool instance_insert(struct tx *tx, struct arena *a, struct instance *instance, struct err *err);
bool instance_load(struct view *v, int64_t id, struct arena *a, struct instance *out, struct err *err); /* NOT_FOUND */
bool instance_by_reference(struct view *v, struct str reference, struct arena *a, struct instance *out, struct err *err);
bool instance_latest(struct view *v, struct str workflow, struct arena *a, struct instance *out, struct err *err); /* that was started last; NOT_FOUND */
/* The first with an id above `after`; *found false: none. For walking over all. */
bool instance_next(struct view *v, int64_t after, struct arena *a, struct instance *out, bool *found, struct err *err);
/* Writes state, data, version, entered_at, changed_at, ended_at, erase_at where version is still instance->version - 1; CONFLICT otherwise. */
bool instance_update(struct tx *tx, const struct instance *instance, struct err *err);

struct instance_list {
	struct instance *items;
	size_t count, cap;
};
struct instance_query {
	struct str workflow;      /* empty: any */
	struct str state;         /* empty: any */
	int64_t parent_id;        /* 0: any */
	int64_t limit, offset;    /* limit 0: all */
};
/* Newest change first (children: by id). *total may be NULL. What people see of them is listings.h. */
bool instance_query(struct view *v, const struct instance_query *query, struct arena *a, struct instance_list *out, int64_t *total, struct err *err);
bool instance_count_by_state(struct view *v, struct arena *a, struct buf *out, struct err *err); /* "workflow state count" lines */

/* Definitions by machine hash: source text is kept, so that an instance can be run years later. */
bool definition_keep(struct tx *tx, const unsigned char hash[SECRET_HASH], struct str workflow, struct str source, int64_t now, struct err *err);
struct kept_definition {
	unsigned char hash[SECRET_HASH];
	struct str workflow, source;
};
struct kept_definition_list {
	struct kept_definition *items;
	size_t count, cap;
};
bool definition_in_use(struct view *v, struct arena *a, struct kept_definition_list *out, struct err *err); /* with at least one instance not ended */
bool definition_load_kept(struct view *v, const unsigned char hash[SECRET_HASH], struct arena *a, struct str *source, struct err *err);

#endif
