#include "otp-portal/list_page.h"

#include "engine/base/escape.h"
#include "engine/base/fold.h"
#include "otp-portal/columns.h"
#include "otp-portal/page.h"
#include "otp-portal/show_page.h"

#include <string.h>

enum { ROWS = 50, LAST_PAGE = 100000 };

struct listing {
	struct request *r;
	struct view *v;
	const struct list_view *list;
	struct prose prose; /* of the package; its row changes */
	struct instance_list rows;
	int64_t total, page;
	struct str search;
};

static struct instance_query query_of(struct request *r, const struct list_view *list, struct str search) {
	const struct view_rule *rule = list->rule;
	struct str *roles = ARENA_ARRAY(r->arena, rule->roles.count + 1, struct str);
	for (size_t i = 0; i < rule->roles.count; i++)
		roles[i] = rule->roles.items[i]->name;
	struct buf folded;
	buf_init(&folded, 1000);
	fold_text(&folded, search.len <= 200 ? search : (struct str){search.at, 200});
	struct instance_query query = {
	        .workflow = list->package->definition->name,
	        .contact_id = list->contact_id,
	        .roles = roles,
	        .role_count = rule->roles.count,
	        .search = arena_str(r->arena, buf_text(&folded)),
	};
	buf_free(&folded);
	return query;
}

bool list_count(struct request *r, struct view *v, const struct list_view *list, int64_t *count, struct err *err) {
	struct instance_list rows = {0};
	struct instance_query query = query_of(r, list, STR(""));
	query.limit = 1;
	return instance_query(v, &query, r->arena, &rows, count, err);
}

/* path plus "name=value"; value is escaped. */
static struct str with(struct request *r, struct str path, const char *name, struct str value) {
	struct buf escaped;
	buf_init(&escaped, 4000);
	escape_url(&escaped, value);
	const char *sign = memchr(path.at, '?', path.len) ? "&" : "?";
	struct str out = arena_printf(r->arena, "%.*s%s%s=%.*s", STR_ARG(path), sign, name, STR_ARG(buf_text(&escaped)));
	buf_free(&escaped);
	return out;
}

static struct str turned(const struct listing *l, int64_t page) {
	struct str path = l->search.len > 0 ? with(l->r, l->list->path, "q", l->search) : l->list->path;
	return page > 1 ? with(l->r, path, "page", arena_printf(l->r->arena, "%lld", (long long)page)) : path;
}

static void write_search(const struct listing *l, struct response *out) {
	struct buf *b = &out->body;
	struct str view = request_query(l->r, "view");
	if (l->list->rule->search.count == 0)
		return;
	struct str action = l->list->path;
	buf_z(b, "<form method=\"get\" action=\"");
	escape_html(b, str_cut(&action, '?'));
	buf_z(b, "\" class=\"search\" role=\"search\">\n");
	if (view.len > 0)
		page_hidden(out, "view", view);
	page_hidden_language(l->r, out);
	buf_z(b, "<label for=\"q\">");
	page_word(l->r, out, "list.search-label");
	buf_z(b, "</label>\n<input type=\"search\" id=\"q\" name=\"q\" value=\"");
	escape_html(b, l->search);
	buf_z(b, "\">\n<button class=\"quiet\">");
	page_word(l->r, out, "list.search");
	buf_z(b, "</button>\n</form>\n");
	if (l->search.len > 0)
		page_way(l->r, out, l->list->path, "list.clear");
}

static void write_cell(const struct listing *l, struct str column, struct str href, struct response *out) {
	struct buf *b = &out->body;
	struct str text = column_value(&l->prose, column);
	buf_z(b, "<td data-label=\"");
	escape_html(b, column_label(&l->prose, column));
	buf_z(b, "\">");
	if (href.len > 0) {
		buf_z(b, "<a href=\"");
		escape_html(b, href);
		buf_z(b, "\">");
		escape_html(b, text.len > 0 ? text : l->prose.instance->reference);
		buf_z(b, "</a>");
	} else {
		escape_html(b, text);
	}
	buf_z(b, "</td>");
}

/* Reads a row as its own definition says. */
static bool open_row(struct listing *l, const struct instance *row, struct err *err) {
	const struct definition *d = site_definition(l->r->world->options.site, l->v, row->definition, err);
	if (!d)
		return false;
	struct value *values = ARENA_ARRAY(l->r->arena, d->fields.count + 1, struct value);
	l->prose.definition = d;
	l->prose.instance = row;
	l->prose.values = values;
	return data_from_json(d, row->data, l->prose.registers, l->r->arena, values, err);
}

static bool write_row(struct listing *l, const struct instance *row, struct response *out, struct err *err) {
	const struct view_rule *rule = l->list->rule;
	if (!open_row(l, row, err))
		return false;
	buf_z(&out->body, "<tr>");
	for (size_t i = 0; i < rule->columns.count; i++) {
		bool opens = i == 0 && rule->page.len > 0;
		struct str href = opens ? page_path(l->r, with(l->r, l->list->path, "row", row->reference)) : STR("");
		write_cell(l, rule->columns.items[i], href, out);
	}
	buf_z(&out->body, "</tr>\n");
	return true;
}

