#include "otp-portal/form_page.h"

#include "engine/base/escape.h"
#include "otp-portal/field.h"
#include "otp-portal/offers.h"
#include "otp-portal/later.h"
#include "otp-portal/page.h"
#include "otp-portal/pick.h"
#include "otp-portal/seen.h"

#include <string.h>

static void show_known(const struct filling *f, const struct field *field, struct answers *shown) {
	for (size_t i = 0; i < f->known.count; i++) {
		const struct answer *known = &f->known.items[i];
		for (size_t k = 0; form_belongs(field, known->name) && k < known->texts.count; k++)
			answers_put(shown, f->prose.r->arena, known->name, known->texts.items[k]);
	}
}

/* With memory of its own: what is added to one copy must not show up in another. */
static struct answers copy_of(const struct answers *all, struct arena *a) {
	struct answers copy = {0};
	for (size_t i = 0; i < all->count; i++)
		for (size_t k = 0; k < all->items[i].texts.count; k++)
			answers_put(&copy, a, all->items[i].name, all->items[i].texts.items[k]);
	return copy;
}

struct answers form_page_shown(const struct filling *f, size_t page) {
	const struct form_page *p = &f->form->pages.items[page];
	struct answers shown = copy_of(&f->draft, f->prose.r->arena);
	/* Where the last page decides at once, a lone press on prefilled inputs would: mail scanners press buttons. */
	if (filling_was_saved(f, page) || (!f->form->check && f->version > 0))
		return shown;
	for (size_t i = 0; i < p->items.count; i++) {
		const struct field *field = p->items.items[i].field;
		if (answers_get(&shown, field->name)) /* a link filled it in */
			continue;
		form_answers_again(field, &f->base[field->slot], f->prose.r->arena, &shown);
		if (f->base[field->slot].kind == KIND_UNSET)
			show_known(f, field, &shown);
	}
	return shown;
}

/* The list that an input was just added to (".add", then ?more=) or taken from (".remove", then ?less=). */
static struct str changed_list(const struct request *r, const char *button, const char *query) {
	struct str name = r->method == METHOD_POST ? request_form(r, button) : request_query(r, query);
	return str_cut(&name, '.');
}

static struct field_view *open_fields(const struct form_view *v, struct response *out, size_t *count, struct err *err) {
	const struct form_page *page = &v->filling->form->pages.items[v->page];
	struct arena *a = v->filling->prose.r->arena;
	struct field_view *fields = ARENA_ARRAY(a, page->items.count + 1, struct field_view);
	const struct request *r = v->filling->prose.r;
	bool focused = false;
	*count = 0;
	for (size_t i = 0; i < page->items.count; i++) {
		if (!form_asked(&v->filling->world, &page->items.items[i], v->values, a))
			continue;
		struct field_view *field = &fields[(*count)++];
		*field = (struct field_view){.filling = v->filling, .item = &page->items.items[i], .shown = v->shown, .problems = v->problems, .out = out};
		struct str name = field->item->field->name;
		field->fresh = r->method == METHOD_POST && !filling_was_asked(v->filling, name);
		field->more = str_equal(name, changed_list(r, ".add", "more"));
		field->focus = !focused && (field->fresh || field->more || str_equal(name, changed_list(r, ".remove", "less")));
		focused = focused || field->focus;
		if (!field_open(field, v->values, err))
			return NULL;
	}
	return fields;
}

/* "Navn: Udfyld feltet", "Hvad vil du? Vælg et svar" */
static void write_named(const struct field_view *field, const struct form_problem *problem, struct buf *b) {
	struct str subject = field_problem_subject(field, problem);
	bool asks = subject.len > 0 && subject.at[subject.len - 1] == '?';
	escape_html(b, subject);
	buf_z(b, asks ? " " : subject.len > 0 ? ": " : "");
	escape_html(b, field_problem_text(field, problem));
}

/* What one field lacks. The rows of a matrix share one message, so that eleven of them are eleven short lines. */
static void write_lacks(const struct form_view *v, const struct field_view *field, struct response *out) {
	struct buf *b = &out->body;
	bool rows = false;
	for (size_t i = 0; i < v->problems->count; i++) {
		const struct form_problem *problem = &v->problems->items[i];
		struct str anchor = field_anchor(field, problem->name), row = field_row(field, problem->name);
		if (anchor.len == 0)
			continue;
		if (row.len > 0 && !rows) {
			buf_z(b, "<li>");
			escape_html(b, field_problem_text(field, problem));
			buf_z(b, "\n<ul>\n");
		}
		rows = rows || row.len > 0;
		buf_printf(b, "<li><a href=\"#%.*s\">", STR_ARG(anchor));
		if (row.len > 0)
			escape_html(b, row);
		else
			write_named(field, problem, b);
		buf_z(b, "</a></li>\n");
	}
	if (rows)
		buf_z(b, "</ul>\n</li>\n");
}

