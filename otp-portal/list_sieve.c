#include "otp-portal/list_sieve.h"

#include "engine/base/escape.h"
#include "engine/base/fold.h"
#include "otp-portal/columns.h"
#include "otp-portal/page.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 500 };

struct option {
	struct str value, label, key; /* key: what they are sorted by */
};
struct options {
	struct option *items;
	size_t count, cap;
};

struct sieve {
	const struct list_ask *ask;
	struct view *v;
	const struct prose *prose;
	struct options filters[LISTING_FILTERS];
	struct options orders;
};

static void add(const struct sieve *s, struct options *options, struct str value, struct str label) {
	*(struct option *)ARENA_PUSH(s->ask->r->arena, options) = (struct option){value, label, STR("")};
}

static int by_key(const void *a, const void *b) {
	return str_compare(((const struct option *)a)->key, ((const struct option *)b)->key);
}

static void sort_options(const struct sieve *s, struct options *options) {
	struct buf key;
	buf_init(&key, 4000);
	for (size_t i = 0; i < options->count; i++) {
		buf_clear(&key);
		fold_text(&key, options->items[i].label);
		options->items[i].key = arena_str(s->ask->r->arena, buf_text(&key));
	}
	buf_free(&key);
	if (options->count > 0)
		qsort(options->items, options->count, sizeof *options->items, by_key);
}

/* The row's label; its key where the register has it no more. */
static struct str row_label(const struct sieve *s, const struct field *field, struct str key) {
	struct field one = *field;
	struct value row;
	struct err gone;
	one.many = false;
	if (!s->prose->registers->row(s->prose->registers->context, field->reg, key, 0, s->ask->r->arena, &row, &gone))
		return key;
	return prose_value(s->prose, &one, &row);
}

/* Of a register only the rows that the reader's own list has. */
static bool add_rows(struct sieve *s, const struct field *field, struct options *options, struct err *err) {
	struct listing_query query = list_ask_query(&(struct list_ask){.r = s->ask->r, .list = s->ask->list});
	struct listing_values values;
	query.limit = MOST_VALUES;
	if (!listing_values(s->v, &query, field->name, s->ask->r->arena, &values, err))
		return false;
	for (size_t i = 0; i < values.count; i++)
		add(s, options, values.items[i], row_label(s, field, values.items[i]));
	sort_options(s, options);
	return true;
}

static void add_choices(const struct sieve *s, const struct field *field, struct options *options) {
	struct field one = *field;
	one.many = false;
	for (size_t i = 0; i < field->options.count; i++) {
		struct value value = value_string(field->options.items[i]);
		add(s, options, field->options.items[i], prose_value(s->prose, &one, &value));
	}
}

static bool find_options(struct sieve *s, struct str name, struct options *options, struct err *err) {
	const struct definition *d = s->prose->definition;
	const struct field *field = definition_field(d, name);
	if (!field)
		for (size_t i = 0; i < d->states.count; i++)
			add(s, options, d->states.items[i].name, prose_state(s->prose, d->states.items[i].name));
	else if (field->kind == FIELD_REF)
		return add_rows(s, field, options, err);
	else if (field->kind == FIELD_CHOICE)
		add_choices(s, field, options);
	else
		for (int yes = 1; yes >= 0; yes--) {
			struct value value = value_bool(yes);
			add(s, options, yes ? STR("true") : STR("false"), prose_value(s->prose, field, &value));
		}
	return true;
}

static void find_orders(struct sieve *s) {
	struct request *r = s->ask->r;
	const struct view_rule *rule = s->ask->list->rule;
	add(s, &s->orders, STR(""), language_text(r->language, r->arena, "list.newest", column_label(s->prose, STR("changed_at")), STR("")));
	for (size_t i = 0; i < rule->columns.count; i++) {
		struct str column = rule->columns.items[i], label = column_label(s->prose, column);
		if (!list_sortable(s->ask->list, column))
			continue;
		if (!str_is(column, "changed_at"))
			add(s, &s->orders, arena_printf(r->arena, "-%.*s", STR_ARG(column)), language_text(r->language, r->arena, "list.newest", label, STR("")));
		add(s, &s->orders, column, language_text(r->language, r->arena, "list.oldest", label, STR("")));
	}
}

