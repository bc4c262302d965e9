#include "engine/workflow/site.h"

#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/store/instances.h"
#include "engine/workflow/definition_check.h"
#include "engine/workflow/package_folders.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All packages as they were read at one time; never changed afterwards. */
struct catalog {
	struct arena *arena; /* of the packages' folders */
	struct package *packages;
	size_t count;
	struct catalog *older;
};

/* Definitions that only instances remember, read from the store when first asked for. */
struct remembered {
	struct definition *definition;
	struct remembered *next;
};

struct site {
	const struct site_config *config;
	struct keyring *keys;
	struct zone *zone;
	struct calendar *calendar;
	struct languages *languages;
	_Atomic(struct catalog *) catalog;
	pthread_mutex_t lock; /* of remembered */
	struct remembered *remembered;
};

static void catalog_free(struct catalog *c) {
	while (c) {
		struct catalog *older = c->older;
		for (size_t i = 0; i < c->count; i++) {
			texts_free(c->packages[i].texts);
			definition_free(c->packages[i].definition);
		}
		free(c->packages);
		arena_free(c->arena);
		free(c);
		c = older;
	}
}

static bool load_package(const struct site_config *config, struct str folder, struct package *out, struct problems *problems) {
	size_t before = problems->errors;
	*out = (struct package){.folder = folder};
	out->definition = definition_load(folder.at, problems);
	out->texts = texts_load(folder.at, config->languages, config->language_count, problems);
	if (out->definition && out->texts)
		definition_check(out->definition, out->texts, problems);
	return problems->errors == before && out->definition && out->texts;
}

static void refuse_twins(const struct catalog *c, struct problems *problems) {
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < i; k++)
			if (c->packages[i].definition && c->packages[k].definition && str_equal(c->packages[i].definition->name, c->packages[k].definition->name))
				problem_error(problems, (struct yaml_place){c->packages[i].folder.at, 1, 1}, "workflow '%.*s' is also in %.*s",
				              STR_ARG(c->packages[i].definition->name), STR_ARG(c->packages[k].folder));
}

static const struct definition *find_definition(const struct catalog *c, struct str name) {
	for (size_t i = 0; i < c->count; i++)
		if (c->packages[i].definition && str_equal(c->packages[i].definition->name, name))
			return c->packages[i].definition;
	return NULL;
}

static void check_passed(const struct definition *other, const struct assignment *passed, struct yaml_place place, struct problems *problems) {
	const struct field *field = definition_field(other, passed->name);
	if (!field)
		problem_error(problems, place, "workflow '%.*s' has no field '%.*s'", STR_ARG(other->name), STR_ARG(passed->name));
	else if (passed->value && expression_type(passed->value)->kind == KIND_SEALED && !field->sensitive)
		problem_error(problems, place, "field '%.*s' of workflow '%.*s' must be sensitive, too, to take what is", STR_ARG(field->name), STR_ARG(other->name));
}

/* `start`, `signal` and `plan` name fields of another workflow: known only when all packages are there. */
static void check_actions(const struct catalog *c, const struct action_list *actions, struct problems *problems) {
	for (size_t i = 0; i < actions->count; i++) {
		const struct action *action = &actions->items[i];
		if (action->kind != ACTION_START && action->kind != ACTION_PLAN)
			continue;
		const struct definition *other = find_definition(c, action->workflow);
		if (!other)
			problem_error(problems, action->place, "no package in this site has a workflow '%.*s'", STR_ARG(action->workflow));
		for (size_t k = 0; other && k < action->data.count; k++)
			check_passed(other, &action->data.items[k], action->place, problems);
		if (other && action->kind == ACTION_PLAN)
			definition_check_plan(action, other, problems);
	}
}

static void check_transitions(const struct catalog *c, const struct transition_list *list, struct problems *problems) {
	for (size_t i = 0; i < list->count; i++)
		check_actions(c, &list->items[i].actions, problems);
}

