/* The seeds that an instance draws with: its own, or that of the first instance above it whose workflow commits one of that name. */
#include "engine/base/escape.h"
#include "engine/store/seeds.h"
#include "engine/workflow/engine_run.h"

#include <string.h>

struct drawer {
	struct urn_desk desk;
	struct urn urn;
};

/* *owner_id 0: there is no such instance, or it is not written yet. */
static bool find_owner(const struct urn_desk *desk, struct str name, int64_t *owner_id, struct err *err) {
	const struct definition *d = desk->definition;
	struct instance at = {.id = desk->instance_id, .parent_id = desk->parent_id};
	*owner_id = 0;
	while (!definition_seed(d, name)) {
		if (at.parent_id == 0)
			return true;
		if (!instance_load(desk->view, at.parent_id, desk->a, &at, err))
			return false;
		d = site_definition(desk->engine->site, desk->view, at.definition, err);
		if (!d)
			return false;
	}
	*owner_id = at.id;
	return true;
}

/* What the seal is about. */
static struct str about(struct arena *a, int64_t instance_id, struct str name) {
	return arena_printf(a, "seed %.*s %lld", STR_ARG(name), (long long)instance_id);
}

bool urn_unseal(const struct urn_desk *desk, const struct seed *seed, unsigned char bytes[DRAW_SEED], struct err *err) {
	struct str plain;
	if (!secret_unseal(site_keys(desk->engine->site), about(desk->a, seed->instance_id, seed->name), seed->sealed, desk->a, &plain) || plain.len != DRAW_SEED)
		return err_set(err, ERR_PERMANENT, "store.broken", "seed %lld cannot be opened with the site's keys", (long long)seed->id);
	memcpy(bytes, plain.at, DRAW_SEED);
	return true;
}

static bool port_find(void *context, struct str name, struct urn_seed *out, bool *found, struct err *err) {
	struct drawer *drawer = context;
	const struct urn_desk *desk = &drawer->desk;
	struct seed seed;
	int64_t owner_id;
	*out = (struct urn_seed){0};
	*found = false;
	if (!find_owner(desk, name, &owner_id, err))
		return false;
	if (owner_id == 0)
		return true;
	if (!seed_newest(desk->view, owner_id, name, desk->seen, desk->a, &seed, found, err))
		return false;
	if (!*found)
		return true;
	out->id = seed.id;
	out->revealed = seed.revealed_id != 0;
	return urn_unseal(desk, &seed, out->bytes, err) && (desk->instance_id == 0 || drawn_count(desk->view, seed.id, desk->instance_id, desk->seen, &out->drawn, err));
}

static bool make_again(const struct urn_desk *desk, struct str name, unsigned char bytes[DRAW_SEED], struct err *err) {
	struct seed_list seeds;
	if (!seed_made(desk->view, desk->history_id, desk->a, &seeds, err))
		return false;
	for (size_t i = 0; i < seeds.count; i++)
		if (str_equal(seeds.items[i].name, name))
			return urn_unseal(desk, &seeds.items[i], bytes, err);
	return err_set(err, ERR_INPUT, "error.input", "it made no seed '%.*s'", STR_ARG(name));
}

static bool port_make(void *context, struct str name, unsigned char bytes[DRAW_SEED], struct err *err) {
	const struct urn_desk *desk = &((struct drawer *)context)->desk;
	if (desk->history_id != 0)
		return make_again(desk, name, bytes, err);
	if (desk->engine->rehearsal)
		secret_sha256(bytes, arena_printf(desk->a, "%s/%.*s/%.*s", desk->engine->rehearsal, STR_ARG(name), STR_ARG(desk->reference)));
	else
		secret_random(bytes, DRAW_SEED);
	return true;
}

struct urn *urn_open(const struct urn_desk *desk) {
	const struct definition *d = desk->definition;
	if (!definition_draws(d) || !desk->view)
		return NULL;
	struct drawer *drawer = ARENA_NEW(desk->a, struct drawer);
	*drawer = (struct drawer){.desk = *desk, .urn = {.port = {drawer, port_find, port_make}, .a = desk->a, .reference = desk->reference, .tells = desk->tells}};
	return &drawer->urn;
}

static bool write_commit(struct run *r, const struct loaded *l, const struct urn_commit *commit, int64_t history_id, struct err *err) {
	struct seed seed = {.instance_id = l->instance.id, .name = commit->name, .history_id = history_id};
	seed.sealed = secret_seal(site_keys(r->engine->site), about(r->a, seed.instance_id, seed.name), (struct str){(const char *)commit->bytes, DRAW_SEED}, r->a);
	return seed_insert(r->tx, &seed, err);
}

/* Reveals come first: a seed may be followed by another of its name. */
bool run_draws(struct run *r, const struct loaded *l, const struct decision *decision, int64_t history_id, struct err *err) {
	const struct urn *u = l->urn;
	bool ok = true;
	if (!u || decision->outcome != DECISION_TAKEN)
		return true;
	for (size_t i = 0; ok && i < u->reveals.count; i++)
		ok = seed_reveal(r->tx, u->reveals.items[i].seed_id, history_id, err);
	for (size_t i = 0; ok && i < u->commits.count; i++)
		ok = write_commit(r, l, &u->commits.items[i], history_id, err);
	for (size_t i = 0; ok && i < u->lots.count; i++)
		ok = drawn_insert(r->tx, &(struct drawn){u->lots.items[i].seed_id, l->instance.id, u->lots.items[i].number, history_id}, err);
	return ok;
}

void run_draws_payload(const struct loaded *l, const struct decision *decision, struct buf *out) {
	const struct urn *u = l->urn;
	if (!u || decision->outcome != DECISION_TAKEN || u->lots.count == 0)
		return;
	buf_z(out, ",\"" RUN_DRAWN "\":[");
	for (size_t i = 0; i < u->lots.count; i++) {
		const struct urn_lot *lot = &u->lots.items[i];
		buf_z(out, i ? "," : "");
		struct str passed = lot->conditional ? arena_printf(u->a, "-%zu", lot->passed_count) : STR("");
		escape_json(out, arena_printf(u->a, "%.*s %zu%.*s %.*s %.*s", STR_ARG(lot->label), lot->size, STR_ARG(passed), STR_ARG(lot->digest), STR_ARG(lot->key)));
	}
	buf_char(out, ']');
}
