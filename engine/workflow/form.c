#include "engine/workflow/form.h"

#include "engine/workflow/form_field.h"

#include <string.h>

struct environment form_environment(const struct form_world *world, const struct value *values, struct arena *a) {
	size_t count = world->definition->fields.count;
	struct value *slots = ARENA_ARRAY(a, count + SLOT_EXTRA_COUNT, struct value);
	if (count > 0)
		memcpy(slots, values, count * sizeof *slots);
	int64_t local = zone_local(world->zone, world->now);
	slots[count + SLOT_NOW] = value_instant(world->now);
	slots[count + SLOT_TODAY] = value_date(civil_day_of(local));
	if (world->state.len > 0)
		slots[count + SLOT_STATE] = value_string(world->state);
	if (world->reference.len > 0)
		slots[count + SLOT_REFERENCE] = value_string(world->reference);
	if (world->started_at > 0)
		slots[count + SLOT_STARTED_AT] = value_instant(world->started_at);
	if (world->entered_at > 0)
		slots[count + SLOT_ENTERED_AT] = value_instant(world->entered_at);
	return (struct environment){slots, count + SLOT_EXTRA_COUNT, world->zone, world->calendar};
}

bool form_asked(const struct form_world *world, const struct form_item *item, const struct value *values, struct arena *a) {
	if (!item->when)
		return true;
	struct environment env = form_environment(world, values, a);
	struct err unset;
	return expression_holds(item->when, &env, a, &unset);
}

bool form_rows(const struct form_world *world, const struct field *field, const struct value *values, struct arena *a,
               const struct value **rows, size_t *count, struct err *err) {
	const struct value *all;
	size_t all_count;
	if (!world->registers->rows(world->registers->context, field->reg, a, &all, &all_count, err))
		return false;
	if (!field->where) {
		*rows = all;
		*count = all_count;
		return true;
	}
	struct environment env = form_environment(world, values, a);
	struct value *row_slot = (struct value *)&env.slots[world->definition->fields.count + SLOT_ROW];
	struct value *kept = ARENA_ARRAY(a, all_count, struct value);
	size_t kept_count = 0;
	for (size_t i = 0; i < all_count; i++) {
		struct err unset;
		*row_slot = all[i];
		if (expression_holds(field->where, &env, a, &unset))
			kept[kept_count++] = all[i];
	}
	*rows = kept;
	*count = kept_count;
	return true;
}

struct gate {
	const struct form_world *world;
	const struct answers *answers;
	struct arena *a;
	struct value *values;
	struct form_problems *problems;
	struct err *err;
};

static void tell(struct gate *g, struct str name, const struct field_refusal *refusal) {
	struct form_problem *p = ARENA_PUSH(g->a, g->problems);
	*p = (struct form_problem){name, refusal->key, {refusal->arg[0], refusal->arg[1]}};
}

static void tell_missing(struct gate *g, struct str name, const struct field *field) {
	const char *key = field->accept ? "field.must-accept" : field->kind == FIELD_CHOICE || field->kind == FIELD_REF || field->kind == FIELD_BOOL ? "field.choose" : "field.missing";
	tell(g, name, &(struct field_refusal){.key = key});
}

/* The offered rows of a ref, found by key. */
static bool take_ref(struct gate *g, const struct field *field, struct str key, struct value *out, bool *found) {
	const struct value *rows;
	size_t count;
	*found = false;
	if (!form_rows(g->world, field, g->values, g->a, &rows, &count, g->err))
		return false;
	for (size_t i = 0; i < count && !*found; i++) {
		const struct value *row_key = &rows[i].record.members[field->reg->record.key];
		if (row_key->kind == KIND_STRING && str_equal(row_key->string, key)) {
			*out = rows[i];
			*found = true;
		}
	}
	return true;
}

/* One typed text as one value; *ok false: refused and told. */
static bool take_one(struct gate *g, const struct field *field, struct str text, struct value *out, bool *ok) {
	struct field_refusal refusal = {0};
	if (field->kind == FIELD_REF) {
		bool found;
		if (!take_ref(g, field, text, out, &found))
			return false;
		*ok = found;
		refusal.key = "field.not-choice";
	} else {
		*ok = field_parse(g->world, field, text, g->values, g->a, out, &refusal);
	}
	if (!*ok)
		tell(g, field->name, &refusal);
	return true;
}

