#include "otp-portal/closed_page.h"

#include "engine/base/address.h"
#include "engine/base/escape.h"
#include "otp-portal/banner.h"
#include "otp-portal/offers.h"
#include "otp-portal/own_start.h"
#include "otp-portal/page.h"
#include "otp-portal/papers.h"
#include "otp-portal/renewal.h"
#include "otp-portal/show_page.h"

enum { MINUTE_MS = 60000, HOUR_MINUTES = 60, SOON_MINUTES = 120 };

static struct str local_time(struct request *r, int64_t instant) {
	return language_datetime(r->language, r->arena, zone_local(site_zone(r->world->options.site), instant));
}

static struct prose words_of(struct request *r, const struct link_view *look, const struct register_port *port) {
	return (struct prose){r, look->package, look->definition, look->values, &look->instance, port, r->path};
}

/* caption: whose case it is about: the title of a form or of the package. */
static void begin(struct request *r, unsigned status, const char *title_key, struct str caption, struct str here, struct response *out) {
	struct page page = {.title = language_word(r->language, title_key), .here = here};
	out->status = status;
	page_begin(r, out, &page);
	if (caption.len > 0) {
		buf_z(&out->body, "<p class=\"caption\">");
		escape_html(&out->body, caption);
		buf_z(&out->body, "</p>\n");
	}
	buf_z(&out->body, "<h1>");
	escape_html(&out->body, page.title);
	buf_z(&out->body, "</h1>\n");
}

static void say(struct request *r, struct response *out, const char *key, struct str arg0, struct str arg1) {
	buf_z(&out->body, "<p>");
	page_text(r, out, key, arg0, arg1);
	buf_z(&out->body, "</p>\n");
}

static struct str package_title(struct request *r, const struct link_view *look) {
	return texts_get(look->package->texts, language_code(r->language), "title");
}

static void nothing_more(struct request *r, const struct link_view *look, const char *title_key, const char *text_key, struct response *out) {
	begin(r, 410, title_key, package_title(r, look), r->path, out);
	say(r, out, text_key, STR(""), STR(""));
	page_end(r, out);
}

/* --- later --- */

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

/* What opens with a day says no time. */
static struct str opening_time(struct request *r, int64_t instant) {
	int64_t local = zone_local(site_zone(r->world->options.site), instant), day = civil_day_of(local);
	return local == day * CIVIL_DAY_MS ? language_date(r->language, r->arena, day) : local_time(r, instant);
}

static void write_opening(struct request *r, const struct link_view *look, struct response *out) {
	if (look->opens_at == INT64_MAX)
		say(r, out, "link.opens-unknown", STR(""), STR(""));
	else
		say(r, out, "link.opens", opening_time(r, look->opens_at), until(r, look->opens_at));
	say(r, out, "link.opens-keep", STR(""), STR(""));
}

/* It can be used later; what its page offers beside may be possible now. */
static void not_open(struct request *r, const struct link_view *look, struct response *out) {
	struct prose p = words_of(r, look, NULL);
	bool own = look->event == look->own;
	struct str here = own ? r->path : page_with(r, r->path, arena_printf(r->arena, "event=%.*s", STR_ARG(look->event->name)));
	begin(r, r->method == METHOD_POST ? 409 : 200, "link.not-open-title", prose_get(&p, "forms", look->form->name, "title", (struct str){0}), here, out);
	write_opening(r, look, out);
	if (r->method != METHOD_POST && look->opens_at != INT64_MAX) {
		say(r, out, "banner.opens-itself", STR(""), STR(""));
		banner_come_again(r, look->opens_at, out);
	}
	if (own)
		offers_write(&p, look->own, r->path, out);
	else
		page_way(r, out, r->path, "form.back");
	page_end(r, out);
}

/* --- a new link --- */

static void renewed(struct request *r, const struct link_view *look, struct response *out) {
	begin(r, 200, "link.sent-title", package_title(r, look), page_with(r, r->path, STR("sent=1")), out);
	say(r, out, "link.sent", address_mask(r->arena, look->contact.value), STR(""));
	say(r, out, "link.sent-wait", STR(""), STR(""));
	page_end(r, out);
}

static bool has_draft(struct request *r, struct view *v, const struct link_view *look) {
	struct str draft = STR("");
	struct err err;
	return look->own && draft_load(v, look->link.id, look->own->name, r->arena, &draft, &err) && draft.len > 0;
}

static void renewable(struct request *r, struct view *v, const struct link_view *look, struct response *out) {
	bool newer = look->link.state != LINK_LIVE;
	begin(r, 410, newer ? "link.newer-title" : "link.expired-title", package_title(r, look), r->path, out);
	if (!newer)
		say(r, out, "link.expired", local_time(r, look->ends_at), STR(""));
	else if (look->link.used_at != 0)
		say(r, out, "link.newer-at", local_time(r, look->link.used_at), STR(""));
	else
		say(r, out, "link.newer", STR(""), STR(""));
	if (has_draft(r, v, look))
		say(r, out, "link.typed", STR(""), STR(""));
	renewal_form(r, look, out);
	page_end(r, out);
}

