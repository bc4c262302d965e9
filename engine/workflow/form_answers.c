/* Names of answers, and the way back: values as the answers that would give them. */
#include "engine/workflow/form.h"
#include "engine/workflow/upload.h"

bool form_belongs(const struct field *field, struct str name) {
	if (str_equal(name, field->name))
		return true;
	bool parts = field->kind == FIELD_MATRIX || field->kind == FIELD_GROUP || field->sensitive;
	return parts && name.len > field->name.len + 1 && str_starts(name, field->name) && name.at[field->name.len] == '.';
}

struct str form_sealed_name(const struct field *field, struct arena *a) {
	return arena_printf(a, "%.*s.sealed", STR_ARG(field->name));
}

struct str form_cleared_name(const struct field *field, struct arena *a) {
	return arena_printf(a, "%.*s.cleared", STR_ARG(field->name));
}

struct str form_item_name(const struct field *group, size_t item, const struct field *member, struct arena *a) {
	return arena_printf(a, "%.*s.%zu.%.*s", STR_ARG(group->name), item, STR_ARG(member->name));
}

/* Digits as they are written here: one way for each number. */
static bool read_item(const struct field *group, struct str text, size_t *item) {
	int64_t number;
	if (text.len == 0 || text.at[0] < '1' || text.at[0] > '9' || !str_to_int(text, &number) || number > 2 * group->many_max)
		return false;
	*item = (size_t)number;
	return true;
}

const struct field *form_item_member(const struct field *group, struct str name, size_t *item) {
	if (group->kind != FIELD_GROUP || !str_equal(str_cut(&name, '.'), group->name) || !read_item(group, str_cut(&name, '.'), item))
		return NULL;
	return field_member(group, name);
}

static struct str answer_text(const struct field *field, const struct value *v, struct arena *a) {
	struct upload upload;
	switch (v->kind) {
	case KIND_RECORD:
		if (upload_is(v)) {
			upload = upload_of(v);
			return upload_text(a, &upload);
		}
		return v->record.members[field->reg->record.key].string;
	case KIND_DATE: {
		int64_t year;
		int month, day;
		civil_split(v->integer, &year, &month, &day);
		return arena_printf(a, "%02d-%02d-%04lld", day, month, (long long)year);
	}
	default:
		return value_text(a, v);
	}
}

static void add(const struct field *field, struct str name, const struct value *value, bool again, struct arena *a, struct answers *out) {
	if (value->kind == KIND_UNSET || (again && field->kind == FIELD_BOOL))
		return;
	if (value->kind == KIND_SEALED) {
		answers_put(out, a, form_sealed_name(field, a), value->string);
	} else if (value->kind == KIND_MAP) {
		for (size_t i = 0; i < value->list.count; i++)
			answers_put(out, a, arena_printf(a, "%.*s.%.*s", STR_ARG(name), STR_ARG(value->list.keys[i])), value_text(a, &value->list.items[i]));
	} else if (field->kind == FIELD_GROUP) {
		for (size_t i = 0; i < value->list.count; i++)
			for (size_t k = 0; k < field->fields.count; k++) {
				const struct field *member = &field->fields.items[k];
				add(member, form_item_name(field, i + 1, member, a), &value->list.items[i].record.members[k], again, a, out);
			}
	} else if (value->kind == KIND_LIST) {
		for (size_t i = 0; i < value->list.count; i++)
			answers_put(out, a, name, answer_text(field, &value->list.items[i], a));
	} else {
		answers_put(out, a, name, answer_text(field, value, a));
	}
}

void form_answers_of(const struct field *field, const struct value *value, struct arena *a, struct answers *out) {
	add(field, field->name, value, false, a, out);
}

void form_answers_again(const struct field *field, const struct value *value, struct arena *a, struct answers *out) {
	add(field, field->name, value, true, a, out);
}
