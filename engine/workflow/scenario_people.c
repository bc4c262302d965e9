/* expect: {people: {role: [address]}}: who has which roles of the case today. */
#include "engine/base/address.h"
#include "engine/base/clock.h"
#include "engine/workflow/scenario_run.h"

static struct str addresses(struct scenario *s, const struct participation_list *people, struct str role) {
	struct str all = STR("");
	for (size_t i = 0; i < people->count; i++)
		if (str_equal(people->items[i].role, role))
			all = arena_printf(s->a, "%.*s%s%.*s", STR_ARG(all), all.len ? ", " : "", STR_ARG(people->items[i].contact.key));
	return all;
}

bool scenario_expect_people(struct scenario *s, const struct yaml *wanted, struct view *v, const struct instance *instance) {
	struct participation_list people;
	struct err err;
	const struct definition *d = site_definition(s->options->site, v, instance->definition, &err);
	if (wanted->kind != YAML_MAP)
		return scenario_fail(s, wanted, "`people` is a map of addresses by role");
	if (!d || !participation_list(v, instance->id, site_day(s->options->site, clock_now()), s->a, &people, &err))
		return scenario_fail(s, wanted, "%s", err.text);
	for (size_t i = 0; i < wanted->count; i++) {
		const struct yaml *one = wanted->items[i];
		struct str is = addresses(s, &people, one->key->text), should = address_key(s->a, scenario_words(s, one));
		if (!definition_role(d, one->key->text))
			return scenario_fail(s, one->key, "there is no role '%.*s'", STR_ARG(one->key->text));
		if (!str_equal(is, should))
			return scenario_fail(s, one, "%.*s are '%.*s', not '%.*s'", STR_ARG(one->key->text), STR_ARG(is), STR_ARG(should));
	}
	return true;
}
