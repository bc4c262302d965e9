#include "engine/workflow/value.h"

#include "engine/base/escape.h"
#include "engine/workflow/sealed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct value value_bool(bool b) {
	return (struct value){.kind = KIND_BOOL, .boolean = b};
}

struct value value_int(int64_t i) {
	return (struct value){.kind = KIND_INT, .integer = i};
}

struct value value_double(double d) {
	return (struct value){.kind = KIND_DOUBLE, .decimal = d};
}

struct value value_string(struct str s) {
	return (struct value){.kind = KIND_STRING, .string = s};
}

struct value value_date(int64_t day) {
	return (struct value){.kind = KIND_DATE, .integer = day};
}

struct value value_datetime(int64_t local) {
	return (struct value){.kind = KIND_DATETIME, .integer = local};
}

struct value value_instant(int64_t instant) {
	return (struct value){.kind = KIND_INSTANT, .integer = instant};
}

static bool items_equal(const struct type *a, const struct type *b) {
	/* The item type of [] is open: it fits any list. */
	return !a || !b || type_equal(a, b);
}

bool type_equal(const struct type *a, const struct type *b) {
	if (a->kind != b->kind)
		return false;
	if (a->kind == KIND_LIST || a->kind == KIND_MAP)
		return items_equal(a->item, b->item);
	if (a->kind != KIND_RECORD || a->record == b->record)
		return true;
	if (a->record->count != b->record->count || !str_equal(a->record->name, b->record->name))
		return false;
	for (size_t i = 0; i < a->record->count; i++) {
		const struct record_member *x = &a->record->members[i], *y = &b->record->members[i];
		if (!str_equal(x->name, y->name) || !type_equal(&x->type, &y->type))
			return false;
	}
	return true;
}

bool type_join(struct arena *arena, const struct type *a, const struct type *b, struct type *out) {
	if (!type_equal(a, b))
		return false;
	*out = a->item ? *a : *b;
	if (!a->item || !b->item)
		return true;
	struct type *item = ARENA_NEW(arena, struct type);
	out->item = item;
	return type_join(arena, a->item, b->item, item);
}

struct str type_name(struct arena *a, const struct type *t) {
	static const char *const names[] = {"unset", "bool", "int", "double", "string", "date", "datetime", "instant", "duration"};
	switch (t->kind) {
	case KIND_LIST:
	case KIND_MAP: {
		const char *outer = t->kind == KIND_LIST ? "list" : "map";
		struct str inner = t->item ? type_name(a, t->item) : STR("anything");
		return arena_printf(a, "%s of %.*s", outer, STR_ARG(inner));
	}
	case KIND_RECORD:
		return arena_printf(a, "row of %.*s", STR_ARG(t->record->name));
	case KIND_SEALED:
		return STR("sensitive value");
	default:
		return str_from(names[t->kind]);
	}
}

static bool lists_equal(const struct value *a, const struct value *b) {
	if (a->list.count != b->list.count)
		return false;
	for (size_t i = 0; i < a->list.count; i++) {
		/* Maps are equal whatever the order of their keys. */
		const struct value *other = a->kind == KIND_MAP ? value_at(b, a->list.keys[i]) : &b->list.items[i];
		if (!other || !value_equal(&a->list.items[i], other))
			return false;
	}
	return true;
}

static bool records_equal(const struct value *a, const struct value *b) {
	const struct record_type *type = a->record.type;
	if (type->count != b->record.type->count)
		return false;
	if (type->key != SIZE_MAX)
		return value_equal(&a->record.members[type->key], &b->record.members[type->key]);
	for (size_t i = 0; i < type->count; i++)
		if (!value_equal(&a->record.members[i], &b->record.members[i]))
			return false;
	return true;
}

static bool spans_equal(const struct span *a, const struct span *b) {
	return a->months == b->months && a->days == b->days && a->workdays == b->workdays && a->ms == b->ms;
}

bool value_equal(const struct value *a, const struct value *b) {
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case KIND_UNSET: return true;
	case KIND_BOOL: return a->boolean == b->boolean;
	case KIND_DOUBLE: return a->decimal == b->decimal;
	case KIND_STRING:
	case KIND_SEALED: return str_equal(a->string, b->string);
	case KIND_DURATION: return spans_equal(&a->span, &b->span);
	case KIND_LIST:
	case KIND_MAP: return lists_equal(a, b);
	case KIND_RECORD: return records_equal(a, b);
	default: return a->integer == b->integer;
	}
}

bool value_identical(const struct value *a, const struct value *b) {
	bool same = value_equal(a, b), keyed = a->kind == KIND_RECORD && a->record.type->key != SIZE_MAX;
	if (same && a->kind == KIND_DOUBLE)
		return memcmp(&a->decimal, &b->decimal, sizeof a->decimal) == 0;
	if (same && keyed)
		return str_equal(a->record.version, b->record.version);
	for (size_t i = 0; same && a->kind == KIND_RECORD && i < a->record.type->count; i++)
		same = value_identical(&a->record.members[i], &b->record.members[i]);
	for (size_t i = 0; same && (a->kind == KIND_LIST || a->kind == KIND_MAP) && i < a->list.count; i++)
		same = value_identical(&a->list.items[i], &b->list.items[i]);
	return same;
}

