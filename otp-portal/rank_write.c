#include "otp-portal/rank_parts.h"

#include "engine/base/escape.h"
#include "otp-portal/offers.h"
#include "otp-portal/page.h"

struct str rank_key(const struct value *row) {
	return row->record.members[row->record.type->key].string;
}

static struct request *request_of(const struct ranked_page *p) {
	return p->f->prose.r;
}

/* Each page of the list has as many rows as one of the catalogue, or a form could have more inputs than a request may. */
void rank_find(struct ranked_page *p) {
	const struct value *list = &p->f->base[p->item->field->slot];
	int64_t page;
	p->rows = list->kind == KIND_LIST ? list->list.items : NULL;
	p->count = list->kind == KIND_LIST ? list->list.count : 0;
	if (!str_to_int(request_query(request_of(p), "mine"), &page) || page < 1 || (size_t)(page - 1) * CATALOGUE_PAGE >= p->count)
		page = 1;
	p->first = (size_t)(page - 1) * CATALOGUE_PAGE;
	p->end = p->first + CATALOGUE_PAGE < p->count ? p->first + CATALOGUE_PAGE : p->count;
}

struct str rank_path(const struct ranked_page *p, size_t first) {
	struct arena *a = request_of(p)->arena;
	return first == 0 ? p->f->path : page_with(request_of(p), p->f->path, arena_printf(a, "mine=%zu", first / CATALOGUE_PAGE + 1));
}

bool rank_open(struct ranked_page *p, struct err *err) {
	const struct filling *f = p->f;
	const struct value *rows;
	size_t count;
	rank_find(p);
	p->ask = catalogue_ask_read(f->prose.r, p->item->catalogue, rank_path(p, p->first));
	if (!form_rows(&f->world, p->item->field, f->base, f->prose.r->arena, &rows, &count, err))
		return false;
	catalogue_find(&p->ask, &f->world, f->base, rows, count, &p->found);
	p->list = (struct catalogue_list){.ask = &p->ask, .rows = &p->found, .prose = &f->prose, .level = 3, .context = p};
	return true;
}

static size_t place_of(const struct ranked_page *p, struct str key) {
	size_t i = 0;
	while (i < p->count && !str_equal(rank_key(&p->rows[i]), key))
		i++;
	return i;
}

static void write_button(const struct ranked_page *p, const char *name, const struct value *row, struct str word, struct response *out) {
	struct buf *b = &out->body;
	buf_printf(b, "<button class=\"quiet\" name=\"%s\" value=\"", name);
	escape_html(b, rank_key(row));
	buf_z(b, "\">");
	escape_html(b, word);
	buf_z(b, "<span class=\"sr\">: ");
	escape_html(b, catalogue_label(&p->f->prose, p->item->catalogue, row));
	buf_z(b, "</span></button>\n");
}

/* Below each row of the catalogue: on the list already, or a way to get it there. */
static void write_act(void *context, size_t index, bool free, struct response *out) {
	const struct ranked_page *p = context;
	const struct value *row = &p->found.rows[index];
	size_t place = place_of(p, rank_key(row));
	if (place == p->count && !free)
		return;
	buf_z(&out->body, "<p class=\"act\">");
	if (place == p->count) {
		write_button(p, "put", row, catalogue_word(&p->f->prose, p->item->catalogue, "add"), out);
	} else {
		buf_z(&out->body, "<span class=\"tag\">");
		page_text(request_of(p), out, "rank.place", arena_printf(request_of(p)->arena, "%zu", place + 1), STR(""));
		buf_z(&out->body, "</span>\n");
		write_button(p, "drop", row, language_word(request_of(p)->language, "rank.remove"), out);
	}
	buf_z(&out->body, "</p>\n");
}

static void begin_form(const struct ranked_page *p, const char *id, struct response *out) {
	struct request *r = request_of(p);
	buf_z(&out->body, "<form method=\"post\" action=\"");
	escape_html(&out->body, catalogue_ask_path(&p->ask));
	buf_printf(&out->body, "\"%s novalidate>\n", id);
	page_hidden(out, "version", arena_printf(r->arena, "%lld", (long long)p->f->version));
	page_hidden(out, "seen", ranking_mark(&p->f->base[p->item->field->slot], r->arena));
	page_hidden(out, "first", arena_printf(r->arena, "%zu", p->first + 1));
	page_hidden_language(r, out);
}

