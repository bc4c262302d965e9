#include "otp-portal/catalogue_ask.h"

#include "engine/base/escape.h"
#include "engine/base/fold.h"
#include "otp-portal/page.h"

#include <stdlib.h>
#include <string.h>

enum { LAST_PAGE = 100000, SEARCH_BYTES = 200, ROW_BYTES = 64 * 1024, MOST_WORDS = 20 };

static struct str column_name(const struct catalogue *c, size_t filter) {
	return c->reg->record.members[c->filters.items[filter]].name;
}

static bool read_degrees(struct str *rest, double *out) {
	struct str word = str_cut(rest, ',');
	char copy[20], *end;
	if (word.len == 0 || word.len >= sizeof copy)
		return false;
	memcpy(copy, word.at, word.len);
	copy[word.len] = '\0';
	*out = strtod(copy, &end);
	return *end == '\0' && *out >= -360 && *out <= 360;
}

static bool read_box(struct str text, struct map_box *box) {
	return read_degrees(&text, &box->west) && read_degrees(&text, &box->south) && read_degrees(&text, &box->east) && read_degrees(&text, &box->north) && text.len == 0 &&
	       box->east - box->west > 0.001 && box->north - box->south > 0.001;
}

bool catalogue_point(const struct catalogue *c, const struct value *row, struct map_point *at) {
	const struct value *members = row->record.members;
	if (!c->map || members[c->map->lat].kind != KIND_DOUBLE || members[c->map->lon].kind != KIND_DOUBLE)
		return false;
	*at = (struct map_point){members[c->map->lon].decimal, members[c->map->lat].decimal};
	return c->map->off == SIZE_MAX || members[c->map->off].kind != KIND_BOOL || !members[c->map->off].boolean;
}

bool catalogue_inside(const struct map_box *box, const struct map_point *at) {
	return at->lon >= box->west && at->lon <= box->east && at->lat >= box->south && at->lat <= box->north;
}

struct map_box catalogue_whole_box(const struct outline *outline) {
	const struct map_box *box = &outline->box;
	double x = (box->east - box->west) / 30, y = (box->north - box->south) / 30;
	return (struct map_box){box->west - x, box->south - y, box->east + x, box->north + y};
}

struct catalogue_ask catalogue_ask_read(struct request *r, const struct catalogue *c, struct str base) {
	struct catalogue_ask ask = {.r = r, .catalogue = c, .base = base, .search = str_trim(request_query(r, "q")), .row = request_query(r, "row")};
	if (ask.search.len > SEARCH_BYTES)
		ask.search.len = SEARCH_BYTES;
	for (size_t i = 0; i < c->filters.count; i++)
		ask.filters[i] = request_query(r, arena_printf(r->arena, "f.%.*s", STR_ARG(column_name(c, i))).at);
	ask.place = c->map ? request_query(r, "place") : STR("");
	ask.boxed = c->map && read_box(request_query(r, "box"), &ask.box);
	ask.free = c->available && str_is(request_query(r, "free"), "1");
	if (!str_to_int(request_query(r, "page"), &ask.page) || ask.page < 1 || ask.page > LAST_PAGE)
		ask.page = 1;
	return ask;
}

struct str catalogue_ask_path(const struct catalogue_ask *ask) {
	struct arena *a = ask->r->arena;
	struct str path = ask->base;
	if (ask->search.len > 0)
		path = page_with_value(ask->r, path, STR("q"), ask->search);
	for (size_t i = 0; i < ask->catalogue->filters.count; i++)
		if (ask->filters[i].len > 0)
			path = page_with_value(ask->r, path, arena_printf(a, "f.%.*s", STR_ARG(column_name(ask->catalogue, i))), ask->filters[i]);
	if (ask->place.len > 0)
		path = page_with_value(ask->r, path, STR("place"), ask->place);
	if (ask->boxed)
		path = page_with_value(ask->r, path, STR("box"), arena_printf(a, "%.4f,%.4f,%.4f,%.4f", ask->box.west, ask->box.south, ask->box.east, ask->box.north));
	if (ask->row.len > 0)
		path = page_with_value(ask->r, path, STR("row"), ask->row);
	if (ask->free)
		path = page_with_value(ask->r, path, STR("free"), STR("1"));
	return ask->page > 1 ? page_with_value(ask->r, path, STR("page"), arena_printf(a, "%lld", (long long)ask->page)) : path;
}

