#include "mailer/letter.h"

#include "engine/base/colour.h"
#include "engine/base/escape.h"
#include "engine/workflow/markdown.h"

#include <string.h>

enum { LETTER_LIMIT = 1 << 20 };

#define FONT "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
#define BOOK "font-family:'Iowan Old Style','Palatino Linotype',Palatino,Georgia,serif"

/* The colours of otp-portal/assets/style.css; ~f ~i ~t stand for fill, ink and text of the site's own. Some clients take no style element, so every tag
 * carries its look itself; the element only adds what cannot be said in a tag. */
static const char light_sheet[] =
        "a.button:hover{text-decoration:underline!important}"
        "@media (max-width:480px){.outer{padding:0!important}.card{padding:20px 16px 8px!important;border-radius:0!important}.site,.foot{padding-left:16px!important;padding-right:16px!important}"
        "table.go,a.button{width:100%!important;box-sizing:border-box}}";
static const char dark_sheet[] =
        "@media (prefers-color-scheme:dark){"
        "body,.outer{background:#111517!important;color:#eceeea!important}"
        ".card{background:#191e20!important;border-color:#3a4346!important;border-top-color:~t!important}"
        ".card,.card p,.card li,.card h2,.card h3,.card h4,.card td,.card th,.site{color:#eceeea!important}"
        ".foot,.foot p{color:#b3babb!important}"
        "a{color:~t!important}"
        ".baton{background:~t!important}"
        ".go td,a.button{background:~f!important;color:~i!important;border-color:~t!important}"
        "}";

/* Tags of markdown_html, which writes them without attributes but for links. */
static const struct {
	const char *tag, *style;
} looks[] = {
        {"a class=\"button\"", "display:inline-block;background:~f;color:~i;border:2px solid ~t;border-radius:26px;padding:11px 24px;font-weight:600;text-align:center;text-decoration:none"},
        {"a", "color:~t"},
        {"p", "margin:0 0 16px"},
        {"h2", "margin:0 0 12px;font-size:21px;line-height:1.25;" BOOK},
        {"h3", "margin:20px 0 8px;font-size:18px;line-height:1.25;" BOOK},
        {"h4", "margin:16px 0 8px;font-size:16px;line-height:1.25;" BOOK},
        {"ul", "margin:0 0 16px;padding:0 0 0 22px"},
        {"ol", "margin:0 0 16px;padding:0 0 0 22px"},
        {"li", "margin:0 0 6px"},
        {"blockquote", "margin:0 0 16px;padding:0 0 0 14px;border-left:4px solid #dcd5c7"},
        {"hr", "margin:20px 0;border:0;border-top:1px solid #dcd5c7"},
        {"table", "border-collapse:collapse;margin:0 0 16px"},
        {"th", "padding:6px 12px 6px 0;text-align:left;border-bottom:2px solid #79736a"},
        {"td", "padding:6px 12px 6px 0;text-align:left;border-bottom:1px solid #dcd5c7"},
};

/* A cell with a ground of its own is a button even where nothing in the link's own look is understood. */
static const char button_paragraph[] = "p><a class=\"button\"";
static const char button_begin[] = "table class=\"go\" role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" style=\"margin:4px 0 20px\"><tr>"
                                   "<td bgcolor=\"~f\" style=\"background:~f;border-radius:26px;mso-padding-alt:13px 26px\">";
static const char button_end[] = "/td></tr></table>";

static void add_coloured(struct buf *out, const char *text, const struct colour_set *set) {
	for (; *text; text++) {
		if (*text != '~') {
			buf_char(out, *text);
			continue;
		}
		text++;
		buf_z(out, *text == 'f' ? set->fill : *text == 'i' ? set->ink : set->text);
	}
}

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

static void add_tag(struct buf *out, struct str *html, const struct colour_set *light) {
	const char *style;
	size_t len = find_look(*html, &style);
	if (len == 0)
		return;
	buf_add(out, html->at, len);
	buf_z(out, " style=\"");
	add_coloured(out, style, light);
	buf_char(out, '"');
	*html = (struct str){html->at + len, html->len - len};
}

/* In what markdown_html writes, a < only ever begins a tag. */
static void add_styled(struct buf *out, struct str html, const struct colour_set *light) {
	bool in_button = false;
	while (html.len > 0) {
		const char *found = memchr(html.at, '<', html.len);
		size_t before = found ? (size_t)(found - html.at) + 1 : html.len;
		buf_add(out, html.at, before);
		html = (struct str){html.at + before, html.len - before};
		if (str_starts(html, str_from(button_paragraph))) {
			add_coloured(out, button_begin, light);
			html = (struct str){html.at + 2, html.len - 2};
			in_button = true;
		} else if (in_button && str_starts(html, STR("/p>"))) {
			buf_z(out, button_end);
			html = (struct str){html.at + 3, html.len - 3};
			in_button = false;
		} else {
			add_tag(out, &html, light);
		}
	}
}

