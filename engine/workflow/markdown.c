#include "engine/workflow/markdown_walk.h"

#include <limits.h>
#include <md4c.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LONGEST_HREF = 2000 };

enum { DEEPEST_SPAN = 32 };

struct walk {
	const struct markdown_visitor *visitor;
	bool code;    /* in a code block: its line ends are kept */
	bool pending; /* a line end of it that shows only when a line follows */
	struct str whole; /* all of the text */
	struct buf href;
	/* What stands open inside the block, innermost last: md4c can leave out the end of a span whose mark it also takes for a link's target. */
	enum markdown_kind open[DEEPEST_SPAN];
	size_t open_count, unshown;
};

/* entities */

/* Of the named ones those that people write; others stay as they are. */
static uint32_t named_entity(struct str name) {
	static const struct {
		const char *name;
		uint32_t point;
	} table[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"nbsp", 0xA0}, {"shy", 0xAD}, {"euro", 0x20AC}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (str_is(name, table[i].name))
			return table[i].point;
	return 0;
}

/* "&#x20;" and the like: md4c has seen to it that digits stand there. */
static uint32_t numbered_entity(struct str digits) {
	bool hex = digits.len > 0 && (digits.at[0] == 'x' || digits.at[0] == 'X');
	uint32_t point = 0;
	for (size_t i = hex; i < digits.len; i++) {
		char c = digits.at[i];
		uint32_t value = c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a' + 10);
		point = point * (hex ? 16 : 10) + value;
		if (point > 0x10FFFF)
			return 0xFFFD;
	}
	bool surrogate = point >= 0xD800 && point < 0xE000;
	return point == 0 || surrogate ? 0xFFFD : point;
}

static void add_entity(struct buf *out, struct str entity) {
	struct str inner = {entity.at + 1, entity.len >= 2 ? entity.len - 2 : 0};
	uint32_t point = str_starts(inner, STR("#")) ? numbered_entity((struct str){inner.at + 1, inner.len - 1}) : named_entity(inner);
	if (point)
		buf_utf8(out, point);
	else
		buf_str(out, entity);
}

/* links */

static bool has_scheme(struct str href, const char *scheme) {
	size_t len = strlen(scheme);
	return href.len > len && strncasecmp(href.at, scheme, len) == 0;
}

static bool is_good_href(struct str href) {
	for (size_t i = 0; i < href.len; i++)
		if ((unsigned char)href.at[i] <= ' ' || href.at[i] == 0x7F || href.at[i] == '\\')
			return false;
	if (href.len > 0 && href.at[0] == '/')
		return href.len == 1 || href.at[1] != '/';
	return has_scheme(href, "https://") || has_scheme(href, "http://") || has_scheme(href, "mailto:") || has_scheme(href, "tel:");
}

/* md4c 0.4.8 takes a link's target on the last line for longer than the text is. */
static struct str inside(const struct walk *w, struct str text) {
	uintptr_t at = (uintptr_t)text.at, from = (uintptr_t)w->whole.at, to = from + w->whole.len;
	if (at >= from && at <= to && text.len > to - at)
		text.len = to - at;
	return text;
}

/* Decoded before it is checked: "javascript&#58;" is a scheme too. */
static struct str read_href(struct walk *w, const MD_ATTRIBUTE *attribute) {
	buf_clear(&w->href);
	for (size_t i = 0; attribute->text && attribute->substr_offsets[i] < attribute->size; i++) {
		struct str part = inside(w, (struct str){attribute->text + attribute->substr_offsets[i], attribute->substr_offsets[i + 1] - attribute->substr_offsets[i]});
		if (attribute->substr_types[i] == MD_TEXT_ENTITY)
			add_entity(&w->href, part);
		else if (attribute->substr_types[i] == MD_TEXT_NORMAL)
			buf_str(&w->href, part);
		else
			buf_utf8(&w->href, 0xFFFD);
	}
	struct str href = buf_text(&w->href);
	return !w->href.overflow && str_utf8_valid(href) && is_good_href(href) ? href : STR("");
}

