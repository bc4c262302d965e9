#include "otp-portal/login_page.h"

#include "engine/base/escape.h"
#include "otp-portal/list_page.h"
#include "otp-portal/page.h"
#include "otp-portal/session.h"

/* The overviews that show this contact something. */
struct overviews {
	struct overview {
		struct list_view list;
		int64_t count;
	} *items;
	size_t count, cap;
};

static bool find_overviews(struct request *r, struct view *v, int64_t contact_id, struct overviews *out, struct err *err) {
	const struct site *site = r->world->options.site;
	for (size_t p = 0; p < site_package_count(site); p++) {
		const struct package *package = site_package_at(site, p);
		for (size_t i = 0; i < package->definition->views.count; i++) {
			const struct view_rule *rule = &package->definition->views.items[i];
			if (!rule->login || rule->kind != VIEW_LIST)
				continue;
			struct str path = arena_printf(r->arena, "/backend?view=%.*s.%.*s", STR_ARG(package->definition->name), STR_ARG(rule->name));
			struct overview found = {.list = {package, rule, contact_id, path, true}};
			if (!list_count(r, v, &found.list, &found.count, err))
				return false;
			if (found.count > 0)
				*(struct overview *)ARENA_PUSH(r->arena, out) = found;
		}
	}
	return true;
}

static void write_entry(struct request *r, const struct overview *o, struct response *out) {
	struct prose p = {.r = r, .package = o->list.package, .definition = o->list.package->definition};
	struct str title = prose_get(&p, "views", o->list.rule->name, "title", (struct str){0});
	buf_z(&out->body, "<li><a href=\"");
	escape_html(&out->body, page_path(r, o->list.path));
	buf_z(&out->body, "\">");
	escape_html(&out->body, title.len > 0 ? title : o->list.rule->name);
	buf_printf(&out->body, "</a> (%lld)</li>\n", (long long)o->count);
}

static void write_choice(struct request *r, const struct overviews *all, struct response *out) {
	struct page page = {.title = language_word(r->language, "login.overviews"), .here = STR("/backend"), .logged_in = true};
	page_begin(r, out, &page);
	buf_z(&out->body, "<h1>");
	page_word(r, out, "login.overviews");
	buf_z(&out->body, all->count > 0 ? "</h1>\n<ul class=\"overviews\">\n" : "</h1>\n<p>");
	for (size_t i = 0; i < all->count; i++)
		write_entry(r, &all->items[i], out);
	if (all->count == 0)
		page_word(r, out, "login.none");
	buf_z(&out->body, all->count > 0 ? "</ul>\n" : "</p>\n");
	page_end(r, out);
}

static bool is_named(const struct overview *o, struct str name, struct arena *a) {
	return str_equal(name, arena_printf(a, "%.*s.%.*s", STR_ARG(o->list.package->definition->name), STR_ARG(o->list.rule->name)));
}

static void show(struct request *r, struct view *v, int64_t contact_id, struct response *out) {
	struct overviews all = {0};
	struct err err;
	struct str view = request_query(r, "view");
	if (!find_overviews(r, v, contact_id, &all, &err)) {
		page_failure(r, out, &err);
		return;
	}
	for (size_t i = 0; i < all.count; i++) {
		if ((view.len == 0 && all.count == 1) || is_named(&all.items[i], view, r->arena)) {
			list_page(r, v, &all.items[i].list, out);
			return;
		}
	}
	if (view.len > 0)
		page_not_found(r, out);
	else
		write_choice(r, &all, out);
}

void login_backend(struct request *r, struct response *out) {
	struct session session;
	struct err err;
	struct view *v = store_view(r->world->options.store, &err);
	if (!v)
		page_failure(r, out, &err);
	else if (session_current(r, v, &session, &err))
		show(r, v, session.contact_id, out);
	else if (err.kind == ERR_NOT_FOUND)
		response_redirect(out, r, page_path(r, STR("/home/otplogin")));
	else
		page_failure(r, out, &err);
	if (v)
		view_close(v);
}
