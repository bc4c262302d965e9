#include "otp-portal/list_page.h"

#include "engine/base/escape.h"
#include "engine/base/log.h"
#include "otp-portal/columns.h"
#include "otp-portal/list_ask.h"
#include "otp-portal/list_export.h"
#include "otp-portal/list_sieve.h"
#include "otp-portal/page.h"
#include "otp-portal/show_page.h"

enum { ROWS = 50, BRIEF = 10 }; /* BRIEF: bytes of a value that stays on one line, such as a date */

struct listing_page {
	struct request *r;
	struct view *v;
	const struct list_view *list;
	struct list_ask ask;
	struct prose prose; /* of the package; its row changes */
	struct listed_list rows;
	int64_t total, overdue;
};

bool list_count(struct request *r, struct view *v, const struct list_view *list, int64_t *count, struct err *err) {
	struct listing_query query = list_ask_query(&(struct list_ask){.r = r, .list = list});
	int64_t overdue;
	return listing_count(v, &query, r->arena, count, &overdue, err);
}

/* A word about the row, where it stands. */
static void write_tag(struct buf *b, const char *class, struct str word) {
	buf_printf(b, "<strong class=\"tag %s\">", class);
	escape_html(b, word);
	buf_z(b, "</strong>");
}

struct cell {
	struct str text, href;
	struct delivered delivered;
	bool overdue;
};

static void write_cell(const struct listing_page *l, struct str column, const struct cell *cell, struct response *out) {
	struct buf *b = &out->body;
	buf_z(b, "<td data-label=\"");
	escape_html(b, column_label(&l->prose, column));
	buf_z(b, cell->text.len <= BRIEF && !cell->overdue ? "\" class=\"brief\">" : "\">");
	if (cell->href.len > 0) {
		buf_z(b, "<a href=\"");
		escape_html(b, cell->href);
		buf_z(b, "\">");
		escape_html(b, cell->text.len > 0 ? cell->text : l->prose.instance->reference);
		buf_z(b, "</a>");
	} else if (cell->delivered.wrong) {
		write_tag(b, "wrong", cell->delivered.word);
		if (cell->delivered.of.len > 0) {
			buf_z(b, " (");
			escape_html(b, cell->delivered.of);
			buf_char(b, ')');
		}
	} else {
		escape_html(b, cell->text);
	}
	if (cell->overdue) {
		buf_char(b, ' ');
		write_tag(b, "late", language_word(l->r->language, "list.overdue"));
	}
	buf_z(b, "</td>");
}

static struct str row_path(const struct listing_page *l, struct str reference) {
	struct buf query;
	buf_init(&query, 200);
	buf_z(&query, "row=");
	escape_url(&query, reference);
	struct str path = page_with(l->r, l->list->path, buf_text(&query));
	buf_free(&query);
	return path;
}

/* The column that carries the word: the state, else the first. */
static size_t marked_column(const struct view_rule *rule) {
	for (size_t i = 0; i < rule->columns.count; i++)
		if (str_is(rule->columns.items[i], "state"))
			return i;
	return 0;
}

static bool write_cells(struct listing_page *l, bool overdue, struct response *out, struct err *err) {
	const struct view_rule *rule = l->list->rule;
	size_t marked = overdue ? marked_column(rule) : rule->columns.count;
	buf_z(&out->body, overdue ? "<tr class=\"late\">" : "<tr>");
	for (size_t i = 0; i < rule->columns.count; i++) {
		bool opens = i == 0 && rule->page.len > 0;
		struct cell cell = {.href = opens ? page_path(l->r, row_path(l, l->prose.instance->reference)) : STR(""), .overdue = i == marked};
		struct str column = rule->columns.items[i], role;
		bool delivery = view_column_delivery(column, &role);
		if (delivery && !column_delivery(&l->prose, l->v, role, &cell.delivered, err))
			return false;
		cell.text = delivery ? column_delivered(&l->prose, &cell.delivered) : column_value(&l->prose, column);
		write_cell(l, column, &cell, out);
	}
	buf_z(&out->body, "</tr>\n");
	return true;
}

/* One damaged instance must not hide the others from everybody. */
static void write_unreadable(struct listing_page *l, const struct instance *row, const struct err *err, struct response *out) {
	log_err(LOG_ERROR, "row-unreadable", err);
	buf_printf(&out->body, "<tr><td colspan=\"%zu\">", l->list->rule->columns.count);
	page_text(l->r, out, "list.unreadable", row->reference, STR(""));
	buf_z(&out->body, "</td></tr>\n");
}

