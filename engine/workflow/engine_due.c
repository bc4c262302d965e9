/* Timers and signals: what happens to an instance without a person. */
#include "engine/base/log.h"
#include "engine/store/mailbox.h"
#include "engine/store/timers.h"
#include "engine/workflow/engine_run.h"

enum { MOST_IN_ONE_GO = 10000, MOST_ROOTS = 100, MOST_HOPS = 100 };

struct decision run_refusal(struct run *r, const struct loaded *l, const struct event *event, const struct err *why) {
	struct decision_world world = run_world(r, l);
	struct snapshot snapshot = loaded_snapshot(l);
	struct decision out;
	decision_refuse(&world, &snapshot, event, why, r->a, &out);
	return out;
}

bool run_apply_or_refuse(struct run *r, struct loaded *l, const struct event *event, struct decision *decision, const struct cause *cause, struct err *err) {
	struct receipt receipt;
	if (run_apply(r, l, event, decision, cause, &receipt, err))
		return true;
	if ((err->kind != ERR_PERMANENT && err->kind != ERR_INPUT) || tx_dirty(r->tx))
		return false;
	log_err(LOG_ERROR, "event-refused", err);
	struct decision refused = run_refusal(r, l, event, err);
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
		decision = run_refusal(r, &l, &event, why);
	else if (!run_decide(r, &l, &event, &decision, err))
		return false;
	return run_apply_or_refuse(r, &l, &event, &decision, &cause, err);
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
		bool listed = false; /* a matrix has many answers */
		for (size_t k = 0; k < page.items.count; k++)
			listed = listed || page.items.items[k].field == field;
		if (!listed)
			*(struct form_item *)ARENA_PUSH(r->a, &page.items) = (struct form_item){.field = field, .optional = true};
	}
	struct form_world world = run_form_world(r, l);
	if (!form_validate(&world, &form, -1, &answers, r->a, values, &problems, err))
		return false;
	if (problems.count > 0)
		*ok = err_set(err, ERR_INPUT, "error.input", "signal: field %.*s: %s", STR_ARG(problems.items[0].name), problems.items[0].key);
	return true;
}

static bool deliver_signal(struct run *r, const struct signal_row *row, const struct err *why, struct err *err) {
	struct loaded l;
	struct decision decision;
	struct err data_err = {0};
	bool data_ok;
	if (!run_load(r, row->instance_id, &l, err))
		return false;
	struct value *values = ARENA_ARRAY(r->a, l.definition->fields.count, struct value);
	struct event event = {.kind = EVENT_SIGNAL, .name = row->event, .values = values};
	struct cause cause = {.kind = "signal"};
	bool watch = watch_is(row->event);
	const struct event_rule *rule = watch ? state_watch(l.state, row->event) : state_event(l.state, row->event);
	/* What a state does not ask about is over: a later one finds it as it is then. */
	if (watch && !rule)
		return mailbox_remove(r->tx, row->id, err);
	if (watch)
		event.name = rule->name;
	/* An early signal waits for a state that takes it. In a final state none will come. */
	if (!watch && (!rule || !event_is_signal(rule)) && !l.state->final && !why)
		return mailbox_hold(r->tx, row->id, err);
	if (!signal_values(r, &l, row->data, values, &data_ok, &data_err)) {
		*err = data_err;
		return false;
	}
	if (why)
		decision = run_refusal(r, &l, &event, why);
	else if (!data_ok)
		decision = run_refusal(r, &l, &event, &data_err);
	else if (!run_decide(r, &l, &event, &decision, err))
		return false;
	/* Removed last: a failure before it may still be recorded as a refusal without a write in between. */
	return run_apply_or_refuse(r, &l, &event, &decision, &cause, err) && mailbox_remove(r->tx, row->id, err);
}

