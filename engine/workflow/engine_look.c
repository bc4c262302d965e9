/* What stands behind a link now. Read-only: a page may be opened any number of times, by people and by mail scanners. */
#include "engine/base/log.h"
#include "engine/workflow/engine_run.h"

static bool unknown(struct err *err) {
	return err_set(err, ERR_NOT_FOUND, "link.unknown", "no such link");
}

/* A wrong MAC is answered as a token that never was. */
static bool open_token(struct engine *e, struct view *v, struct str token, struct arena *a, struct link *link, struct err *err) {
	unsigned char id[SECRET_ID], mac[SECRET_MAC];
	if (!token_split(token, id, mac))
		return unknown(err);
	if (!link_load(v, id, a, link, err))
		return err->kind == ERR_NOT_FOUND ? unknown(err) : false;
	return token_verify(site_keys(e->site), link->key_id, "link", id, mac) || unknown(err);
}

static bool look_start(struct link_view *out, struct err *err) {
	out->definition = out->package->definition;
	out->form = definition_form(out->definition, out->link.task);
	if (!out->form)
		return unknown(err);
	out->open = out->link.state == LINK_LIVE && !out->expired;
	return true;
}

int64_t engine_opens(const struct engine *e, const struct snapshot *snapshot, const struct event_rule *event, int64_t now, struct arena *a) {
	struct decision_world world = {.zone = site_zone(e->site), .calendar = site_calendar(e->site), .now = now};
	struct err err = {0};
	int64_t opens_at = decision_opens(&world, snapshot, event, a, &err);
	if (err.kind != ERR_NONE)
		log_event(LOG_WARN, "expression-error", "workflow=%.*s instance=%.*s event=%.*s text=\"opens: %s\"", STR_ARG(snapshot->definition->name),
		          STR_ARG(snapshot->reference), STR_ARG(event->name), err.text);
	return opens_at;
}

int64_t engine_link_end(const struct engine *e, const struct link *link, const struct event_rule *own, int64_t opens_at) {
	if (link->expires_at == 0 || opens_at == INT64_MAX || span_is_zero(own->expires))
		return link->expires_at;
	int64_t end = civil_add(site_zone(e->site), site_calendar(e->site), opens_at, own->expires);
	return end > link->expires_at ? end : link->expires_at;
}

int64_t engine_opening(const struct engine *e, int64_t now, const struct definition *d, const struct instance *instance, const struct value *values,
                       const struct event_rule *event, struct arena *a) {
	struct snapshot snapshot = {
	        .definition = d,
	        .state = definition_state(d, instance->state),
	        .values = values,
	        .reference = instance->reference,
	        .started_at = instance->started_at,
	        .entered_at = instance->entered_at,
	};
	return engine_opens(e, &snapshot, event, now, a);
}

static int64_t opens(const struct engine *e, int64_t now, const struct link_view *look, const struct event_rule *event, struct arena *a) {
	return engine_opening(e, now, look->definition, &look->instance, look->values, event, a);
}

static bool look_task(struct engine *e, int64_t now, struct link_view *out, struct arena *a) {
	const struct state *state = definition_state(out->definition, out->instance.state);
	out->event = out->own = state_offer(state, out->link.task, out->link.role, STR(""));
	if (!out->event)
		return true;
	out->form = out->event->form;
	out->opens_at = opens(e, now, out, out->event, a);
	out->ends_at = engine_link_end(e, &out->link, out->own, out->opens_at);
	out->expired = out->ends_at != 0 && out->ends_at <= now;
	out->open = out->link.state == LINK_LIVE && !out->expired && out->opens_at <= now;
	return true;
}

const struct participation *engine_look_part(const struct link_view *look) {
	for (size_t i = 0; i < look->people.count; i++)
		if (look->people.items[i].contact_id == look->link.contact_id && str_equal(look->people.items[i].role, look->link.role))
			return &look->people.items[i];
	return NULL;
}

bool engine_renewable(const struct link_view *look) {
	bool useless = look->link.state == LINK_LIVE ? look->expired : look->link.state != LINK_USED;
	bool possible = look->link.kind == LINK_TASK ? look->own != NULL : look->link.kind == LINK_VIEW;
	return useless && possible && engine_look_part(look);
}

