/* The form above a catalogue: search, filters with how many rows each value has, only what can be chosen. */
#include "engine/base/escape.h"
#include "engine/base/fold.h"
#include "otp-portal/catalogue_list.h"
#include "otp-portal/page.h"

#include <stdlib.h>

enum { MOST_VALUES = 500, LABEL_BYTES = 4000 };

struct option {
	const struct value *value;
	struct str key, label, order;
	size_t count;
};

static int by_key(const void *a, const void *b) {
	return str_compare(((const struct option *)a)->key, ((const struct option *)b)->key);
}

static int by_order(const void *a, const void *b) {
	return str_compare(((const struct option *)a)->order, ((const struct option *)b)->order);
}

static void describe(const struct catalogue_list *l, struct option *option, struct buf *folded) {
	struct arena *a = l->ask->r->arena;
	const struct value *v = option->value;
	option->label = v->kind == KIND_DATE ? language_date_short(l->ask->r->language, a, v->integer)
	               : v->kind == KIND_BOOL ? language_word(l->ask->r->language, v->boolean ? "form.yes" : "form.no") : option->key;
	buf_clear(folded);
	fold_text(folded, option->key);
	option->order = arena_printf(a, "%.*s %.*s", STR_ARG(buf_text(folded)), STR_ARG(option->key));
}

/* Equal ones, which are beside each other, become one. */
static size_t join(struct option *all, size_t many) {
	size_t count = 0;
	for (size_t i = 0; i < many; i++) {
		if (count > 0 && str_equal(all[count - 1].key, all[i].key))
			all[count - 1].count++;
		else
			all[count++] = all[i];
	}
	return count;
}

/* The values that rows have, in order, each once. What they are called is found out only then: there are many rows and few values. */
static struct option *find_options(const struct catalogue_list *l, size_t column, size_t *count) {
	struct arena *a = l->ask->r->arena;
	struct option *all = ARENA_ARRAY(a, l->rows->count + 1, struct option);
	struct buf folded;
	size_t many = 0;
	for (size_t i = 0; i < l->rows->count; i++) {
		const struct value *v = &l->rows->rows[i].record.members[column];
		if (v->kind != KIND_UNSET)
			all[many++] = (struct option){.value = v, .key = catalogue_key(a, v), .count = 1};
	}
	qsort(all, many, sizeof *all, by_key);
	*count = join(all, many);
	buf_init(&folded, LABEL_BYTES);
	for (size_t i = 0; i < *count; i++)
		describe(l, &all[i], &folded);
	buf_free(&folded);
	qsort(all, *count, sizeof *all, by_order);
	return all;
}

static void write_option(const struct option *option, bool chosen, struct buf *b) {
	buf_z(b, "<option value=\"");
	escape_html(b, option->key);
	buf_z(b, chosen ? "\" selected>" : "\">");
	escape_html(b, option->label);
	buf_printf(b, " (%zu)</option>\n", option->count);
}

static void write_filter(const struct catalogue_list *l, size_t filter, struct response *out) {
	const struct catalogue *c = l->ask->catalogue;
	struct str name = c->reg->record.members[c->filters.items[filter]].name, label = prose_get(l->prose, "catalogues", c->name, "columns", name);
	struct buf *b = &out->body;
	size_t count;
	struct option *options = find_options(l, c->filters.items[filter], &count);
	buf_printf(b, "<div><label for=\"f-%.*s\">", STR_ARG(name));
	escape_html(b, label.len > 0 ? label : name);
	buf_printf(b, "</label>\n<select id=\"f-%.*s\" name=\"f.%.*s\">\n<option value=\"\">", STR_ARG(name), STR_ARG(name));
	page_word(l->ask->r, out, "list.any");
	buf_z(b, "</option>\n");
	for (size_t i = 0; i < count && i < MOST_VALUES; i++)
		write_option(&options[i], str_equal(options[i].key, l->ask->filters[filter]), b);
	buf_z(b, "</select></div>\n");
}

static void write_free(const struct catalogue_list *l, struct response *out) {
	buf_printf(&out->body, "<label class=\"box\"><input type=\"checkbox\" name=\"free\" value=\"1\"%s> <span>", l->ask->free ? " checked" : "");
	page_word(l->ask->r, out, "catalogue.only-available");
	buf_z(&out->body, "</span></label>\n");
}

static bool is_filtered(const struct catalogue_ask *ask) {
	struct catalogue_ask filtered = *ask;
	filtered.search = filtered.row = filtered.place = STR("");
	filtered.boxed = false;
	return catalogue_ask_narrows(&filtered);
}

static void write_filters(const struct catalogue_list *l, struct response *out) {
	const struct catalogue *c = l->ask->catalogue;
	struct buf *b = &out->body;
	if (c->filters.count == 0 && !c->available)
		return;
	buf_z(b, is_filtered(l->ask) ? "<details class=\"sieve\" open>\n<summary>" : "<details class=\"sieve\">\n<summary>");
	page_word(l->ask->r, out, "catalogue.filter");
	buf_z(b, "</summary>\n<div class=\"choices\">\n");
	for (size_t i = 0; i < c->filters.count; i++)
		write_filter(l, i, out);
	buf_z(b, "</div>\n");
	if (c->available)
		write_free(l, out);
	page_filters_end(l->ask->r, out);
}

/* A browser drops the query of a GET form's address. */
static void write_hidden(struct str query, struct buf *b) {
	while (query.len > 0) {
		struct str value = str_cut(&query, '&'), name = str_cut(&value, '=');
		buf_z(b, "<input type=\"hidden\" name=\"");
		escape_html(b, name);
		buf_z(b, "\" value=\"");
		escape_html(b, value);
		buf_z(b, "\">\n");
	}
}

void catalogue_write_sieve(const struct catalogue_list *l, struct response *out) {
	struct buf *b = &out->body;
	struct str query = l->ask->base, path = str_cut(&query, '?');
	buf_z(b, "<form method=\"get\" action=\"");
	escape_html(b, path);
	buf_z(b, "\" class=\"search\" role=\"search\">\n");
	write_hidden(query, b);
	if (l->ask->place.len > 0)
		page_hidden(out, "place", l->ask->place);
	if (l->ask->boxed)
		page_hidden(out, "box", arena_printf(l->ask->r->arena, "%.4f,%.4f,%.4f,%.4f", l->ask->box.west, l->ask->box.south, l->ask->box.east, l->ask->box.north));
	page_hidden_language(l->ask->r, out);
	if (l->ask->catalogue->search.count > 0)
		page_search_box(l->ask->r, l->ask->search, out);
	write_filters(l, out);
	buf_z(b, "</form>\n");
	catalogue_write_map(l, out);
	if (catalogue_ask_narrows(l->ask))
		page_way(l->ask->r, out, l->ask->base, "list.clear");
}
