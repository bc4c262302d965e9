#include "otp-portal/prose.h"

#include "engine/base/escape.h"
#include "engine/base/log.h"
#include "engine/workflow/markdown.h"
#include "engine/workflow/upload.h"
#include "otp-portal/file_answer.h"
#include "otp-portal/page.h"

#include <string.h>

enum { TEXT_LIMIT = 256 * 1024, BRIEF = 12 };

bool prose_read(struct prose *p, struct view *v, const struct instance *instance, struct err *err) {
	const struct definition *d = site_definition(p->r->world->options.site, v, instance->definition, err);
	if (!d)
		return false;
	struct value *values = ARENA_ARRAY(p->r->arena, d->fields.count + 1, struct value);
	p->definition = d;
	p->instance = instance;
	p->values = values;
	return data_from_json(d, instance->data, p->registers, p->r->arena, values, err);
}

int64_t prose_day(const struct prose *p) {
	return site_day(p->r->world->options.site, p->r->now);
}

const struct text *prose_find(const struct prose *p, const char *a, struct str b, const char *c, struct str d) {
	struct str third = c ? str_from(c) : (struct str){0};
	return texts_find(p->package->texts, language_code(p->r->language), str_from(a), b, third, d);
}

struct str prose_get(const struct prose *p, const char *a, struct str b, const char *c, struct str d) {
	const struct text *text = prose_find(p, a, b, c, d);
	return text ? text->written : STR("");
}

struct str prose_title(const struct prose *p) {
	struct str title = texts_get(p->package->texts, language_code(p->r->language), "title");
	return title.len > 0 ? title : p->definition->name;
}

struct str prose_start(const struct prose *p) {
	struct str title = prose_get(p, "forms", p->definition->start.form->name, "title", (struct str){0});
	return title.len > 0 ? title : prose_title(p);
}

struct str prose_label(const struct prose *p, struct str field) {
	struct str label = prose_get(p, "fields", field, "label", (struct str){0});
	return label.len > 0 ? label : field;
}

struct str prose_caption(const struct prose *p, struct str field) {
	return texts_caption(p->package->texts, language_code(p->r->language), field);
}

struct str prose_item(const struct prose *p, const struct field *group) {
	struct str item = prose_get(p, "fields", group->words, "item", (struct str){0});
	return item.len > 0 ? item : prose_label(p, group->words);
}

struct str prose_state(const struct prose *p, struct str state) {
	struct str label = prose_get(p, "states", state, NULL, (struct str){0});
	return label.len > 0 ? label : state;
}

struct str prose_value(const struct prose *p, const struct field *field, const struct value *value) {
	if (value->kind == KIND_UNSET)
		return STR("");
	return texts_value(p->package->texts, p->definition, p->r->language, site_zone(p->r->world->options.site), field, value,
	                   p->registers, p->r->arena);
}

static struct str in_one_line(struct arena *a, struct str lines) {
	struct str line = str_cut(&lines, '\n');
	while (lines.len > 0) {
		struct str next = str_cut(&lines, '\n');
		line = arena_printf(a, "%.*s; %.*s", STR_ARG(line), STR_ARG(next));
	}
	return line;
}

struct str prose_cell(const struct prose *p, const struct field *field, const struct value *value) {
	bool is_short = str_is(prose_get(p, "fields", field->words, "date", (struct str){0}), "short");
	if (field->kind == FIELD_GROUP)
		return in_one_line(p->r->arena, prose_value(p, field, value));
	if (value->kind != KIND_DATE || !is_short)
		return prose_value(p, field, value);
	return language_date_short(p->r->language, p->r->arena, value->integer);
}

static struct template_value text_value(struct str s) {
	return (struct template_value){.kind = s.len > 0 ? TV_TEXT : TV_NONE, .text = s};
}

