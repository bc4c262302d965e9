/* The grammar of texts/<lang>.yaml as tables, and the walk that compares a file with them and keeps its texts. */
#include "engine/workflow/markdown.h"
#include "engine/workflow/texts_parts.h"

#include <string.h>

enum { MAX_KEYS = 20, HTML_LIMIT = 1 << 20 };

struct text_shape {
	const char *key; /* "*": any name; NULL ends the table */
	enum { PLAIN, MARKDOWN, MAP } kind;
	const struct text_shape *members;
};

static const struct text_shape any_text[] = {{"*", PLAIN, NULL}, {0}}, any_markdown[] = {{"*", MARKDOWN, NULL}, {0}};
#define WORDS_OF_FIELD \
	{"label", PLAIN, NULL}, {"caption", PLAIN, NULL}, {"hint", MARKDOWN, NULL}, {"help", MARKDOWN, NULL}, {"title", PLAIN, NULL}, {"date", PLAIN, NULL}, {"invalid", PLAIN, NULL}, {"excluded", PLAIN, NULL}, {"options", MAP, any_text}
static const struct text_shape of_member[] = {WORDS_OF_FIELD, {0}}, in_group[] = {{"*", MAP, of_member}, {0}};
static const struct text_shape of_field[] = {WORDS_OF_FIELD, {"scale", MAP, any_text}, {"add", PLAIN, NULL}, {"item", PLAIN, NULL}, {"fields", MAP, in_group}, {0}};
static const struct text_shape of_catalogue[] = {
	{"columns", MAP, any_text}, {"choose", PLAIN, NULL}, {"add", PLAIN, NULL}, {"available", PLAIN, NULL}, {"taken", PLAIN, NULL}, {"more", PLAIN, NULL}, {0},
};
static const struct text_shape catalogues[] = {{"*", MAP, of_catalogue}, {0}};
static const struct text_shape of_receipt[] = {{"title", PLAIN, NULL}, {"text", MARKDOWN, NULL}, {0}};
static const struct text_shape of_form[] = {
	{"title", PLAIN, NULL}, {"intro", MARKDOWN, NULL}, {"submit", PLAIN, NULL}, {"check", MAP, of_receipt}, {"pages", MAP, any_text}, {"receipt", MAP, of_receipt}, {0},
};
static const struct text_shape of_view[] = {{"title", PLAIN, NULL}, {"intro", MARKDOWN, NULL}, {"empty", PLAIN, NULL}, {"not-ready", MARKDOWN, NULL}, {0}};
static const struct text_shape fields[] = {{"*", MAP, of_field}, {0}}, forms[] = {{"*", MAP, of_form}, {0}}, views[] = {{"*", MAP, of_view}, {0}};
static const struct text_shape of_start[] = {{"missing", MARKDOWN, NULL}, {0}};
static const struct text_shape of_file[] = {
	{"title", PLAIN, NULL}, {"intro", MARKDOWN, NULL}, {"roles", MAP, any_text}, {"deliveries", MAP, any_text}, {"fields", MAP, fields}, {"forms", MAP, forms},
	{"states", MAP, any_text}, {"events", MAP, any_text}, {"done", MAP, any_text}, {"taken", MAP, any_text}, {"timers", MAP, any_text}, {"messages", MAP, any_text}, {"ended", MAP, any_markdown}, {"views", MAP, views}, {"banner", MAP, any_text}, {"catalogues", MAP, catalogues}, {"start", MAP, of_start}, {0},
};

struct check {
	struct arena *arena;
	struct text_index *index;
	struct problems *problems;
};

static void tell_unknown(struct check *c, const struct yaml *key, const struct text_shape *members) {
	struct str names[MAX_KEYS], list = STR("");
	size_t count = 0;
	for (; count < MAX_KEYS && members[count].key; count++) {
		names[count] = str_from(members[count].key);
		list = arena_printf(c->problems->arena, "%.*s%s%s", STR_ARG(list), count ? ", " : "", members[count].key);
	}
	struct str near = name_nearest(key->text, names, count);
	int shown = key->text.len < 60 ? (int)key->text.len : 60;
	if (near.len > 0)
		problem_error(c->problems, key->place, "unknown key '%.*s'; did you mean '%.*s'?", shown, key->text.at, STR_ARG(near));
	else
		problem_error(c->problems, key->place, "unknown key '%.*s'; expected one of %.*s", shown, key->text.at, STR_ARG(list));
}

/* Names of the workflow, options, levels of a scale: which there are is the definition's matter. */
static const struct text_shape *find_member(const struct text_shape *members, const struct yaml *key) {
	if (strcmp(members->key, "*") == 0)
		return members;
	for (; members->key; members++)
		if (str_is(key->text, members->key))
			return members;
	return NULL;
}

static bool has_placeholders(const struct yaml *node) {
	return memmem(node->text.at, node->text.len, "{{", 2) != NULL;
}

/* Of a text for pages. */
static struct str html_of(struct str markdown, struct arena *a) {
	struct buf html;
	buf_init(&html, HTML_LIMIT);
	markdown_html(markdown, false, &html);
	struct str out = arena_str(a, buf_text(&html));
	buf_free(&html);
	return out;
}

static struct text read_text(struct check *c, const struct text_shape *shape, const struct yaml *node) {
	struct text text = {.written = node->text};
	if (node->kind != YAML_SCALAR)
		problem_error(c->problems, node->place, "'%.*s': found a %s, expected a text", STR_ARG(node->key->text), node->kind == YAML_LIST ? "list" : "map");
	else if (str_trim(node->text).len == 0)
		problem_error(c->problems, node->place, "'%.*s': found nothing, expected a text", STR_ARG(node->key->text));
	else if (shape->kind == MARKDOWN && has_placeholders(node))
		text.template = template_compile(c->arena, node->text, node->place, c->problems);
	else if (shape->kind == MARKDOWN && template_compile(c->arena, node->text, node->place, c->problems))
		text.html = html_of(node->text, c->arena);
	else if (has_placeholders(node))
		problem_error(c->problems, node->place, "'%.*s': {{...}} may stand only in intro, text, hint, help and not-ready", STR_ARG(node->key->text));
	return text;
}

/* As deep as the tables: six levels. */
static void check_map(struct check *c, const struct text_shape *members, struct str path, const struct yaml *node) {
	if (node->kind != YAML_MAP) {
		problem_error(c->problems, node->place, "'%.*s': expected a map (key: text)", STR_ARG(node->key ? node->key->text : STR("the file")));
		return;
	}
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml *item = node->items[i];
		const struct text_shape *shape = find_member(members, item->key);
		struct str inner = path.len > 0 ? arena_printf(c->arena, "%.*s.%.*s", STR_ARG(path), STR_ARG(item->key->text)) : item->key->text;
		if (!shape)
			tell_unknown(c, item->key, members);
		else if (shape->kind == MAP)
			check_map(c, shape->members, inner, item);
		else
			text_index_add(c->index, c->arena, inner, read_text(c, shape, item));
	}
}

void texts_read_words(const struct yaml *root, struct arena *a, struct text_index *out, struct problems *problems) {
	struct check c = {a, out, problems};
	check_map(&c, of_file, STR(""), root);
	text_index_close(out, a);
}
