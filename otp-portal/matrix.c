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

/* The levels of all rows. */
struct scale {
	struct level {
		struct str number, words;
	} *levels;
	size_t count;
	bool few, words; /* some have words */
};

static struct scale scale_of(const struct field_view *v) {
	const struct field *field = v->item->field;
	struct arena *a = v->filling->prose.r->arena;
	size_t count = (size_t)(field->scale_max - field->scale_min + 1);
	struct scale s = {.levels = ARENA_ARRAY(a, count, struct level), .count = count, .few = count <= FEW};
	for (size_t i = 0; i < count; i++) {
		struct level *level = &s.levels[i];
		level->number = arena_printf(a, "%lld", (long long)(field->scale_min + (int64_t)i));
		level->words = prose_get(&v->filling->prose, "fields", field->name, "scale", level->number);
		s.words = s.words || level->words.len > 0;
	}
	return s;
}

static void write_scale(const struct scale *s, struct buf *b) {
	buf_z(b, "<dl class=\"scale\">\n");
	for (size_t i = 0; i < s->count; i++) {
		if (s->levels[i].words.len == 0)
			continue;
		buf_printf(b, "<div><dt>%.*s</dt><dd>", STR_ARG(s->levels[i].number));
		escape_html(b, s->levels[i].words);
		buf_z(b, "</dd></div>\n");
	}
	buf_z(b, "</dl>\n");
}

/* On a phone the scale above is long gone; here it is again, folded. */
static void write_reminder(const struct field_view *v, const struct scale *s) {
	struct buf *b = &v->out->body;
	buf_z(b, s->few ? "<details class=\"reminder few\"><summary>" : "<details class=\"reminder\"><summary>");
	page_word(v->filling->prose.r, v->out, "form.scale");
	buf_z(b, "</summary>\n");
	write_scale(s, b);
	buf_z(b, "</details>\n");
}

static const struct form_problem *row_problem(const struct field_view *v, struct str name) {
	for (size_t i = 0; i < v->problems->count; i++)
		if (str_equal(v->problems->items[i].name, name))
			return &v->problems->items[i];
	return NULL;
}

/* The words stand in the label for whoever cannot see the scale; the style sheet shows them where there is room, and under the row when chosen. */
static void write_level(const struct field_view *v, const struct level *level, struct str name, size_t row, bool first, bool chosen) {
	struct buf *b = &v->out->body;
	buf_z(b, "<label class=\"level\"><span class=\"pick\"><input type=\"radio\" name=\"");
	escape_html(b, name);
	buf_printf(b, "\" id=\"f-%.*s-%zu", STR_ARG(v->item->field->name), row);
	if (!first)
		buf_printf(b, "-%.*s", STR_ARG(level->number));
	buf_z(b, v->focus && row == 0 && first ? "\" autofocus value=\"" : "\" value=\"");
	buf_printf(b, "%.*s\"%s> <b>%.*s</b></span>", STR_ARG(level->number), chosen ? " checked" : "", STR_ARG(level->number));
	if (level->words.len > 0) {
		buf_z(b, " <span class=\"words\">");
		escape_html(b, level->words);
		buf_z(b, "</span>");
	}
	buf_z(b, "</label>\n");
}

static void write_row(const struct field_view *v, const struct scale *s, size_t row) {
	struct buf *b = &v->out->body;
	const struct field *field = v->item->field;
	struct str name = matrix_row_name(v, row);
	const struct answer *answer = answers_get(v->shown, name);
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
	buf_z(b, s->few ? "<div class=\"levels few\">\n" : "<div class=\"levels\">\n");
	for (size_t i = 0; i < s->count; i++)
		write_level(v, &s->levels[i], name, row, i == 0, choice_is_among(answer, s->levels[i].number));
	buf_z(b, "</div>\n</fieldset>\n");
}

void matrix_write(const struct field_view *v) {
	struct scale scale = scale_of(v);
	if (scale.words)
		write_scale(&scale, &v->out->body);
	for (size_t row = 0; row < v->row_count; row++) {
		if (scale.words && row > 0 && row % REMIND == 0)
			write_reminder(v, &scale);
		write_row(v, &scale, row);
	}
}
