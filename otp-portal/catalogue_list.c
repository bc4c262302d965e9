#include "otp-portal/catalogue_list.h"

#include "engine/base/escape.h"
#include "otp-portal/page.h"

static struct str number(const struct catalogue_list *l, size_t n) {
	return language_int(l->ask->r->language, l->ask->r->arena, (int64_t)n);
}

/* --- one row --- */

static struct str member_label(const struct prose *p, const struct catalogue *c, size_t column) {
	struct str name = c->reg->record.members[column].name;
	struct str label = prose_get(p, "catalogues", c->name, "columns", name);
	return label.len > 0 ? label : name;
}

static struct str show(const struct prose *p, const struct value *v) {
	const struct language *language = p->r->language;
	switch (v->kind) {
	case KIND_UNSET:
		return STR("");
	case KIND_STRING:
		return v->string;
	case KIND_BOOL:
		return language_word(language, v->boolean ? "form.yes" : "form.no");
	case KIND_DATE:
		return language_date_short(language, p->r->arena, v->integer);
	case KIND_DOUBLE:
		return language_decimal(language, p->r->arena, v->decimal);
	default:
		return value_text(p->r->arena, v);
	}
}

struct str catalogue_label(const struct prose *p, const struct catalogue *c, const struct value *row) {
	struct str label = show(p, &row->record.members[c->reg->label]);
	return label.len > 0 ? label : row->record.members[c->reg->record.key].string;
}

struct str catalogue_word(const struct prose *p, const struct catalogue *c, const char *what) {
	struct str own = prose_get(p, "catalogues", c->name, what, (struct str){0});
	return own.len > 0 ? own : language_word(p->r->language, arena_printf(p->r->arena, "catalogue.%s", what).at);
}

/* The host of an address that may be followed: https and a plain name. */
static bool has_host(struct str word, struct str *host) {
	struct str scheme = STR("https://");
	if (!str_starts(word, scheme))
		return false;
	*host = (struct str){word.at + scheme.len, 0};
	while (scheme.len + host->len < word.len) {
		char c = host->at[host->len];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
		if (!plain)
			break;
		host->len++;
	}
	char next = scheme.len + host->len < word.len ? host->at[host->len] : '/';
	return host->len > 0 && (next == '/' || next == '?' || next == '#' || next == ':');
}

/* Addresses become links that say where they lead. */
static void write_text(struct buf *b, struct str text) {
	for (size_t at = 0; at < text.len;) {
		size_t end = at;
		while (end < text.len && text.at[end] != ' ' && text.at[end] != '\n')
			end++;
		struct str word = {text.at + at, end - at}, host;
		if (has_host(word, &host)) {
			buf_z(b, "<a href=\"");
			escape_html(b, word);
			buf_z(b, "\" rel=\"noopener noreferrer\">");
			escape_html(b, host);
			buf_z(b, "</a>");
		} else {
			escape_html(b, word);
		}
		if (end < text.len)
			buf_z(b, text.at[end] == '\n' ? "<br>" : " ");
		at = end + 1;
	}
}

static void write_columns(const struct prose *p, const struct catalogue *c, const struct column_list *columns, const struct value *row, struct response *out) {
	struct buf *b = &out->body;
	for (size_t i = 0; i < columns->count; i++) {
		struct str text = show(p, &row->record.members[columns->items[i]]);
		if (text.len == 0 || columns->items[i] == c->reg->label)
			continue;
		buf_z(b, "<div><dt>");
		escape_html(b, member_label(p, c, columns->items[i]));
		buf_z(b, "</dt><dd>");
		write_text(b, text);
		buf_z(b, "</dd></div>\n");
	}
}

void catalogue_write_whole(const struct prose *p, const struct catalogue *c, const struct value *row, struct response *out) {
	write_columns(p, c, &c->columns, row, out);
	write_columns(p, c, &c->detail, row, out);
}

static bool has_detail(const struct catalogue *c, const struct value *row) {
	for (size_t i = 0; i < c->detail.count; i++)
		if (row->record.members[c->detail.items[i]].kind != KIND_UNSET)
			return true;
	return false;
}

static void write_detail(const struct catalogue_list *l, const struct value *row, struct response *out) {
	const struct catalogue *c = l->ask->catalogue;
	struct buf *b = &out->body;
	if (!has_detail(c, row))
		return;
	buf_z(b, "<details><summary>");
	escape_html(b, catalogue_word(l->prose, c, "more"));
	buf_z(b, "<span class=\"sr\">: ");
	escape_html(b, catalogue_label(l->prose, c, row));
	buf_z(b, "</span></summary>\n<dl class=\"parts\">\n");
	write_columns(l->prose, c, &c->detail, row, out);
	buf_z(b, "</dl>\n</details>\n");
}

