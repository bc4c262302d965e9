/* stafet render: a message or document file over the members of a JSON object, as an author wants to see it. */
#include "cli/command.h"
#include "document/document.h"
#include "engine/base/clock.h"
#include "engine/base/colour.h"
#include "engine/base/config.h"
#include "engine/base/language.h"
#include "engine/workflow/markdown.h"
#include "engine/workflow/texts.h"

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

static bool render_template(struct arena *a, const struct template *t, enum template_target target, json_t *data, struct buf *rendered, struct err *err) {
	struct template_source source = {data, lookup};
	return template_render(t, target, &source, a, rendered, err);
}

static bool render_part(struct arena *a, struct str text, struct yaml_place place, enum template_target target, json_t *data, struct buf *rendered,
                        struct problems *problems, struct err *err) {
	const struct template *t = template_compile(a, text, place, problems);
	if (!t)
		return err_set(err, ERR_INPUT, "error.input", "%s cannot be read", place.file);
	return render_template(a, t, target, data, rendered, err);
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

/* What a file became: subject, and body in the target's form. */
struct rendered {
	struct buf subject, body;
};

static bool render(struct arena *a, const char *path, bool sms, json_t *data, struct rendered *out, struct problems *problems, struct err *err) {
	struct str body;
	int line = 1;
	if (!file_read(a, path, FILE_LIMIT, &body, err))
		return false;
	struct str subject = sms ? STR("") : split_subject(&body, &line);
	return (subject.len == 0 || render_part(a, subject, (struct yaml_place){path, 1, 1}, TEMPLATE_HEADER, data, &out->subject, problems, err)) &&
	       render_part(a, body, (struct yaml_place){path, line, 1}, sms ? TEMPLATE_SMS : TEMPLATE_MARKDOWN, data, &out->body, problems, err);
}

/* "please-assess.da.md": the language between the last two points; Danish where the site has none of that name. */
static struct str language_of(const char *path) {
	struct str rest = str_from(strrchr(path, '/') ? strrchr(path, '/') + 1 : path), part = STR(""), before = STR("");
	while (rest.len > 0) {
		before = part;
		part = str_cut(&rest, '.');
	}
	return before;
}

static struct str member(struct arena *a, json_t *data, const char *name) {
	json_t *node = json_object_get(data, name);
	return json_is_string(node) ? arena_str(a, (struct str){json_string_value(node), json_string_length(node)}) : STR("");
}

struct pdf_wish {
	const char *path, *folder, *at; /* folder: of a site, or NULL; at: when it is made, or NULL */
};

/* Words and dates of the file's language; the site's name, mark and colour. */
static bool lay_out(struct arena *a, const struct pdf_wish *wish, const struct document_text *text, const struct language *language, json_t *data, struct document_layout *out,
                    struct err *err) {
	struct site_config none = {.zone = STR("Europe/Copenhagen")}, *config = wish->folder ? config_read(a, wish->folder, err) : &none;
	struct zone *zone = config ? zone_open(arena_z(a, config->zone), err) : NULL;
	struct str reference = member(a, data, "reference"), site = member(a, data, "site");
	struct colour_set *colours = ARENA_NEW(a, struct colour_set);
	int64_t local;
	if (!zone)
		return false;
	out->instant = clock_now();
	bool ok = !wish->at || civil_parse_datetime(str_from(wish->at), &local) ||
	          err_set(err, ERR_INPUT, "error.input", "--at %s: a date and a time are expected, as 2026-11-21T12:00", wish->at);
	if (ok && wish->at)
		out->instant = zone_instant(zone, local);
	out->date = text->date ? language_date(language, a, civil_day_of(zone_local(zone, out->instant))) : STR("");
	zone_close(zone);
	colour_light(config->colour, colours);
	out->language = language_code(language);
	out->site = !text->logo ? STR("") : site.len > 0 ? site : config->name;
	out->reference = text->reference && reference.len > 0 ? language_text(language, a, "document.reference", reference, STR("")) : STR("");
	out->pages = text->pages ? language_word(language, "document.pages") : STR("");
	out->colour = str_from(colours->text);
	out->logo = text->logo && config->logo.ending && strcmp(config->logo.ending, "png") == 0 ? config->logo.bytes : STR("");
	return ok;
}

static bool write_pdf(struct arena *a, const struct pdf_wish *wish, json_t *data, struct rendered *rendered, struct buf *out, struct problems *problems, struct err *err) {
	struct document_layout layout = {.title = STR("")};
	struct document_text text = {0};
	struct languages *languages = languages_open(NULL, err);
	struct str pdf;
	bool ok = languages && (texts_read_document(a, wish->path, &text, problems) || err_set(err, ERR_INPUT, "error.input", "%s cannot be read", wish->path)) &&
	          lay_out(a, wish, &text, language_get(languages, language_of(wish->path)), data, &layout, err) &&
	          render_template(a, text.title, TEMPLATE_HEADER, data, &rendered->subject, err) && render_template(a, text.body, TEMPLATE_MARKDOWN, data, &rendered->body, err);
	layout.title = buf_text(&rendered->subject);
	ok = ok && document_pdf(a, buf_text(&rendered->body), &layout, &pdf, err);
	if (ok)
		buf_str(out, pdf);
	languages_close(languages);
	return ok;
}

static void write_target(const char *target, const struct rendered *rendered, struct buf *out) {
	struct str subject = buf_text(&rendered->subject), body = buf_text(&rendered->body);
	if (strcmp(target, "text") == 0 && subject.len > 0)
		buf_printf(out, "Subject: %.*s\n\n", STR_ARG(subject));
	if (strcmp(target, "sms") == 0)
		buf_str(out, body);
	else if (strcmp(target, "html") == 0)
		markdown_html(body, true, out);
	else
		markdown_text(body, out);
}

static bool is_target(const char *target) {
	static const char *const targets[] = {"text", "html", "pdf", "sms"};
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
		if (strcmp(targets[i], target) == 0)
			return true;
	return false;
}

int command_render(struct arguments *args, struct buf *out) {
	const char *data_path = arguments_option(args, "--data"), *target = arguments_option(args, "--to");
	struct pdf_wish wish = {.folder = arguments_option(args, "--site"), .at = arguments_option(args, "--at")};
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct rendered rendered;
	struct str text = STR("{}");
	struct err err = {0};
	json_error_t where;
	json_t *data = NULL;
	int status = EXIT_USAGE;
	buf_init(&rendered.subject, FILE_LIMIT);
	buf_init(&rendered.body, FILE_LIMIT);
	if (!target)
		target = args->count == 1 && str_ends(str_from(args->items[0]), STR(".txt")) ? "sms" : "text";
	if (arguments_unknown(args, out) || args->count != 1 || !is_target(target)) {
		buf_z(out, "usage: stafet render FILE --data FILE.json [--to text|html|sms]\n"
		           "       stafet render FILE --data FILE.json --to pdf [--site DIR] [--at 2026-11-21T12:00] >FILE.pdf\n");
	} else if (data_path && !file_read(a, data_path, FILE_LIMIT, &text, &err)) {
		status = EXIT_FAULT;
	} else if (data = json_loadb(text.at, text.len, 0, &where), !json_is_object(data)) {
		err_set(&err, ERR_INPUT, "error.input", "%s:%d:%d: %s", data_path, where.line, where.column, data ? "a JSON object is expected" : where.text);
		status = EXIT_FAULT;
	} else {
		wish.path = args->items[0];
		bool pdf = strcmp(target, "pdf") == 0;
		bool ok = pdf ? write_pdf(a, &wish, data, &rendered, out, &problems, &err) : render(a, wish.path, strcmp(target, "sms") == 0, data, &rendered, &problems, &err);
		if (ok && !pdf)
			write_target(target, &rendered, out);
		status = ok ? EXIT_GOOD : EXIT_FAULT;
	}
	problems_print(&problems, out);
	if (err.kind != ERR_NONE)
		buf_printf(out, "stafet: %s\n", err.text);
	json_decref(data);
	buf_free(&rendered.subject);
	buf_free(&rendered.body);
	arena_free(a);
	return status;
}
