#include "engine/workflow/expression_tree.h"

#include <stdio.h>
#include <string.h>

bool run_error(struct machine *m, const struct node *n, const char *format, ...) {
	char text[200];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	struct str source = m->expression->source;
	return err_set(m->err, ERR_INPUT, "error.input", "%s, at character %zu of: %.*s", text, n->at + 1, (int)(source.len > 120 ? 120 : source.len), source.at);
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
	if (n->slot >= m->env->slot_count || m->env->slots[n->slot].kind == KIND_UNSET)
		return run_error(m, n, "'%.*s' is not set", STR_ARG(n->name));
	*out = m->env->slots[n->slot];
	return true;
}

bool run_local(const struct node *n, struct machine *m, struct value *out) {
	*out = m->locals[n->slot];
	return true;
}

bool run_let(const struct node *n, struct machine *m, struct value *out) {
	/* A named expression has its own bound names and its own text for errors. */
	if (++m->steps > EXPRESSION_STEPS)
		return run_error(m, n, "more than %d steps", EXPRESSION_STEPS);
	struct machine inner = {.expression = n->let, .env = m->env, .a = m->a, .err = m->err, .steps = m->steps};
	bool ok = node_run(n->let->root, &inner, out);
	m->steps = inner.steps;
	return ok;
}

bool run_list(const struct node *n, struct machine *m, struct value *out) {
	struct value *items = ARENA_ARRAY(m->a, n->count, struct value);
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
		if (!found)
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
	struct err left_err = left_ok ? (struct err){0} : *m->err;
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
	struct err unset;
	struct value v;
	struct err *kept = m->err;
	m->err = &unset;
	bool is_set = node_run(n->args[0], m, &v);
	m->err = kept;
	*out = value_bool(is_set);
	return true;
}

bool expression_evaluate(const struct expression *e, const struct environment *env, struct arena *a, struct value *out, struct err *err) {
	struct err own = {0};
	struct machine m = {.expression = e, .env = env, .a = a, .err = &own};
	*out = VALUE_UNSET;
	if (node_run(e->root, &m, out))
		return true;
	*out = VALUE_UNSET;
	*err = own;
	return false;
}

bool expression_holds(const struct expression *e, const struct environment *env, struct arena *a, struct err *err) {
	struct value v;
	return expression_evaluate(e, env, a, &v, err) && v.kind == KIND_BOOL && v.boolean;
}
