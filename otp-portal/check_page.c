#include "otp-portal/check_page.h"

#include "engine/base/escape.h"
#include "otp-portal/page.h"
#include "otp-portal/pick.h"
#include "otp-portal/seen.h"

static void write_answers(const struct filling *f, const struct value *values, size_t page, struct response *out) {
	const struct form_page *p = &f->form->pages.items[page];
	struct prose prose = f->prose;
	struct arena *a = prose.r->arena;
	prose.values = values;
	prose.here = page_with(prose.r, f->path, STR("step=check"));
	struct str change = page_path(prose.r, page_with(prose.r, f->path, arena_printf(a, "step=%zu&change=1", page + 1)));
	for (size_t i = 0; i < p->items.count; i++) {
		const struct form_item *item = &p->items.items[i];
		struct str here = arena_printf(a, "%.*s#f-%.*s", STR_ARG(change), STR_ARG(item->field->name));
		if (form_asked(&f->world, item, values, a) && !pick_check(&prose, item, here, out))
			prose_row(&prose, item->field, here, out);
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
	buf_z(&out->body, "</button>\n");
	pick_regret(f, out);
	buf_z(&out->body, "</p>\n</form>\n");
}

/* The form's own words, where it has some; that answers were changed elsewhere is always said. */
static void write_intro(const struct filling *f, struct response *out) {
	struct request *r = f->prose.r;
	bool changed = str_is(request_query(r, "changed"), "1");
	const struct text *text = prose_find(&f->prose, "forms", f->form->name, "check", STR("text"));
	if (!changed && text) {
		prose_write(&f->prose, text, &out->body);
		return;
	}
	buf_z(&out->body, changed ? "<p class=\"note late\" role=\"alert\">" : "<p>");
	page_word(r, out, changed ? "form.check-changed" : "form.check-intro");
	buf_z(&out->body, "</p>\n");
}

void check_page(const struct filling *f, struct value *values, struct response *out) {
	struct request *r = f->prose.r;
	struct str title = prose_get(&f->prose, "forms", f->form->name, "check", STR("title"));
	struct page page = {.title = title.len > 0 ? title : language_word(r->language, "form.check-answers")};
	page.here = page_with(r, f->path, STR("step=check"));
	page_begin(r, out, &page);
	buf_z(&out->body, "<h1>");
	escape_html(&out->body, page.title);
	buf_z(&out->body, "</h1>\n");
	write_intro(f, out);
	write_pages(f, values, out);
	write_form(f, out);
	page_end(r, out);
}