static bool write_row(struct listing_page *l, const struct listed *listed, struct response *out, struct err *err) {
	struct instance *row = ARENA_NEW(l->r->arena, struct instance);
	struct err unreadable;
	if (!instance_load(l->v, listed->instance_id, l->r->arena, row, err))
		return false;
	if (prose_read(&l->prose, l->v, row, &unreadable))
		return write_cells(l, listed->overdue, out, err);
	if (unreadable.kind != ERR_TRANSIENT) {
		write_unreadable(l, row, &unreadable, out);
		return true;
	}
	*err = unreadable;
	return false;
}

static void write_head_cell(const struct listing_page *l, struct str column, struct response *out) {
	struct str sorted = l->ask.sort.len > 0 ? l->ask.sort : STR("changed_at");
	buf_z(&out->body, "<th scope=\"col\"");
	if (str_equal(sorted, column))
		buf_z(&out->body, l->ask.ascending ? " aria-sort=\"ascending\"" : " aria-sort=\"descending\"");
	buf_char(&out->body, '>');
	escape_html(&out->body, column_label(&l->prose, column));
	buf_z(&out->body, "</th>");
}

static struct str title_of(const struct listing_page *l) {
	struct str title = prose_get(&l->prose, "views", l->list->rule->name, "title", (struct str){0});
	return title.len > 0 ? title : l->list->rule->name;
}

static bool write_table(struct listing_page *l, struct response *out, struct err *err) {
	struct buf *b = &out->body;
	buf_z(b, "<table class=\"list\">\n<caption><span class=\"sr\">");
	escape_html(b, title_of(l));
	buf_z(b, "</span></caption>\n<thead><tr>");
	for (size_t i = 0; i < l->list->rule->columns.count; i++)
		write_head_cell(l, l->list->rule->columns.items[i], out);
	buf_z(b, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < l->rows.count; i++)
		if (!write_row(l, &l->rows.items[i], out, err))
			return false;
	buf_z(b, "</tbody>\n</table>\n");
	return true;
}

static void write_turn(const struct listing_page *l, int64_t page, const char *key, const char *rel, struct response *out) {
	struct list_ask turned = l->ask;
	turned.page = page;
	buf_printf(&out->body, "<a%s href=\"", rel);
	escape_html(&out->body, page_path(l->r, list_ask_path(&turned)));
	buf_z(&out->body, "\">");
	page_word(l->r, out, key);
	buf_z(&out->body, "</a>\n");
}

static struct str page_number(const struct listing_page *l, int64_t number) {
	return language_int(l->r->language, l->r->arena, number);
}

static void write_turning(const struct listing_page *l, struct response *out) {
	int64_t page = l->ask.page, last = (l->total + ROWS - 1) / ROWS;
	if (l->total <= ROWS && page == 1)
		return;
	buf_z(&out->body, "<nav class=\"pages\" aria-label=\"");
	page_word(l->r, out, "list.pages");
	buf_z(&out->body, "\">\n");
	if (page > 1) {
		write_turn(l, 1, "list.first", "", out);
		write_turn(l, page - 1 < last ? page - 1 : last, "list.previous", " rel=\"prev\"", out);
	}
	buf_z(&out->body, "<span>");
	page_text(l->r, out, "list.page", page_number(l, page), page_number(l, last));
	buf_z(&out->body, "</span>\n");
	if (page < last) {
		write_turn(l, page + 1, "list.next", " rel=\"next\"", out);
		write_turn(l, last, "list.last", "", out);
	}
	buf_z(&out->body, "</nav>\n");
}

static void write_empty(const struct listing_page *l, struct response *out) {
	bool narrows = list_ask_narrows(&l->ask) || l->total > 0;
	struct str text = narrows ? STR("") : prose_get(&l->prose, "views", l->list->rule->name, "empty", (struct str){0});
	buf_z(&out->body, "<p>");
	if (text.len > 0)
		escape_html(&out->body, text);
	else
		page_word(l->r, out, narrows ? "list.none-found" : "list.empty");
	buf_z(&out->body, "</p>\n");
}

