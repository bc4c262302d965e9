/* The map beside a catalogue: its places over the outline of a country. A marker finds the rows of its place; what the map shows is what the list shows. */
#include "engine/base/escape.h"
#include "otp-portal/catalogue_list.h"
#include "otp-portal/page.h"

#include <math.h>

enum { WIDTH = 600, RADIUS = 9, RING = 16, HIT = 26, /* 24 pixels on the narrowest phone */ MOST_ZOOM = 64 };

struct place {
	struct str name;
	struct map_point at;
	size_t count, free;
};
struct map {
	const struct catalogue_list *l;
	const struct catalogue_map *rule;
	const struct outline *outline;
	struct map_box box;
	double x, y; /* units of the picture for a degree */
	struct {
		struct place *items;
		size_t count, cap;
	} places;
};

static struct place *place_named(struct map *m, struct str name) {
	for (size_t i = 0; i < m->places.count; i++)
		if (str_equal(m->places.items[i].name, name))
			return &m->places.items[i];
	struct place *place = ARENA_PUSH(m->l->ask->r->arena, &m->places);
	place->name = name;
	return place;
}

static void find_places(struct map *m) {
	const struct catalogue_rows *rows = m->l->rows;
	for (size_t i = 0; i < rows->count; i++) {
		struct map_point at;
		const struct value *name = &rows->rows[i].record.members[m->rule->label];
		if (name->kind != KIND_STRING || !catalogue_point(m->l->ask->catalogue, &rows->rows[i], &at))
			continue;
		struct place *place = place_named(m, name->string);
		place->at = at;
		place->count++;
		place->free += !rows->available || rows->available[i];
	}
}

/* Degrees of longitude are as long as the whole map's middle has them, however far one zooms in. */
static void set_scale(struct map *m) {
	double middle = (m->outline->box.south + m->outline->box.north) / 2 * acos(-1.0) / 180;
	m->box = m->l->ask->boxed ? m->l->ask->box : catalogue_whole_box(m->outline);
	m->x = WIDTH / (m->box.east - m->box.west);
	m->y = m->x / cos(middle);
}

static int x_of(const struct map *m, double lon) {
	return (int)lround((lon - m->box.west) * m->x);
}

static int y_of(const struct map *m, double lat) {
	return (int)lround((m->box.north - lat) * m->y);
}

static bool meets(const struct map_box *a, const struct map_box *b) {
	return a->west <= b->east && b->west <= a->east && a->south <= b->north && b->south <= a->north;
}

static void write_outline(const struct map *m, struct buf *b) {
	buf_z(b, "<path class=\"land\" d=\"");
	for (size_t i = 0; i < m->outline->count; i++) {
		const struct outline_ring *ring = &m->outline->items[i];
		if (!meets(&ring->box, &m->box))
			continue;
		for (size_t k = 0; k < ring->count; k++) {
			buf_char(b, k == 0 ? 'M' : 'L');
			buf_int(b, x_of(m, ring->items[k].lon));
			buf_char(b, ' ');
			buf_int(b, y_of(m, ring->items[k].lat));
		}
		buf_char(b, 'Z');
	}
	buf_z(b, "\"/>\n");
}

static struct str place_words(const struct map *m, const struct place *place) {
	struct request *r = m->l->ask->r;
	struct str count = language_int(r->language, r->arena, (int64_t)place->count), free = language_int(r->language, r->arena, (int64_t)place->free);
	struct str of = m->l->rows->available ? language_text(r->language, r->arena, "list.range", free, count) : count;
	struct str word = m->l->rows->available ? catalogue_word(m->l->prose, m->l->ask->catalogue, "available") : STR("");
	return arena_printf(r->arena, "%.*s: %.*s %.*s", STR_ARG(place->name), STR_ARG(of), STR_ARG(word));
}

/* Form and colour both say whether something can be chosen there. */
static void write_marker(const struct map *m, const struct place *place, struct buf *b) {
	struct catalogue_ask there = *m->l->ask;
	bool chosen = str_equal(there.place, place->name);
	int x = x_of(m, place->at.lon), y = y_of(m, place->at.lat);
	if (!catalogue_inside(&m->box, &place->at))
		return;
	there.place = chosen ? STR("") : place->name;
	there.page = 1;
	buf_z(b, "<a href=\"");
	escape_html(b, page_path(there.r, catalogue_ask_path(&there)));
	buf_z(b, chosen ? "\" class=\"here\" aria-current=\"true\"><title>" : "\"><title>");
	escape_html(b, place_words(m, place));
	buf_printf(b, "</title><circle class=\"hit\" cx=\"%d\" cy=\"%d\" r=\"%d\"/><circle class=\"ring\" cx=\"%d\" cy=\"%d\" r=\"%d\"/>", x, y, HIT, x, y, RING);
	if (place->free > 0)
		buf_printf(b, "<circle class=\"free\" cx=\"%d\" cy=\"%d\" r=\"%d\"/></a>\n", x, y, RADIUS);
	else
		buf_printf(b, "<rect class=\"none\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></a>\n", x - RADIUS, y - RADIUS, 2 * RADIUS, 2 * RADIUS);
}