/* Two instances that answer each other's signals, or one that signals to itself, would go on for ever. */
static bool take_signal(struct run *r, const struct signal_row *row, const struct err *why, struct err *err) {
	struct err endless = {0};
	bool too_far = row->hops >= MOST_HOPS;
	if (too_far)
		err_set(&endless, ERR_PERMANENT, "error.internal", "%d signals led to each other; this one is not taken", MOST_HOPS);
	r->hops = row->hops + 1;
	const struct err *reason = why ? why : too_far ? &endless : NULL;
	bool ok = row->role.len > 0 ? run_post(r, row, reason, err) : deliver_signal(r, row, reason, err);
	r->hops = 0;
	return ok;
}

/* What happens next without a person: a timer, or a signal. */
struct due {
	enum { DUE_NOTHING, DUE_TIMER, DUE_SIGNAL } kind;
	struct timer timer;
	struct signal_row row;
};

/* A signal that was there before the timer became due comes first, as it would have without the delay; and so does one that was there when a timer was set whose time had come
 * already. So several that are told something at one instant have all heard it before anything is due for one of them. */
static bool timer_is_first(const struct timer *timer, const struct signal_row *row) {
	return timer->set_at < timer->due_at ? timer->due_at <= row->at : timer->set_at < row->at;
}

/* Of one root: what of another is due first says nothing about its order. */
static bool next_due(struct run *r, int64_t root_id, struct due *out, struct err *err) {
	bool timer, signal;
	if (!timer_overdue_of_root(r->view, root_id, r->now, r->a, &out->timer, &timer, err) || !mailbox_next(r->view, root_id, r->a, &out->row, &signal, err))
		return false;
	if (timer && signal)
		timer = timer_is_first(&out->timer, &out->row);
	out->kind = timer ? DUE_TIMER : signal ? DUE_SIGNAL : DUE_NOTHING;
	return true;
}

/* The root that has waited longest. *found false: nothing is due for any. */
static bool next_root(struct run *r, int64_t *root_id, bool *found, struct err *err) {
	struct timer_list timers = {0};
	struct signal_row row;
	bool signal;
	if (!timer_overdue(r->view, r->now, 1, r->a, &timers, err) || !mailbox_next(r->view, 0, r->a, &row, &signal, err))
		return false;
	bool timer = timers.count > 0 && (!signal || timers.items[0].due_at <= row.at);
	*found = timer || signal;
	if (*found)
		*root_id = timer ? timers.items[0].root_id : row.root_id;
	return true;
}

static bool next_of_all(struct run *r, struct due *out, struct err *err) {
	int64_t root_id;
	bool found;
	out->kind = DUE_NOTHING;
	return next_root(r, &root_id, &found, err) && (!found || next_due(r, root_id, out, err));
}

static bool take_due(struct run *r, const struct due *due, const struct err *why, struct err *err) {
	if (due->kind == DUE_TIMER)
		r->engine->timers++;
	else if (due->kind == DUE_SIGNAL)
		r->engine->signals++;
	return due->kind == DUE_TIMER    ? fire_timer(r, &due->timer, why, err)
	       : due->kind == DUE_SIGNAL ? take_signal(r, &due->row, why, err)
	                                 : true;
}

/* What is due of one root, in its order, as long as there is any and *most allows it. */
static bool take_of_root(struct run *r, int64_t root_id, int64_t *most, bool *left, struct err *err) {
	for (*left = true; *left && *most > 0;) {
		struct due due;
		if (!next_due(r, root_id, &due, err) || !take_due(r, &due, NULL, err))
			return false;
		*left = due.kind != DUE_NOTHING;
		*most -= *left;
		tx_mark(r->tx);
	}
	return true;
}

bool run_catch_up(struct run *r, int64_t root_id, struct err *err) {
	int64_t most = MOST_IN_ONE_GO;
	bool left;
	if (!take_of_root(r, root_id, &most, &left, err))
		return false;
	return !left || err_set(err, ERR_TRANSIENT, "error.busy", "more than %d due events of one instance", MOST_IN_ONE_GO);
}

