#include "document/paper_parts.h"

#include <string.h>

/* Debian's fonts-lato, fonts-urw-base35 and fonts-dejavu-core; what they lack, whatever the machine has. */
#define SANS "Lato, DejaVu Sans"
#define SERIF "P052, DejaVu Serif"

const struct look paper_looks[LETTER_COUNT] = {
        [LETTER_BODY] = {SANS, 11, 15.5, 8, false, INK},
        [LETTER_CAPTION] = {SANS, 9.5, 13, 4, false, SOFT},
        [LETTER_TITLE] = {SERIF, 21, 26, 0, true, INK},
        [LETTER_H2] = {SERIF, 14.5, 19, 20, true, INK},
        [LETTER_H3] = {SERIF, 12, 16, 15, true, INK},
        [LETTER_H4] = {SANS, 11, 15.5, 12, true, INK},
        [LETTER_CELL] = {SANS, 10, 13.5, 0, false, INK},
        [LETTER_HEAD_CELL] = {SANS, 10, 13.5, 0, true, INK},
};

/* Pango takes quadratic time for a very long paragraph or word, so a text is set a stretch at a time. */
enum { STRETCH = 3000, MEASURED = 1000 };

/* setting */

PangoLayout *paper_layout(struct paper *p, enum letter letter) {
	PangoLayout *layout = pango_layout_new(p->context);
	pango_layout_set_font_description(layout, p->fonts[letter]);
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
	return layout;
}

/* part: of the words' text; base, len: the stretch that the layout holds. */
static void add_attribute(PangoAttrList *list, PangoAttribute *attribute, const struct part *part, size_t base, size_t len) {
	attribute->start_index = (guint)(part->from > base ? part->from - base : 0);
	attribute->end_index = (guint)(part->to < base + len ? part->to - base : len);
	pango_attr_list_insert(list, attribute);
}

/* The colour is only there to make a run of its own of a link. */
static PangoAttribute *attribute_of(const struct part *part) {
	switch (part->kind) {
	case PART_STRONG: return pango_attr_weight_new(PANGO_WEIGHT_BOLD);
	case PART_EMPHASIS: return pango_attr_style_new(PANGO_STYLE_ITALIC);
	case PART_LINK: break;
	}
	return pango_attr_foreground_new(0, 0, 1);
}

void paper_attributes(PangoLayout *layout, const struct words *w, size_t base, size_t len) {
	PangoAttrList *list = pango_attr_list_new();
	pango_attr_list_insert(list, pango_attr_insert_hyphens_new(FALSE));
	/* A name with a ligature in it is not found by who searches for it. */
	pango_attr_list_insert(list, pango_attr_font_features_new("liga=0, clig=0, dlig=0"));
	for (size_t i = 0; i < w->part_count; i++)
		if (w->parts[i].from < base + len && w->parts[i].to > base)
			add_attribute(list, attribute_of(&w->parts[i]), &w->parts[i], base, len);
	pango_layout_set_attributes(layout, list);
	pango_attr_list_unref(list);
}

/* As much of the text from base as `most` bytes hold, without cutting a character. */
static size_t stretch_from(struct str text, size_t base, size_t most) {
	size_t end = text.len - base > most ? base + most : text.len;
	while (end < text.len && end > base + 1 && ((unsigned char)text.at[end] & 0xC0) == 0x80)
		end--;
	return end - base;
}

static PangoLayout *layout_of(struct paper *p, const struct words *w, size_t base, size_t len) {
	PangoLayout *layout = paper_layout(p, w->letter);
	pango_layout_set_text(layout, w->text.at + base, (int)len);
	paper_attributes(layout, w, base, len);
	return layout;
}

static void add_line(struct paper *p, struct set_words *s, struct line line) {
	if (s->count == s->cap) {
		struct line *more = ARENA_ARRAY(p->arena, s->cap ? 2 * s->cap : 4, struct line);
		if (s->count > 0)
			memcpy(more, s->lines, s->count * sizeof *more);
		s->lines = more;
		s->cap = s->cap ? 2 * s->cap : 4;
	}
	s->lines[s->count++] = line;
}

/* Lines of the stretch. Its last one may go on in the next, which then begins there: returns where. */
static size_t add_lines(struct paper *p, struct set_words *s, PangoLayout *layout, size_t base, size_t len) {
	const struct look *look = &paper_looks[s->words->letter];
	PangoLayoutIter *iter = pango_layout_get_iter(layout);
	bool whole = base + len == s->words->text.len;
	size_t next = base + len;
	do {
		PangoRectangle r;
		PangoLayoutLine *line = pango_layout_iter_get_line_readonly(iter);
		if (!whole && pango_layout_iter_at_last_line(iter) && line->start_index > 0) {
			next = base + (size_t)line->start_index;
			break;
		}
		pango_layout_iter_get_line_extents(iter, NULL, &r);
		double natural = paper_units(r.height), ascent = paper_units(pango_layout_iter_get_baseline(iter) - r.y);
		double height = natural > look->leading ? natural : look->leading;
		add_line(p, s, (struct line){line, base, paper_units(r.x), height, (height - natural) / 2 + ascent});
	} while (pango_layout_iter_next_line(iter));
	pango_layout_iter_free(iter);
	return next;
}