/* --- over --- */

/* The page views that are open to the person now: what was filled in, and its papers, but for a link whose time is over. */
static bool write_views(const struct prose *p, struct view *v, const struct link_view *look, struct response *out, struct err *err) {
	bool any = false;
	for (size_t i = 0; i < look->definition->views.count; i++) {
		const struct view_rule *rule = &look->definition->views.items[i];
		struct show_view show = {look->package, look->definition, rule, &look->instance, look->values, STR(""), STR(""), false, look->link.contact_id};
		if (rule->kind != VIEW_PAGE || !view_rule_is_for(rule, look->link.role) || !show_ready(p->r, &show, p->registers))
			continue;
		struct str title = prose_get(p, "views", rule->name, "title", (struct str){0});
		any = true;
		buf_z(&out->body, "<h2>");
		escape_html(&out->body, title.len > 0 ? title : rule->name);
		buf_z(&out->body, "</h2>\n");
		show_content(p, &show, out);
	}
	return !any || look->expired || papers_write(p, v, look->link.contact_id, out, err);
}

/* What somebody wrote on a page that was open while the case went on: it is not sent, but not lost either. */
static void write_typed(const struct prose *p, struct response *out) {
	bool any = false;
	for (size_t i = 0; p->r->method == METHOD_POST && i < p->definition->fields.count; i++) {
		const struct field *field = &p->definition->fields.items[i];
		struct str text = request_form(p->r, arena_printf(p->r->arena, "%.*s", STR_ARG(field->name)).at);
		if (field->kind != FIELD_LONGTEXT || field->many || text.len == 0)
			continue;
		struct value *typed = ARENA_ARRAY(p->r->arena, p->definition->fields.count, struct value);
		struct prose with = *p;
		typed[field->slot] = value_string(text);
		with.values = typed;
		if (!any) {
			buf_z(&out->body, "<h2>");
			page_word(p->r, out, "link.not-sent");
			buf_z(&out->body, "</h2>\n<dl class=\"answers\">\n");
		}
		any = true;
		prose_row(&with, field, STR(""), out);
	}
	if (any)
		buf_z(&out->body, "</dl>\n");
}

/* Somebody else did it, or the case has gone on without it. */
static void over(struct request *r, struct view *v, const struct link_view *look, const struct history *done, struct response *out) {
	struct register_port port = data_store_port(v);
	struct prose p = words_of(r, look, &port);
	bool ended = look->instance.ended_at != 0, gone = ended || look->expired || look->link.state != LINK_LIVE;
	const char *title = done ? "link.done-title" : ended ? "link.ended-title" : "link.not-now-title";
	begin(r, done ? 200 : gone ? 410 : 409, title, package_title(r, look), r->path, out);
	if (done)
		say(r, out, "link.done-by", local_time(r, done->at), STR(""));
	else if (ended && prose_find(&p, "ended", look->instance.state, NULL, (struct str){0}))
		prose_write(&p, prose_find(&p, "ended", look->instance.state, NULL, (struct str){0}), &out->body);
	else
		say(r, out, ended ? "link.ended" : "link.not-now", STR(""), STR(""));
	say(r, out, "link.state", prose_state(&p, look->instance.state), look->instance.reference);
	write_typed(&p, out);
	struct err err;
	if (write_views(&p, v, look, out, &err))
		page_end(r, out);
	else
		page_failure(r, out, &err);
}

/* Somebody's own start, while the case that it begins from does not fit; what was filled in stays with the link. */
static void start_missing(struct request *r, const struct link_view *look, struct response *out) {
	struct prose p = {.r = r, .package = look->package, .definition = look->definition};
	own_start_missing(&p, out);
	write_typed(&p, out);
	page_end(r, out);
}

static void start_over(struct request *r, const struct link_view *look, struct response *out) {
	begin(r, 410, "link.expired-title", package_title(r, look), r->path, out);
	say(r, out, "link.start-expired", STR(""), STR(""));
	page_way(r, out, arena_printf(r->arena, "/start/%.*s", STR_ARG(look->link.workflow)), "link.start-again");
	page_end(r, out);
}

void closed_page(struct request *r, struct view *v, const struct link_view *look, const struct history *done, struct response *out) {
	bool task = look->link.kind == LINK_TASK;
	if (look->link.kind == LINK_START && look->missing && !look->expired && look->link.state == LINK_LIVE)
		start_missing(r, look, out);
	else if (look->link.kind == LINK_START)
		start_over(r, look, out);
	else if (!engine_look_part(look) && look->grants)
		nothing_more(r, look, "link.no-grant-title", "link.no-grant", out);
	else if (!engine_look_part(look))
		nothing_more(r, look, task ? "link.passed-on-title" : "link.no-part-title", task ? "link.passed-on" : "link.no-part", out);
	else if (engine_renewable(look) && str_is(request_query(r, "sent"), "1"))
		renewed(r, look, out);
	else if (engine_renewable(look))
		renewable(r, v, look, out);
	else if (!done && task && look->own && look->link.state == LINK_LIVE)
		not_open(r, look, out);
	else
		over(r, v, look, done, out);
}
