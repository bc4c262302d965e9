/* stafet eval: an expression over the members of a JSON object. */
#include "cli/command.h"
#include "engine/base/clock.h"

#include <jansson.h>
#include <string.h>

enum { FILE_LIMIT = 4 << 20, MOST_DEPTH = 16 };

/* The one type of both: a member that is null in one is known from the other. */
static bool join_types(struct arena *a, const struct type *x, const struct type *y, struct type *out) {
	if (x->kind != KIND_RECORD || y->kind != KIND_RECORD || x->record->count != y->record->count)
		return type_join(a, x, y, out);
	struct record_type *record = ARENA_NEW(a, struct record_type);
	*record = *x->record;
	record->members = ARENA_ARRAY(a, record->count, struct record_member);
	for (size_t i = 0; i < record->count; i++) {
		const struct record_member *one = &x->record->members[i], *other = &y->record->members[i];
		record->members[i] = one->type.kind == KIND_UNSET ? *other : *one;
		if (!str_equal(one->name, other->name))
			return false;
		if (one->type.kind != KIND_UNSET && other->type.kind != KIND_UNSET && !join_types(a, &one->type, &other->type, &record->members[i].type))
			return false;
	}
	*out = (struct type){.kind = KIND_RECORD, .record = record};
	return true;
}

static struct type type_of(struct arena *a, const struct value *v) {
	struct type type = {.kind = v->kind};
	if (v->kind == KIND_RECORD)
		type.record = v->record.type;
	if ((v->kind == KIND_LIST || v->kind == KIND_MAP) && v->list.count > 0) {
		struct type *item = ARENA_NEW(a, struct type);
		*item = type_of(a, &v->list.items[0]);
		/* The items were read as of one type; what is open in one ([]) is known from another. */
		for (size_t i = 1; i < v->list.count; i++) {
			struct type before = *item, next = type_of(a, &v->list.items[i]);
			join_types(a, &before, &next, item);
		}
		type.item = item;
	}
	return type;
}

static bool to_value(struct arena *a, json_t *node, int depth, struct value *out, struct err *err);

static bool list_value(struct arena *a, json_t *node, int depth, struct value *out, struct err *err) {
	size_t count = json_array_size(node);
	struct value *items = ARENA_ARRAY(a, count, struct value);
	struct type joined = {0}, before;
	for (size_t i = 0; i < count; i++) {
		if (!to_value(a, json_array_get(node, i), depth + 1, &items[i], err))
			return false;
		struct type this = type_of(a, &items[i]);
		before = i == 0 ? this : joined;
		if (!join_types(a, &before, &this, &joined))
			return err_set(err, ERR_INPUT, "error.input", "a list must hold values of one type");
	}
	*out = (struct value){.kind = KIND_LIST, .list = {items, NULL, count}};
	return true;
}

static bool record_value(struct arena *a, json_t *node, int depth, struct value *out, struct err *err) {
	size_t count = json_object_size(node), i = 0;
	struct record_type *type = ARENA_NEW(a, struct record_type);
	struct value *members = ARENA_ARRAY(a, count, struct value);
	*type = (struct record_type){.name = STR("object"), .members = arena_array(a, count, sizeof *type->members), .count = count, .key = SIZE_MAX};
	const char *key;
	json_t *item;
	json_object_foreach(node, key, item) {
		if (!to_value(a, item, depth + 1, &members[i], err))
			return false;
		type->members[i].name = arena_str(a, str_from(key));
		type->members[i].type = type_of(a, &members[i]);
		i++;
	}
	*out = (struct value){.kind = KIND_RECORD, .record = {type, members, STR("")}};
	return true;
}

