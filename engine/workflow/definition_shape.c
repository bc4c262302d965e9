#include "engine/workflow/definition_shape.h"

#include <string.h>

enum { MAX_ENTRIES = 1000, MAX_KEYS = 40, MAX_WHOLE = 1000000000 };

/* What a node is part of, for messages: "state 'requested'", "a timer". */
struct owner {
	const char *what;
	struct str name;
};

static void check_node(const struct shape *shape, const struct yaml *node, struct owner owner, struct problems *problems);

static struct str described(struct owner owner, struct problems *problems) {
	if (owner.name.len > 0)
		return arena_printf(problems->arena, "%s '%.*s'", owner.what, STR_ARG(owner.name));
	return arena_printf(problems->arena, "the %s", owner.what);
}

static struct str shortened(struct str text) {
	size_t len = 0;
	while (len < text.len && len < 40 && (unsigned char)text.at[len] >= ' ')
		len++;
	while (len < text.len && len > 0 && ((unsigned char)text.at[len] & 0xC0) == 0x80)
		len--;
	return (struct str){text.at, len};
}

static struct str found(const struct yaml *node, struct problems *problems) {
	if (node->kind == YAML_LIST)
		return STR("a list");
	if (node->kind == YAML_MAP)
		return STR("a map");
	if (yaml_is_null(node))
		return STR("nothing");
	return arena_printf(problems->arena, "'%.*s'", STR_ARG(shortened(node->text)));
}

static bool word_valid(struct str s) {
	return name_valid(s) && !memchr(s.at, '-', s.len);
}

static bool option_valid(struct str s) {
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
			return false;
	}
	return s.len > 0 && s.len <= 40;
}

bool shape_range(struct str text, int64_t *from, int64_t *to) {
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.at[i] != '.' || text.at[i + 1] != '.')
			continue;
		return str_to_int(str_trim((struct str){text.at, i}), from) && str_to_int(str_trim((struct str){text.at + i + 2, text.len - i - 2}), to) &&
		       *from <= *to && *from >= -MAX_WHOLE && *to <= MAX_WHOLE;
	}
	return false;
}

static bool span_valid(struct str text) {
	struct span span;
	if (!span_parse(text, &span))
		return false;
	return span.months >= 0 && span.days >= 0 && span.workdays >= 0 && span.ms >= 0 && (span.months || span.days || span.workdays || span.ms);
}

static bool scalar_valid(const struct shape *shape, const struct yaml *node) {
	int64_t number, to;
	switch (shape->kind) {
	case SHAPE_NAME:
	case SHAPE_NAMES:
		return name_valid(node->text);
	case SHAPE_WORD:
	case SHAPE_NAME_OR_MAP:
		return word_valid(node->text);
	case SHAPE_OPTION:
		return option_valid(node->text);
	case SHAPE_TRUTH:
		return str_is(node->text, "true") || str_is(node->text, "false");
	case SHAPE_WHOLE:
		return str_to_int(node->text, &number) && number >= 0 && number <= MAX_WHOLE;
	case SHAPE_RANGE:
		return shape_range(node->text, &number, &to);
	case SHAPE_SPAN:
		return span_valid(node->text);
	case SHAPE_TIME:
		return civil_parse_time(node->text, &number);
	case SHAPE_ASSIGNED:
		return yaml_is_null(node) || str_trim(node->text).len > 0;
	default:
		return str_trim(node->text).len > 0;
	}
}

const char *shape_expected(enum shape_kind kind) {
	static const char *const expected[] = {
	        [SHAPE_TEXT] = "a text",
	        [SHAPE_NAME] = "a name (small letters, digits, _ and -, first a letter, at most 40 characters)",
	        [SHAPE_WORD] = "a name for expressions (small letters, digits and _, first a letter, at most 40 characters)",
	        [SHAPE_OPTION] = "an option (letters, digits, _ and -, at most 40 characters)",
	        [SHAPE_NAMES] = "a name or a list of names",
	        [SHAPE_TRUTH] = "true or false",
	        [SHAPE_WHOLE] = "a whole number from 0 to 1000000000",
	        [SHAPE_RANGE] = "a range such as 0..3",
	        [SHAPE_SPAN] = "a duration such as 7d, 90min, 3 workdays or 1 month",
	        [SHAPE_TIME] = "a time of day such as \"09:00\"",
	        [SHAPE_EXPRESSION] = "an expression (one that begins with [ or { needs quotes)",
	        [SHAPE_ASSIGNED] = "an expression (one that begins with [ or { needs quotes) or null",
	        [SHAPE_NAME_OR_MAP] = NULL,
	};
	return kind < sizeof expected / sizeof *expected ? expected[kind] : NULL;
}

