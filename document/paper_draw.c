#include "document/paper_parts.h"

#include "engine/base/escape.h"

#include <stdlib.h>

/* pen */

void paper_pick(struct paper *p, const char *hex) {
	unsigned long rgb = strtoul(hex + 1, NULL, 16);
	cairo_set_source_rgb(p->cr, (double)(rgb >> 16 & 255) / 255, (double)(rgb >> 8 & 255) / 255, (double)(rgb & 255) / 255);
}

const char *paper_colour(const struct paper *p) {
	return p->layout->colour.len == 7 ? p->layout->colour.at : OWN;
}

void paper_bar(struct paper *p, double x, double y, double width, double height, const char *colour) {
	paper_pick(p, colour);
	cairo_rectangle(p->cr, x, y, width, height);
	cairo_fill(p->cr);
}

/* structure */

static size_t depth_of(const struct element *e) {
	size_t depth = 0;
	for (; e; e = e->parent)
		depth++;
	return depth;
}

static void open_below(struct paper *p, const struct element *e, const struct element *top) {
	if (e == top)
		return;
	open_below(p, e->parent, top);
	cairo_tag_begin(p->cr, e->tag, "");
}

void paper_go(struct paper *p, const struct element *e) {
	const struct element *shared = e;
	if (p->untagged)
		return;
	while (depth_of(shared) > depth_of(p->open))
		shared = shared->parent;
	while (p->open != shared) {
		cairo_tag_end(p->cr, p->open->tag);
		p->open = p->open->parent;
		if (depth_of(shared) > depth_of(p->open))
			shared = shared->parent;
	}
	open_below(p, e, shared);
	p->open = e;
}

static const struct element *new_element(struct paper *p, const char *tag, const struct element *parent) {
	struct element *e = ARENA_NEW(p->arena, struct element);
	*e = (struct element){tag, parent};
	return e;
}

/* A link carries an attribute, so it is opened by hand. */
static const struct element *open_link(struct paper *p, const struct element *parent, struct str href) {
	struct buf attribute;
	const struct element *e = new_element(p, CAIRO_TAG_LINK, parent);
	if (p->untagged)
		return e;
	paper_go(p, parent);
	buf_init(&attribute, 3 * DOCUMENT_TEXT);
	buf_z(&attribute, "uri='");
	escape_uri(&attribute, href);
	buf_z(&attribute, "'");
	cairo_tag_begin(p->cr, e->tag, attribute.at);
	buf_free(&attribute);
	return p->open = e;
}

/* drawing */

static const struct part *link_at(const struct words *w, size_t at) {
	for (size_t i = 0; w->linked && i < w->part_count; i++)
		if (w->parts[i].kind == PART_LINK && w->parts[i].from <= at && at < w->parts[i].to)
			return &w->parts[i];
	return NULL;
}

static void draw_run(struct paper *p, const struct set_words *s, size_t base, PangoGlyphItem *run, double x, double y, bool link) {
	double width = paper_units(pango_glyph_string_get_width(run->glyphs));
	paper_pick(p, link ? paper_colour(p) : paper_looks[s->words->letter].colour);
	cairo_move_to(p->cr, x, y);
	pango_cairo_show_glyph_item(p->cr, s->words->text.at + base, run);
	if (link)
		paper_bar(p, x, y + 1.6, width, 0.5, paper_colour(p));
}

/* whole: nothing else stands in the words' element, so it needs no part of its own. */
static void draw_line(struct paper *p, const struct set_words *s, const struct line *line, double y, bool whole) {
	const struct element *own = s->words->element, *part = NULL;
	const struct part *link = NULL;
	double x = s->x + line->x;
	for (GSList *at = line->line->runs; at; at = at->next) {
		PangoGlyphItem *run = at->data;
		const struct part *now = link_at(s->words, line->base + (size_t)run->item->offset);
		if (whole)
			paper_go(p, own);
		else if (now && (!part || now != link))
			part = open_link(p, own, now->href);
		else if (!now && (!part || link))
			paper_go(p, part = new_element(p, "Span", own));
		link = now;
		draw_run(p, s, line->base, run, x, y, now != NULL);
		x += paper_units(pango_glyph_string_get_width(run->glyphs));
	}
}