static void write_select(struct response *out, struct str id, struct str name, struct str label, const struct options *options, struct str chosen, struct str any) {
	struct buf *b = &out->body;
	buf_printf(b, "<div><label for=\"%.*s\">", STR_ARG(id));
	escape_html(b, label);
	buf_printf(b, "</label>\n<select id=\"%.*s\" name=\"%.*s\">\n", STR_ARG(id), STR_ARG(name));
	if (any.len > 0) {
		buf_z(b, "<option value=\"\">");
		escape_html(b, any);
		buf_z(b, "</option>\n");
	}
	for (size_t i = 0; i < options->count; i++) {
		buf_z(b, "<option value=\"");
		escape_html(b, options->items[i].value);
		buf_z(b, str_equal(options->items[i].value, chosen) ? "\" selected>" : "\">");
		escape_html(b, options->items[i].label);
		buf_z(b, "</option>\n");
	}
	buf_z(b, "</select></div>\n");
}

static void write_overdue(const struct sieve *s, struct response *out) {
	buf_printf(&out->body, "<label class=\"box\"><input type=\"checkbox\" name=\"overdue\" value=\"1\"%s> <span>", s->ask->overdue ? " checked" : "");
	page_word(s->ask->r, out, "list.overdue-only");
	buf_z(&out->body, "</span></label>\n");
}

/* Folded away until it is used: most people look at a list, and do not sift it. */
static void write_filters(const struct sieve *s, struct response *out) {
	const struct list_ask *ask = s->ask;
	struct buf *b = &out->body;
	struct request *r = ask->r;
	struct list_ask searched = {.r = r, .list = ask->list};
	memcpy(searched.filters, ask->filters, sizeof searched.filters);
	searched.overdue = ask->overdue;
	buf_z(b, list_ask_narrows(&searched) || ask->sort.len > 0 ? "<details class=\"sieve\" open>\n<summary>" : "<details class=\"sieve\">\n<summary>");
	page_word(r, out, "list.filter");
	buf_z(b, "</summary>\n<div class=\"choices\">\n");
	for (size_t i = 0; i < ask->list->rule->filters.count; i++) {
		struct str name = ask->list->rule->filters.items[i];
		if (s->filters[i].count > 1 || ask->filters[i].len > 0)
			write_select(out, arena_printf(r->arena, "f-%.*s", STR_ARG(name)), arena_printf(r->arena, "f.%.*s", STR_ARG(name)), column_label(s->prose, name), &s->filters[i], ask->filters[i], language_word(r->language, "list.any"));
	}
	struct str order = arena_printf(r->arena, "%s%.*s", ask->sort.len == 0 || ask->ascending ? "" : "-", STR_ARG(ask->sort));
	if (s->orders.count > 1)
		write_select(out, STR("sort"), STR("sort"), language_word(r->language, "list.order"), &s->orders, order, STR(""));
	buf_z(b, "</div>\n");
	if (ask->list->rule->overdue)
		write_overdue(s, out);
	page_filters_end(r, out);
}

static void write_form(const struct sieve *s, bool filters, struct response *out) {
	struct buf *b = &out->body;
	struct str action = s->ask->list->path, view = request_query(s->ask->r, "view");
	buf_z(b, "<form method=\"get\" action=\"");
	escape_html(b, str_cut(&action, '?'));
	buf_z(b, "\" class=\"search\" role=\"search\">\n");
	if (view.len > 0)
		page_hidden(out, "view", view);
	page_hidden_language(s->ask->r, out);
	if (s->ask->list->rule->search.count > 0)
		page_search_box(s->ask->r, s->ask->search, out);
	if (filters)
		write_filters(s, out);
	buf_z(b, "</form>\n");
}

bool list_sieve(const struct list_ask *ask, struct view *v, const struct prose *prose, struct response *out, struct err *err) {
	const struct view_rule *rule = ask->list->rule;
	struct sieve s = {.ask = ask, .v = v, .prose = prose};
	for (size_t i = 0; i < rule->filters.count; i++)
		if (!find_options(&s, rule->filters.items[i], &s.filters[i], err))
			return false;
	find_orders(&s);
	bool filters = rule->filters.count > 0 || rule->overdue || s.orders.count > 2;
	if (rule->search.count > 0 || filters)
		write_form(&s, filters, out);
	if (list_ask_narrows(ask))
		page_way(ask->r, out, ask->list->path, "list.clear");
	return true;
}
