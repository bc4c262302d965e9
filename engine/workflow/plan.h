/* plan: which of several instances gets which slot (engine/base/slots.h). Three ways: all anew; who has one keeps it, and the others find a place among them; a pause
 * that does not count. Pure, and n log n: engine_plan.c reads the instances and tells them. */
#ifndef ENGINE_WORKFLOW_PLAN_H
#define ENGINE_WORKFLOW_PLAN_H

#include "engine/base/slots.h"

struct plan_ask {
	struct slot_grid grid;
	enum { PLAN_ANEW, PLAN_KEEP, PLAN_PAUSE } mode;
	int64_t paused_from, paused_until; /* PAUSE: instants */
	int64_t highest;                   /* KEEP: the highest number that anybody has, also who is asked for no more */
};

struct plan_child {
	int64_t id, version;
	struct str group;    /* whose members share a place; empty: none */
	int64_t number, end; /* that it has: its slot, and its end (local); 0: none */
	bool beside;         /* KEEP: stands among the others, but is given nothing */
	/* filled in */
	int64_t place;       /* the slot's number; 0: it has none */
	int64_t opens, ends; /* local; of who is told */
	bool told;           /* it is new, or another than before */
	size_t position;     /* that it was given in */
};

/* The children as they were given, in the order of the plan, are put into that of their slots; where those are the same, they stay as they were.
 * INPUT: there are not so many slots. */
bool plan_places(const struct plan_ask *ask, const struct zone *zone, struct plan_child *children, size_t count, struct arena *a, struct err *err);

#endif
