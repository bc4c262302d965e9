#include "otp-portal/login_page.h"

#include "engine/base/escape.h"
#include "otp-portal/list_page.h"
#include "otp-portal/own_start.h"
#include "otp-portal/page.h"
#include "otp-portal/rows_page.h"
#include "otp-portal/session.h"
#include "otp-portal/tasks.h"

enum { WANTED_MAX = 500 };

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
			if (!rule->login)
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
	buf_z(&out->body, "</a>");
	if (o->list.rule->kind == VIEW_LIST)
		buf_printf(&out->body, " (%lld)", (long long)o->count);
	buf_z(&out->body, "</li>\n");
}

static void write_heading(struct request *r, const char *key, struct response *out) {
	buf_z(&out->body, "<h2>");
	page_word(r, out, key);
	buf_z(&out->body, "</h2>\n");
}

static void write_none(struct request *r, const char *key, struct response *out) {
	buf_z(&out->body, "<p>");
	page_word(r, out, key);
	buf_z(&out->body, "</p>\n");
}

static void write_overviews(struct request *r, const struct overviews *all, struct response *out) {
	write_heading(r, "login.overviews", out);
	if (all->count == 0) {
		write_none(r, "login.none", out);
		return;
	}
	buf_z(&out->body, "<ul class=\"overviews\">\n");
	for (size_t i = 0; i < all->count; i++)
		write_entry(r, &all->items[i], out);
	buf_z(&out->body, "</ul>\n");
}

/* A public start is a page; one for who is logged in begins with a link of their own, so it is a button. */
static void write_start(struct request *r, const struct package *package, struct response *out) {
	struct prose p = {.r = r, .package = package, .definition = package->definition};
	bool page = package->definition->start.open;
	buf_z(&out->body, page ? "<li><a href=\"" : "<li><form method=\"post\" action=\"");
	escape_html(&out->body, page_path(r, arena_printf(r->arena, "/start/%.*s", STR_ARG(package->definition->name))));
	buf_z(&out->body, "\">");
	if (!page) {
		page_hidden_language(r, out);
		buf_z(&out->body, "<button class=\"quiet\">");
	}
	escape_html(&out->body, prose_start(&p));
	buf_z(&out->body, page ? "</a></li>\n" : "</button></form></li>\n");
}

/* Something that only who is logged in can begin. */
static bool find_own_start(struct request *r, struct view *v, int64_t contact_id, bool *any, struct err *err) {
	const struct site *site = r->world->options.site;
	*any = false;
	for (size_t i = 0; i < site_package_count(site) && !*any; i++) {
		const struct definition *d = site_package_at(site, i)->definition;
		if (!d->start.open && !own_start_is_for(r, v, d, contact_id, any, err))
			return false;
	}
	return true;
}

static bool write_starts(struct request *r, struct view *v, int64_t contact_id, struct response *out, struct err *err) {
	const struct site *site = r->world->options.site;
	bool any = false, is;
	for (size_t i = 0; i < site_package_count(site); i++) {
		const struct package *package = site_package_at(site, i);
		if (!own_start_is_for(r, v, package->definition, contact_id, &is, err))
			return false;
		if (!is)
			continue;
		if (!any) {
			write_heading(r, "login.begin", out);
			buf_z(&out->body, "<ul class=\"overviews\">\n");
		}
		any = true;
		write_start(r, package, out);
	}
	if (any)
		buf_z(&out->body, "</ul>\n");
	return true;
}

static void write_everywhere(struct request *r, struct response *out) {
	write_heading(r, "login.everywhere-title", out);
	write_none(r, "login.everywhere-text", out);
	buf_z(&out->body, "<form method=\"post\" action=\"/backend/logout\">\n");
	page_hidden(out, "devices", STR("all"));
	page_hidden_language(r, out);
	buf_z(&out->body, "<p class=\"buttons\"><button class=\"quiet\">");
	page_word(r, out, "login.everywhere");
	buf_z(&out->body, "</button></p>\n</form>\n");
}