static double draw_lines(struct paper *p, const struct piece *piece, size_t i, double y) {
	const struct set_words *s = &piece->set->words[i];
	bool row = piece->block->kind == BLOCK_ROW;
	bool whole = !s->words->linked && (row ? piece->from[i] == 0 && piece->to[i] == s->count : !piece->set->divided);
	paper_go(p, s->words->element);
	for (size_t k = piece->from[i]; k < piece->to[i]; k++) {
		draw_line(p, s, &s->lines[k], y + s->lines[k].baseline, whole);
		y += s->lines[k].height;
	}
	return y;
}

static void draw_mark(struct paper *p, const struct piece *piece, double y) {
	const struct block *b = piece->block;
	const struct line *line = &piece->set->words[0].lines[0];
	double right = piece->set->left - 6;
	if (b->mark.len == 0 || !piece->first)
		return;
	paper_go(p, b->mark_element);
	PangoLayout *layout = paper_layout(p, LETTER_BODY);
	pango_layout_set_text(layout, str_is(b->mark, "-") ? "•" : b->mark.at, -1);
	int width;
	pango_layout_get_size(layout, &width, NULL);
	paper_pick(p, paper_colour(p));
	cairo_move_to(p->cr, right - paper_units(width), y + line->baseline);
	pango_cairo_show_layout_line(p->cr, pango_layout_get_line_readonly(layout, 0));
	g_object_unref(layout);
}

static void draw_quotes(struct paper *p, const struct block *b, double y, double height) {
	for (unsigned i = 0; i < b->quotes && i < 8; i++)
		paper_bar(p, LEFT + b->indent * INDENT + i * QUOTE, y, 2.5, height, LINE);
}

static void draw_row(struct paper *p, const struct piece *piece, double y, double height) {
	const struct set_block *set = piece->set;
	if (piece->block->head)
		paper_bar(p, set->left, y, set->width, height, TINT);
	for (size_t i = 0; i < piece->block->word_count; i++)
		draw_lines(p, piece, i, piece->first ? y + CELL_EDGE : y);
	paper_go(p, piece->block->words[0].element->parent);
	paper_bar(p, set->left, y + height - 0.6, set->width, 0.6, piece->block->head ? EDGE : LINE);
}

const struct element *paper_around(const struct block *b) {
	if (b->kind == BLOCK_RULE)
		return b->around;
	if (b->mark.len > 0)
		return b->mark_element->parent;
	return b->kind == BLOCK_ROW ? b->words->element->parent->parent : b->words->element->parent;
}

static void draw_head_again(struct paper *p, const struct piece *piece, double y) {
	p->untagged = true;
	draw_row(p, piece->set->head, y, piece->set->head_height);
	p->untagged = false;
}

/* Of a divided row: all that stands on this page as one piece, so that each cell is read whole. How many strips it is. */
static size_t join_bands(struct paper *p, size_t i, struct piece *piece, double *height) {
	size_t count = 1;
	for (; i + count < p->count && p->pieces[i + count].set == piece->set && p->strips[i + count].page == p->strips[i].page; count++) {
		piece->to = p->pieces[i + count].to;
		*height += p->strips[i + count].height;
	}
	return count;
}

size_t paper_strip(struct paper *p, size_t i) {
	struct piece piece = p->pieces[i];
	const struct strip *strip = &p->strips[i];
	bool top = i == 0 || p->strips[i - 1].page != strip->page;
	double gap = !top && p->pieces[i - 1].block->quotes > 0 ? strip->gap : 0, height = strip->height;
	size_t count = piece.block->kind == BLOCK_ROW ? join_bands(p, i, &piece, &height) : 1;
	if (i == 0 || p->pieces[i - 1].set != piece.set)
		paper_go(p, paper_around(piece.block));
	if (top && strip->head > 0)
		draw_head_again(p, &piece, strip->y - strip->head);
	draw_quotes(p, piece.block, strip->y - gap, height + gap);
	switch (piece.block->kind) {
	case BLOCK_RULE: paper_bar(p, piece.set->left, strip->y, piece.set->width, 0.8, LINE); break;
	case BLOCK_ROW: draw_row(p, &piece, strip->y, height); break;
	case BLOCK_TEXT:
		draw_mark(p, &piece, strip->y);
		draw_lines(p, &piece, 0, strip->y);
	}
	return count;
}
