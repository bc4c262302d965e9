#include "engine/workflow/decision.h"

#include <string.h>

/* One decision under way. slots: the fields (changed by `set`), then the extras. */
struct run {
	const struct decision_world *world;
	const struct snapshot *snapshot;
	const struct definition *definition;
	struct arena *a;
	struct decision *out;
	struct value *slots;
	struct environment env;
	const struct value *frozen; /* copy of the fields for sends, until the next `set` */
	const struct state *state;  /* whose actions run */
};

static struct value *extra(struct run *r, int slot) {
	return &r->slots[r->definition->fields.count + (size_t)slot];
}

static void run_begin(struct run *r, const struct decision_world *world, const struct snapshot *snapshot, const struct value *values, struct arena *a) {
	size_t count = snapshot->definition->fields.count;
	*r = (struct run){.world = world, .snapshot = snapshot, .definition = snapshot->definition, .a = a};
	int64_t today = civil_day_of(zone_local(world->zone, world->now));
	r->slots = ARENA_ARRAY(a, definition_slots(r->definition), struct value);
	if (count > 0)
		memcpy(r->slots, values, count * sizeof *values);
	r->env = (struct environment){
	        .slots = r->slots,
	        .slot_count = definition_slots(r->definition),
	        .zone = world->zone,
	        .calendar = world->calendar,
	        .rows = data_row_source(r->definition, world->registers, today, a),
	        .ledger = world->ledger,
	        .urn = world->urn,
	};
	*extra(r, SLOT_NOW) = value_instant(world->now);
	*extra(r, SLOT_TODAY) = value_date(today);
	*extra(r, SLOT_REFERENCE) = value_string(snapshot->reference);
	*extra(r, SLOT_STARTED_AT) = value_instant(snapshot->started_at);
	*extra(r, SLOT_ENTERED_AT) = value_instant(snapshot->entered_at);
	*extra(r, SLOT_CHILDREN) = snapshot->children ? *snapshot->children : (struct value){.kind = KIND_LIST};
	board_fill(world->board, r->slots);
	r->state = snapshot->state;
	if (r->state)
		*extra(r, SLOT_STATE) = value_string(r->state->name);
}

static bool holds(struct run *r, const struct expression *guard) {
	struct err err = {0};
	if (!guard)
		return true;
	bool held = expression_holds(guard, &r->env, r->a, &err);
	if (err.kind != ERR_NONE && r->out->guard_err.kind == ERR_NONE)
		r->out->guard_err = err;
	struct guard_trace *trace = ARENA_PUSH(r->a, &r->out->guards);
	trace->guard = guard;
	trace->held = held;
	return held;
}

static const struct value *freeze(struct run *r) {
	if (!r->frozen) {
		size_t count = r->definition->fields.count;
		struct value *copy = ARENA_ARRAY(r->a, count, struct value);
		if (count > 0)
			memcpy(copy, r->slots, count * sizeof *copy);
		r->frozen = r->out->values = copy;
	}
	return r->frozen;
}

static bool evaluate(struct run *r, const struct assignment *assignment, struct value *out) {
	struct err err = {0};
	*out = VALUE_UNSET;
	if (!assignment->value)
		return true;
	bool own = assignment->field != NULL;
	if (own ? expression_evaluate(assignment->value, &r->env, r->a, out, &err) : expression_pass_on(assignment->value, &r->env, r->a, out, &err))
		return true;
	r->out->guard_err = err;
	return false;
}

static void put(struct run *r, const struct field *field, struct value value) {
	r->slots[field->slot] = value;
	r->frozen = NULL;
	r->out->values = r->slots;
}

static bool run_set(struct run *r, const struct action *action) {
	for (size_t i = 0; i < action->data.count; i++) {
		struct value value; /* of its own: `set: {n: n + 1}` reads what it writes */
		if (!evaluate(r, &action->data.items[i], &value) || !data_storable(&value, &r->out->guard_err))
			return false;
		put(r, action->data.items[i].field, value);
	}
	board_fill(r->world->board, r->slots); /* it may be in another group now */
	return true;
}

static bool run_share(struct run *r, const struct action *action) {
	struct board *board = r->world->board;
	bool changed = false;
	if (!board)
		return err_set(&r->out->guard_err, ERR_PERMANENT, "error.internal", "no group can be written to here");
	for (size_t i = 0; i < action->data.count; i++) {
		struct value value;
		if (!evaluate(r, &action->data.items[i], &value) || !data_storable(&value, &r->out->guard_err))
			return false;
		changed = board_set(board, action->group, r->slots, action->data.items[i].field->slot, &value) || changed;
	}
	if (changed)
		*(struct effect *)ARENA_PUSH(r->a, &r->out->effects) = (struct effect){.kind = EFFECT_SHARE, .action = action, .row = board_key(action->group, r->slots, r->a)};
	board_fill(board, r->slots);
	return true;
}

