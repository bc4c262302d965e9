/* What overviews find an instance by, written with each of its transitions. */
#include "engine/base/fold.h"
#include "engine/store/listings.h"
#include "engine/workflow/engine_run.h"
#include "engine/workflow/upload.h"

#include <string.h>

enum { SEARCH_TEXT = 64 << 10, FIELDS_TEXT = 16 << 10 };
static const int64_t look_ahead_ms = 200 * 366 * CIVIL_DAY_MS;

static void add_searched(struct run *r, const struct field *field, const struct value *value, struct buf *text) {
	if (field->kind == FIELD_GROUP && value->kind == KIND_LIST) {
		for (size_t i = 0; i < value->list.count * field->fields.count; i++) {
			const struct value *item = &value->list.items[i / field->fields.count];
			add_searched(r, &field->fields.items[i % field->fields.count], &item->record.members[i % field->fields.count], text);
		}
		return;
	}
	buf_char(text, ' ');
	bool file = upload_is(value);
	if (value->kind == KIND_RECORD && !file)
		value = &value->record.members[field->reg->label];
	if (file)
		fold_text(text, upload_of(value).name);
	else if (value->kind == KIND_DATE)
		fold_date(text, value->integer);
	else if (value->kind == KIND_DATETIME)
		fold_date(text, civil_day_of(value->integer));
	else if (value->kind != KIND_UNSET)
		fold_text(text, value_text(r->a, value));
}

/* Each list by itself: what one list searches is nothing that the readers of another may find out. */
static struct str search_text(struct run *r, const struct loaded *l, const struct value *values) {
	struct buf all, text;
	buf_init(&all, (l->definition->views.count + 1) * SEARCH_TEXT);
	buf_init(&text, SEARCH_TEXT - 100);
	for (size_t v = 0; v < l->definition->views.count; v++) {
		const struct view_rule *view = &l->definition->views.items[v];
		if (view->search.count == 0)
			continue;
		buf_clear(&text);
		fold_text(&text, l->instance.reference);
		for (size_t i = 0; i < view->search.count; i++)
			add_searched(r, view->search.items[i], &values[view->search.items[i]->slot], &text);
		listing_field(&all, view->name, buf_text(&text));
	}
	struct str out = arena_str(r->a, buf_text(&all));
	buf_free(&all);
	buf_free(&text);
	return out;
}

static void add_field(struct run *r, const struct field *field, const struct value *value, struct buf *fields) {
	if (value->kind == KIND_LIST) {
		for (size_t i = 0; i < value->list.count; i++)
			add_field(r, field, &value->list.items[i], fields);
		return;
	}
	if (value->kind == KIND_RECORD)
		value = &value->record.members[value->record.type->key];
	if (value->kind != KIND_UNSET)
		listing_field(fields, field->name, value_text(r->a, value));
}

/* All fields that rows may be chosen or sorted by, so that a view may begin to do so later. */
static struct str fields_text(struct run *r, const struct definition *d, const struct value *values) {
	struct buf fields;
	buf_init(&fields, FIELDS_TEXT);
	for (size_t i = 0; i < d->fields.count; i++) {
		enum field_kind kind = d->fields.items[i].kind;
		if (kind == FIELD_CHOICE || kind == FIELD_REF || kind == FIELD_BOOL || kind == FIELD_DATE || kind == FIELD_DATETIME)
			add_field(r, &d->fields.items[i], &values[i], &fields);
	}
	struct str out = arena_str(r->a, buf_text(&fields));
	buf_free(&fields);
	return out;
}

struct clocked {
	struct run *r;
	const struct view_rule *view;
	struct environment env;
	struct value *now, *today; /* of env */
};

static bool is_overdue_at(const struct clocked *c, int64_t at) {
	struct err unset;
	*c->now = value_instant(at);
	*c->today = value_date(civil_day_of(zone_local(site_zone(c->r->engine->site), at)));
	return expression_holds(c->view->overdue, &c->env, c->r->a, &unset);
}

/* The first instant at which it is: the checker has seen to it that there is one at most. */
static int64_t overdue_at(const struct clocked *c) {
	int64_t not_yet = c->r->now, then = not_yet + look_ahead_ms;
	if (is_overdue_at(c, not_yet))
		return not_yet;
	if (!is_overdue_at(c, then))
		return INT64_MAX;
	while (then - not_yet > 1) {
		int64_t middle = not_yet + (then - not_yet) / 2;
		if (is_overdue_at(c, middle))
			then = middle;
		else
			not_yet = middle;
	}
	return then;
}

static bool write_overdue(struct run *r, struct loaded *l, const struct value *values, struct err *err) {
	struct form_world world = run_form_world(r, l);
	for (size_t i = 0; i < l->definition->views.count; i++) {
		const struct view_rule *view = &l->definition->views.items[i];
		if (!view->overdue)
			continue;
		size_t fields = l->definition->fields.count;
		struct environment env = form_environment(&world, values, r->a);
		struct value *slots = (struct value *)env.slots;
		struct clocked c = {r, view, env, &slots[fields + SLOT_NOW], &slots[fields + SLOT_TODAY]};
		if (!listing_overdue(r->tx, l->instance.id, view->name, overdue_at(&c), err))
			return false;
	}
	return true;
}

bool run_listing(struct run *r, struct loaded *l, const struct value *values, struct err *err) {
	struct listing listing = {
	        .instance_id = l->instance.id,
	        .workflow = l->instance.workflow,
	        .state = l->instance.state,
	        .started_at = l->instance.started_at,
	        .changed_at = l->instance.changed_at,
	        .fields = fields_text(r, l->definition, values),
	        .search_text = search_text(r, l, values),
	};
	return listing_put(r->tx, &listing, err) && write_overdue(r, l, values, err);
}
