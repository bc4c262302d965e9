#include "engine/workflow/texts.h"
#include "engine/workflow/upload.h"

enum { MAX_TEXT = 1 << 20, GROUPED_FROM = 10000 };

/* What a value is shown with. */
struct show {
	const struct texts *texts;
	const struct language *language;
	const struct register_port *registers;
	struct arena *a;
};

static struct str of_field(const struct show *s, const struct field *field, const char *what, struct str key) {
	return texts_at(s->texts, language_code(s->language), STR("fields"), field->words, str_from(what), key);
}

/* Years and numbers of rooms are read without a mark for thousands. */
static struct str show_int(const struct show *s, int64_t number) {
	bool grouped = number >= GROUPED_FROM || number <= -GROUPED_FROM;
	return grouped ? language_int(s->language, s->a, number) : arena_printf(s->a, "%lld", (long long)number);
}

static struct str show_scalar(const struct show *s, const struct value *value) {
	switch (value->kind) {
	case KIND_BOOL: return language_word(s->language, value->boolean ? "form.yes" : "form.no");
	case KIND_INT: return show_int(s, value->integer);
	case KIND_DOUBLE: return language_decimal(s->language, s->a, value->decimal);
	case KIND_STRING: return value->string;
	case KIND_DATE: return language_date(s->language, s->a, value->integer);
	case KIND_DATETIME: return language_datetime(s->language, s->a, value->integer);
	case KIND_UNSET: return STR("");
	default: return value_text(s->a, value);
	}
}

/* The column that the texts name as title in this language, else the register's own label, else the key. */
static struct str show_row(const struct show *s, const struct field *field, const struct value *row) {
	/* Of this very language: another one's column is no better than the register's own. */
	struct str column = texts_own(s->texts, language_code(s->language), STR("fields"), field->words, STR("title"));
	const struct record_type *type = row->record.type;
	const struct value *title = column.len > 0 ? value_member(row, column) : NULL;
	if (!title || title->kind == KIND_UNSET)
		title = field->reg->label < type->count ? &row->record.members[field->reg->label] : NULL;
	if (!title || title->kind == KIND_UNSET)
		title = &row->record.members[type->key];
	return show_scalar(s, title);
}

static struct str show_level(const struct show *s, const struct field *field, const struct value *level) {
	struct str number = arena_printf(s->a, "%lld", (long long)level->integer);
	struct str label = of_field(s, field, "scale", number);
	return label.len > 0 ? label : number;
}

/* A row that the register has no more is shown by its key. */
static struct str show_key(const struct show *s, const struct field *field, struct str key) {
	struct value row;
	struct err ignored = {0};
	if (!s->registers || !s->registers->row(s->registers->context, field->reg, key, 0, s->a, &row, &ignored))
		return key;
	return show_row(s, field, &row);
}

static struct str show_matrix(const struct show *s, const struct field *field, const struct value *map) {
	struct buf out;
	buf_init(&out, MAX_TEXT);
	for (size_t i = 0; i < map->list.count; i++) {
		struct str label = show_key(s, field, map->list.keys[i]), level = show_level(s, field, &map->list.items[i]);
		buf_printf(&out, "%s%.*s: %.*s", i ? "\n" : "", STR_ARG(label), STR_ARG(level));
	}
	struct str text = arena_str(s->a, buf_text(&out));
	buf_free(&out);
	return text;
}

struct str texts_size(const struct language *language, int64_t bytes, struct arena *a) {
	if (bytes >= 1024 * 1024) {
		struct str number = language_decimal(language, a, (double)((bytes * 10 + 524288) / 1048576) / 10);
		return arena_printf(a, "%.*s MB", STR_ARG(number));
	}
	return arena_printf(a, "%lld kB", (long long)((bytes + 1023) / 1024));
}

static struct str show_file(const struct show *s, const struct value *v) {
	struct upload upload = upload_of(v);
	struct str size = texts_size(s->language, upload.size, s->a);
	return arena_printf(s->a, "%.*s (%.*s)", STR_ARG(upload.name), STR_ARG(size));
}

static struct str show_one(const struct show *s, const struct field *field, const struct value *value);

/* As in a row of a table. */
static struct str show_part(const struct show *s, const struct field *member, const struct value *value) {
	bool is_short = value->kind == KIND_DATE && str_is(of_field(s, member, "date", STR("")), "short");
	return is_short ? language_date_short(s->language, s->a, value->integer) : show_one(s, member, value);
}

