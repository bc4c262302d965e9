/* What an expression asks of pools: available(pool, row), places(pool, row), holds(pool, row), claimed(pool). The pool is a name of its own kind. */
#include "engine/workflow/expression_tree.h"

#include "engine/workflow/pool.h"

#include <string.h>

static bool row_key(const struct node *n, struct machine *m, struct str *key) {
	struct value row;
	if (!node_run(n->args[0], m, &row))
		return false;
	const struct value *text = row.kind == KIND_RECORD ? &row.record.members[row.record.type->key] : &row;
	*key = text->kind == KIND_STRING ? text->string : STR("");
	return true;
}

static bool no_ledger(const struct node *n, struct machine *m) {
	return run_error(m, n, "no pool can be asked here");
}

/* A store that cannot be read is no answer: who evaluates looks at ledger->failed. */
static bool failed(const struct node *n, struct machine *m, const struct err *why) {
	return run_error(m, n, "%s", why->text);
}

static bool places_of(const struct node *n, struct machine *m, int64_t *left) {
	struct str key;
	struct err err;
	if (!m->env->ledger)
		return no_ledger(n, m);
	if (!row_key(n, m, &key) || !run_steps(n, m, 1))
		return false;
	return ledger_places(m->env->ledger, n->pool, key, left, &err) || failed(n, m, &err);
}

static bool run_available(const struct node *n, struct machine *m, struct value *out) {
	int64_t left;
	if (!places_of(n, m, &left))
		return false;
	*out = value_bool(left > 0);
	return true;
}

static bool run_places(const struct node *n, struct machine *m, struct value *out) {
	int64_t left;
	if (!places_of(n, m, &left))
		return false;
	*out = value_int(left > 0 ? left : 0);
	return true;
}

static bool held(const struct node *n, struct machine *m, struct holding *out) {
	struct err err;
	if (!m->env->ledger)
		return no_ledger(n, m);
	return (ledger_held(m->env->ledger, n->pool, m->a, out, &err) || failed(n, m, &err)) && run_steps(n, m, (int64_t)out->count);
}

static bool run_holds(const struct node *n, struct machine *m, struct value *out) {
	struct holding rows;
	struct str key;
	if (!held(n, m, &rows) || !row_key(n, m, &key))
		return false;
	*out = value_bool(false);
	for (size_t i = 0; i < rows.count && !out->boolean; i++)
		out->boolean = str_equal(rows.items[i], key);
	return true;
}

static bool run_claimed(const struct node *n, struct machine *m, struct value *out) {
	struct holding rows;
	if (!held(n, m, &rows))
		return false;
	struct value *items = run_alloc(n, m, rows.count, sizeof *items);
	if (!items)
		return false;
	for (size_t i = 0; i < rows.count; i++)
		items[i] = value_string(rows.items[i]);
	*out = (struct value){.kind = KIND_LIST, .list = {items, NULL, rows.count}};
	return true;
}

static const struct type text = {.kind = KIND_STRING};
static const struct {
	const char *name;
	size_t args;
	struct type result;
	run_function *run;
} functions[] = {
        {"available", 2, {.kind = KIND_BOOL}, run_available},
        {"places", 2, {.kind = KIND_INT}, run_places},
        {"holds", 2, {.kind = KIND_BOOL}, run_holds},
        {"claimed", 1, {.kind = KIND_LIST, .item = &text}, run_claimed},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static size_t find_function(const struct node *n) {
	size_t i = 0;
	while (i < FUNCTIONS && !(n->kind == NODE_CALL && str_is(n->name, functions[i].name)))
		i++;
	return i;
}

bool expression_asks_pool(const struct node *n) {
	return find_function(n) < FUNCTIONS;
}

static bool unknown_pool(struct checking *c, const struct node *name) {
	const struct scope *scope = c->scope;
	struct str *names = ARENA_ARRAY(c->a, scope->pool_count, struct str);
	for (size_t i = 0; i < scope->pool_count; i++)
		names[i] = scope->pools[i].name;
	struct str near = name_nearest(name->name, names, scope->pool_count);
	return check_error(c, name, "there is no pool '%.*s'%s%.*s%s", STR_ARG(name->name), near.len ? "; did you mean '" : "", STR_ARG(near), near.len ? "'?" : "");
}

/* Afterwards the node has its pool, and only the row as argument. */
bool expression_check_pool(struct checking *c, struct node *n) {
	size_t f = find_function(n);
	if (n->count != functions[f].args || n->args[0]->kind != NODE_NAME)
		return check_error(c, n, "%s() takes a pool%s", functions[f].name, functions[f].args > 1 ? " and a row: a key, or a row of its register" : "");
	const struct node *name = n->args[0];
	for (size_t i = 0; i < c->scope->pool_count; i++)
		if (str_equal(c->scope->pools[i].name, name->name))
			n->pool = &c->scope->pools[i];
	if (!n->pool)
		return unknown_pool(c, name);
	n->args++;
	n->count--;
	n->run = functions[f].run;
	n->type = functions[f].result;
	c->e->asks = true;
	if (n->count == 0)
		return true;
	struct type row = {.kind = KIND_RECORD, .record = n->pool->record};
	if (!expression_check(c, n->args[0]))
		return false;
	const struct type *type = &n->args[0]->type;
	if (type->kind == KIND_STRING || !row.record || type_equal(type, &row))
		return true;
	struct str is = type_name(c->a, type), should = type_name(c->a, &row);
	return check_error(c, n->args[0], "%s() takes a key or a %.*s, not %.*s", functions[f].name, STR_ARG(should), STR_ARG(is));
}