static struct template_value list_value(const struct prose *p, const struct field *field, const struct value *list, struct arena *a) {
	struct template_value *items = ARENA_ARRAY(a, list->list.count, struct template_value);
	struct field one = *field;
	one.many = false;
	if (field->type.item)
		one.type = *field->type.item;
	for (size_t i = 0; i < list->list.count; i++)
		items[i] = text_value(prose_value(p, &one, &list->list.items[i]));
	struct template_value whole = text_value(prose_value(p, field, list));
	return (struct template_value){.kind = TV_LIST, .text = whole.text, .count = list->list.count, .items = items};
}

static struct template_value field_value(const struct prose *p, const struct field *field, struct str column, struct arena *a) {
	const struct value *value = &p->values[field->slot];
	if (value->kind == KIND_RECORD && column.len > 0) {
		const struct value *member = value_member(value, column);
		return member && member->kind != KIND_UNSET ? text_value(value_text(a, member)) : (struct template_value){0};
	}
	if (value->kind == KIND_BOOL)
		return (struct template_value){.kind = value->boolean ? TV_TRUE : TV_FALSE, .text = prose_value(p, field, value)};
	if (field->kind == FIELD_GROUP && value->kind == KIND_LIST)
		return texts_items(p->package->texts, p->definition, p->r->language, site_zone(p->r->world->options.site), field, value, p->registers, a);
	return value->kind == KIND_LIST ? list_value(p, field, value, a) : text_value(prose_value(p, field, value));
}

static struct template_value look_up(void *context, struct str name, struct arena *a) {
	const struct prose *p = context;
	struct str column = name, head = str_cut(&column, '.');
	const struct field *field = definition_field(p->definition, head);
	if (field && p->values)
		return field_value(p, field, column, a);
	if (str_is(name, "site"))
		return text_value(site_config(p->r->world->options.site)->name);
	if (p->instance && str_is(name, "reference"))
		return text_value(p->instance->reference);
	if (p->instance && str_is(name, "state"))
		return text_value(prose_state(p, p->instance->state));
	return (struct template_value){0};
}

void prose_write(const struct prose *p, const struct text *markdown, struct buf *out) {
	struct template_source source = {(void *)p, look_up};
	struct buf filled;
	struct err err;
	if (markdown && !markdown->template)
		buf_str(out, markdown->html);
	if (!markdown || !markdown->template)
		return;
	buf_init(&filled, TEXT_LIMIT);
	if (template_render(markdown->template, TEMPLATE_MARKDOWN, &source, p->r->arena, &filled, &err))
		markdown_html(buf_text(&filled), false, out);
	else /* it passed the check of its package, so that is for the log alone */
		log_err(LOG_WARN, "text-failed", &err);
	buf_free(&filled);
}

/* Lines of a value stay lines. */
static void write_lines(struct buf *out, struct str text) {
	while (text.len > 0) {
		escape_html(out, str_cut(&text, '\n'));
		buf_z(out, text.len > 0 ? "<br>" : "");
	}
}

/* A date in figures must not be broken at its hyphens. */
static void write_brief(struct buf *out, struct str text) {
	buf_z(out, "<span class=\"brief\">");
	escape_html(out, text);
	buf_z(out, "</span>");
}

static void write_row_name(const struct prose *p, const struct field *field, struct str key, struct buf *out) {
	escape_html(out, texts_row(p->package->texts, p->r->language, field, key, p->registers, p->r->arena));
}

/* A matrix as a table: the row, the level's number, its words. */
static void write_matrix(const struct prose *p, const struct field *field, const struct value *map, struct buf *out) {
	buf_z(out, "<table class=\"levels-given\">\n");
	for (size_t i = 0; i < map->list.count; i++) {
		struct str number = arena_printf(p->r->arena, "%lld", (long long)map->list.items[i].integer);
		struct str words = prose_get(p, "fields", field->words, "scale", number);
		buf_z(out, "<tr><th scope=\"row\">");
		write_row_name(p, field, map->list.keys[i], out);
		buf_printf(out, "</th><td><b>%.*s</b>", STR_ARG(number));
		if (words.len > 0)
			buf_char(out, ' ');
		escape_html(out, words);
		buf_z(out, "</td></tr>\n");
	}
	buf_z(out, "</table>");
}

