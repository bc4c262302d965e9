#include "engine/workflow/markdown_walk.h"

#include "engine/base/escape.h"

struct html {
	struct buf *out;
	bool buttons;
	/* Of the paragraph under way: is a link alone in it? */
	size_t links, link_at;
	bool in_link, other_text;
};

static const char *tag_name(const struct markdown_element *e) {
	static const char *const names[] = {
	        [MARKDOWN_PARAGRAPH] = "p", [MARKDOWN_LIST] = "ul", [MARKDOWN_NUMBERED] = "ol", [MARKDOWN_ITEM] = "li",
	        [MARKDOWN_QUOTE] = "blockquote", [MARKDOWN_RULE] = "hr", [MARKDOWN_TABLE] = "table", [MARKDOWN_ROW] = "tr",
	        [MARKDOWN_HEAD_CELL] = "th", [MARKDOWN_CELL] = "td", [MARKDOWN_STRONG] = "strong", [MARKDOWN_EMPHASIS] = "em",
	        [MARKDOWN_LINK] = "a",
	};
	static const char *const headings[] = {"h2", "h3", "h4"};
	return e->kind == MARKDOWN_HEADING ? headings[e->number - 2] : names[e->kind];
}

static bool is_inline(enum markdown_kind kind) {
	return kind == MARKDOWN_STRONG || kind == MARKDOWN_EMPHASIS || kind == MARKDOWN_LINK;
}

static void open_link(struct html *h, struct str href) {
	h->links++;
	h->in_link = true;
	h->link_at = h->out->len + 2;
	buf_z(h->out, "<a href=\"");
	escape_html(h->out, href);
	buf_z(h->out, "\">");
}

static void open_element(void *context, const struct markdown_element *e) {
	struct html *h = context;
	if (e->kind == MARKDOWN_LINK) {
		open_link(h, e->href);
		return;
	}
	if (!is_inline(e->kind))
		h->links = 0, h->other_text = false;
	buf_printf(h->out, "<%s", tag_name(e));
	if (e->kind == MARKDOWN_NUMBERED && e->number != 1)
		buf_printf(h->out, " start=\"%lld\"", (long long)e->number);
	buf_z(h->out, e->kind == MARKDOWN_HEAD_CELL ? " scope=\"col\">" : ">");
	if (e->kind == MARKDOWN_LIST || e->kind == MARKDOWN_NUMBERED || e->kind == MARKDOWN_TABLE || e->kind == MARKDOWN_ROW)
		buf_char(h->out, '\n');
}

/* That a link is alone is known only at the end of its paragraph. */
static void make_button(struct html *h) {
	struct buf tail;
	if (h->out->overflow)
		return;
	buf_init(&tail, h->out->limit);
	buf_add(&tail, h->out->at + h->link_at, h->out->len - h->link_at);
	h->out->len = h->link_at;
	buf_z(h->out, " class=\"button\"");
	buf_str(h->out, buf_text(&tail));
	buf_free(&tail);
}

static void close_element(void *context, const struct markdown_element *e) {
	struct html *h = context;
	if (e->kind == MARKDOWN_PARAGRAPH && h->buttons && h->links == 1 && !h->other_text)
		make_button(h);
	if (e->kind == MARKDOWN_LINK)
		h->in_link = false;
	if (e->kind != MARKDOWN_RULE)
		buf_printf(h->out, "</%s>", tag_name(e));
	if (!is_inline(e->kind))
		buf_char(h->out, '\n');
}

static void add_text(void *context, struct str text) {
	struct html *h = context;
	h->other_text = h->other_text || (!h->in_link && str_trim(text).len > 0);
	escape_html(h->out, text);
}

static void end_line(void *context, bool hard) {
	struct html *h = context;
	buf_z(h->out, hard ? "<br>\n" : "\n");
}

static bool is_full(void *context) {
	struct html *h = context;
	return h->out->overflow;
}

void markdown_html(struct str markdown, bool buttons, struct buf *out) {
	struct html h = {.out = out, .buttons = buttons};
	markdown_walk(markdown, &(struct markdown_visitor){&h, open_element, close_element, add_text, end_line, is_full});
}
