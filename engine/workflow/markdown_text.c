#include "engine/workflow/markdown_walk.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { WIDTH = 72, DEEPEST = 12, PREFIX = 8 };

/* A list's item or a quotation: what its lines begin with. */
struct level {
	char first[PREFIX], rest[PREFIX];
};

struct list {
	bool numbered, tight;
	int64_t next;
	size_t items;
};

struct text {
	struct buf *out;
	struct buf block;    /* text of the block under way: blanks may be wrapped, line ends stay */
	struct level levels[DEEPEST];
	struct list lists[DEEPEST];
	size_t depth, list_depth; /* deeper ones are counted, but not shown */
	size_t link_at;      /* where the text of the link under way begins */
	bool gap;            /* an empty line comes before the next block */
	bool after_url;      /* a line end comes before the next word */
	bool table;
	size_t cells;        /* of the row under way */
};

/* lines */

static size_t write_prefix(struct text *t) {
	size_t columns = 0;
	size_t depth = t->depth < DEEPEST ? t->depth : DEEPEST;
	for (size_t i = 0; i < depth; i++) {
		buf_z(t->out, t->levels[i].first);
		columns += strlen(t->levels[i].first);
		memcpy(t->levels[i].first, t->levels[i].rest, PREFIX);
	}
	return columns;
}

static void write_wrapped(struct text *t, struct str line) {
	size_t start = write_prefix(t), column = start;
	while (line.len > 0) {
		struct str word = str_cut(&line, ' ');
		size_t width = str_utf8_count(word);
		if (word.len == 0)
			continue;
		if (column > start && column + 1 + width > WIDTH) {
			buf_char(t->out, '\n');
			column = start = write_prefix(t);
		}
		if (column > start)
			buf_char(t->out, ' '), column++;
		buf_str(t->out, word);
		column += width;
	}
	buf_char(t->out, '\n');
}

static void end_block(struct text *t) {
	struct str block = str_trim(buf_text(&t->block));
	if (block.len > 0 && t->gap)
		buf_char(t->out, '\n');
	t->gap = t->gap || block.len > 0;
	while (block.len > 0)
		write_wrapped(t, str_cut(&block, '\n'));
	buf_clear(&t->block);
	t->after_url = false;
}

/* lists and quotations */

static void open_level(struct text *t, const char *first, const char *rest) {
	if (t->depth < DEEPEST) {
		snprintf(t->levels[t->depth].first, PREFIX, "%s", first);
		snprintf(t->levels[t->depth].rest, PREFIX, "%s", rest);
	}
	t->depth++;
}

static struct list *innermost(struct text *t) {
	return t->list_depth > 0 && t->list_depth <= DEEPEST ? &t->lists[t->list_depth - 1] : NULL;
}

static void open_list(struct text *t, const struct markdown_element *e) {
	const struct list *around = innermost(t);
	if (around && around->tight)
		t->gap = false;
	if (t->list_depth < DEEPEST)
		t->lists[t->list_depth] = (struct list){e->kind == MARKDOWN_NUMBERED, e->tight, e->number, 0};
	t->list_depth++;
}

static void open_item(struct text *t) {
	struct list *list = innermost(t);
	char mark[PREFIX] = "- ", rest[PREFIX] = "  ";
	if (list && list->tight && list->items > 0)
		t->gap = false;
	if (list && list->numbered) {
		snprintf(mark, sizeof mark, "%d. ", (int)(list->next++ % 10000));
		snprintf(rest, sizeof rest, "%*s", (int)strlen(mark), "");
	}
	if (list)
		list->items++;
	open_level(t, mark, rest);
}

/* links */

static bool is_web(struct str href) {
	return strncasecmp(href.at, "http", 4) == 0;
}

/* "name@example.org" of a mailto, a number of a tel; a path says nothing outside of its site. */
static struct str shown_href(struct str href) {
	if (is_web(href))
		return href;
	if (href.at[0] == '/')
		return STR("");
	str_cut(&href, ':');
	return href;
}

