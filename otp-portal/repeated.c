#include "otp-portal/repeated.h"

#include "engine/base/escape.h"
#include "otp-portal/page.h"

static size_t inputs_wanted(const struct field_view *v) {
	const struct answer *answer = answers_get(v->shown, v->item->field->name);
	size_t given = answer ? answer->texts.count : 0, least = given > 0 ? given : 1;
	return v->more && least < (size_t)v->item->field->many_max ? least + 1 : least;
}

static void write_remove(const struct field_view *v, size_t index) {
	struct buf *b = &v->out->body;
	struct str name = v->item->field->name;
	buf_printf(b, "<button class=\"quiet\" name=\".remove\" value=\"%.*s.%zu\">", STR_ARG(name), index + 1);
	page_word(v->filling->prose.r, v->out, "form.remove");
	buf_z(b, "<span class=\"sr\"> ");
	escape_html(b, prose_label(&v->filling->prose, name));
	buf_printf(b, " %zu</span></button>\n", index + 1);
}

static void write_line(const struct field_view *v, size_t index, size_t count) {
	struct buf *b = &v->out->body;
	struct str name = v->item->field->name;
	buf_printf(b, "<div class=\"nth-line\"><label class=\"sr\" for=\"f-%.*s", STR_ARG(name));
	if (index > 0)
		buf_printf(b, "-%zu", index + 1);
	buf_z(b, "\">");
	escape_html(b, prose_label(&v->filling->prose, name));
	if (count > 1)
		buf_printf(b, " %zu", index + 1);
	buf_z(b, "</label>\n");
	field_write_input(v, index, v->focus && index == (v->more ? count - 1 : 0));
	if (index > 0)
		write_remove(v, index);
	buf_z(b, "</div>\n");
}

void repeated_write(const struct field_view *v) {
	struct buf *b = &v->out->body;
	size_t count = inputs_wanted(v);
	for (size_t i = 0; i < count; i++)
		write_line(v, i, count);
	if (count >= (size_t)v->item->field->many_max)
		return;
	buf_printf(b, "<button class=\"quiet\" name=\".add\" value=\"%.*s\">", STR_ARG(v->item->field->name));
	page_word(v->filling->prose.r, v->out, "form.add");
	buf_z(b, "<span class=\"sr\">: ");
	escape_html(b, prose_label(&v->filling->prose, v->item->field->name));
	buf_z(b, "</span></button>\n");
}
