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
	return texts_at(s->texts, language_code(s->language), STR("fields"), field->name, str_from(what), key);
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
	bool named = texts_has(s->texts, language_code(s->language), arena_printf(s->a, "fields.%.*s.title", STR_ARG(field->name)).at);
	struct str column = named ? of_field(s, field, "title", STR("")) : STR("");
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

static struct str show_one(const struct show *s, const struct field *field, const struct value *value) {
	struct str label = STR("");
	if (upload_is(value))
		return show_file(s, value);
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

struct str texts_row(const struct texts *t, const struct language *language, const struct field *field, struct str key, const struct register_port *registers,
                     struct arena *a) {
	struct show s = {t, language, registers, a};
	return show_key(&s, field, key);
}
