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
	set->words = words;
	set->count = count;
}

/* Written alike: the same names, literals and brackets. */
static bool written_alike(const struct node *a, const struct node *b) {
	bool alike = a->kind == b->kind && a->count == b->count && str_equal(a->name, b->name) && (a->kind != NODE_LITERAL || value_equal(&a->literal, &b->literal));
	for (size_t i = 0; alike && i < a->count; i++)
		alike = written_alike(a->args[i], b->args[i]);
	return alike;
}

void slots_add_member(struct arena *a, struct slot_set *set, const struct node *member) {
	if (set->member_count == EXPRESSION_MEMBERS || slots_have_member(set, member->args[0], member->name))
		return;
	if (!set->members)
		set->members = ARENA_ARRAY(a, EXPRESSION_MEMBERS, const struct node *);
	set->members[set->member_count++] = member;
}

bool slots_have_member(const struct slot_set *set, const struct node *outer, struct str name) {
	for (size_t i = 0; i < set->member_count; i++)
		if (str_equal(set->members[i]->name, name) && written_alike(set->members[i]->args[0], outer))
			return true;
	return false;
}

void slots_add(struct arena *a, struct slot_set *set, size_t slot) {
	grow(a, set, slot / WORD_BITS + 1);
	set->words[slot / WORD_BITS] |= UINT64_C(1) << slot % WORD_BITS;
}

void slots_join(struct arena *a, struct slot_set *set, const struct slot_set *other) {
	grow(a, set, other->count);
	for (size_t i = 0; i < other->count; i++)
		set->words[i] |= other->words[i];
	for (size_t i = 0; i < other->member_count; i++)
		slots_add_member(a, set, other->members[i]);
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

/* has(a), has(a.b), has(a['b']): a is set, and so is a.b. */
static void vouch_asked(const struct checking *c, const struct node *n, struct slot_set *set) {
	for (; (n->kind == NODE_MEMBER || n->kind == NODE_INDEX) && n->count > 0; n = n->args[0])
		if (n->kind == NODE_MEMBER)
			slots_add_member(c->a, set, n);
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