static void write_way(const struct map *m, const struct map_box *box, const char *key, struct buf *b) {
	struct catalogue_ask ask = *m->l->ask;
	ask.boxed = box != NULL;
	ask.page = 1;
	if (box)
		ask.box = *box;
	buf_z(b, "<a class=\"button quiet\" href=\"");
	escape_html(b, page_path(ask.r, catalogue_ask_path(&ask)));
	buf_z(b, "\">");
	escape_html(b, language_word(ask.r->language, key));
	buf_z(b, "</a>\n");
}

/* Half or twice as much, round the place that is chosen or the middle. */
static struct map_box scaled(const struct map *m, double factor) {
	double lon = (m->box.west + m->box.east) / 2, lat = (m->box.south + m->box.north) / 2;
	double wide = (m->box.east - m->box.west) / 2 * factor, high = (m->box.north - m->box.south) / 2 * factor;
	for (size_t i = 0; i < m->places.count; i++) {
		if (!str_equal(m->places.items[i].name, m->l->ask->place))
			continue;
		lon = m->places.items[i].at.lon;
		lat = m->places.items[i].at.lat;
	}
	return (struct map_box){lon - wide, lat - high, lon + wide, lat + high};
}

static struct map_box moved(const struct map *m, double x, double y) {
	double wide = (m->box.east - m->box.west) * x, high = (m->box.north - m->box.south) * y;
	return (struct map_box){m->box.west + wide, m->box.south + high, m->box.east + wide, m->box.north + high};
}

static void write_ways(const struct map *m, struct buf *b) {
	static const struct {
		double x, y;
		const char *key;
	} sides[] = {{0, 0.5, "map.north"}, {0, -0.5, "map.south"}, {-0.5, 0, "map.west"}, {0.5, 0, "map.east"}};
	struct map_box whole = catalogue_whole_box(m->outline), in = scaled(m, 0.5), out = scaled(m, 2);
	double wide = m->box.east - m->box.west, all = whole.east - whole.west;
	buf_z(b, "<p class=\"ways\">\n");
	if (wide * MOST_ZOOM > all)
		write_way(m, &in, "map.in", b);
	if (m->l->ask->boxed)
		write_way(m, wide * 2 < all * 0.99 ? &out : NULL, "map.out", b);
	for (size_t i = 0; m->l->ask->boxed && i < sizeof sides / sizeof *sides; i++) {
		struct map_box there = moved(m, sides[i].x, sides[i].y);
		if (meets(&there, &whole))
			write_way(m, &there, sides[i].key, b);
	}
	if (m->l->ask->boxed)
		write_way(m, NULL, "map.all", b);
	buf_z(b, "</p>\n");
}

static void write_legend(const struct map *m, struct buf *b) {
	if (!m->l->rows->available)
		return;
	buf_z(b, "<p class=\"legend\"><svg viewBox=\"0 0 20 20\" aria-hidden=\"true\"><circle class=\"free\" cx=\"10\" cy=\"10\" r=\"8\"/></svg> ");
	escape_html(b, catalogue_word(m->l->prose, m->l->ask->catalogue, "available"));
	buf_z(b, " <svg viewBox=\"0 0 20 20\" aria-hidden=\"true\"><rect class=\"none\" x=\"2\" y=\"2\" width=\"16\" height=\"16\"/></svg> ");
	escape_html(b, catalogue_word(m->l->prose, m->l->ask->catalogue, "taken"));
	buf_z(b, "</p>\n");
}

void catalogue_write_map(const struct catalogue_list *l, struct response *out) {
	const struct catalogue *live = definition_catalogue(l->prose->package->definition, l->ask->catalogue->name);
	struct map m = {.l = l, .rule = l->ask->catalogue->map, .outline = live && live->map ? live->map->shape : NULL};
	struct buf *b = &out->body;
	if (!m.rule || !m.outline)
		return;
	find_places(&m);
	set_scale(&m);
	/* Whoever has typed looks for rows, and on a phone these stand below the map. */
	buf_z(b, l->ask->search.len > 0 ? "<details class=\"map\"><summary>" : "<details class=\"map\" open><summary>");
	page_word(l->ask->r, out, "map.title");
	buf_printf(b, "</summary>\n<svg viewBox=\"0 0 %d %.0f\" role=\"group\" aria-label=\"", WIDTH, (m.box.north - m.box.south) * m.y);
	page_word(l->ask->r, out, "map.title");
	buf_z(b, "\">\n");
	write_outline(&m, b);
	for (size_t i = 0; i < m.places.count; i++)
		write_marker(&m, &m.places.items[i], b);
	buf_z(b, "</svg>\n");
	write_legend(&m, b);
	write_ways(&m, b);
	buf_z(b, "</details>\n");
}