static bool to_value(struct arena *a, json_t *node, int depth, struct value *out, struct err *err) {
	if (depth > MOST_DEPTH)
		return err_set(err, ERR_INPUT, "error.input", "the data nests deeper than %d levels", MOST_DEPTH);
	switch (json_typeof(node)) {
	case JSON_OBJECT: return record_value(a, node, depth, out, err);
	case JSON_ARRAY: return list_value(a, node, depth, out, err);
	case JSON_STRING: *out = value_string(arena_str(a, (struct str){json_string_value(node), json_string_length(node)})); break;
	case JSON_INTEGER: *out = value_int(json_integer_value(node)); break;
	case JSON_REAL: *out = value_double(json_real_value(node)); break;
	case JSON_TRUE:
	case JSON_FALSE: *out = value_bool(json_is_true(node)); break;
	case JSON_NULL: *out = VALUE_UNSET; break;
	}
	return true;
}

/* The object's members become names; `now` and `today` too. */
static bool read_names(struct arena *a, const char *path, const struct zone *zone, int64_t now, struct scope *scope, struct value **slots, struct err *err) {
	struct str text = STR("{}");
	struct value object;
	json_error_t where;
	if (path && !file_read(a, path, FILE_LIMIT, &text, err))
		return false;
	json_t *root = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(err, ERR_INPUT, "error.input", "%s: a JSON object is expected", path);
	}
	bool ok = to_value(a, root, 0, &object, err);
	json_decref(root);
	if (!ok)
		return false;
	size_t count = object.record.type->count;
	*slots = ARENA_ARRAY(a, count + 2, struct value);
	for (size_t i = 0; i < count; i++) {
		struct scope_name *name = ARENA_PUSH(a, scope);
		*name = (struct scope_name){.name = object.record.type->members[i].name, .type = object.record.type->members[i].type, .slot = i};
		(*slots)[i] = object.record.members[i];
	}
	*(struct scope_name *)ARENA_PUSH(a, scope) = (struct scope_name){.name = STR("now"), .type = {.kind = KIND_INSTANT}, .slot = count};
	*(struct scope_name *)ARENA_PUSH(a, scope) = (struct scope_name){.name = STR("today"), .type = {.kind = KIND_DATE}, .slot = count + 1};
	(*slots)[count] = value_instant(now);
	(*slots)[count + 1] = value_date(civil_day_of(zone_local(zone, now)));
	return true;
}

static int evaluate(struct arena *a, const char *expression, const char *data, struct zone *zone, struct calendar *calendar, struct buf *out) {
	struct problems problems = {.arena = a};
	struct scope scope = {0};
	struct value *slots = NULL, value;
	struct err err = {0};
	if (!read_names(a, data, zone, clock_now(), &scope, &slots, &err)) {
		buf_printf(out, "stafet: %s\n", err.text);
		return EXIT_FAULT;
	}
	const struct expression *e = expression_compile(a, str_from(expression), (struct yaml_place){"expression", 1, 1}, &scope, NULL, &problems);
	problems_print(&problems, out);
	if (!e)
		return EXIT_FAULT;
	struct environment env = {.slots = slots, .slot_count = scope.count, .zone = zone, .calendar = calendar};
	if (!expression_evaluate(e, &env, a, &value, &err)) {
		buf_printf(out, "stafet: %s\n", err.text);
		return EXIT_FAULT;
	}
	value_to_json(&value, out);
	buf_char(out, '\n');
	return EXIT_GOOD;
}

int command_eval(struct arguments *args, struct buf *out) {
	const char *data = arguments_option(args, "--data");
	struct err err = {0};
	/* An expression may begin with a minus, so only "--name" counts as an option. */
	if (args->count != 1) {
		buf_z(out, "usage: stafet eval EXPRESSION [--data FILE.json]\n");
		return EXIT_USAGE;
	}
	struct arena *a = arena_new();
	struct zone *zone = zone_open("Europe/Copenhagen", &err);
	struct calendar *calendar = calendar_open(STR("dk"), STR(""), &err);
	int status = zone && calendar ? evaluate(a, args->items[0], data, zone, calendar, out) : EXIT_FAULT;
	if (err.kind != ERR_NONE)
		buf_printf(out, "stafet: %s\n", err.text);
	calendar_close(calendar);
	zone_close(zone);
	arena_free(a);
	return status;
}
