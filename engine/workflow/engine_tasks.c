/* Tasks of the state that a transition leaves: whose links are used up by it, and whose messages need not go any more. */
#include "engine/workflow/engine_run.h"

#include <string.h>

/* The links through which somebody else could have done the same: for the event itself, and for those whose page offers it. */
static bool close_same(struct run *r, const struct loaded *l, const struct event *event, const struct decision *decision, int64_t history_id, struct err *err) {
	for (size_t i = 0; i < l->state->on.count; i++) {
		const struct event_rule *rule = &l->state->on.items[i];
		bool same = rule->form && !state_event(decision->target, rule->name) && str_equal(rule->name, event->name);
		for (size_t k = 0; k < rule->also.count; k++)
			same = same || (str_equal(rule->also.items[k], event->name) && !state_event(decision->target, rule->name));
		if (same && !link_close_task(r->tx, l->instance.id, rule->name, history_id, r->now, err))
			return false;
	}
	return true;
}

bool run_close_links(struct run *r, const struct loaded *l, const struct event *event, const struct decision *decision, int64_t history_id, struct err *err) {
	if (event->kind == EVENT_FORM && !close_same(r, l, event, decision, history_id, err))
		return false;
	return !decision->target->final || link_withdraw_tasks(r->tx, l->instance.id, err);
}

static int64_t opens_in(struct run *r, struct snapshot snapshot, const struct state *state, const struct outbox_task *task) {
	const struct event_rule *event = state_offer(state, task->task, task->role, STR(""));
	snapshot.state = state;
	return event ? engine_opens(r->engine, &snapshot, event, r->now, r->a) : INT64_MAX;
}

/* Whether what the message says of its task holds in the state that was entered: it takes the event, and no later than the one that was left did. */
static bool still_holds(struct run *r, const struct loaded *l, const struct state *target, const struct snapshot *left, const struct outbox_task *task) {
	if (!state_offer(target, task->task, task->role, STR("")))
		return false;
	int64_t opened = opens_in(r, *left, left->state, task), opens = opens_in(r, loaded_snapshot(l), target, task);
	return opens <= r->now || opens <= opened;
}

/* Its link is in a message of this transition, too, which tells how things are now. */
static bool comes_anew(const struct outbox_tasks *tasks, const struct outbox_task *task, int64_t history_id) {
	for (size_t i = 0; i < tasks->count; i++)
		if (tasks->items[i].history_id == history_id && memcmp(tasks->items[i].link_id, task->link_id, sizeof task->link_id) == 0)
			return true;
	return false;
}

bool run_cancel_messages(struct run *r, const struct loaded *l, const struct decision *decision, const struct snapshot *left, int64_t history_id, struct err *err) {
	struct outbox_tasks tasks;
	if (!outbox_tasks(r->view, l->instance.id, r->a, &tasks, err))
		return false;
	for (size_t i = 0; i < tasks.count; i++) {
		const struct outbox_task *task = &tasks.items[i];
		bool over = !task->live || (decision->moved && (!still_holds(r, l, decision->target, left, task) || comes_anew(&tasks, task, history_id)));
		if (over && task->history_id != history_id && !outbox_cancel(r->tx, task->id, err))
			return false;
	}
	return true;
}
