#include "otp-portal/pick.h"

#include "engine/base/escape.h"
#include "otp-portal/catalogue_list.h"
#include "otp-portal/page.h"
#include "otp-portal/seen.h"

struct picking {
	const struct form_view *v;
	const struct field_view *field;
	const struct catalogue_list *list;
};

bool pick_is(const struct form_page *page) {
	return page->items.count == 1 && page->items.items[0].catalogue && !page->items.items[0].field->many;
}

static struct str base_path(const struct form_view *v) {
	const struct filling *f = v->filling;
	struct request *r = f->prose.r;
	if (f->once.len > 0)
		return f->path;
	struct str path = page_with(r, f->path, arena_printf(r->arena, "step=%zu", v->page + 1));
	return v->change ? page_with(r, path, STR("change=1")) : path;
}

/* No field's name begins with a point. */
static struct str memory_of(const struct filling *f, size_t page) {
	return arena_printf(f->prose.r->arena, ".%zu?", page + 1);
}

void pick_remember(const struct filling *f, size_t page, struct answers *typed) {
	struct request *r = f->prose.r;
	struct str name = memory_of(f, page);
	if (!pick_is(&f->form->pages.items[page]))
		return;
	struct catalogue_ask ask = catalogue_ask_read(r, f->form->pages.items[page].items.items[0].catalogue, STR(""));
	ask.row = STR(""); /* if somebody else is faster it is of no use */
	struct str path = catalogue_ask_path(&ask);
	answers_clear(typed, name);
	if (path.len > 1)
		answers_put(typed, r->arena, name, (struct str){path.at + 1, path.len - 1});
}

/* What was looked for then; empty: nothing. */
static struct str remembered(const struct filling *f, size_t page) {
	const struct answer *memory = answers_get(&f->draft, memory_of(f, page));
	return memory && memory->texts.count == 1 ? memory->texts.items[0] : STR("");
}

static struct catalogue_ask read_ask(const struct form_view *v) {
	const struct filling *f = v->filling;
	return catalogue_ask_read(f->prose.r, f->form->pages.items[v->page].items.items[0].catalogue, base_path(v));
}

struct str pick_path(const struct form_view *v) {
	struct catalogue_ask ask = read_ask(v);
	return catalogue_ask_path(&ask);
}

/* Whoever comes to the list from elsewhere, and not to look for something, is asked nothing: false, or *ask is as they left it. */
static bool recall(const struct form_view *v, struct catalogue_ask *ask) {
	struct request *r = ask->r, before = *r;
	struct str step = r->method == METHOD_POST ? request_form(r, "step") : request_query(r, "step"), memory = remembered(v->filling, v->page);
	struct err none;
	before.query = (struct pairs){0};
	if (str_equal(step, arena_printf(r->arena, "%zu", v->page + 1)) || catalogue_ask_narrows(ask) || ask->page > 1)
		return false;
	if (memory.len == 0 || !request_parse_fields(memory, r->arena, &before.query, &none))
		return false;
	*ask = catalogue_ask_read(&before, ask->catalogue, ask->base);
	ask->r = r;
	return true;
}

static void write_button(void *context, size_t index, bool available, struct response *out) {
	const struct picking *p = context;
	if (!available)
		return;
	const struct catalogue_list *l = p->list;
	const struct value *row = &l->rows->rows[index];
	struct buf *b = &out->body;
	buf_printf(b, "<p class=\"act\"><button class=\"quiet\" name=\"%.*s\" value=\"", STR_ARG(p->field->item->field->name));
	escape_html(b, row->record.members[l->ask->catalogue->reg->record.key].string);
	buf_z(b, "\">");
	escape_html(b, catalogue_word(l->prose, l->ask->catalogue, "choose"));
	buf_z(b, "<span class=\"sr\">: ");
	escape_html(b, catalogue_label(l->prose, l->ask->catalogue, row));
	buf_z(b, "</span></button></p>\n");
}

/* Whether there is a button on this page of the list. */
static bool offers_any(const struct catalogue_list *l) {
	size_t first = (size_t)(l->ask->page - 1) * CATALOGUE_PAGE;
	for (size_t i = first; i < l->rows->found_count && i < first + CATALOGUE_PAGE; i++)
		if (!l->rows->available || l->rows->available[l->rows->found[i]])
			return true;
	return false;
}

