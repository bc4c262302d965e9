/* Pools, and the actions that claim their rows. */
#include "engine/workflow/definition_reader.h"

enum { MOST_POOLS = 16 };

/* A number, or the column of the register that has it. */
static void read_capacity(struct reader *r, const struct yaml *node, struct pool *pool) {
	const struct yaml *capacity = yaml_get(node, "capacity");
	pool->capacity = 1;
	pool->column = SIZE_MAX;
	if (!capacity || !pool->reg)
		return;
	if (str_to_int(capacity->text, &pool->capacity)) {
		if (pool->capacity < 1 || pool->capacity > 1000000)
			problem_error(r->problems, capacity->place, "'capacity' of pool '%.*s': found %.*s, expected 1 to 1000000, or a column of type int", STR_ARG(pool->name), STR_ARG(capacity->text));
		return;
	}
	const struct record_member *column = reader_find(r, (struct named){"column", pool->record->members, pool->record->count, sizeof *pool->record->members}, capacity);
	if (column && column->type.kind != KIND_INT)
		problem_error(r->problems, capacity->place, "'capacity' of pool '%.*s': the column '%.*s' must be of type int", STR_ARG(pool->name), STR_ARG(column->name));
	if (column)
		pool->column = (size_t)(column - pool->record->members);
}

/* What the pool's owner decides for all. */
static void refuse_own(struct reader *r, const struct yaml *node, const struct pool *pool) {
	static const char *const keys[] = {"capacity", "each", "scope"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (yaml_get(node, keys[i]))
			problem_error(r->problems, yaml_get(node, keys[i])->key->place, "key '%s' in pool '%.*s': the parent's workflow says it", keys[i], STR_ARG(pool->name));
}

static void read_pool(struct reader *r, const struct yaml *node, struct pool *pool) {
	const struct yaml *reg = yaml_get(node, "register"), *of = yaml_get(node, "of");
	pool->name = node->key->text;
	pool->place = node->key->place;
	pool->reg = reader_find(r, NAMED("register", r->d->registers), reg ? reg : node->key);
	pool->record = pool->reg ? &pool->reg->record : NULL;
	pool->scope = of ? POOL_PARENT : yaml_get(node, "scope") ? POOL_SITE : POOL_OWN;
	pool->each = shape_whole(yaml_get(node, "each"), 0);
	if (of)
		refuse_own(r, node, pool);
	read_capacity(r, node, pool);
}

void read_pools(struct reader *r, const struct yaml *pools) {
	if (!pools)
		return;
	READER_FIX(r, &r->d->pools, pools->count);
	for (size_t i = 0; i < pools->count; i++)
		read_pool(r, pools->items[i], &r->d->pools.items[i]);
	if (pools->count > MOST_POOLS)
		problem_error(r->problems, pools->items[MOST_POOLS]->key->place, "a workflow has at most %d pools", MOST_POOLS);
}

void read_claim(struct reader *r, const struct yaml *node, enum action_kind kind, struct action *action) {
	const struct yaml *row = yaml_get(node, "row");
	action->kind = kind;
	action->pool = reader_find(r, NAMED("pool", r->d->pools), yaml_get(node, "pool"));
	action->row = reader_expression(r, row, &r->d->scope, NULL);
	if (!action->row || !action->pool || !action->pool->record)
		return;
	const struct type *type = expression_type(action->row), wanted = {.kind = KIND_RECORD, .record = action->pool->record};
	if (type->kind != KIND_STRING && !type_equal(type, &wanted))
		problem_error(r->problems, row->place, "'row' is %.*s, expected a key or a %.*s", STR_ARG(type_name(r->arena, type)), STR_ARG(type_name(r->arena, &wanted)));
}

const struct pool *definition_pool(const struct definition *d, struct str name) {
	return named_find(NAMED("pool", d->pools), name);
}

bool actions_claim(const struct action_list *actions) {
	for (size_t i = 0; i < actions->count; i++)
		if (actions->items[i].kind == ACTION_CLAIM)
			return true;
	return false;
}

bool event_claims(const struct event_rule *event) {
	for (size_t i = 0; i < event->cases.count; i++) {
		const struct transition *t = &event->cases.items[i];
		if (actions_claim(&t->actions) || (t->target && actions_claim(&t->target->entry)))
			return true;
	}
	return false;
}

bool definition_claims(const struct definition *d, struct str state, struct str event) {
	const struct state *in = definition_state(d, state);
	const struct event_rule *rule = in ? state_event(in, event) : NULL;
	return in ? rule && event_claims(rule) : actions_claim(&d->initial->entry);
}
