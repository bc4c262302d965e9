#include "otp-portal/banner.h"

#include "engine/base/escape.h"
#include "otp-portal/page.h"

enum { SOONEST_MS = 10000, LATEST_MS = 3600000 };

void banner_come_again(struct request *r, int64_t at, struct response *out) {
	if (at == INT64_MAX)
		return;
	int64_t ms = at - r->now < SOONEST_MS ? SOONEST_MS : at - r->now > LATEST_MS ? LATEST_MS : at - r->now;
	response_header(out, r, "Refresh", arena_printf(r->arena, "%lld", (long long)((ms + 999) / 1000)));
}

/* The link that the person holds for it; empty: none. */
static bool way_to(const struct prose *p, struct view *v, const struct participation *who, const struct event_rule *event, struct str *path, struct err *err) {
	struct link link;
	bool found;
	*path = STR("");
	if (!link_find(v, p->instance->id, who->contact_id, who->role, event->name, p->r->arena, &link, &found, err))
		return false;
	if (found && link.state == LINK_LIVE)
		*path = arena_printf(p->r->arena, "/l/%.*s", STR_ARG(engine_token(p->r->world->options.engine, &link, p->r->arena)));
	return true;
}

static void write_now(const struct prose *p, struct str text, struct str path, struct response *out) {
	buf_z(&out->body, "<p class=\"note now\" role=\"status\"><strong>");
	escape_html(&out->body, text);
	buf_z(&out->body, "</strong>");
	if (path.len > 0) {
		buf_z(&out->body, " <a class=\"button\" href=\"");
		escape_html(&out->body, page_path(p->r, path));
		buf_z(&out->body, "\">");
		page_word(p->r, out, "banner.go");
		buf_z(&out->body, "</a>");
	}
	buf_z(&out->body, "</p>\n");
}

static bool write_event(const struct prose *p, struct view *v, const struct participation *who, const struct event_rule *event, int64_t *next, struct response *out,
                        struct err *err) {
	struct request *r = p->r;
	struct str text = prose_get(p, "banner", event->name, NULL, (struct str){0}), path;
	if (text.len == 0 || !event_allows(event, who->role))
		return true;
	int64_t opens_at = engine_opening(r->world->options.engine, r->now, p->definition, p->instance, p->values, event, r->arena);
	if (opens_at > r->now) {
		*next = opens_at < *next ? opens_at : *next;
		return true;
	}
	if (!way_to(p, v, who, event, &path, err))
		return false;
	write_now(p, text, path, out);
	return true;
}

static void write_later(const struct prose *p, int64_t at, struct response *out) {
	struct request *r = p->r;
	buf_z(&out->body, "<p class=\"note\">");
	page_text(r, out, "banner.later", language_datetime(r->language, r->arena, zone_local(site_zone(r->world->options.site), at)), STR(""));
	buf_z(&out->body, "</p>\n");
}

bool banner_write(const struct prose *p, struct view *v, int64_t contact_id, struct response *out, struct err *err) {
	const struct state *state = p->instance ? definition_state(p->definition, p->instance->state) : NULL;
	struct participation_list people = {0};
	int64_t next = INT64_MAX;
	if (!state || contact_id == 0)
		return true;
	if (!participation_list(v, p->instance->id, prose_day(p), p->r->arena, &people, err))
		return false;
	for (size_t i = 0; i < people.count; i++)
		for (size_t k = 0; people.items[i].contact_id == contact_id && k < state->on.count; k++)
			if (!write_event(p, v, &people.items[i], &state->on.items[k], &next, out, err))
				return false;
	if (next != INT64_MAX) {
		write_later(p, next, out);
		banner_come_again(p->r, next, out);
	}
	return true;
}
