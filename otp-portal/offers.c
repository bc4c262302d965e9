#include "otp-portal/offers.h"

#include "engine/base/escape.h"
#include "otp-portal/page.h"

void offers_write(const struct prose *p, const struct event_rule *event, struct str path, struct response *out) {
	struct request *r = p->r;
	if (event->also.count == 0)
		return;
	buf_z(&out->body, "<nav class=\"also\" aria-label=\"");
	page_word(r, out, "form.also");
	buf_z(&out->body, "\">\n<ul>\n");
	for (size_t i = 0; i < event->also.count; i++) {
		struct str name = event->also.items[i];
		struct str title = prose_get(p, "events", name, NULL, (struct str){0});
		buf_z(&out->body, "<li><a href=\"");
		escape_html(&out->body, page_path(r, page_with(r, path, arena_printf(r->arena, "event=%.*s", STR_ARG(name)))));
		buf_z(&out->body, "\">");
		escape_html(&out->body, title.len > 0 ? title : name);
		buf_z(&out->body, "</a></li>\n");
	}
	buf_z(&out->body, "</ul>\n</nav>\n");
}
