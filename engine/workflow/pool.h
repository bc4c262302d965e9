/* pool: rows of a register that can be claimed, each as often as it has places. A ledger is the pools as one decision, or one form, sees them: what stands in
 * the store, asked through a port, and what the decision itself has claimed and released so far. One for a decision, in its arena. */
#ifndef ENGINE_WORKFLOW_POOL_H
#define ENGINE_WORKFLOW_POOL_H

#include "engine/base/yaml.h"
#include "engine/workflow/value.h"

enum pool_scope { POOL_OWN, POOL_PARENT, POOL_SITE };

/* As a workflow declares it. */
struct pool {
	struct str name;
	enum pool_scope scope;               /* of each instance; that of the parent's instance; one for all instances of the workflow */
	const struct register_type *reg;
	const struct record_type *record;    /* of its rows */
	int64_t capacity;                    /* places of a row */
	size_t column;                       /* of the register, which has them instead; SIZE_MAX: none */
	int64_t each;                        /* how many rows one holder may have; 0: any number */
	struct yaml_place place;
};

struct holding {
	struct str *items; /* keys of rows, oldest claim first */
	size_t count, cap;
	int64_t most;      /* 0: any number */
};
struct pool_port {
	void *context;
	/* Places that are left of the row; none when the register has no such row now. */
	bool (*places)(void *context, const struct pool *pool, struct str row, int64_t *left, struct err *err);
	bool (*held)(void *context, const struct pool *pool, struct arena *a, struct holding *out, struct err *err);
};

struct ledger {
	struct pool_port port;
	struct arena *a;
	struct {
		struct ledger_move {
			const struct pool *pool;
			struct str row;
			bool claims; /* else it is released */
		} *items;
		size_t count, cap;
	} moves;
	bool asked;        /* what was decided depends on what the port says */
	struct err failed; /* the port could not be asked: nothing may be decided by it */
};

bool ledger_places(struct ledger *l, const struct pool *pool, struct str row, int64_t *left, struct err *err);
bool ledger_held(struct ledger *l, const struct pool *pool, struct arena *a, struct holding *out, struct err *err);
/* CONFLICT. "event.taken": there is no place left; "event.held": the holder has the row; "event.enough": it has as many as it may have. */
bool ledger_claim(struct ledger *l, const struct pool *pool, struct str row, struct err *err);
/* CONFLICT: it is not held. */
bool ledger_release(struct ledger *l, const struct pool *pool, struct str row, struct err *err);

#endif
