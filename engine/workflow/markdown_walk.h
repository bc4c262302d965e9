/* markdown_walk: a Markdown text as a walk over the few elements that our pages and mails have. Raw HTML stays text, an image is its text, a link
 * that may not be followed is its text, code is text like any other. For markdown_*.c and document/blocks.c. */
#ifndef ENGINE_WORKFLOW_MARKDOWN_WALK_H
#define ENGINE_WORKFLOW_MARKDOWN_WALK_H

#include "engine/workflow/markdown.h"

enum markdown_kind {
	MARKDOWN_PARAGRAPH, MARKDOWN_HEADING, MARKDOWN_LIST, MARKDOWN_NUMBERED, MARKDOWN_ITEM, MARKDOWN_QUOTE, MARKDOWN_RULE,
	MARKDOWN_TABLE, MARKDOWN_ROW, MARKDOWN_HEAD_CELL, MARKDOWN_CELL,
	MARKDOWN_STRONG, MARKDOWN_EMPHASIS, MARKDOWN_LINK,
	MARKDOWN_NOTHING
};

struct markdown_element {
	enum markdown_kind kind;
	int64_t number;  /* HEADING: 2 to 4; NUMBERED: of its first item */
	bool tight;      /* LIST, NUMBERED: no paragraphs in its items */
	int align;       /* HEAD_CELL, CELL: -1 left (or nothing said), 0 middle, 1 right */
	struct str href; /* LINK: checked; borrowed during the call */
};

/* context is the first argument of each. Text is UTF-8, without entities; a break that is not hard is a blank. */
struct markdown_visitor {
	void *context;
	void (*open)(void *context, const struct markdown_element *element);
	void (*close)(void *context, const struct markdown_element *element);
	void (*text)(void *context, struct str text);
	void (*line_end)(void *context, bool hard);
	bool (*full)(void *context); /* true ends the walk */
};
void markdown_walk(struct str markdown, const struct markdown_visitor *visitor);

#endif
