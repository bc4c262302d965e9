#include "otp-portal/file_field.h"

#include "engine/base/escape.h"
#include "engine/workflow/upload.h"
#include "otp-portal/file_answer.h"
#include "otp-portal/page.h"

struct str file_field_hint(const struct field_view *v) {
	const struct field *field = v->item->field;
	struct request *r = v->filling->prose.r;
	struct str kinds = STR("");
	for (size_t i = 0; i < field->extensions.count; i++) {
		char *upper = arena_z(r->arena, field->extensions.items[i]);
		for (size_t k = 0; upper[k]; k++)
			upper[k] = upper[k] >= 'a' && upper[k] <= 'z' ? (char)(upper[k] - 32) : upper[k];
		kinds = arena_printf(r->arena, "%.*s%s%s", STR_ARG(kinds), i ? ", " : "", upper);
	}
	struct str size = texts_size(r->language, (int64_t)field->max, r->arena);
	struct str hint = language_text(r->language, r->arena, field->many ? "form.files-hint" : "form.file-hint", kinds, size);
	if (!field->many)
		return hint;
	struct str most = language_text(r->language, r->arena, "form.files-most", arena_printf(r->arena, "%lld", (long long)field->many_max), STR(""));
	return arena_printf(r->arena, "%.*s %.*s", STR_ARG(hint), STR_ARG(most));
}

/* The button's text names the file for who does not see where it stands. */
static void write_remove(const struct field_view *v, size_t index, struct str name) {
	struct buf *b = &v->out->body;
	buf_printf(b, " <button class=\"quiet\" name=\".remove\" value=\"%.*s.%zu\">", STR_ARG(v->item->field->name), index + 1);
	page_word(v->filling->prose.r, v->out, "form.remove-file");
	buf_z(b, "<span class=\"sr\">: ");
	escape_html(b, name);
	buf_z(b, "</span></button>");
}

static size_t write_kept(const struct field_view *v) {
	struct buf *b = &v->out->body;
	struct upload upload;
	const struct answer *answer = answers_get(v->shown, v->item->field->name);
	size_t count = answer ? answer->texts.count : 0;
	if (count == 0)
		return 0;
	buf_z(b, "<ul class=\"files\">\n");
	for (size_t i = 0; i < count; i++) {
		if (!upload_read(answer->texts.items[i], &upload))
			continue;
		buf_z(b, "<li>");
		file_answer_link(&v->filling->prose, v->item->field, i, &upload, b);
		write_remove(v, i, upload.name);
		buf_z(b, "</li>\n");
	}
	buf_z(b, "</ul>\n");
	return count;
}

void file_field_write(const struct field_view *v, bool wrong) {
	struct buf *b = &v->out->body;
	const struct field *field = v->item->field;
	size_t kept = write_kept(v);
	if (kept > 0) {
		buf_z(b, "<p class=\"hint\">");
		page_word(v->filling->prose.r, v->out, field->many ? "form.file-more" : "form.file-instead");
		buf_z(b, "</p>\n");
	}
	buf_printf(b, "<input type=\"file\" name=\"%.*s\" id=\"f-%.*s\"%s accept=\"", STR_ARG(field->name), STR_ARG(field->name), field->many ? " multiple" : "");
	for (size_t i = 0; i < field->extensions.count; i++)
		buf_printf(b, "%s%s", i ? "," : "", upload_endings(field->extensions.items[i]));
	buf_char(b, '"');
	field_write_description(v);
	if (wrong)
		buf_z(b, " aria-invalid=\"true\"");
	if (v->focus)
		buf_z(b, " autofocus");
	buf_z(b, ">\n");
}
