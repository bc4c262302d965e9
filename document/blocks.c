#include "document/blocks.h"

#include "engine/base/escape.h"
#include "engine/workflow/markdown_walk.h"

#include <string.h>

enum { DEEPEST = 12, PARTS = 64, MARK = 16 };

struct list {
	bool numbered, tight;
	int64_t next;
	size_t items;
};

struct maker {
	struct arena *arena;
	struct block *first, **last;
	size_t columns_found;
	/* where in the document's structure, and how deep */
	const struct element *around;
	struct list lists[DEEPEST];
	size_t list_depth, quotes;
	/* an item that has no text yet */
	struct str mark;
	const struct element *mark_element;
	/* the text under way */
	struct buf text;
	enum letter letter;
	struct part *parts;
	size_t part_count, part_cap;
	struct str href;
	bool close;
	/* the table under way; its row; its cell */
	struct grid *grid;
	struct block *row;
	bool in_cell;
	int align;
};

static const struct element *element(struct maker *m, const char *tag, const struct element *parent) {
	struct element *e = ARENA_NEW(m->arena, struct element);
	*e = (struct element){tag, parent};
	return e;
}

static void enter(struct maker *m, const char *tag) {
	m->around = element(m, tag, m->around);
}

static void leave(struct maker *m) {
	m->around = m->around->parent;
}

static struct block *add_block(struct maker *m, struct block b) {
	struct block *block = ARENA_NEW(m->arena, struct block);
	*block = b;
	*m->last = block;
	m->last = &block->next;
	return block;
}

/* text */

static const char *const tags[] = {
        [LETTER_BODY] = "P", [LETTER_CAPTION] = "P", [LETTER_TITLE] = "H1", [LETTER_H2] = "H2", [LETTER_H3] = "H3",
        [LETTER_H4] = "H4", [LETTER_CELL] = "TD", [LETTER_HEAD_CELL] = "TH",
};

/* Without the white at its ends; parts are moved with it. */
static struct words take_words(struct maker *m) {
	struct str text = str_trim(buf_text(&m->text));
	size_t cut = text.len > 0 ? (size_t)(text.at - m->text.at) : 0;
	struct words w = {.text = arena_str(m->arena, text), .letter = m->letter, .align = -1};
	w.parts = ARENA_ARRAY(m->arena, m->part_count + 1, struct part);
	for (size_t i = 0; i < m->part_count; i++) {
		struct part part = m->parts[i];
		part.from = part.from > cut ? part.from - cut : 0;
		part.to = part.to > cut + text.len ? text.len : part.to > cut ? part.to - cut : 0;
		if (part.from >= part.to)
			continue;
		w.parts[w.part_count++] = part;
		w.linked = w.linked || part.kind == PART_LINK;
	}
	buf_clear(&m->text);
	m->part_count = 0;
	return w;
}

/* A paragraph that ends in a colon says that something follows. */
static bool announces(const struct words *w) {
	return (w->letter >= LETTER_TITLE && w->letter <= LETTER_H4) || (w->letter == LETTER_BODY && str_ends(w->text, STR(":")));
}

static void end_text(struct maker *m) {
	struct words *w = ARENA_NEW(m->arena, struct words);
	*w = take_words(m);
	if (w->text.len > 0) {
		w->element = element(m, tags[w->letter], m->around);
		add_block(m, (struct block){.kind = BLOCK_TEXT, .indent = (unsigned)m->list_depth, .quotes = (unsigned)m->quotes, .close = m->close,
		                            .leads = announces(w), .mark = m->mark, .mark_element = m->mark_element, .words = w, .word_count = 1});
		m->mark = STR("");
		m->close = false;
	}
	m->letter = LETTER_BODY;
}

static void add_part(struct maker *m, struct part part) {
	if (m->part_count == m->part_cap) {
		size_t cap = m->part_cap ? m->part_cap * 2 : PARTS;
		struct part *more = ARENA_ARRAY(m->arena, cap, struct part);
		if (m->part_count > 0)
			memcpy(more, m->parts, m->part_count * sizeof *more);
		m->parts = more;
		m->part_cap = cap;
	}
	m->parts[m->part_count++] = part;
}