/* Files are links to themselves, below the page's own path. */
static void write_files(const struct prose *p, const struct field *field, const struct value *value, struct buf *out) {
	bool list = value->kind == KIND_LIST;
	size_t count = list ? value->list.count : 1;
	buf_z(out, "<ul class=\"values\">");
	for (size_t i = 0; i < count; i++) {
		struct upload upload = upload_of(list ? &value->list.items[i] : value);
		buf_z(out, "<li>");
		file_answer_link(p, field, i, &upload, out);
		buf_z(out, "</li>");
	}
	buf_z(out, "</ul>");
}

static void write_list(const struct prose *p, const struct field *field, const struct value *list, struct buf *out) {
	struct field one = *field;
	one.many = false;
	if (field->type.item)
		one.type = *field->type.item;
	buf_z(out, "<ul class=\"values\">");
	for (size_t i = 0; i < list->list.count; i++) {
		buf_z(out, "<li>");
		escape_html(out, prose_value(p, &one, &list->list.items[i]));
		buf_z(out, "</li>");
	}
	buf_z(out, "</ul>");
}

/* Each item with all its fields, those that were not given too. */
static void write_items(const struct prose *p, const struct field *group, const struct value *list, struct response *out) {
	struct prose inside = *p;
	buf_z(&out->body, "<ol class=\"items\">\n");
	for (size_t i = 0; i < list->list.count; i++) {
		inside.values = list->list.items[i].record.members;
		buf_z(&out->body, "<li><p>");
		escape_html(&out->body, prose_item(p, group));
		buf_printf(&out->body, " %zu</p>\n<dl class=\"parts\">\n", i + 1);
		for (size_t k = 0; k < group->fields.count; k++)
			prose_row(&inside, &group->fields.items[k], STR(""), out);
		buf_z(&out->body, "</dl></li>\n");
	}
	buf_z(&out->body, "</ol>");
}

static void write_value(const struct prose *p, const struct field *field, const struct value *value, struct response *out) {
	struct str text = prose_cell(p, field, value);
	if (text.len == 0)
		page_word(p->r, out, "form.not-given");
	else if (value->kind == KIND_MAP)
		write_matrix(p, field, value, &out->body);
	else if (field->kind == FIELD_GROUP)
		write_items(p, field, value, out);
	else if (field->kind == FIELD_FILE)
		write_files(p, field, value, &out->body);
	else if (value->kind == KIND_LIST && value->list.count > 1)
		write_list(p, field, value, &out->body);
	else if (value->kind == KIND_DATE && text.len <= BRIEF)
		write_brief(&out->body, text);
	else
		write_lines(&out->body, text);
}

void prose_row(const struct prose *p, const struct field *field, struct str change, struct response *out) {
	struct buf *b = &out->body;
	const struct value *value = &p->values[field->slot];
	bool whole = value->kind == KIND_MAP || (field->kind == FIELD_GROUP && value->kind == KIND_LIST);
	buf_z(b, whole ? "<div class=\"whole\"><dt>" : "<div><dt>");
	escape_html(b, prose_caption(p, field->words));
	buf_z(b, "</dt><dd>");
	write_value(p, field, value, out);
	buf_z(b, "</dd>");
	if (change.len > 0) {
		buf_z(b, "<dd class=\"change\"><a href=\"");
		escape_html(b, change);
		buf_z(b, "\">");
		page_word(p->r, out, "form.change");
		buf_z(b, "<span class=\"sr\"> ");
		escape_html(b, prose_caption(p, field->words));
		buf_z(b, "</span></a></dd>");
	}
	buf_z(b, "</div>\n");
}
