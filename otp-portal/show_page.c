#include "otp-portal/show_page.h"

#include "engine/base/escape.h"
#include "engine/base/log.h"
#include "engine/workflow/sealed.h"
#include "otp-portal/acts.h"
#include "otp-portal/banner.h"
#include "otp-portal/columns.h"
#include "otp-portal/page.h"
#include "otp-portal/papers.h"
#include "otp-portal/resend.h"
#include "otp-portal/timeline.h"

#include <string.h>

bool show_ready(struct request *r, const struct show_view *show, const struct register_port *port) {
	if (!show->rule->when)
		return true;
	struct form_world world = engine_world(r->world->options.engine, show->definition, show->instance, port, r->now, r->arena);
	struct environment env = form_environment(&world, show->values, r->arena);
	struct err unset;
	return expression_holds(show->rule->when, &env, r->arena, &unset);
}

static void write_not_ready(const struct prose *p, const struct show_view *show, struct response *out) {
	const struct text *text = prose_find(p, "views", show->rule->name, "not-ready", (struct str){0});
	if (text) {
		prose_write(p, text, &out->body);
		return;
	}
	buf_z(&out->body, "<p>");
	page_word(p->r, out, "page.not-ready");
	buf_z(&out->body, "</p>\n");
}

/* Whether somebody could have answered it and did not: what no form asked for is no answer that is missing. */
static bool was_left_out(const struct prose *p, const struct field *field) {
	const struct definition *d = p->definition;
	struct form_world world = engine_world(p->r->world->options.engine, d, p->instance, p->registers, p->r->now, p->r->arena);
	for (size_t f = 0; f < d->forms.count; f++) {
		for (size_t page = 0; page < d->forms.items[f].pages.count; page++) {
			const struct form_page *asked = &d->forms.items[f].pages.items[page];
			for (size_t i = 0; i < asked->items.count; i++)
				if (asked->items.items[i].field == field && asked->items.items[i].optional && form_asked(&world, &asked->items.items[i], p->values, p->r->arena))
					return true;
		}
	}
	return false;
}

static void write_field(const struct prose *p, const struct field *field, struct response *out) {
	if (p->values[field->slot].kind != KIND_UNSET || was_left_out(p, field))
		prose_row(p, field, STR(""), out);
}

static void write_head(const struct prose *p, const struct show_view *show, struct response *out) {
	if (show->rule->head.count == 0)
		return;
	buf_z(&out->body, "<dl class=\"answers facts\">\n");
	for (size_t i = 0; i < show->rule->head.count; i++)
		write_field(p, show->rule->head.items[i], out);
	buf_z(&out->body, "</dl>\n");
}

static void write_fields(const struct prose *p, const struct show_view *show, struct response *out) {
	prose_write(p, prose_find(p, "views", show->rule->name, "intro", (struct str){0}), &out->body);
	buf_z(&out->body, "<dl class=\"answers\">\n");
	for (size_t i = 0; i < show->rule->columns.count; i++) {
		struct str column = show->rule->columns.items[i];
		const struct field *field = definition_field(show->definition, column);
		if (field)
			write_field(p, field, out);
		else
			column_row(p, column, out);
	}
	buf_z(&out->body, "</dl>\n");
}

void show_content(const struct prose *p, const struct show_view *show, struct response *out) {
	write_head(p, show, out);
	write_fields(p, show, out);
}

/* With what the page reveals as it was typed. Only what was sealed as this case's own. */
static struct value *revealed(struct request *r, const struct show_view *show) {
	size_t count = show->definition->fields.count;
	struct value *values = ARENA_ARRAY(r->arena, count + 1, struct value);
	memcpy(values, show->values, count * sizeof *values);
	for (size_t i = 0; i < show->rule->reveal.count; i++) {
		const struct field *field = show->rule->reveal.items[i];
		struct value *value = &values[field->slot];
		struct str whose = arena_printf(r->arena, "%.*s/%.*s", STR_ARG(show->instance->reference), STR_ARG(field->name)), plain;
		if (value->kind != KIND_SEALED)
			continue;
		if (str_equal(sealed_whose(value->string), whose) && sealed_open(site_keys(r->world->options.site), value->string, r->arena, &plain))
			*value = value_string(plain);
		else
			log_event(LOG_ERROR, "sealed-unreadable", "instance=%.*s field=%.*s", STR_ARG(show->instance->reference), STR_ARG(field->name));
	}
	return values;
}

void show_page(struct request *r, struct view *v, const struct show_view *show, struct response *out) {
	if (r->method == METHOD_POST) {
		if (resend_asked(r, show))
			resend_post(r, show, out);
		else
			acts_post(r, show, out);
		return;
	}
	struct register_port port = data_store_port(v);
	struct prose p = {r, show->package, show->definition, revealed(r, show), show->instance, &port, show->here};
	struct str title = prose_get(&p, "views", show->rule->name, "title", (struct str){0});
	struct page page = {.title = title.len > 0 ? title : show->rule->name, .here = show->here, .logged_in = show->logged_in};
	page_begin(r, out, &page);
	struct err err;
	if (!banner_write(&p, v, show->contact_id, out, &err)) {
		page_failure(r, out, &err);
		return;
	}
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
	struct timeline timeline = {&p, show->rule, show->contact_id, ready};
	write_head(&p, show, out);
	if (ready && !papers_write(&p, v, show->contact_id, out, &err)) {
		page_failure(r, out, &err);
		return;
	}
	if (ready)
		write_fields(&p, show, out);
	else
		write_not_ready(&p, show, out);
	if (!acts_write(&p, v, show, out, &err)) {
		page_failure(r, out, &err);
		return;
	}
	if (!resend_write(&p, v, show, ready, out, &err)) {
		page_failure(r, out, &err);
		return;
	}
	if (show->rule->timeline && !timeline_write(&timeline, v, out, &err)) {
		page_failure(r, out, &err);
		return;
	}
	page_end(r, out);
}
