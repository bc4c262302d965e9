/* The pools of an instance: whose they are, what is left of their rows, and what a decision claims of them. */
#include "engine/base/escape.h"
#include "engine/workflow/engine_run.h"
#include "engine/workflow/register_cache.h"

#include <string.h>

/* A pool of the definition as it was found. */
struct spot {
	bool found;
	bool unborn;             /* its owner is not written yet: nobody has claimed anything */
	struct claim_pool pool;
	const struct pool *rule; /* of the workflow whose it is */
	struct claim_book *book; /* NULL: unborn */
	bool looked;             /* for rows */
	const struct register_snapshot *rows; /* NULL: not kept */
};
struct counter {
	struct pool_desk desk;   /* with books */
	struct claim_books own;  /* of a desk that came without */
	struct ledger ledger;
	struct spot *spots;      /* by index */
};

static bool no_pool(const struct pool *pool, struct err *err) {
	return err_set(err, ERR_PERMANENT, "error.internal", "pool %.*s is the parent's, and there is no parent that has it", STR_ARG(pool->name));
}

static bool find_owner(const struct pool_desk *desk, const struct pool *pool, struct spot *spot, struct err *err) {
	const struct definition *d = desk->definition;
	struct instance at = {.id = desk->instance_id, .parent_id = desk->parent_id};
	const struct loaded *above = desk->parent;
	const struct pool *rule = pool;
	while (rule->scope == POOL_PARENT) {
		if (!above && at.parent_id == 0)
			return no_pool(pool, err);
		if (above)
			at = above->instance;
		else if (!instance_load(desk->view, at.parent_id, desk->a, &at, err))
			return false;
		d = above ? above->definition : site_definition(desk->engine->site, desk->view, at.definition, err);
		rule = d ? definition_pool(d, pool->name) : NULL;
		if (!rule)
			return d ? no_pool(pool, err) : false;
		above = NULL;
	}
	*spot = (struct spot){
	        .found = true,
	        .unborn = rule->scope == POOL_OWN && at.id == 0,
	        .pool = {rule->scope == POOL_SITE ? 0 : at.id, arena_printf(desk->a, "%.*s.%.*s", STR_ARG(d->name), STR_ARG(rule->name))},
	        .rule = rule,
	};
	return true;
}

static struct spot *spot_of(struct counter *c, const struct pool *pool, struct err *err) {
	struct spot *spot = &c->spots[pool - c->desk.definition->pools.items];
	if (spot->found)
		return spot;
	if (!find_owner(&c->desk, pool, spot, err))
		return NULL;
	spot->book = spot->unborn ? NULL : claim_books_find(c->desk.books, &spot->pool);
	return spot;
}

/* The row as it stands now, or stood then; NOT_FOUND. Whoever asks for many rows finds the register's snapshot once. */
static bool find_row(const struct counter *c, struct spot *spot, struct str key, struct value *row, struct err *err) {
	struct register_port port = c->desk.registers ? *c->desk.registers : data_store_port(c->desk.view);
	const struct register_type *reg = spot->rule->reg;
	if (!c->desk.registers && !spot->looked && !register_cache_get(reg->cache, c->desk.view, reg, REGISTER_ANY_DAY, c->desk.a, &spot->rows, err))
		return false;
	spot->looked = true;
	const struct value *known = spot->rows ? register_snapshot_find(spot->rows, key) : NULL;
	if (known)
		*row = *known;
	return known || port.row(port.context, reg, key, 0, c->desk.a, row, err);
}

/* Places that the row has in all; 0: there is no such row, or not today. */
static bool capacity_of(const struct counter *c, struct spot *spot, struct str key, int64_t *capacity, struct err *err) {
	struct value row;
	struct err why = {0};
	*capacity = 0;
	if (!find_row(c, spot, key, &row, &why)) {
		if (why.kind != ERR_NOT_FOUND)
			*err = why;
		return why.kind == ERR_NOT_FOUND;
	}
	bool dated = spot->rule->reg->valid_from != SIZE_MAX || spot->rule->reg->valid_until != SIZE_MAX;
	if (dated && !data_row_is_valid(spot->rule->reg, &row, site_day(c->desk.engine->site, c->desk.now)))
		return true;
	*capacity = spot->rule->capacity;
	if (spot->rule->column != SIZE_MAX)
		*capacity = row.record.members[spot->rule->column].kind == KIND_INT ? row.record.members[spot->rule->column].integer : 0;
	return true;
}

static bool count_claims(struct counter *c, const struct spot *spot, struct str key, int64_t *count, struct err *err) {
	*count = 0;
	return spot->unborn || claim_book_count(c->desk.books, spot->book, c->desk.view, key, c->desk.seen, count, err);
}

static bool port_places(void *context, const struct pool *pool, struct str key, int64_t *left, struct err *err) {
	struct counter *c = context;
	struct spot *spot = spot_of(c, pool, err);
	int64_t capacity, count;
	if (!spot || !capacity_of(c, spot, key, &capacity, err) || !count_claims(c, spot, key, &count, err))
		return false;
	*left = capacity - count;
	return true;
}

