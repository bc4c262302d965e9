#include "engine/base/escape.h"
#include "engine/workflow/markdown.h"

#include <string.h>
#include <strings.h>

enum { LIMIT = 1 << 20, DEEPEST = 4096 };

static const char *const tags[] = {"p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "a", "blockquote", "table", "tr", "th", "td", "br", "hr"};

static bool is_web(struct str href) {
	return str_starts(href, STR("http")) || str_starts(href, STR("HTTP")) || str_starts(href, STR("/"));
}

/* Whatever the text is: every < begins a tag of ours, tags are closed in order, links go where they may. */
static void check_html(struct str html) {
	static size_t open[DEEPEST];
	size_t depth = 0;
	for (size_t i = 0; i < html.len; i++) {
		struct str rest = {html.at + i + 1, html.len - i - 1}, name;
		if (html.at[i] != '<')
			continue;
		bool close = rest.len > 0 && rest.at[0] == '/';
		if (close)
			rest.at++, rest.len--;
		struct str tag = str_cut(&rest, '>');
		name = tag;
		name = str_cut(&name, ' ');
		size_t k = 0;
		while (k < sizeof tags / sizeof *tags && !str_is(name, tags[k]))
			k++;
		BUG_IF(k == sizeof tags / sizeof *tags || memchr(tag.at, '<', tag.len));
		if (str_is(name, "br") || str_is(name, "hr"))
			continue;
		BUG_IF(close ? depth == 0 || open[depth - 1] != k : depth == DEEPEST);
		if (close)
			depth--;
		else
			open[depth++] = k;
		const char *href = memmem(tag.at, tag.len, "href=\"", 6);
		struct str target = {href ? href + 6 : "", href ? tag.len - (size_t)(href + 6 - tag.at) : 0};
		BUG_IF(href && !is_web(target) && strncasecmp(target.at, "mailto:", 7) != 0 && strncasecmp(target.at, "tel:", 4) != 0 && strncasecmp(target.at, "http", 4) != 0);
	}
	BUG_IF(depth != 0);
}

/* Whatever a value is: it stays text. */
static void check_value(struct str value) {
	struct buf markdown, html;
	buf_init(&markdown, LIMIT);
	buf_init(&html, LIMIT);
	escape_markdown(&markdown, value);
	markdown_html(buf_text(&markdown), true, &html);
	for (size_t i = 0; i < html.len; i++) {
		struct str rest = {html.at + i, html.len - i};
		BUG_IF(html.at[i] == '<' && !str_starts(rest, STR("<p>")) && !str_starts(rest, STR("</p>")) && !str_starts(rest, STR("<br>")));
	}
	buf_free(&html);
	buf_free(&markdown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str s = {(const char *)data, size};
	struct buf out;
	buf_init(&out, LIMIT);
	markdown_html(s, size % 2 == 0, &out);
	if (!out.overflow) {
		check_html(buf_text(&out));
		BUG_IF(!str_utf8_valid(buf_text(&out)));
	}
	buf_clear(&out);
	markdown_text(s, &out);
	buf_free(&out);
	check_value(s);
	return 0;
}
