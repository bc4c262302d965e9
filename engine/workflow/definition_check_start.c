#include "engine/workflow/definition_checks.h"

/* A public start is a mail relay for strangers unless messages go to the starter alone until the starter acted through a link that was
 * sent to the typed address. Only an event that nobody but the starting role can cause proves that. */
static bool confirms(const struct checker *c, const struct event_rule *event) {
	return event && event->by.count == 1 && event->by.items[0] == c->d->start.by;
}

static void check_unproven(struct checker *c, const struct action_list *actions) {
	for (size_t i = 0; i < actions->count; i++) {
		const struct action *action = &actions->items[i];
		if (action->kind == ACTION_START)
			checker_tell(c, false, action->place, "public start: this starts another workflow before an event by '%.*s' has proved the address", STR_ARG(c->d->start.by->name));
		for (size_t k = 0; k < action->to.count; k++)
			if (action->to.items[k] != c->d->start.by)
				checker_tell(c, false, action->place, "public start: '%.*s' would get this message before an event by '%.*s' has proved the address, so strangers could send mail through this site",
				             STR_ARG(action->to.items[k]->name), STR_ARG(c->d->start.by->name));
	}
}

static void enter_unproven(struct checker *c, const struct state *state, bool *seen);

static void leave_unproven(struct checker *c, const struct state *state, const struct transition_list *cases, bool *seen) {
	for (size_t i = 0; i < cases->count; i++) {
		const struct transition *t = &cases->items[i];
		if (t->target)
			check_unproven(c, &state->exit);
		check_unproven(c, &t->actions);
		if (t->target)
			enter_unproven(c, t->target, seen);
	}
}

static void enter_unproven(struct checker *c, const struct state *state, bool *seen) {
	if (seen[state->index])
		return;
	seen[state->index] = true;
	check_unproven(c, &state->entry);
	for (size_t i = 0; i < state->on.count; i++)
		if (!confirms(c, &state->on.items[i]))
			leave_unproven(c, state, &state->on.items[i].cases, seen);
	for (size_t i = 0; i < state->after.count; i++)
		leave_unproven(c, state, &state->after.items[i].cases, seen);
}

static const struct form_item *asks(const struct form *form, const struct field *field) {
	for (size_t p = 0; p < form->pages.count; p++)
		for (size_t i = 0; i < form->pages.items[p].items.count; i++)
			if (form->pages.items[p].items.items[i].field == field)
				return &form->pages.items[p].items.items[i];
	return NULL;
}

static void check_public(struct checker *c) {
	const struct role *by = c->d->start.by;
	const struct form_item *item = asks(c->d->start.form, by->contact);
	if (!item || item->optional || item->when)
		checker_tell(c, false, c->d->start.form->place, "public start: form '%.*s' must ask for '%.*s', the contact of '%.*s'", STR_ARG(c->d->start.form->name), STR_ARG(by->contact->name), STR_ARG(by->name));
	if (by->contact->many)
		checker_tell(c, false, by->contact->place, "public start: '%.*s' must be one contact, not many, since whoever acts proves only one of them", STR_ARG(by->contact->name));
	enter_unproven(c, c->d->initial, ARENA_ARRAY(c->arena, c->d->states.count, bool));
}

static void mark_set(void *context, const struct flow_point *point, const struct action *action) {
	bool *set = context;
	(void)point;
	for (size_t i = 0; i < action->data.count; i++)
		if (action->data.items[i].field && action->data.items[i].value)
			set[action->data.items[i].field->slot] = true;
}

static void check_contacts(struct checker *c) {
	bool *set = ARENA_ARRAY(c->arena, c->d->fields.count, bool);
	flow_walk(c->flow, &(struct flow_visitor){.context = set, .action = mark_set});
	for (size_t i = 0; i < c->d->roles.count; i++) {
		const struct role *role = &c->d->roles.items[i];
		bool found = set[role->contact->slot] || role->contact->initial || (c->d->start.who && role == c->d->start.by);
		for (size_t k = 0; k < c->d->forms.count; k++)
			found = found || asks(&c->d->forms.items[k], role->contact);
		if (!found)
			checker_tell(c, true, role->place, "role '%.*s' has no contact: no form asks for '%.*s' and nothing sets it", STR_ARG(role->name), STR_ARG(role->contact->name));
	}
}

void check_start(struct checker *c) {
	if (c->d->start.open)
		check_public(c);
	check_contacts(c);
}