/* Nobody has to put right that somebody else was faster, nor that there may be no more. */
static const char *summary_title(const struct form_problems *problems) {
	size_t taken = 0, limited = 0;
	for (size_t i = 0; i < problems->count; i++) {
		const char *key = problems->items[i].key;
		taken += strcmp(key, "field.taken") == 0;
		limited += strcmp(key, "field.held") == 0 || strcmp(key, "field.enough") == 0;
	}
	return problems->count == 0 || taken + limited < problems->count ? "form.error-title" : limited > 0 ? "form.limited-title" : "form.taken-title";
}

static void write_summary(const struct form_view *v, const struct field_view *fields, size_t count, struct response *out) {
	struct buf *b = &out->body;
	buf_z(b, "<div class=\"summary\" role=\"alert\" tabindex=\"-1\" autofocus>\n<h2>");
	page_word(v->filling->prose.r, out, summary_title(v->problems));
	buf_z(b, "</h2>\n<ul>\n");
	for (size_t f = 0; f < count; f++)
		write_lacks(v, &fields[f], out);
	buf_z(b, "</ul>\n</div>\n");
}

static bool has_problems(const struct form_view *v, const struct field_view *fields, size_t count) {
	for (size_t f = 0; f < count; f++)
		for (size_t i = 0; i < v->problems->count; i++)
			if (field_anchor(&fields[f], v->problems->items[i].name).len > 0)
				return true;
	return false;
}

static size_t count_fresh(const struct field_view *fields, size_t count) {
	size_t fresh = 0;
	for (size_t i = 0; i < count; i++)
		fresh += fields[i].fresh;
	return fresh;
}

static void write_fresh(const struct form_view *v, const struct field_view *fields, size_t count, struct response *out) {
	struct buf *b = &out->body;
	buf_z(b, "<div class=\"note\" role=\"status\">\n<p>");
	page_word(v->filling->prose.r, out, count_fresh(fields, count) > 1 ? "form.some-more" : "form.one-more");
	buf_z(b, "</p>\n<ul>\n");
	for (size_t i = 0; i < count; i++) {
		if (!fields[i].fresh)
			continue;
		buf_printf(b, "<li><a href=\"#%.*s\">", STR_ARG(field_anchor(&fields[i], fields[i].item->field->name)));
		escape_html(b, prose_label(&v->filling->prose, fields[i].item->field->name));
		buf_z(b, "</a></li>\n");
	}
	buf_z(b, "</ul>\n</div>\n");
}

/* What somebody else, or the same person on another device, has saved meanwhile. */
static void write_saved(const struct form_view *v, const struct field_view *fields, size_t count, struct response *out) {
	struct prose prose = v->filling->prose;
	prose.values = v->saved;
	buf_z(&out->body, "<div class=\"note late\" role=\"alert\" tabindex=\"-1\" autofocus>\n<p>");
	page_word(prose.r, out, "form.elsewhere");
	buf_z(&out->body, "</p>\n</div>\n<h2>");
	page_word(prose.r, out, "form.elsewhere-saved");
	buf_z(&out->body, "</h2>\n<dl class=\"answers\">\n");
	for (size_t i = 0; i < count; i++)
		prose_row(&prose, fields[i].item->field, STR(""), out);
	buf_z(&out->body, "</dl>\n<h2>");
	page_word(prose.r, out, "form.elsewhere-typed");
	buf_z(&out->body, "</h2>\n");
}

static struct str form_title(const struct filling *f) {
	struct str title = prose_get(&f->prose, "forms", f->form->name, "title", (struct str){0});
	return title.len > 0 ? title : f->form->name;
}

static struct str page_title(const struct form_view *v) {
	const struct filling *f = v->filling;
	struct str name = f->form->pages.items[v->page].name;
	struct str title = name.len > 0 ? prose_get(&f->prose, "forms", f->form->name, "pages", name) : STR("");
	return title.len > 0 ? title : form_title(f);
}

