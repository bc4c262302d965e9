#include "engine/workflow/definition_checks.h"

#include <string.h>

static bool any_target(const struct transition_list *cases) {
	for (size_t i = 0; i < cases->count; i++)
		if (cases->items[i].target)
			return true;
	return false;
}

static bool any_send(const struct transition_list *cases) {
	for (size_t i = 0; i < cases->count; i++)
		for (size_t k = 0; k < cases->items[i].actions.count; k++)
			if (cases->items[i].actions.items[k].kind == ACTION_SEND)
				return true;
	return false;
}

static bool can_leave(const struct state *state) {
	for (size_t i = 0; i < state->on.count; i++)
		if (any_target(&state->on.items[i].cases))
			return true;
	for (size_t i = 0; i < state->after.count; i++)
		if (any_target(&state->after.items[i].cases))
			return true;
	return false;
}

static bool waits_for_people(const struct state *state) {
	for (size_t i = 0; i < state->on.count; i++)
		if (state->on.items[i].by.count > 0)
			return true;
	return false;
}

static bool has_timeout(const struct state *state) {
	for (size_t i = 0; i < state->after.count; i++)
		if (any_target(&state->after.items[i].cases) || any_send(&state->after.items[i].cases))
			return true;
	return false;
}

static void check_state(struct checker *c, const struct state *state) {
	if (!c->flow->reached[state->index])
		checker_tell(c, false, state->place, "state '%.*s' is never reached: no way leads to it from '%.*s'", STR_ARG(state->name), STR_ARG(c->d->initial->name));
	if (state->final)
		return;
	if (state->on.count == 0 && state->after.count == 0)
		checker_tell(c, false, state->place, "state '%.*s' has neither 'on' nor 'after' and is not final: an instance would stay there for ever", STR_ARG(state->name));
	else if (!can_leave(state))
		checker_tell(c, true, state->place, "state '%.*s' is never left: nothing in it has a target, and it is not final", STR_ARG(state->name));
	if (waits_for_people(state) && !has_timeout(state))
		checker_tell(c, true, state->place, "no timeout: state '%.*s' waits for people, but no timer in it leaves or reminds", STR_ARG(state->name));
}

/* An event by its name may look different in two states; what a link says of it is the same everywhere. */
static void check_names(struct checker *c) {
	for (size_t i = 0; i < c->d->states.count; i++)
		for (size_t k = 0; k < c->d->states.items[i].on.count; k++) {
			const struct event_rule *event = &c->d->states.items[i].on.items[k];
			if (definition_view(c->d, event->name))
				checker_tell(c, false, event->place, "'%.*s' is both an event and a view: links name either, so the names must differ", STR_ARG(event->name));
		}
}

static bool view_allows(const struct view_rule *view, const struct role *role) {
	for (size_t i = 0; i < view->roles.count; i++)
		if (view->roles.items[i] == role)
			return true;
	return false;
}

static bool some_event_allows(const struct definition *d, struct str name, const struct role *role) {
	for (size_t i = 0; i < d->states.count; i++) {
		const struct event_rule *event = state_event(&d->states.items[i], name);
		if (event && event_allows(event, role->name))
			return true;
	}
	return false;
}

static struct str nearest_link(struct checker *c, struct str wanted) {
	struct str_set names = {0};
	for (size_t i = 0; i < c->d->views.count; i++)
		*(struct str *)ARENA_PUSH(c->arena, &names) = c->d->views.items[i].name;
	for (size_t i = 0; i < c->d->states.count; i++)
		for (size_t k = 0; k < c->d->states.items[i].on.count; k++)
			if (c->d->states.items[i].on.items[k].by.count > 0)
				*(struct str *)ARENA_PUSH(c->arena, &names) = c->d->states.items[i].on.items[k].name;
	struct str near = name_nearest(wanted, names.items, names.count);
	return near.len > 0 ? arena_printf(c->arena, "; did you mean '%.*s'?", STR_ARG(near)) : (struct str){"", 0};
}

