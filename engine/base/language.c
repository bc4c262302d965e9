#include "engine/base/language.h"

#include "engine/base/language_data.h"
#include "engine/base/language_parts.h"
#include "engine/base/log.h"
#include "engine/base/yaml.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_LANGUAGES = 64 };

/* A text with its dotted key; list items are counted from 1 ("months.1"). */
struct entry {
	struct str key, text;
	struct yaml_place place;
};
struct entries {
	struct entry *items;
	size_t count, cap;
};

struct language {
	const struct languages *all;
	struct str code;
	struct str *texts; /* in the order of all->keys; at NULL: missing */
};

struct languages {
	struct arena *arena;
	struct str *keys; /* sorted */
	size_t key_count;
	struct language items[MAX_LANGUAGES];
	size_t count;
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct err *err, struct yaml_place at, const char *format, ...) {
	char text[sizeof err->text];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return err_set(err, ERR_INPUT, "yaml.invalid", "%s:%d:%d: %s", at.file, at.line, at.column, text);
}

static int key_order(const void *left, const void *right) {
	return str_compare(*(const struct str *)left, *(const struct str *)right);
}

static bool key_find(const struct languages *l, struct str key, size_t *index) {
	const struct str *found = bsearch(&key, l->keys, l->key_count, sizeof key, key_order);
	*index = found ? (size_t)(found - l->keys) : 0;
	return found != NULL;
}

/* Depth is limited by the YAML reader. */
static bool flatten(struct arena *a, const struct yaml *node, struct str key, struct entries *out, struct err *err) {
	if (node->kind == YAML_SCALAR) {
		if (node->text.len == 0 || yaml_is_null(node))
			return refuse(err, node->place, "%.*s has no text", STR_ARG(key));
		*(struct entry *)ARENA_PUSH(a, out) = (struct entry){key, node->text, node->place};
		return true;
	}
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml *item = node->items[i];
		const char *dot = key.len > 0 ? "." : "";
		struct str inner = node->kind == YAML_MAP ? arena_printf(a, "%.*s%s%.*s", STR_ARG(key), dot, STR_ARG(item->key->text))
		                                          : arena_printf(a, "%.*s%s%zu", STR_ARG(key), dot, i + 1);
		if (!flatten(a, item, inner, out, err))
			return false;
	}
	return true;
}

/* Bits for the placeholders of a text: of the message {{0}} {{1}}, of a format its parts. */
static bool placeholders(const struct entry *e, unsigned *bits, struct err *err) {
	static const char *const names[] = {"0", "1", "weekday", "day", "dd", "month", "mm", "year", "yy", "date", "hour", "minute"};
	bool format = str_starts(e->key, STR("formats."));
	size_t first = format ? 2 : 0, last = format ? sizeof names / sizeof *names : 2;
	struct str rest = e->text, before, name;
	*bits = 0;
	while (language_parts_next(&rest, &before, &name)) {
		size_t i = first;
		while (i < last && !str_is(name, names[i]))
			i++;
		if (i == last)
			return refuse(err, e->place, "%.*s: {{%.*s}} is not known here (expected %s)", STR_ARG(e->key), STR_ARG(name),
			              format ? "weekday, day, dd, month, mm, year, yy, date, hour or minute" : "{{0}} or {{1}}");
		*bits |= 1u << i;
	}
	return true;
}

static bool put(struct language *l, const struct entry *e, struct err *err) {
	const struct languages *all = l->all;
	size_t index;
	unsigned bits, expected;
	if (!key_find(all, e->key, &index)) {
		struct str near = name_nearest(e->key, all->keys, all->key_count);
		return refuse(err, e->place, "no text is called %.*s%s%.*s", STR_ARG(e->key), near.len > 0 ? ", did you mean " : "", STR_ARG(near));
	}
	if (!placeholders(e, &bits, err))
		return false;
	const struct entry original = {e->key, all->items[0].texts[index], e->place};
	if (original.text.at != NULL && !str_starts(e->key, STR("formats."))) {
		(void)placeholders(&original, &expected, err); /* was checked when it was put */
		if (bits != expected)
			return refuse(err, e->place, "%.*s: expected the same {{0}} and {{1}} as in '%.*s'", STR_ARG(e->key), STR_ARG(original.text));
	}
	l->texts[index] = e->text;
	return true;
}

/* l->count: there is none. */
static size_t index_of(const struct languages *l, struct str code) {
	size_t i = 0;
	while (i < l->count && (l->items[i].code.len != code.len || strncasecmp(l->items[i].code.at, code.at, code.len) != 0))
		i++;
	return i;
}

static void define_keys(struct languages *l, const struct entries *entries) {
	l->keys = ARENA_ARRAY(l->arena, entries->count, struct str);
	l->key_count = entries->count;
	for (size_t i = 0; i < entries->count; i++)
		l->keys[i] = entries->items[i].key;
	qsort(l->keys, l->key_count, sizeof *l->keys, key_order);
}

