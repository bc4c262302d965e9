#include "engine/workflow/definition_checks.h"

/* A start by strangers (on the portal, by mail or by text) is a mail relay for them unless messages go to the starter alone until the starter acted through a
 * link that was sent to the typed address: the sender of a mail is typed, too. Only an event that nobody but a starting role can cause proves that. To the site's own
 * addresses nobody needs to prove anything. */
struct unproven {
	struct checker *c;
	bool *seen;          /* of states */
	const bool *foreign; /* of fields: what strangers may have had a hand in */
};

static bool is_starter(const struct definition *d, const struct role *role) {
	return (d->start.open && role == d->start.by) || (d->start.mail && role == d->start.mail->by) || (d->start.sms && role == d->start.sms->by);
}

static bool confirms(const struct definition *d, const struct event_rule *event) {
	for (size_t i = 0; i < event->by.count; i++)
		if (!is_starter(d, event->by.items[i]))
			return false;
	return event->by.count > 0;
}

static void check_unproven(struct unproven *u, const struct action_list *actions) {
	const struct definition *d = u->c->d;
	for (size_t i = 0; i < actions->count; i++) {
		const struct action *action = &actions->items[i];
		if (action->kind == ACTION_START)
			checker_tell(u->c, false, action->place, "start by strangers: this starts another workflow before an event by '%.*s' has proved the address", STR_ARG(d->start.by->name));
		for (size_t k = 0; action->kind == ACTION_SEND && k < action->to.count; k++)
			if (action->to.items[k]->contact && !is_starter(d, action->to.items[k]) && u->foreign[action->to.items[k]->contact->slot])
				checker_tell(u->c, false, action->place,
				             "start by strangers: '%.*s' would get this message before an event by '%.*s' has proved the address, so strangers could send mail through this site",
				             STR_ARG(action->to.items[k]->name), STR_ARG(d->start.by->name));
	}
}

static void enter_unproven(struct unproven *u, const struct state *state);

static void leave_unproven(struct unproven *u, const struct state *state, const struct transition_list *cases) {
	for (size_t i = 0; i < cases->count; i++) {
		const struct transition *t = &cases->items[i];
		if (t->target)
			check_unproven(u, &state->exit);
		check_unproven(u, &t->actions);
		if (t->target)
			enter_unproven(u, t->target);
	}
}

static void enter_unproven(struct unproven *u, const struct state *state) {
	if (u->seen[state->index])
		return;
	u->seen[state->index] = true;
	check_unproven(u, &state->entry);
	for (size_t i = 0; i < state->on.count; i++)
		if (!confirms(u->c->d, &state->on.items[i]))
			leave_unproven(u, state, &state->on.items[i].cases);
	for (size_t i = 0; i < state->after.count; i++)
		leave_unproven(u, state, &state->after.items[i].cases);
}

/* Whether a value comes from the site alone: from rows of registers, or from nothing that changes. */
static bool is_of_site(const struct definition *d, const struct expression *value) {
	for (size_t slot = 0; slot < definition_slots(d); slot++)
		if (expression_reads(value, slot) && (slot >= d->fields.count || d->fields.items[slot].kind != FIELD_REF))
			return false;
	return true;
}

struct origins {
	const struct definition *d;
	bool *foreign, *given; /* of fields: by people, by anything */
};

static void note_value(struct origins *o, const struct field *field, const struct expression *value) {
	o->given[field->slot] = o->given[field->slot] || value;
	o->foreign[field->slot] = o->foreign[field->slot] || (value && !is_of_site(o->d, value));
}

static void note_set(void *context, const struct flow_point *point, const struct action *action) {
	struct origins *o = context;
	(void)point;
	for (size_t i = 0; action->kind != ACTION_SHARE && i < action->data.count; i++)
		if (action->data.items[i].field)
			note_value(o, action->data.items[i].field, action->data.items[i].value);
}

static void note_form(struct origins *o, const struct form *form) {
	for (size_t p = 0; p < form->pages.count; p++)
		for (size_t i = 0; i < form->pages.items[p].items.count; i++) {
			size_t slot = form->pages.items[p].items.items[i].field->slot;
			o->foreign[slot] = o->given[slot] = true;
		}
}

static struct origins find_origins(struct checker *c) {
	struct origins o = {c->d, ARENA_ARRAY(c->arena, c->d->fields.count + 1, bool), ARENA_ARRAY(c->arena, c->d->fields.count + 1, bool)};
	flow_walk(c->flow, &(struct flow_visitor){.context = &o, .action = note_set});
	for (size_t i = 0; i < c->d->fields.count; i++)
		note_value(&o, &c->d->fields.items[i], c->d->fields.items[i].initial);
	for (size_t i = 0; i < c->d->forms.count; i++)
		note_form(&o, &c->d->forms.items[i]);
	if (c->d->start.who)
		note_form(&o, c->d->start.who);
	for (size_t i = 0; c->d->start.from && i < c->d->start.from->take.count; i++)
		o.foreign[c->d->start.from->take.items[i]->slot] = o.given[c->d->start.from->take.items[i]->slot] = true;
	if (c->d->start.mail)
		note_form(&o, &c->d->start.mail->form);
	if (c->d->start.sms)
		note_form(&o, &c->d->start.sms->form);
	return o;
}

static void check_public(struct checker *c) {
	const struct role *by = c->d->start.by;
	const struct form *form = c->d->start.form;
	const struct form_item *item = form_item_of(form, by->contact);
	if (!item || item->optional || item->when)
		checker_tell(c, false, form->place, "public start: form '%.*s' must ask for '%.*s', the contact of '%.*s'", STR_ARG(form->name), STR_ARG(by->contact->name), STR_ARG(by->name));
	if (by->contact->many)
		checker_tell(c, false, by->contact->place, "public start: '%.*s' must be one contact, not many, since whoever acts proves only one of them", STR_ARG(by->contact->name));
	for (size_t i = 0; i < c->d->roles.count; i++) {
		const struct role *role = &c->d->roles.items[i];
		if (role->contact && role->contact != by->contact && is_starter(c->d, role) && form_item_of(form, role->contact))
			checker_tell(c, false, form->place, "public start: form '%.*s' must not ask for '%.*s', where a message goes that starts it: it would be reached unproved", STR_ARG(form->name),
			             STR_ARG(role->contact->name));
	}
}

static void check_contacts(struct checker *c, const struct origins *origins) {
	for (size_t i = 0; i < c->d->roles.count; i++) {
		const struct role *role = &c->d->roles.items[i];
		if (role->contact && !origins->given[role->contact->slot])
			checker_tell(c, true, role->place, "role '%.*s' has no contact: no form asks for '%.*s' and nothing sets it", STR_ARG(role->name), STR_ARG(role->contact->name));
	}
}

void check_start(struct checker *c) {
	const struct definition *d = c->d;
	struct origins origins = find_origins(c);
	struct unproven unproven = {c, ARENA_ARRAY(c->arena, d->states.count, bool), origins.foreign};
	if (d->start.open)
		check_public(c);
	if (d->start.open || d->start.mail || d->start.sms)
		enter_unproven(&unproven, d->initial);
	check_contacts(c, &origins);
}