bool catalogue_ask_narrows(const struct catalogue_ask *ask) {
	bool narrows = ask->search.len > 0 || ask->row.len > 0 || ask->place.len > 0 || ask->boxed || ask->free;
	for (size_t i = 0; i < ask->catalogue->filters.count; i++)
		narrows = narrows || ask->filters[i].len > 0;
	return narrows;
}

struct str catalogue_key(struct arena *a, const struct value *v) {
	return v->kind == KIND_UNSET ? STR("") : v->kind == KIND_STRING ? v->string : value_text(a, v);
}

/* --- finding --- */

struct words {
	struct str items[MOST_WORDS];
	size_t count;
};

static struct words read_words(const struct catalogue_ask *ask) {
	struct words words = {0};
	struct buf folded;
	buf_init(&folded, 10 * SEARCH_BYTES);
	fold_query(&folded, ask->search);
	struct str rest = arena_str(ask->r->arena, buf_text(&folded));
	buf_free(&folded);
	while (rest.len > 0 && words.count < MOST_WORDS) {
		struct str word = str_cut(&rest, ' ');
		if (word.len > 0)
			words.items[words.count++] = word;
	}
	return words;
}

static void fold_value(struct buf *out, struct arena *a, const struct value *v) {
	if (v->kind == KIND_DATE)
		fold_date(out, v->integer);
	else if (v->kind != KIND_UNSET && v->kind != KIND_BOOL)
		fold_text(out, value_text(a, v));
	buf_char(out, ' ');
}

static bool has_words(const struct catalogue_ask *ask, const struct words *words, const struct value *row, struct buf *text) {
	const struct catalogue *c = ask->catalogue;
	bool has = true;
	buf_clear(text);
	for (size_t i = 0; i < c->search.count && words->count > 0; i++)
		fold_value(text, ask->r->arena, &row->record.members[c->search.items[i]]);
	for (size_t i = 0; i < words->count && has; i++)
		has = memmem(text->at, text->len, words->items[i].at, words->items[i].len) != NULL;
	return has;
}

static bool is_there(const struct catalogue_ask *ask, const struct value *row) {
	const struct catalogue *c = ask->catalogue;
	struct map_point at;
	if (ask->place.len > 0 && !str_equal(ask->place, catalogue_key(ask->r->arena, &row->record.members[c->map->label])))
		return false;
	return !ask->boxed || (catalogue_point(c, row, &at) && catalogue_inside(&ask->box, &at));
}

static bool passes(const struct catalogue_ask *ask, const struct value *row) {
	const struct catalogue *c = ask->catalogue;
	if (ask->row.len > 0 && !str_equal(ask->row, row->record.members[c->reg->record.key].string))
		return false;
	for (size_t i = 0; i < c->filters.count; i++)
		if (ask->filters[i].len > 0 && !str_equal(ask->filters[i], catalogue_key(ask->r->arena, &row->record.members[c->filters.items[i]])))
			return false;
	return true;
}

void catalogue_find(const struct catalogue_ask *ask, const struct form_world *world, const struct value *values, const struct value *rows, size_t count,
                    struct catalogue_rows *out) {
	struct arena *a = ask->r->arena;
	struct words words = read_words(ask);
	struct buf text;
	*out = (struct catalogue_rows){.rows = rows, .count = count, .found = ARENA_ARRAY(a, count + 1, size_t)};
	if (ask->catalogue->available)
		out->available = form_available(world, ask->catalogue, values, rows, count, a);
	buf_init(&text, ROW_BYTES);
	for (size_t i = 0; i < count; i++) {
		bool free = !out->available || out->available[i];
		if ((ask->free && !free) || !passes(ask, &rows[i]) || !is_there(ask, &rows[i]) || !has_words(ask, &words, &rows[i], &text))
			continue;
		out->found[out->found_count++] = i;
		out->free_count += free;
	}
	buf_free(&text);
}
