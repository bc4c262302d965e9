#include "otp-portal/list_export.h"

#include "engine/base/escape.h"
#include "engine/base/fold.h"
#include "engine/base/log.h"
#include "otp-portal/columns.h"
#include "otp-portal/page.h"

enum { ROWS = 100, PIECE = 48 * 1024, NAME_BYTES = 60 };

struct export {
	struct list_ask ask;
	int64_t before; /* instances below this one are still to come */
	int64_t rows;
	bool begun;
};

/* What one piece is made with: an arena that is freed with it. */
struct piece {
	struct export *export;
	struct request request; /* the stream's, with the piece's arena */
	struct list_ask ask;
	struct view *v;
	struct register_port port;
	struct prose prose;
};

static void write_cell(struct buf *out, struct str text, bool last) {
	escape_csv(out, text);
	buf_z(out, last ? "\r\n" : ";");
}

/* What a spreadsheet adds to the view's columns: the reference, if it is not there, and the mark. */
static bool adds_reference(const struct view_rule *rule) {
	for (size_t i = 0; i < rule->columns.count; i++)
		if (str_is(rule->columns.items[i], "reference"))
			return false;
	return true;
}

static void write_tail(struct piece *p, struct str reference, struct str overdue, struct buf *out) {
	const struct view_rule *rule = p->ask.list->rule;
	if (adds_reference(rule))
		write_cell(out, reference, !rule->overdue);
	if (rule->overdue)
		write_cell(out, overdue, true);
}

static bool ends_line(const struct view_rule *rule, size_t column) {
	return column + 1 == rule->columns.count && !adds_reference(rule) && !rule->overdue;
}

static void write_head(struct piece *p, struct buf *out) {
	const struct view_rule *rule = p->ask.list->rule;
	buf_z(out, "\xEF\xBB\xBF");
	for (size_t i = 0; i < rule->columns.count; i++)
		write_cell(out, column_label(&p->prose, rule->columns.items[i]), ends_line(rule, i));
	write_tail(p, column_label(&p->prose, STR("reference")), language_word(p->request.language, "list.overdue"), out);
}

static bool read_cell(struct piece *p, struct str column, struct str *text, struct err *err) {
	struct delivered delivered;
	struct str role;
	bool delivery = view_column_delivery(column, &role);
	if (delivery && !column_delivery(&p->prose, p->v, role, &delivered, err))
		return false;
	*text = delivery ? column_delivered(&p->prose, &delivered) : column_plain(&p->prose, column);
	return true;
}

static bool write_row(struct piece *p, const struct listed *listed, struct buf *out, struct err *err) {
	const struct view_rule *rule = p->ask.list->rule;
	struct instance row;
	struct err unreadable = {0};
	if (!instance_load(p->v, listed->instance_id, p->request.arena, &row, err))
		return false;
	bool read = prose_read(&p->prose, p->v, &row, &unreadable);
	if (!read && unreadable.kind == ERR_TRANSIENT) {
		*err = unreadable;
		return false;
	}
	for (size_t i = 0; i < rule->columns.count; i++) {
		struct str text = i == 0 ? row.reference : STR("");
		if (read && !read_cell(p, rule->columns.items[i], &text, err))
			return false;
		write_cell(out, text, ends_line(rule, i));
	}
	write_tail(p, row.reference, language_word(p->request.language, listed->overdue ? "form.yes" : "form.no"), out);
	return true;
}

static bool write_rows(struct piece *p, struct buf *out, struct err *err) {
	struct listing_query query = list_ask_query(&p->ask);
	struct listed_list list;
	query.limit = ROWS;
	if (!listing_before(p->v, &query, p->export->before, p->request.arena, &list, err))
		return false;
	for (size_t i = 0; i < list.count && out->len < PIECE; i++) {
		if (!write_row(p, &list.items[i], out, err))
			return false;
		p->export->before = list.items[i].instance_id;
		p->export->rows++;
	}
	return true;
}

