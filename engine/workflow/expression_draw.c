/* draw(list), draw(list, seed): one of the list, drawn with a seed that was committed before. The seed is a name of its own kind. */
#include "engine/workflow/expression_tree.h"

#include "engine/workflow/urn.h"

bool expression_is_draw(const struct node *n) {
	return n->kind == NODE_CALL && str_is(n->name, "draw");
}

/* What is told apart, and told, by a text: a row by its key. */
static bool has_key(const struct type *item) {
	return item && ((item->kind >= KIND_BOOL && item->kind <= KIND_DURATION) || (item->kind == KIND_RECORD && item->record->key != SIZE_MAX));
}

static bool run_draw(const struct node *n, struct machine *m, struct value *out) {
	struct value list;
	struct err err;
	size_t index;
	if (!node_run(n->args[0], m, &list))
		return false;
	if (!m->env->urn)
		return run_error(m, n, "nothing can be drawn here");
	struct str *keys = run_alloc(n, m, list.list.count, sizeof *keys);
	if (!keys)
		return false;
	for (size_t i = 0; i < list.list.count; i++) {
		const struct value *item = &list.list.items[i];
		keys[i] = value_text(m->a, item->kind == KIND_RECORD ? &item->record.members[item->record.type->key] : item);
		if (!run_charge(n, m, keys[i].len))
			return false;
	}
	if (!urn_draw(m->env->urn, n->literal.string, keys, list.list.count, &index, &err))
		return run_error(m, n, "%s", err.text);
	*out = list.list.items[index];
	return true;
}

/* Afterwards the node has the seed's name as its literal, and only the list as argument. */
bool expression_check_draw(struct checking *c, struct node *n) {
	if (n->count < 1 || n->count > 2 || (n->count == 2 && n->args[1]->kind != NODE_NAME))
		return check_error(c, n, "draw() takes a list, and the name of a seed unless it is 'draw'");
	n->literal = value_string(n->count == 2 ? n->args[1]->name : STR("draw"));
	n->count = 1;
	if (!expression_check(c, n->args[0]))
		return false;
	const struct type *list = &n->args[0]->type;
	struct str is = type_name(c->a, list);
	if (list->kind != KIND_LIST || !has_key(list->item))
		return check_error(c, n->args[0], "draw() takes a list of rows or of single values, not %.*s", STR_ARG(is));
	if (c->e->seed.len > 0 && !str_equal(c->e->seed, n->literal.string))
		return check_error(c, n, "one expression draws with one seed");
	c->e->seed = n->literal.string;
	n->type = *list->item;
	n->run = run_draw;
	return true;
}