static void write_form(const struct picking *p, struct response *out) {
	const struct filling *f = p->v->filling;
	struct request *r = f->prose.r;
	if (!offers_any(p->list)) {
		catalogue_write_rows(p->list, out);
		return;
	}
	struct str facts = f->once.len == 0 ? seen_facts(f, p->v->page) : STR("");
	buf_z(&out->body, "<form method=\"post\" action=\"");
	escape_html(&out->body, catalogue_ask_path(p->list->ask));
	buf_z(&out->body, "\">\n");
	page_hidden(out, "step", arena_printf(r->arena, "%zu", p->v->page + 1));
	page_hidden(out, "version", arena_printf(r->arena, "%lld", (long long)f->version));
	if (p->v->change)
		page_hidden(out, "change", STR("1"));
	if (f->once.len > 0)
		page_hidden(out, "once", f->once);
	if (facts.len > 0)
		page_hidden(out, ".facts", facts);
	page_hidden(out, ".asked", p->field->item->field->name);
	page_hidden_language(r, out);
	catalogue_write_rows(p->list, out);
	buf_z(&out->body, "</form>\n");
}

/* What was chosen before: it still holds, or somebody else has it by now. */
static void write_chosen(const struct picking *p, struct response *out) {
	const struct catalogue_rows *rows = p->list->rows;
	const struct catalogue *c = p->list->ask->catalogue;
	const struct answer *answer = answers_get(p->v->shown, p->field->item->field->name);
	struct request *r = p->list->ask->r;
	if (p->v->problems->count > 0 || !answer || answer->texts.count != 1)
		return;
	for (size_t i = 0; i < rows->count; i++) {
		bool free = !rows->available || rows->available[i];
		if (!str_equal(rows->rows[i].record.members[c->reg->record.key].string, str_trim(answer->texts.items[0])))
			continue;
		buf_z(&out->body, free ? "<p class=\"note\">" : "<p class=\"note late\" role=\"alert\">");
		page_text(r, out, free ? "catalogue.chosen" : "field.taken", catalogue_label(p->list->prose, c, &rows->rows[i]), STR(""));
		buf_z(&out->body, "</p>\n");
	}
}

void pick_write(const struct form_view *v, const struct field_view *field, struct response *out) {
	const struct filling *f = v->filling;
	struct catalogue_ask all = read_ask(v), ask = all;
	struct catalogue_rows rows;
	bool recalled = recall(v, &ask);
	catalogue_find(&ask, &f->world, v->values, field->rows, field->row_count, &rows);
	if (recalled && rows.free_count == 0) { /* what was looked for is gone, and another must be found */
		ask = all;
		catalogue_find(&ask, &f->world, v->values, field->rows, field->row_count, &rows);
	}
	struct catalogue_list list = {.ask = &ask, .rows = &rows, .prose = &f->prose, .level = 2};
	struct picking picking = {v, field, &list};
	list.act = write_button;
	list.context = &picking;
	write_chosen(&picking, out);
	catalogue_write_sieve(&list, out);
	buf_printf(&out->body, "<div id=\"f-%.*s\" tabindex=\"-1\">\n", STR_ARG(field->id));
	catalogue_write_count(&list, out);
	write_form(&picking, out);
	catalogue_write_turning(&list, out);
	buf_z(&out->body, "</div>\n");
}

bool pick_check(const struct prose *p, const struct form_item *item, struct str change, struct response *out) {
	const struct value *row = &p->values[item->field->slot];
	if (!item->catalogue || row->kind != KIND_RECORD)
		return false;
	prose_row(p, item->field, change, out);
	catalogue_write_whole(p, item->catalogue, row, out);
	return true;
}

void pick_regret(const struct filling *f, struct response *out) {
	struct request *r = f->prose.r;
	for (size_t page = 0; page < f->form->pages.count; page++) {
		if (!pick_is(&f->form->pages.items[page]))
			continue;
		struct str path = page_with(r, f->path, arena_printf(r->arena, "step=%zu&change=1", page + 1)), before = remembered(f, page);
		if (before.len > 0)
			path = page_with(r, path, before);
		buf_z(&out->body, "<a class=\"button quiet\" href=\"");
		escape_html(&out->body, page_path(r, path));
		buf_z(&out->body, "\">");
		page_word(r, out, "catalogue.regret");
		buf_z(&out->body, "</a>\n");
		return;
	}
}
