/* definition_flow: which fields are certainly set where: a must-analysis over all paths from the start, and a walk over every action and
 * guard with what is set just before it. A form sets what it asks for without `optional` and `when`; `set` sets, null clears; a guard that holds
 * vouches for the fields it tests with has(), and for those that its form asks for `when` the same holds. Internal to the checks; pure. */
#ifndef ENGINE_WORKFLOW_DEFINITION_FLOW_H
#define ENGINE_WORKFLOW_DEFINITION_FLOW_H

#include "engine/workflow/definition.h"

struct flow {
	const struct definition *d;
	struct arena *arena;
	bool *reached;  /* by state: some path leads there */
	bool **arrival; /* by state, by slot: set whenever it is entered, before its entry actions; behind the fields: by series of documents, made */
	bool **inside;  /* by state, by slot: set at every moment between entry and exit */
	LIST_OF(struct vouching {
		const struct expression *condition;
		signed char *fields; /* by slot: 1 it vouches for it, -1 it does not, 0 not asked yet */
	}) vouchings;
};
struct flow *flow_new(const struct definition *d, struct arena *a);
size_t flow_series(const struct definition *d, struct str name); /* the slot of a series; SIZE_MAX: no such one */
const bool *flow_after_start(struct flow *f); /* set after defaults and start form */

/* Where something happens. */
struct flow_point {
	const struct state *state;           /* entered, left or stayed in */
	const struct event_rule *event;      /* one of event and timer, or none of them on entry */
	const struct timer_rule *timer;
	const struct transition *transition; /* NULL on entry */
	const bool *set;                     /* by slot, just before it */
};
struct flow_visitor {
	void *context;
	void (*action)(void *context, const struct flow_point *point, const struct action *action); /* set: after its `if` held */
	void (*expression)(void *context, const struct flow_point *point, const struct expression *expression); /* guards, `if`, values, `opens` */
};
/* States that are never reached are left out. Exit actions come once for each way out. */
void flow_walk(struct flow *f, const struct flow_visitor *visitor);

#endif
