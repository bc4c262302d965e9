#include "engine/workflow/pool.h"

static bool asked(struct ledger *l, bool ok, const struct err *err) {
	l->asked = true;
	if (!ok && l->failed.kind == ERR_NONE)
		l->failed = *err;
	return ok;
}

bool ledger_places(struct ledger *l, const struct pool *pool, struct str row, int64_t *left, struct err *err) {
	bool ok = l->port.places(l->port.context, pool, row, left, err);
	if (!asked(l, ok, err))
		return false;
	for (size_t i = 0; i < l->moves.count; i++)
		if (l->moves.items[i].pool == pool && str_equal(l->moves.items[i].row, row))
			*left += l->moves.items[i].claims ? -1 : 1;
	return true;
}

static size_t find(const struct holding *h, struct str row) {
	size_t i = 0;
	while (i < h->count && !str_equal(h->items[i], row))
		i++;
	return i;
}

static void take_out(struct holding *h, size_t at) {
	h->count--;
	for (size_t i = at; i < h->count; i++)
		h->items[i] = h->items[i + 1];
}

bool ledger_held(struct ledger *l, const struct pool *pool, struct arena *a, struct holding *out, struct err *err) {
	*out = (struct holding){0};
	bool ok = l->port.held(l->port.context, pool, a, out, err);
	if (!asked(l, ok, err))
		return false;
	for (size_t i = 0; i < l->moves.count; i++) {
		if (l->moves.items[i].pool != pool)
			continue;
		if (l->moves.items[i].claims)
			*(struct str *)ARENA_PUSH(a, out) = l->moves.items[i].row;
		else
			take_out(out, find(out, l->moves.items[i].row));
	}
	return true;
}

static void move(struct ledger *l, const struct pool *pool, struct str row, bool claims) {
	*(struct ledger_move *)ARENA_PUSH(l->a, &l->moves) = (struct ledger_move){pool, arena_str(l->a, row), claims};
}

bool ledger_claim(struct ledger *l, const struct pool *pool, struct str row, struct err *err) {
	struct holding held;
	int64_t left;
	if (!ledger_places(l, pool, row, &left, err) || !ledger_held(l, pool, l->a, &held, err))
		return false;
	if (find(&held, row) < held.count)
		return err_set(err, ERR_CONFLICT, "event.held", "pool %.*s: row %.*s is held already", STR_ARG(pool->name), STR_ARG(row));
	if (left <= 0)
		return err_set(err, ERR_CONFLICT, "event.taken", "pool %.*s: row %.*s has no place left", STR_ARG(pool->name), STR_ARG(row));
	if (held.most > 0 && (int64_t)held.count >= held.most)
		return err_set(err, ERR_CONFLICT, "event.enough", "pool %.*s: one holder may have %lld", STR_ARG(pool->name), (long long)held.most);
	move(l, pool, row, true);
	return true;
}

bool ledger_release(struct ledger *l, const struct pool *pool, struct str row, struct err *err) {
	struct holding held;
	if (!ledger_held(l, pool, l->a, &held, err))
		return false;
	if (find(&held, row) == held.count)
		return err_set(err, ERR_CONFLICT, "event.refused", "pool %.*s: row %.*s is not held", STR_ARG(pool->name), STR_ARG(row));
	move(l, pool, row, false);
	return true;
}
