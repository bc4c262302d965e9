/* Starts that begin from a case of another workflow (`start.from`): which cases somebody has for it, and what is taken from one. */
#include "engine/base/address.h"
#include "engine/base/log.h"
#include "engine/store/listings.h"
#include "engine/workflow/engine_run.h"

enum { CASES_SEEN = 100, DATA_LIMIT = 1 << 20 };

/* Compiled against the machine that the case started with: its fields may be other ones than today's. */
static bool holds(struct start_look *s, const struct definition *from, const struct instance *instance, const struct value *values, const struct register_port *port) {
	static const struct type boolean = {.kind = KIND_BOOL};
	const struct start_from *rule = s->definition->start.from;
	struct problems problems = {.arena = s->a};
	struct err unset = {0};
	if (rule->when.len == 0)
		return true;
	const struct expression *when = expression_compile(s->a, rule->when, rule->when_place, &from->scope, &boolean, &problems);
	struct form_world world = engine_world(s->engine, from, instance, port, s->now, s->a);
	struct environment env = form_environment(&world, values, s->a);
	bool yes = when && expression_holds(when, &env, s->a, &unset);
	if (!when || unset.kind != ERR_NONE)
		log_event(LOG_WARN, "expression-error", "workflow=%.*s from=%.*s text=\"start.from.when: %s\"", STR_ARG(s->definition->name), STR_ARG(instance->reference),
		          when ? unset.text : "does not fit the machine of the case");
	return yes;
}

/* By way of what the store keeps, so that a row of a register stays the version that it is there. *fits false: one of them has no value. */
static bool take(struct start_look *s, const struct definition *from, const struct value *values, const struct register_port *port, struct start_case *out, bool *fits, struct err *err) {
	const struct definition *d = s->definition;
	struct value *taken = ARENA_ARRAY(s->a, from->fields.count, struct value);
	struct buf text;
	*fits = true;
	for (size_t i = 0; i < d->start.from->take.count; i++) {
		const struct field *field = d->start.from->take.items[i], *twin = definition_field(from, field->name);
		*fits = *fits && twin && field_alike(field, twin) && values[twin->slot].kind != KIND_UNSET;
		if (twin)
			taken[twin->slot] = values[twin->slot];
	}
	if (!*fits)
		return true;
	buf_init(&text, DATA_LIMIT);
	buf_z(&text, "{\"set\":");
	data_to_json(from, taken, &text);
	buf_z(&text, "}");
	struct str payload = arena_str(s->a, buf_text(&text));
	buf_free(&text);
	out->values = ARENA_ARRAY(s->a, d->fields.count, struct value);
	return data_apply(d, payload, "set", port, s->a, out->values, err);
}

static bool look_at(struct start_look *s, int64_t instance_id, struct start_case *out, bool *fits, struct err *err) {
	struct register_port port = s->port ? *s->port : data_store_port(s->view);
	struct instance instance;
	*fits = false;
	if (!instance_load(s->view, instance_id, s->a, &instance, err))
		return false;
	if (!str_equal(instance.workflow, s->definition->start.from->workflow))
		return true;
	const struct definition *from = site_definition(s->engine->site, s->view, instance.definition, err);
	struct value *values = from ? ARENA_ARRAY(s->a, from->fields.count, struct value) : NULL;
	if (!from || !data_from_json(from, instance.data, &port, s->a, values, err))
		return false;
	*out = (struct start_case){.instance_id = instance.id, .reference = instance.reference, .started_at = instance.started_at};
	return !holds(s, from, &instance, values, &port) || take(s, from, values, &port, out, fits, err);
}

bool engine_start_cases(struct start_look *s, struct start_cases *out, struct err *err) {
	struct str role = s->definition->start.by->name;
	struct listing_query query = {.workflow = s->definition->start.from->workflow, .contact_id = s->contact_id, .roles = &role, .role_count = 1, .limit = CASES_SEEN,
	                              .day = site_day(s->engine->site, s->now)};
	struct listed_list list;
	*out = (struct start_cases){0};
	if (!listing_before(s->view, &query, INT64_MAX, s->a, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		struct start_case one;
		bool fits;
		if (!look_at(s, list.items[i].instance_id, &one, &fits, err))
			return false;
		if (fits)
			*(struct start_case *)ARENA_PUSH(s->a, out) = one;
	}
	return true;
}

bool engine_start_case(struct start_look *s, int64_t from_id, struct start_case *out, bool *fits, struct err *err) {
	struct start_cases all;
	if (from_id == 0) {
		if (!engine_start_cases(s, &all, err))
			return false;
		*fits = all.count > 0;
		if (*fits)
			*out = all.items[0];
		return true;
	}
	return engine_has_role(s->engine, s->view, from_id, s->definition->start.by->name, s->contact_id, s->now, s->a, fits, err) && (!*fits || look_at(s, from_id, out, fits, err));
}

void start_case_take(const struct definition *d, const struct start_case *from, struct value *values) {
	for (size_t i = 0; i < d->start.from->take.count; i++)
		values[d->start.from->take.items[i]->slot] = from->values[d->start.from->take.items[i]->slot];
}

bool run_start_from(struct run *r, struct loaded *l, int64_t contact_id, int64_t from_id, struct err *err) {
	const struct definition *d = l->definition;
	struct start_look s = {r->engine, r->view, r->now, d, contact_id, &l->port, r->a};
	struct contact contact;
	struct start_case from;
	bool fits = true;
	if (!d->start.from)
		return true;
	if (contact_id == 0) {
		fits = contact_find(r->view, CHANNEL_MAIL, address_key(r->a, l->values[d->start.by->contact->slot].string), r->a, &contact, err);
		if (!fits && err->kind != ERR_NOT_FOUND)
			return false;
		s.contact_id = fits ? contact.id : 0;
	}
	if (fits && !engine_start_case(&s, from_id, &from, &fits, err))
		return false;
	if (!fits)
		return err_set(err, ERR_CONFLICT, "start.missing", "this person has no case of '%.*s' from which '%.*s' can begin", STR_ARG(d->start.from->workflow), STR_ARG(d->name));
	start_case_take(d, &from, l->values);
	return true;
}
