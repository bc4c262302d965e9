/* paper: blocks drawn on pages as a tagged PDF. For the child process only: cairo, pango and fontconfig are behind it. */
#ifndef DOCUMENT_PAPER_H
#define DOCUMENT_PAPER_H

#include "document/blocks.h"

/* Appends the PDF as cairo writes it. INPUT: more pages than PAPER_PAGES. */
enum { PAPER_PAGES = 2000 };
bool paper_draw(struct arena *a, const struct block *blocks, const struct document_layout *layout, struct buf *pdf, struct err *err);

#endif