/* A seed's hash, or the seed. */
static bool run_seed(struct run *r, const struct action *action) {
	struct str hex;
	if (!(action->kind == ACTION_COMMIT ? urn_commit : urn_reveal)(r->world->urn, action->seed, &hex, &r->out->guard_err))
		return false;
	put(r, action->field, value_string(hex));
	return true;
}

static bool run_effect(struct run *r, const struct action *action, enum effect_kind kind) {
	struct effect *effect = ARENA_PUSH(r->a, &r->out->effects);
	*effect = (struct effect){.kind = kind, .action = action, .state = r->state};
	if (kind == EFFECT_SEND || kind == EFFECT_DOCUMENT)
		effect->values = freeze(r);
	for (size_t i = 0; i < action->data.count; i++)
		if (!evaluate(r, &action->data.items[i], ARENA_PUSH(r->a, &effect->data)))
			return false;
	return true;
}

/* A due day at that wall-clock time. */
static int64_t at_time(const struct run *r, int64_t day, int64_t ms_of_day) {
	return zone_instant(r->world->zone, day * CIVIL_DAY_MS + ms_of_day);
}

static int64_t next_time_of_day(const struct run *r, int64_t instant, int64_t ms_of_day) {
	int64_t day = civil_day_of(zone_local(r->world->zone, instant));
	int64_t same_day = at_time(r, day, ms_of_day);
	return same_day >= instant ? same_day : at_time(r, day + 1, ms_of_day);
}

static int64_t instant_of(const struct run *r, const struct value *v, int64_t time_of_day) {
	if (v->kind == KIND_DATE)
		return at_time(r, v->integer, time_of_day < 0 ? 0 : time_of_day);
	int64_t instant = v->kind == KIND_DATETIME ? zone_instant(r->world->zone, v->integer) : v->integer;
	return time_of_day < 0 ? instant : next_time_of_day(r, instant, time_of_day);
}

/* A deadline that cannot be computed is none, so that the message goes; the log tells why. */
static int64_t deadline_of(struct run *r, const struct action *action) {
	struct value v;
	struct err err = {0};
	if (!action->deadline)
		return 0;
	if (!expression_evaluate(action->deadline, &r->env, r->a, &v, &err) || v.kind == KIND_UNSET) {
		if (r->out->guard_err.kind == ERR_NONE)
			r->out->guard_err = err;
		return 0;
	}
	return v.kind == KIND_DURATION ? civil_add(r->world->zone, r->world->calendar, r->world->now, v.span) : instant_of(r, &v, -1);
}

static bool run_send(struct run *r, const struct action *action) {
	if (!run_effect(r, action, EFFECT_SEND))
		return false;
	r->out->effects.items[r->out->effects.count - 1].deadline_at = deadline_of(r, action);
	return true;
}

/* One child for each of a list. */
static bool run_start_each(struct run *r, const struct action *action) {
	struct value list;
	if (!action->each)
		return run_effect(r, action, EFFECT_START);
	if (!expression_evaluate(action->each, &r->env, r->a, &list, &r->out->guard_err))
		return false;
	if (list.list.count > DECISION_CHILDREN)
		return err_set(&r->out->guard_err, ERR_INPUT, "error.input", "one `start` may make %d children, not %zu", DECISION_CHILDREN, list.list.count);
	bool ok = true;
	for (size_t i = 0; ok && i < list.list.count; i++) {
		*extra(r, SLOT_ITEM) = list.list.items[i];
		ok = run_effect(r, action, EFFECT_START);
	}
	*extra(r, SLOT_ITEM) = VALUE_UNSET;
	return ok;
}

static bool row_key(struct run *r, const struct expression *expression, struct str *key) {
	struct value row;
	if (!expression_evaluate(expression, &r->env, r->a, &row, &r->out->guard_err))
		return false;
	const struct value *text = row.kind == KIND_RECORD ? &row.record.members[row.record.type->key] : &row;
	*key = text->kind == KIND_STRING ? text->string : STR("");
	return true;
}

static void push_row(struct run *r, const struct action *action, enum effect_kind kind, struct str row) {
	*(struct effect *)ARENA_PUSH(r->a, &r->out->effects) = (struct effect){.kind = kind, .action = action, .row = row};
}

