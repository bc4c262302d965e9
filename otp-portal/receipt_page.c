#include "otp-portal/receipt_page.h"

#include "engine/base/escape.h"
#include "engine/workflow/past.h"
#include "otp-portal/closed_page.h"
#include "otp-portal/page.h"
#include "otp-portal/papers.h"

static struct str local_time(struct request *r, int64_t instant) {
	return language_datetime(r->language, r->arena, zone_local(site_zone(r->world->options.site), instant));
}

/* The form that was answered: of the link's own event, or of another that its page offered. */
static const struct form *form_of(const struct link_view *look, const struct history *entry) {
	const struct state *from = definition_state(look->definition, entry->from);
	const struct event_rule *event = from ? state_event(from, entry->event) : NULL;
	if (look->link.kind == LINK_START)
		return look->form;
	return event ? event->form : NULL;
}

/* A tick that had to be set tells the one who set it nothing. */
static bool is_told(const struct prose *p, const struct form_world *world, const struct form_item *item) {
	return !item->field->accept && (p->values[item->field->slot].kind != KIND_UNSET || form_asked(world, item, p->values, p->r->arena));
}

static bool tells(const struct prose *p, const struct form_world *world, const struct form *form) {
	for (size_t page = 0; page < form->pages.count; page++)
		for (size_t i = 0; i < form->pages.items[page].items.count; i++)
			if (is_told(p, world, &form->pages.items[page].items.items[i]))
				return true;
	return false;
}

/* What was answered, and what was asked and left out. */
static void write_answers(const struct prose *p, const struct form *form, struct response *out) {
	struct form_world world = engine_world(p->r->world->options.engine, p->definition, p->instance, p->registers, p->r->now, p->r->arena);
	if (!tells(p, &world, form))
		return;
	buf_z(&out->body, "<h2>");
	page_word(p->r, out, "receipt.answers");
	buf_z(&out->body, "</h2>\n<dl class=\"answers\">\n");
	for (size_t page = 0; page < form->pages.count; page++) {
		for (size_t i = 0; i < form->pages.items[page].items.count; i++) {
			const struct form_item *item = &form->pages.items[page].items.items[i];
			if (is_told(p, &world, item))
				prose_row(p, item->field, STR(""), out);
		}
	}
	buf_z(&out->body, "</dl>\n");
}

static struct str title_of(struct request *r, const struct link_view *look, const struct form *form) {
	struct prose p = {.r = r, .package = look->package, .definition = look->definition, .instance = &look->instance};
	struct str title = form ? prose_get(&p, "forms", form->name, "receipt", STR("title")) : STR("");
	return title.len > 0 ? title : language_word(r->language, "receipt.title");
}

static void write_facts(struct request *r, const struct link_view *look, struct str title, struct response *out) {
	buf_z(&out->body, "<div class=\"panel\">\n<h1>");
	escape_html(&out->body, title);
	buf_z(&out->body, "</h1>\n<p>");
	page_text(r, out, "receipt.at", local_time(r, look->link.used_at), STR(""));
	buf_z(&out->body, "</p>\n<p>");
	page_word(r, out, "receipt.reference");
	buf_z(&out->body, ": <strong>");
	escape_html(&out->body, look->instance.reference);
	buf_z(&out->body, "</strong>");
	buf_z(&out->body, "</p>\n</div>\n");
}

/* The one who did it: text and answers. */
static void write_own(struct request *r, const struct link_view *look, const struct form *form, const struct register_port *port, const struct value *values,
                      struct response *out) {
	struct prose p = {r, look->package, look->definition, values, &look->instance, port, r->path};
	if (!form)
		return;
	const struct text *text = prose_find(&p, "forms", form->name, "receipt", STR("text"));
	if (text) {
		prose_write(&p, text, &out->body);
	} else {
		buf_z(&out->body, "<p>");
		page_word(r, out, "receipt.text");
		buf_z(&out->body, "</p>\n");
	}
	if (values)
		write_answers(&p, form, out);
}

void receipt_page(struct request *r, struct view *v, const struct link_view *look, struct str path, struct response *out) {
	struct register_port port = data_store_port(v);
	struct history entry;
	struct value *values;
	struct err err;
	if (!past_values(v, look->definition, look->instance.id, look->link.history_id, &port, r->arena, &entry, &values, &err)) {
		page_failure(r, out, &err);
		return;
	}
	bool own = look->link.kind == LINK_START || entry.contact_id == look->link.contact_id;
	if (!own) {
		closed_page(r, v, look, &entry, out);
		return;
	}
	const struct form *form = form_of(look, &entry);
	struct page page = {.title = title_of(r, look, form), .here = path};
	page_begin(r, out, &page);
	write_facts(r, look, page.title, out);
	struct prose p = {r, look->package, look->definition, look->values, &look->instance, &port, path};
	/* Whoever has passed it on has no part in it any more. */
	bool papers = look->link.kind == LINK_TASK && !look->expired && engine_look_part(look);
	if (papers && !papers_write(&p, v, look->link.contact_id, out, &err)) {
		page_failure(r, out, &err);
		return;
	}
	write_own(r, look, form, &port, values, out);
	page_end(r, out);
}
