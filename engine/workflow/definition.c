#include "engine/workflow/definition.h"

#include "engine/store/people.h"
#include "engine/workflow/definition_reader.h"

const char *field_kind_name(enum field_kind kind) {
	return shape_field_types[kind];
}

const void *named_find(struct named list, struct str name) {
	for (size_t i = 0; i < list.count; i++) {
		const char *item = (const char *)list.items + i * list.size;
		if (str_equal(*(const struct str *)(const void *)item, name))
			return item;
	}
	return NULL;
}

const struct field *definition_field(const struct definition *d, struct str name) {
	return named_find(NAMED("field", d->fields), name);
}

const struct field *field_member(const struct field *group, struct str name) {
	return named_find(NAMED("field", group->fields), name);
}

const struct role *definition_role(const struct definition *d, struct str name) {
	return named_find(NAMED("role", d->roles), name);
}

const struct form *definition_form(const struct definition *d, struct str name) {
	return named_find(NAMED("form", d->forms), name);
}

const struct state *definition_state(const struct definition *d, struct str name) {
	return named_find(NAMED("state", d->states), name);
}

const struct view_rule *definition_view(const struct definition *d, struct str name) {
	return named_find(NAMED("view", d->views), name);
}

const struct catalogue *definition_catalogue(const struct definition *d, struct str name) {
	return named_find(NAMED("catalogue", d->catalogues), name);
}

const struct register_type *definition_register(const struct definition *d, struct str name) {
	return named_find(NAMED("register", d->registers), name);
}

size_t definition_group_slot(const struct definition *d, size_t index) {
	return d->fields.count + SLOT_EXTRA_COUNT + index;
}

size_t definition_slots(const struct definition *d) {
	return definition_group_slot(d, d->groups.count);
}

bool definition_reads_rows(const struct definition *d, const struct expression *e) {
	for (size_t i = 0; i < d->registers.count; i++)
		if (expression_reads(e, definition_slots(d) + i))
			return true;
	return false;
}

const struct start_way *definition_way(const struct definition *d, int channel) {
	return channel == CHANNEL_MAIL ? d->start.mail : channel == CHANNEL_SMS ? d->start.sms : NULL;
}

const struct form_item *form_item_of(const struct form *form, const struct field *field) {
	for (size_t p = 0; p < form->pages.count; p++)
		for (size_t i = 0; i < form->pages.items[p].items.count; i++)
			if (form->pages.items[p].items.items[i].field == field)
				return &form->pages.items[p].items.items[i];
	return NULL;
}

const struct form_item *form_ranking(const struct form *form) {
	const struct form_item *item = form->pages.count == 1 && form->pages.items[0].items.count == 1 ? &form->pages.items[0].items.items[0] : NULL;
	return item && item->catalogue && item->field->many ? item : NULL;
}

const struct event_rule *state_event(const struct state *s, struct str name) {
	return named_find(NAMED("event", s->on), name);
}

const struct timer_rule *state_timer(const struct state *s, struct str name) {
	return named_find(NAMED("timer", s->after), name);
}

const struct event_rule *definition_event(const struct definition *d, struct str name) {
	for (size_t i = 0; i < d->states.count; i++) {
		const struct event_rule *event = state_event(&d->states.items[i], name);
		if (event)
			return event;
	}
	return NULL;
}

bool event_is_signal(const struct event_rule *event) {
	return event->by.count == 0 && !event->bounced && !event->unreachable && !event->replied && !event->shared && !event->exhausted;
}

#define SHARED "shared "
#define EXHAUSTED "exhausted "

struct str watch_shared(struct arena *a, const struct group_rule *group) {
	return arena_printf(a, SHARED "%.*s", STR_ARG(group->name));
}

struct str watch_exhausted(struct arena *a, const struct event_rule *event) {
	return arena_printf(a, EXHAUSTED "%.*s %.*s", STR_ARG(event->exhausted->name), STR_ARG(event->pool->name));
}

bool watch_is(struct str mark) {
	return str_starts(mark, STR(SHARED)) || str_starts(mark, STR(EXHAUSTED));
}

bool event_exhausts(const struct event_rule *event, struct str field, struct str pool) {
	return event->exhausted && str_equal(event->exhausted->name, field) && str_equal(event->pool->name, pool);
}

const struct event_rule *state_watch(const struct state *s, struct str mark) {
	struct str pool = mark, kind = str_cut(&pool, ' '), name = str_cut(&pool, ' ');
	for (size_t i = 0; i < s->on.count; i++) {
		const struct event_rule *event = &s->on.items[i];
		bool shared = event->shared && str_equal(event->shared->name, name);
		if (kind.len + 1 == STR(SHARED).len ? shared : event_exhausts(event, name, pool))
			return event;
	}
	return NULL;
}

bool event_allows(const struct event_rule *event, struct str role) {
	for (size_t i = 0; i < event->by.count; i++)
		if (str_equal(event->by.items[i]->name, role))
			return true;
	return false;
}

const struct event_rule *state_offer(const struct state *s, struct str task, struct str role, struct str event) {
	const struct event_rule *own = s ? state_event(s, task) : NULL;
	if (!own || !own->form || !event_allows(own, role))
		return NULL;
	if (event.len == 0 || str_equal(event, task))
		return own;
	for (size_t i = 0; i < own->also.count; i++)
		if (str_equal(own->also.items[i], event))
			return state_event(s, event);
	return NULL;
}

const struct event_rule *view_act(const struct view_rule *view, const struct state *s, struct str role, struct str event) {
	const struct event_rule *rule = s && view_rule_is_for(view, role) ? state_event(s, event) : NULL;
	for (size_t i = 0; rule && i < view->acts.count; i++)
		if (str_equal(view->acts.items[i], event))
			return event_allows(rule, role) ? rule : NULL;
	return NULL;
}

#define DELIVERY "delivery:"

struct str view_delivery_column(struct arena *a, struct str role) {
	return arena_printf(a, DELIVERY "%.*s", STR_ARG(role));
}

bool view_column_delivery(struct str column, struct str *role) {
	struct str mark = STR(DELIVERY);
	if (!str_starts(column, mark))
		return false;
	*role = (struct str){column.at + mark.len, column.len - mark.len};
	return true;
}

bool field_prefills(const struct field *field) {
	return !field->sensitive && ((field->kind <= FIELD_REF && field->kind != FIELD_BOOL) || field->kind == FIELD_GROUP);
}

bool field_alike(const struct field *a, const struct field *b) {
	bool alike = a->kind == b->kind && a->sensitive == b->sensitive && a->many == b->many && a->fields.count == b->fields.count;
	for (size_t i = 0; alike && i < a->fields.count; i++)
		alike = str_equal(a->fields.items[i].name, b->fields.items[i].name) && a->fields.items[i].kind == b->fields.items[i].kind;
	return alike;
}

bool span_is_zero(struct span s) {
	return s.months == 0 && s.days == 0 && s.workdays == 0 && s.ms == 0;
}

void definition_free(struct definition *d) {
	if (d)
		arena_free(d->arena);
}

bool view_rule_is_for(const struct view_rule *view, struct str role) {
	for (size_t i = 0; i < view->roles.count; i++)
		if (str_equal(view->roles.items[i]->name, role))
			return true;
	return false;
}
