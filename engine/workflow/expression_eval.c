#include "engine/workflow/expression_tree.h"

#include <stdio.h>
#include <string.h>

bool run_error(struct machine *m, const struct node *n, const char *format, ...) {
	char text[200];
	va_list args;
	if (m->asks)
		return false;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	struct str source = m->expression->source, before = {source.at, n->at}, shown = {source.at, source.len > 120 ? 120 : source.len};
	while (shown.len < source.len && (source.at[shown.len] & 0xC0) == 0x80)
		shown.len--; /* whole characters */
	return err_set(m->err, ERR_INPUT, "error.input", "%s, at character %zu of: %.*s", text, str_utf8_count(before) + 1, STR_ARG(shown));
}

bool run_steps(const struct node *n, struct machine *m, int64_t steps) {
	m->steps += steps;
	return m->steps <= m->most || run_error(m, n, "more than %lld steps", (long long)m->most);
}

bool run_charge(const struct node *n, struct machine *m, size_t bytes) {
	return run_steps(n, m, (int64_t)(bytes / EXPRESSION_STEP_BYTES));
}

void *run_alloc(const struct node *n, struct machine *m, size_t count, size_t size) {
	/* At least a step: small pieces take memory too. */
	return run_steps(n, m, 1) && run_charge(n, m, count * size) ? arena_array(m->a, count, size) : NULL;
}

bool node_run(const struct node *n, struct machine *m, struct value *out) {
	return n->run(n, m, out);
}

bool run_literal(const struct node *n, struct machine *m, struct value *out) {
	(void)m;
	*out = n->literal;
	return true;
}

bool run_slot(const struct node *n, struct machine *m, struct value *out) {
	/* A value of another kind was stored by another machine than this one: not to be read as ours. */
	if (n->slot >= m->env->slot_count || m->env->slots[n->slot].kind != n->type.kind)
		return run_error(m, n, "'%.*s' is not set", STR_ARG(n->name));
	*out = m->env->slots[n->slot];
	return true;
}

bool run_local(const struct node *n, struct machine *m, struct value *out) {
	*out = m->locals[n->slot];
	return true;
}

/* A named expression has its own bound names and its own text for errors; a rule begins with the row that it is asked about. */
static bool run_named(const struct node *n, struct machine *m, const struct value *row, struct value *out) {
	struct machine inner;
	if (!run_steps(n, m, n->cost))
		return false;
	if (row)
		inner.locals[0] = *row;
	inner.expression = n->let;
	inner.env = m->env;
	inner.a = m->a;
	inner.err = m->err;
	inner.steps = m->steps;
	inner.most = m->most;
	inner.asks = m->asks;
	bool ok = node_run(n->let->root, &inner, out);
	m->steps = inner.steps;
	m->most = inner.most;
	return ok;
}

bool run_let(const struct node *n, struct machine *m, struct value *out) {
	return run_named(n, m, NULL, out);
}

bool run_rule(const struct node *n, struct machine *m, struct value *out) {
	struct value row;
	return node_run(n->args[0], m, &row) && run_named(n, m, &row, out);
}

bool run_list(const struct node *n, struct machine *m, struct value *out) {
	struct value *items = run_alloc(n, m, n->count, sizeof *items);
	if (!items)
		return false;
	for (size_t i = 0; i < n->count; i++)
		if (!node_run(n->args[i], m, &items[i]))
			return false;
	*out = (struct value){.kind = KIND_LIST, .list = {items, NULL, n->count}};
	return true;
}

bool run_index(const struct node *n, struct machine *m, struct value *out) {
	struct value outer, index;
	if (!node_run(n->args[0], m, &outer) || !node_run(n->args[1], m, &index))
		return false;
	if (outer.kind == KIND_MAP) {
		const struct value *found = value_at(&outer, index.string);
		if (!run_charge(n, m, outer.list.count))
			return false;
		if (!found || found->kind == KIND_UNSET)
			return run_error(m, n, "there is no '%.*s'", (int)(index.string.len > 60 ? 60 : index.string.len), index.string.at);
		*out = *found;
		return true;
	}
	if (index.integer < 0 || (uint64_t)index.integer >= outer.list.count)
		return run_error(m, n, "there is no item %lld", (long long)index.integer);
	*out = outer.list.items[index.integer];
	return true;
}

bool run_member(const struct node *n, struct machine *m, struct value *out) {
	struct value outer;
	if (!node_run(n->args[0], m, &outer))
		return false;
	*out = outer.record.members[n->slot];
	return out->kind != KIND_UNSET || run_error(m, n, "'%.*s' is not set", STR_ARG(n->name));
}

bool run_condition(const struct node *n, struct machine *m, struct value *out) {
	struct value condition;
	return node_run(n->args[0], m, &condition) && node_run(n->args[condition.boolean ? 1 : 2], m, out);
}

/* `decisive` decides alone, whatever the other side is, even an error (CEL, "Logical Operators"). */
static bool run_logic(const struct node *n, struct machine *m, bool decisive, struct value *out) {
	struct value left, right;
	bool left_ok = node_run(n->args[0], m, &left);
	if (left_ok && left.boolean == decisive) {
		*out = left;
		return true;
	}
	struct err left_err;
	if (!left_ok)
		left_err = *m->err;
	if (!node_run(n->args[1], m, &right))
		return false;
	if (!left_ok && right.boolean != decisive) {
		*m->err = left_err;
		return false;
	}
	*out = right;
	return true;
}

bool run_and(const struct node *n, struct machine *m, struct value *out) {
	return run_logic(n, m, false, out);
}

bool run_or(const struct node *n, struct machine *m, struct value *out) {
	return run_logic(n, m, true, out);
}

bool run_has(const struct node *n, struct machine *m, struct value *out) {
	struct value v;
	struct err unset = {0}, *kept = m->err;
	bool asked = m->asks;
	m->asks = true;
	m->err = &unset;
	bool is_set = node_run(n->args[0], m, &v);
	m->err = kept;
	m->asks = asked;
	*out = value_bool(is_set);
	return true;
}

bool expression_names(const struct expression *e) {
	return e->root->run == run_slot || e->root->run == run_member;
}

bool expression_evaluate(const struct expression *e, const struct environment *env, struct arena *a, struct value *out, struct err *err) {
	/* Not all of it is cleared: that would cost more than a small guard does. */
	struct err own;
	struct machine m;
	m.expression = e;
	m.env = env;
	m.a = a;
	m.err = &own;
	m.steps = 0;
	m.most = EXPRESSION_STEPS;
	m.asks = false;
	if (node_run(e->root, &m, out))
		return true;
	*out = VALUE_UNSET;
	*err = own;
	return false;
}

bool expression_pass_on(const struct expression *e, const struct environment *env, struct arena *a, struct value *out, struct err *err) {
	struct err unset = {0};
	struct value is_set;
	struct machine m = {.expression = e, .env = env, .a = a, .err = &unset};
	const struct node *n = e->root;
	*out = VALUE_UNSET;
	/* What the name stands in must be there itself: a column of no row is an error. */
	if (expression_names(e) && (n->run == run_slot || node_run(n->args[0], &m, &is_set)) && !node_run(n, &m, &is_set))
		return true;
	return expression_evaluate(e, env, a, out, err);
}

bool expression_holds(const struct expression *e, const struct environment *env, struct arena *a, struct err *err) {
	struct value v;
	return expression_evaluate(e, env, a, &v, err) && v.kind == KIND_BOOL && v.boolean;
}