static void tell_wrong(const struct shape *shape, const struct yaml *node, struct owner owner, struct problems *problems) {
	const char *expected = shape_expected(shape->kind);
	struct str what = node->key ? arena_printf(problems->arena, "'%.*s' of %.*s", STR_ARG(node->key->text), STR_ARG(described(owner, problems)))
	                            : described(owner, problems);
	if (shape->kind == SHAPE_MAP)
		what = described((struct owner){shape->what, node->key ? node->key->text : (struct str){0}}, problems);
	if (shape->kind == SHAPE_NAME_OR_MAP)
		expected = "the name of a field, or a map with the key 'field'";
	if (shape->kind == SHAPE_LIST)
		expected = "a list";
	if (shape->kind == SHAPE_MAP || shape->kind == SHAPE_NAMED)
		expected = "a map (key: value)";
	problem_error(problems, node->place, "%.*s: found %.*s, expected %s", STR_ARG(what), STR_ARG(found(node, problems)), expected);
}

static size_t word_index(const char *const *words, struct str word) {
	size_t i = 0;
	while (words[i] && !str_is(word, words[i]))
		i++;
	return words[i] ? i : SIZE_MAX;
}

static void check_one_of(const struct shape *shape, const struct yaml *node, struct owner owner, struct problems *problems) {
	struct str names[MAX_KEYS], list = {0};
	size_t count = 0;
	if (node->kind == YAML_SCALAR && word_index(shape->words, node->text) != SIZE_MAX)
		return;
	for (; count < MAX_KEYS && shape->words[count]; count++) {
		names[count] = str_from(shape->words[count]);
		list = arena_printf(problems->arena, "%.*s%s%s", STR_ARG(list), count ? ", " : "", shape->words[count]);
	}
	struct str near = node->kind == YAML_SCALAR ? name_nearest(node->text, names, count) : (struct str){0};
	struct str hint = near.len > 0 ? arena_printf(problems->arena, "; did you mean '%.*s'?", STR_ARG(near)) : (struct str){0};
	problem_error(problems, node->place, "'%.*s' of %.*s: found %.*s, expected one of %.*s%.*s", STR_ARG(node->key ? node->key->text : STR("value")),
	              STR_ARG(described(owner, problems)), STR_ARG(found(node, problems)), STR_ARG(list), STR_ARG(hint));
}

/* The bit of the word that decides which keys there are; ~0 when there is none to decide or it is wrong (told elsewhere). */
static unsigned chosen(const struct shape *shape, const struct yaml *node) {
	const struct yaml *choice = shape->choose ? yaml_get(node, shape->choose) : NULL;
	if (!choice || choice->kind != YAML_SCALAR)
		return ~0U;
	for (const struct shape_key *k = shape->keys; k->key; k++) {
		size_t index = strcmp(k->key, shape->choose) == 0 ? word_index(k->shape->words, choice->text) : SIZE_MAX;
		if (index != SIZE_MAX)
			return 1U << index;
	}
	return ~0U;
}

static void tell_unknown(const struct shape *shape, const struct yaml *key, unsigned choice, struct owner owner, struct problems *problems) {
	struct str names[MAX_KEYS] = {0};
	size_t count = 0;
	for (const struct shape_key *k = shape->keys; k->key && count < MAX_KEYS; k++)
		if (!k->only || (k->only & choice))
			names[count++] = str_from(k->key);
	struct str near = name_nearest(key->text, names, count);
	if (near.len > 0) {
		problem_error(problems, key->place, "unknown key '%.*s' in %.*s; did you mean '%.*s'?", STR_ARG(shortened(key->text)), STR_ARG(described(owner, problems)), STR_ARG(near));
		return;
	}
	struct str list = {0};
	for (size_t i = 0; i < count; i++)
		list = arena_printf(problems->arena, "%.*s%s%.*s", STR_ARG(list), i ? ", " : "", STR_ARG(names[i]));
	problem_error(problems, key->place, "unknown key '%.*s' in %.*s; expected one of %.*s", STR_ARG(shortened(key->text)), STR_ARG(described(owner, problems)), STR_ARG(list));
}

static void check_key(const struct shape *shape, const struct yaml *value, const struct yaml *map, unsigned choice, struct owner owner, struct problems *problems) {
	const struct shape_key *k = shape->keys;
	while (k->key && !str_is(value->key->text, k->key))
		k++;
	if (!k->key) {
		tell_unknown(shape, value->key, choice, owner, problems);
		return;
	}
	if (k->only && !(k->only & choice)) {
		const struct yaml *word = yaml_get(map, shape->choose);
		problem_error(problems, value->key->place, "key '%s' in %.*s: it is not for the %s '%.*s'", k->key, STR_ARG(described(owner, problems)), shape->choose, STR_ARG(word->text));
		return;
	}
	check_node(k->shape, value, owner, problems);
}

