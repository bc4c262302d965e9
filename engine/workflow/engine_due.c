/* Timers and signals: what happens to an instance without a person. */
#include "engine/base/log.h"
#include "engine/store/mailbox.h"
#include "engine/store/timers.h"
#include "engine/workflow/engine_run.h"

enum { MOST_IN_ONE_GO = 10000 };

/* A decision that does nothing but say why. */
static struct decision refusal(const struct loaded *l, const struct err *why) {
	return (struct decision){.outcome = DECISION_REFUSED, .target = l->state, .values = l->values, .guard_err = *why};
}

/* Carries it out; what cannot be done for good is recorded as refused instead, as long as nothing was written. */
static bool apply_or_refuse(struct run *r, struct loaded *l, const struct event *event, struct decision *decision, const struct cause *cause, struct err *err) {
	struct receipt receipt;
	if (run_apply(r, l, event, decision, cause, &receipt, err))
		return true;
	if (err->kind != ERR_PERMANENT || tx_dirty(r->tx))
		return false;
	log_err(LOG_ERROR, "event-refused", err);
	struct decision refused = refusal(l, err);
	return run_apply(r, l, event, &refused, cause, &receipt, err);
}

static bool fire_timer(struct run *r, const struct timer *timer, const struct err *why, struct err *err) {
	struct loaded l;
	struct decision decision;
	struct event event = {.kind = EVENT_TIMER, .name = timer->name, .fired = timer->fired};
	struct cause cause = {.kind = "timer"};
	if (!run_load(r, timer->instance_id, &l, err))
		return false;
	if (!str_equal(timer->state, l.state->name))
		return timer_cancel(r->tx, timer->instance_id, timer->name, err);
	if (why)
		decision = refusal(&l, why);
	else
		run_decide(r, &l, &event, &decision);
	return apply_or_refuse(r, &l, &event, &decision, &cause, err);
}

/* The signal's data through the validation gate, over the instance's values. False in *ok: a field does not fit. */
static bool signal_values(struct run *r, struct loaded *l, struct str json, struct value *values, bool *ok, struct err *err) {
	struct answers answers = {0};
	struct form_page page = {0};
	struct form form = {.pages = {&page, 1, 1}};
	struct form_problems problems = {0};
	for (size_t i = 0; i < l->definition->fields.count; i++)
		values[i] = l->values[i];
	*ok = answers_from_json(json.len ? json : STR("{}"), r->a, &answers, err);
	if (!*ok)
		return true;
	for (size_t i = 0; i < answers.count; i++) {
		struct str name = answers.items[i].name;
		const struct field *field = definition_field(l->definition, str_cut(&name, '.'));
		if (!field) {
			*ok = err_set(err, ERR_INPUT, "error.input", "signal names an unknown field '%.*s'", STR_ARG(answers.items[i].name));
			return true;
		}
		struct form_item *item = ARENA_PUSH(r->a, &page.items);
		*item = (struct form_item){.field = field, .optional = true};
	}
	struct form_world world = run_form_world(r, l);
	if (!form_validate(&world, &form, -1, &answers, r->a, values, &problems, err))
		return false;
	if (problems.count > 0)
		*ok = err_set(err, ERR_INPUT, "error.input", "signal: field %.*s: %s", STR_ARG(problems.items[0].name), problems.items[0].key);
	return true;
}

static bool take_signal(struct run *r, const struct signal_row *row, const struct err *why, struct err *err) {
	struct loaded l;
	struct decision decision;
	struct err data_err = {0};
	bool data_ok;
	if (!run_load(r, row->instance_id, &l, err))
		return false;
	struct value *values = ARENA_ARRAY(r->a, l.definition->fields.count, struct value);
	struct event event = {.kind = EVENT_SIGNAL, .name = row->event, .values = values};
	struct cause cause = {.kind = "signal"};
	const struct event_rule *rule = state_event(l.state, row->event);
	/* An early signal waits for a state that takes it. In a final state none will come. */
	if ((!rule || rule->by.count > 0) && !l.state->final && !why)
		return mailbox_hold(r->tx, row->id, err);
	if (!signal_values(r, &l, row->data, values, &data_ok, &data_err)) {
		*err = data_err;
		return false;
	}
	if (why)
		decision = refusal(&l, why);
	else if (!data_ok)
		decision = refusal(&l, &data_err);
	else
		run_decide(r, &l, &event, &decision);
	/* Removed last: a failure before it may still be recorded as a refusal without a write in between. */
	return apply_or_refuse(r, &l, &event, &decision, &cause, err) && mailbox_remove(r->tx, row->id, err);
}

/* One due thing of this root; *found false: nothing is left. */
static bool step_root(struct run *r, int64_t root_id, bool *found, struct err *err) {
	struct timer timer;
	struct signal_row row;
	if (!timer_overdue_of_root(r->view, root_id, r->now, r->a, &timer, found, err))
		return false;
	if (*found)
		return fire_timer(r, &timer, NULL, err);
	return mailbox_next(r->view, root_id, r->a, &row, found, err) && (!*found || take_signal(r, &row, NULL, err));
}

bool run_catch_up(struct run *r, int64_t root_id, struct err *err) {
	for (int i = 0; i < MOST_IN_ONE_GO; i++) {
		bool found;
		if (!step_root(r, root_id, &found, err))
			return false;
		if (!found)
			return true;
		tx_mark(r->tx);
	}
	return err_set(err, ERR_TRANSIENT, "error.busy", "more than %d due events of one instance", MOST_IN_ONE_GO);
}

bool engine_tick(struct engine *e, struct tx *tx, int64_t now, struct arena *a, bool *more, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct timer_list due = {0};
	if (!timer_overdue(r.view, now, 2, a, &due, err))
		return false;
	*more = due.count > 1;
	return due.count == 0 || run_catch_up(&r, due.items[0].root_id, err);
}

bool engine_drain(struct engine *e, struct tx *tx, int64_t now, int64_t limit, struct arena *a, bool *more, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	*more = true;
	for (int64_t i = 0; i < limit; i++) {
		struct signal_row row;
		if (!mailbox_next(r.view, 0, a, &row, more, err))
			return false;
		if (!*more)
			return true;
		if (!run_catch_up(&r, row.root_id, err))
			return false;
	}
	return true;
}

bool engine_set_aside(struct engine *e, struct tx *tx, int64_t now, const struct err *why, struct arena *a, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct timer_list due = {0};
	struct signal_row row;
	bool found;
	if (!timer_overdue(r.view, now, 1, a, &due, err))
		return false;
	if (due.count > 0)
		return fire_timer(&r, &due.items[0], why, err);
	return mailbox_next(r.view, 0, a, &row, &found, err) && (!found || take_signal(&r, &row, why, err));
}

bool engine_signal(struct engine *e, struct tx *tx, int64_t now, int64_t instance_id, struct str event, const struct answers *data, struct arena *a, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct instance instance;
	struct buf json;
	if (!instance_load(r.view, instance_id, a, &instance, err))
		return false;
	buf_init(&json, 1 << 20);
	answers_to_json(data, &json);
	struct signal_row row = {.instance_id = instance_id, .root_id = instance.root_id, .event = event, .data = arena_str(a, buf_text(&json)), .at = now};
	buf_free(&json);
	if (!mailbox_put(tx, &row, err))
		return false;
	tx_mark(tx);
	return run_catch_up(&r, instance.root_id, err);
}
