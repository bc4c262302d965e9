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

struct str choice_row_key(const struct field_view *v, size_t row) {
	return v->rows[row].record.members[v->item->field->reg->record.key].string;
}

struct str choice_row_label(const struct field_view *v, size_t row) {
	return prose_value(&v->filling->prose, v->item->field, &v->rows[row]);
}

static struct str option_value(const struct field_view *v, size_t i) {
	const struct field *field = v->item->field;
	if (field->kind == FIELD_REF)
		return choice_row_key(v, i);
	return field->kind == FIELD_CHOICE ? field->options.items[i] : i == 0 ? STR("true") : STR("false");
}

static struct str option_label(const struct field_view *v, size_t i) {
	const struct field *field = v->item->field;
	const struct prose *p = &v->filling->prose;
	if (field->kind == FIELD_REF)
		return choice_row_label(v, i);
	struct str value = option_value(v, i);
	struct str label = prose_get(p, "fields", field->words, "options", value);
	if (label.len > 0)
		return label;
	return field->kind == FIELD_CHOICE ? value : language_word(p->r->language, i == 0 ? "form.yes" : "form.no");
}

bool choice_is_among(const struct answer *answer, struct str value) {
	for (size_t i = 0; answer && i < answer->texts.count; i++)
		if (str_equal(str_trim(answer->texts.items[i]), value))
			return true;
	return false;
}

static void write_box(const struct field_view *v, const char *type, size_t i) {
	struct buf *b = &v->out->body;
	struct str name = v->item->field->name, value = option_value(v, i);
	buf_printf(b, "<label class=\"box\"><input type=\"%s\" name=\"%.*s\" id=\"f-%.*s", type, STR_ARG(name), STR_ARG(v->id));
	if (i > 0)
		buf_printf(b, "-%zu", i);
	buf_z(b, "\" value=\"");
	escape_html(b, value);
	buf_char(b, '"');
	if (v->item->field->accept)
		field_write_description(v);
	if (v->focus && i == 0)
		buf_z(b, " autofocus");
	buf_z(b, choice_is_among(answers_get(v->shown, name), value) ? " checked> <span>" : "> <span>");
	if (v->item->field->accept)
		field_write_label(v);
	else
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
	buf_printf(b, "<select name=\"%.*s\" id=\"f-%.*s\"", STR_ARG(name), STR_ARG(v->id));
	field_write_description(v);
	if (v->focus)
		buf_z(b, " autofocus");
	buf_z(b, ">\n<option value=\"\">");
	page_word(v->filling->prose.r, v->out, "form.choose");
	buf_z(b, "</option>\n");
	const struct answer *answer = answers_get(v->shown, name);
	for (size_t i = 0; i < option_count(v); i++) {
		struct str value = option_value(v, i);
		buf_z(b, "<option value=\"");
		escape_html(b, value);
		buf_z(b, choice_is_among(answer, value) ? "\" selected>" : "\">");
		escape_html(b, option_label(v, i));
		buf_z(b, "</option>\n");
	}
	buf_z(b, "</select>\n");
}
