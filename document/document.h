/* document: Markdown to a PDF to be filed: A4, tagged, its language said, fonts embedded; equal input gives equal bytes. It is drawn by a child
 * process of our own program under limits of memory, processor time and size: what people typed and a site's logo meet big libraries there, and a
 * crash or a hang is an error here. Any thread. */
#ifndef DOCUMENT_DOCUMENT_H
#define DOCUMENT_DOCUMENT_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct document_layout {
	struct str language;  /* "da": of the text */
	struct str title;     /* the heading, and the title in the file's description: needed */
	struct str site;      /* in the first page's head */
	struct str reference; /* under the heading and in each page's foot; empty: none */
	struct str date;      /* under the heading, as people read it; empty: none */
	struct str pages;     /* "Side {{0}} af {{1}}" */
	struct str colour;    /* "#0b5e56": of the mark, links and bullets */
	struct str logo;      /* bytes of a PNG; empty: a mark in that colour */
	int64_t instant;      /* when it was made, ms UTC: in the file's description */
};

enum { DOCUMENT_TEXT = 1 << 20, DOCUMENT_BYTES = 16 << 20 }; /* of Markdown, of PDF */

/* Bytes in arena. INPUT: the text is too long, or asks for more than the paper has; TRANSIENT: no child could be started; PERMANENT: it died or hung. */
bool document_pdf(struct arena *a, struct str markdown, const struct document_layout *layout, struct str *pdf, struct err *err);

/* The child's whole life, for main(): DOCUMENT_CHILD as the program's first argument leads here. Exit status. */
#define DOCUMENT_CHILD "draw-document"
int document_child(void);

#endif