static void check_map(const struct shape *shape, const struct yaml *node, struct owner owner, struct problems *problems) {
	unsigned choice = chosen(shape, node);
	size_t ones = 0;
	struct str list = {0};
	for (size_t i = 0; i < node->count; i++)
		check_key(shape, node->items[i], node, choice, owner, problems);
	for (const struct shape_key *k = shape->keys; k->key; k++) {
		bool there = yaml_get(node, k->key) != NULL, allowed = !k->only || choice == ~0U || (k->only & choice);
		bool needed = k->needed ? allowed && !(k->only && choice == ~0U) : choice != ~0U && (k->need & choice);
		if (needed && !there)
			problem_error(problems, node->place, "key '%s' is missing in %.*s", k->key, STR_ARG(described(owner, problems)));
		if (!k->one)
			continue;
		list = arena_printf(problems->arena, "%.*s%s'%s'", STR_ARG(list), list.len ? ", " : "", k->key);
		ones += there;
	}
	if (list.len > 0 && ones != 1)
		problem_error(problems, node->place, "%.*s needs exactly one of the keys %.*s, but has %s", STR_ARG(described(owner, problems)), STR_ARG(list), ones ? "several" : "none");
}

static void check_named(const struct shape *shape, const struct yaml *node, struct problems *problems) {
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml *value = node->items[i], *key = value->key;
		bool valid = shape->words_only ? word_valid(key->text) : name_valid(key->text);
		if (!valid)
			problem_error(problems, key->place, "the name '%.*s' of a %s is not valid, expected %s", STR_ARG(shortened(key->text)), shape->what,
			              shape_expected(shape->words_only ? SHAPE_WORD : SHAPE_NAME));
		else
			check_node(shape->each, value, (struct owner){shape->what, key->text}, problems);
	}
}

static void check_twice(const struct yaml *list, size_t index, struct problems *problems) {
	const struct yaml *item = list->items[index];
	for (size_t i = 0; i < index; i++)
		if (item->kind == YAML_SCALAR && list->items[i]->kind == YAML_SCALAR && str_equal(item->text, list->items[i]->text)) {
			problem_error(problems, item->place, "'%.*s' stands twice in this list", STR_ARG(shortened(item->text)));
			return;
		}
}

static void check_list(const struct shape *each, const struct yaml *node, struct owner owner, struct problems *problems) {
	bool names = each->kind == SHAPE_NAME || each->kind == SHAPE_WORD || each->kind == SHAPE_OPTION || each->kind == SHAPE_NAME_OR_MAP;
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml *name = each->what ? yaml_get(node->items[i], "name") : NULL;
		struct owner item = each->what ? (struct owner){each->what, name && name->kind == YAML_SCALAR ? name->text : (struct str){0}} : owner;
		check_node(each, node->items[i], item, problems);
		if (names)
			check_twice(node, i, problems);
	}
}

static void check_node(const struct shape *shape, const struct yaml *node, struct owner owner, struct problems *problems) {
	static const struct shape name = {.kind = SHAPE_NAME};
	enum yaml_kind wanted = shape->kind == SHAPE_MAP || shape->kind == SHAPE_NAMED ? YAML_MAP : shape->kind == SHAPE_LIST ? YAML_LIST : YAML_SCALAR;
	if ((shape->kind == SHAPE_NAME_OR_MAP && node->kind == YAML_MAP) || (shape->kind == SHAPE_NAMES && node->kind == YAML_LIST))
		wanted = node->kind;
	if (shape->kind == SHAPE_ONE_OF) {
		check_one_of(shape, node, owner, problems);
		return;
	}
	if (node->kind != wanted || (wanted == YAML_SCALAR && !scalar_valid(shape, node))) {
		tell_wrong(shape, node, owner, problems);
		return;
	}
	if (wanted == YAML_SCALAR)
		return;
	bool filled = shape->filled || shape->kind == SHAPE_NAMES;
	if (node->count > MAX_ENTRIES || (filled && node->count == 0)) {
		problem_error(problems, node->place, "found %zu entries, expected from %d to %d", node->count, filled ? 1 : 0, MAX_ENTRIES);
		return;
	}
	if (wanted == YAML_LIST)
		check_list(shape->kind == SHAPE_NAMES ? &name : shape->each, node, owner, problems);
	else if (shape->kind == SHAPE_NAMED)
		check_named(shape, node, problems);
	else
		check_map(shape, node, (struct owner){shape->what, str_is(str_from(owner.what), shape->what) ? owner.name : (struct str){0}}, problems);
}

bool shape_check(const struct shape *shape, const struct yaml *node, struct problems *problems) {
	size_t before = problems->errors;
	check_node(shape, node, (struct owner){shape->what, (struct str){0}}, problems);
	return problems->errors == before;
}

bool shape_truth(const struct yaml *node, bool absent) {
	return node ? str_is(node->text, "true") : absent;
}

int64_t shape_whole(const struct yaml *node, int64_t absent) {
	int64_t number = absent;
	if (node)
		(void)str_to_int(node->text, &number);
	return number;
}

struct span shape_span(const struct yaml *node, struct span absent) {
	struct span span = absent;
	if (node)
		(void)span_parse(node->text, &span);
	return span;
}

struct str shape_text(const struct yaml *node) {
	return node ? node->text : (struct str){"", 0};
}
