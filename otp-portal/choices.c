#include "otp-portal/choices.h"

#include "engine/base/escape.h"
#include "otp-portal/page.h"

enum { RADIOS = 7 };

bool choice_is_one(const struct field *field) {
	return field->kind == FIELD_BOOL || field->kind == FIELD_CHOICE || field->kind == FIELD_REF;
}

static size_t option_count(const struct field_view *v) {
	const struct field *field = v->item->field;
	return field->kind == FIELD_REF ? v->row_count : field->kind == FIELD_CHOICE ? field->options.count : field->accept ? 1 : 2;
}

bool choice_is_long(const struct field_view *v) {
	return option_count(v) > RADIOS && !v->item->field->many;
}

static struct str row_text(const struct field_view *v, size_t row, size_t column) {
	const struct value *member = &v->rows[row].record.members[column];
	return member->kind == KIND_STRING ? member->string : value_text(v->filling->prose.r->arena, member);
}

static struct str option_value(const struct field_view *v, size_t i) {
	const struct field *field = v->item->field;
	if (field->kind == FIELD_REF)
		return row_text(v, i, field->reg->record.key);
	return field->kind == FIELD_CHOICE ? field->options.items[i] : i == 0 ? STR("true") : STR("false");
}

static struct str option_label(const struct field_view *v, size_t i) {
	const struct field *field = v->item->field;
	const struct prose *p = &v->filling->prose;
	if (field->kind == FIELD_REF)
		return row_text(v, i, field->reg->label);
	if (field->accept)
		return prose_label(p, field->name);
	struct str value = option_value(v, i);
	struct str label = prose_get(p, "fields", field->name, "options", value);
	if (label.len > 0)
		return label;
	return field->kind == FIELD_CHOICE ? value : language_word(p->r->language, i == 0 ? "form.yes" : "form.no");
}

static bool is_shown(const struct field_view *v, struct str name, struct str value) {
	const struct answer *answer = answers_get(v->shown, name);
	for (size_t i = 0; answer && i < answer->texts.count; i++)
		if (str_equal(str_trim(answer->texts.items[i]), value))
			return true;
	return false;
}

static void write_box(const struct field_view *v, const char *type, size_t i) {
	struct buf *b = &v->out->body;
	struct str name = v->item->field->name, value = option_value(v, i);
	buf_printf(b, "<label class=\"box\"><input type=\"%s\" name=\"%.*s\" id=\"f-%.*s", type, STR_ARG(name), STR_ARG(name));
	if (i > 0)
		buf_printf(b, "-%zu", i);
	buf_z(b, "\" value=\"");
	escape_html(b, value);
	buf_z(b, is_shown(v, name, value) ? "\" checked> <span>" : "\"> <span>");
	escape_html(b, option_label(v, i));
	buf_z(b, "</span></label>\n");
}

void choice_write_boxes(const struct field_view *v) {
	const char *type = v->item->field->many || v->item->field->accept ? "checkbox" : "radio";
	for (size_t i = 0; i < option_count(v); i++)
		write_box(v, type, i);
	/* An optional radio once chosen cannot be taken back without script. */
	if (v->item->optional && !v->item->field->many && !v->item->field->accept) {
		struct str name = v->item->field->name;
		buf_printf(&v->out->body, "<label class=\"box\"><input type=\"radio\" name=\"%.*s\" value=\"\"> <span>", STR_ARG(name));
		page_word(v->filling->prose.r, v->out, "form.not-given");
		buf_z(&v->out->body, "</span></label>\n");
	}
}

