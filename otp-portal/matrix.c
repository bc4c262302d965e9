#include "otp-portal/matrix.h"

#include "engine/base/escape.h"
#include "otp-portal/choices.h"
#include "otp-portal/page.h"

/* FEW: so many levels stand in one line on the narrowest phone. REMIND: after so many rows the scale is out of sight. */
enum { FEW = 5, REMIND = 6 };

struct str matrix_row_name(const struct field_view *v, size_t row) {
	const struct field *field = v->item->field;
	struct str key = choice_row_key(v, row);
	return arena_printf(v->filling->prose.r->arena, "%.*s.%.*s", STR_ARG(field->name), STR_ARG(key));
}

static struct str level_words(const struct field_view *v, int64_t level) {
	struct arena *a = v->filling->prose.r->arena;
	return prose_get(&v->filling->prose, "fields", v->item->field->name, "scale", arena_printf(a, "%lld", (long long)level));
}

static bool is_few(const struct field_view *v) {
	return v->item->field->scale_max - v->item->field->scale_min < FEW;
}

static bool has_words(const struct field_view *v) {
	for (int64_t level = v->item->field->scale_min; level <= v->item->field->scale_max; level++)
		if (level_words(v, level).len > 0)
			return true;
	return false;
}

static void write_scale(const struct field_view *v) {
	struct buf *b = &v->out->body;
	buf_z(b, "<dl class=\"scale\">\n");
	for (int64_t level = v->item->field->scale_min; level <= v->item->field->scale_max; level++) {
		if (level_words(v, level).len == 0)
			continue;
		buf_printf(b, "<div><dt>%lld</dt><dd>", (long long)level);
		escape_html(b, level_words(v, level));
		buf_z(b, "</dd></div>\n");
	}
	buf_z(b, "</dl>\n");
}

/* On a phone the scale above is long gone; here it is again, folded. */
static void write_reminder(const struct field_view *v) {
	struct buf *b = &v->out->body;
	buf_z(b, is_few(v) ? "<details class=\"reminder few\"><summary>" : "<details class=\"reminder\"><summary>");
	page_word(v->filling->prose.r, v->out, "form.scale");
	buf_z(b, "</summary>\n");
	write_scale(v);
	buf_z(b, "</details>\n");
}

static const struct form_problem *row_problem(const struct field_view *v, struct str name) {
	for (size_t i = 0; i < v->problems->count; i++)
		if (str_equal(v->problems->items[i].name, name))
			return &v->problems->items[i];
	return NULL;
}

/* The words stand in the label for whoever cannot see the scale; the style sheet shows them where there is room, and under the row when chosen. */
static void write_level(const struct field_view *v, struct str name, size_t row, int64_t level) {
	struct buf *b = &v->out->body;
	struct str value = arena_printf(v->filling->prose.r->arena, "%lld", (long long)level);
	buf_z(b, "<label class=\"level\"><span class=\"pick\"><input type=\"radio\" name=\"");
	escape_html(b, name);
	buf_printf(b, "\" id=\"f-%.*s-%zu", STR_ARG(v->item->field->name), row);
	if (level > v->item->field->scale_min)
		buf_printf(b, "-%.*s", STR_ARG(value));
	if (v->focus && row == 0 && level == v->item->field->scale_min)
		buf_z(b, "\" autofocus value=\"");
	else
		buf_z(b, "\" value=\"");
	buf_printf(b, "%.*s\"%s> <b>%.*s</b></span>", STR_ARG(value), choice_is_shown(v, name, value) ? " checked" : "", STR_ARG(value));
	if (level_words(v, level).len > 0) {
		buf_z(b, " <span class=\"words\">");
		escape_html(b, level_words(v, level));
		buf_z(b, "</span>");
	}
	buf_z(b, "</label>\n");
}

static void write_row(const struct field_view *v, size_t row) {
	struct buf *b = &v->out->body;
	const struct field *field = v->item->field;
	struct str name = matrix_row_name(v, row);
	bool wrong = row_problem(v, name) != NULL;
	if (wrong)
		buf_printf(b, "<fieldset class=\"row wrong\" aria-describedby=\"e-%.*s-%zu\">\n<legend>", STR_ARG(field->name), row);
	else
		buf_z(b, "<fieldset class=\"row\">\n<legend>");
	escape_html(b, choice_row_label(v, row));
	buf_z(b, "</legend>\n");
	if (wrong) {
		buf_printf(b, "<p class=\"error\" id=\"e-%.*s-%zu\"><span class=\"sr\">", STR_ARG(field->name), row);
		page_word(v->filling->prose.r, v->out, "form.error-prefix");
		buf_z(b, "</span> ");
		page_word(v->filling->prose.r, v->out, "field.choose"); /* the row's name stands just above */
		buf_z(b, "</p>\n");
	}
	buf_z(b, is_few(v) ? "<div class=\"levels few\">\n" : "<div class=\"levels\">\n");
	for (int64_t level = field->scale_min; level <= field->scale_max; level++)
		write_level(v, name, row, level);
	buf_z(b, "</div>\n</fieldset>\n");
}

void matrix_write(const struct field_view *v) {
	bool words = has_words(v);
	if (words)
		write_scale(v);
	for (size_t row = 0; row < v->row_count; row++) {
		if (words && row > 0 && row % REMIND == 0)
			write_reminder(v);
		write_row(v, row);
	}
}
