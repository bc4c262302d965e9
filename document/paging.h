/* paging: which line stands on which page, and how wide a table's columns are. Pure numbers, in points. */
#ifndef DOCUMENT_PAGING_H
#define DOCUMENT_PAGING_H

#include <stdbool.h>
#include <stddef.h>

/* A line, a row or a rule: never divided. */
struct strip {
	double gap;    /* white above it, but not at a page's top */
	double height;
	double head;   /* of the header row that is repeated above it at a page's top; 0: none */
	bool keep;     /* on the same page as the next one, where both fit */
	size_t page;   /* placed: from 0 */
	double y;      /* placed: top edge, below the head */
};

struct page_frame {
	double first_top, top, bottom; /* where text begins on the first page and on the others, and ends */
};

/* Places all; number of pages, at least 1. A chain of keep that no page can hold is broken where a page is full. */
size_t paging_place(struct strip *strips, size_t count, const struct page_frame *frame);

/* Is line i of n kept with the next? No line of a paragraph stands alone at a page's foot or top. */
bool paging_keep(size_t i, size_t n);

/* least: a column's longest word; natural: its longest line. Widths that fill at most `width`: as wide as they like if there is room, else each
 * its longest word and a share of the rest, else shares of the width. */
void paging_columns(const double *least, const double *natural, size_t count, double width, double *out);

#endif
