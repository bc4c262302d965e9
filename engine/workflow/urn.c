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

bool urn_draw(struct urn *u, struct str name, const struct str *keys, size_t count, size_t *index, struct err *err) {
	struct urn_seed seed;
	if (count == 0)
		return err_set(err, ERR_INPUT, "error.input", "there is nothing to draw from");
	if (!find_hidden(u, name, &seed, err))
		return false;
	struct urn_lot lot = {.name = name, .seed_id = seed.id, .number = seed.drawn + 1, .size = count, .keys = keys};
	for (size_t i = 0; i < u->lots.count; i++)
		lot.number += u->lots.items[i].seed_id == seed.id;
	lot.label = arena_printf(u->a, "%.*s/%.*s/%lld", STR_ARG(name), STR_ARG(u->reference), (long long)lot.number);
	*index = (size_t)draw_index(seed.bytes, lot.label, count);
	lot.digest = draw_list_digest(keys, count, u->a);
	lot.key = arena_str(u->a, keys[*index]);
	*(struct urn_lot *)ARENA_PUSH(u->a, &u->lots) = lot;
	return true;
}
