#include "otp-portal/repeated.h"

#include "engine/base/escape.h"
#include "otp-portal/group.h"
#include "otp-portal/page.h"

static size_t given(const struct field_view *v) {
	const struct answer *answer = answers_get(v->shown, v->item->field->name);
	return v->item->field->kind == FIELD_GROUP ? group_given(v) : answer ? answer->texts.count : 0;
}

static size_t wanted(const struct field_view *v) {
	size_t least = (size_t)v->item->field->many_min, count = given(v) > least ? given(v) : least;
	return v->more && count < (size_t)v->item->field->many_max ? count + 1 : count;
}

static struct str label_of(const struct field_view *v) {
	return v->item->field->kind == FIELD_GROUP ? group_label(v) : prose_label(&v->filling->prose, v->item->field->words);
}

static void write_remove(const struct field_view *v, size_t index) {
	struct buf *b = &v->out->body;
	buf_printf(b, "<button class=\"quiet\" name=\".remove\" value=\"%.*s.%zu\">", STR_ARG(v->item->field->name), index + 1);
	page_word(v->filling->prose.r, v->out, "form.remove");
	buf_z(b, "<span class=\"sr\"> ");
	escape_html(b, label_of(v));
	buf_printf(b, " %zu</span></button>\n", index + 1);
}

static void write_label(const struct field_view *v, size_t index, size_t count) {
	struct buf *b = &v->out->body;
	buf_printf(b, "<label class=\"sr\" for=\"f-%.*s", STR_ARG(v->id));
	if (index > 0)
		buf_printf(b, "-%zu", index + 1);
	buf_z(b, "\">");
	escape_html(b, label_of(v));
	if (count > 1)
		buf_printf(b, " %zu", index + 1);
	buf_z(b, "</label>\n");
}

static void write_one(const struct field_view *v, size_t index, size_t count) {
	struct buf *b = &v->out->body;
	bool group = v->item->field->kind == FIELD_GROUP, focus = v->focus && index == (v->more ? count - 1 : 0);
	buf_z(b, group ? "<fieldset class=\"item\">\n" : "<div class=\"nth-line\">");
	if (group) {
		group_write(v, index + 1, focus);
	} else {
		write_label(v, index, count);
		field_write_input(v, index, focus);
	}
	if (count > 1)
		write_remove(v, index);
	buf_z(b, group ? "</fieldset>\n" : "</div>\n");
}

void repeated_write(const struct field_view *v) {
	struct buf *b = &v->out->body;
	const struct field *field = v->item->field;
	size_t count = wanted(v);
	struct str add = prose_get(&v->filling->prose, "fields", field->words, "add", (struct str){0});
	for (size_t i = 0; i < count; i++)
		write_one(v, i, count);
	if (count >= (size_t)field->many_max)
		return;
	buf_printf(b, "<button class=\"quiet\" name=\".add\" value=\"%.*s\">", STR_ARG(field->name));
	if (add.len > 0) {
		escape_html(b, add);
	} else {
		page_word(v->filling->prose.r, v->out, "form.add");
		buf_z(b, "<span class=\"sr\">: ");
		escape_html(b, prose_label(&v->filling->prose, field->words));
		buf_z(b, "</span>");
	}
	buf_z(b, "</button>\n");
}
