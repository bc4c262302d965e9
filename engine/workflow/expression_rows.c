/* rows(register): all its rows that are valid now. */
#include "engine/workflow/expression_tree.h"

static bool unknown_register(struct checking *c, const struct node *n) {
	size_t count = c->scope->register_count;
	struct str *names = ARENA_ARRAY(c->a, count, struct str);
	for (size_t i = 0; i < count; i++)
		names[i] = c->scope->registers[i].name;
	struct str near = name_nearest(n->name, names, count);
	if (near.len > 0)
		return check_error(c, n, "unknown register '%.*s'; did you mean '%.*s'?", STR_ARG(n->name), STR_ARG(near));
	return check_error(c, n, "unknown register '%.*s'", STR_ARG(n->name));
}

bool expression_check_rows(struct checking *c, struct node *n) {
	struct node *name = n->count == 1 ? n->args[0] : n;
	if (name->kind != NODE_NAME)
		return check_error(c, name, "rows() takes the name of a register");
	for (size_t i = 0; i < c->scope->register_count; i++) {
		const struct scope_register *reg = &c->scope->registers[i];
		if (!str_equal(reg->name, name->name))
			continue;
		/* No value has this name: from here on it is a word. */
		name->kind = NODE_LITERAL;
		name->literal = value_string(reg->name);
		n->slot = reg->slot;
		n->type = reg->type;
		n->run = run_rows;
		slots_add(c->a, &c->e->reads, reg->slot);
		return expression_check(c, name);
	}
	return unknown_register(c, name);
}

static void allow_pairs(struct machine *m, size_t rows) {
	int64_t count = rows < 10000 ? (int64_t)rows : 10000, steps = count * count * EXPRESSION_PAIR_STEPS;
	steps = steps < EXPRESSION_MOST_STEPS ? steps : EXPRESSION_MOST_STEPS;
	m->most = steps > m->most ? steps : m->most;
}

bool run_rows(const struct node *n, struct machine *m, struct value *out) {
	const struct row_source *source = m->env->rows;
	if (!run_steps(n, m, 1))
		return false;
	if (!source)
		return run_error(m, n, "no register can be read here");
	if (!source->read(source->context, n->slot, m->a, out, m->err))
		return false;
	allow_pairs(m, out->list.count);
	return true;
}
