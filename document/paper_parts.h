/* paper_parts: what the files of the paper share: measures, a text that is set, and the pen. Internal to paper*.c. */
#ifndef DOCUMENT_PAPER_PARTS_H
#define DOCUMENT_PAPER_PARTS_H

#include "document/paging.h"
#include "document/paper.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

/* Points. */
static const double PAGE_WIDTH = 595.28, PAGE_HEIGHT = 841.89, LEFT = 68, RIGHT = 527.28, TOP = 62, BOTTOM = 770, FOOT = 794, HEAD = 48;
static const double LOGO_WIDTH = 150, LOGO_HEIGHT = 36, INDENT = 18, QUOTE = 14, CELL_SIDE = 6, CELL_EDGE = 4.5, LEAST_COLUMN = 16;

/* The tokens of otp-portal/assets/style.css, on white. */
static const char INK[] = "#1c2426", SOFT[] = "#535a5c", EDGE[] = "#79736a", LINE[] = "#dcd5c7", TINT[] = "#f4f0e7", OWN[] = "#0b5e56";

struct look {
	const char *family;
	double size, leading, gap; /* gap: above it */
	bool bold;
	const char *colour;
};
extern const struct look paper_looks[LETTER_COUNT];

struct line {
	PangoLayoutLine *line;
	size_t base; /* where in the words' text its layout begins */
	double x, height, baseline; /* baseline: below the line's top */
};

struct set_words { /* words with a width */
	const struct words *words;
	struct line *lines;
	size_t count, cap;
	double x, width;
};

/* What one strip shows: of each of its block's words the lines from..to. */
struct piece {
	const struct block *block;
	struct set_block *set;
	size_t *from, *to;
	bool first;
};

struct set_block {
	struct set_words *words;
	double *columns;
	double left, width;
	const struct piece *head; /* of a row: its table's header row */
	double head_height;
	bool tall;    /* a row that may be divided between its lines */
	bool divided; /* by the end of a page */
};

struct paper {
	struct arena *arena;
	const struct document_layout *layout;
	cairo_t *cr;
	PangoContext *context;
	PangoFontDescription *fonts[LETTER_COUNT];
	struct strip *strips;
	struct piece *pieces;
	size_t count, cap;
	const struct block *before; /* the one that is being set */
	/* the table under way */
	const struct grid *grid;
	double *columns;
	const struct piece *head;
	double head_height;
	/* what is open in the structure */
	const struct element *open;
	bool untagged;
};

static inline double paper_units(int value) {
	return (double)value / PANGO_SCALE;
}

/* paper_set.c: blocks become strips, their pages not known yet. */
void paper_open_fonts(struct paper *p);
PangoLayout *paper_layout(struct paper *p, enum letter letter); /* caller unrefs */
/* Of the stretch of the words' text that the layout holds. */
void paper_attributes(PangoLayout *layout, const struct words *w, size_t base, size_t len);
void paper_set(struct paper *p, const struct block *blocks);

/* paper_draw.c: a strip with its place in the structure. */
void paper_pick(struct paper *p, const char *hex);
const char *paper_colour(const struct paper *p); /* the site's */
void paper_bar(struct paper *p, double x, double y, double width, double height, const char *colour);
/* Closes what e is not in, opens what it is in. */
void paper_go(struct paper *p, const struct element *e);
/* What a block stands in, without the block itself: what is drawn there is read by nobody. */
const struct element *paper_around(const struct block *b);
/* Draws strip i, and what else of the same row stands on its page: how many. */
size_t paper_strip(struct paper *p, size_t i);

/* paper_frame.c: head and foot, outside of the structure, so that nobody is read them on each page. */
bool paper_has_head(const struct paper *p);
void paper_head(struct paper *p);
void paper_foot(struct paper *p, size_t page, size_t pages);
struct str paper_clean(struct paper *p, struct str text); /* in arena */

#endif
