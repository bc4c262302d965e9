#include "engine/workflow/definition_flow.h"

#include "engine/workflow/definition_check.h"

#include <string.h>

/* Fields, then series of documents. */
static size_t flow_size(const struct flow *f) {
	return f->d->fields.count + f->d->documents.count;
}

size_t flow_series(const struct definition *d, struct str name) {
	for (size_t i = 0; i < d->documents.count; i++)
		if (str_equal(d->documents.items[i], name))
			return d->fields.count + i;
	return SIZE_MAX;
}

static bool *set_copy(struct flow *f, const bool *set) {
	bool *copy = ARENA_ARRAY(f->arena, flow_size(f) + 1, bool);
	memcpy(copy, set, flow_size(f) * sizeof *copy);
	return copy;
}

/* into = into and set; true when something changed. */
static bool set_meet(const struct flow *f, bool *into, const bool *set) {
	bool changed = false;
	for (size_t i = 0; i < flow_size(f); i++) {
		changed = changed || (into[i] && !set[i]);
		into[i] = into[i] && set[i];
	}
	return changed;
}

static void apply_form(const struct form *form, bool *set) {
	for (size_t p = 0; form && p < form->pages.count; p++)
		for (size_t i = 0; i < form->pages.items[p].items.count; i++) {
			const struct form_item *item = &form->pages.items[p].items.items[i];
			set[item->field->slot] = !item->optional && !item->when;
		}
}

static void apply_action(const struct flow *f, const struct action *action, bool *set) {
	if (action->kind == ACTION_DOCUMENT && !action->condition && !action->addendum)
		set[flow_series(f->d, action->document)] = true;
	if ((action->kind == ACTION_COMMIT || action->kind == ACTION_REVEAL) && !action->condition)
		set[action->field->slot] = true;
	if (action->kind != ACTION_SET)
		return;
	for (size_t i = 0; i < action->data.count; i++) {
		const struct assignment *assignment = &action->data.items[i];
		bool *field = &set[assignment->field->slot];
		*field = assignment->value ? *field || !action->condition : false;
	}
}

/* Whether the field is set wherever the condition is true. The compiler knows: it warns when the field is read behind a condition that
 * does not vouch for it. */
static bool vouches(const struct flow *f, const struct expression *condition, size_t slot, struct arena *scratch) {
	const struct definition *d = f->d;
	struct problems problems = {.arena = scratch};
	struct scope scope = d->scope;
	scope.warns = false;
	scope.items = ARENA_ARRAY(scratch, d->scope.count, struct scope_name);
	memcpy(scope.items, d->scope.items, d->scope.count * sizeof *scope.items);
	for (size_t i = 0; i < scope.count; i++)
		scope.items[i].optional = !scope.items[i].let && scope.items[i].slot == slot;
	struct str field = d->fields.items[slot].name;
	struct str text = arena_printf(scratch, "(%.*s\n) && %.*s == %.*s", STR_ARG(expression_source(condition)), STR_ARG(field), STR_ARG(field));
	const struct expression *probe = expression_compile(scratch, text, (struct yaml_place){"", 1, 1}, &scope, NULL, &problems);
	return probe && problems.count == 0;
}

/* The same but for white space. */
static bool same_source(struct str a, struct str b) {
	size_t i = 0, k = 0;
	for (;;) {
		while (i < a.len && (a.at[i] == ' ' || a.at[i] == '\n'))
			i++;
		while (k < b.len && (b.at[k] == ' ' || b.at[k] == '\n'))
			k++;
		if (i == a.len || k == b.len)
			return i == a.len && k == b.len;
		if (a.at[i++] != b.at[k++])
			return false;
	}
}

/* Whether the condition is `part`, or parts with && of which it is one. Anything that binds less is no such thing. */
static bool has_conjunct(struct str condition, struct str part) {
	size_t start = 0, depth = 0;
	bool found = false;
	char quote = 0;
	for (size_t i = 0; i < condition.len; i++) {
		char c = condition.at[i], next = i + 1 < condition.len ? condition.at[i + 1] : ' ';
		if (quote) {
			quote = c == quote ? 0 : quote;
			i += c == '\\';
		} else if (c == '\'' || c == '"') {
			quote = c;
		} else if (c == '(' || c == '[') {
			depth++;
		} else if (c == ')' || c == ']') {
			depth -= depth > 0;
		} else if (depth == 0 && (c == '?' || (c == '|' && next == '|'))) {
			return false;
		} else if (depth == 0 && c == '&' && next == '&') {
			found = found || same_source((struct str){condition.at + start, i - start}, part);
			start = i + 2;
		}
	}
	return found || (start <= condition.len && same_source((struct str){condition.at + start, condition.len - start}, part));
}

