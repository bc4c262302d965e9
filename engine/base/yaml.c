#include "engine/base/yaml.h"

#include "engine/base/file.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { MAX_BYTES = 1 << 20, MAX_DEPTH = 32, MAX_NODES = 100000, MAX_BLANKS = 1000 };

/* A list or map that is still open. */
struct open_node {
	struct yaml *node;
	struct yaml *key; /* of the value that comes next; NULL: a key comes next */
	size_t cap;
};

/* The tree is built from events, not from libfyaml's own documents: an alias or a level too deep is
 * refused where it stands, before anything was expanded or recursed into. */
struct builder {
	struct arena *arena;
	struct err *err;
	const char *file;
	struct fy_parser *parser;
	struct open_node open[MAX_DEPTH];
	size_t depth, nodes, documents;
	struct yaml *root;
	struct yaml_place at; /* of the event at hand */
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct builder *b, struct yaml_place at, const char *format,
                                                         ...) {
	va_list args;
	va_start(args, format);
	char text[sizeof b->err->text];
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	err_set(b->err, ERR_INPUT, "yaml.invalid", "%s:%d:%d: %s", b->file, at.line, at.column, text);
	err_arg(b->err, 0, str_from(b->err->text));
	return false;
}

/* For messages: a short piece of one line. */
static int shown(struct str s) {
	size_t len = 0;
	while (len < s.len && len < 40 && (unsigned char)s.at[len] >= ' ')
		len++;
	while (len < s.len && len > 0 && ((unsigned char)s.at[len] & 0xC0) == 0x80)
		len--;
	return (int)len;
}

static bool add_node(struct builder *b, struct yaml *node) {
	if (++b->nodes > MAX_NODES)
		return refuse(b, b->at, "more than %d keys and values in one file", MAX_NODES);
	if (b->depth == 0) {
		b->root = node;
		return true;
	}
	struct open_node *in = &b->open[b->depth - 1];
	if (in->node->kind == YAML_MAP && !in->key) {
		if (node->kind != YAML_SCALAR)
			return refuse(b, node->place, "a key must be a plain word, but this one is a %s (text that begins with [ or { needs quotes)",
			              node->kind == YAML_LIST ? "list" : "map");
		if (yaml_is_null(node))
			return refuse(b, node->place, "a key is missing before the colon");
		if (!node->quoted && str_is(node->text, "<<"))
			return refuse(b, node->place, "merge keys (<<) are not allowed; write the keys out");
		in->key = node;
		return true;
	}
	node->key = in->key;
	in->key = NULL;
	struct yaml *whole = in->node, **slot;
	slot = arena_push(b->arena, &whole->items, &whole->count, &in->cap, sizeof *slot);
	*slot = node;
	return true;
}

static bool open_node(struct builder *b, enum yaml_kind kind) {
	struct yaml *node = ARENA_NEW(b->arena, struct yaml);
	*node = (struct yaml){.kind = kind, .place = b->at};
	if (!add_node(b, node))
		return false;
	if (b->depth == MAX_DEPTH)
		return refuse(b, b->at, "lists and maps are nested deeper than %d levels", MAX_DEPTH);
	b->open[b->depth++] = (struct open_node){.node = node};
	return true;
}

static bool add_scalar(struct builder *b, struct fy_token *value) {
	size_t len = 0;
	const char *text = value ? fy_token_get_text(value, &len) : "";
	if (!text && len > 0)
		return refuse(b, b->at, "this text could not be read");
	struct yaml *node = ARENA_NEW(b->arena, struct yaml);
	*node = (struct yaml){.kind = YAML_SCALAR, .place = b->at, .text = arena_str(b->arena, (struct str){text, len})};
	node->quoted = value && fy_token_scalar_style(value) != FYSS_PLAIN;
	if (!str_utf8_valid(node->text) || memchr(node->text.at, '\0', len))
		return refuse(b, b->at, "an escape in this text stands for no character that is allowed");
	return add_node(b, node);
}

static int place_order(struct yaml_place a, struct yaml_place b) {
	return a.line != b.line ? (a.line < b.line ? -1 : 1) : (a.column > b.column) - (a.column < b.column);
}