/* A workflow that this site does not have has nobody in it. */
static void check_login(const struct catalog *c, const struct definition *d, struct problems *problems) {
	for (size_t i = 0; i < d->start.login.count; i++) {
		const struct prefill *from = &d->start.login.items[i];
		const struct definition *other = find_definition(c, from->workflow);
		struct str role = d->start.from ? d->start.by->name : d->start.role;
		if (other && !definition_role(other, role))
			problem_error(problems, from->place, "workflow '%.*s' has no role '%.*s', who could start this", STR_ARG(other->name), STR_ARG(role));
		if (other && d->start.from)
			definition_check_from(d->start.from, other, problems);
	}
}

static void check_prefilled(const struct definition *d, const struct prefill *prefill, const struct definition *other, struct problems *problems) {
	if (!definition_role(other, d->start.by->name))
		problem_error(problems, prefill->place, "workflow '%.*s' has no role '%.*s', whose answers could be filled in", STR_ARG(other->name), STR_ARG(d->start.by->name));
	for (size_t p = 0; p < d->start.form->pages.count; p++)
		for (size_t i = 0; i < d->start.form->pages.items[p].items.count; i++) {
			const struct field *field = d->start.form->pages.items[p].items.items[i].field, *twin = definition_field(other, field->name);
			if (!twin || !field_prefills(field) || field_alike(field, twin))
				continue;
			if (field->kind == FIELD_GROUP && twin->kind == FIELD_GROUP)
				problem_error(problems, prefill->place, "the group '%.*s' has other fields in workflow '%.*s', so its answer cannot be filled in", STR_ARG(field->name), STR_ARG(other->name));
			else
				problem_error(problems, prefill->place, "field '%.*s' is %s%s here, but %s%s in workflow '%.*s', so its answer cannot be filled in", STR_ARG(field->name),
				              field_kind_name(field->kind), field->many ? " (many)" : "", field_kind_name(twin->kind), twin->many ? " (many)" : "", STR_ARG(other->name));
		}
}

/* A workflow that this site does not have fills in nothing. */
static void check_prefill(const struct catalog *c, const struct definition *d, struct problems *problems) {
	for (size_t i = 0; i < d->start.prefill.count; i++) {
		const struct definition *other = find_definition(c, d->start.prefill.items[i].workflow);
		if (other)
			check_prefilled(d, &d->start.prefill.items[i], other, problems);
	}
}

static void check_shared(const struct catalog *c, const struct definition *d, struct problems *problems) {
	for (size_t i = 0; i < d->registers.count; i++) {
		const struct register_type *reg = &d->registers.items[i];
		if (!str_equal(reg->owner, d->name))
			definition_check_shared(reg, find_definition(c, reg->owner), problems);
	}
}

static bool starts(const struct action_list *actions, struct str workflow) {
	for (size_t i = 0; i < actions->count; i++)
		if (actions->items[i].kind == ACTION_START && str_equal(actions->items[i].workflow, workflow))
			return true;
	return false;
}

static bool starts_in_cases(const struct transition_list *list, struct str workflow) {
	for (size_t i = 0; i < list->count; i++)
		if (starts(&list->items[i].actions, workflow))
			return true;
	return false;
}

static bool is_parent(const struct definition *d, struct str workflow) {
	bool is = false;
	for (size_t i = 0; i < d->states.count && !is; i++) {
		const struct state *state = &d->states.items[i];
		is = starts(&state->entry, workflow) || starts(&state->exit, workflow);
		for (size_t k = 0; k < state->on.count && !is; k++)
			is = starts_in_cases(&state->on.items[k].cases, workflow);
		for (size_t k = 0; k < state->after.count && !is; k++)
			is = starts_in_cases(&state->after.items[k].cases, workflow);
	}
	return is;
}

static bool is_child(const struct catalog *c, const struct definition *d) {
	bool is = false;
	for (size_t i = 0; i < c->count && !is; i++)
		is = is_parent(c->packages[i].definition, d->name);
	return is;
}