static bool run_claim(struct run *r, const struct action *action) {
	struct str row;
	if (!row_key(r, action->row, &row) || !ledger_claim(r->world->ledger, action->pool, row, &r->out->guard_err))
		return false;
	push_row(r, action, EFFECT_CLAIM, row);
	return true;
}

/* Of all that it holds: none is as good as many. */
static bool run_release(struct run *r, const struct action *action) {
	struct ledger *ledger = r->world->ledger;
	struct holding held = {0};
	struct str row;
	if (action->row && !row_key(r, action->row, &row))
		return false;
	if (action->row)
		held = (struct holding){.items = &row, .count = 1};
	else if (!ledger_held(ledger, action->pool, r->a, &held, &r->out->guard_err))
		return false;
	for (size_t i = 0; i < held.count; i++) {
		if (!ledger_release(ledger, action->pool, held.items[i], &r->out->guard_err))
			return false;
		push_row(r, action, EFFECT_RELEASE, held.items[i]);
	}
	return true;
}

static bool plan_time(struct run *r, const struct expression *e, int64_t *ms) {
	struct value text;
	if (!e)
		return true;
	return expression_evaluate(e, &r->env, r->a, &text, &r->out->guard_err) &&
	       (civil_parse_time(text.string, ms) || err_set(&r->out->guard_err, ERR_INPUT, "error.input", "'%.*s' is no time such as '12:00'", STR_ARG(text.string)));
}

static bool plan_instant(struct run *r, const struct expression *e, int64_t *instant) {
	struct value v;
	*instant = r->world->now;
	if (!e)
		return true;
	if (!expression_evaluate(e, &r->env, r->a, &v, &r->out->guard_err))
		return false;
	*instant = instant_of(r, &v, -1);
	return true;
}

/* Which slots there are is decided here; who has which, engine_plan.c finds out. */
static bool run_plan(struct run *r, const struct action *action) {
	const struct plan_rule *rule = action->plan;
	struct plan_ask ask = {.grid = {r->world->calendar, 0, 0, rule->from_ms, rule->until_ms}, .mode = rule->keep ? PLAN_KEEP : rule->paused_from ? PLAN_PAUSE : PLAN_ANEW};
	struct value first, step;
	struct err *err = &r->out->guard_err;
	if (!expression_evaluate(rule->first, &r->env, r->a, &first, err) || !expression_evaluate(rule->step, &r->env, r->a, &step, err) ||
	    !plan_time(r, rule->from, &ask.grid.from) || !plan_time(r, rule->until, &ask.grid.until) || !plan_instant(r, rule->paused_from, &ask.paused_from) ||
	    !plan_instant(r, rule->paused_until, &ask.paused_until))
		return false;
	ask.grid.first = first.integer;
	ask.grid.step_ms = step.span.months || step.span.days || step.span.workdays ? 0 : step.span.ms;
	if (!slot_grid_valid(&ask.grid, err) || !run_effect(r, action, EFFECT_PLAN))
		return false;
	r->out->effects.items[r->out->effects.count - 1].plan = ask;
	return true;
}

static bool run_actions(struct run *r, const struct action_list *actions) {
	for (size_t i = 0; i < actions->count; i++) {
		const struct action *action = &actions->items[i];
		if (!holds(r, action->condition))
			continue;
		bool ok = action->kind == ACTION_SET      ? run_set(r, action)
		          : action->kind == ACTION_SEND   ? run_send(r, action)
		          : action->kind == ACTION_DOCUMENT ? run_effect(r, action, EFFECT_DOCUMENT)
		          : action->kind == ACTION_START  ? run_start_each(r, action)
		          : action->kind == ACTION_PLAN   ? run_plan(r, action)
		          : action->kind == ACTION_CLAIM  ? run_claim(r, action)
		          : action->kind == ACTION_RELEASE ? run_release(r, action)
		          : action->kind == ACTION_COMMIT || action->kind == ACTION_REVEAL ? run_seed(r, action)
		          : action->kind == ACTION_SHARE ? run_share(r, action)
		                                          : run_effect(r, action, EFFECT_SIGNAL);
		if (!ok)
			return false;
	}
	return true;
}

static struct span span_times(struct span s, int64_t n) {
	return (struct span){s.months * n, s.days * n, s.workdays * n, s.ms * n};
}

static int64_t due_after(const struct run *r, const struct timer_rule *rule, int64_t n, int64_t entered_at) {
	int64_t due = civil_add(r->world->zone, r->world->calendar, entered_at, span_times(rule->span, n));
	if (rule->time_of_day < 0)
		return due;
	if (rule->span.ms != 0)
		return next_time_of_day(r, due, rule->time_of_day);
	return at_time(r, civil_day_of(zone_local(r->world->zone, due)), rule->time_of_day);
}

