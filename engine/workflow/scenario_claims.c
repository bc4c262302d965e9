/* expect: {claimed: {pool: [row, row]}}: what the instance holds, oldest first. */
#include "engine/workflow/scenario_run.h"

static bool expect_rows(struct scenario *s, const struct yaml *wanted, struct ledger *ledger, const struct pool *pool) {
	struct holding held;
	struct err err;
	if (wanted->kind != YAML_LIST)
		return scenario_fail(s, wanted, "a list of keys is expected");
	if (!ledger_held(ledger, pool, s->a, &held, &err))
		return scenario_fail(s, wanted, "%s", err.text);
	if (held.count != wanted->count)
		return scenario_fail(s, wanted, "%zu rows of '%.*s' are claimed, not %zu", held.count, STR_ARG(pool->name), wanted->count);
	for (size_t i = 0; i < held.count; i++)
		if (!str_equal(held.items[i], wanted->items[i]->text))
			return scenario_fail(s, wanted->items[i], "row '%.*s' of '%.*s' is claimed, not '%.*s'", STR_ARG(held.items[i]), STR_ARG(pool->name), STR_ARG(wanted->items[i]->text));
	return true;
}

bool scenario_expect_claims(struct scenario *s, const struct yaml *wanted, struct view *v, const struct instance *instance) {
	struct err err;
	struct register_port port = data_store_port(v);
	const struct definition *d = site_definition(s->options->site, v, instance->definition, &err);
	if (!d)
		return scenario_fail(s, wanted, "%s", err.text);
	struct form_world world = engine_world(s->engine, d, instance, &port, 0, s->a);
	for (size_t i = 0; i < wanted->count; i++) {
		const struct yaml *rows = wanted->items[i];
		const struct pool *pool = rows->key ? definition_pool(d, rows->key->text) : NULL;
		if (!pool)
			return scenario_fail(s, rows, "there is no pool '%.*s'", STR_ARG(rows->key ? rows->key->text : rows->text));
		if (!expect_rows(s, rows, world.ledger, pool))
			return false;
	}
	return true;
}