/* Spans are closed in reverse order: a part is open while its end is SIZE_MAX. */
static void close_part(struct maker *m, int kind) {
	for (size_t i = m->part_count; i-- > 0;) {
		if (m->parts[i].to != SIZE_MAX || (int)m->parts[i].kind != kind)
			continue;
		m->parts[i].to = m->text.len;
		return;
	}
}

/* lists */

static struct list *innermost(struct maker *m) {
	return m->list_depth > 0 && m->list_depth <= DEEPEST ? &m->lists[m->list_depth - 1] : NULL;
}

static void open_list(struct maker *m, const struct markdown_element *e) {
	const struct list *outer = innermost(m);
	m->close = outer && outer->tight;
	if (m->list_depth < DEEPEST)
		m->lists[m->list_depth] = (struct list){e->kind == MARKDOWN_NUMBERED, e->tight, e->number, 0};
	m->list_depth++;
	enter(m, "L");
}

static void open_item(struct maker *m) {
	struct list *list = innermost(m);
	enter(m, "LI");
	m->mark = STR("-");
	m->mark_element = element(m, "Lbl", m->around);
	if (list && list->numbered)
		m->mark = arena_printf(m->arena, "%lld.", (long long)list->next++);
	m->close = m->close || (list && list->tight && list->items > 0);
	if (list)
		list->items++;
	enter(m, "LBody");
}

static void close_item(struct maker *m) {
	end_text(m);
	m->mark = STR("");
	leave(m);
	leave(m);
}

/* tables */

static void open_row(struct maker *m) {
	bool first = !m->row;
	enter(m, "TR");
	m->row = ARENA_NEW(m->arena, struct block);
	*m->row = (struct block){.kind = BLOCK_ROW, .indent = (unsigned)m->list_depth, .quotes = (unsigned)m->quotes, .grid = m->grid, .first = first};
	m->row->words = ARENA_ARRAY(m->arena, BLOCKS_COLUMNS, struct words);
}

static void open_cell(struct maker *m, const struct markdown_element *e) {
	bool says = e->kind == MARKDOWN_HEAD_CELL || (m->grid->pairs && m->row->word_count == 0);
	m->row->head = e->kind == MARKDOWN_HEAD_CELL;
	m->letter = says ? LETTER_HEAD_CELL : LETTER_CELL;
	m->align = e->align;
	m->in_cell = true;
}

static void close_cell(struct maker *m) {
	struct words w = take_words(m);
	w.align = m->align;
	w.element = element(m, tags[m->letter], m->around);
	m->columns_found = m->row->word_count + 1 > m->columns_found ? m->row->word_count + 1 : m->columns_found;
	if (m->row->word_count < BLOCKS_COLUMNS)
		m->row->words[m->row->word_count++] = w;
	m->in_cell = false;
	m->letter = LETTER_BODY;
}

static bool is_blank(const struct block *row) {
	for (size_t i = 0; i < row->word_count; i++)
		if (row->words[i].text.len > 0)
			return false;
	return true;
}

/* A header row without a word is none: its table says in the first column what the second one is. */
static void close_row(struct maker *m) {
	leave(m);
	if (m->row->head) {
		m->grid->columns = m->row->word_count;
		m->grid->pairs = is_blank(m->row);
	}
	if (m->row->head && m->grid->pairs) {
		m->row = NULL;
		return;
	}
	add_block(m, *m->row);
}

/* the walk */

static void open_block(struct maker *m, const struct markdown_element *e) {
	static const enum letter headings[] = {LETTER_H2, LETTER_H3, LETTER_H4};
	switch (e->kind) {
	case MARKDOWN_LIST:
	case MARKDOWN_NUMBERED: open_list(m, e); break;
	case MARKDOWN_ITEM: open_item(m); break;
	case MARKDOWN_QUOTE:
		enter(m, "BlockQuote");
		m->quotes++;
		break;
	case MARKDOWN_HEADING: m->letter = headings[e->number - 2]; break;
	case MARKDOWN_RULE: add_block(m, (struct block){.kind = BLOCK_RULE, .around = m->around, .indent = (unsigned)m->list_depth, .quotes = (unsigned)m->quotes}); break;
	case MARKDOWN_TABLE:
		enter(m, "Table");
		m->grid = ARENA_NEW(m->arena, struct grid);
		m->row = NULL;
		break;
	case MARKDOWN_ROW: open_row(m); break;
	case MARKDOWN_HEAD_CELL:
	case MARKDOWN_CELL: open_cell(m, e); break;
	default: break;
	}
}

