/* blocks: a Markdown text as what stands on paper, one thing below the other, each with its place in the document's structure. Pure: nothing is
 * measured here. Memory in arena. */
#ifndef DOCUMENT_BLOCKS_H
#define DOCUMENT_BLOCKS_H

#include "document/document.h"

/* An element of the PDF's structure (ISO 32000-1, 14.8.4): "P", "TD", ... */
struct element {
	const char *tag;
	const struct element *parent; /* NULL: the document itself */
};

enum letter { LETTER_BODY, LETTER_CAPTION, LETTER_TITLE, LETTER_H2, LETTER_H3, LETTER_H4, LETTER_CELL, LETTER_HEAD_CELL, LETTER_COUNT };

/* Text with the styles of its parts; line ends are breaks. */
struct words {
	struct str text;
	struct part {
		size_t from, to; /* bytes */
		enum { PART_STRONG, PART_EMPHASIS, PART_LINK } kind;
		struct str href;
	} *parts; /* in order of their ends */
	size_t part_count;
	bool linked;
	enum letter letter;
	int align; /* -1 left, 0 middle, 1 right */
	const struct element *element;
};

struct grid {
	size_t columns;
	bool pairs; /* no header row: the first column says what the second one is */
};

struct block {
	enum { BLOCK_TEXT, BLOCK_RULE, BLOCK_ROW } kind;
	unsigned indent, quotes;      /* steps */
	bool close;                   /* little white above: an item of a tight list */
	bool leads;                   /* stays with the next block: a heading, "as follows:" */
	struct str mark;              /* of an item: a number; "-" is a bullet; empty: none */
	const struct element *mark_element;
	const struct element *around; /* of a rule: what it stands in */
	struct words *words;          /* 1, of a row its cells */
	size_t word_count;
	const struct grid *grid;      /* of a row */
	bool head, first;             /* of a row: header row; first of its table */
	struct block *next;
};

enum { BLOCKS_COLUMNS = 24 };

/* Heading, caption and text. NULL: there is no title, the text is too long, or a table has more than BLOCKS_COLUMNS columns. */
struct block *blocks_make(struct arena *a, struct str markdown, const struct document_layout *layout, struct err *err);

#endif