static void check_shared_pool(const struct pool *pool, const struct definition *parent, struct problems *problems) {
	const struct pool *own = definition_pool(parent, pool->name);
	if (!own)
		problem_error(problems, pool->place, "workflow '%.*s', which starts this one, has no pool '%.*s'", STR_ARG(parent->name), STR_ARG(pool->name));
	else if (!str_equal(own->reg->full_name, pool->reg->full_name))
		problem_error(problems, pool->place, "pool '%.*s' is of the register '%.*s' here, but of '%.*s' in workflow '%.*s', which starts this one: share it with 'from'", STR_ARG(pool->name),
		              STR_ARG(pool->reg->full_name), STR_ARG(own->reg->full_name), STR_ARG(parent->name));
}

/* Who starts it has the pools that it shares; and of children that start at once none sees what the others claim. */
static void check_pools(const struct catalog *c, const struct definition *d, struct problems *problems) {
	for (size_t i = 0; i < c->count; i++) {
		const struct definition *parent = c->packages[i].definition;
		if (!is_parent(parent, d->name))
			continue;
		for (size_t k = 0; k < d->pools.count; k++)
			if (d->pools.items[k].scope == POOL_PARENT)
				check_shared_pool(&d->pools.items[k], parent, problems);
		if (actions_claim(&d->initial->entry))
			problem_error(problems, d->initial->place, "state '%.*s' claims a row as soon as it starts, and workflow '%.*s' starts it: of several that start together none would see the others' claims",
			              STR_ARG(d->initial->name), STR_ARG(parent->name));
		if (actions_share(&d->initial->entry))
			problem_error(problems, d->initial->place, "state '%.*s' shares with a group as soon as it starts, and workflow '%.*s' starts it: of several that start together none would see what the others share",
			              STR_ARG(d->initial->name), STR_ARG(parent->name));
	}
}

/* Whether whoever starts it has committed the seed, or those who start that. */
static bool has_seed(const struct catalog *c, const struct definition *d, struct str seed, int depth) {
	bool has = true;
	if (definition_seed(d, seed))
		return true;
	for (size_t i = 0; i < c->count && depth > 0; i++)
		if (is_parent(c->packages[i].definition, d->name))
			has = has && has_seed(c, c->packages[i].definition, seed, depth - 1);
	return has && is_child(c, d);
}

static void check_seeds(const struct catalog *c, const struct definition *d, struct problems *problems) {
	for (size_t i = 0; i < c->count && d->parent_seed.len > 0; i++) {
		const struct definition *parent = c->packages[i].definition;
		if (is_parent(parent, d->name) && !has_seed(c, parent, d->parent_seed, (int)c->count))
			problem_error(problems, d->parent_seed_place, "nobody commits the seed '%.*s': neither this workflow nor '%.*s', which starts it", STR_ARG(d->parent_seed),
			              STR_ARG(parent->name));
	}
}

static void check_between(const struct catalog *c, const struct definition *d, struct problems *problems) {
	check_shared(c, d, problems);
	check_pools(c, d, problems);
	check_seeds(c, d, problems);
	check_login(c, d, problems);
	check_prefill(c, d, problems);
	for (size_t i = 0; i < d->states.count; i++) {
		const struct state *state = &d->states.items[i];
		check_actions(c, &state->entry, problems);
		check_actions(c, &state->exit, problems);
		for (size_t k = 0; k < state->on.count; k++)
			check_transitions(c, &state->on.items[k].cases, problems);
		for (size_t k = 0; k < state->after.count; k++)
			check_transitions(c, &state->after.items[k].cases, problems);
	}
}

static void check_started(const struct catalog *c, const char *key, const struct start_names *names, int channel, struct problems *problems) {
	for (size_t i = 0; i < names->count; i++) {
		const struct definition *d = find_definition(c, names->workflows[i]);
		if (!d)
			problem_error(problems, (struct yaml_place){"stafet.yaml", 1, 1}, "%s.starts: no package in this site has a workflow '%.*s'", key, STR_ARG(names->workflows[i]));
		else if (!definition_way(d, channel))
			problem_error(problems, (struct yaml_place){"stafet.yaml", 1, 1}, "%s.starts: workflow '%.*s' does not say in its 'start' how a %s starts it", key,
			              STR_ARG(names->workflows[i]), channel == CHANNEL_MAIL ? "mail" : "text");
	}
}