static void write_heading(const struct form_view *v, struct response *out) {
	const struct filling *f = v->filling;
	struct request *r = f->prose.r;
	struct buf *b = &out->body;
	bool several = f->form->pages.count > 1;
	if (several) {
		buf_z(b, "<p class=\"caption steps\"><span>");
		escape_html(b, form_title(f));
		buf_z(b, "</span> <span class=\"step\">");
		page_text(r, out, "form.step", arena_printf(r->arena, "%zu", v->page + 1), arena_printf(r->arena, "%zu", f->form->pages.count));
		buf_z(b, "</span></p>\n");
	}
	buf_z(b, "<h1>");
	escape_html(b, page_title(v));
	buf_z(b, "</h1>\n");
	if (v->page == 0 && !v->change)
		prose_write(&f->prose, prose_find(&f->prose, "forms", f->form->name, "intro", (struct str){0}), b);
	if (v->page == 0 && f->note) {
		buf_z(b, "<p class=\"note\">");
		page_word(f->prose.r, out, f->note);
		buf_z(b, "</p>\n");
	}
}

static void write_shown(const struct form_view *v, struct response *out) {
	const struct form_page *page = &v->filling->form->pages.items[v->page];
	struct prose prose = v->filling->prose;
	prose.values = v->values;
	if (page->show.count == 0)
		return;
	buf_z(&out->body, "<dl class=\"answers facts\">\n");
	for (size_t i = 0; i < page->show.count; i++)
		prose_row(&prose, page->show.items[i], STR(""), out);
	buf_z(&out->body, "</dl>\n");
}

static void write_button(const struct form_view *v, struct response *out) {
	const struct filling *f = v->filling;
	bool last = !f->form->check && filling_next(f, v->values, v->page + 1) == f->form->pages.count;
	struct str submit = last ? prose_get(&f->prose, "forms", f->form->name, "submit", (struct str){0}) : STR("");
	buf_z(&out->body, "<p class=\"buttons\"><button>");
	if (submit.len > 0)
		escape_html(&out->body, submit);
	else
		page_word(f->prose.r, out, last ? "form.submit" : "form.continue");
	buf_z(&out->body, "</button>\n");
	if (later_offered(f->form)) {
		buf_z(&out->body, "<button class=\"quiet\" name=\".later\" value=\"1\">");
		page_word(f->prose.r, out, "later.button");
		buf_z(&out->body, "</button>\n");
	}
	buf_z(&out->body, "</p>\n");
}

/* So that the next request can tell what was on the page; no field's name begins with a point. */
static void write_asked(const struct field_view *fields, size_t count, struct response *out) {
	buf_z(&out->body, "<input type=\"hidden\" name=\".asked\" value=\"");
	for (size_t i = 0; i < count; i++)
		buf_printf(&out->body, "%s%.*s", i > 0 ? " " : "", STR_ARG(fields[i].item->field->name));
	buf_z(&out->body, "\">\n");
}

static bool has_list(const struct field_view *fields, size_t count) {
	bool list = false;
	for (size_t i = 0; i < count; i++)
		list = list || fields[i].item->field->many;
	return list;
}

/* Enter in an input presses a form's first button: that must be the one that goes on, not one that adds or removes an input. */
static void write_default(const struct form_view *v, struct response *out) {
	buf_z(&out->body, "<button class=\"sr\" tabindex=\"-1\" aria-hidden=\"true\">");
	page_word(v->filling->prose.r, out, "form.continue");
	buf_z(&out->body, "</button>\n");
}

static bool asks_files(const struct field_view *fields, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (fields[i].item->field->kind == FIELD_FILE)
			return true;
	return false;
}

static void write_form(const struct form_view *v, const struct field_view *fields, size_t count, struct response *out) {
	const struct filling *f = v->filling;
	struct request *r = f->prose.r;
	buf_z(&out->body, "<form method=\"post\" action=\"");
	escape_html(&out->body, f->path);
	buf_z(&out->body, asks_files(fields, count) ? "\" enctype=\"multipart/form-data\" novalidate>\n" : "\" novalidate>\n");
	page_hidden(out, "step", arena_printf(r->arena, "%zu", v->page + 1));
	page_hidden(out, "version", arena_printf(r->arena, "%lld", (long long)f->version));
	if (v->change)
		page_hidden(out, "change", STR("1"));
	struct str facts = f->once.len > 0 ? STR("") : seen_facts(f, v->page);
	if (f->once.len > 0)
		page_hidden(out, "once", f->once);
	else
		page_hidden(out, ".seen", seen_mark(f, v->page));
	if (facts.len > 0)
		page_hidden(out, ".facts", facts);
	page_hidden_language(r, out);
	write_asked(fields, count, out);
	if (has_list(fields, count) || asks_files(fields, count))
		write_default(v, out);
	for (size_t i = 0; i < count; i++)
		field_write(&fields[i]);
	write_button(v, out);
	buf_z(&out->body, "</form>\n");
}

