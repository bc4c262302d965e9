/* stafet render: a message file over the members of a JSON object, as an author wants to see it. */
#include "cli/command.h"
#include "engine/workflow/markdown.h"
#include "engine/workflow/template.h"

#include <jansson.h>
#include <string.h>

enum { FILE_LIMIT = 1 << 20 };

static struct template_value json_value(struct arena *a, json_t *node);

static void add_members(struct arena *a, json_t *object, struct template_value *out) {
	struct template_member *members = ARENA_ARRAY(a, json_object_size(object), struct template_member);
	const char *key;
	json_t *node;
	json_object_foreach(object, key, node) {
		struct template_value *value = ARENA_NEW(a, struct template_value);
		*value = json_value(a, node);
		members[out->member_count++] = (struct template_member){arena_str(a, str_from(key)), value};
	}
	out->members = members;
}

static struct template_value json_value(struct arena *a, json_t *node) {
	struct template_value v = {.kind = TV_NONE};
	struct template_value *items;
	struct str text;
	switch (json_typeof(node)) {
	case JSON_STRING:
		text = arena_str(a, (struct str){json_string_value(node), json_string_length(node)});
		v.kind = str_starts(text, STR("https://")) || str_starts(text, STR("http://")) ? TV_URL : TV_TEXT;
		v.text = text;
		break;
	case JSON_INTEGER:
		v = (struct template_value){.kind = TV_TEXT, .text = arena_printf(a, "%lld", (long long)json_integer_value(node))};
		break;
	case JSON_REAL:
		v = (struct template_value){.kind = TV_TEXT, .text = arena_printf(a, "%.15g", json_real_value(node))};
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		v.kind = json_is_true(node) ? TV_TRUE : TV_FALSE;
		break;
	case JSON_ARRAY:
		items = ARENA_ARRAY(a, json_array_size(node), struct template_value);
		for (size_t i = 0; i < json_array_size(node); i++)
			items[i] = json_value(a, json_array_get(node, i));
		v = (struct template_value){.kind = TV_LIST, .count = json_array_size(node), .items = items};
		break;
	case JSON_OBJECT: /* an item, or what dotted names step into */
		add_members(a, node, &v);
		break;
	case JSON_NULL:
		break;
	}
	return v;
}

/* Dotted names step into objects. */
static struct template_value lookup(void *context, struct str name, struct arena *a) {
	json_t *node = context;
	while (name.len > 0 && node)
		node = json_object_get(node, arena_z(a, str_cut(&name, '.')));
	return node ? json_value(a, node) : (struct template_value){.kind = TV_NONE};
}

static bool render_part(struct arena *a, struct str text, struct yaml_place place, enum template_target target, json_t *data, struct buf *rendered,
                        struct problems *problems, struct err *err) {
	struct template_source source = {data, lookup};
	const struct template *t = template_compile(a, text, place, problems);
	if (!t)
		return err_set(err, ERR_INPUT, "error.input", "%s cannot be read", place.file);
	return template_render(t, target, &source, a, rendered, err);
}

/* "subject: ..." up to a line of "---", then the body. line: where the body begins. */
static struct str split_subject(struct str *body, int *line) {
	struct str rest = *body, subject = STR("");
	for (int number = 1; rest.len > 0; number++) {
		struct str head = str_trim(str_cut(&rest, '\n'));
		if (str_starts(head, STR("subject:")))
			subject = str_trim((struct str){head.at + 8, head.len - 8});
		if (str_is(head, "---")) {
			*body = rest;
			*line = number + 1;
			return subject;
		}
	}
	return subject;
}

static bool render(struct arena *a, const char *path, const char *target, json_t *data, struct buf *out, struct problems *problems, struct err *err) {
	struct str body;
	struct buf rendered;
	int line = 1;
	if (!file_read(a, path, FILE_LIMIT, &body, err))
		return false;
	bool sms = strcmp(target, "sms") == 0;
	struct str subject = sms ? STR("") : split_subject(&body, &line);
	buf_init(&rendered, FILE_LIMIT);
	bool ok = subject.len == 0 || render_part(a, subject, (struct yaml_place){path, 1, 1}, TEMPLATE_HEADER, data, &rendered, problems, err);
	if (ok && subject.len > 0 && strcmp(target, "text") == 0)
		buf_printf(out, "%s: %s\n\n", "Subject", rendered.at);
	buf_clear(&rendered);
	ok = ok && render_part(a, body, (struct yaml_place){path, line, 1}, sms ? TEMPLATE_SMS : TEMPLATE_MARKDOWN, data, &rendered, problems, err);
	if (ok && sms)
		buf_str(out, buf_text(&rendered));
	else if (ok && strcmp(target, "html") == 0)
		markdown_html(buf_text(&rendered), true, out);
	else if (ok)
		markdown_text(buf_text(&rendered), out);
	buf_free(&rendered);
	return ok;
}

int command_render(struct arguments *args, struct buf *out) {
	const char *data_path = arguments_option(args, "--data"), *target = arguments_option(args, "--to");
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct str text = STR("{}");
	struct err err = {0};
	json_error_t where;
	json_t *data = NULL;
	int status = EXIT_USAGE;
	if (!target)
		target = args->count == 1 && str_ends(str_from(args->items[0]), STR(".txt")) ? "sms" : "text";
	bool known = strcmp(target, "text") == 0 || strcmp(target, "html") == 0 || strcmp(target, "sms") == 0;
	if (strcmp(target, "pdf") == 0) {
		buf_z(out, "stafet: PDF documents are not part of this version\n");
		status = EXIT_FAULT;
	} else if (arguments_unknown(args, out) || args->count != 1 || !known) {
		buf_z(out, "usage: stafet render FILE --data FILE.json [--to text|html|sms]\n");
	} else if (data_path && !file_read(a, data_path, FILE_LIMIT, &text, &err)) {
		status = EXIT_FAULT;
	} else if (data = json_loadb(text.at, text.len, 0, &where), !json_is_object(data)) {
		err_set(&err, ERR_INPUT, "error.input", "%s:%d:%d: %s", data_path, where.line, where.column, data ? "a JSON object is expected" : where.text);
		status = EXIT_FAULT;
	} else {
		status = render(a, args->items[0], target, data, out, &problems, &err) ? EXIT_GOOD : EXIT_FAULT;
	}
	problems_print(&problems, out);
	if (err.kind != ERR_NONE)
		buf_printf(out, "stafet: %s\n", err.text);
	json_decref(data);
	arena_free(a);
	return status;
}