static void write_number(const struct ranked_page *p, size_t i, struct response *out) {
	const struct value *row = &p->rows[i];
	bool wrong = p->wrong_key.len > 0 && str_equal(p->wrong_key, rank_key(row));
	struct buf *b = &out->body;
	buf_printf(b, "<label class=\"sr\" for=\"n-%zu\">", i + 1);
	page_text(request_of(p), out, "rank.number", catalogue_label(&p->f->prose, p->item->catalogue, row), STR(""));
	buf_printf(b, "</label>\n<input type=\"text\" inputmode=\"numeric\" autocomplete=\"off\" class=\"number\" id=\"n-%zu\" name=\"n.", i + 1);
	escape_html(b, rank_key(row));
	buf_z(b, wrong ? "\" aria-invalid=\"true\" aria-describedby=\"e-number\" value=\"" : "\" value=\"");
	if (wrong)
		escape_html(b, p->wrong);
	else
		buf_printf(b, "%zu", i + 1);
	buf_z(b, "\">\n");
}

static void write_ranked_row(const struct ranked_page *p, size_t i, bool free, struct response *out) {
	const struct catalogue *c = p->item->catalogue;
	const struct language *language = request_of(p)->language;
	struct buf *b = &out->body;
	buf_printf(b, "<li id=\"p-%zu\"%s>\n<div class=\"head\">", i + 1, free ? "" : " class=\"taken\"");
	write_number(p, i, out);
	buf_z(b, "<h3>");
	escape_html(b, catalogue_label(&p->f->prose, c, &p->rows[i]));
	buf_z(b, "</h3>\n");
	if (c->available)
		catalogue_write_mark(&p->list, free, b);
	buf_z(b, "</div>\n<p class=\"act\">");
	if (i > 0)
		write_button(p, "up", &p->rows[i], language_word(language, "rank.up"), out);
	if (i + 1 < p->count)
		write_button(p, "down", &p->rows[i], language_word(language, "rank.down"), out);
	write_button(p, "drop", &p->rows[i], language_word(language, "rank.remove"), out);
	buf_z(b, "</p>\n</li>\n");
}

static void write_pages(const struct ranked_page *p, struct response *out) {
	struct request *r = request_of(p);
	size_t last = (p->count + CATALOGUE_PAGE - 1) / CATALOGUE_PAGE;
	if (last <= 1)
		return;
	buf_z(&out->body, "<nav class=\"pages\" aria-label=\"");
	page_word(r, out, "rank.pages");
	buf_z(&out->body, "\">\n");
	for (size_t i = 0; i < last; i++) {
		bool here = i * CATALOGUE_PAGE == p->first;
		buf_z(&out->body, here ? "<a aria-current=\"page\" href=\"" : "<a href=\"");
		escape_html(&out->body, page_path(r, rank_path(p, i * CATALOGUE_PAGE)));
		buf_printf(&out->body, "\">%zu–%zu</a>\n", i * CATALOGUE_PAGE + 1, (i + 1) * CATALOGUE_PAGE < p->count ? (i + 1) * CATALOGUE_PAGE : p->count);
	}
	buf_z(&out->body, "</nav>\n");
}

/* Enter in a number presses the form's first button, which keeps the order. */
static void write_list(const struct ranked_page *p, struct response *out) {
	struct request *r = request_of(p);
	struct buf *b = &out->body;
	const bool *free = form_available(&p->f->world, p->item->catalogue, p->f->base, p->rows, p->count, r->arena);
	begin_form(p, " id=\"mine\"", out);
	buf_z(b, "<button class=\"sr\" tabindex=\"-1\" aria-hidden=\"true\" name=\"order\" value=\"1\">");
	page_word(r, out, "rank.save");
	buf_z(b, "</button>\n<ol class=\"rows ranked\">\n");
	for (size_t i = p->first; i < p->end; i++)
		write_ranked_row(p, i, free[i], out);
	buf_z(b, "</ol>\n");
	if (p->count > 1) {
		buf_z(b, "<p class=\"buttons\"><button name=\"order\" value=\"1\">");
		page_word(r, out, "rank.save");
		buf_z(b, "</button></p>\n");
	}
	buf_z(b, "</form>\n");
	write_pages(p, out);
}

