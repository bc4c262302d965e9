/* timers: what is due when. One row a (instance, timer name); repeats count in the row. */
#ifndef ENGINE_STORE_TIMERS_H
#define ENGINE_STORE_TIMERS_H

#include "engine/store/store.h"

struct timer {
	int64_t id, instance_id, root_id;
	struct str state, name; /* of the state that set it */
	int64_t due_at;         /* instant; kept with its rule in the definition, recomputed when a field changes */
	int64_t set_at;         /* when it was, or was set anew */
	int64_t priority, order;
	int64_t fired;          /* how often already (every) */
};
struct timer_list {
	struct timer *items;
	size_t count, cap;
};

bool timer_set(struct tx *tx, const struct timer *timer, struct err *err); /* insert or replace by (instance, name) */
bool timer_reorder(struct tx *tx, int64_t instance_id, struct str name, int64_t order, struct err *err); /* where there is such a timer */
bool timer_cancel(struct tx *tx, int64_t instance_id, struct str name, struct err *err);
bool timer_cancel_all(struct tx *tx, int64_t instance_id, struct err *err);
bool timer_list(struct view *v, int64_t instance_id, struct arena *a, struct timer_list *out, struct err *err); /* by name */
/* The first overdue (due_at <= now) of one root in (due_at, priority, order, id) order; *found false: none. */
bool timer_overdue_of_root(struct view *v, int64_t root_id, int64_t now, struct arena *a, struct timer *out, bool *found, struct err *err);
bool timer_overdue(struct view *v, int64_t now, int64_t limit, struct arena *a, struct timer_list *out, struct err *err); /* over all, same order */
bool timer_next(struct view *v, int64_t *due_at, struct err *err); /* INT64_MAX: none */

#endif