static void set_words(struct paper *p, struct set_words *s, const struct words *w, double x, double width) {
	static const PangoAlignment aligns[] = {PANGO_ALIGN_LEFT, PANGO_ALIGN_CENTER, PANGO_ALIGN_RIGHT};
	*s = (struct set_words){.words = w, .x = x, .width = width};
	size_t base = 0;
	do {
		size_t len = stretch_from(w->text, base, STRETCH);
		PangoLayout *layout = layout_of(p, w, base, len);
		pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
		pango_layout_set_alignment(layout, aligns[w->align + 1]);
		base = add_lines(p, s, layout, base, len);
	} while (base < w->text.len);
}

/* strips */

static struct piece *add_strip(struct paper *p, struct strip strip, const struct block *block, struct set_block *set) {
	if (p->count == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 256;
		struct strip *strips = ARENA_ARRAY(p->arena, cap, struct strip);
		struct piece *pieces = ARENA_ARRAY(p->arena, cap, struct piece);
		if (p->count > 0) {
			memcpy(strips, p->strips, p->count * sizeof *strips);
			memcpy(pieces, p->pieces, p->count * sizeof *pieces);
		}
		p->strips = strips, p->pieces = pieces, p->cap = cap;
	}
	struct piece *piece = &p->pieces[p->count];
	*piece = (struct piece){.block = block, .set = set, .from = ARENA_ARRAY(p->arena, block->word_count + 1, size_t),
	                        .to = ARENA_ARRAY(p->arena, block->word_count + 1, size_t)};
	p->strips[p->count++] = strip;
	return piece;
}

static double left_of(const struct block *b) {
	return LEFT + b->indent * INDENT + b->quotes * QUOTE;
}

static struct set_block *new_set(struct paper *p, const struct block *b) {
	struct set_block *set = ARENA_NEW(p->arena, struct set_block);
	/* Very deep: never narrower than a third of the paper. */
	set->left = left_of(b) < PAGE_WIDTH * 2 / 3 ? left_of(b) : PAGE_WIDTH * 2 / 3;
	set->width = RIGHT - set->left;
	set->words = ARENA_ARRAY(p->arena, b->word_count + 1, struct set_words);
	return set;
}

/* The caption under the heading, and a table, are set off from the text. */
static double gap_above(const struct paper *p, const struct block *b) {
	double gap = b->close ? 3 : paper_looks[b->words->letter].gap;
	bool off = p->before && (p->before->kind == BLOCK_ROW || (p->before->kind == BLOCK_TEXT && p->before->words->letter == LETTER_CAPTION)) && b->words->letter == LETTER_BODY;
	return off ? gap + 7 : gap;
}

static void set_text(struct paper *p, const struct block *b) {
	struct set_block *set = new_set(p, b);
	set_words(p, &set->words[0], b->words, set->left, set->width);
	for (size_t i = 0, n = set->words[0].count; i < n; i++) {
		bool last = i + 1 == n, keep = paging_keep(i, n) || (b->leads && (last || n <= 6));
		struct piece *piece = add_strip(p, (struct strip){.gap = i > 0 ? 0 : gap_above(p, b), .height = set->words[0].lines[i].height, .keep = keep}, b, set);
		piece->from[0] = i, piece->to[0] = i + 1;
		piece->first = i == 0;
	}
}

static void set_rule(struct paper *p, const struct block *b) {
	add_strip(p, (struct strip){.gap = 14, .height = 8}, b, new_set(p, b));
}

/* tables */

static void measure_cell(struct paper *p, const struct words *w, double *least, double *natural) {
	PangoLayout *layout = layout_of(p, w, 0, stretch_from(w->text, 0, MEASURED));
	int width;
	pango_layout_get_size(layout, &width, NULL);
	/* Half a point more: a width that was measured must hold when it is set. */
	double line = paper_units(width) + 2 * CELL_SIDE + 0.5;
	*natural = line > *natural ? line : *natural;
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD);
	pango_layout_set_width(layout, 0);
	pango_layout_get_size(layout, &width, NULL);
	double word = paper_units(width) + 2 * CELL_SIDE + 0.5;
	*least = word > *least ? word : *least;
	g_object_unref(layout);
}