/* What has no package stays in the list, so that loading it says what is missing. */
static struct folder_list named_folders(struct arena *a, const struct site_config *config) {
	struct folder_list folders = {0};
	for (size_t i = 0; i < config->package_count; i++) {
		size_t before = folders.count;
		package_folders(a, config->packages[i], &folders);
		if (folders.count > before)
			continue;
		struct str *one = ARENA_PUSH(a, &folders);
		*one = config->packages[i];
	}
	return folders;
}

static struct catalog *catalog_load(const struct site_config *config, struct problems *problems) {
	struct catalog *c = calloc(1, sizeof *c);
	BUG_IF(c == NULL);
	bool ok = true;
	c->arena = arena_new();
	struct folder_list folders = named_folders(c->arena, config);
	c->packages = calloc(folders.count + 1, sizeof *c->packages);
	BUG_IF(c->packages == NULL);
	c->count = folders.count;
	for (size_t i = 0; i < c->count; i++)
		ok = load_package(config, folders.items[i], &c->packages[i], problems) && ok;
	refuse_twins(c, problems);
	for (size_t i = 0; ok && i < c->count; i++)
		check_between(c, c->packages[i].definition, problems);
	if (ok) {
		check_started(c, "inbox", &config->inbox.starts, CHANNEL_MAIL, problems);
		check_started(c, "sms", &config->sms.starts, CHANNEL_SMS, problems);
	}
	if (ok && problems->errors == 0)
		return c;
	/* They outlive the definitions that their places point into. */
	for (size_t i = 0; i < problems->count; i++) {
		struct yaml_place *place = &problems->items[i].place;
		place->file = place->file ? arena_z(problems->arena, str_from(place->file)) : NULL;
	}
	catalog_free(c);
	return NULL;
}

static bool open_parts(struct site *s, struct err *err) {
	const struct site_config *config = s->config;
	enum { CLOSED_DAYS_LIMIT = 1 << 20 };
	struct str closed = STR("");
	s->keys = keyring_open(config->key_file.at, err);
	if (!s->keys)
		return false;
	s->zone = zone_open(config->zone.at, err);
	if (!s->zone)
		return false;
	struct arena *a = arena_new();
	bool read = config->closed_days_file.len == 0 || file_read(a, config->closed_days_file.at, CLOSED_DAYS_LIMIT, &closed, err);
	s->calendar = read ? calendar_open(config->holidays, closed, err) : NULL;
	arena_free(a);
	if (!s->calendar)
		return false;
	char folder[4096];
	snprintf(folder, sizeof folder, "%s/languages", config->folder);
	s->languages = languages_open(folder, err);
	return s->languages != NULL;
}

struct site *site_open(const struct site_config *config, struct problems *problems, struct err *err) {
	struct site *s = calloc(1, sizeof *s);
	BUG_IF(s == NULL);
	s->config = config;
	pthread_mutex_init(&s->lock, NULL);
	if (!open_parts(s, err)) {
		site_close(s);
		return NULL;
	}
	s->catalog = catalog_load(config, problems);
	if (!s->catalog) {
		err_set(err, ERR_INPUT, "error.input", "%zu errors in the packages", problems->errors);
		site_close(s);
		return NULL;
	}
	return s;
}