static void write_mine(const struct ranked_page *p, struct response *out) {
	struct request *r = request_of(p);
	const struct text *hint = prose_find(&p->f->prose, "fields", p->item->field->words, "hint", (struct str){0});
	buf_printf(&out->body, "<section aria-labelledby=\"f-%.*s\">\n<h2 id=\"f-%.*s\" tabindex=\"-1\">", STR_ARG(p->item->field->name), STR_ARG(p->item->field->name));
	escape_html(&out->body, prose_label(&p->f->prose, p->item->field->words));
	buf_z(&out->body, "</h2>\n");
	prose_write(&p->f->prose, hint, &out->body);
	buf_z(&out->body, "<p role=\"status\">");
	if (p->count > 0)
		page_text(r, out, "list.count", language_int(r->language, r->arena, (int64_t)p->count), STR(""));
	else
		page_word(r, out, "rank.none");
	buf_z(&out->body, "</p>\n");
	if (p->count > 0)
		write_list(p, out);
	buf_z(&out->body, "</section>\n");
}

static void write_catalogue(struct ranked_page *p, struct response *out) {
	buf_z(&out->body, "<section aria-labelledby=\"find\">\n<h2 id=\"find\">");
	page_word(request_of(p), out, "rank.find");
	buf_z(&out->body, "</h2>\n");
	p->list.act = write_act;
	catalogue_write_sieve(&p->list, out);
	catalogue_write_count(&p->list, out);
	begin_form(p, "", out);
	catalogue_write_rows(&p->list, out);
	buf_z(&out->body, "</form>\n");
	catalogue_write_turning(&p->list, out);
	buf_z(&out->body, "</section>\n");
}

static struct str problem_text(const struct ranked_page *p) {
	const struct form_problem *problem = &p->problems->items[0];
	struct str own = prose_get(&p->f->prose, "fields", p->item->field->words, "invalid", (struct str){0});
	if (str_is(str_from(problem->key), "field.invalid") && own.len > 0)
		return own;
	return language_text(request_of(p)->language, request_of(p)->arena, problem->key, problem->arg[0], problem->arg[1]);
}

static void write_note(const struct ranked_page *p, struct response *out) {
	struct request *r = request_of(p);
	struct buf *b = &out->body;
	bool get = r->method != METHOD_POST;
	if (p->problems->count > 0) {
		buf_z(b, "<div class=\"summary\" role=\"alert\" tabindex=\"-1\" autofocus>\n<h2>");
		page_word(r, out, "form.error-title");
		buf_z(b, "</h2>\n<p id=\"e-number\">");
		escape_html(b, problem_text(p));
		buf_z(b, "</p>\n</div>\n");
	} else if (get && str_is(request_query(r, "note"), "other")) {
		buf_z(b, "<p class=\"note late\" role=\"alert\" tabindex=\"-1\" autofocus>");
		page_word(r, out, "rank.other");
		buf_z(b, "</p>\n");
	} else if (get && str_is(request_query(r, "note"), "kept")) {
		buf_z(b, "<p class=\"note\" role=\"status\">");
		page_word(r, out, "rank.kept");
		buf_z(b, "</p>\n");
	}
}

static void write_shown(const struct ranked_page *p, struct response *out) {
	const struct form_page *page = &p->f->form->pages.items[0];
	struct prose prose = p->f->prose;
	prose.values = p->f->base;
	if (page->show.count == 0)
		return;
	buf_z(&out->body, "<dl class=\"answers facts\">\n");
	for (size_t i = 0; i < page->show.count; i++)
		prose_row(&prose, page->show.items[i], STR(""), out);
	buf_z(&out->body, "</dl>\n");
}

void rank_write(struct ranked_page *p, struct response *out) {
	struct request *r = request_of(p);
	const struct prose *prose = &p->f->prose;
	struct str title = prose_get(prose, "forms", p->f->form->name, "title", (struct str){0});
	struct page page = {.title = title.len > 0 ? title : p->f->form->name, .error = p->problems->count > 0, .wide = true};
	struct err err;
	if (!rank_open(p, &err)) {
		page_failure(r, out, &err);
		return;
	}
	if (r->method != METHOD_POST)
		page.here = catalogue_ask_path(&p->ask);
	out->status = page.error ? 422 : 200;
	page_begin(r, out, &page);
	if (p->f->home.len > 0)
		page_way(r, out, p->f->home, "form.back");
	buf_z(&out->body, "<h1>");
	escape_html(&out->body, page.title);
	buf_z(&out->body, "</h1>\n");
	write_note(p, out);
	prose_write(prose, prose_find(prose, "forms", p->f->form->name, "intro", (struct str){0}), &out->body);
	write_shown(p, out);
	write_mine(p, out);
	write_catalogue(p, out);
	if (p->f->offers)
		offers_write(prose, p->f->offers, p->f->path, out);
	page_end(r, out);
}
