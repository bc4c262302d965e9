/* slots: a grid of appointments. The first opens at a given time, the next a step later, up to the last time of the day, and so on from a first time of the
 * day on the workdays that follow. Times are of the wall clock (see civil.h); the first one's own day is taken as it is, workday or not. Pure: any thread. */
#ifndef ENGINE_BASE_SLOTS_H
#define ENGINE_BASE_SLOTS_H

#include "engine/base/civil.h"

enum { SLOTS_MOST_DAYS = 40000 }; /* from the first slot's day on: more than a century */

struct slot_grid {
	const struct calendar *calendar;
	int64_t first;       /* local: when number 1 opens */
	int64_t step_ms;
	int64_t from, until; /* ms of the day: the first slot of each later day, and the latest that may open on any; a slot at `until` itself is one */
};
bool slot_grid_valid(const struct slot_grid *grid, struct err *err); /* INPUT: says what cannot be */

/* Goes along a valid grid, in numbers that never fall: a step a day passed. */
struct slot_walk {
	const struct slot_grid *grid;
	int64_t day, opens;      /* the day, and its first slot (local) */
	int64_t number, count;   /* of its first slot; of its slots */
};
struct slot_walk slot_walk(const struct slot_grid *grid);
/* When slot n (from 1) opens, as local time. False: n lies SLOTS_MOST_DAYS away, or before 1. */
bool slot_walk_to(struct slot_walk *walk, int64_t n, int64_t *local);
/* The first slot from n on that opens at `local` or later. */
bool slot_walk_from(struct slot_walk *walk, int64_t n, int64_t local, int64_t *number);

#endif