/* One item of a group in a line, without what was not given. */
static struct str show_item(const struct show *s, const struct field *group, const struct value *item) {
	struct buf out;
	buf_init(&out, MAX_TEXT);
	for (size_t i = 0; i < group->fields.count; i++) {
		const struct field *member = &group->fields.items[i];
		struct str name = texts_caption(s->texts, language_code(s->language), member->words), text = show_part(s, member, &item->record.members[i]);
		if (text.len > 0)
			buf_printf(&out, "%s%.*s: %.*s", out.len > 0 ? ", " : "", STR_ARG(name), STR_ARG(text));
	}
	struct str text = arena_str(s->a, buf_text(&out));
	buf_free(&out);
	return text;
}

static struct str show_items(const struct show *s, const struct field *group, const struct value *list) {
	struct buf out;
	buf_init(&out, MAX_TEXT);
	for (size_t i = 0; i < list->list.count; i++) {
		buf_z(&out, i > 0 ? "\n" : "");
		buf_str(&out, show_item(s, group, &list->list.items[i]));
	}
	struct str text = arena_str(s->a, buf_text(&out));
	buf_free(&out);
	return text;
}

static struct str show_one(const struct show *s, const struct field *field, const struct value *value) {
	struct str label = STR("");
	if (upload_is(value))
		return show_file(s, value);
	if (field->kind == FIELD_GROUP && value->kind == KIND_RECORD)
		return show_item(s, field, value);
	if (value->kind == KIND_RECORD)
		return show_row(s, field, value);
	if (value->kind == KIND_MAP)
		return show_matrix(s, field, value);
	if (field->kind == FIELD_CHOICE && value->kind == KIND_STRING)
		label = of_field(s, field, "options", value->string);
	else if (value->kind == KIND_BOOL)
		label = of_field(s, field, "options", value->boolean ? STR("true") : STR("false"));
	return label.len > 0 ? label : show_scalar(s, value);
}

struct str texts_value(const struct texts *t, const struct definition *d, const struct language *language, const struct zone *zone,
                       const struct field *field, const struct value *value, const struct register_port *registers, struct arena *a) {
	struct show s = {t, language, registers, a};
	struct buf out;
	(void)d;
	(void)zone; /* dates and times of fields are wall clock already */
	if (value->kind != KIND_LIST)
		return show_one(&s, field, value);
	if (field->kind == FIELD_GROUP)
		return show_items(&s, field, value);
	buf_init(&out, MAX_TEXT);
	for (size_t i = 0; i < value->list.count; i++) {
		struct str item = show_one(&s, field, &value->list.items[i]);
		if (i > 0 && i + 1 == value->list.count)
			item = language_and(language, a, arena_str(a, buf_text(&out)), item);
		if (i + 1 == value->list.count)
			buf_clear(&out);
		else
			buf_z(&out, i > 0 ? ", " : "");
		buf_str(&out, item);
	}
	struct str text = arena_str(a, buf_text(&out));
	buf_free(&out);
	return text;
}

/* What a placeholder in an item stands for. */
static struct template_value member_value(const struct show *s, const struct field *member, const struct value *value) {
	struct str text = show_one(s, member, value);
	struct template_value out = {.kind = text.len > 0 ? TV_TEXT : TV_NONE, .text = text};
	if (value->kind == KIND_BOOL)
		out.kind = value->boolean ? TV_TRUE : TV_FALSE;
	return out;
}

struct template_value texts_items(const struct texts *t, const struct definition *d, const struct language *language, const struct zone *zone,
                                  const struct field *group, const struct value *list, const struct register_port *registers, struct arena *a) {
	struct show s = {t, language, registers, a};
	size_t count = list->list.count, fields = group->fields.count;
	struct template_value *items = ARENA_ARRAY(a, count, struct template_value), *values = ARENA_ARRAY(a, count * fields, struct template_value);
	struct template_member *members = ARENA_ARRAY(a, count * fields, struct template_member);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < fields; k++) {
			values[i * fields + k] = member_value(&s, &group->fields.items[k], &list->list.items[i].record.members[k]);
			members[i * fields + k] = (struct template_member){group->fields.items[k].name, &values[i * fields + k]};
		}
		items[i] = (struct template_value){.kind = TV_TEXT, .text = show_item(&s, group, &list->list.items[i]), .members = &members[i * fields], .member_count = fields};
	}
	struct str text = texts_value(t, d, language, zone, group, list, registers, a);
	return (struct template_value){.kind = TV_LIST, .text = text, .count = count, .items = items};
}

struct str texts_row(const struct texts *t, const struct language *language, const struct field *field, struct str key, const struct register_port *registers,
                     struct arena *a) {
	struct show s = {t, language, registers, a};
	return show_key(&s, field, key);
}