/* "51-100 af 234", and how many of them are overdue. */
static void write_count(const struct listing_page *l, struct response *out) {
	struct arena *a = l->r->arena;
	int64_t first = (l->ask.page - 1) * ROWS + 1, last = first - 1 + (int64_t)l->rows.count;
	struct list_ask late = l->ask;
	late.page = 1;
	late.overdue = true;
	if (l->total == 0)
		return;
	buf_z(&out->body, "<p role=\"status\">");
	if (l->total <= ROWS || l->rows.count == 0)
		page_text(l->r, out, "list.count", page_number(l, l->total), STR(""));
	else
		page_text(l->r, out, "list.range", arena_printf(a, "%.*s–%.*s", STR_ARG(page_number(l, first)), STR_ARG(page_number(l, last))), page_number(l, l->total));
	if (l->overdue > 0 && !l->ask.overdue) {
		buf_z(&out->body, " <a class=\"tag late\" href=\"");
		escape_html(&out->body, page_path(l->r, list_ask_path(&late)));
		buf_z(&out->body, "\">");
		page_text(l->r, out, "list.overdue-count", page_number(l, l->overdue), STR(""));
		buf_z(&out->body, "</a>");
	}
	buf_z(&out->body, "</p>\n");
}

static bool write_list(struct listing_page *l, struct response *out, struct err *err) {
	struct page page = {.title = title_of(l), .here = list_ask_path(&l->ask), .logged_in = l->list->logged_in, .wide = true};
	page_begin(l->r, out, &page);
	buf_z(&out->body, "<h1>");
	escape_html(&out->body, page.title);
	buf_z(&out->body, "</h1>\n");
	prose_write(&l->prose, prose_find(&l->prose, "views", l->list->rule->name, "intro", (struct str){0}), &out->body);
	if (!list_sieve(&l->ask, l->v, &l->prose, out, err))
		return false;
	write_count(l, out);
	if (l->rows.count == 0)
		write_empty(l, out);
	else if (!write_table(l, out, err))
		return false;
	write_turning(l, out);
	if (l->list->rule->exported && l->total > 0)
		list_export_way(&l->ask, out);
	page_end(l->r, out);
	return true;
}

static bool may_see(struct listing_page *l, const struct instance *row, bool *may, struct err *err) {
	const struct view_rule *rule = l->list->rule;
	struct participation_list people = {0};
	*may = false;
	if (!str_equal(row->workflow, l->list->package->definition->name))
		return true;
	if (!participation_list(l->v, row->id, prose_day(&l->prose), l->r->arena, &people, err))
		return false;
	for (size_t i = 0; i < people.count; i++)
		for (size_t k = 0; k < rule->roles.count; k++)
			*may = *may || (people.items[i].contact_id == l->list->contact_id && str_equal(people.items[i].role, rule->roles.items[k]->name));
	return true;
}

static bool show_row(struct listing_page *l, struct str reference, struct response *out, struct err *err) {
	struct instance row;
	bool may;
	if (l->list->rule->page.len == 0)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "rows of this list open no page");
	if (!instance_by_reference(l->v, reference, l->r->arena, &row, err) || !may_see(l, &row, &may, err))
		return false;
	if (!may)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "not a row of this contact");
	if (!prose_read(&l->prose, l->v, &row, err))
		return false;
	const struct view_rule *rule = definition_view(l->prose.definition, l->list->rule->page);
	if (!rule)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "its definition has no such page");
	struct str here = row_path(l, row.reference);
	struct show_view show = {l->list->package, l->prose.definition, rule, &row, l->prose.values, here, l->list->path, l->list->logged_in, l->list->contact_id};
	show_page(l->r, l->v, &show, out);
	return true;
}

static bool read_rows(struct listing_page *l, struct err *err) {
	struct listing_query query = list_ask_query(&l->ask);
	query.limit = ROWS;
	query.offset = (l->ask.page - 1) * ROWS;
	return listing_count(l->v, &query, l->r->arena, &l->total, &l->overdue, err) && listing_query(l->v, &query, l->r->arena, &l->rows, err);
}

void list_page(struct request *r, struct view *v, const struct list_view *list, struct response *out) {
	struct register_port port = data_store_port(v);
	struct listing_page l = {.r = r, .v = v, .list = list, .ask = list_ask_read(r, list)};
	struct str reference = request_query(r, "row");
	struct err err;
	if (r->method == METHOD_POST && reference.len == 0) {
		page_wrong_method(r, out, STR("GET, HEAD"));
		return;
	}
	l.prose = (struct prose){.r = r, .package = list->package, .definition = list->package->definition, .registers = &port};
	if (list->rule->exported && str_is(request_query(r, "export"), "csv")) {
		list_export(&l.ask, out);
		return;
	}
	bool ok = reference.len > 0 ? show_row(&l, reference, out, &err) : read_rows(&l, &err) && write_list(&l, out, &err);
	if (!ok)
		page_failure(r, out, &err);
}