static int key_order(const void *left, const void *right) {
	const struct yaml *a = *(struct yaml *const *)left, *b = *(struct yaml *const *)right;
	int order = str_compare(a->text, b->text);
	return order ? order : place_order(a->place, b->place);
}

/* Sorted, because a hostile map may have 50,000 keys. */
static bool check_keys(struct builder *b, const struct yaml *map) {
	struct yaml **keys = ARENA_ARRAY(b->arena, map->count, struct yaml *);
	for (size_t i = 0; i < map->count; i++)
		keys[i] = map->items[i]->key;
	qsort(keys, map->count, sizeof(struct yaml *), key_order);
	const struct yaml *again = NULL, *first = NULL;
	for (size_t i = 1; i < map->count; i++) {
		if (!str_equal(keys[i - 1]->text, keys[i]->text) || (again && place_order(again->place, keys[i]->place) < 0))
			continue;
		first = keys[i - 1];
		again = keys[i];
	}
	if (!again)
		return true;
	return refuse(b, again->place, "the key \"%.*s\" stands here a second time; the first is in line %d",
	              shown(again->text), again->text.at, first->place.line);
}

static bool close_node(struct builder *b) {
	const struct open_node *done = &b->open[--b->depth];
	return done->node->kind == YAML_LIST || done->node->count < 2 || check_keys(b, done->node);
}

static bool start_document(struct builder *b) {
	if (++b->documents > 1)
		return refuse(b, b->at, "a second document begins here (---); only one is allowed in a file");
	return true;
}

/* Something that is not written, such as the value of `a:`, has no mark: the place before it serves. */
static struct yaml_place place_of(const struct builder *b, const struct fy_mark *mark) {
	return mark ? (struct yaml_place){b->file, mark->line + 1, mark->column + 1} : b->at;
}

static bool take_event(struct builder *b, struct fy_event *event) {
	b->at = place_of(b, fy_event_start_mark(event));
	if (event->type == FYET_ALIAS)
		return refuse(b, b->at, "aliases (*name) are not allowed; write the value out");
	struct fy_token *anchor = fy_event_get_anchor_token(event), *tag = fy_event_get_tag_token(event);
	if (anchor)
		return refuse(b, place_of(b, fy_token_start_mark(anchor)),
		              "anchors (&name) are not allowed; text that begins with & needs quotes");
	if (tag)
		return refuse(b, place_of(b, fy_token_start_mark(tag)),
		              "tags (!name) are not allowed; text that begins with ! needs quotes");
	switch (event->type) {
	case FYET_DOCUMENT_START: return start_document(b);
	case FYET_MAPPING_START: return open_node(b, YAML_MAP);
	case FYET_SEQUENCE_START: return open_node(b, YAML_LIST);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END: return close_node(b);
	case FYET_SCALAR: return add_scalar(b, event->scalar.value);
	default: return true;
	}
}

/* What libfyaml did not like: its first complaint has the place, later ones are consequences. */
static bool refuse_syntax(struct builder *b, struct fy_diag *diag) {
	void *iterator = NULL;
	const struct fy_diag_error *found = fy_diag_errors_iterate(diag, &iterator);
	if (!found || !found->msg)
		return refuse(b, b->at, "this is not valid YAML");
	struct yaml_place at = {b->file, found->line > 0 ? found->line : 1, found->column > 0 ? found->column : 1};
	struct str what = str_trim(str_from(found->msg));
	return refuse(b, at, "this is not valid YAML: %.*s", STR_ARG(what));
}

static bool take_events(struct builder *b, struct fy_diag *diag) {
	for (bool more = true; more;) {
		struct fy_event *event = fy_parser_parse(b->parser);
		if (!event)
			return refuse_syntax(b, diag);
		more = event->type != FYET_STREAM_END;
		bool good = take_event(b, event);
		fy_parser_event_free(b->parser, event);
		if (!good)
			return false;
	}
	return !fy_parser_get_stream_error(b->parser) || refuse_syntax(b, diag);
}