const struct value *value_member(const struct value *record, struct str name) {
	for (size_t i = 0; i < record->record.type->count; i++)
		if (str_equal(record->record.type->members[i].name, name))
			return &record->record.members[i];
	return NULL;
}

const struct value *value_at(const struct value *map, struct str key) {
	for (size_t i = 0; i < map->list.count; i++)
		if (str_equal(map->list.keys[i], key))
			return &map->list.items[i];
	return NULL;
}

/* The shortest decimal that reads back as the same double. */
static void write_double(double d, struct buf *out) {
	char text[40];
	if (!isfinite(d)) {
		buf_z(out, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	buf_z(out, text);
	if (!strpbrk(text, ".e"))
		buf_z(out, ".0");
}

static void write_span(struct span s, struct buf *out) {
	const char *between = "";
	struct {
		int64_t count;
		const char *unit;
	} parts[] = {{s.months, " months"}, {s.days, "d"}, {s.workdays, " workdays"}, {s.ms % 1000 ? s.ms : s.ms / 1000, s.ms % 1000 ? "ms" : "s"}};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		bool last_resort = i == 3 && *between == '\0';
		if (parts[i].count == 0 && !last_resort)
			continue;
		buf_printf(out, "%s%lld%s", between, (long long)parts[i].count, parts[i].unit);
		between = " ";
	}
}

/* Text of a scalar that JSON writes in quotes; a double has them when it is no number. */
static void write_text(const struct value *v, struct buf *out) {
	struct arena *a;
	switch (v->kind) {
	case KIND_STRING:
		buf_str(out, v->string);
		return;
	case KIND_DOUBLE:
		write_double(v->decimal, out);
		return;
	case KIND_DURATION:
		write_span(v->span, out);
		return;
	default:
		a = arena_new();
		buf_str(out, v->kind == KIND_DATE       ? civil_format_date(a, v->integer)
		             : v->kind == KIND_DATETIME ? civil_format_datetime(a, v->integer)
		                                        : civil_format_instant(a, v->integer));
		arena_free(a);
	}
}

static void write_record(const struct value *v, struct buf *out) {
	const struct record_type *type = v->record.type;
	buf_char(out, '{');
	if (type->key != SIZE_MAX) {
		buf_z(out, "\"key\":");
		value_to_json(&v->record.members[type->key], out);
		buf_z(out, ",\"version\":");
		escape_json(out, v->record.version);
	}
	for (size_t i = 0; type->key == SIZE_MAX && i < type->count; i++) {
		buf_z(out, i ? "," : "");
		escape_json(out, type->members[i].name);
		buf_char(out, ':');
		value_to_json(&v->record.members[i], out);
	}
	buf_char(out, '}');
}

static void write_items(const struct value *v, struct buf *out) {
	bool map = v->kind == KIND_MAP;
	buf_char(out, map ? '{' : '[');
	/* What does not fit is not walked either: lists may hold the same list many times over. */
	for (size_t i = 0; i < v->list.count && !out->overflow; i++) {
		buf_z(out, i ? "," : "");
		if (map) {
			escape_json(out, v->list.keys[i]);
			buf_char(out, ':');
		}
		value_to_json(&v->list.items[i], out);
	}
	buf_char(out, map ? '}' : ']');
}

void value_to_json(const struct value *v, struct buf *out) {
	struct buf text;
	switch (v->kind) {
	case KIND_UNSET: buf_z(out, "null"); return;
	case KIND_BOOL: buf_z(out, v->boolean ? "true" : "false"); return;
	case KIND_INT: buf_int(out, v->integer); return;
	case KIND_STRING: escape_json(out, v->string); return;
	case KIND_DOUBLE:
		if (!isfinite(v->decimal))
			break;
		write_double(v->decimal, out);
		return;
	case KIND_LIST:
	case KIND_MAP: write_items(v, out); return;
	case KIND_RECORD: write_record(v, out); return;
	case KIND_SEALED:
		buf_z(out, "{\"sealed\":");
		escape_json(out, v->string);
		buf_char(out, '}');
		return;
	default: break;
	}
	buf_init(&text, SIZE_MAX / 2);
	write_text(v, &text);
	escape_json(out, buf_text(&text));
	buf_free(&text);
}

struct str value_text(struct arena *a, const struct value *v) {
	struct buf text;
	if (v->kind == KIND_STRING)
		return arena_str(a, v->string);
	buf_init(&text, SIZE_MAX / 2);
	if (v->kind >= KIND_DOUBLE && v->kind <= KIND_DURATION)
		write_text(v, &text);
	else if (v->kind == KIND_SEALED)
		buf_str(&text, sealed_mask(v->string));
	else
		value_to_json(v, &text);
	struct str out = arena_str(a, buf_text(&text));
	buf_free(&text);
	return out;
}
