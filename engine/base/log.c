#include "engine/base/log.h"

#include "engine/base/civil.h"
#include "engine/base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PAIRS = 4000, TOKEN_LENGTH = 43, TOKEN_SHOWN = 6 };

static atomic_int threshold = LOG_INFO;

void log_set_level(enum log_level level) {
	atomic_store(&threshold, (int)level);
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static bool is_token(char c) {
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static size_t run_of(struct str s, size_t at, bool (*belongs)(char)) {
	size_t n = at;
	while (n < s.len && belongs(s.at[n]))
		n++;
	return n - at;
}

/* Where the local part of an address could begin: after this character it cannot have begun before. */
static bool is_border(char c) {
	return c == ' ' || c == '"' || c == '\'' || (c != '\0' && strchr("<>(),;:[]", c) != NULL);
}

/* Replaces the local part, which stands in out from `start` on, by its first character. */
static void mask_local(struct buf *out, size_t start) {
	if (out->len == start)
		return;
	size_t keep = start + 1;
	while (keep < out->len && ((unsigned char)out->at[keep] & 0xC0) == 0x80)
		keep++;
	out->len = keep;
	buf_z(out, "***");
}

/* Characters that were put out at once (masked or not), or 0. */
static size_t mask_here(struct buf *out, struct str s, size_t at) {
	struct str rest = {s.at + at, s.len - at};
	if (str_starts(rest, STR("/l/"))) {
		size_t run = run_of(s, at + 3, is_token), shown = run < TOKEN_SHOWN ? run : TOKEN_SHOWN;
		buf_add(out, rest.at, 3 + shown);
		buf_z(out, run > shown ? "***" : "");
		return 3 + run;
	}
	bool fresh = at == 0 || !is_token(s.at[at - 1]);
	if (fresh && run_of(s, at, is_token) == TOKEN_LENGTH) {
		buf_add(out, rest.at, TOKEN_SHOWN);
		buf_z(out, "***");
		return TOKEN_LENGTH;
	}
	size_t digits = rest.at[0] == '+' ? run_of(s, at + 1, is_digit) : 0;
	if (digits >= 8 && digits <= 15) {
		buf_add(out, rest.at, 4);
		buf_z(out, "***");
		buf_add(out, rest.at + digits - 1, 2);
		return digits + 1;
	}
	return 0;
}

static void add_character(struct buf *out, struct str s, size_t *at) {
	size_t from = *at;
	uint32_t point = str_utf8_next(s, at);
	bool printable = point >= 0x20 && point != UINT32_MAX && !(point >= 0x7F && point < 0xA0);
	bool turns_text = (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
	if (printable && !turns_text)
		buf_add(out, s.at + from, *at - from);
	else
		buf_char(out, '?');
}

static void add_masked(struct buf *out, struct str s) {
	size_t local = out->len; /* where the local part of an address would begin */
	bool in_key = true, quoted = false;
	for (size_t at = 0; at < s.len && !out->overflow;) {
		size_t escaped = str_starts((struct str){s.at + at, s.len - at}, STR("%40")) ? 3 : 0;
		if (s.at[at] == '@' || escaped > 0) {
			mask_local(out, local);
			buf_add(out, s.at + at, escaped > 0 ? escaped : 1);
			at += escaped > 0 ? escaped : 1;
			local = out->len;
			continue;
		}
		size_t masked = mask_here(out, s, at);
		at += masked;
		if (masked > 0)
			continue;
		char c = s.at[at];
		add_character(out, s, &at);
		if (is_border(c) || (c == '=' && in_key))
			local = out->len;
		quoted = quoted != (c == '"');
		in_key = !quoted && (c == ' ' || (in_key && (is_token(c) || c == '.')));
	}
}

void log_event(enum log_level level, const char *event, const char *pairs, ...) {
	static const char *const names[] = {"error", "warn", "info", "debug"};
	if ((int)level > atomic_load(&threshold))
		return;
	char raw[MAX_PAIRS]; /* what does not fit is cut */
	va_list args;
	va_start(args, pairs);
	vsnprintf(raw, sizeof raw, pairs, args);
	va_end(args);
	struct buf line;
	buf_init(&line, sizeof raw * 4);
	buf_printf(&line, "event=%s%s", event, raw[0] != '\0' ? " " : "");
	add_masked(&line, str_from(raw));
	struct arena *a = arena_new();
	struct str at = civil_format_instant(a, clock_now());
	buf_printf(&line, " level=%s at=%.*s\n", names[level], STR_ARG(at));
	arena_free(a);
	ssize_t written = write(STDERR_FILENO, line.at, line.len);
	(void)written; /* nobody is left to be told */
	buf_free(&line);
}

void log_err(enum log_level level, const char *event, const struct err *err) {
	static const char *const kinds[] = {"none", "input", "not_found", "denied", "conflict", "transient", "permanent"};
	char text[sizeof err->text];
	memcpy(text, err->text, sizeof text);
	for (char *c = text; *c != '\0'; c++)
		if (*c == '"')
			*c = '\'';
	log_event(level, event, "kind=%s text=\"%s\"", kinds[err->kind], text);
}
