#include "otp-portal/acts.h"

#include "engine/base/escape.h"
#include "otp-portal/page.h"

static const struct event_rule *may(const struct show_view *show, const struct participation_list *people, struct str event) {
	const struct state *state = definition_state(show->definition, show->instance->state);
	const struct event_rule *rule = NULL;
	for (size_t i = 0; i < people->count && !rule; i++)
		if (people->items[i].contact_id == show->contact_id)
			rule = view_act(show->rule, state, people->items[i].role, event);
	return rule;
}

static void write_button(const struct prose *p, const struct show_view *show, struct str event, struct str title, struct response *out) {
	buf_z(&out->body, "<form method=\"post\" action=\"");
	escape_html(&out->body, page_path(p->r, show->here));
	buf_z(&out->body, "\">\n");
	page_hidden(out, "act", event);
	page_hidden_language(p->r, out);
	buf_z(&out->body, "<p class=\"buttons\"><button class=\"quiet\">");
	escape_html(&out->body, title);
	buf_z(&out->body, "</button></p>\n</form>\n");
}

/* What cannot be done yet says from when. */
static void write_later(const struct prose *p, struct str title, int64_t opens_at, struct response *out) {
	struct request *r = p->r;
	int64_t local = zone_local(site_zone(r->world->options.site), opens_at), day = civil_day_of(local);
	buf_z(&out->body, "<p>");
	escape_html(&out->body, title);
	buf_z(&out->body, "<br>\n");
	page_text(r, out, "login.task-opens", local == day * CIVIL_DAY_MS ? language_date(r->language, r->arena, day) : language_datetime(r->language, r->arena, local), STR(""));
	buf_z(&out->body, "</p>\n");
}

static void write_act(const struct prose *p, const struct show_view *show, const struct event_rule *rule, struct response *out) {
	struct request *r = p->r;
	int64_t opens_at = engine_opening(r->world->options.engine, r->now, show->definition, show->instance, show->values, rule, r->arena);
	struct str title = prose_get(p, "events", rule->name, NULL, (struct str){0});
	title = title.len > 0 ? title : rule->name;
	if (opens_at <= r->now)
		write_button(p, show, rule->name, title, out);
	else if (opens_at != INT64_MAX)
		write_later(p, title, opens_at, out);
}

bool acts_write(const struct prose *p, struct view *v, const struct show_view *show, struct response *out, struct err *err) {
	struct participation_list people = {0};
	bool any = false;
	if (show->rule->acts.count == 0 || show->contact_id == 0)
		return true;
	if (!participation_list(v, show->instance->id, prose_day(p), p->r->arena, &people, err))
		return false;
	for (size_t i = 0; i < show->rule->acts.count; i++) {
		const struct event_rule *rule = may(show, &people, show->rule->acts.items[i]);
		if (!rule)
			continue;
		if (!any) {
			buf_z(&out->body, "<section class=\"acts\">\n<h2>");
			page_word(p->r, out, "page.acts");
			buf_z(&out->body, "</h2>\n");
		}
		any = true;
		write_act(p, show, rule, out);
	}
	if (any)
		buf_z(&out->body, "</section>\n");
	return true;
}

struct taken {
	struct page_act act;
	struct link link;
	struct str here;
};

static bool run_take(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct taken *t = c->context;
	return engine_page_link(engine, tx, now, &t->act, c->arena, &t->link, err);
}

/* What is possible no more has gone from the page, too. */
static void after_take(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	const struct taken *t = c->context;
	if (ok)
		response_redirect(out, r, page_path(r, arena_printf(r->arena, "/l/%.*s", STR_ARG(engine_token(r->world->options.engine, &t->link, r->arena)))));
	else if (err->kind == ERR_CONFLICT)
		response_redirect(out, r, page_path(r, t->here));
	else
		page_failure(r, out, err);
}

void acts_post(struct request *r, const struct show_view *show, struct response *out) {
	struct change *c = response_change(out, sizeof(struct taken), run_take, after_take);
	*(struct taken *)c->context = (struct taken){{show->instance->id, show->contact_id, show->rule->name, request_form(r, "act")}, .here = show->here};
}