static void close_link(struct text *t, struct str href) {
	struct str shown = shown_href(href), text = str_trim((struct str){t->block.at + t->link_at, t->block.len - t->link_at});
	if (shown.len > 0 && !str_equal(text, shown) && !t->block.overflow) {
		bool own_line = is_web(href) && !t->table;
		if (own_line && text.len > 0)
			buf_z(&t->block, str_ends(text, STR(":")) ? "\n" : ":\n");
		else if (!own_line)
			buf_z(&t->block, " (");
		buf_str(&t->block, shown);
		buf_z(&t->block, own_line ? "" : ")");
	}
	t->after_url = shown.len > 0 && is_web(href) && !t->table;
}

/* the walk */

static void open_element(void *context, const struct markdown_element *e) {
	struct text *t = context;
	bool is_inline = e->kind == MARKDOWN_STRONG || e->kind == MARKDOWN_EMPHASIS || e->kind == MARKDOWN_LINK;
	if (!is_inline && !t->table)
		end_block(t);
	switch (e->kind) {
	case MARKDOWN_LIST:
	case MARKDOWN_NUMBERED: open_list(t, e); break;
	case MARKDOWN_ITEM: open_item(t); break;
	case MARKDOWN_QUOTE: open_level(t, "> ", "> "); break;
	case MARKDOWN_RULE: buf_z(&t->block, "----------"); break;
	case MARKDOWN_TABLE: t->table = true; break;
	case MARKDOWN_ROW: t->cells = 0; break;
	case MARKDOWN_HEAD_CELL:
	case MARKDOWN_CELL: buf_z(&t->block, t->cells++ > 0 ? " | " : ""); break;
	case MARKDOWN_LINK: t->link_at = t->block.len; break;
	default: break;
	}
}

static void close_element(void *context, const struct markdown_element *e) {
	struct text *t = context;
	switch (e->kind) {
	case MARKDOWN_ITEM:
	case MARKDOWN_QUOTE:
		end_block(t);
		t->depth--;
		break;
	case MARKDOWN_LIST:
	case MARKDOWN_NUMBERED:
		t->list_depth--;
		t->gap = true;
		break;
	case MARKDOWN_ROW: buf_char(&t->block, '\n'); break;
	case MARKDOWN_TABLE: t->table = false; /* fall through */
	case MARKDOWN_PARAGRAPH:
	case MARKDOWN_HEADING:
	case MARKDOWN_RULE: end_block(t); break;
	case MARKDOWN_LINK: close_link(t, e->href); break;
	default: break;
	}
}

/* A point behind a URL would be taken for a part of it. */
static struct str behind_url(struct text *t, struct str text) {
	while (text.len > 0 && strchr(".,;:!?", text.at[0]))
		text.at++, text.len--;
	struct str trimmed = str_trim(text);
	if (trimmed.len == 0)
		return trimmed;
	buf_char(&t->block, '\n');
	t->after_url = false;
	return (struct str){trimmed.at, text.len - (size_t)(trimmed.at - text.at)};
}

static void add_text(void *context, struct str text) {
	struct text *t = context;
	if (t->after_url)
		text = behind_url(t, text);
	for (size_t i = 0; i < text.len; i++)
		buf_char(&t->block, (char)(text.at[i] == '\t' || text.at[i] == '\n' || text.at[i] == '\r' ? ' ' : text.at[i]));
}

static void end_line(void *context, bool hard) {
	struct text *t = context;
	if (!t->after_url)
		buf_char(&t->block, hard && !t->table ? '\n' : ' ');
}

static bool is_full(void *context) {
	struct text *t = context;
	return t->out->overflow || t->block.overflow;
}

void markdown_text(struct str markdown, struct buf *out) {
	struct text t = {.out = out};
	buf_init(&t.block, out->limit);
	markdown_walk(markdown, &(struct markdown_visitor){&t, open_element, close_element, add_text, end_line, is_full});
	out->overflow = out->overflow || t.block.overflow;
	buf_free(&t.block);
}