/* What was asked for `when` the same holds, was answered. */
static void apply_asked(const struct form *form, const struct expression *condition, bool *set) {
	for (size_t p = 0; form && p < form->pages.count; p++)
		for (size_t i = 0; i < form->pages.items[p].items.count; i++) {
			const struct form_item *item = &form->pages.items[p].items.items[i];
			if (item->when && !item->optional && has_conjunct(expression_source(condition), expression_source(item->when)))
				set[item->field->slot] = true;
		}
}

/* A walk comes by the same condition again and again, until nothing changes. */
static signed char *vouching_of(struct flow *f, const struct expression *condition) {
	for (size_t i = 0; i < f->vouchings.count; i++)
		if (f->vouchings.items[i].condition == condition)
			return f->vouchings.items[i].fields;
	struct vouching *new = ARENA_PUSH(f->arena, &f->vouchings);
	*new = (struct vouching){condition, ARENA_ARRAY(f->arena, f->d->fields.count, signed char)};
	return new->fields;
}

static void apply_condition(struct flow *f, const struct form *form, const struct expression *condition, bool *set) {
	if (!condition)
		return;
	signed char *known = vouching_of(f, condition);
	struct arena *scratch = arena_new();
	apply_asked(form, condition, set);
	for (size_t slot = 0; slot < f->d->fields.count; slot++) {
		if (set[slot] || !expression_reads(condition, slot))
			continue;
		if (known[slot] == 0)
			known[slot] = vouches(f, condition, slot, scratch) ? 1 : -1;
		set[slot] = known[slot] > 0;
	}
	arena_free(scratch);
}

/* One walk serves both: the analysis, which visits nothing, and the checks. */
struct walk {
	struct flow *f;
	const struct flow_visitor *visitor; /* NULL: none */
	struct flow_point point;
	bool *set;
};

static const struct form *form_of(const struct flow_point *point) {
	return point->event ? point->event->form : NULL;
}

static void visit_expression(struct walk *w, const struct expression *expression) {
	w->point.set = w->set;
	if (w->visitor && w->visitor->expression && expression)
		w->visitor->expression(w->visitor->context, &w->point, expression);
}

static void visit_plan(struct walk *w, const struct plan_rule *plan) {
	if (!plan)
		return;
	const struct expression *all[] = {plan->first, plan->step, plan->from, plan->until, plan->paused_from, plan->paused_until};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		visit_expression(w, all[i]);
}

static void walk_action(struct walk *w, const struct action *action) {
	visit_expression(w, action->condition);
	bool *before = w->set;
	if (w->visitor) {
		w->set = set_copy(w->f, before);
		apply_condition(w->f, form_of(&w->point), action->condition, w->set);
		w->point.set = w->set;
		if (w->visitor->action)
			w->visitor->action(w->visitor->context, &w->point, action);
		visit_expression(w, action->each);
		visit_expression(w, action->deadline);
		visit_plan(w, action->plan);
		visit_expression(w, action->row);
		for (size_t i = 0; i < action->data.count; i++)
			if (action->data.items[i].field || !action->data.items[i].value || !expression_names(action->data.items[i].value))
				visit_expression(w, action->data.items[i].value);
	}
	w->set = before;
	apply_action(w->f, action, w->set);
}

static void walk_actions(struct walk *w, const struct action_list *actions) {
	for (size_t i = 0; i < actions->count; i++)
		walk_action(w, &actions->items[i]);
}

/* Leaves in w->set what is set behind the transition, before the target's entry. */
static void walk_transition(struct walk *w, const struct transition *t) {
	w->point.transition = t;
	w->set = set_copy(w->f, w->f->inside[w->point.state->index]);
	apply_form(form_of(&w->point), w->set);
	visit_expression(w, t->guard);
	apply_condition(w->f, form_of(&w->point), t->guard, w->set);
	if (t->target)
		walk_actions(w, &w->point.state->exit);
	walk_actions(w, &t->actions);
}

static bool walk_cases(struct walk *w, const struct transition_list *cases, bool (*done)(struct walk *w, const struct transition *t)) {
	bool changed = false;
	for (size_t i = 0; i < cases->count; i++) {
		walk_transition(w, &cases->items[i]);
		changed = (done && done(w, &cases->items[i])) || changed;
	}
	return changed;
}

