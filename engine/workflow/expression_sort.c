/* list.sortBy(x, key, key...): stable; the first key decides, the next among those that are equal in it. */
#include "engine/workflow/expression_tree.h"

#include <math.h>
#include <stdlib.h>

struct sorted {
	const struct value *item;
	const struct value *keys;
	size_t key_count, index;
};

/* All values stand somewhere: nan behind all numbers. */
static int compare_keys(const struct value *a, const struct value *b) {
	int order = run_order(a, b);
	return order == 2 ? isnan(a->decimal) - isnan(b->decimal) : order;
}

static int compare_items(const void *a, const void *b) {
	const struct sorted *x = a, *y = b;
	for (size_t i = 0; i < x->key_count; i++) {
		int order = compare_keys(&x->keys[i], &y->keys[i]);
		if (order != 0)
			return order < 0 ? -1 : 1;
	}
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Strings are compared to their ends; each item takes part in about log2(count) comparisons, a few of which cost a step. */
static bool charge_item(const struct node *n, struct machine *m, const struct sorted *s, size_t count) {
	size_t bytes = EXPRESSION_STEP_NODES * s->key_count, rounds = 1;
	while (count >> rounds)
		rounds++;
	for (size_t i = 0; i < s->key_count; i++)
		bytes += s->keys[i].kind == KIND_STRING ? s->keys[i].string.len : 0;
	return bytes < (size_t)EXPRESSION_STEPS * EXPRESSION_STEP_BYTES ? run_charge(n, m, bytes * rounds) : run_steps(n, m, EXPRESSION_STEPS + 1);
}

static bool read_keys(const struct node *n, struct machine *m, const struct value *list, struct sorted *sorted, struct value *keys) {
	size_t key_count = n->count - 2;
	for (size_t i = 0; i < list->list.count; i++) {
		struct value *own = &keys[i * key_count];
		sorted[i] = (struct sorted){&list->list.items[i], own, key_count, i};
		if (!run_steps(n, m, n->cost))
			return false;
		m->locals[n->slot] = list->list.items[i];
		for (size_t k = 0; k < key_count; k++)
			if (!node_run(n->args[2 + k], m, &own[k]))
				return false;
		if (!charge_item(n, m, &sorted[i], list->list.count))
			return false;
	}
	return true;
}

bool run_sort_by(const struct node *n, struct machine *m, struct value *out) {
	struct value list;
	if (!node_run(n->args[0], m, &list))
		return false;
	size_t count = list.list.count;
	struct value *items = run_alloc(n, m, count, sizeof *items), *keys = items ? run_alloc(n, m, count * (n->count - 2), sizeof *keys) : NULL;
	struct sorted *sorted = keys ? run_alloc(n, m, count, sizeof *sorted) : NULL;
	if (!sorted || !read_keys(n, m, &list, sorted, keys))
		return false;
	if (count > 0)
		qsort(sorted, count, sizeof *sorted, compare_items);
	for (size_t i = 0; i < count; i++)
		items[i] = *sorted[i].item;
	*out = (struct value){.kind = KIND_LIST, .list = {items, NULL, count}};
	return true;
}
