#include "otp-portal/page.h"

#include "engine/base/escape.h"
#include "engine/base/log.h"
#include "otp-portal/assets.h"

#include <string.h>

static const struct site_config *config_of(const struct request *r) {
	return site_config(r->world->options.site);
}

void page_word(struct request *r, struct response *out, const char *key) {
	escape_html(&out->body, language_word(r->language, key));
}

void page_text(struct request *r, struct response *out, const char *key, struct str arg0, struct str arg1) {
	escape_html(&out->body, language_text(r->language, r->arena, key, arg0, arg1));
}

struct str page_with(const struct request *r, struct str path, struct str query) {
	const char *sign = memchr(path.at, '?', path.len) ? "&" : "?";
	return arena_printf(r->arena, "%.*s%s%.*s", STR_ARG(path), sign, STR_ARG(query));
}

struct str page_with_value(const struct request *r, struct str path, struct str name, struct str value) {
	struct buf escaped;
	buf_init(&escaped, 8000);
	buf_str(&escaped, name);
	buf_char(&escaped, '=');
	escape_url(&escaped, value);
	struct str out = page_with(r, path, buf_text(&escaped));
	buf_free(&escaped);
	return out;
}

static struct str with_language(const struct request *r, struct str path, struct str code) {
	return page_with(r, path, arena_printf(r->arena, "lang=%.*s", STR_ARG(code)));
}

struct str page_path(const struct request *r, struct str path) {
	return r->language_chosen ? with_language(r, path, language_code(r->language)) : path;
}

void page_way(struct request *r, struct response *out, struct str path, const char *key) {
	buf_z(&out->body, "<p><a href=\"");
	escape_html(&out->body, page_path(r, path));
	buf_z(&out->body, "\">");
	page_word(r, out, key);
	buf_z(&out->body, "</a></p>\n");
}

void page_hidden(struct response *out, const char *name, struct str value) {
	buf_printf(&out->body, "<input type=\"hidden\" name=\"%s\" value=\"", name);
	escape_html(&out->body, value);
	buf_z(&out->body, "\">\n");
}

void page_hidden_language(struct request *r, struct response *out) {
	if (r->language_chosen)
		page_hidden(out, "lang", language_code(r->language));
}

void page_search_box(struct request *r, struct str search, struct response *out) {
	struct buf *b = &out->body;
	buf_z(b, "<label for=\"q\">");
	page_word(r, out, "list.search-label");
	buf_z(b, "</label>\n<input type=\"search\" id=\"q\" name=\"q\" value=\"");
	escape_html(b, search);
	buf_z(b, "\">\n<button class=\"quiet\">");
	page_word(r, out, "list.search");
	buf_z(b, "</button>\n");
}

void page_filters_end(struct request *r, struct response *out) {
	buf_z(&out->body, "<p class=\"buttons\"><button class=\"quiet\">");
	page_word(r, out, "list.show");
	buf_z(&out->body, "</button></p>\n</details>\n");
}