static bool write_table(struct listing *l, struct response *out, struct err *err) {
	struct buf *b = &out->body;
	buf_z(b, "<table class=\"list\">\n<thead><tr>");
	for (size_t i = 0; i < l->list->rule->columns.count; i++) {
		buf_z(b, "<th scope=\"col\">");
		escape_html(b, column_label(&l->prose, l->list->rule->columns.items[i]));
		buf_z(b, "</th>");
	}
	buf_z(b, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < l->rows.count; i++)
		if (!write_row(l, &l->rows.items[i], out, err))
			return false;
	buf_z(b, "</tbody>\n</table>\n");
	return true;
}

static void write_turn(const struct listing *l, int64_t page, const char *key, const char *rel, struct response *out) {
	buf_printf(&out->body, "<a rel=\"%s\" href=\"", rel);
	escape_html(&out->body, page_path(l->r, turned(l, page)));
	buf_z(&out->body, "\">");
	page_word(l->r, out, key);
	buf_z(&out->body, "</a>\n");
}

static void write_turning(const struct listing *l, struct response *out) {
	struct arena *a = l->r->arena;
	if (l->total <= ROWS)
		return;
	buf_z(&out->body, "<nav class=\"pages\">\n");
	if (l->page > 1)
		write_turn(l, l->page - 1, "list.previous", "prev", out);
	page_text(l->r, out, "list.page", arena_printf(a, "%lld", (long long)l->page), STR(""));
	buf_char(&out->body, '\n');
	if (l->page * ROWS < l->total)
		write_turn(l, l->page + 1, "list.next", "next", out);
	buf_z(&out->body, "</nav>\n");
}

static void write_empty(const struct listing *l, struct response *out) {
	struct str text = l->search.len > 0 ? STR("") : prose_get(&l->prose, "views", l->list->rule->name, "empty", (struct str){0});
	buf_z(&out->body, "<p>");
	if (text.len > 0)
		escape_html(&out->body, text);
	else
		page_word(l->r, out, l->search.len > 0 ? "list.none-found" : "list.empty");
	buf_z(&out->body, "</p>\n");
}

static struct str title_of(const struct listing *l) {
	struct str title = prose_get(&l->prose, "views", l->list->rule->name, "title", (struct str){0});
	return title.len > 0 ? title : l->list->rule->name;
}

static bool write_list(struct listing *l, struct response *out, struct err *err) {
	struct page page = {.title = title_of(l), .here = l->list->path, .logged_in = l->list->logged_in, .wide = true};
	page_begin(l->r, out, &page);
	buf_z(&out->body, "<h1>");
	escape_html(&out->body, page.title);
	buf_z(&out->body, "</h1>\n");
	prose_write(&l->prose, prose_get(&l->prose, "views", l->list->rule->name, "intro", (struct str){0}), &out->body);
	write_search(l, out);
	if (l->total > 0) {
		buf_z(&out->body, "<p role=\"status\">");
		page_text(l->r, out, "list.count", language_int(l->r->language, l->r->arena, l->total), STR(""));
		buf_z(&out->body, "</p>\n");
	}
	if (l->rows.count == 0)
		write_empty(l, out);
	else if (!write_table(l, out, err))
		return false;
	write_turning(l, out);
	page_end(l->r, out);
	return true;
}

static bool may_see(struct listing *l, const struct instance *row, bool *may, struct err *err) {
	const struct view_rule *rule = l->list->rule;
	struct participation_list people = {0};
	*may = false;
	if (!str_equal(row->workflow, l->list->package->definition->name))
		return true;
	if (!participation_list(l->v, row->id, l->r->arena, &people, err))
		return false;
	for (size_t i = 0; i < people.count; i++)
		for (size_t k = 0; k < rule->roles.count; k++)
			*may = *may || (people.items[i].contact_id == l->list->contact_id && str_equal(people.items[i].role, rule->roles.items[k]->name));
	return true;
}

static bool show_row(struct listing *l, struct str reference, struct response *out, struct err *err) {
	struct instance row;
	bool may;
	if (l->list->rule->page.len == 0)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "rows of this list open no page");
	if (!instance_by_reference(l->v, reference, l->r->arena, &row, err) || !may_see(l, &row, &may, err))
		return false;
	if (!may)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "not a row of this contact");
	if (!open_row(l, &row, err))
		return false;
	const struct view_rule *rule = definition_view(l->prose.definition, l->list->rule->page);
	if (!rule)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "its definition has no such page");
	struct str here = with(l->r, l->list->path, "row", reference);
	struct show_view show = {l->list->package, l->prose.definition, rule, &row, l->prose.values, here, l->list->path, l->list->logged_in};
	show_page(l->r, l->v, &show, out);
	return true;
}

void list_page(struct request *r, struct view *v, const struct list_view *list, struct response *out) {
	struct register_port port = data_store_port(v);
	struct listing l = {.r = r, .v = v, .list = list, .search = str_trim(request_query(r, "q"))};
	struct str reference = request_query(r, "row");
	struct err err;
	l.prose = (struct prose){.r = r, .package = list->package, .definition = list->package->definition, .registers = &port};
	if (!str_to_int(request_query(r, "page"), &l.page) || l.page < 1 || l.page > LAST_PAGE)
		l.page = 1;
	struct instance_query query = query_of(r, list, l.search);
	query.limit = ROWS;
	query.offset = (l.page - 1) * ROWS;
	bool ok = reference.len > 0 ? show_row(&l, reference, out, &err)
	                            : instance_query(v, &query, r->arena, &l.rows, &l.total, &err) && write_list(&l, out, &err);
	if (!ok)
		page_failure(r, out, &err);
}
