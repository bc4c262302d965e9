#include "otp-portal/papers.h"

#include "engine/base/escape.h"
#include "otp-portal/page.h"

#include <stdlib.h>

bool papers_sees(const struct participation_list *people, int64_t contact_id, const struct document *d) {
	for (size_t i = 0; i < people->count; i++)
		if (contact_id != 0 && people->items[i].contact_id == contact_id && document_role_sees(d, people->items[i].role))
			return true;
	return false;
}

struct str papers_version(const struct language *language, struct arena *a, const struct document *d) {
	struct str version = language_int(language, a, d->version);
	if (d->addendum == 0)
		return language_text(language, a, "document.version", version, STR(""));
	return language_text(language, a, "document.addendum", language_int(language, a, d->addendum), version);
}

/* The newest version of a series first, its addenda behind it. */
static int by_series(const void *left, const void *right) {
	const struct document *a = left, *b = right;
	int names = str_compare(a->name, b->name);
	if (names != 0)
		return names;
	if (a->version != b->version)
		return a->version > b->version ? -1 : 1;
	return a->addendum < b->addendum ? -1 : a->addendum > b->addendum;
}

static void write_name(const struct prose *p, const struct document *d, struct buf *b) {
	struct request *r = p->r;
	bool open = d->state == DOCUMENT_READY && p->here.len > 0;
	struct str ask = arena_printf(r->arena, ".%.*s.%lld.%lld", STR_ARG(d->name), (long long)d->version, (long long)d->addendum);
	if (open) {
		if (str_equal(request_query(r, "file"), ask))
			r->file_found = d->blob_id;
		buf_z(b, "<a class=\"file\" href=\"");
		escape_html(b, page_path(r, page_with(r, p->here, arena_printf(r->arena, "file=%.*s", STR_ARG(ask)))));
		buf_printf(b, "\" lang=\"%.*s\" hreflang=\"%.*s\" type=\"application/pdf\">", STR_ARG(d->language), STR_ARG(d->language));
	}
	escape_html(b, d->title.len > 0 ? d->title : d->name);
	buf_z(b, open ? "</a>" : "");
}

/* What can be said of it: how large it is, that it comes, or whom to ask. */
static struct str condition(const struct prose *p, const struct document *d) {
	struct request *r = p->r;
	struct str contact = local_text_in(&site_config(r->world->options.site)->contact, language_code(r->language));
	if (d->state == DOCUMENT_READY)
		return language_text(r->language, r->arena, "papers.pdf", texts_size(r->language, d->size, r->arena), STR(""));
	if (d->state != DOCUMENT_FAILED)
		return language_word(r->language, "papers.waiting");
	return contact.len > 0 ? language_text(r->language, r->arena, "papers.failed-contact", contact, STR("")) : language_word(r->language, "papers.failed");
}

static void write_paper(const struct prose *p, const struct document *d, struct response *out) {
	struct request *r = p->r;
	struct buf *b = &out->body;
	int64_t day = civil_day_of(zone_local(site_zone(r->world->options.site), d->at));
	buf_z(b, "<li>");
	write_name(p, d, b);
	buf_z(b, " <span class=\"caption\">");
	escape_html(b, papers_version(r->language, r->arena, d));
	buf_z(b, " · ");
	escape_html(b, language_date(r->language, r->arena, day));
	buf_z(b, " · ");
	escape_html(b, condition(p, d));
	buf_z(b, "</span></li>\n");
}

bool papers_write(const struct prose *p, struct view *v, int64_t contact_id, struct response *out, struct err *err) {
	struct request *r = p->r;
	struct document_list all, list = {0};
	struct participation_list people = {0};
	if (!document_of_instance(v, p->instance->id, r->arena, &all, err) || (all.count > 0 && !participation_list(v, p->instance->id, prose_day(p), r->arena, &people, err)))
		return false;
	for (size_t i = 0; i < all.count; i++)
		if (papers_sees(&people, contact_id, &all.items[i]))
			*(struct document *)ARENA_PUSH(r->arena, &list) = all.items[i];
	if (list.count == 0)
		return true;
	qsort(list.items, list.count, sizeof *list.items, by_series);
	buf_z(&out->body, "<section class=\"papers\">\n<h2>");
	page_word(r, out, "papers.title");
	buf_z(&out->body, "</h2>\n<ul class=\"files\">\n");
	for (size_t i = 0; i < list.count; i++)
		write_paper(p, &list.items[i], out);
	buf_z(&out->body, "</ul>\n</section>\n");
	return true;
}
