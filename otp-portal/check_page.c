#include "otp-portal/check_page.h"

#include "engine/base/escape.h"
#include "otp-portal/page.h"
#include "otp-portal/seen.h"

static void write_answers(const struct filling *f, const struct value *values, size_t page, struct response *out) {
	const struct form_page *p = &f->form->pages.items[page];
	struct prose prose = f->prose;
	struct arena *a = prose.r->arena;
	prose.values = values;
	prose.here = page_with(prose.r, f->path, STR("step=check"));
	struct str change = page_path(prose.r, page_with(prose.r, f->path, arena_printf(a, "step=%zu&change=1", page + 1)));
	for (size_t i = 0; i < p->items.count; i++) {
		struct str name = p->items.items[i].field->name;
		if (form_asked(&f->world, &p->items.items[i], values, a))
			prose_row(&prose, p->items.items[i].field, arena_printf(a, "%.*s#f-%.*s", STR_ARG(change), STR_ARG(name)), out);
	}
}

static bool asks(const struct filling *f, const struct value *values, size_t page) {
	const struct form_page *p = &f->form->pages.items[page];
	for (size_t i = 0; i < p->items.count; i++)
		if (form_asked(&f->world, &p->items.items[i], values, f->prose.r->arena))
			return true;
	return false;
}

static void write_pages(const struct filling *f, const struct value *values, struct response *out) {
	for (size_t page = 0; page < f->form->pages.count; page++) {
		struct str name = f->form->pages.items[page].name;
		struct str title = name.len > 0 ? prose_get(&f->prose, "forms", f->form->name, "pages", name) : STR("");
		if (!asks(f, values, page))
			continue;
		if (title.len > 0) {
			buf_z(&out->body, "<h2>");
			escape_html(&out->body, title);
			buf_z(&out->body, "</h2>\n");
		}
		buf_z(&out->body, "<dl class=\"answers\">\n");
		write_answers(f, values, page, out);
		buf_z(&out->body, "</dl>\n");
	}
}

static void write_form(const struct filling *f, struct response *out) {
	struct request *r = f->prose.r;
	struct str submit = prose_get(&f->prose, "forms", f->form->name, "submit", (struct str){0});
	buf_z(&out->body, "<form method=\"post\" action=\"");
	escape_html(&out->body, f->path);
	buf_z(&out->body, "\">\n");
	page_hidden(out, "step", STR("check"));
	page_hidden(out, "version", arena_printf(r->arena, "%lld", (long long)f->version));
	page_hidden(out, ".seen", seen_mark(f, f->form->pages.count));
	page_hidden_language(r, out);
	buf_z(&out->body, "<p class=\"buttons\"><button>");
	if (submit.len > 0)
		escape_html(&out->body, submit);
	else
		page_word(r, out, "form.submit");
	buf_z(&out->body, "</button></p>\n</form>\n");
}

void check_page(const struct filling *f, struct value *values, struct response *out) {
	struct request *r = f->prose.r;
	struct page page = {.title = language_word(r->language, "form.check-answers")};
	page.here = page_with(r, f->path, STR("step=check"));
	page_begin(r, out, &page);
	buf_z(&out->body, "<h1>");
	page_word(r, out, "form.check-answers");
	buf_z(&out->body, "</h1>\n");
	bool changed = str_is(request_query(r, "changed"), "1");
	buf_z(&out->body, changed ? "<p class=\"note late\" role=\"alert\">" : "<p>");
	page_word(r, out, changed ? "form.check-changed" : "form.check-intro");
	buf_z(&out->body, "</p>\n");
	write_pages(f, values, out);
	write_form(f, out);
	page_end(r, out);
}
