/* all exists exists_one filter map: the only loops, over a list's items or a map's keys. */
#include "engine/workflow/expression_tree.h"

/* The receiver's items in turn. */
static bool receiver(const struct node *n, struct machine *m, struct value *out) {
	return node_run(n->args[0], m, out);
}

static bool bind(const struct node *n, struct machine *m, const struct value *outer, size_t i) {
	if (!run_steps(n, m, n->cost))
		return false;
	m->locals[n->slot] = outer->kind == KIND_MAP ? value_string(outer->list.keys[i]) : outer->list.items[i];
	return true;
}

/* Looks for `decisive`; an error counts only when nothing decides. */
static bool run_quantifier(const struct node *n, struct machine *m, bool decisive, struct value *out) {
	struct value outer, item;
	struct err first = {.kind = ERR_NONE};
	if (!receiver(n, m, &outer))
		return false;
	for (size_t i = 0; i < outer.list.count; i++) {
		if (!bind(n, m, &outer, i))
			return false;
		if (!node_run(n->args[2], m, &item)) {
			if (m->steps > m->most)
				return false;
			if (first.kind == ERR_NONE)
				first = *m->err;
		} else if (item.boolean == decisive) {
			*out = value_bool(decisive);
			return true;
		}
	}
	*out = value_bool(!decisive);
	if (first.kind == ERR_NONE)
		return true;
	*m->err = first;
	return false;
}

bool run_all(const struct node *n, struct machine *m, struct value *out) {
	return run_quantifier(n, m, false, out);
}

bool run_exists(const struct node *n, struct machine *m, struct value *out) {
	return run_quantifier(n, m, true, out);
}

bool run_exists_one(const struct node *n, struct machine *m, struct value *out) {
	struct value outer, item;
	size_t held = 0;
	if (!receiver(n, m, &outer))
		return false;
	for (size_t i = 0; i < outer.list.count; i++) {
		if (!bind(n, m, &outer, i) || !node_run(n->args[2], m, &item))
			return false;
		held += item.boolean;
	}
	*out = value_bool(held == 1);
	return true;
}

/* Items for which the condition holds (NULL: all), as the last argument makes them (filter: as they are). */
static bool run_collect(const struct node *n, struct machine *m, const struct node *condition, const struct node *body, struct value *out) {
	struct value outer, held;
	size_t count = 0;
	if (!receiver(n, m, &outer))
		return false;
	struct value *items = run_alloc(n, m, outer.list.count, sizeof *items);
	if (!items)
		return false;
	for (size_t i = 0; i < outer.list.count; i++) {
		if (!bind(n, m, &outer, i) || (condition && !node_run(condition, m, &held)))
			return false;
		if (condition && !held.boolean)
			continue;
		if (body && !node_run(body, m, &items[count]))
			return false;
		if (!body)
			items[count] = m->locals[n->slot];
		count++;
	}
	*out = (struct value){.kind = KIND_LIST, .list = {items, NULL, count}};
	return true;
}

bool run_filter(const struct node *n, struct machine *m, struct value *out) {
	return run_collect(n, m, n->args[2], NULL, out);
}

bool run_map(const struct node *n, struct machine *m, struct value *out) {
	return run_collect(n, m, n->count == 4 ? n->args[2] : NULL, n->args[n->count - 1], out);
}

bool run_over_nothing(const struct node *n, struct machine *m, struct value *out) {
	struct value outer;
	if (!receiver(n, m, &outer))
		return false;
	if (outer.list.count > 0)
		return run_error(m, n, "the items of this list have no one type");
	bool list = str_is(n->name, "map") || str_is(n->name, "filter") || str_is(n->name, "sortBy");
	*out = list ? outer : value_bool(str_is(n->name, "all"));
	return true;
}