void choice_write_select(const struct field_view *v) {
	struct buf *b = &v->out->body;
	struct str name = v->item->field->name;
	buf_printf(b, "<select name=\"%.*s\" id=\"f-%.*s\"", STR_ARG(name), STR_ARG(name));
	field_write_description(v);
	buf_z(b, ">\n<option value=\"\">");
	page_word(v->filling->prose.r, v->out, "form.choose");
	buf_z(b, "</option>\n");
	for (size_t i = 0; i < option_count(v); i++) {
		struct str value = option_value(v, i);
		buf_z(b, "<option value=\"");
		escape_html(b, value);
		buf_z(b, is_shown(v, name, value) ? "\" selected>" : "\">");
		escape_html(b, option_label(v, i));
		buf_z(b, "</option>\n");
	}
	buf_z(b, "</select>\n");
}

struct str choice_row_name(const struct field_view *v, size_t row) {
	const struct field *field = v->item->field;
	struct str key = row_text(v, row, field->reg->record.key);
	return arena_printf(v->filling->prose.r->arena, "%.*s.%.*s", STR_ARG(field->name), STR_ARG(key));
}

static struct str level_label(const struct field_view *v, int64_t level) {
	struct arena *a = v->filling->prose.r->arena;
	return prose_get(&v->filling->prose, "fields", v->item->field->name, "scale", arena_printf(a, "%lld", (long long)level));
}

/* What the numbers mean, once, above all rows. */
static void write_scale(const struct field_view *v) {
	struct buf *b = &v->out->body;
	const struct field *field = v->item->field;
	buf_z(b, "<dl class=\"scale\">\n");
	for (int64_t level = field->scale_min; level <= field->scale_max; level++) {
		buf_printf(b, "<div><dt>%lld</dt><dd>", (long long)level);
		escape_html(b, level_label(v, level));
		buf_z(b, "</dd></div>\n");
	}
	buf_z(b, "</dl>\n");
}

static const struct form_problem *row_problem(const struct field_view *v, struct str name) {
	for (size_t i = 0; i < v->problems->count; i++)
		if (str_equal(v->problems->items[i].name, name))
			return &v->problems->items[i];
	return NULL;
}

static void write_level(const struct field_view *v, struct str name, size_t row, int64_t level) {
	struct buf *b = &v->out->body;
	struct str value = arena_printf(v->filling->prose.r->arena, "%lld", (long long)level);
	buf_z(b, "<label class=\"level\"><input type=\"radio\" name=\"");
	escape_html(b, name);
	buf_printf(b, "\" id=\"f-%.*s-%zu", STR_ARG(v->item->field->name), row);
	if (level > v->item->field->scale_min)
		buf_printf(b, "-%.*s", STR_ARG(value));
	buf_printf(b, "\" value=\"%.*s\"%s> <span>%.*s", STR_ARG(value), is_shown(v, name, value) ? " checked" : "", STR_ARG(value));
	if (level_label(v, level).len > 0) {
		buf_z(b, "<span class=\"sr\">: ");
		escape_html(b, level_label(v, level));
		buf_z(b, "</span>");
	}
	buf_z(b, "</span></label>\n");
}

static void write_matrix_row(const struct field_view *v, size_t row) {
	struct buf *b = &v->out->body;
	struct str name = choice_row_name(v, row);
	const struct form_problem *problem = row_problem(v, name);
	buf_z(b, problem ? "<fieldset class=\"row wrong\">\n<legend>" : "<fieldset class=\"row\">\n<legend>");
	escape_html(b, row_text(v, row, v->item->field->reg->label));
	buf_z(b, "</legend>\n");
	if (problem) {
		buf_z(b, "<p class=\"error\">");
		escape_html(b, field_problem_text(v, problem));
		buf_z(b, "</p>\n");
	}
	buf_z(b, "<div class=\"levels\">\n");
	for (int64_t level = v->item->field->scale_min; level <= v->item->field->scale_max; level++)
		write_level(v, name, row, level);
	buf_z(b, "</div>\n</fieldset>\n");
}

void choice_write_matrix(const struct field_view *v) {
	write_scale(v);
	for (size_t row = 0; row < v->row_count; row++)
		write_matrix_row(v, row);
}
