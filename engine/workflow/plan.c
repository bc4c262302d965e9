#include "engine/workflow/plan.h"

#include <stdlib.h>

struct planning {
	const struct plan_ask *ask;
	const struct zone *zone;
	struct plan_child *children; /* by position */
	size_t count;
	size_t *leader;              /* by position: the first of its group */
};

/* ---- groups */

static int group_order(const void *left, const void *right) {
	const struct plan_child *a = *(const struct plan_child *const *)left, *b = *(const struct plan_child *const *)right;
	int order = str_compare(a->group, b->group);
	return order ? order : (a->position > b->position) - (a->position < b->position);
}

/* A group stands where its first member stands that is to be placed. */
static void find_leaders(struct planning *p, struct arena *a) {
	struct plan_child **sorted = ARENA_ARRAY(a, p->count, struct plan_child *);
	p->leader = ARENA_ARRAY(a, p->count, size_t);
	for (size_t i = 0; i < p->count; i++)
		sorted[i] = &p->children[i];
	qsort(sorted, p->count, sizeof *sorted, group_order);
	for (size_t i = 0, first = 0; i < p->count; i++) {
		if (sorted[i]->group.len == 0 || !str_equal(sorted[i]->group, sorted[first]->group))
			first = i;
		p->leader[sorted[i]->position] = sorted[first]->position;
	}
}

static void follow_leaders(struct planning *p) {
	for (size_t i = 0; i < p->count; i++)
		if (p->children[i].place == 0)
			p->children[i].place = p->children[p->leader[i]].place;
}

/* ---- the three ways */

static void place_anew(struct planning *p) {
	int64_t places = 0;
	for (size_t i = 0; i < p->count; i++)
		if (p->leader[i] == i)
			p->children[i].place = ++places;
	follow_leaders(p);
	for (size_t i = 0; i < p->count; i++)
		p->children[i].told = true;
}

/* By position: of its group the first that has a slot, so that nobody is taken to stand behind whose slot belongs to somebody further ahead. */
static bool *find_holders(const struct planning *p, struct arena *a) {
	bool *holds = ARENA_ARRAY(a, p->count, bool), *known = ARENA_ARRAY(a, p->count, bool);
	for (size_t i = 0; i < p->count; i++)
		if (p->children[i].number != 0 && !known[p->leader[i]])
			holds[i] = known[p->leader[i]] = true;
	return holds;
}

/* Nobody moves. Whoever is new opens with the next one behind, or in a slot of its own at the end. */
static void place_newcomers(struct planning *p, struct arena *a) {
	struct plan_child *children = p->children;
	const bool *holds = find_holders(p, a);
	int64_t behind = 0, end = p->ask->highest;
	for (size_t i = p->count; i-- > 0;) {
		children[i].place = children[i].number;
		children[i].told = children[i].number == 0 && !children[i].beside;
		if (children[i].number > end)
			end = children[i].number;
	}
	for (size_t i = p->count; i-- > 0;)
		if (children[i].number != 0) /* the first of a group that has one, for all of it */
			children[p->leader[i]].place = children[p->leader[i]].number ? children[p->leader[i]].number : children[i].number;
	for (size_t i = p->count; i-- > 0;) {
		if (children[i].place == 0 && p->leader[i] == i)
			children[i].place = behind;
		if (holds[i])
			behind = children[i].number;
	}
	for (size_t i = 0; i < p->count; i++)
		if (children[i].place == 0 && p->leader[i] == i && !children[i].beside)
			children[i].place = ++end;
	follow_leaders(p);
}

/* ---- slots */

static int place_order(const void *left, const void *right) {
	const struct plan_child *a = left, *b = right;
	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	return (a->position > b->position) - (a->position < b->position);
}

static bool no_slot(int64_t n, struct err *err) {
	return err_set(err, ERR_INPUT, "error.input", "there is no slot %lld", (long long)n);
}

/* From their places, which ascend. */
static bool find_slots(struct planning *p, struct err *err) {
	struct slot_walk walk = slot_walk(&p->ask->grid);
	for (size_t i = 0; i < p->count; i++) {
		struct plan_child *child = &p->children[i];
		if (child->place == 0)
			continue;
		if (!slot_walk_to(&walk, child->place, &child->opens))
			return no_slot(child->place, err);
		child->ends = child->opens + p->ask->grid.step_ms;
	}
	return true;
}

/* ---- a pause, once the slots that they have are known */

/* Whose slot was open gets what is lost of it. *latest: when the last of them ends now. */
static void prolong(struct planning *p, int64_t *latest) {
	const struct plan_ask *ask = p->ask;
	for (size_t i = 0; i < p->count; i++) {
		struct plan_child *child = &p->children[i];
		if (child->place == 0)
			continue;
		int64_t ends = zone_instant(p->zone, child->end ? child->end : child->ends);
		if (zone_instant(p->zone, child->opens) > ask->paused_from || ends <= ask->paused_from)
			continue;
		ends += ask->paused_until - ask->paused_from;
		child->ends = zone_local(p->zone, ends);
		child->told = true;
		*latest = ends > *latest ? ends : *latest;
	}
}

/* The others move together by whole places, so that the first of them opens when everything before it has ended. */
static bool move_on(struct planning *p, int64_t latest, struct err *err) {
	struct slot_walk walk = slot_walk(&p->ask->grid);
	size_t first = 0;
	int64_t place;
	while (first < p->count && (p->children[first].place == 0 || zone_instant(p->zone, p->children[first].opens) <= p->ask->paused_from))
		first++;
	if (first == p->count)
		return true;
	if (!slot_walk_from(&walk, p->children[first].place, zone_local(p->zone, latest), &place))
		return no_slot(p->children[first].place, err);
	int64_t step = p->ask->grid.step_ms, shift = place - p->children[first].place;
	walk = slot_walk(&p->ask->grid);
	for (size_t i = first; shift > 0 && i < p->count; i++) {
		struct plan_child *child = &p->children[i];
		child->place += shift;
		child->told = true;
		if (!slot_walk_to(&walk, child->place, &child->opens))
			return no_slot(child->place, err);
		child->ends = child->opens + step;
	}
	return true;
}

bool plan_places(const struct plan_ask *ask, const struct zone *zone, struct plan_child *children, size_t count, struct arena *a, struct err *err) {
	struct planning p = {ask, zone, children, count, NULL};
	for (size_t i = 0; i < count; i++) {
		children[i].position = i;
		children[i].place = ask->mode == PLAN_PAUSE ? children[i].number : 0;
	}
	if (ask->mode != PLAN_PAUSE) {
		find_leaders(&p, a);
		if (ask->mode == PLAN_ANEW)
			place_anew(&p);
		else
			place_newcomers(&p, a);
	}
	qsort(children, count, sizeof *children, place_order);
	if (!find_slots(&p, err))
		return false;
	if (ask->mode != PLAN_PAUSE || ask->paused_until <= ask->paused_from)
		return true;
	int64_t latest = ask->paused_until;
	prolong(&p, &latest);
	return move_on(&p, latest, err);
}
