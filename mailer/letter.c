#include "mailer/letter.h"

#include "engine/base/escape.h"
#include "engine/workflow/markdown.h"

#include <string.h>

enum { LETTER_LIMIT = 1 << 20 };

#define FONT "font-family:-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

/* Some clients take no style element, so every tag carries its look itself; the element only adds what cannot be said in a tag. */
static const char style_sheet[] =
        "@media (prefers-color-scheme:dark){"
        "body,.outer{background:#14171a!important;color:#e9ecef!important}"
        ".card{background:#1f2428!important}"
        ".card,.card p,.card li,.card h2,.card h3,.card h4,.card td,.card th,.site{color:#e9ecef!important}"
        ".foot,.foot p{color:#b9c0c7!important}"
        "a{color:#8cc8f0!important}"
        "a.button{background:#8cc8f0!important;color:#10202b!important}"
        "}"
        "@media (max-width:480px){.card{padding:20px 16px!important}}";

/* Tags of markdown_html, which writes them without attributes but for links. */
static const struct {
	const char *tag, *style;
} looks[] = {
        {"a class=\"button\"", "display:inline-block;background:#0b5c8a;color:#ffffff;padding:12px 22px;border-radius:6px;font-weight:600;text-decoration:none"},
        {"a", "color:#0b5c8a"},
        {"p", "margin:0 0 16px"},
        {"h2", "margin:0 0 12px;font-size:21px;line-height:1.3"},
        {"h3", "margin:20px 0 8px;font-size:18px;line-height:1.3"},
        {"h4", "margin:16px 0 8px;font-size:16px;line-height:1.3"},
        {"ul", "margin:0 0 16px;padding:0 0 0 22px"},
        {"ol", "margin:0 0 16px;padding:0 0 0 22px"},
        {"li", "margin:0 0 6px"},
        {"blockquote", "margin:0 0 16px;padding:0 0 0 14px;border-left:3px solid #8a949e"},
        {"hr", "margin:20px 0;border:0;border-top:1px solid #8a949e"},
        {"table", "border-collapse:collapse;margin:0 0 16px"},
        {"th", "padding:6px 12px 6px 0;text-align:left;border-bottom:1px solid #8a949e"},
        {"td", "padding:6px 12px 6px 0;text-align:left;border-bottom:1px solid #c9ced3"},
};

/* Length of the tag in front of `html` (behind its <), and its look; 0: one that needs none. */
static size_t find_look(struct str html, const char **style) {
	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
		size_t len = strlen(looks[i].tag);
		if (html.len > len && memcmp(html.at, looks[i].tag, len) == 0 && (html.at[len] == '>' || html.at[len] == ' ')) {
			*style = looks[i].style;
			return len;
		}
	}
	return 0;
}

/* In what markdown_html writes, a < only ever begins a tag. */
static void add_styled(struct buf *out, struct str html) {
	while (html.len > 0) {
		const char *found = memchr(html.at, '<', html.len), *style;
		size_t before = found ? (size_t)(found - html.at) + 1 : html.len;
		buf_add(out, html.at, before);
		html = (struct str){html.at + before, html.len - before};
		size_t len = find_look(html, &style);
		if (len == 0)
			continue;
		buf_add(out, html.at, len);
		buf_printf(out, " style=\"%s\"", style);
		html = (struct str){html.at + len, html.len - len};
	}
}

static void add_markdown(struct buf *out, struct str markdown) {
	struct buf html;
	buf_init(&html, LETTER_LIMIT);
	markdown_html(markdown, true, &html);
	out->overflow = out->overflow || html.overflow;
	add_styled(out, buf_text(&html));
	buf_free(&html);
}

static void add_line(struct buf *out, struct str line) {
	if (line.len == 0)
		return;
	buf_z(out, out->len > 0 ? "\\\n" : "");
	escape_markdown(out, line);
}

