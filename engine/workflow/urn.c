#include "engine/workflow/urn.h"

#include "engine/base/secret.h"

/* As it stands behind what the decision did so far. */
static bool find(struct urn *u, struct str name, struct urn_seed *out, bool *found, struct err *err) {
	*found = false;
	u->asked = true;
	if (!u->port.find(u->port.context, name, out, found, err)) {
		if (u->failed.kind == ERR_NONE)
			u->failed = *err;
		return false;
	}
	for (size_t i = 0; i < u->reveals.count && *found; i++)
		out->revealed = out->revealed || u->reveals.items[i].seed_id == out->id;
	return true;
}

static bool refuse(struct err *err, struct str name, const char *why) {
	return err_set(err, ERR_INPUT, "error.input", "seed '%.*s' %s", STR_ARG(name), why);
}

static bool find_hidden(struct urn *u, struct str name, struct urn_seed *out, struct err *err) {
	bool found;
	if (!find(u, name, out, &found, err))
		return false;
	if (!found)
		return refuse(err, name, "was not committed before");
	return !out->revealed || refuse(err, name, "is revealed: whoever knows it knows what it draws");
}

bool urn_commit(struct urn *u, struct str name, struct str *hex, struct err *err) {
	struct urn_seed old;
	bool hidden;
	if (!find(u, name, &old, &hidden, err))
		return false;
	hidden = hidden && !old.revealed;
	for (size_t i = 0; i < u->commits.count; i++)
		hidden = hidden || str_equal(u->commits.items[i].name, name);
	if (hidden)
		return refuse(err, name, "is committed already");
	struct urn_commit *commit = ARENA_PUSH(u->a, &u->commits);
	commit->name = name;
	if (!u->port.make(u->port.context, name, commit->bytes, err))
		return false;
	*hex = draw_commitment(commit->bytes, u->a);
	return true;
}

bool urn_reveal(struct urn *u, struct str name, struct str *hex, struct err *err) {
	struct urn_seed seed;
	if (!find_hidden(u, name, &seed, err))
		return false;
	*(struct urn_reveal *)ARENA_PUSH(u->a, &u->reveals) = (struct urn_reveal){name, seed.id};
	*hex = secret_hex(u->a, seed.bytes, sizeof seed.bytes);
	return true;
}

static bool list_keys(struct urn *u, const struct urn_list *list, struct str **keys) {
	*keys = ARENA_ARRAY(u->a, list->count, struct str);
	for (size_t i = 0; i < list->count; i++)
		if (!list->key(list->context, i, &(*keys)[i]))
			return false;
	return true;
}

static bool digest_of(struct urn *u, const struct urn_list *list, struct urn_lot *lot) {
	struct str *keys = NULL;
	bool known = list->digest.len > 0;
	if ((!known || u->tells) && !list_keys(u, list, &keys))
		return false;
	lot->digest = known ? list->digest : draw_list_digest(keys, list->count, u->a);
	lot->keys = u->tells ? keys : NULL;
	return true;
}

static bool pass(struct urn *u, const struct urn_list *list, size_t index, struct urn_lot *lot, size_t *cap) {
	struct str key;
	if (!u->tells) {
		lot->passed_count++;
		return true;
	}
	if (!list->key(list->context, index, &key))
		return false;
	*(struct str *)arena_push(u->a, &lot->passed, &lot->passed_count, cap, sizeof key) = key;
	return true;
}

static bool draw_fitting(struct urn *u, const unsigned char seed[DRAW_SEED], const struct urn_list *list, struct urn_lot *lot, size_t *index, struct err *err) {
	struct draw_order order;
	size_t cap = 0;
	bool fits = false, ok = true;
	draw_order_begin(&order, seed, lot->label, list->count);
	while (ok && !fits && draw_order_next(&order, index))
		ok = list->fits(list->context, *index, &fits) && (fits || pass(u, list, *index, lot, &cap));
	draw_order_end(&order);
	return ok && (fits || err_set(err, ERR_INPUT, "error.input", "there is nothing to draw from"));
}

static bool draw_one(struct urn *u, const unsigned char seed[DRAW_SEED], const struct urn_list *list, struct urn_lot *lot, size_t *index, struct err *err) {
	if (list->fits)
		return draw_fitting(u, seed, list, lot, index, err);
	*index = (size_t)draw_index(seed, lot->label, list->count);
	return true;
}

bool urn_draw(struct urn *u, struct str name, const struct urn_list *list, size_t *index, struct err *err) {
	struct urn_seed seed;
	struct str key;
	if (list->count == 0)
		return err_set(err, ERR_INPUT, "error.input", "there is nothing to draw from");
	if (!find_hidden(u, name, &seed, err))
		return false;
	struct urn_lot lot = {.name = name, .seed_id = seed.id, .number = seed.drawn + 1, .size = list->count, .conditional = list->fits};
	for (size_t i = 0; i < u->lots.count; i++)
		lot.number += u->lots.items[i].seed_id == seed.id;
	lot.label = arena_printf(u->a, "%.*s/%.*s/%lld", STR_ARG(name), STR_ARG(u->reference), (long long)lot.number);
	if (!digest_of(u, list, &lot) || !draw_one(u, seed.bytes, list, &lot, index, err) || !list->key(list->context, *index, &key))
		return false;
	lot.key = arena_str(u->a, key);
	*(struct urn_lot *)ARENA_PUSH(u->a, &u->lots) = lot;
	return true;
}
