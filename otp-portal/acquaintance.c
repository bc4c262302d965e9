#include "otp-portal/acquaintance.h"

static void see_form(struct acquaintance *k, const struct form *form) {
	for (size_t p = 0; form && p < form->pages.count; p++) {
		for (size_t i = 0; i < form->pages.items[p].items.count; i++)
			k->seen[form->pages.items[p].items.items[i].field->slot] = true;
		for (size_t i = 0; i < form->pages.items[p].show.count; i++)
			k->seen[form->pages.items[p].show.items[i]->slot] = true;
	}
}

static void see_columns(struct acquaintance *k, const struct view_rule *view) {
	for (size_t i = 0; i < view->columns.count; i++) {
		const struct field *field = definition_field(k->prose->definition, view->columns.items[i]);
		if (field)
			k->seen[field->slot] = true;
	}
}

static void see_head(struct acquaintance *k, const struct view_rule *view) {
	for (size_t i = 0; i < view->head.count; i++)
		k->seen[view->head.items[i]->slot] = true;
}

static void see_as(struct acquaintance *k, struct str role) {
	const struct definition *d = k->prose->definition;
	const struct start_way *ways[] = {d->start.mail, d->start.sms};
	if (str_equal(d->start.by->name, role))
		see_form(k, d->start.form);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (ways[i] && str_equal(ways[i]->by->name, role))
			see_form(k, &ways[i]->form);
	for (size_t s = 0; s < d->states.count; s++)
		for (size_t e = 0; e < d->states.items[s].on.count; e++)
			if (event_allows(&d->states.items[s].on.items[e], role))
				see_form(k, d->states.items[s].on.items[e].form);
	for (size_t i = 0; i < d->views.count; i++)
		if (d->views.items[i].kind == VIEW_LIST && view_rule_is_for(&d->views.items[i], role))
			see_columns(k, &d->views.items[i]);
}

bool acquaintance_read(const struct prose *p, struct view *v, const struct view_rule *rule, int64_t contact_id, bool ready, struct acquaintance *k, struct err *err) {
	*k = (struct acquaintance){.prose = p, .contact_id = contact_id, .seen = ARENA_ARRAY(p->r->arena, p->definition->fields.count + 1, bool)};
	if (!participation_list(v, p->instance->id, prose_day(p), p->r->arena, &k->people, err))
		return false;
	for (size_t i = 0; i < k->people.count; i++)
		if (k->people.items[i].contact_id == contact_id && view_rule_is_for(rule, k->people.items[i].role))
			see_as(k, k->people.items[i].role);
	if (ready)
		see_columns(k, rule);
	see_head(k, rule);
	return true;
}

struct str acquaintance_who(const struct acquaintance *k, struct str role_name, int64_t contact_id, struct str name, struct str address) {
	const struct role *role = definition_role(k->prose->definition, role_name);
	struct str label = prose_get(k->prose, "roles", role_name, NULL, (struct str){0}), known = STR("");
	if (contact_id != 0 && contact_id == k->contact_id)
		known = language_word(k->prose->r->language, "timeline.you");
	else if (role && role->person && k->seen[role->person->slot] && name.len > 0)
		known = name;
	else if (role && role->contact && k->seen[role->contact->slot])
		known = address;
	if (label.len == 0)
		label = role_name;
	return known.len > 0 ? arena_printf(k->prose->r->arena, "%.*s (%.*s)", STR_ARG(label), STR_ARG(known)) : label;
}