static bool take_matrix(struct gate *g, const struct field *field, bool optional, struct value *out) {
	const struct value *rows;
	size_t count, set = 0;
	if (!form_rows(g->world, field, g->values, g->a, &rows, &count, g->err))
		return false;
	struct value *items = ARENA_ARRAY(g->a, count, struct value);
	struct str *keys = ARENA_ARRAY(g->a, count, struct str);
	for (size_t i = 0; i < count; i++) {
		struct str key = rows[i].record.members[field->reg->record.key].string;
		struct str name = arena_printf(g->a, "%.*s.%.*s", STR_ARG(field->name), STR_ARG(key));
		const struct value *label = &rows[i].record.members[field->reg->label];
		struct str label_text = label->kind == KIND_STRING ? label->string : key;
		const struct answer *answer = answers_get(g->answers, name);
		struct str text = answer && answer->texts.count == 1 ? str_trim(answer->texts.items[0]) : STR("");
		int64_t level;
		if (text.len == 0 && optional)
			continue;
		if (!str_to_int(text, &level) || level < field->scale_min || level > field->scale_max) {
			tell(g, name, &(struct field_refusal){.key = "field.row-missing", .arg = {label_text}});
			continue;
		}
		keys[set] = key;
		items[set++] = value_int(level);
	}
	*out = set == 0 ? VALUE_UNSET : (struct value){.kind = KIND_MAP, .list = {items, keys, set}};
	return true;
}

static bool take_many(struct gate *g, const struct field *field, const struct answer *answer, bool optional, struct value *out) {
	size_t typed = answer ? answer->texts.count : 0, count = 0;
	struct value *items = ARENA_ARRAY(g->a, typed, struct value);
	for (size_t i = 0; i < typed; i++) {
		struct str text = str_trim(answer->texts.items[i]);
		bool ok, twin = false;
		if (text.len == 0)
			continue;
		if (!take_one(g, field, text, &items[count], &ok))
			return false;
		for (size_t k = 0; ok && k < count; k++)
			twin = twin || value_equal(&items[k], &items[count]);
		count += ok && !twin;
	}
	*out = count == 0 ? VALUE_UNSET : (struct value){.kind = KIND_LIST, .list = {items, NULL, count}};
	bool told = g->problems->count > 0 && str_equal(g->problems->items[g->problems->count - 1].name, field->name);
	if (told)
		return true;
	if (count == 0 && !optional)
		tell_missing(g, field->name, field);
	else if (count > 0 && (int64_t)count < field->many_min)
		tell(g, field->name, &(struct field_refusal){"field.too-few", {arena_printf(g->a, "%lld", (long long)field->many_min)}});
	else if ((int64_t)count > field->many_max)
		tell(g, field->name, &(struct field_refusal){"field.too-many", {arena_printf(g->a, "%lld", (long long)field->many_max)}});
	return true;
}

static bool take_single(struct gate *g, const struct field *field, const struct answer *answer, bool optional, struct value *out) {
	struct str text = answer && answer->texts.count > 0 ? answer->texts.items[0] : STR("");
	bool ok;
	*out = VALUE_UNSET;
	if (answer && answer->texts.count > 1) {
		tell(g, field->name, &(struct field_refusal){"field.too-many", {STR("1")}});
		return true;
	}
	if (str_trim(text).len == 0) {
		if (!optional)
			tell_missing(g, field->name, field);
		return true;
	}
	return take_one(g, field, text, out, &ok);
}

static bool take_item(struct gate *g, const struct form_item *item) {
	const struct field *field = item->field;
	struct value value = VALUE_UNSET;
	bool ok = true;
	/* Asked is judged with the values so far, so a field may depend on one above it. */
	if (form_asked(g->world, item, g->values, g->a)) {
		const struct answer *answer = answers_get(g->answers, field->name);
		if (field->kind == FIELD_MATRIX)
			ok = take_matrix(g, field, item->optional, &value);
		else if (field->many)
			ok = take_many(g, field, answer, item->optional, &value);
		else
			ok = take_single(g, field, answer, item->optional, &value);
	}
	g->values[field->slot] = value;
	return ok;
}

bool form_validate(const struct form_world *world, const struct form *form, int page, const struct answers *answers, struct arena *a,
                   struct value *values, struct form_problems *problems, struct err *err) {
	struct gate g = {world, answers, a, values, problems, err};
	for (size_t p = 0; p < form->pages.count; p++) {
		if (page >= 0 && p != (size_t)page)
			continue;
		for (size_t i = 0; i < form->pages.items[p].items.count; i++)
			if (!take_item(&g, &form->pages.items[p].items.items[i]))
				return false;
	}
	return true;
}

static struct str answer_text(const struct field *field, const struct value *v, struct arena *a) {
	switch (v->kind) {
	case KIND_RECORD:
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

void form_answers_of(const struct field *field, const struct value *value, struct arena *a, struct answers *out) {
	if (value->kind == KIND_UNSET)
		return;
	if (value->kind == KIND_MAP) {
		for (size_t i = 0; i < value->list.count; i++)
			answers_put(out, a, arena_printf(a, "%.*s.%.*s", STR_ARG(field->name), STR_ARG(value->list.keys[i])), value_text(a, &value->list.items[i]));
	} else if (value->kind == KIND_LIST) {
		for (size_t i = 0; i < value->list.count; i++)
			answers_put(out, a, field->name, answer_text(field, &value->list.items[i], a));
	} else {
		answers_put(out, a, field->name, answer_text(field, value, a));
	}
}
