#include "engine/base/config_check.h"

#include "engine/base/address.h"
#include "engine/base/civil.h"
#include "engine/base/colour.h"
#include "engine/base/escape.h"

#include <arpa/inet.h>
#include <string.h>

enum { MAX_LINE = 1000 };

static bool expected(struct err *err, const char *what) {
	return err_set(err, ERR_INPUT, "error.input", "expected %s", what);
}

static bool has_any(struct str s, const char *characters) {
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] != '\0' && strchr(characters, s.at[i]))
			return true;
	return false;
}

bool check_line(struct str value, struct err *err) {
	return escape_gate(value, MAX_LINE, "the text", err);
}

bool check_word(struct str value, struct err *err) {
	bool good = value.len >= 2 && value.len <= 35;
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];
		good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (i > 1 && ((c >= '0' && c <= '9') || c == '-')));
	}
	return good || expected(err, "a language code such as da");
}

bool check_colour(struct str value, struct err *err) {
	return colour_valid(value) || expected(err, "a colour of six digits in quotes, such as '#0b5e56'");
}

/* host:port, where an IPv6 host stands in [ ]. */
static bool is_host_port(struct str value, bool port_needed) {
	size_t colon = value.len;
	while (colon > 0 && value.at[colon - 1] != ':' && value.at[colon - 1] != ']')
		colon--;
	bool has_port = colon > 0 && value.at[colon - 1] == ':';
	struct str host = {value.at, has_port ? colon - 1 : value.len};
	int64_t port = 0;
	if (has_port && (!str_to_int((struct str){value.at + colon, value.len - colon}, &port) || port < 0 || port > 65535))
		return false;
	bool bracketed = str_starts(host, STR("[")) && str_ends(host, STR("]")) && host.len > 2;
	return host.len > 0 && (bracketed || !has_any(host, ":[]")) && !has_any(host, "/?#@\\\"<> %") && (has_port || !port_needed);
}

/* Length of http:// or https:// in front of a host, or 0. */
static size_t web_scheme(struct str value) {
	size_t scheme = str_starts(value, STR("https://")) ? 8 : str_starts(value, STR("http://")) ? 7 : 0;
	struct str rest = {value.at + scheme, value.len - scheme};
	return scheme > 0 && is_host_port(str_cut(&rest, '/'), false) && !has_any(rest, "#\\\"<> ") ? scheme : 0;
}

bool check_base_url(struct str value, struct err *err) {
	if (web_scheme(value) == 0 || has_any(value, "?"))
		return expected(err, "an address that begins with http:// or https://, without ? and #");
	return check_line(value, err);
}

bool check_gateway(struct str value, struct err *err) {
	return web_scheme(value) > 0 ? check_line(value, err) : expected(err, "an address that begins with http:// or https://");
}

bool check_listen(struct str value, struct err *err) {
	return (is_host_port(value, true) && check_line(value, err)) || expected(err, "host:port, such as 127.0.0.1:8080");
}

bool check_loopback(struct str value, struct err *err) {
	bool here = str_starts(value, STR("127.0.0.1:")) || str_starts(value, STR("[::1]:"));
	return here && is_host_port(value, true) ? check_line(value, err) : expected(err, "an address of this computer alone, 127.0.0.1:9101 or [::1]:9101");
}

bool check_zone(struct str value, struct err *err) {
	struct zone *z = value.len == strlen(value.at) ? zone_open(value.at, err) : NULL;
	zone_close(z);
	return z != NULL || expected(err, "a time zone such as Europe/Copenhagen");
}

bool check_holidays(struct str value, struct err *err) {
	struct calendar *c = calendar_open(value, STR(""), err);
	calendar_close(c);
	return c != NULL;
}

bool check_ip(struct str value, struct err *err) {
	char text[INET6_ADDRSTRLEN], out[16];
	if (value.len >= sizeof text)
		return expected(err, "an IP address such as 10.0.0.1");
	memcpy(text, value.at, value.len);
	text[value.len] = '\0';
	return inet_pton(AF_INET, text, out) == 1 || inet_pton(AF_INET6, text, out) == 1 || expected(err, "an IP address such as 10.0.0.1");
}

bool check_address(struct str value, struct err *err) {
	struct arena *a = arena_new();
	struct str normal;
	bool good = escape_gate(value, MAX_LINE, "the mail address", err) && address_email(a, value, &normal, err) && str_equal(normal, value);
	arena_free(a);
	return good || expected(err, "a mail address such as stafet@example.dk");
}

bool check_domain(struct str value, struct err *err) {
	bool good = value.len > 0 && value.len <= 253 && value.at[0] != '.' && value.at[0] != '-';
	for (size_t i = 0; good && i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];
		good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c >= 0x80;
	}
	return good || expected(err, "a domain in small letters, such as example.dk");
}

bool check_relay(struct str value, struct err *err) {
	size_t scheme = str_starts(value, STR("smtps://")) ? 8 : str_starts(value, STR("smtp://")) ? 7 : 0;
	if (scheme == 0 || !is_host_port((struct str){value.at + scheme, value.len - scheme}, false))
		return expected(err, "smtp://host:587 or smtps://host:465");
	return check_line(value, err);
}

/* A password never travels in clear text, but to this computer. */
bool check_inbox(struct str value, struct err *err) {
	bool tls = str_starts(value, STR("imaps://")), here = str_starts(value, STR("imap://127.0.0.1:")) || str_starts(value, STR("imap://localhost:"));
	size_t scheme = tls ? 8 : 7;
	if ((!tls && !here) || !is_host_port((struct str){value.at + scheme, value.len - scheme}, false))
		return expected(err, "imaps://host:993 (imap:// only to this computer: imap://127.0.0.1:143)");
	return check_line(value, err);
}

bool check_selector(struct str value, struct err *err) {
	bool good = value.len > 0 && value.len <= 63;
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];
		good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.');
	}
	return good || expected(err, "a DKIM selector such as s1");
}

bool check_country(struct str value, struct err *err) {
	int64_t code;
	bool digits = value.len > 0 && value.at[0] >= '1' && value.at[0] <= '9';
	return (digits && str_to_int(value, &code) && code <= 999) || expected(err, "a calling code such as 45");
}

bool check_start_word(struct str value, struct err *err) {
	bool good = value.len > 0 && value.len <= 40;
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];
		good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80);
	}
	return good || str_is(value, "*") || expected(err, "one word of letters and digits, or '*' for every other text");
}

bool check_header(struct str value, struct err *err) {
	struct str rest = value, name = str_cut(&rest, ':');
	if (name.len == 0 || rest.len == 0 || has_any(name, " \t\"(),/;<=>?@[\\]{}"))
		return expected(err, "a header such as 'X-Account: 12'");
	return check_line(value, err);
}
