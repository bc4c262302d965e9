#include "otp-portal/request.h"

#include "engine/base/escape.h"

#include <string.h>

enum method request_method(const char *name) {
	if (strcmp(name, "GET") == 0)
		return METHOD_GET;
	if (strcmp(name, "HEAD") == 0)
		return METHOD_HEAD;
	return strcmp(name, "POST") == 0 ? METHOD_POST : METHOD_OTHER;
}

static bool too_much(struct err *err, const char *what) {
	return err_set(err, ERR_INPUT, "error.input", "%s", what);
}

static bool parse_field(struct str text, struct arena *a, struct pairs *out, struct err *err) {
	if (text.len > REQUEST_FIELD)
		return too_much(err, "a field is too long");
	if (out->count >= REQUEST_FIELDS)
		return too_much(err, "too many fields");
	struct pair pair;
	struct str value = text;
	struct str name = str_cut(&value, '=');
	if (!escape_url_decode(a, name, &pair.name) || !escape_url_decode(a, value, &pair.value))
		return too_much(err, "broken escape or UTF-8 in a field");
	*(struct pair *)ARENA_PUSH(a, out) = pair;
	return true;
}

bool request_parse_fields(struct str text, struct arena *a, struct pairs *out, struct err *err) {
	while (text.len > 0) {
		struct str field = str_cut(&text, '&');
		if (field.len > 0 && !parse_field(field, a, out, err))
			return false;
	}
	return true;
}

void request_parse_cookies(struct str text, struct arena *a, struct pairs *out) {
	while (text.len > 0 && out->count < REQUEST_FIELDS) {
		struct str cookie = str_trim(str_cut(&text, ';'));
		if (!memchr(cookie.at, '=', cookie.len))
			continue;
		struct pair *pair = ARENA_PUSH(a, out);
		pair->value = cookie;
		pair->name = str_cut(&pair->value, '=');
	}
}

bool request_cut_target(struct str target, struct request *r, struct err *err) {
	r->query_text = target;
	r->path = str_cut(&r->query_text, '?');
	if (r->path.len == 0 || r->path.at[0] != '/')
		return too_much(err, "the target is no path");
	for (size_t i = 0; i < target.len; i++)
		if ((unsigned char)target.at[i] <= ' ' || target.at[i] == 0x7F)
			return too_much(err, "control character in the target");
	return true;
}

bool request_parse_target(struct str target, struct request *r, struct err *err) {
	return request_cut_target(target, r, err) && request_parse_fields(r->query_text, r->arena, &r->query, err);
}

