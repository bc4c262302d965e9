#include "engine/workflow/scenario.h"

struct coverage {
	struct coverage *next; /* of another package that is tested together with it */
	const struct definition *definition;
	bool *states, *transitions;
	struct {
		bool held, failed;
	} *guards;
	const struct transition **by_id;
	struct str *names; /* of transitions: "state on event" */
};

static void number_cases(struct coverage *c, struct arena *a, const struct state *state, const char *word, struct str name, const struct transition_list *cases) {
	for (size_t i = 0; i < cases->count; i++) {
		c->by_id[cases->items[i].id] = &cases->items[i];
		struct str target = cases->items[i].target ? cases->items[i].target->name : STR("(stays)");
		c->names[cases->items[i].id] = arena_printf(a, "%.*s %s %.*s -> %.*s", STR_ARG(state->name), word, STR_ARG(name), STR_ARG(target));
	}
}

struct coverage *coverage_new(const struct definition *d, struct coverage *next, struct arena *a) {
	struct coverage *c = ARENA_NEW(a, struct coverage);
	c->next = next;
	c->definition = d;
	c->states = ARENA_ARRAY(a, d->states.count, bool);
	c->transitions = ARENA_ARRAY(a, d->transition_count, bool);
	c->by_id = ARENA_ARRAY(a, d->transition_count, const struct transition *);
	c->names = ARENA_ARRAY(a, d->transition_count, struct str);
	c->guards = arena_array(a, d->guards.count, sizeof *c->guards);
	for (size_t i = 0; i < d->states.count; i++) {
		const struct state *state = &d->states.items[i];
		for (size_t k = 0; k < state->on.count; k++)
			number_cases(c, a, state, "on", state->on.items[k].name, &state->on.items[k].cases);
		for (size_t k = 0; k < state->after.count; k++)
			number_cases(c, a, state, "after", state->after.items[k].name, &state->after.items[k].cases);
	}
	return c;
}

void coverage_note(struct coverage *c, const struct definition *d, const struct decision *decision) {
	while (c && d != c->definition)
		c = c->next;
	if (!c)
		return;
	for (size_t i = 0; i < decision->guards.count; i++)
		for (size_t k = 0; k < d->guards.count; k++)
			if (d->guards.items[k] == decision->guards.items[i].guard) {
				c->guards[k].held |= decision->guards.items[i].held;
				c->guards[k].failed |= !decision->guards.items[i].held;
			}
	if (decision->outcome != DECISION_TAKEN)
		return;
	c->states[decision->target->index] = true;
	if (decision->transition)
		c->transitions[decision->transition->id] = true;
}

/* "label 3/4 (never: a; b)\n" */
static void report_line(struct buf *out, const char *label, size_t touched, size_t total, struct buf *missing) {
	buf_printf(out, "     %s %zu/%zu", label, touched, total);
	if (missing->len > 0)
		buf_printf(out, " (not touched: %s)", missing->at);
	buf_char(out, '\n');
}

static void miss(struct buf *missing, struct str what) {
	buf_z(missing, missing->len ? "; " : "");
	buf_str(missing, what);
}

bool coverage_report(const struct coverage *c, struct buf *out) {
	struct buf missing;
	size_t states = 0, transitions = 0, guards = 0;
	buf_init(&missing, 64 << 10);
	for (size_t i = 0; i < c->definition->states.count; i++) {
		states += c->states[i];
		if (!c->states[i])
			miss(&missing, c->definition->states.items[i].name);
	}
	report_line(out, "states", states, c->definition->states.count, &missing);
	buf_clear(&missing);
	for (size_t i = 0; i < c->definition->transition_count; i++) {
		transitions += c->transitions[i];
		if (!c->transitions[i])
			miss(&missing, c->names[i]);
	}
	report_line(out, "transitions", transitions, c->definition->transition_count, &missing);
	buf_clear(&missing);
	for (size_t i = 0; i < c->definition->guards.count; i++) {
		guards += c->guards[i].held && c->guards[i].failed;
		if (!c->guards[i].held || !c->guards[i].failed) {
			miss(&missing, expression_source(c->definition->guards.items[i]));
			buf_z(&missing, c->guards[i].held ? " (never false)" : c->guards[i].failed ? " (never true)" : " (never asked)");
		}
	}
	report_line(out, "guards both ways", guards, c->definition->guards.count, &missing);
	buf_free(&missing);
	return states == c->definition->states.count && transitions == c->definition->transition_count && guards == c->definition->guards.count;
}
