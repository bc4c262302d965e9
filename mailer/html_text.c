#include "mailer/html_text.h"

#include <libxml/HTMLparser.h>
#include <string.h>

enum { TEXT_MOST = 1 << 20, HTML_MOST = 4 << 20 };

struct writing {
	struct buf text;
	int quotes;      /* how many quotations we are in */
	bool space, pre; /* a blank is due; blanks count */
	int empty;       /* line ends that the text ends with; at its beginning 2 */
};

static bool is_any(const xmlNode *node, const char *const *names) {
	for (; *names; names++)
		if (xmlStrcasecmp(node->name, (const xmlChar *)*names) == 0)
			return true;
	return false;
}

static bool says(const xmlNode *node, const char *attribute, const char *word) {
	for (const xmlAttr *at = node->properties; at; at = at->next)
		if (xmlStrcasecmp(at->name, (const xmlChar *)attribute) == 0 && at->children && at->children->content)
			return xmlStrcasestr(at->children->content, (const xmlChar *)word) != NULL;
	return false;
}

static bool is_unseen(const xmlNode *node) {
	static const char *const names[] = {"head", "style", "script", "title", "template", "noscript", "object", NULL};
	return node->type != XML_ELEMENT_NODE || is_any(node, names) || says(node, "style", "display:none") || says(node, "style", "display: none");
}

static bool is_quotation(const xmlNode *node) {
	static const char *const names[] = {"blockquote", NULL};
	return is_any(node, names);
}

/* --- lines --- */

static void end_line(struct writing *w, int most) {
	w->space = false;
	if (w->empty >= most)
		return;
	buf_char(&w->text, '\n');
	w->empty++;
}

static void begin_text(struct writing *w) {
	if (w->empty > 0)
		for (int i = 0; i < w->quotes && i < 5; i++)
			buf_z(&w->text, "> ");
	else if (w->space)
		buf_char(&w->text, ' ');
	w->empty = 0;
	w->space = false;
}

static void write_text(struct writing *w, const char *text) {
	for (; *text; text++) {
		bool blank = strchr(" \t\r\n\f", *text) != NULL, hard = (unsigned char)text[0] == 0xC2 && (unsigned char)text[1] == 0xA0;
		if (w->pre && *text == '\n')
			end_line(w, 100);
		else if (blank || hard)
			w->space = true;
		else {
			begin_text(w);
			buf_char(&w->text, *text);
		}
		text += hard;
	}
}

/* --- elements --- */

/* How many line ends stand around it at least: 2 leave a line empty. */
static int lines_around(const xmlNode *node) {
	static const char *const paragraphs[] = {"p", "blockquote", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre", NULL};
	static const char *const lines[] = {"div", "tr", "li", "section", "article", "header", "footer", "dt", "dd", "body", "center", "address", NULL};
	return is_any(node, paragraphs) ? 2 : is_any(node, lines) ? 1 : 0;
}

static void separate(struct writing *w, const xmlNode *node) {
	int lines = lines_around(node);
	while (w->empty < lines && !w->text.overflow)
		end_line(w, lines);
}

static void enter(struct writing *w, const xmlNode *node) {
	static const char *const breaks[] = {"br", NULL}, *const cells[] = {"td", "th", NULL}, *const items[] = {"li", NULL}, *const pre[] = {"pre", NULL};
	separate(w, node);
	if (is_any(node, breaks))
		end_line(w, 2);
	w->space = w->space || is_any(node, cells);
	w->quotes += is_quotation(node);
	w->pre = w->pre || is_any(node, pre);
	if (is_any(node, items))
		write_text(w, "- ");
}

static void leave(struct writing *w, const xmlNode *node) {
	static const char *const pre[] = {"pre", NULL};
	separate(w, node);
	w->quotes -= is_quotation(node);
	w->pre = w->pre && !is_any(node, pre);
}

/* True: it was entered, and must be left. */
static bool visit(struct writing *w, const xmlNode *node) {
	if ((node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) && node->content)
		write_text(w, (const char *)node->content);
	if (is_unseen(node))
		return false;
	enter(w, node);
	return true;
}

/* In the order of the document, without recursion: it may be as deep as its sender liked. */
static void write_document(struct writing *w, const xmlNode *top) {
	const xmlNode *node = top;
	while (node && !w->text.overflow) {
		bool entered = visit(w, node);
		if (entered && node->children) {
			node = node->children;
			continue;
		}
		if (entered)
			leave(w, node);
		while (node != top && !node->next) {
			node = node->parent;
			leave(w, node);
		}
		node = node == top ? NULL : node->next;
	}
}

struct str html_text(struct arena *a, struct str html, const char *charset) {
	struct writing w = {.empty = 2};
	html.len = html.len < HTML_MOST ? html.len : HTML_MOST;
	if (html.len == 0)
		return STR("");
	if (!charset && str_utf8_valid(html))
		charset = "utf-8";
	xmlDoc *doc = htmlReadMemory(html.at, (int)html.len, NULL, charset, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_COMPACT);
	if (!doc)
		return STR("");
	buf_init(&w.text, TEXT_MOST);
	write_document(&w, xmlDocGetRootElement(doc));
	struct str text = str_trim(arena_str(a, buf_text(&w.text)));
	buf_free(&w.text);
	xmlFreeDoc(doc);
	return text;
}