/* what md4c finds */

static int cell_align(MD_ALIGN align) {
	return align == MD_ALIGN_CENTER ? 0 : align == MD_ALIGN_RIGHT ? 1 : -1;
}

static struct markdown_element block_element(MD_BLOCKTYPE type, const void *detail) {
	struct markdown_element e = {.kind = MARKDOWN_NOTHING};
	unsigned level;
	switch (type) {
	case MD_BLOCK_QUOTE: e.kind = MARKDOWN_QUOTE; break;
	case MD_BLOCK_UL:
		e.kind = MARKDOWN_LIST;
		e.tight = ((const MD_BLOCK_UL_DETAIL *)detail)->is_tight != 0;
		break;
	case MD_BLOCK_OL:
		e.kind = MARKDOWN_NUMBERED;
		e.tight = ((const MD_BLOCK_OL_DETAIL *)detail)->is_tight != 0;
		e.number = ((const MD_BLOCK_OL_DETAIL *)detail)->start;
		break;
	case MD_BLOCK_LI: e.kind = MARKDOWN_ITEM; break;
	case MD_BLOCK_HR: e.kind = MARKDOWN_RULE; break;
	case MD_BLOCK_H:
		e.kind = MARKDOWN_HEADING;
		level = ((const MD_BLOCK_H_DETAIL *)detail)->level;
		e.number = level < 3 ? level + 1 : 4;
		break;
	case MD_BLOCK_CODE:
	case MD_BLOCK_P: e.kind = MARKDOWN_PARAGRAPH; break;
	case MD_BLOCK_TABLE: e.kind = MARKDOWN_TABLE; break;
	case MD_BLOCK_TR: e.kind = MARKDOWN_ROW; break;
	case MD_BLOCK_TH:
	case MD_BLOCK_TD:
		e.kind = type == MD_BLOCK_TH ? MARKDOWN_HEAD_CELL : MARKDOWN_CELL;
		e.align = cell_align(((const MD_BLOCK_TD_DETAIL *)detail)->align);
		break;
	case MD_BLOCK_DOC:
	case MD_BLOCK_HTML:
	case MD_BLOCK_THEAD:
	case MD_BLOCK_TBODY: break;
	}
	return e;
}

static struct markdown_element span_element(struct walk *w, MD_SPANTYPE type, const void *detail) {
	struct markdown_element e = {.kind = MARKDOWN_NOTHING};
	if (type == MD_SPAN_STRONG)
		e.kind = MARKDOWN_STRONG;
	else if (type == MD_SPAN_EM)
		e.kind = MARKDOWN_EMPHASIS;
	else if (type == MD_SPAN_A && (e.href = read_href(w, &((const MD_SPAN_A_DETAIL *)detail)->href)).len > 0)
		e.kind = MARKDOWN_LINK;
	return e;
}

static int open_element(struct walk *w, struct markdown_element e) {
	if (e.kind != MARKDOWN_NOTHING)
		w->visitor->open(w->visitor->context, &e);
	return w->visitor->full(w->visitor->context);
}

static int close_element(struct walk *w, struct markdown_element e) {
	if (e.kind != MARKDOWN_NOTHING)
		w->visitor->close(w->visitor->context, &e);
	return w->visitor->full(w->visitor->context);
}

static void close_spans(struct walk *w, size_t left) {
	while (w->open_count > left) {
		/* Links do not nest, so the target that was read last is this one's. */
		struct markdown_element e = {.kind = w->open[--w->open_count], .href = buf_text(&w->href)};
		w->visitor->close(w->visitor->context, &e);
	}
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *context) {
	struct walk *w = context;
	close_spans(w, 0);
	w->code = type == MD_BLOCK_CODE;
	w->pending = false;
	return open_element(w, block_element(type, detail));
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *context) {
	struct walk *w = context;
	close_spans(w, 0);
	w->unshown = 0;
	w->code = false;
	return close_element(w, block_element(type, detail));
}

