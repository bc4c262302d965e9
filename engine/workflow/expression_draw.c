/* draw(list), draw(list, x, condition), and a seed behind that: one of the list (for which the condition holds), drawn with a seed that was committed before. The seed is a name of its
 * own kind. */
#include "engine/workflow/expression_tree.h"

#include "engine/workflow/urn.h"

bool expression_is_draw(const struct node *n) {
	return n->kind == NODE_CALL && str_is(n->name, "draw");
}

/* What is told apart, and told, by a text: a row by its key. */
static bool has_key(const struct type *item) {
	return item && ((item->kind >= KIND_BOOL && item->kind <= KIND_DURATION) || (item->kind == KIND_RECORD && item->record->key != SIZE_MAX));
}

/* The list as an urn asks for it. */
struct drawing {
	const struct node *n;
	struct machine *m;
	const struct value *list;
};

static bool item_key(void *context, size_t index, struct str *key) {
	struct drawing *d = context;
	const struct value *item = &d->list->list.items[index];
	*key = value_text(d->m->a, item->kind == KIND_RECORD ? &item->record.members[item->record.type->key] : item);
	return run_charge(d->n, d->m, key->len);
}

static bool item_fits(void *context, size_t index, bool *fits) {
	struct drawing *d = context;
	struct value held;
	if (!run_steps(d->n, d->m, d->n->cost))
		return false;
	d->m->locals[d->n->slot] = d->list->list.items[index];
	if (!node_run(d->n->args[1], d->m, &held))
		return false;
	*fits = held.boolean;
	return true;
}

static bool run_draw(const struct node *n, struct machine *m, struct value *out) {
	struct value list;
	struct err err = {0};
	size_t index;
	if (!node_run(n->args[0], m, &list))
		return false;
	if (!m->env->urn)
		return run_error(m, n, "nothing can be drawn here");
	struct drawing drawing = {n, m, &list};
	struct urn_list from = {.context = &drawing, .count = list.list.count, .digest = list.list.digest, .key = item_key, .fits = n->count > 1 ? item_fits : NULL};
	if (!urn_draw(m->env->urn, n->literal.string, &from, &index, &err))
		return err.kind == ERR_NONE ? false : run_error(m, n, "%s", err.text);
	*out = list.list.items[index];
	return true;
}

/* draw(list, x, condition): x is bound in the condition. */
static bool check_condition(struct checking *c, struct node *n, const struct type *item) {
	struct node *name = n->args[1], *condition = n->args[2];
	if (c->local_count == EXPRESSION_LOCALS)
		return check_error(c, n, "more than %d names are bound inside each other", EXPRESSION_LOCALS);
	n->slot = c->local_count;
	c->locals[c->local_count++] = (struct checker_locals){name->name, *item};
	c->drawing = true;
	bool ok = expression_check(c, condition);
	c->drawing = false;
	c->local_count--;
	struct str is = type_name(c->a, &condition->type);
	n->cost = 1 + (int64_t)condition->weight / EXPRESSION_STEP_NODES;
	n->args[1] = condition;
	return ok && (condition->type.kind == KIND_BOOL || check_error(c, condition, "the condition is %.*s, not bool", STR_ARG(is)));
}

/* Afterwards the node has the seed's name as its literal, and as arguments only the list and the condition. */
bool expression_check_draw(struct checking *c, struct node *n) {
	bool names_seed = n->count == 2 || n->count == 4, has_condition = n->count > 2;
	if (n->count < 1 || n->count > 4 || (names_seed && n->args[n->count - 1]->kind != NODE_NAME) || (has_condition && n->args[1]->kind != NODE_NAME))
		return check_error(c, n, "draw() takes a list, or a list, a name for the item and a condition; and the name of a seed unless it is 'draw'");
	if (c->drawing) /* which of the two would be the first lot? */
		return check_error(c, n, "the condition of a draw cannot draw");
	n->literal = value_string(names_seed ? n->args[n->count - 1]->name : STR("draw"));
	if (!expression_check(c, n->args[0]))
		return false;
	const struct type *list = &n->args[0]->type;
	struct str is = type_name(c->a, list);
	if (list->kind != KIND_LIST || !has_key(list->item))
		return check_error(c, n->args[0], "draw() takes a list of rows or of single values, not %.*s", STR_ARG(is));
	if (c->e->seed.len > 0 && !str_equal(c->e->seed, n->literal.string))
		return check_error(c, n, "one expression draws with one seed");
	c->e->seed = n->literal.string;
	if (has_condition && !check_condition(c, n, list->item))
		return false;
	n->count = has_condition ? 2 : 1;
	n->type = *list->item;
	n->run = run_draw;
	return true;
}