void site_close(struct site *s) {
	if (!s)
		return;
	catalog_free(s->catalog);
	while (s->remembered) {
		struct remembered *next = s->remembered->next;
		definition_free(s->remembered->definition);
		free(s->remembered);
		s->remembered = next;
	}
	languages_close(s->languages);
	calendar_close(s->calendar);
	zone_close(s->zone);
	keyring_close(s->keys);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct package *catalog_package(const struct catalog *c, struct str workflow) {
	for (size_t i = 0; i < c->count; i++)
		if (str_equal(c->packages[i].definition->name, workflow))
			return &c->packages[i];
	return NULL;
}

/* Texts are live: they must still fit every machine that an instance is pinned to. */
static bool check_in_use(const struct catalog *c, struct view *v, struct problems *problems, struct err *err) {
	struct arena *a = arena_new();
	struct kept_definition_list kept = {0};
	bool ok = definition_in_use(v, a, &kept, err);
	for (size_t i = 0; ok && i < kept.count; i++) {
		const struct package *package = catalog_package(c, kept.items[i].workflow);
		if (package && memcmp(package->definition->hash, kept.items[i].hash, SECRET_HASH) == 0)
			continue;
		struct definition *old = definition_parse(kept.items[i].source, problems);
		if (!package)
			problem_error(problems, (struct yaml_place){"stafet.yaml", 1, 1}, "workflow '%.*s' still has running instances, but no package has it", STR_ARG(kept.items[i].workflow));
		else if (old)
			definition_check(old, package->texts, problems);
		definition_free(old);
	}
	arena_free(a);
	return ok && problems->errors == 0;
}

bool site_reload(struct site *s, struct view *v, struct problems *problems, struct err *err) {
	struct catalog *fresh = catalog_load(s->config, problems);
	if (fresh && check_in_use(fresh, v, problems, err)) {
		fresh->older = s->catalog;
		s->catalog = fresh;
		return true;
	}
	catalog_free(fresh);
	return err_set(err, ERR_INPUT, "error.input", "%zu errors; the packages stay as they were", problems->errors);
}

const struct site_config *site_config(const struct site *s) {
	return s->config;
}

const struct keyring *site_keys(const struct site *s) {
	return s->keys;
}

const struct zone *site_zone(const struct site *s) {
	return s->zone;
}

const struct calendar *site_calendar(const struct site *s) {
	return s->calendar;
}

int64_t site_quiet_end(const struct site *s, enum channel channel, int64_t now) {
	return quiet_end(channel == CHANNEL_MAIL ? &s->config->mail.quiet : &s->config->sms.quiet, s->zone, s->calendar, now);
}

const struct languages *site_languages(const struct site *s) {
	return s->languages;
}

int64_t site_day(const struct site *s, int64_t now) {
	return civil_day_of(zone_local(site_zone(s), now));
}

int64_t site_country(const struct site *s) {
	int64_t country;
	return str_to_int(s->config->sms.country, &country) ? country : 45;
}

size_t site_package_count(const struct site *s) {
	return s->catalog->count;
}

const struct package *site_package_at(const struct site *s, size_t index) {
	return &s->catalog->packages[index];
}

const struct package *site_package(const struct site *s, struct str workflow) {
	return catalog_package(s->catalog, workflow);
}

static const struct definition *find_hash(struct site *s, const unsigned char hash[SECRET_HASH]) {
	for (const struct catalog *c = s->catalog; c; c = c->older)
		for (size_t i = 0; i < c->count; i++)
			if (memcmp(c->packages[i].definition->hash, hash, SECRET_HASH) == 0)
				return c->packages[i].definition;
	for (const struct remembered *r = s->remembered; r; r = r->next)
		if (memcmp(r->definition->hash, hash, SECRET_HASH) == 0)
			return r->definition;
	return NULL;
}

static const struct definition *remember(struct site *s, struct view *v, const unsigned char hash[SECRET_HASH], struct err *err) {
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct str source;
	struct remembered *entry = NULL;
	if (definition_load_kept(v, hash, a, &source, err)) {
		struct definition *d = definition_parse(source, &problems);
		if (d) {
			entry = malloc(sizeof *entry);
			BUG_IF(entry == NULL);
			*entry = (struct remembered){d, s->remembered};
			s->remembered = entry;
		} else {
			err_set(err, ERR_PERMANENT, "error.internal", "a kept definition cannot be read any more: %.*s",
			        STR_ARG(problems.count ? problems.items[0].text : STR("")));
		}
	}
	arena_free(a);
	return entry ? entry->definition : NULL;
}

const struct definition *site_definition(struct site *s, struct view *v, const unsigned char hash[SECRET_HASH], struct err *err) {
	pthread_mutex_lock(&s->lock);
	const struct definition *d = find_hash(s, hash);
	if (!d)
		d = remember(s, v, hash, err);
	pthread_mutex_unlock(&s->lock);
	return d;
}