static bool due_at_date(struct run *r, const struct timer_rule *rule, int64_t *due_at) {
	struct value v;
	struct err unset;
	if (!expression_evaluate(rule->at, &r->env, r->a, &v, &unset) || v.kind == KIND_UNSET)
		return false;
	*due_at = instant_of(r, &v, rule->time_of_day);
	return true;
}

int64_t decision_opens(const struct decision_world *world, const struct snapshot *snapshot, const struct event_rule *event, struct arena *a, struct err *err) {
	struct run r;
	struct value v;
	if (!event->opens)
		return 0;
	run_begin(&r, world, snapshot, snapshot->values, a);
	if (!expression_evaluate(event->opens, &r.env, a, &v, err))
		return INT64_MAX;
	return v.kind == KIND_UNSET ? INT64_MAX : instant_of(&r, &v, -1);
}

static bool timer_due(struct run *r, const struct timer_rule *rule, int64_t fired, int64_t entered_at, int64_t *due_at) {
	if (rule->kind == TIMER_AT)
		return due_at_date(r, rule, due_at);
	*due_at = due_after(r, rule, rule->kind == TIMER_EVERY ? fired + 1 : 1, entered_at);
	return true;
}

bool decision_due(const struct decision_world *world, const struct snapshot *snapshot, const struct timer_rule *rule, int64_t fired,
                  struct arena *a, int64_t *due_at) {
	struct run r;
	run_begin(&r, world, snapshot, snapshot->values, a);
	return timer_due(&r, rule, fired, snapshot->entered_at, due_at);
}

/* What cannot be computed comes last. */
static int64_t order_of(struct run *r, const struct timer_rule *rule) {
	struct value v;
	struct err unset;
	if (!rule->order)
		return 0;
	return expression_evaluate(rule->order, &r->env, r->a, &v, &unset) && v.kind == KIND_INT ? v.integer : INT64_MAX;
}

static void push_timer(struct run *r, const struct timer_rule *rule, bool set, int64_t due_at, int64_t fired) {
	struct timer_effect *effect = ARENA_PUSH(r->a, &r->out->timers);
	*effect = (struct timer_effect){rule, set ? TIMER_SET : TIMER_CANCELLED, due_at, order_of(r, rule), fired};
}

static void set_timers(struct run *r, const struct state *state) {
	for (size_t i = 0; i < state->after.count; i++) {
		int64_t due_at;
		if (timer_due(r, &state->after.items[i], 0, r->world->now, &due_at))
			push_timer(r, &state->after.items[i], true, due_at, 0);
	}
}

static bool lies_ahead(struct run *r, const struct timer_rule *rule, int64_t fired, int64_t *due_at) {
	timer_due(r, rule, fired, r->snapshot->entered_at, due_at);
	return *due_at > r->world->now;
}

/* A timer that has just fired: a repeating one gets its next time. Repeats that an outage swallowed count as fired, so that people get one
 * reminder and not three at once. Due times ascend, so the first one ahead is found by doubling and halving, however long the outage was. */
static void go_on_repeating(struct run *r, const struct timer_rule *rule, int64_t fired) {
	int64_t due_at = 0, behind = fired, ahead = fired + 1;
	if (rule->kind != TIMER_EVERY)
		return;
	while (!lies_ahead(r, rule, ahead, &due_at)) {
		int64_t step = ahead - fired;
		behind = ahead;
		ahead += step;
	}
	while (ahead - behind > 1) {
		int64_t middle = behind + (ahead - behind) / 2;
		if (lies_ahead(r, rule, middle, &due_at))
			ahead = middle;
		else
			behind = middle;
	}
	timer_due(r, rule, ahead, r->snapshot->entered_at, &due_at);
	if (rule->times == 0 || ahead < rule->times)
		push_timer(r, rule, true, due_at, ahead);
}

static bool moves_on(struct run *r, const struct timer_rule *rule, int64_t due_at) {
	int64_t before;
	return !decision_due(r->world, r->snapshot, rule, 0, r->a, &before) || due_at > before;
}

static bool reads_changed(const struct run *r, const struct expression *e) {
	for (size_t slot = 0; e && slot < r->definition->fields.count; slot++)
		if (expression_reads(e, slot) && !value_equal(&r->snapshot->values[slot], &r->slots[slot]))
			return true;
	return false;
}