static void add_markdown(struct buf *out, struct str markdown, const struct colour_set *light) {
	struct buf html;
	buf_init(&html, LETTER_LIMIT);
	markdown_html(markdown, true, &html);
	out->overflow = out->overflow || html.overflow;
	add_styled(out, buf_text(&html), light);
	buf_free(&html);
}

static void add_line(struct buf *out, struct str line) {
	if (line.len == 0)
		return;
	buf_z(out, out->len > 0 ? "\\\n" : "");
	escape_markdown(out, line);
}

/* Why one got this, whom to ask, where the site is, the case's number: as Markdown, so that both bodies say the same. */
static struct str footer(const struct letter_frame *f, struct arena *a) {
	struct buf out;
	buf_init(&out, LETTER_LIMIT);
	add_line(&out, language_text(f->language, a, "mail.footer", f->site, STR("")));
	if (f->contact.len > 0)
		add_line(&out, language_text(f->language, a, "page.help", f->contact, STR("")));
	if (f->front.len > 0)
		add_line(&out, language_text(f->language, a, "mail.front", f->front, STR("")));
	if (f->reference.len > 0)
		add_line(&out, language_text(f->language, a, "mail.reference", f->reference, STR("")));
	struct str text = arena_str(a, buf_text(&out));
	buf_free(&out);
	return text;
}

static void add_head(const struct letter_frame *f, struct buf *out) {
	struct colour_set dark;
	colour_dark(f->colour, &dark);
	buf_z(out, "<!DOCTYPE html>\n<html lang=\"");
	escape_html(out, language_code(f->language));
	buf_z(out, "\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	           "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"supported-color-schemes\" content=\"light dark\">\n<title>");
	escape_html(out, f->subject);
	buf_printf(out, "</title>\n<style>%s", light_sheet);
	add_coloured(out, dark_sheet, &dark);
	buf_z(out, "</style>\n</head>\n");
}

/* The frame is a table, because a width at most is understood in a table by more clients than anywhere else; those of Microsoft need it in a table more. */
static const char frame_begin[] =
        "<body style=\"margin:0;padding:0;background:#f1ede4;color:#1c2426;" FONT ";font-size:17px;line-height:1.5\">\n"
        "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"background:#f1ede4\" class=\"outer\"><tr><td class=\"outer\" style=\"padding:20px 12px\">\n"
        "<!--[if mso]><table role=\"presentation\" align=\"center\" width=\"600\" cellpadding=\"0\" cellspacing=\"0\"><tr><td><![endif]-->\n"
        "<table role=\"presentation\" align=\"center\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"max-width:600px;margin:0 auto;" FONT ";font-size:17px;line-height:1.5\">\n"
        "<tr><td class=\"site\" style=\"padding:8px 4px 14px;font-weight:600;color:#1c2426\">"
        "<span class=\"baton\" style=\"display:inline-block;width:26px;height:8px;margin-right:10px;border-radius:4px;background:~t;vertical-align:middle\"></span>";
static const char frame_card[] =
        "</td></tr>\n<tr><td class=\"card\" style=\"background:#fffefb;color:#1c2426;border:1px solid #dcd5c7;border-top:4px solid ~t;border-radius:6px;padding:28px 28px 12px;"
        "overflow-wrap:break-word;word-break:break-word\">\n";
static const char frame_foot[] = "</td></tr>\n<tr><td class=\"foot\" style=\"padding:16px 4px 0;font-size:15px;color:#535a5c\">\n";
static const char frame_end[] = "</td></tr>\n</table>\n<!--[if mso]></td></tr></table><![endif]-->\n</td></tr></table>\n</body>\n</html>\n";

/* A link is not written out below its button: then it would be there five times for a filter that counts what the text part, the target and the words
 * of a link say, and an odd number costs points (rspamd's URI_COUNT_ODD). The text part has it for those who need to copy it. */
static void write_html(const struct letter_frame *f, struct str markdown, struct str foot, struct buf *out) {
	struct colour_set light;
	colour_light(f->colour, &light);
	add_head(f, out);
	add_coloured(out, frame_begin, &light);
	escape_html(out, f->site);
	add_coloured(out, frame_card, &light);
	add_markdown(out, markdown, &light);
	buf_z(out, frame_foot);
	add_markdown(out, foot, &light);
	buf_z(out, frame_end);
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
