#include "engine/workflow/data.h"

#include "engine/base/escape.h"

#include <jansson.h>
#include <string.h>

const struct answer *answers_get(const struct answers *answers, struct str name) {
	for (size_t i = 0; i < answers->count; i++)
		if (str_equal(answers->items[i].name, name))
			return &answers->items[i];
	return NULL;
}

static struct answer *find_or_add(struct answers *answers, struct arena *a, struct str name) {
	for (size_t i = 0; i < answers->count; i++)
		if (str_equal(answers->items[i].name, name))
			return &answers->items[i];
	struct answer *answer = ARENA_PUSH(a, answers);
	*answer = (struct answer){.name = arena_str(a, name)};
	return answer;
}

void answers_put(struct answers *answers, struct arena *a, struct str name, struct str text) {
	struct answer *answer = find_or_add(answers, a, name);
	*(struct str *)ARENA_PUSH(a, &answer->texts) = arena_str(a, text);
}

void answers_clear(struct answers *answers, struct str name) {
	for (size_t i = 0; i < answers->count; i++) {
		if (!str_equal(answers->items[i].name, name))
			continue;
		memmove(&answers->items[i], &answers->items[i + 1], (answers->count - i - 1) * sizeof answers->items[0]);
		answers->count--;
		return;
	}
}

/* Text of a scalar as a person would have typed it; false for objects and arrays. */
static bool scalar_text(const json_t *node, struct arena *a, struct str *out) {
	switch (json_typeof(node)) {
	case JSON_STRING:
		*out = (struct str){json_string_value(node), json_string_length(node)};
		return true;
	case JSON_INTEGER:
		*out = arena_printf(a, "%lld", (long long)json_integer_value(node));
		return true;
	case JSON_REAL:
		*out = arena_printf(a, "%.15g", json_real_value(node));
		return true;
	case JSON_TRUE:
		*out = STR("true");
		return true;
	case JSON_FALSE:
		*out = STR("false");
		return true;
	case JSON_NULL:
		*out = STR("");
		return true;
	default:
		return false;
	}
}

static bool put_object(struct answers *out, struct arena *a, struct str name, json_t *object, struct err *err) {
	const char *key;
	json_t *item;
	json_object_foreach(object, key, item) {
		struct str text;
		if (!scalar_text(item, a, &text))
			return err_set(err, ERR_INPUT, "field.not-choice", "%.*s.%s: a plain value is expected", STR_ARG(name), key);
		answers_put(out, a, arena_printf(a, "%.*s.%s", STR_ARG(name), key), text);
	}
	return true;
}

static bool put_list(struct answers *out, struct arena *a, struct str name, const json_t *list, struct err *err) {
	if (!json_is_object(json_array_get(list, 0)))
		find_or_add(out, a, name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i);
		struct str text;
		if (json_is_object(item)) {
			if (!put_object(out, a, arena_printf(a, "%.*s.%zu", STR_ARG(name), i + 1), item, err))
				return false;
			continue;
		}
		if (!scalar_text(item, a, &text))
			return err_set(err, ERR_INPUT, "field.not-choice", "%.*s: a list may hold only plain values and objects of them", STR_ARG(name));
		answers_put(out, a, name, text);
	}
	return true;
}

static bool put_member(struct answers *out, struct arena *a, const char *key, json_t *node, struct err *err) {
	struct str name = str_from(key), text;
	if (json_is_array(node))
		return put_list(out, a, name, node, err);
	if (json_is_object(node))
		return put_object(out, a, name, node, err);
	scalar_text(node, a, &text);
	answers_put(out, a, name, text);
	return true;
}

bool answers_from_json(struct str json, struct arena *a, struct answers *out, struct err *err) {
	json_error_t where;
	json_t *root = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES, &where);
	if (!root)
		return err_set(err, ERR_INPUT, "error.input", "not JSON: line %d, column %d: %s", where.line, where.column, where.text);
	bool ok = json_is_object(root);
	if (!ok)
		err_set(err, ERR_INPUT, "error.input", "a JSON object {\"field\": value} is expected");
	const char *key;
	json_t *node;
	*out = (struct answers){0};
	if (ok)
		json_object_foreach(root, key, node)
			ok = ok && put_member(out, a, key, node, err);
	json_decref(root);
	return ok;
}

void answers_to_json(const struct answers *answers, struct buf *out) {
	buf_char(out, '{');
	for (size_t i = 0; i < answers->count; i++) {
		const struct answer *answer = &answers->items[i];
		buf_z(out, i ? "," : "");
		escape_json(out, answer->name);
		buf_z(out, ":[");
		for (size_t k = 0; k < answer->texts.count; k++) {
			buf_z(out, k ? "," : "");
			escape_json(out, answer->texts.items[k]);
		}
		buf_char(out, ']');
	}
	buf_char(out, '}');
}
