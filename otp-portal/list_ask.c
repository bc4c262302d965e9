#include "otp-portal/list_ask.h"

#include "engine/base/escape.h"
#include "engine/base/fold.h"
#include "otp-portal/page.h"

enum { LAST_PAGE = 100000, SEARCH_BYTES = 200 };

bool list_sortable(const struct list_view *list, struct str column) {
	const struct field *field = definition_field(list->package->definition, column);
	if (field)
		return (field->kind == FIELD_DATE || field->kind == FIELD_DATETIME) && !field->many;
	return str_is(column, "started_at") || str_is(column, "changed_at");
}

static void read_sort(struct list_ask *ask) {
	struct str sort = request_query(ask->r, "sort");
	bool descending = sort.len > 0 && sort.at[0] == '-';
	struct str column = descending ? (struct str){sort.at + 1, sort.len - 1} : sort;
	for (size_t i = 0; i < ask->list->rule->columns.count; i++) {
		if (!str_equal(ask->list->rule->columns.items[i], column) || !list_sortable(ask->list, column))
			continue;
		ask->sort = column;
		ask->ascending = !descending;
	}
}

struct list_ask list_ask_read(struct request *r, const struct list_view *list) {
	struct list_ask ask = {.r = r, .list = list, .search = str_trim(request_query(r, "q"))};
	if (list->rule->search.count == 0)
		ask.search = STR("");
	if (ask.search.len > SEARCH_BYTES)
		ask.search.len = SEARCH_BYTES;
	for (size_t i = 0; i < list->rule->filters.count; i++)
		ask.filters[i] = request_query(r, arena_printf(r->arena, "f.%.*s", STR_ARG(list->rule->filters.items[i])).at);
	ask.overdue = list->rule->overdue && str_is(request_query(r, "overdue"), "1");
	read_sort(&ask);
	if (!str_to_int(request_query(r, "page"), &ask.page) || ask.page < 1 || ask.page > LAST_PAGE)
		ask.page = 1;
	return ask;
}

static struct str folded(const struct list_ask *ask) {
	struct buf out;
	buf_init(&out, 10 * SEARCH_BYTES);
	fold_query(&out, ask->search);
	struct str text = arena_str(ask->r->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

static void add_filters(const struct list_ask *ask, struct listing_query *query) {
	for (size_t i = 0; i < ask->list->rule->filters.count; i++) {
		struct str name = ask->list->rule->filters.items[i];
		if (ask->filters[i].len == 0)
			continue;
		if (str_is(name, "state")) {
			query->state = ask->filters[i];
			continue;
		}
		query->filters[query->filter_count].field = name;
		query->filters[query->filter_count++].value = ask->filters[i];
	}
}

struct listing_query list_ask_query(const struct list_ask *ask) {
	const struct view_rule *rule = ask->list->rule;
	struct str *roles = ARENA_ARRAY(ask->r->arena, rule->roles.count + 1, struct str);
	for (size_t i = 0; i < rule->roles.count; i++)
		roles[i] = rule->roles.items[i]->name;
	struct listing_query query = {
	        .contact_id = ask->list->contact_id,
	        .roles = roles,
	        .role_count = rule->roles.count,
	        .workflow = ask->list->package->definition->name,
	        .search = folded(ask),
	        .searched = rule->name,
	        .view = rule->overdue ? rule->name : STR(""),
	        .now = ask->r->now,
	        .day = site_day(ask->r->world->options.site, ask->r->now),
	        .overdue = ask->overdue,
	        .order = LISTING_CHANGED,
	        .ascending = ask->ascending,
	};
	add_filters(ask, &query);
	if (definition_field(ask->list->package->definition, ask->sort)) {
		query.order = LISTING_FIELD;
		query.order_field = ask->sort;
	} else if (str_is(ask->sort, "started_at")) {
		query.order = LISTING_STARTED;
	}
	return query;
}

struct str list_ask_path(const struct list_ask *ask) {
	struct arena *a = ask->r->arena;
	struct str path = ask->list->path;
	if (ask->search.len > 0)
		path = page_with_value(ask->r, path, STR("q"), ask->search);
	for (size_t i = 0; i < ask->list->rule->filters.count; i++)
		if (ask->filters[i].len > 0)
			path = page_with_value(ask->r, path, arena_printf(a, "f.%.*s", STR_ARG(ask->list->rule->filters.items[i])), ask->filters[i]);
	if (ask->overdue)
		path = page_with_value(ask->r, path, STR("overdue"), STR("1"));
	if (ask->sort.len > 0)
		path = page_with_value(ask->r, path, STR("sort"), arena_printf(a, "%s%.*s", ask->ascending ? "" : "-", STR_ARG(ask->sort)));
	return ask->page > 1 ? page_with_value(ask->r, path, STR("page"), arena_printf(a, "%lld", (long long)ask->page)) : path;
}

bool list_ask_narrows(const struct list_ask *ask) {
	bool narrows = ask->search.len > 0 || ask->overdue;
	for (size_t i = 0; i < ask->list->rule->filters.count; i++)
		narrows = narrows || ask->filters[i].len > 0;
	return narrows;
}
