#include "otp-portal/group.h"

#include "engine/base/escape.h"
#include "otp-portal/page.h"

#include <string.h>

bool group_open(struct field_view *v, const struct value *values, struct err *err) {
	struct arena *a = v->filling->prose.r->arena;
	const struct field *group = v->item->field;
	struct field_view *members = ARENA_ARRAY(a, group->fields.count, struct field_view);
	for (size_t i = 0; i < group->fields.count; i++) {
		struct form_item *item = ARENA_NEW(a, struct form_item);
		*item = (struct form_item){.field = &group->fields.items[i], .optional = group->fields.items[i].optional};
		members[i] = (struct field_view){.filling = v->filling, .item = item, .shown = v->shown, .problems = v->problems, .out = v->out};
		if (!field_open(&members[i], values, err))
			return false;
	}
	v->members = members;
	return true;
}

/* An id has no dots. */
static struct str id_of(struct arena *a, struct str name) {
	char *id = arena_alloc(a, name.len + 1);
	for (size_t i = 0; i < name.len; i++)
		id[i] = name.at[i] == '.' ? '-' : name.at[i];
	return (struct str){id, name.len};
}

/* The field with its name and id in that item. */
static struct field_view in_item(const struct field_view *v, size_t item, size_t index) {
	struct arena *a = v->filling->prose.r->arena;
	struct field_view member = v->members[index];
	struct form_item *own = ARENA_NEW(a, struct form_item);
	struct field *field = ARENA_NEW(a, struct field);
	*field = *member.item->field;
	field->name = form_item_name(v->item->field, item, field, a);
	*own = *member.item;
	own->field = field;
	member.item = own;
	member.id = id_of(a, field->name);
	return member;
}

size_t group_given(const struct field_view *v) {
	size_t most = 0, item;
	for (size_t i = 0; i < v->shown->count; i++)
		if (form_item_member(v->item->field, v->shown->items[i].name, &item) && item > most)
			most = item;
	return most;
}

struct str group_label(const struct field_view *v) {
	return prose_item(&v->filling->prose, v->item->field);
}

void group_write(const struct field_view *v, size_t item, bool focus) {
	struct buf *b = &v->out->body;
	buf_z(b, "<legend>");
	escape_html(b, group_label(v));
	buf_printf(b, " %zu</legend>\n", item);
	for (size_t i = 0; i < v->item->field->fields.count; i++) {
		struct field_view member = in_item(v, item, i);
		member.focus = focus && i == 0;
		field_write(&member);
	}
}

bool group_find(const struct field_view *v, struct str name, struct field_view *member) {
	const struct field *group = v->item->field;
	size_t item = 1;
	if (group->kind != FIELD_GROUP)
		return false;
	const struct field *field = str_equal(name, group->name) ? &group->fields.items[0] : form_item_member(group, name, &item);
	if (field)
		*member = in_item(v, item, field->slot);
	return field != NULL;
}

struct str group_subject(const struct field_view *v, struct str name, const struct field_view *member) {
	struct arena *a = v->filling->prose.r->arena;
	size_t item = 1;
	(void)form_item_member(v->item->field, name, &item);
	return arena_printf(a, "%.*s %zu, %.*s", STR_ARG(group_label(v)), item, STR_ARG(prose_label(&v->filling->prose, member->item->field->words)));
}
