#include "otp-portal/one_field.h"

#include "engine/base/escape.h"
#include "otp-portal/page.h"

#include <string.h>

void one_field_summary(struct request *r, const struct one_field *f, struct response *out) {
	if (!f->problem)
		return;
	buf_z(&out->body, "<div class=\"summary\" role=\"alert\" tabindex=\"-1\" autofocus>\n<h2>");
	page_word(r, out, "form.error-title");
	buf_printf(&out->body, "</h2>\n<ul><li><a href=\"#f-%s\">", f->name);
	if (strcmp(f->problem, "field.missing") == 0) { /* says nothing without the field's name */
		page_word(r, out, f->label);
		buf_z(&out->body, ": ");
	}
	page_word(r, out, f->problem);
	buf_z(&out->body, "</a></li></ul>\n</div>\n");
}

void one_field_write(struct request *r, const struct one_field *f, struct response *out) {
	struct buf *b = &out->body;
	buf_printf(b, "<div class=\"field%s\">\n<label for=\"f-%s\">", f->problem ? " wrong" : "", f->name);
	page_word(r, out, f->label);
	buf_printf(b, "</label>\n<div class=\"hint\" id=\"h-%s\"><p>", f->name);
	page_word(r, out, f->hint);
	buf_z(b, "</p></div>\n");
	if (f->problem) {
		buf_printf(b, "<p class=\"error\" id=\"e-%s\"><span class=\"sr\">", f->name);
		page_word(r, out, "form.error-prefix");
		buf_z(b, "</span> ");
		page_word(r, out, f->problem);
		buf_z(b, "</p>\n");
	}
	buf_printf(b, "<input name=\"%s\" id=\"f-%s\" %s aria-describedby=\"h-%s%s%s\"%s value=\"", f->name, f->name, f->attributes, f->name,
	           f->problem ? " e-" : "", f->problem ? f->name : "", f->problem ? " aria-invalid=\"true\"" : "");
	escape_html(b, f->value);
	buf_z(b, "\">\n</div>\n");
}
