#include "engine/workflow/data_members.h"

#include <jansson.h>
#include <stdio.h>

enum { DEPTH = 8, COUNT = 500 };

static bool add(const json_t *node, struct str name, int depth, struct arena *a, struct members *out);

static bool add_list(const json_t *list, struct str name, int depth, struct arena *a, struct members *out) {
	bool ok = true;
	for (size_t i = 0; ok && i < json_array_size(list); i++)
		ok = add(json_array_get(list, i), arena_printf(a, "%.*s%s%zu", STR_ARG(name), name.len > 0 ? "." : "", i), depth + 1, a, out);
	return ok;
}

static bool add_object(json_t *object, struct str name, int depth, struct arena *a, struct members *out) {
	const char *key;
	json_t *inner;
	json_object_foreach(object, key, inner) {
		if (!add(inner, arena_printf(a, "%.*s%s%s", STR_ARG(name), name.len > 0 ? "." : "", key), depth + 1, a, out))
			return false;
	}
	return true;
}

static struct str text_of(const json_t *node, struct arena *a) {
	if (json_is_string(node))
		return arena_str(a, (struct str){json_string_value(node), json_string_length(node)});
	if (json_is_integer(node))
		return arena_printf(a, "%lld", (long long)json_integer_value(node));
	if (json_is_real(node))
		return arena_printf(a, "%.15g", json_real_value(node));
	return json_is_true(node) ? STR("true") : STR("false");
}

static bool add(const json_t *node, struct str name, int depth, struct arena *a, struct members *out) {
	if (depth > DEPTH || out->count >= COUNT)
		return false;
	if (json_is_array(node))
		return add_list(node, name, depth, a, out);
	if (json_is_object(node))
		return add_object((json_t *)node, name, depth, a, out);
	if (!json_is_null(node))
		*(struct member *)ARENA_PUSH(a, out) = (struct member){name, text_of(node, a)};
	return true;
}

bool members_from_json(struct str json, struct arena *a, struct members *out, struct err *err) {
	json_error_t why;
	json_t *root = json_loadb(json.at ? json.at : "", json.len, JSON_REJECT_DUPLICATES, &why);
	*out = (struct members){0};
	bool ok = root && add(root, STR(""), 0, a, out);
	if (!root)
		err_set(err, ERR_INPUT, "error.input", "no JSON: %s", why.text);
	else if (!ok)
		err_set(err, ERR_INPUT, "error.input", "the JSON is too deep or too long");
	json_decref(root);
	return ok;
}

struct str members_get(const struct members *members, struct str name) {
	for (size_t i = 0; i < members->count; i++)
		if (str_equal(members->items[i].name, name))
			return members->items[i].text;
	return STR("");
}