static char lower(char c) {
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool same_name(struct str a, const char *b) {
	size_t i = 0;
	for (; i < a.len && b[i]; i++)
		if (lower(a.at[i]) != lower(b[i]))
			return false;
	return i == a.len && !b[i];
}

static size_t header_count(const struct request *r, const char *name) {
	size_t count = 0;
	for (size_t i = 0; i < r->headers.count; i++)
		count += same_name(r->headers.items[i].name, name);
	return count;
}

/* RFC 9110 5.6.2: "Content-Length : 5" must not pass as a header of its own. */
static bool is_token(struct str s) {
	for (size_t i = 0; i < s.len; i++) {
		char c = lower(s.at[i]);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !(c && strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return s.len > 0;
}

static bool parse_length(struct str s, int64_t *out) {
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
	return str_to_int(s, out);
}

bool request_judge_framing(const struct request *r, int64_t *length, struct err *err) {
	*length = -1;
	for (size_t i = 0; i < r->headers.count; i++)
		if (!is_token(r->headers.items[i].name))
			return too_much(err, "a header's name is no token");
	size_t lengths = header_count(r, "Content-Length"), codings = header_count(r, "Transfer-Encoding");
	if (lengths > 1 || codings > 1 || (lengths && codings))
		return too_much(err, "the length of the body is told twice");
	if (codings && !same_name(request_header(r, "Transfer-Encoding"), "chunked"))
		return too_much(err, "unknown Transfer-Encoding");
	if (lengths && !parse_length(request_header(r, "Content-Length"), length))
		return too_much(err, "Content-Length is no number");
	if (r->method != METHOD_POST && (codings || *length > 0))
		return too_much(err, "a body where none belongs");
	if (header_count(r, "Host") != 1)
		return too_much(err, "exactly one Host is needed");
	return true;
}

static bool is_loopback_name(struct str host) {
	return str_is(host, "127.0.0.1") || same_name(host, "localhost") || str_is(host, "[::1]");
}

bool request_host_known(const struct request *r) {
	struct str host = request_header(r, "Host");
	const struct portal_world *w = r->world;
	if (same_name(host, arena_z(r->arena, w->host)))
		return true;
	struct str port = arena_printf(r->arena, ":%d", w->port);
	if (!w->loopback)
		return false;
	if (str_ends(host, port))
		return is_loopback_name((struct str){host.at, host.len - port.len});
	return w->port == 80 && is_loopback_name(host);
}

bool request_same_site(const struct request *r) {
	struct str site = request_header(r, "Sec-Fetch-Site");
	if (site.len > 0)
		return str_is(site, "same-origin") || str_is(site, "none");
	/* A page under Referrer-Policy: no-referrer posts with Origin: null. */
	struct str origin = request_header(r, "Origin");
	if (origin.len == 0 || str_is(origin, "null"))
		return true;
	struct str host = request_header(r, "Host");
	struct str scheme = str_starts(origin, STR("https://")) ? STR("https://") : STR("http://");
	if (!str_starts(origin, scheme))
		return false;
	return str_equal((struct str){origin.at + scheme.len, origin.len - scheme.len}, host);
}

bool request_is_form(const struct request *r) {
	struct str type = request_header(r, "Content-Type");
	return same_name(str_trim(str_cut(&type, ';')), "application/x-www-form-urlencoded");
}

static bool offered(const struct request *r, struct str code) {
	const struct site_config *config = site_config(r->world->options.site);
	for (size_t i = 0; i < config->language_count; i++)
		if (str_equal(config->languages[i], code))
			return true;
	return false;
}

void request_choose_language(struct request *r, struct str fallback) {
	const struct site_config *config = site_config(r->world->options.site);
	const struct languages *all = site_languages(r->world->options.site);
	struct str asked = request_form(r, "lang");
	if (asked.len == 0)
		asked = request_query(r, "lang");
	r->language_chosen = offered(r, asked);
	if (r->language_chosen) {
		r->language = language_get(all, asked);
	} else if (offered(r, fallback)) {
		r->language = language_get(all, fallback);
	} else {
		r->language = language_accept(all, request_header(r, "Accept-Language"));
		if (!offered(r, language_code(r->language)))
			r->language = language_get(all, config->language_count ? config->languages[0] : STR("da"));
	}
}

static struct str pairs_get(const struct pairs *pairs, const char *name) {
	for (size_t i = 0; i < pairs->count; i++)
		if (str_is(pairs->items[i].name, name))
			return pairs->items[i].value;
	return STR("");
}

struct str request_header(const struct request *r, const char *name) {
	for (size_t i = 0; i < r->headers.count; i++)
		if (same_name(r->headers.items[i].name, name))
			return r->headers.items[i].value;
	return STR("");
}

struct str request_header_list(const struct request *r, const char *name) {
	struct str list = STR("");
	for (size_t i = 0; i < r->headers.count; i++)
		if (same_name(r->headers.items[i].name, name))
			list = arena_printf(r->arena, "%.*s%s%.*s", STR_ARG(list), list.len > 0 ? ", " : "", STR_ARG(r->headers.items[i].value));
	return list;
}

struct str request_query(const struct request *r, const char *name) {
	return pairs_get(&r->query, name);
}

struct str request_form(const struct request *r, const char *name) {
	return pairs_get(&r->form, name);
}

struct str request_cookie(const struct request *r, const char *name) {
	return pairs_get(&r->cookies, name);
}