void catalogue_write_mark(const struct catalogue_list *l, bool available, struct buf *b) {
	buf_z(b, available ? "<strong class=\"tag good\">" : "<strong class=\"tag wrong\">");
	escape_html(b, catalogue_word(l->prose, l->ask->catalogue, available ? "available" : "taken"));
	buf_z(b, "</strong>\n");
}

static void write_row(const struct catalogue_list *l, size_t index, struct response *out) {
	const struct catalogue *c = l->ask->catalogue;
	const struct value *row = &l->rows->rows[index];
	bool free = !l->rows->available || l->rows->available[index];
	struct buf *b = &out->body;
	buf_printf(b, "<li id=\"r-%zu\"%s>\n<div class=\"head\"><h%d>", index + 1, free ? "" : " class=\"taken\"", l->level);
	escape_html(b, catalogue_label(l->prose, c, row));
	buf_printf(b, "</h%d>\n", l->level);
	if (l->rows->available)
		catalogue_write_mark(l, free, b);
	buf_z(b, "</div>\n<dl class=\"columns\">\n");
	write_columns(l->prose, c, &c->columns, row, out);
	buf_z(b, "</dl>\n");
	write_detail(l, row, out);
	if (l->act)
		l->act(l->context, index, free, out);
	buf_z(b, "</li>\n");
}

static size_t first_of(const struct catalogue_list *l) {
	return (size_t)(l->ask->page - 1) * CATALOGUE_PAGE;
}

void catalogue_write_rows(const struct catalogue_list *l, struct response *out) {
	size_t first = first_of(l), end = first + CATALOGUE_PAGE < l->rows->found_count ? first + CATALOGUE_PAGE : l->rows->found_count;
	if (first >= end)
		return;
	buf_printf(&out->body, "<ol class=\"rows\" start=\"%zu\">\n", first + 1);
	for (size_t i = first; i < end; i++)
		write_row(l, l->rows->found[i], out);
	buf_z(&out->body, "</ol>\n");
}

void catalogue_write_count(const struct catalogue_list *l, struct response *out) {
	size_t total = l->rows->found_count, first = first_of(l), last = first + CATALOGUE_PAGE < total ? first + CATALOGUE_PAGE : total;
	struct request *r = l->ask->r;
	buf_z(&out->body, "<p role=\"status\">");
	if (total == 0)
		page_word(r, out, l->rows->count > 0 ? "list.none-found" : "list.empty");
	else if (total <= CATALOGUE_PAGE || first >= total)
		page_text(r, out, "list.count", number(l, total), STR(""));
	else
		page_text(r, out, "list.range", arena_printf(r->arena, "%.*s–%.*s", STR_ARG(number(l, first + 1)), STR_ARG(number(l, last))), number(l, total));
	if (l->rows->available && total > 0) {
		buf_z(&out->body, ". ");
		escape_html(&out->body, catalogue_word(l->prose, l->ask->catalogue, "available"));
		buf_z(&out->body, ": ");
		escape_html(&out->body, number(l, l->rows->free_count));
	}
	buf_z(&out->body, "</p>\n");
}

static void write_turn(const struct catalogue_list *l, int64_t page, const char *key, const char *rel, struct response *out) {
	struct catalogue_ask turned = *l->ask;
	turned.page = page;
	buf_printf(&out->body, "<a%s href=\"", rel);
	escape_html(&out->body, page_path(l->ask->r, catalogue_ask_path(&turned)));
	buf_z(&out->body, "\">");
	page_word(l->ask->r, out, key);
	buf_z(&out->body, "</a>\n");
}

void catalogue_write_turning(const struct catalogue_list *l, struct response *out) {
	int64_t page = l->ask->page, last = ((int64_t)l->rows->found_count + CATALOGUE_PAGE - 1) / CATALOGUE_PAGE;
	if (last <= 1 && page == 1)
		return;
	buf_z(&out->body, "<nav class=\"pages\" aria-label=\"");
	page_word(l->ask->r, out, "list.pages");
	buf_z(&out->body, "\">\n");
	if (page > 1) {
		write_turn(l, 1, "list.first", "", out);
		write_turn(l, page - 1 < last ? page - 1 : last, "list.previous", " rel=\"prev\"", out);
	}
	buf_z(&out->body, "<span>");
	page_text(l->ask->r, out, "list.page", number(l, (size_t)page), number(l, (size_t)last));
	buf_z(&out->body, "</span>\n");
	if (page < last) {
		write_turn(l, page + 1, "list.next", " rel=\"next\"", out);
		write_turn(l, last, "list.last", "", out);
	}
	buf_z(&out->body, "</nav>\n");
}