static void check_link(void *context, const struct flow_point *point, const struct action *action) {
	struct checker *c = context;
	(void)point;
	if (action->kind != ACTION_SEND || action->link.len == 0)
		return;
	const struct view_rule *view = definition_view(c->d, action->link);
	const struct event_rule *event = definition_event(c->d, action->link);
	if (!view && !event) {
		checker_tell(c, false, action->place, "'link' of the send: there is no event or view '%.*s'%.*s", STR_ARG(action->link), STR_ARG(nearest_link(c, action->link)));
		return;
	}
	for (size_t i = 0; i < action->to.count; i++)
		if (view ? !view_allows(view, action->to.items[i]) : !some_event_allows(c->d, action->link, action->to.items[i]))
			checker_tell(c, false, action->place, "'link' of the send: role '%.*s' may not use the %s '%.*s'", STR_ARG(action->to.items[i]->name), view ? "view" : "event", STR_ARG(action->link));
}

void check_machine(struct checker *c) {
	for (size_t i = 0; i < c->d->states.count; i++)
		check_state(c, &c->d->states.items[i]);
	check_names(c);
	flow_walk(c->flow, &(struct flow_visitor){.context = c, .action = check_link});
}

/* ties */

enum { UNIT_NONE, UNIT_MONTHS, UNIT_DAYS, UNIT_WORKDAYS, UNIT_MS };

static int span_unit(struct span s, int64_t *amount) {
	int units = (s.months != 0) + (s.days != 0) + (s.workdays != 0) + (s.ms != 0);
	*amount = s.months + s.days + s.workdays + s.ms;
	return units != 1 ? UNIT_NONE : s.months ? UNIT_MONTHS : s.days ? UNIT_DAYS : s.workdays ? UNIT_WORKDAYS : UNIT_MS;
}

static int64_t greatest_divisor(int64_t a, int64_t b) {
	while (b != 0) {
		int64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* Both count from the same entry. In one unit their due times are multiples of their spans, and meet at the common ones; in two
 * units (7 days, 5 workdays) nobody can know. Elapsed times that wait for a time of day may end at the same one. */
static bool may_meet(const struct timer_rule *a, const struct timer_rule *b) {
	int64_t first, second;
	int unit = span_unit(a->span, &first);
	if (a->kind == TIMER_AT || b->kind == TIMER_AT || unit == UNIT_NONE || unit != span_unit(b->span, &second))
		return true;
	if (unit == UNIT_MS && (a->time_of_day >= 0 || b->time_of_day >= 0))
		return true;
	if (a->time_of_day >= 0 && b->time_of_day >= 0 && a->time_of_day != b->time_of_day)
		return false;
	int64_t divisor = greatest_divisor(first, second);
	int64_t first_most = a->kind == TIMER_IN ? 1 : a->times, second_most = b->kind == TIMER_IN ? 1 : b->times;
	return (first_most == 0 || second / divisor <= first_most) && (second_most == 0 || first / divisor <= second_most);
}

static void check_tie(struct checker *c, const struct state *state, const struct timer_rule *a, const struct timer_rule *b) {
	if (a->priority != b->priority || (!any_target(&a->cases) && !any_target(&b->cases)) || !may_meet(a, b))
		return;
	checker_tell(c, false, b->place, "timers '%.*s' and '%.*s' of state '%.*s' may be due at the same instant, and one of them leaves it: give one another priority (both have %lld)",
	             STR_ARG(a->name), STR_ARG(b->name), STR_ARG(state->name), (long long)a->priority);
}

void check_ties(struct checker *c) {
	for (size_t i = 0; i < c->d->states.count; i++) {
		const struct state *state = &c->d->states.items[i];
		for (size_t k = 1; k < state->after.count; k++)
			for (size_t j = 0; j < k; j++)
				check_tie(c, state, &state->after.items[j], &state->after.items[k]);
	}
}