static int enter_span(MD_SPANTYPE type, void *detail, void *context) {
	struct walk *w = context;
	struct markdown_element e = span_element(w, type, detail);
	if (e.kind == MARKDOWN_NOTHING)
		return w->visitor->full(w->visitor->context);
	if (w->open_count == DEEPEST_SPAN) {
		w->unshown++;
		return 0;
	}
	w->open[w->open_count++] = e.kind;
	return open_element(w, e);
}

static int leave_span(MD_SPANTYPE type, void *detail, void *context) {
	struct walk *w = context;
	struct markdown_element e = span_element(w, type, detail);
	if (e.kind != MARKDOWN_NOTHING && w->unshown > 0) {
		w->unshown--;
		return 0;
	}
	for (size_t i = w->open_count; e.kind != MARKDOWN_NOTHING && i > 0; i--) {
		if (w->open[i - 1] != e.kind)
			continue;
		close_spans(w, i - 1);
		break;
	}
	return w->visitor->full(w->visitor->context);
}

static void text_found(struct walk *w, struct str text) {
	if (w->pending)
		w->visitor->line_end(w->visitor->context, true);
	w->pending = false;
	w->visitor->text(w->visitor->context, text);
}

static void code_found(struct walk *w, struct str text) {
	while (text.len > 0) {
		bool last = !memchr(text.at, '\n', text.len);
		struct str line = str_cut(&text, '\n');
		if (line.len > 0 || w->pending)
			text_found(w, line);
		w->pending = !last;
	}
}

static int found_text(MD_TEXTTYPE type, const MD_CHAR *at, MD_SIZE size, void *context) {
	struct walk *w = context;
	struct str text = inside(w, (struct str){at, size});
	struct buf entity;
	switch (type) {
	case MD_TEXT_BR:
	case MD_TEXT_SOFTBR:
		w->visitor->line_end(w->visitor->context, type == MD_TEXT_BR);
		break;
	case MD_TEXT_NULLCHAR:
		text_found(w, STR("\xEF\xBF\xBD"));
		break;
	case MD_TEXT_ENTITY:
		buf_init(&entity, size + 4);
		add_entity(&entity, text);
		/* &#10;: the only break that a table's cell can have. */
		if (str_is(buf_text(&entity), "\n"))
			w->visitor->line_end(w->visitor->context, true);
		else
			text_found(w, buf_text(&entity));
		buf_free(&entity);
		break;
	default:
		if (w->code)
			code_found(w, text);
		else
			text_found(w, text);
	}
	return w->visitor->full(w->visitor->context);
}

/* md4c 0.4.8 reads past the end of text that is not UTF-8, or that ends without a line end. */
static void copy_valid(struct buf *out, struct str s) {
	bool valid = str_utf8_valid(s);
	if (valid)
		buf_str(out, s);
	for (size_t at = 0; !valid && at < s.len;) {
		uint32_t point = str_utf8_next(s, &at);
		buf_utf8(out, point == UINT32_MAX ? 0xFFFD : point);
	}
	buf_char(out, '\n');
}

void markdown_walk(struct str markdown, const struct markdown_visitor *visitor) {
	struct buf valid;
	struct walk w = {.visitor = visitor};
	MD_PARSER parser = {
	        .flags = MD_FLAG_NOHTML | MD_FLAG_TABLES | MD_FLAG_NOINDENTEDCODEBLOCKS,
	        .enter_block = enter_block,
	        .leave_block = leave_block,
	        .enter_span = enter_span,
	        .leave_span = leave_span,
	        .text = found_text,
	};
	buf_init(&w.href, LONGEST_HREF);
	buf_init(&valid, UINT_MAX / 2);
	copy_valid(&valid, markdown);
	w.whole = buf_text(&valid);
	if (!valid.overflow && markdown.len > 0)
		md_parse(w.whole.at, (MD_SIZE)w.whole.len, &parser, &w);
	buf_free(&valid);
	buf_free(&w.href);
}