void form_page(const struct form_view *given, struct response *out) {
	struct request *r = given->filling->prose.r;
	struct filling filling = *given->filling;
	struct form_view mine = *given;
	const struct form_view *v = &mine;
	mine.filling = &filling;
	/* The first page of a start form has nothing to fetch: its first file gives it a link. */
	if (filling.once.len == 0)
		filling.prose.here = page_with(r, filling.path, arena_printf(r->arena, "step=%zu", given->page + 1));
	struct err err;
	size_t count;
	struct field_view *fields = open_fields(v, out, &count, &err);
	if (!fields) {
		page_failure(r, out, &err);
		return;
	}
	bool wrong = has_problems(v, fields, count), fresh = count_fresh(fields, count) > 0;
	struct page page = {.title = page_title(v), .error = wrong, .wide = pick_is(&v->filling->form->pages.items[v->page])};
	if (fresh && !wrong) /* a reader hears at once why the page is here again */
		page.title = arena_printf(r->arena, "%.*s: %.*s", STR_ARG(language_word(r->language, "form.one-more")), STR_ARG(page_title(v)));
	if (r->method != METHOD_POST && page.wide)
		page.here = pick_path(v);
	else if (r->method != METHOD_POST)
		page.here = page_with(r, v->filling->path, arena_printf(r->arena, "step=%zu%s", v->page + 1, v->change ? "&change=1" : ""));
	out->status = v->saved || v->stale ? 409 : wrong ? 422 : 200;
	page_begin(r, out, &page);
	if (v->page > 0)
		page_way(r, out, page_with(r, v->filling->path, arena_printf(r->arena, "step=%zu", v->page)), "form.back");
	else if (v->filling->home.len > 0)
		page_way(r, out, v->filling->home, "form.back");
	if (wrong)
		write_summary(v, fields, count, out);
	write_heading(v, out);
	if (v->stale) {
		buf_z(&out->body, "<p class=\"note late\" role=\"alert\" tabindex=\"-1\" autofocus>");
		page_word(r, out, "form.stale");
		buf_z(&out->body, "</p>\n");
	} else if (v->saved) {
		/* said below, beside what was saved */
	} else if (fresh) {
		write_fresh(v, fields, count, out);
	} else if (v->page > 0 && v->filling->prose.instance && !wrong) {
		buf_z(&out->body, "<p class=\"note\" role=\"status\">");
		page_word(r, out, "form.saved");
		buf_z(&out->body, "</p>\n");
	}
	write_shown(v, out);
	if (v->saved)
		write_saved(v, fields, count, out);
	if (count == 1 && pick_is(&v->filling->form->pages.items[v->page]))
		pick_write(v, &fields[0], out);
	else
		write_form(v, fields, count, out);
	if (v->page == 0 && !v->change && v->filling->offers)
		offers_write(&v->filling->prose, v->filling->offers, v->filling->path, out);
	page_end(r, out);
}

void form_page_filled(const struct filling *f, size_t page, const struct answers *shown, const struct form_problems *problems,
                      struct value *values, struct response *out) {
	bool change = str_is(request_query(f->prose.r, "change"), "1") || str_is(request_form(f->prose.r, "change"), "1");
	form_page(&(struct form_view){f, page, values, shown, problems, change, NULL, false}, out);
}

void form_page_refused(struct filling *f, const struct answers *answers, const struct form_problems *problems, struct response *out) {
	struct request *r = f->prose.r;
	struct form_problems told = {0};
	struct value *values;
	struct err err;
	struct view *v = store_view(r->world->options.store, &err);
	if (!v) {
		page_failure(r, out, &err);
		return;
	}
	struct register_port port = data_store_port(v);
	size_t page = filling_page_of(f, problems->items[0].name);
	filling_look_again(f, &port);
	if (filling_values(f, page + 1, answers, &values, &told, &err))
		form_page_filled(f, page, answers, problems, values, out);
	else
		page_failure(r, out, &err);
	view_close(v);
}