static void open_element(void *context, const struct markdown_element *e) {
	struct maker *m = context;
	switch (e->kind) {
	case MARKDOWN_STRONG: add_part(m, (struct part){m->text.len, SIZE_MAX, PART_STRONG, STR("")}); break;
	case MARKDOWN_EMPHASIS: add_part(m, (struct part){m->text.len, SIZE_MAX, PART_EMPHASIS, STR("")}); break;
	case MARKDOWN_LINK: add_part(m, (struct part){m->text.len, SIZE_MAX, PART_LINK, arena_str(m->arena, e->href)}); break;
	default:
		if (!m->in_cell)
			end_text(m);
		open_block(m, e);
	}
}

static void close_element(void *context, const struct markdown_element *e) {
	struct maker *m = context;
	switch (e->kind) {
	case MARKDOWN_STRONG: close_part(m, PART_STRONG); break;
	case MARKDOWN_EMPHASIS: close_part(m, PART_EMPHASIS); break;
	case MARKDOWN_LINK: close_part(m, PART_LINK); break;
	case MARKDOWN_LIST:
	case MARKDOWN_NUMBERED:
		m->list_depth--;
		m->close = false;
		leave(m);
		break;
	case MARKDOWN_ITEM: close_item(m); break;
	case MARKDOWN_QUOTE:
		end_text(m);
		m->quotes--;
		leave(m);
		break;
	case MARKDOWN_TABLE: leave(m); break;
	case MARKDOWN_ROW: close_row(m); break;
	case MARKDOWN_HEAD_CELL:
	case MARKDOWN_CELL: close_cell(m); break;
	case MARKDOWN_PARAGRAPH:
	case MARKDOWN_HEADING: end_text(m); break;
	default: break;
	}
}

static void add_text(void *context, struct str text) {
	struct maker *m = context;
	escape_print(&m->text, text);
}

static void end_line(void *context, bool hard) {
	struct maker *m = context;
	buf_char(&m->text, hard ? '\n' : ' ');
}

static bool is_full(void *context) {
	struct maker *m = context;
	return m->text.overflow || m->columns_found > BLOCKS_COLUMNS;
}

static void add_heading(struct maker *m, const struct document_layout *layout) {
	const char *between = layout->reference.len > 0 && layout->date.len > 0 ? " · " : "";
	m->letter = LETTER_TITLE;
	add_text(m, layout->title);
	end_text(m);
	m->letter = LETTER_CAPTION;
	add_text(m, arena_printf(m->arena, "%.*s%s%.*s", STR_ARG(layout->reference), between, STR_ARG(layout->date)));
	end_text(m);
}

struct block *blocks_make(struct arena *a, struct str markdown, const struct document_layout *layout, struct err *err) {
	struct maker m = {.arena = a};
	m.last = &m.first;
	buf_init(&m.text, DOCUMENT_TEXT);
	add_heading(&m, layout);
	markdown_walk(markdown, &(struct markdown_visitor){&m, open_element, close_element, add_text, end_line, is_full});
	bool overflow = m.text.overflow;
	buf_free(&m.text);
	if (overflow || markdown.len > DOCUMENT_TEXT)
		return err_set(err, ERR_INPUT, "error.input", "the text is longer than a document may be (%d bytes)", DOCUMENT_TEXT), NULL;
	if (m.columns_found > BLOCKS_COLUMNS)
		return err_set(err, ERR_INPUT, "error.input", "a table has more than %d columns, which do not fit on the paper", BLOCKS_COLUMNS), NULL;
	if (!m.first || m.first->words->letter != LETTER_TITLE)
		return err_set(err, ERR_INPUT, "error.input", "a document needs a title: a line of subject: above ---"), NULL;
	return m.first;
}