static bool walk_ways_out(struct walk *w, const struct state *state, bool (*done)(struct walk *w, const struct transition *t)) {
	bool changed = false;
	for (size_t i = 0; i < state->on.count; i++) {
		w->point = (struct flow_point){.state = state, .event = &state->on.items[i]};
		changed = walk_cases(w, &state->on.items[i].cases, done) || changed;
	}
	for (size_t i = 0; i < state->after.count; i++) {
		w->point = (struct flow_point){.state = state, .timer = &state->after.items[i]};
		changed = walk_cases(w, &state->after.items[i].cases, done) || changed;
	}
	return changed;
}

static bool *walk_entry(struct walk *w, const struct state *state) {
	w->point = (struct flow_point){.state = state};
	w->set = set_copy(w->f, w->f->arrival[state->index]);
	walk_actions(w, &state->entry);
	return w->set;
}

/* What a way out brings: to the state it stays in, or to its target. */
static bool flow_on(struct walk *w, const struct transition *t) {
	if (!t->target)
		return set_meet(w->f, w->f->inside[w->point.state->index], w->set);
	bool new = !w->f->reached[t->target->index];
	w->f->reached[t->target->index] = true;
	return set_meet(w->f, w->f->arrival[t->target->index], w->set) || new;
}

static bool *all_set(struct flow *f) {
	bool *set = ARENA_ARRAY(f->arena, flow_size(f) + 1, bool);
	memset(set, true, flow_size(f));
	return set;
}

/* What each of the ways to start leaves set. */
const bool *flow_after_start(struct flow *f) {
	const struct start_way *ways[] = {f->d->start.mail, f->d->start.sms};
	bool *initial = ARENA_ARRAY(f->arena, flow_size(f) + 1, bool);
	for (size_t i = 0; i < f->d->fields.count; i++)
		initial[i] = f->d->fields.items[i].initial != NULL;
	bool *set = set_copy(f, initial);
	if (f->d->start.who)
		apply_form(f->d->start.who, set);
	for (size_t i = 0; f->d->start.from && i < f->d->start.from->take.count; i++)
		set[f->d->start.from->take.items[i]->slot] = true;
	apply_form(f->d->start.form, set);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		bool *by_way = set_copy(f, initial);
		apply_form(ways[i] ? &ways[i]->form : NULL, by_way);
		if (ways[i])
			set_meet(f, set, by_way);
	}
	return set;
}

struct flow *flow_new(const struct definition *d, struct arena *a) {
	struct flow *f = ARENA_NEW(a, struct flow);
	*f = (struct flow){.d = d, .arena = a, .reached = ARENA_ARRAY(a, d->states.count, bool), .arrival = ARENA_ARRAY(a, d->states.count, bool *),
	                   .inside = ARENA_ARRAY(a, d->states.count, bool *)};
	for (size_t i = 0; i < d->states.count; i++) {
		f->arrival[i] = all_set(f);
		f->inside[i] = all_set(f);
	}
	memcpy(f->arrival[d->initial->index], flow_after_start(f), flow_size(f) * sizeof(bool));
	f->reached[d->initial->index] = true;
	/* Sets only shrink, so this ends. The copies of each round are dropped with it. */
	for (bool changed = true; changed;) {
		struct flow round = *f;
		struct walk w = {.f = &round};
		changed = false;
		round.arena = arena_new();
		for (size_t i = 0; i < d->states.count; i++) {
			if (!f->reached[i])
				continue;
			changed = set_meet(f, f->inside[i], walk_entry(&w, &d->states.items[i])) || changed;
			changed = walk_ways_out(&w, &d->states.items[i], flow_on) || changed;
		}
		arena_free(round.arena);
	}
	return f;
}

static void walk_openings(struct walk *w, const struct state *state) {
	for (size_t i = 0; i < state->on.count; i++) {
		w->point = (struct flow_point){.state = state, .event = &state->on.items[i]};
		w->set = w->f->inside[state->index];
		visit_expression(w, state->on.items[i].opens);
	}
}

void flow_walk(struct flow *f, const struct flow_visitor *visitor) {
	struct walk w = {.f = f, .visitor = visitor};
	for (size_t i = 0; i < f->d->states.count; i++) {
		if (!f->reached[i])
			continue;
		walk_entry(&w, &f->d->states.items[i]);
		walk_openings(&w, &f->d->states.items[i]);
		walk_ways_out(&w, &f->d->states.items[i], NULL);
	}
}

const bool *definition_always_set(const struct definition *d, struct arena *a, const struct state *state) {
	return flow_new(d, a)->inside[state->index];
}