/* Why one got this, whom to ask, the case's number: as Markdown, so that both bodies say the same. */
static struct str footer(const struct letter_frame *f, struct arena *a) {
	struct buf out;
	buf_init(&out, LETTER_LIMIT);
	add_line(&out, language_text(f->language, a, "mail.footer", f->site, STR("")));
	if (f->contact.len > 0)
		add_line(&out, language_text(f->language, a, "page.help", f->contact, STR("")));
	if (f->reference.len > 0)
		add_line(&out, language_text(f->language, a, "mail.reference", f->reference, STR("")));
	struct str text = arena_str(a, buf_text(&out));
	buf_free(&out);
	return text;
}

static void add_head(const struct letter_frame *f, struct buf *out) {
	buf_z(out, "<!DOCTYPE html>\n<html lang=\"");
	escape_html(out, language_code(f->language));
	buf_z(out, "\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	           "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"supported-color-schemes\" content=\"light dark\">\n<title>");
	escape_html(out, f->subject);
	buf_printf(out, "</title>\n<style>%s</style>\n</head>\n", style_sheet);
}

/* A link is not written out below its button: then it would be there five times for a filter that counts what the text part, the target and the words
 * of a link say, and an odd number costs points (rspamd's URI_COUNT_ODD). The text part has it for those who need to copy it. */
static void write_html(const struct letter_frame *f, struct str markdown, struct str foot, struct buf *out) {
	add_head(f, out);
	buf_z(out, "<body style=\"margin:0;padding:0;background:#eef0f2;color:#1d2328;" FONT ";font-size:16px;line-height:1.5\">\n"
	           "<table class=\"outer\" role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"background:#eef0f2\"><tr><td style=\"padding:24px 12px\">\n"
	           "<table role=\"presentation\" align=\"center\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"max-width:600px;margin:0 auto;" FONT ";font-size:16px;line-height:1.5\">\n"
	           "<tr><td class=\"site\" style=\"padding:0 4px 12px;font-weight:600;color:#1d2328\">");
	escape_html(out, f->site);
	buf_z(out, "</td></tr>\n<tr><td class=\"card\" style=\"background:#ffffff;color:#1d2328;padding:28px 28px 12px;border-radius:8px\">\n");
	add_markdown(out, markdown);
	buf_z(out, "</td></tr>\n<tr><td class=\"foot\" style=\"padding:16px 4px 0;font-size:14px;color:#4a545d\">\n");
	add_markdown(out, foot);
	buf_z(out, "</td></tr>\n</table>\n</td></tr></table>\n</body>\n</html>\n");
}

static void write_text(struct str markdown, struct str foot, struct buf *out) {
	struct buf part;
	buf_init(&part, LETTER_LIMIT);
	markdown_text(markdown, &part);
	buf_str(out, str_trim(buf_text(&part)));
	out->overflow = out->overflow || part.overflow;
	buf_clear(&part);
	markdown_text(foot, &part);
	buf_z(out, "\n\n--\n");
	buf_str(out, str_trim(buf_text(&part)));
	buf_char(out, '\n');
	buf_free(&part);
}

bool letter_write(const struct letter_frame *frame, struct str markdown, struct arena *a, struct str *text, struct str *html, struct err *err) {
	struct str foot = footer(frame, a);
	struct buf text_out, html_out;
	buf_init(&text_out, LETTER_LIMIT);
	buf_init(&html_out, LETTER_LIMIT);
	write_text(markdown, foot, &text_out);
	write_html(frame, markdown, foot, &html_out);
	bool ok = !text_out.overflow && !html_out.overflow;
	*text = arena_str(a, buf_text(&text_out));
	*html = arena_str(a, buf_text(&html_out));
	buf_free(&text_out);
	buf_free(&html_out);
	return ok || err_set(err, ERR_PERMANENT, "error.internal", "the mail becomes longer than %d bytes", LETTER_LIMIT);
}