static double *measure_table(struct paper *p, const struct block *first, double width) {
	size_t n = first->grid->columns;
	double *least = ARENA_ARRAY(p->arena, n, double), *natural = ARENA_ARRAY(p->arena, n, double), *out = ARENA_ARRAY(p->arena, n, double);
	for (size_t i = 0; i < n; i++)
		least[i] = natural[i] = LEAST_COLUMN;
	for (const struct block *row = first; row && row->grid == first->grid; row = row->next)
		for (size_t i = 0; i < row->word_count && i < n; i++)
			measure_cell(p, &row->words[i], &least[i], &natural[i]);
	/* A very long word is broken rather than to starve the other columns. */
	for (size_t i = 0; i < n; i++)
		least[i] = least[i] > width / 2 ? width / 2 : least[i];
	if (first->grid->pairs && n == 2) { /* a long answer does not squeeze what it answers */
		double fair = natural[0] < width * 0.3 ? natural[0] : width * 0.3;
		least[0] = least[0] < fair ? fair : least[0];
		natural[0] = natural[0] < width * 0.38 ? width * 0.38 : natural[0];
	}
	paging_columns(least, natural, n, width, out);
	if (first->grid->pairs && n == 2)
		out[1] = width - out[0];
	return out;
}

static double cell_height(const struct set_words *w) {
	double height = 0;
	for (size_t i = 0; i < w->count; i++)
		height += w->lines[i].height;
	return height;
}

/* A row that is a third of a page and more would leave much paper empty. */
static bool is_tall(const struct block *b, const struct set_block *set) {
	for (size_t i = 0; i < b->word_count; i++)
		if (cell_height(&set->words[i]) > (BOTTOM - TOP) / 3)
			return true;
	return false;
}

static bool is_done(const struct block *b, const struct set_block *set, const size_t *next) {
	for (size_t i = 0; i < b->word_count; i++)
		if (next[i] < set->words[i].count)
			return false;
	return true;
}

/* The row, or of a tall one four lines; the first and the last of them stay with their neighbours. */
static void add_band(struct paper *p, const struct block *b, struct set_block *set, size_t *next, bool first) {
	double tallest = 0, room = set->tall ? 4 * paper_looks[LETTER_CELL].leading + 0.1 : BOTTOM;
	size_t from[BLOCKS_COLUMNS];
	memcpy(from, next, sizeof from);
	for (size_t i = 0; i < b->word_count; i++) {
		const struct set_words *w = &set->words[i];
		double height = 0;
		while (next[i] < w->count && (next[i] == from[i] || height + w->lines[next[i]].height <= room))
			height += w->lines[next[i]++].height;
		tallest = height > tallest ? height : tallest;
	}
	bool last = is_done(b, set, next);
	if (last && !first)
		p->strips[p->count - 1].keep = true;
	double white = (first ? CELL_EDGE : 0) + (last ? CELL_EDGE : 0);
	struct piece *piece = add_strip(p, (struct strip){.gap = b->first && first ? 10 : 0, .height = tallest + white, .head = set->head_height, .keep = b->head}, b, set);
	memcpy(piece->from, from, b->word_count * sizeof *from);
	memcpy(piece->to, next, b->word_count * sizeof *next);
	piece->first = first;
}

static void set_row(struct paper *p, const struct block *b) {
	struct set_block *set = new_set(p, b);
	size_t next[BLOCKS_COLUMNS] = {0};
	double x = set->left;
	if (b->grid != p->grid) {
		p->grid = b->grid;
		p->columns = measure_table(p, b, set->width);
		p->head = NULL;
		p->head_height = 0;
	}
	for (size_t i = 0; i < b->word_count; x += p->columns[i++])
		set_words(p, &set->words[i], &b->words[i], x + CELL_SIDE, p->columns[i] - 2 * CELL_SIDE);
	set->width = x - set->left;
	set->head = p->head;
	set->head_height = p->head_height;
	set->tall = is_tall(b, set);
	add_band(p, b, set, next, true);
	while (!is_done(b, set, next))
		add_band(p, b, set, next, false);
	if (b->head && !set->tall && p->strips[p->count - 1].height < (BOTTOM - TOP) / 3) {
		struct piece *head = ARENA_NEW(p->arena, struct piece);
		*head = p->pieces[p->count - 1];
		p->head = head;
		p->head_height = p->strips[p->count - 1].height;
	}
}

/* all of it */

void paper_open_fonts(struct paper *p) {
	cairo_font_options_t *options = cairo_font_options_create();
	p->context = pango_cairo_create_context(p->cr);
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
	pango_cairo_context_set_font_options(p->context, options);
	pango_context_set_round_glyph_positions(p->context, FALSE);
	pango_context_set_language(p->context, pango_language_from_string(arena_z(p->arena, p->layout->language)));
	cairo_font_options_destroy(options);
	for (size_t i = 0; i < LETTER_COUNT; i++) {
		p->fonts[i] = pango_font_description_new();
		pango_font_description_set_family_static(p->fonts[i], paper_looks[i].family);
		pango_font_description_set_weight(p->fonts[i], paper_looks[i].bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
		pango_font_description_set_absolute_size(p->fonts[i], paper_looks[i].size * PANGO_SCALE);
	}
}

void paper_set(struct paper *p, const struct block *blocks) {
	for (const struct block *b = blocks; b; p->before = b, b = b->next) {
		switch (b->kind) {
		case BLOCK_TEXT: set_text(p, b); break;
		case BLOCK_RULE: set_rule(p, b); break;
		case BLOCK_ROW: set_row(p, b); break;
		}
	}
}
