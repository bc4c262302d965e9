#include "otp-portal/show_page.h"

#include "engine/base/escape.h"
#include "otp-portal/columns.h"
#include "otp-portal/page.h"
#include "otp-portal/timeline.h"

bool show_ready(struct request *r, const struct show_view *show, const struct register_port *port) {
	if (!show->rule->when)
		return true;
	struct form_world world = engine_world(r->world->options.engine, show->definition, show->instance, port, r->now);
	struct environment env = form_environment(&world, show->values, r->arena);
	struct err unset;
	return expression_holds(show->rule->when, &env, r->arena, &unset);
}

static void write_not_ready(const struct prose *p, const struct show_view *show, struct response *out) {
	struct str text = prose_get(p, "views", show->rule->name, "not-ready", (struct str){0});
	if (text.len > 0) {
		prose_write(p, text, &out->body);
		return;
	}
	buf_z(&out->body, "<p>");
	page_word(p->r, out, "page.not-ready");
	buf_z(&out->body, "</p>\n");
}

void show_content(const struct prose *p, const struct show_view *show, struct response *out) {
	prose_write(p, prose_get(p, "views", show->rule->name, "intro", (struct str){0}), &out->body);
	buf_z(&out->body, "<dl class=\"answers\">\n");
	for (size_t i = 0; i < show->rule->columns.count; i++) {
		struct str column = show->rule->columns.items[i];
		const struct field *field = definition_field(show->definition, column);
		if (field)
			prose_row(p, field, STR(""), out);
		else
			column_row(p, column, out);
	}
	buf_z(&out->body, "</dl>\n");
}

void show_page(struct request *r, struct view *v, const struct show_view *show, struct response *out) {
	struct register_port port = data_store_port(v);
	struct prose p = {r, show->package, show->definition, show->values, show->instance, &port, show->here};
	struct str title = prose_get(&p, "views", show->rule->name, "title", (struct str){0});
	struct page page = {.title = title.len > 0 ? title : show->rule->name, .here = show->here, .logged_in = show->logged_in};
	page_begin(r, out, &page);
	if (show->back.len > 0)
		page_way(r, out, show->back, "list.back");
	buf_z(&out->body, "<h1>");
	escape_html(&out->body, page.title);
	buf_z(&out->body, "</h1>\n<p class=\"caption\">");
	page_word(r, out, "receipt.reference");
	buf_z(&out->body, ": ");
	escape_html(&out->body, show->instance->reference);
	buf_z(&out->body, "</p>\n");
	bool ready = show_ready(r, show, &port);
	if (ready)
		show_content(&p, show, out);
	else
		write_not_ready(&p, show, out);
	struct timeline timeline = {&p, show->rule, show->contact_id, ready};
	struct err err;
	if (show->rule->timeline && !timeline_write(&timeline, v, out, &err)) {
		page_failure(r, out, &err);
		return;
	}
	page_end(r, out);
}