static bool load(struct languages *l, struct str code, const struct yaml *root, struct err *err) {
	struct entries entries = {0};
	if (root->kind != YAML_MAP)
		return refuse(err, root->place, "a language file must be a map of texts");
	if (!flatten(l->arena, root, STR(""), &entries, err))
		return false;
	if (l->count == 0)
		define_keys(l, &entries);
	size_t index = index_of(l, code);
	if (index == MAX_LANGUAGES)
		return refuse(err, root->place, "more than %d languages", MAX_LANGUAGES);
	struct language *language = &l->items[index];
	if (index == l->count) {
		l->count++;
		*language = (struct language){l, arena_str(l->arena, code), ARENA_ARRAY(l->arena, l->key_count, struct str)};
	}
	for (size_t i = 0; i < entries.count; i++)
		if (!put(language, &entries.items[i], err))
			return false;
	for (size_t i = 0; i < l->key_count; i++)
		if (!language->texts[i].at)
			return refuse(err, root->place, "the text %.*s is missing", STR_ARG(l->keys[i]));
	return true;
}

static bool load_built_in(struct languages *l, struct err *err) {
	struct language_file file;
	for (size_t i = 0; language_file_at(i, &file); i++) {
		const struct yaml *root = yaml_parse(l->arena, file.name, file.text, err);
		if (!root || !load(l, str_from(file.code), root, err))
			return false;
	}
	return true;
}

/* A language tag in its usual spelling: "sv", "pt-BR". */
static bool code_valid(struct str code) {
	size_t run = 0, parts = 0;
	for (size_t i = 0; i < code.len; i++) {
		char c = code.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), digit = c >= '0' && c <= '9';
		bool end = c == '-' && (parts > 0 || run >= 2) && run > 0;
		if (!end && !letter && !(digit && parts > 0))
			return false;
		run = end ? 0 : run + 1;
		parts += end;
		if (run > (parts == 0 ? 3u : 8u))
			return false;
	}
	return run >= (parts == 0 ? 2u : 1u) && code.len <= 35;
}

static int is_yaml_file(const struct dirent *entry) {
	return entry->d_name[0] != '.' && str_ends(str_from(entry->d_name), STR(".yaml"));
}

static bool load_file(struct languages *l, const char *folder, const char *name, struct err *err) {
	struct str code = {name, strlen(name) - strlen(".yaml")};
	const char *path = arena_printf(l->arena, "%s/%s", folder, name).at;
	if (!code_valid(code))
		return err_set(err, ERR_INPUT, "yaml.invalid", "%s: a language file is named by its code, such as sv.yaml", path);
	const struct yaml *root = yaml_read(l->arena, path, err);
	return root && load(l, code, root, err);
}

static bool load_folder(struct languages *l, const char *folder, struct err *err) {
	struct dirent **names = NULL;
	int count = scandir(folder, &names, is_yaml_file, alphasort);
	if (count < 0)
		return errno == ENOENT || err_set(err, ERR_PERMANENT, "error.internal", "%s: %s", folder, strerror(errno));
	bool ok = true;
	for (int i = 0; i < count; i++) {
		ok = ok && load_file(l, folder, names[i]->d_name, err);
		free(names[i]);
	}
	free(names);
	return ok;
}

struct languages *languages_open(const char *folder, struct err *err) {
	struct languages *l = calloc(1, sizeof *l);
	BUG_IF(l == NULL);
	l->arena = arena_new();
	if (load_built_in(l, err) && (!folder || load_folder(l, folder, err)))
		return l;
	languages_close(l);
	return NULL;
}

void languages_close(struct languages *l) {
	if (!l)
		return;
	arena_free(l->arena);
	free(l);
}

/* RFC 4647 3.4 (lookup): "da-Latn-DK" falls back to "da-Latn", then "da". */
static const struct language *find_range(const struct languages *l, struct str range) {
	while (range.len > 0) {
		size_t index = index_of(l, range);
		if (index < l->count)
			return &l->items[index];
		do
			range.len--;
		while (range.len > 0 && range.at[range.len] != '-');
	}
	return NULL;
}

const struct language *language_get(const struct languages *l, struct str code) {
	const struct language *found = find_range(l, code);
	return found ? found : &l->items[0];
}

bool language_known(const struct languages *l, struct str code) {
	return find_range(l, code) != NULL;
}

size_t languages_count(const struct languages *l) {
	return l->count;
}

const struct language *language_at(const struct languages *l, size_t index) {
	BUG_IF(index >= l->count);
	return &l->items[index];
}

struct str language_code(const struct language *l) {
	return l->code;
}

struct str language_name(const struct language *l) {
	return language_word(l, "name");
}

struct str language_word(const struct language *l, const char *key) {
	size_t index;
	if (key_find(l->all, str_from(key), &index))
		return l->texts[index];
	log_event(LOG_ERROR, "text_missing", "key=%s", key);
	return str_from(key);
}
