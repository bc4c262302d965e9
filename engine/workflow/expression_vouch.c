/* Which fields has() vouches for. Kept as sets of slots with each let, so that lets that name each other cost nothing twice. */
#include "engine/workflow/expression_tree.h"

#include <string.h>

enum { WORD_BITS = 64 };

static void grow(struct arena *a, struct slot_set *set, size_t count) {
	if (count <= set->count)
		return;
	uint64_t *words = ARENA_ARRAY(a, count, uint64_t);
	if (set->count > 0)
		memcpy(words, set->words, set->count * sizeof *words);
	*set = (struct slot_set){words, count};
}

void slots_add(struct arena *a, struct slot_set *set, size_t slot) {
	grow(a, set, slot / WORD_BITS + 1);
	set->words[slot / WORD_BITS] |= UINT64_C(1) << slot % WORD_BITS;
}

void slots_join(struct arena *a, struct slot_set *set, const struct slot_set *other) {
	grow(a, set, other->count);
	for (size_t i = 0; i < other->count; i++)
		set->words[i] |= other->words[i];
}

bool slots_have(const struct slot_set *set, size_t slot) {
	return slot / WORD_BITS < set->count && (set->words[slot / WORD_BITS] >> slot % WORD_BITS & 1);
}

static const struct scope_name *scope_find(const struct scope *scope, struct str name) {
	for (size_t i = 0; i < scope->count; i++)
		if (str_equal(scope->items[i].name, name))
			return &scope->items[i];
	return NULL;
}

/* has(a), has(a.b), has(a['b']): a is set. */
static void vouch_asked(const struct checking *c, const struct node *n, struct slot_set *set) {
	while ((n->kind == NODE_MEMBER || n->kind == NODE_INDEX) && n->count > 0)
		n = n->args[0];
	const struct scope_name *name = n->kind == NODE_NAME ? scope_find(c->scope, n->name) : NULL;
	if (name && !name->let)
		slots_add(c->a, set, name->slot);
}

void expression_vouch(const struct checking *c, const struct node *n, bool truth, struct slot_set *set) {
	const struct scope_name *name = n->kind == NODE_NAME ? scope_find(c->scope, n->name) : NULL;
	if (name && name->let)
		slots_join(c->a, set, &name->let->vouched[truth]);
	else if (n->kind == NODE_CALL && truth && str_is(n->name, "has") && n->count == 1)
		vouch_asked(c, n->args[0], set);
	else if (n->kind == NODE_UNARY && str_is(n->name, "!"))
		expression_vouch(c, n->args[0], !truth, set);
	else if (n->kind == NODE_BINARY && str_is(n->name, truth ? "&&" : "||")) {
		expression_vouch(c, n->args[0], truth, set);
		expression_vouch(c, n->args[1], truth, set);
	}
}
