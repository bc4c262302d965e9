#include "otp-portal/own_start.h"

#include "engine/base/escape.h"
#include "engine/store/listings.h"
#include "otp-portal/limits.h"
#include "otp-portal/page.h"
#include "otp-portal/session.h"
#include "otp-portal/start_page.h"

/* In whatever case of these workflows. */
static bool has_role(struct request *r, struct view *v, const struct definition *d, int64_t contact_id, bool *has, struct err *err) {
	const struct str *role = d->start.from ? &d->start.by->name : &d->start.role;
	*has = false;
	for (size_t i = 0; i < d->start.login.count && !*has; i++) {
		struct listing_query query = {.workflow = d->start.login.items[i].workflow, .contact_id = contact_id, .roles = role, .role_count = 1, .day = site_day(r->world->options.site, r->now)};
		if (!listing_any(v, &query, r->arena, has, err))
			return false;
	}
	return true;
}

static bool find_cases(struct request *r, struct view *v, const struct definition *d, int64_t contact_id, struct start_cases *out, struct err *err) {
	struct start_look look = {r->world->options.engine, v, r->now, d, contact_id, NULL, r->arena};
	*out = (struct start_cases){0};
	return !d->start.from || engine_start_cases(&look, out, err);
}

bool own_start_is_for(struct request *r, struct view *v, const struct definition *d, int64_t contact_id, bool *is, struct err *err) {
	struct start_cases cases;
	*is = d->start.open;
	if (*is)
		return true;
	if (!has_role(r, v, d, contact_id, is, err) || (*is && !find_cases(r, v, d, contact_id, &cases, err)))
		return false;
	*is = *is && (!d->start.from || cases.count > 0);
	return true;
}

struct own_begin {
	struct str workflow, network;
	int64_t contact_id, from_id;
	struct link link;
};

static bool run_own(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct own_begin *b = c->context;
	return limit_count(tx, "start-form", b->network, STARTS_AN_HOUR, LIMIT_HOUR, now, err) &&
	       engine_start_link_for(engine, tx, now, b->workflow, b->contact_id, b->from_id, &b->link, err);
}

static void after_own(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	const struct own_begin *b = c->context;
	if (ok)
		response_redirect(out, r, page_path(r, arena_printf(r->arena, "/l/%.*s", STR_ARG(engine_token(r->world->options.engine, &b->link, r->arena)))));
	else
		page_failure(r, out, err);
}

static void begin(struct request *r, const struct definition *d, int64_t contact_id, int64_t from_id, struct response *out) {
	struct change *c = response_change(out, sizeof(struct own_begin), run_own, after_own);
	*(struct own_begin *)c->context = (struct own_begin){.workflow = d->name, .network = limit_network(r), .contact_id = contact_id, .from_id = from_id};
}

static void head(const struct prose *p, unsigned status, struct response *out) {
	struct page page = {.title = prose_start(p), .here = p->r->path};
	out->status = status;
	page_begin(p->r, out, &page);
	buf_z(&out->body, "<h1>");
	escape_html(&out->body, page.title);
	buf_z(&out->body, "</h1>\n");
}

void own_start_missing(const struct prose *p, struct response *out) {
	head(p, 409, out);
	prose_write(p, prose_find(p, "start", STR("missing"), NULL, (struct str){0}), &out->body);
	page_way(p->r, out, STR("/backend?view=home"), "login.home");
}

/* By what is not the same in all of them, else the day on which it began; and its reference, which makes two alike two. */
static struct str name_of(const struct prose *p, const struct start_cases *all, const struct start_case *one) {
	struct request *r = p->r;
	const struct start_from *from = p->definition->start.from;
	struct str name = STR("");
	for (size_t i = 0; i < from->take.count; i++) {
		const struct field *field = from->take.items[i];
		struct str text = prose_value(p, field, &one->values[field->slot]);
		bool differs = false;
		for (size_t k = 0; k < all->count; k++)
			differs = differs || !str_equal(text, prose_value(p, field, &all->items[k].values[field->slot]));
		if (differs)
			name = arena_printf(r->arena, "%.*s%s%.*s", STR_ARG(name), name.len ? ", " : "", STR_ARG(text));
	}
	if (name.len == 0)
		name = language_date(r->language, r->arena, civil_day_of(zone_local(site_zone(r->world->options.site), one->started_at)));
	return arena_printf(r->arena, "%.*s (%.*s)", STR_ARG(name), STR_ARG(one->reference));
}

static void which(const struct prose *p, const struct start_cases *cases, struct response *out) {
	struct request *r = p->r;
	head(p, 200, out);
	buf_z(&out->body, "<p>");
	page_word(r, out, "login.which");
	buf_z(&out->body, "</p>\n<ul class=\"overviews\">\n");
	for (size_t i = 0; i < cases->count; i++) {
		buf_z(&out->body, "<li><form method=\"post\" action=\"");
		escape_html(&out->body, page_path(r, r->path));
		buf_z(&out->body, "\">");
		page_hidden(out, "case", cases->items[i].reference);
		page_hidden_language(r, out);
		buf_z(&out->body, "<button class=\"quiet\">");
		escape_html(&out->body, name_of(p, cases, &cases->items[i]));
		buf_z(&out->body, "</button></form></li>\n");
	}
	buf_z(&out->body, "</ul>\n");
	page_way(r, out, STR("/backend?view=home"), "login.home");
	page_end(r, out);
}

static void press(const struct prose *p, const struct start_cases *cases, int64_t contact_id, struct response *out) {
	const struct definition *d = p->definition;
	struct str chosen = request_form(p->r, "case");
	for (size_t i = 0; i < cases->count; i++)
		if (cases->count == 1 || str_equal(chosen, cases->items[i].reference)) {
			begin(p->r, d, contact_id, cases->items[i].instance_id, out);
			return;
		}
	if (d->start.from)
		which(p, cases, out);
	else
		begin(p->r, d, contact_id, 0, out);
}

void own_start_page(struct request *r, struct view *v, const struct package *package, struct response *out) {
	const struct definition *d = package->definition;
	struct register_port port = data_store_port(v);
	struct prose p = {.r = r, .package = package, .definition = d, .registers = &port};
	struct session session;
	struct start_cases cases;
	struct err err;
	bool has, post = r->method == METHOD_POST;
	if (!session_current(r, v, &session, &err)) {
		response_redirect(out, r, page_path(r, STR("/backend?view=home")));
		return;
	}
	if (!has_role(r, v, d, session.contact_id, &has, &err) || !find_cases(r, v, d, session.contact_id, &cases, &err)) {
		page_failure(r, out, &err);
	} else if (has && d->start.from && cases.count == 0) {
		own_start_missing(&p, out);
		page_end(r, out);
	} else if (!post) {
		response_redirect(out, r, page_path(r, STR("/backend?view=home")));
	} else if (has) {
		press(&p, &cases, session.contact_id, out);
	} else {
		page_not_found(r, out);
	}
}