static void drop_output(struct fy_diag *diag, void *user, const char *text, size_t len) {
	(void)diag, (void)user, (void)text, (void)len;
}

static bool build(struct builder *b, struct str text) {
	struct fy_diag_cfg diag_config;
	fy_diag_cfg_default(&diag_config);
	diag_config.fp = NULL;
	diag_config.output_fn = drop_output;
	diag_config.colorize = false;
	struct fy_diag *diag = fy_diag_create(&diag_config);
	BUG_IF(!diag);
	fy_diag_set_collect_errors(diag, true);
	struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2, .diag = diag};
	b->parser = fy_parser_create(&config);
	BUG_IF(!b->parser || fy_parser_set_string(b->parser, text.at, text.len) != 0);
	bool good = take_events(b, diag);
	fy_parser_destroy(b->parser);
	fy_diag_destroy(diag);
	return good;
}

/* Bytes that no text file has: libfyaml would stop or misread there. And long runs of white space, for
 * which it needs quadratic time: a megabyte of blanks after "- " takes it minutes. */
static bool check_bytes(struct builder *b, struct str text) {
	struct yaml_place at = {b->file, 1, 1};
	int blanks = 0;
	for (size_t i = 0; i < text.len; at.column++) {
		uint32_t point = str_utf8_next(text, &i);
		if (point == UINT32_MAX)
			return refuse(b, at, "the file is not UTF-8 here (byte %02x)", (unsigned char)text.at[i - 1]);
		if ((point < ' ' && point != '\t' && point != '\n' && point != '\r') || (point >= 0x7F && point < 0xA0))
			return refuse(b, at, "a control character (U+%04X) is not allowed", (unsigned)point);
		blanks = point == ' ' || point == '\t' || point == '\n' || point == '\r' ? blanks + 1 : 0;
		if (blanks > MAX_BLANKS)
			return refuse(b, at, "more than %d blanks or empty lines in a row", MAX_BLANKS);
		if (point == '\n')
			at = (struct yaml_place){b->file, at.line + 1, 0};
	}
	return true;
}

struct yaml *yaml_parse(struct arena *a, const char *file, struct str text, struct err *err) {
	struct builder b = {.arena = a, .err = err, .file = arena_z(a, str_from(file))};
	b.at = (struct yaml_place){b.file, 1, 1};
	if (str_starts(text, STR("\xEF\xBB\xBF"))) /* a byte order mark */
		text = (struct str){text.at + 3, text.len - 3};
	if (text.len > MAX_BYTES) {
		refuse(&b, b.at, "the file is larger than %d bytes", MAX_BYTES);
		return NULL;
	}
	if (!check_bytes(&b, text) || (text.len > 0 && !build(&b, text)))
		return NULL;
	if (!b.root) { /* nothing but comments: the same as null */
		b.root = ARENA_NEW(a, struct yaml);
		*b.root = (struct yaml){.place = {b.file, 1, 1}, .text = STR("")};
	}
	return b.root;
}

struct yaml *yaml_read(struct arena *a, const char *path, struct err *err) {
	struct str text;
	if (file_read(a, path, MAX_BYTES + 1, &text, err))
		return yaml_parse(a, path, text, err);
	/* The same words with a place, as every error of this module has it. */
	struct err told = *err;
	struct str why = str_from(told.text), prefix = str_from(path);
	if (str_starts(why, prefix) && why.len > prefix.len + 2)
		why = (struct str){why.at + prefix.len + 2, why.len - prefix.len - 2};
	err_set(err, told.kind, told.key, "%s:1:1: %.*s", path, STR_ARG(why));
	err_arg(err, 0, prefix);
	return NULL;
}

const struct yaml *yaml_get(const struct yaml *map, const char *key) {
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (str_is(map->items[i]->key->text, key))
			return map->items[i];
	return NULL;
}

bool yaml_is_null(const struct yaml *node) {
	return node->kind == YAML_SCALAR && !node->quoted &&
	       (node->text.len == 0 || str_is(node->text, "~") || str_is(node->text, "null"));
}
