/* stafet replay, of timers: each was set when it fired, and due; and those that wait are those that the decisions have set. */
#include "engine/workflow/engine_replay.h"

static struct timer *find(struct replay *p, struct str name) {
	for (size_t i = 0; i < p->timers.count; i++)
		if (str_equal(p->timers.items[i].name, name))
			return &p->timers.items[i];
	return NULL;
}

static void cancel(struct replay *p, struct str name) {
	struct timer *timer = find(p, name);
	if (timer)
		*timer = p->timers.items[--p->timers.count];
}

static struct str local(struct replay *p, int64_t instant) {
	return civil_format_datetime(p->run.a, zone_local(site_zone(p->run.engine->site), instant));
}

void replay_timer_fires(struct replay *p, struct event *event) {
	const struct timer *timer = find(p, event->name);
	if (p->timers.unsure)
		return;
	if (!timer)
		replay_fault(p, "fires a timer that was not set");
	else if (timer->due_at > p->entry->at)
		replay_fault(p, "fires a timer that is due at %.*s", STR_ARG(local(p, timer->due_at)));
	event->fired = timer ? timer->fired : 0;
}

static void take_effect(struct replay *p, const struct decision *again, const struct timer_effect *effect) {
	struct timer *timer = find(p, effect->rule->name);
	if (effect->what == TIMER_CANCELLED) {
		cancel(p, effect->rule->name);
	} else if (effect->what == TIMER_REORDERED) {
		if (timer)
			timer->order = effect->order;
	} else {
		timer = timer ? timer : ARENA_PUSH(p->a, &p->timers);
		*timer = (struct timer){
		        .root_id = p->instance->root_id,
		        .state = again->target->name,
		        .name = effect->rule->name,
		        .due_at = effect->due_at,
		        .set_at = p->entry->at,
		        .priority = effect->rule->priority,
		        .order = effect->order,
		        .fired = effect->fired,
		};
	}
}

void replay_timers(struct replay *p, const struct event *event, const struct decision *again) {
	if (again->timers_all) {
		p->timers.count = 0;
		p->timers.unsure = false;
	} else if (event->kind == EVENT_TIMER) {
		cancel(p, event->name);
	}
	for (size_t i = 0; i < again->timers.count; i++)
		take_effect(p, again, &again->timers.items[i]);
}

/* Put off, because the instance could not be read when it was due: then there is no entry of it. */
static bool is_put_off(const struct timer *is, const struct timer *decided) {
	return is->set_at >= decided->due_at && is->due_at == is->set_at + RUN_POSTPONED_MS;
}

static const char *difference(const struct timer *is, const struct timer *decided) {
	bool same_set = is->set_at == decided->set_at || is->set_at == 0; /* of an earlier version */
	if (is->due_at != decided->due_at || !same_set)
		return is_put_off(is, decided) ? NULL : "another time";
	if (is->priority != decided->priority || is->order != decided->order)
		return "another place among those of one instant";
	if (is->fired != decided->fired)
		return "fired another number of times";
	return str_equal(is->state, decided->state) && is->root_id == decided->root_id ? NULL : "another state or root";
}

bool replay_timers_left(struct replay *p, struct err *err) {
	struct timer_list list;
	if (p->timers.unsure)
		return true;
	if (!timer_list(p->run.view, p->instance->id, p->run.a, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct timer *is = &list.items[i], *decided = find(p, is->name);
		const char *other = decided ? difference(is, decided) : NULL;
		if (!decided)
			replay_fault_of_all(p, "timer '%.*s' waits, but no decision set it", STR_ARG(is->name));
		else if (other)
			replay_fault_of_all(p, "timer '%.*s', due at %.*s, was decided for %.*s: it has %s", STR_ARG(is->name), STR_ARG(local(p, is->due_at)), STR_ARG(local(p, decided->due_at)), other);
		if (decided)
			cancel(p, is->name);
	}
	for (size_t i = 0; i < p->timers.count; i++)
		replay_fault_of_all(p, "timer '%.*s' does not wait, but is due at %.*s", STR_ARG(p->timers.items[i].name), STR_ARG(local(p, p->timers.items[i].due_at)));
	return true;
}