bool engine_look_also(struct engine *e, int64_t now, struct link_view *look, struct str event, struct arena *a) {
	const struct state *state = definition_state(look->definition, look->instance.state);
	const struct event_rule *rule = look->link.state == LINK_LIVE && !look->expired ? state_offer(state, look->link.task, look->link.role, event) : NULL;
	if (!rule)
		return false;
	look->event = rule;
	look->form = rule->form;
	look->opens_at = opens(e, now, look, rule, a);
	look->open = look->opens_at <= now;
	return true;
}

static bool look_view(struct engine *e, struct link_view *out, const struct register_port *port, int64_t now, struct arena *a, struct err *err) {
	out->view = definition_view(out->definition, out->link.task);
	if (!out->view)
		return unknown(err);
	struct form_world world = engine_world(e, out->definition, &out->instance, port, now, a);
	struct environment env = form_environment(&world, out->values, a);
	struct err unset;
	bool ready = !out->view->when || expression_holds(out->view->when, &env, a, &unset);
	out->open = ready && out->link.state == LINK_LIVE && !out->expired;
	return true;
}

/* The case that it begins from may have gone on since the link was made. */
static bool take_from(struct engine *e, struct view *v, struct link_view *out, int64_t now, struct arena *a, struct err *err) {
	struct start_look s = {e, v, now, out->definition, out->contact.id, NULL, a};
	struct start_case from;
	bool fits;
	if (!engine_start_case(&s, out->link.from_id, &from, &fits, err))
		return false;
	out->missing = !fits;
	out->open = out->open && fits;
	if (fits)
		start_case_take(out->definition, &from, out->values);
	return true;
}

static bool load_values(struct engine *e, struct view *v, struct link_view *out, int64_t now, struct arena *a, struct err *err) {
	struct register_port port = data_store_port(v);
	out->values = ARENA_ARRAY(a, out->definition->fields.count, struct value);
	if (out->instance.id != 0)
		return data_from_json(out->definition, out->instance.data, &port, a, out->values, err);
	struct form_world world = engine_world(e, out->definition, NULL, &port, now, a);
	if (!form_defaults(&world, a, out->values, err))
		return false;
	if (out->contact.id != 0)
		out->values[out->definition->start.by->contact->slot] = value_string(out->contact.value);
	return !out->definition->start.from || take_from(e, v, out, now, a, err);
}

bool engine_look(struct engine *e, struct view *v, int64_t now, struct str token, struct arena *a, struct link_view *out, struct err *err) {
	*out = (struct link_view){0};
	if (!open_token(e, v, token, a, &out->link, err))
		return false;
	out->package = site_package(e->site, out->link.workflow);
	if (!out->package)
		return unknown(err);
	out->ends_at = out->link.expires_at;
	out->expired = out->ends_at != 0 && out->ends_at <= now;
	if (out->link.contact_id != 0 && !contact_load(v, out->link.contact_id, a, &out->contact, err))
		return false;
	if (out->link.instance_id == 0)
		return look_start(out, err) && load_values(e, v, out, now, a, err);
	if (!instance_load(v, out->link.instance_id, a, &out->instance, err))
		return false;
	out->definition = site_definition(e->site, v, out->instance.definition, err);
	const struct role *role = out->definition ? definition_role(out->definition, out->link.role) : NULL;
	out->grants = role ? role->grants : NULL;
	if (!out->definition || !load_values(e, v, out, now, a, err) || !participation_list(v, out->instance.id, site_day(e->site, now), a, &out->people, err))
		return false;
	if (out->link.kind == LINK_START) {
		out->form = definition_form(out->definition, out->link.task);
		return true;
	}
	/* A role that a register gave ends without a word: by its date, or with other rows. */
	if (out->link.state != LINK_SUPERSEDED && out->grants && !engine_look_part(out))
		out->link.state = LINK_WITHDRAWN;
	struct register_port port = data_store_port(v);
	return out->link.kind == LINK_VIEW ? look_view(e, out, &port, now, a, err) : look_task(e, now, out, a);
}
