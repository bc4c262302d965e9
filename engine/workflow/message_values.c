#include "engine/workflow/message_values.h"

static struct template_value text_value(struct str text) {
	return (struct template_value){.kind = text.len > 0 ? TV_TEXT : TV_NONE, .text = text};
}

static struct str shown(const struct message_values *m, const struct field *field, const struct value *value, struct arena *a) {
	return texts_value(m->texts, m->definition, m->language, site_zone(m->site), field, value, m->registers, a);
}

/* field: of the row that the column belongs to. */
static struct template_value column_value(const struct message_values *m, const struct field *field, const struct value *value, struct arena *a) {
	struct template_value column = text_value(shown(m, field, value, a));
	if (value->kind == KIND_BOOL)
		column.kind = value->boolean ? TV_TRUE : TV_FALSE;
	return column;
}

/* Members of an item of a repeated section. */
struct members {
	struct template_member *items;
	size_t count, cap;
};

static void add_member(struct members *members, struct str name, struct template_value value, struct arena *a) {
	struct template_value *kept = ARENA_NEW(a, struct template_value);
	*kept = value;
	*(struct template_member *)ARENA_PUSH(a, members) = (struct template_member){name, kept};
}

static void add_columns(const struct message_values *m, struct members *members, const struct field *field, const struct value *row, struct arena *a) {
	for (size_t i = 0; row->kind == KIND_RECORD && i < row->record.type->count; i++)
		add_member(members, row->record.type->members[i].name, column_value(m, field, &row->record.members[i], a), a);
}

static struct template_value with_members(struct template_value item, const struct members *members) {
	item.members = members->items;
	item.member_count = members->count;
	return item;
}

static struct template_value list_value(const struct message_values *m, const struct field *field, const struct value *list, struct arena *a) {
	struct template_value *items = ARENA_ARRAY(a, list->list.count, struct template_value);
	struct field one = *field;
	one.many = false;
	if (field->type.item)
		one.type = *field->type.item;
	for (size_t i = 0; i < list->list.count; i++) {
		struct members members = {0};
		struct template_value item = text_value(shown(m, &one, &list->list.items[i], a));
		add_member(&members, STR("label"), item, a);
		add_member(&members, STR("value"), item, a);
		add_columns(m, &members, &one, &list->list.items[i], a);
		items[i] = with_members(item, &members);
	}
	return (struct template_value){.kind = TV_LIST, .text = shown(m, field, list, a), .count = list->list.count, .items = items};
}

/* The row as it is valid now; a row that is gone is told by its key. */
static struct value matrix_row(const struct message_values *m, const struct field *field, struct str key, struct arena *a) {
	struct value row;
	struct err ignored;
	return m->registers->row(m->registers->context, field->reg, key, 0, a, &row, &ignored) ? row : VALUE_UNSET;
}

static struct str level_text(const struct message_values *m, const struct field *field, const struct value *level, struct arena *a) {
	struct str number = arena_printf(a, "%lld", (long long)level->integer);
	struct str word = texts_at(m->texts, language_code(m->language), STR("fields"), field->words, STR("scale"), number);
	return word.len > 0 ? word : number;
}

static struct template_value matrix_item(const struct message_values *m, const struct field *field, struct str key, const struct value *level,
                                         struct arena *a) {
	struct members members = {0};
	struct value row = matrix_row(m, field, key, a);
	struct str label = row.kind == KIND_RECORD ? shown(m, field, &row, a) : key, word = level_text(m, field, level, a);
	add_member(&members, STR("label"), text_value(label), a);
	add_member(&members, STR("value"), text_value(word), a);
	add_member(&members, STR("level"), text_value(arena_printf(a, "%lld", (long long)level->integer)), a);
	add_member(&members, STR("key"), text_value(key), a);
	add_columns(m, &members, field, &row, a);
	return with_members(text_value(arena_printf(a, "%.*s: %.*s", STR_ARG(label), STR_ARG(word))), &members);
}

static struct template_value matrix_value(const struct message_values *m, const struct field *field, const struct value *map, struct arena *a) {
	struct template_value *items = ARENA_ARRAY(a, map->list.count, struct template_value);
	for (size_t i = 0; i < map->list.count; i++)
		items[i] = matrix_item(m, field, map->list.keys[i], &map->list.items[i], a);
	return (struct template_value){.kind = TV_LIST, .text = shown(m, field, map, a), .count = map->list.count, .items = items};
}

/* column: behind the point of {{field.column}}. */
static struct template_value ref_column(const struct message_values *m, const struct field *field, const struct value *record, struct str column, struct arena *a) {
	const struct record_type *type = record->record.type;
	const struct value *member = value_member(record, column);
	if (!member && str_is(column, "key") && type->key != SIZE_MAX)
		member = &record->record.members[type->key];
	return member ? column_value(m, field, member, a) : (struct template_value){0};
}

static struct template_value field_value(const struct message_values *m, const struct field *field, struct str column, struct arena *a) {
	const struct value *value = &m->fields[field->slot];
	if (column.len > 0)
		return value->kind == KIND_RECORD ? ref_column(m, field, value, column, a) : (struct template_value){0};
	switch (value->kind) {
	case KIND_UNSET: return (struct template_value){0};
	case KIND_LIST:
		if (field->kind == FIELD_GROUP)
			return texts_items(m->texts, m->definition, m->language, site_zone(m->site), field, value, m->registers, a);
		return list_value(m, field, value, a);
	case KIND_MAP: return matrix_value(m, field, value, a);
	case KIND_BOOL: return (struct template_value){.kind = value->boolean ? TV_TRUE : TV_FALSE, .text = shown(m, field, value, a)};
	default: return text_value(shown(m, field, value, a));
	}
}

static struct template_value link_value(const struct message_values *m) {
	return (struct template_value){.kind = m->url.len > 0 ? TV_URL : TV_NONE, .text = m->url};
}

static struct template_value expiry_value(const struct message_values *m, struct arena *a) {
	if (m->link_expires_at == 0)
		return (struct template_value){0};
	return text_value(language_datetime(m->language, a, zone_local(site_zone(m->site), m->link_expires_at)));
}

static struct template_value word_value(const struct message_values *m, struct str family, struct str name) {
	struct str none = {0};
	return text_value(texts_at(m->texts, language_code(m->language), family, name, none, none));
}

/* The names that every message has come before fields of the same name, as the checker takes them. */
struct template_value message_value(void *context, struct str name, struct arena *a) {
	const struct message_values *m = context;
	struct str column = name, head = str_cut(&column, '.');
	if (str_is(name, "link"))
		return link_value(m);
	if (str_is(name, "link_expires"))
		return expiry_value(m, a);
	if (str_is(name, "role"))
		return word_value(m, STR("roles"), m->role);
	if (str_is(name, "recipient"))
		return text_value(m->recipient);
	if (str_is(name, "reference"))
		return text_value(m->instance->reference);
	if (str_is(name, "state"))
		return word_value(m, STR("states"), m->instance->state);
	if (str_is(name, "site"))
		return text_value(site_config(m->site)->name);
	const struct field *field = definition_field(m->definition, head);
	return field ? field_value(m, field, column, a) : (struct template_value){0};
}
