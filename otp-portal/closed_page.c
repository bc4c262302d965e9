#include "otp-portal/closed_page.h"

#include "engine/base/escape.h"
#include "otp-portal/offers.h"
#include "otp-portal/page.h"

enum { MINUTE_MS = 60000, HOUR_MINUTES = 60, SOON_MINUTES = 120 };

/* "om 3 dage", "i morgen", "om 3 timer", "om et minut". */
static struct str until(struct request *r, int64_t instant) {
	const struct zone *zone = site_zone(r->world->options.site);
	int64_t days = civil_day_of(zone_local(zone, instant)) - civil_day_of(zone_local(zone, r->now));
	int64_t minutes = (instant - r->now + MINUTE_MS - 1) / MINUTE_MS, count = days;
	const char *key = "link.in-days";
	if (days == 1)
		return language_word(r->language, "link.tomorrow");
	if (minutes <= 1)
		return language_word(r->language, "link.in-minute");
	if (days == 0) {
		bool soon = minutes < SOON_MINUTES;
		key = soon ? "link.in-minutes" : "link.in-hours";
		count = soon ? minutes : minutes / HOUR_MINUTES;
	}
	return language_text(r->language, r->arena, key, language_int(r->language, r->arena, count), STR(""));
}

static void write_opening(struct request *r, const struct link_view *look, struct response *out) {
	struct str at = STR("");
	buf_z(&out->body, "<p>");
	if (look->opens_at != INT64_MAX)
		at = language_datetime(r->language, r->arena, zone_local(site_zone(r->world->options.site), look->opens_at));
	if (at.len > 0)
		page_text(r, out, "link.opens", at, until(r, look->opens_at));
	else
		page_word(r, out, "link.opens-unknown");
	buf_z(&out->body, "</p>\n<p>");
	page_word(r, out, "link.opens-keep");
	buf_z(&out->body, "</p>\n");
}

/* It can be used later; what its page offers beside may be possible now. */
static void not_open(struct request *r, const struct link_view *look, struct response *out) {
	struct prose p = {.r = r, .package = look->package, .definition = look->definition, .values = look->values, .instance = &look->instance};
	struct page page = {.title = language_word(r->language, "link.not-open-title"), .here = r->path};
	bool own = look->event == look->own;
	out->status = r->method == METHOD_POST ? 409 : 200;
	if (!own)
		page.here = page_with(r, r->path, arena_printf(r->arena, "event=%.*s", STR_ARG(look->event->name)));
	page_begin(r, out, &page);
	if (!own)
		page_way(r, out, r->path, "form.back");
	buf_z(&out->body, "<p class=\"caption\">");
	escape_html(&out->body, prose_get(&p, "forms", look->form->name, "title", (struct str){0}));
	buf_z(&out->body, "</p>\n<h1>");
	escape_html(&out->body, page.title);
	buf_z(&out->body, "</h1>\n");
	write_opening(r, look, out);
	if (own)
		offers_write(&p, look->own, r->path, out);
	page_end(r, out);
}

void closed_page(struct request *r, const struct link_view *look, struct response *out) {
	if (look->link.state == LINK_SUPERSEDED)
		page_message(r, out, 410, "link.withdrawn-title", "link.withdrawn", STR(""));
	else if (look->link.state == LINK_WITHDRAWN)
		page_message(r, out, 410, "link.withdrawn-title", "link.withdrawn", STR(""));
	else if (look->expired)
		page_message(r, out, 410, "link.expired-title", "link.expired", STR(""));
	else if (look->event)
		not_open(r, look, out);
	else
		page_message(r, out, 409, "link.not-now-title", "link.not-now", STR(""));
}