static bool make_piece(struct piece *p, struct buf *out, struct err *err) {
	struct export *e = p->export;
	int64_t before = e->before, rows = e->rows;
	if (!e->begun)
		write_head(p, out);
	if (!write_rows(p, out, err)) {
		e->before = before; /* made again */
		e->rows = rows;
		return false;
	}
	e->begun = true;
	if (out->len == 0)
		log_event(LOG_INFO, "export", "view=%.*s.%.*s rows=%lld", STR_ARG(p->ask.list->package->definition->name), STR_ARG(p->ask.list->rule->name), (long long)e->rows);
	return true;
}

static bool more(struct stream *s, struct buf *out, struct err *err) {
	struct export *e = s->context;
	struct piece p = {.export = e, .request = *e->ask.r, .ask = e->ask, .v = store_view(e->ask.r->world->options.store, err)};
	if (!p.v)
		return false;
	p.request.arena = arena_new();
	p.ask.r = &p.request;
	p.port = data_store_port(p.v);
	p.prose = (struct prose){.r = &p.request, .package = e->ask.list->package, .definition = e->ask.list->package->definition, .registers = &p.port};
	bool ok = make_piece(&p, out, err);
	view_close(p.v);
	arena_free(p.request.arena);
	return ok;
}

/* "mine-bestillinger-2026-11-21.csv": letters, digits and hyphens, whatever the title is. */
static struct str file_name(const struct list_ask *ask) {
	struct request *r = ask->r;
	struct str title = texts_at(ask->list->package->texts, language_code(r->language), STR("views"), ask->list->rule->name, STR("title"), (struct str){0});
	struct buf folded, name;
	buf_init(&folded, 2000);
	buf_init(&name, NAME_BYTES + 1);
	fold_text(&folded, title.len > 0 ? title : ask->list->rule->name);
	struct str text = buf_text(&folded);
	for (size_t i = 0; i < text.len && name.len < NAME_BYTES; i++) {
		char c = text.at[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (plain || (name.len > 0 && name.at[name.len - 1] != '-'))
			buf_char(&name, plain ? c : '-');
	}
	if (name.len == 0)
		buf_z(&name, "list");
	int64_t day = civil_day_of(zone_local(site_zone(r->world->options.site), r->now));
	struct str stem = buf_text(&name), date = civil_format_date(r->arena, day);
	const char *hyphen = stem.at[stem.len - 1] == '-' ? "" : "-";
	struct str out = arena_printf(r->arena, "%.*s%s%.*s.csv", STR_ARG(stem), hyphen, STR_ARG(date));
	buf_free(&folded);
	buf_free(&name);
	return out;
}

void list_export(const struct list_ask *ask, struct response *out) {
	struct request *r = ask->r;
	struct str name = file_name(ask);
	struct stream *s = response_stream(out, r, sizeof(struct export), more);
	struct list_view *list = ARENA_NEW(r->arena, struct list_view); /* the caller's lies on its stack */
	*list = *ask->list;
	*(struct export *)s->context = (struct export){.ask = *ask, .before = INT64_MAX};
	((struct export *)s->context)->ask.list = list;
	out->type = "text/csv; charset=utf-8";
	response_header(out, r, "Content-Disposition", arena_printf(r->arena, "attachment; filename=\"%.*s\"", STR_ARG(name)));
}

void list_export_way(const struct list_ask *ask, struct response *out) {
	struct list_ask whole = *ask;
	whole.page = 1;
	whole.sort = STR("");
	struct str path = page_with(ask->r, list_ask_path(&whole), STR("export=csv"));
	buf_z(&out->body, "<p class=\"buttons\"><a class=\"button quiet\" rel=\"nofollow\" href=\"");
	escape_html(&out->body, page_path(ask->r, path));
	buf_z(&out->body, "\" download>");
	page_word(ask->r, out, "list.export");
	buf_z(&out->body, "</a></p>\n");
}