static bool port_held(void *context, const struct pool *pool, struct arena *a, struct holding *out, struct err *err) {
	struct counter *c = context;
	struct spot *spot = spot_of(c, pool, err);
	struct claim_list claims = {0};
	if (!spot)
		return false;
	if (c->desk.instance_id != 0 && !claim_held(c->desk.view, &spot->pool, c->desk.instance_id, c->desk.seen, a, &claims, err))
		return false;
	out->most = spot->rule->each;
	for (size_t i = 0; i < claims.count; i++)
		*(struct str *)ARENA_PUSH(a, out) = claims.items[i].row;
	return true;
}

struct ledger *pool_ledger(const struct pool_desk *desk) {
	size_t count = desk->definition->pools.count;
	if (count == 0 || !desk->view)
		return NULL;
	struct counter *c = ARENA_NEW(desk->a, struct counter);
	*c = (struct counter){
	        .desk = *desk,
	        .ledger = {.port = {c, port_places, port_held}, .a = desk->a},
	        .own = {.a = desk->a},
	        .spots = ARENA_ARRAY(desk->a, count, struct spot),
	};
	if (!desk->books)
		c->desk.books = &c->own;
	return &c->ledger;
}

static bool write_claim(struct run *r, struct counter *c, const struct effect *effect, int64_t history_id, struct err *err) {
	struct spot *spot = spot_of(c, effect->action->pool, err);
	int64_t capacity;
	if (!spot)
		return false;
	if (effect->kind == EFFECT_RELEASE)
		return claim_release(r->tx, &spot->pool, effect->row, c->desk.instance_id, history_id, err);
	struct claim claim = {.pool = spot->pool, .row = effect->row, .holder_id = c->desk.instance_id, .at = r->now, .history_id = history_id};
	return capacity_of(c, spot, effect->row, &capacity, err) && claim_insert(r->tx, &claim, capacity, spot->rule->each, err);
}

static bool is_move(const struct effect *effect) {
	return effect->kind == EFFECT_CLAIM || effect->kind == EFFECT_RELEASE;
}

/* What the decision moved stands in the store now, and in what was read of it. */
static void settle_moves(struct counter *c, struct ledger *ledger, int64_t history_id) {
	for (size_t i = 0; i < ledger->moves.count; i++) {
		const struct ledger_move *move = &ledger->moves.items[i];
		struct claim_book *book = c->spots[move->pool - c->desk.definition->pools.items].book;
		if (move->claims)
			claim_book_claimed(c->desk.books, book, move->row, history_id);
		else
			claim_book_released(book, move->row, history_id);
	}
	ledger->moves.count = 0;
}

bool run_claims(struct run *r, const struct loaded *l, const struct decision *decision, int64_t history_id, struct err *err) {
	struct counter *c = l->ledger ? l->ledger->port.context : NULL;
	bool ok = true, moves = false;
	if (c && c->desk.instance_id == 0) { /* it was started just now: what was its own is its own now */
		c->desk.instance_id = l->instance.id;
		c->spots = ARENA_ARRAY(r->a, c->desk.definition->pools.count, struct spot);
	}
	for (size_t i = 0; ok && i < decision->effects.count; i++) {
		bool move = is_move(&decision->effects.items[i]);
		moves = moves || move;
		ok = !move || write_claim(r, c, &decision->effects.items[i], history_id, err);
	}
	if (moves)
		settle_moves(c, l->ledger, history_id);
	return ok;
}

bool pool_stored(struct ledger *ledger, const struct pool *pool, struct claim_pool *out, struct err *err) {
	const struct spot *spot = spot_of(ledger->port.context, pool, err);
	if (spot)
		*out = spot->pool;
	return spot != NULL;
}

bool pool_owner(const struct pool_desk *desk, const struct pool *pool, struct claim_pool *out, struct err *err) {
	struct spot spot;
	if (!find_owner(desk, pool, &spot, err))
		return false;
	*out = spot.pool;
	return true;
}

/* What the entry says of a move: a claim with the places that the row has. */
static bool told(struct counter *c, const struct effect *effect, struct str *out, struct err *err) {
	struct spot *spot = spot_of(c, effect->action->pool, err);
	struct str pool = effect->action->pool->name;
	int64_t capacity;
	if (!spot || !capacity_of(c, spot, effect->row, &capacity, err))
		return false;
	*out = effect->kind == EFFECT_CLAIM ? arena_printf(c->desk.a, "%.*s %lld %.*s", STR_ARG(pool), (long long)capacity, STR_ARG(effect->row))
	                                    : arena_printf(c->desk.a, "%.*s %.*s", STR_ARG(pool), STR_ARG(effect->row));
	return true;
}

static bool write_moves(struct counter *c, const struct decision *decision, enum effect_kind kind, const char *name, struct buf *out, struct err *err) {
	size_t count = 0;
	struct str text;
	for (size_t i = 0; i < decision->effects.count; i++) {
		const struct effect *effect = &decision->effects.items[i];
		if (effect->kind != kind)
			continue;
		if (count++ == 0)
			buf_printf(out, ",\"%s\":[", name);
		else
			buf_char(out, ',');
		if (!told(c, effect, &text, err))
			return false;
		escape_json(out, text);
	}
	buf_z(out, count ? "]" : "");
	return true;
}

bool run_claims_payload(const struct loaded *l, const struct decision *decision, struct buf *out, struct err *err) {
	struct counter *c = l->ledger ? l->ledger->port.context : NULL;
	return write_moves(c, decision, EFFECT_CLAIM, RUN_CLAIMED, out, err) && write_moves(c, decision, EFFECT_RELEASE, RUN_RELEASED, out, err);
}