/* The state stays: dates that read a changed field are computed anew, and places among timers of one instant. That of the timer which has just fired only when it moves on, or one that moves
 * its own date backwards would fire for ever. */
static void recompute_timers(struct run *r, const struct timer_rule *just_fired) {
	for (size_t i = 0; i < r->state->after.count; i++) {
		const struct timer_rule *rule = &r->state->after.items[i];
		if (!reads_changed(r, rule->at)) {
			if (rule != just_fired && reads_changed(r, rule->order))
				*(struct timer_effect *)ARENA_PUSH(r->a, &r->out->timers) = (struct timer_effect){.rule = rule, .what = TIMER_REORDERED, .order = order_of(r, rule)};
			continue;
		}
		int64_t due_at = 0;
		bool set = timer_due(r, rule, 0, r->snapshot->entered_at, &due_at);
		if (rule == just_fired && set && !moves_on(r, rule, due_at))
			continue;
		push_timer(r, rule, set, due_at, 0);
	}
}

static void refuse(struct run *r) {
	r->out->outcome = DECISION_REFUSED;
	r->out->effects.count = 0;
	r->out->timers.count = 0;
	r->out->timers_all = false;
	r->out->moved = false;
	r->out->target = r->snapshot->state;
	r->out->values = (struct value *)r->snapshot->values;
}

static bool enter(struct run *r, const struct state *target) {
	r->state = target;
	r->out->target = target;
	r->out->moved = true;
	r->out->timers_all = true;
	*extra(r, SLOT_STATE) = value_string(target->name);
	*extra(r, SLOT_ENTERED_AT) = value_instant(r->world->now);
	if (!run_actions(r, &target->entry))
		return false;
	set_timers(r, target);
	return true;
}

static void take_transition(struct run *r, const struct transition *transition, const struct timer_rule *timer, int64_t fired) {
	r->out->transition = transition;
	bool ok = (!transition->target || run_actions(r, &r->state->exit)) && run_actions(r, &transition->actions) &&
	          (!transition->target || enter(r, transition->target));
	if (!ok)
		refuse(r);
	else if (!r->out->moved)
		recompute_timers(r, timer);
	if (timer && !r->out->moved)
		go_on_repeating(r, timer, fired);
}

static const struct transition_list *cases_of(const struct snapshot *snapshot, const struct event *event, const struct timer_rule **timer) {
	*timer = NULL;
	if (event->kind == EVENT_TIMER) {
		*timer = state_timer(snapshot->state, event->name);
		return *timer ? &(*timer)->cases : NULL;
	}
	const struct event_rule *rule = state_event(snapshot->state, event->name);
	bool allowed = rule && (event->kind == EVENT_FORM ? event_allows(rule, event->role) : rule->by.count == 0);
	return allowed ? &rule->cases : NULL;
}

void decision_take(const struct decision_world *world, const struct snapshot *snapshot, const struct event *event, struct arena *a,
                   struct decision *out) {
	struct run r;
	const struct timer_rule *timer;
	run_begin(&r, world, snapshot, event->values ? event->values : snapshot->values, a);
	if (event->actor.len > 0)
		*extra(&r, SLOT_ACTOR) = value_string(event->actor);
	if (event->said) {
		*extra(&r, SLOT_REPLY) = value_string(event->said->text);
		*extra(&r, SLOT_REFUSED) = event->said->refused;
	}
	*out = (struct decision){.outcome = DECISION_TAKEN, .target = snapshot->state, .values = r.slots};
	r.out = out;
	if (event->kind == EVENT_START) {
		if (!enter(&r, snapshot->definition->initial))
			refuse(&r);
		return;
	}
	const struct transition_list *cases = cases_of(snapshot, event, &timer);
	if (!cases) {
		refuse(&r);
		out->outcome = DECISION_NOT_HERE;
		return;
	}
	for (size_t i = 0; i < cases->count; i++) {
		if (!holds(&r, cases->items[i].guard))
			continue;
		take_transition(&r, &cases->items[i], timer, event->fired);
		return;
	}
	refuse(&r);
	if (timer)
		go_on_repeating(&r, timer, event->fired);
}

void decision_refuse(const struct decision_world *world, const struct snapshot *snapshot, const struct event *event, const struct err *why,
                     struct arena *a, struct decision *out) {
	struct run r;
	const struct timer_rule *timer;
	run_begin(&r, world, snapshot, snapshot->values, a);
	*out = (struct decision){.guard_err = *why, .aside = true};
	r.out = out;
	refuse(&r);
	cases_of(snapshot, event, &timer);
	if (timer)
		go_on_repeating(&r, timer, event->fired);
}