void run_stir(struct run *r, int64_t root_id) {
	r->stirred = true;
	for (size_t i = 0; i < r->roots.count; i++)
		if (r->roots.items[i] == root_id)
			return;
	if (r->roots.count < MOST_ROOTS) /* the rest is the writer's */
		*(int64_t *)ARENA_PUSH(r->lasting, &r->roots) = root_id;
}

/* The list may grow meanwhile. */
static bool follow_all(struct run *r, int64_t root_id, struct err *err) {
	bool ok = run_catch_up(r, root_id, err);
	for (size_t i = 0; ok && i < r->roots.count; i++)
		ok = r->roots.items[i] == root_id || run_catch_up(r, r->roots.items[i], err);
	return ok;
}

bool run_follow(struct run *r, int64_t root_id, struct err *err) {
	tx_mark(r->tx);
	if (!r->stirred || r->engine->alone || follow_all(r, root_id, err))
		return true;
	if (!tx_alive(r->tx) || tx_dirty(r->tx))
		return false;
	log_err(LOG_WARN, "left-for-later", err);
	*err = (struct err){0};
	return true;
}

bool engine_tick(struct engine *e, struct tx *tx, int64_t now, int64_t most, struct arena *a, bool *more, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	for (*more = true; most > 0;) {
		int64_t root_id;
		bool left;
		if (!next_root(&r, &root_id, more, err))
			return false;
		if (!*more)
			return true;
		if (!take_of_root(&r, root_id, &most, &left, err))
			return false;
	}
	return true;
}

bool engine_step(struct engine *e, struct tx *tx, int64_t now, struct arena *a, bool *found, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct due due;
	if (!next_of_all(&r, &due, err))
		return false;
	*found = due.kind != DUE_NOTHING;
	return take_due(&r, &due, NULL, err);
}

/* Its instance cannot even be read: nothing is lost, it is tried again later. */
static bool postpone(struct run *r, struct due *due, struct err *err) {
	if (due->kind == DUE_SIGNAL)
		return mailbox_hold(r->tx, due->row.id, err);
	due->timer.set_at = r->now;
	due->timer.due_at = r->now + RUN_POSTPONED_MS;
	return timer_set(r->tx, &due->timer, err);
}

bool engine_set_aside(struct engine *e, struct tx *tx, int64_t now, const struct err *why, struct arena *a, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct due due;
	if (!next_of_all(&r, &due, err))
		return false;
	if (take_due(&r, &due, why, err))
		return true;
	if (err->kind == ERR_TRANSIENT || !tx_alive(tx) || tx_dirty(tx))
		return false;
	log_err(LOG_ERROR, "postponed", err);
	*err = (struct err){0};
	return postpone(&r, &due, err);
}

/* It may wait in the mailbox: what is sensitive waits sealed. */
static bool sealed_data(struct run *r, const struct instance *instance, const struct answers *data, struct answers *out, struct err *err) {
	const struct definition *d = site_definition(r->engine->site, r->view, instance->definition, err);
	if (!d)
		return false;
	struct form_world world = engine_world(r->engine, d, instance, NULL, r->now, r->a);
	for (size_t i = 0; i < data->count; i++)
		for (size_t k = 0; k < data->items[i].texts.count; k++)
			answers_put(out, r->a, data->items[i].name, data->items[i].texts.items[k]);
	form_seal_answers(&world, instance->reference, out, r->a);
	return true;
}

bool engine_signal(struct engine *e, struct tx *tx, int64_t now, int64_t instance_id, struct str event, const struct answers *data, struct arena *a, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct instance instance;
	struct answers kept = {0};
	struct buf json;
	if (!instance_load(r.view, instance_id, a, &instance, err) || !sealed_data(&r, &instance, data, &kept, err))
		return false;
	buf_init(&json, 1 << 20);
	answers_to_json(&kept, &json);
	struct signal_row row = {.instance_id = instance_id, .root_id = instance.root_id, .event = event, .data = arena_str(a, buf_text(&json)), .at = now};
	buf_free(&json);
	r.stirred = true;
	return mailbox_put(tx, &row, err) && run_follow(&r, instance.root_id, err);
}