static void write_head(struct request *r, struct response *out, const struct page *page) {
	const struct assets *assets = r->world->assets;
	struct buf *b = &out->body;
	buf_z(b, "<!DOCTYPE html>\n<html lang=\"");
	escape_html(b, language_code(r->language));
	buf_z(b, "\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
	if (page->error) {
		page_word(r, out, "form.error-prefix");
		buf_char(b, ' ');
	}
	escape_html(b, page->title);
	if (!str_equal(page->title, config_of(r)->name)) {
		buf_z(b, " – ");
		escape_html(b, config_of(r)->name);
	}
	buf_z(b, "</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	         "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"stylesheet\" href=\"");
	escape_html(b, assets->style.path);
	buf_z(b, "\">\n<link rel=\"icon\" href=\"");
	escape_html(b, assets->logo.path.len > 0 ? assets->logo.path : assets->icon.path);
	buf_z(b, "\">\n</head>\n");
}

/* The page in the other languages; lang and hreflang tell a screen reader how to say each name. */
static void write_languages(struct request *r, struct response *out, const struct page *page) {
	const struct site_config *config = config_of(r);
	struct buf *b = &out->body;
	if (page->here.len == 0 || config->language_count < 2)
		return;
	buf_z(b, "<nav class=\"languages\" aria-label=\"");
	page_word(r, out, "page.language");
	buf_z(b, "\">");
	for (size_t i = 0; i < config->language_count; i++) {
		struct str code = config->languages[i];
		if (str_equal(code, language_code(r->language)))
			continue;
		buf_z(b, "<a href=\"");
		escape_html(b, with_language(r, page->here, code));
		buf_printf(b, "\" lang=\"%.*s\" hreflang=\"%.*s\">", STR_ARG(code), STR_ARG(code));
		escape_html(b, language_name(language_get(site_languages(r->world->options.site), code)));
		buf_z(b, "</a>");
	}
	buf_z(b, "</nav>\n");
}

static void write_login(struct request *r, struct response *out) {
	buf_z(&out->body, "<a class=\"enter\" href=\"");
	escape_html(&out->body, page_path(r, STR("/home/otplogin")));
	buf_z(&out->body, "\">");
	page_word(r, out, "front.login");
	buf_z(&out->body, "</a>\n");
}

static void write_logout(struct request *r, struct response *out) {
	buf_z(&out->body, "<a class=\"own\" href=\"");
	escape_html(&out->body, page_path(r, STR("/backend?view=home")));
	buf_z(&out->body, "\">");
	page_word(r, out, "login.home");
	buf_z(&out->body, "</a>\n<form method=\"post\" action=\"/backend/logout\" class=\"logout\">");
	page_hidden_language(r, out);
	buf_z(&out->body, "<button class=\"quiet\">");
	page_word(r, out, "login.logout");
	buf_z(&out->body, "</button></form>\n");
}

static void write_brand(struct request *r, struct response *out) {
	struct buf *b = &out->body;
	struct str logo = r->world->assets->logo.path;
	buf_z(b, logo.len > 0 ? "<a class=\"brand with-logo\" href=\"" : "<a class=\"brand\" href=\"");
	escape_html(b, page_path(r, STR("/")));
	buf_z(b, "\">");
	if (logo.len > 0) {
		buf_z(b, "<img src=\"");
		escape_html(b, logo);
		buf_z(b, "\" alt=\"\">");
	}
	escape_html(b, config_of(r)->name);
	buf_z(b, "</a>\n");
}

void page_begin(struct request *r, struct response *out, const struct page *page) {
	struct buf *b = &out->body;
	write_head(r, out, page);
	buf_z(b, page->wide ? "<body class=\"wide\">\n" : "<body>\n");
	buf_z(b, "<a class=\"skip\" href=\"#main\">");
	page_word(r, out, "page.skip");
	buf_z(b, "</a>\n");
	if (r->world->options.demo) {
		buf_z(b, "<aside class=\"banner\">");
		page_word(r, out, "demo.banner");
		buf_z(b, " <a href=\"/demo/inbox\">");
		page_word(r, out, "demo.inbox");
		buf_z(b, "</a></aside>\n");
	}
	buf_z(b, "<header class=\"top\"><div class=\"wrap\">\n");
	write_brand(r, out);
	write_languages(r, out, page);
	if (page->enters)
		write_login(r, out);
	if (page->logged_in)
		write_logout(r, out);
	buf_z(b, "</div></header>\n<main id=\"main\" class=\"wrap\">\n");
}

void page_end(struct request *r, struct response *out) {
	struct buf *b = &out->body;
	buf_z(b, "</main>\n<footer class=\"foot\"><div class=\"wrap\">\n");
	struct str contact = local_text_in(&config_of(r)->contact, language_code(r->language));
	if (contact.len > 0) {
		buf_z(b, "<p>");
		page_text(r, out, "page.help", contact, STR(""));
		buf_z(b, "</p>\n");
	}
	if (local_text_in(&config_of(r)->help, language_code(r->language)).len > 0)
		page_way(r, out, STR("/help"), "help.title");
	buf_z(b, "</div></footer>\n</body>\n</html>\n");
}

/* Where the same page is in another language. What was posted, or is no plain path of our own, has no such place. */
static struct str own_path(const struct request *r) {
	bool plain = r->path.len > 0 && r->path.at[0] == '/' && (r->path.len == 1 || (r->path.at[1] != '/' && r->path.at[1] != '\\'));
	return plain && (r->method & (METHOD_GET | METHOD_HEAD)) && !memchr(r->path.at, '?', r->path.len) ? r->path : STR("");
}

void page_message(struct request *r, struct response *out, unsigned status, const char *title_key, const char *text_key, struct str arg) {
	struct page page = {.title = language_word(r->language, title_key)};
	if (status != 404) /* every wrong link gets the same page, to the byte */
		page.here = own_path(r);
	buf_clear(&out->body);
	out->status = status;
	page_begin(r, out, &page);
	buf_z(&out->body, "<h1>");
	page_word(r, out, title_key);
	buf_z(&out->body, "</h1>\n<p>");
	page_text(r, out, text_key, arg, STR(""));
	buf_z(&out->body, "</p>\n");
	page_end(r, out);
}

void page_error(struct request *r, struct response *out, unsigned status, const char *key) {
	struct page page = {.title = language_word(r->language, arena_printf(r->arena, "%s-title", key).at), .here = own_path(r)};
	buf_clear(&out->body);
	out->status = status;
	page_begin(r, out, &page);
	buf_z(&out->body, "<h1>");
	escape_html(&out->body, page.title);
	buf_z(&out->body, "</h1>\n<p>");
	page_word(r, out, key);
	buf_z(&out->body, "</p>\n<p class=\"buttons\"><a class=\"button quiet\" href=\"");
	escape_html(&out->body, page_path(r, STR("/")));
	buf_z(&out->body, "\">");
	page_word(r, out, "page.to-front");
	buf_z(&out->body, "</a></p>\n");
	page_end(r, out);
}

void page_not_found(struct request *r, struct response *out) {
	page_error(r, out, 404, "error.not-found");
}

void page_wrong_method(struct request *r, struct response *out, struct str allow) {
	page_error(r, out, 405, "error.method");
	response_header(out, r, "Allow", allow);
}

void page_failure(struct request *r, struct response *out, const struct err *err) {
	switch (err->kind) {
	case ERR_NOT_FOUND:
		page_not_found(r, out);
		return;
	case ERR_INPUT:
		page_error(r, out, 400, "error.input");
		return;
	case ERR_DENIED:
		page_error(r, out, 429, "error.too-often");
		return;
	case ERR_CONFLICT:
		page_message(r, out, 409, "link.not-now-title", "link.not-now", STR(""));
		return;
	case ERR_TRANSIENT:
		log_err(LOG_WARN, "portal-busy", err);
		response_header(out, r, "Retry-After", STR("10"));
		page_error(r, out, 503, "error.busy");
		return;
	default:
		log_err(LOG_ERROR, "portal-failed", err);
		page_error(r, out, 500, "error.internal");
	}
}