static void write_home(struct request *r, struct view *v, const struct contact *who, const struct tasks *tasks, const struct overviews *all,
                       struct response *out) {
	struct err err;
	struct page page = {.title = language_word(r->language, "login.home"), .here = STR("/backend?view=home"), .logged_in = true};
	page_begin(r, out, &page);
	buf_z(&out->body, "<p class=\"caption\">");
	page_text(r, out, "login.as", who->value, STR(""));
	buf_z(&out->body, "</p>\n<h1>");
	page_word(r, out, "login.home");
	buf_z(&out->body, "</h1>\n");
	tasks_write(r, v, tasks, out);
	write_overviews(r, all, out);
	if (!write_starts(r, v, who->id, out, &err)) {
		page_failure(r, out, &err);
		return;
	}
	write_everywhere(r, out);
	page_end(r, out);
}

static bool is_named(const struct overview *o, struct str name, struct arena *a) {
	return str_equal(name, arena_printf(a, "%.*s.%.*s", STR_ARG(o->list.package->definition->name), STR_ARG(o->list.rule->name)));
}

static void show(struct request *r, struct view *v, const struct contact *who, struct response *out) {
	struct overviews all = {0};
	struct tasks tasks;
	struct err err;
	struct str view = request_query(r, "view");
	bool home = str_is(view, "home"), begins;
	if (!find_overviews(r, v, who->id, &all, &err) || !tasks_find(r, v, who->id, &tasks, &err) || !find_own_start(r, v, who->id, &begins, &err)) {
		page_failure(r, out, &err);
		return;
	}
	/* Where nothing waits and nothing is theirs to begin, the only overview is what somebody logged in for. */
	bool only = view.len == 0 && all.count == 1 && tasks.count == 0 && !begins;
	for (size_t i = 0; i < all.count; i++) {
		if (only || is_named(&all.items[i], view, r->arena)) {
			const struct list_view *list = &all.items[i].list;
			if (list->rule->kind == VIEW_ROWS)
				rows_page_own(r, v, list->package, list->rule, list->path, who->id, out);
			else
				list_page(r, v, list, out);
			return;
		}
	}
	if (view.len > 0 && !home)
		page_not_found(r, out);
	else
		write_home(r, v, who, &tasks, &all, out);
}

/* What was asked for, as a query of the log-in page. In arena; empty: the back end's first page. */
static struct str wanted(const struct request *r) {
	struct buf path, query;
	buf_init(&path, WANTED_MAX);
	buf_init(&query, 4 * WANTED_MAX);
	for (size_t i = 0; i < r->query.count; i++) {
		if (str_is(r->query.items[i].name, "lang"))
			continue;
		buf_z(&path, path.len > 0 ? "&" : "/backend?");
		escape_url(&path, r->query.items[i].name);
		buf_char(&path, '=');
		escape_url(&path, r->query.items[i].value);
	}
	buf_z(&query, "next=");
	escape_url(&query, buf_text(&path));
	struct str text = path.len > 0 && !path.overflow ? arena_str(r->arena, buf_text(&query)) : STR("");
	buf_free(&path);
	buf_free(&query);
	return text;
}

static void ask_to_log_in(struct request *r, const struct err *why, struct response *out) {
	unsigned char id[SECRET_HASH];
	struct str target = STR("/home/otplogin"), next = wanted(r);
	if (session_id(r, id))
		target = page_with(r, target, str_is(str_from(why->key), "login.idle") ? STR("ended=idle") : STR("ended=yes"));
	response_redirect(out, r, page_path(r, next.len > 0 ? page_with(r, target, next) : target));
}

void login_backend(struct request *r, struct response *out) {
	struct session session;
	struct contact who;
	struct err err;
	if (r->method == METHOD_POST && ((request_form(r, "act").len == 0 && request_form(r, "resend").len == 0) || request_query(r, "row").len == 0)) {
		page_wrong_method(r, out, STR("GET, HEAD"));
		return;
	}
	struct view *v = store_view(r->world->options.store, &err);
	if (!v) {
		page_failure(r, out, &err);
		return;
	}
	if (!session_current(r, v, &session, &err)) {
		if (err.kind == ERR_NOT_FOUND)
			ask_to_log_in(r, &err, out);
		else
			page_failure(r, out, &err);
	} else if (!contact_load(v, session.contact_id, r->arena, &who, &err)) {
		page_failure(r, out, &err);
	} else {
		request_choose_language(r, who.language);
		show(r, v, &who, out);
	}
	view_close(v);
}
