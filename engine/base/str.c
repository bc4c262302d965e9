#include "engine/base/str.h"

#include "engine/base/err.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct str str_from(const char *z) {
	return (struct str){z ? z : "", z ? strlen(z) : 0};
}

bool str_equal(struct str a, struct str b) {
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool str_is(struct str a, const char *z) {
	return str_equal(a, str_from(z));
}

bool str_starts(struct str a, struct str prefix) {
	return a.len >= prefix.len && str_equal((struct str){a.at, prefix.len}, prefix);
}

bool str_ends(struct str a, struct str suffix) {
	return a.len >= suffix.len && str_equal((struct str){a.at + a.len - suffix.len, suffix.len}, suffix);
}

int str_compare(struct str a, struct str b) {
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.at, b.at, shorter) : 0;
	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

static bool is_space(char c) {
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str a) {
	while (a.len > 0 && is_space(a.at[0]))
		a.at++, a.len--;
	while (a.len > 0 && is_space(a.at[a.len - 1]))
		a.len--;
	return a;
}

struct str str_cut(struct str *rest, char separator) {
	const char *found = rest->len ? memchr(rest->at, separator, rest->len) : NULL;
	struct str head = *rest;
	if (!found) {
		*rest = (struct str){rest->at + rest->len, 0};
		return head;
	}
	head.len = (size_t)(found - rest->at);
	*rest = (struct str){found + 1, rest->len - head.len - 1};
	return head;
}

bool str_to_int(struct str a, int64_t *out) {
	bool negative = a.len > 0 && a.at[0] == '-';
	size_t i = a.len > 0 && (a.at[0] == '-' || a.at[0] == '+');
	if (i == a.len)
		return false;
	int64_t value = 0; /* counted downwards, so that INT64_MIN fits */
	for (; i < a.len; i++) {
		if (a.at[i] < '0' || a.at[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
		    __builtin_sub_overflow(value, (int64_t)(a.at[i] - '0'), &value))
			return false;
	}
	if (!negative && value == INT64_MIN)
		return false;
	*out = negative ? value : -value;
	return true;
}

uint32_t str_utf8_next(struct str a, size_t *at) {
	BUG_IF(*at >= a.len);
	const unsigned char *s = (const unsigned char *)a.at + *at;
	size_t left = a.len - *at;
	uint32_t lead = s[0];
	size_t extra = lead < 0x80 ? 0 : lead >= 0xC2 && lead < 0xE0 ? 1 : lead >= 0xE0 && lead < 0xF0 ? 2 : lead >= 0xF0 && lead < 0xF5 ? 3 : 9;
	if (extra >= left || extra == 9) {
		*at += 1;
		return UINT32_MAX;
	}
	uint32_t point = extra == 0 ? lead : lead & (0x3Fu >> extra);
	for (size_t i = 1; i <= extra; i++) {
		if ((s[i] & 0xC0) != 0x80) {
			*at += 1;
			return UINT32_MAX;
		}
		point = point << 6 | (s[i] & 0x3Fu);
	}
	bool too_long = (extra == 2 && point < 0x800) || (extra == 3 && point < 0x10000);
	if (too_long || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
		*at += 1;
		return UINT32_MAX;
	}
	*at += extra + 1;
	return point;
}

bool str_utf8_valid(struct str a) {
	for (size_t at = 0; at < a.len;)
		if (str_utf8_next(a, &at) == UINT32_MAX)
			return false;
	return true;
}

size_t str_utf8_count(struct str a) {
	size_t count = 0;
	for (size_t at = 0; at < a.len; count++)
		str_utf8_next(a, &at);
	return count;
}

void buf_init(struct buf *b, size_t limit) {
	*b = (struct buf){.limit = limit};
}

void buf_free(struct buf *b) {
	free(b->at);
	*b = (struct buf){.limit = b->limit};
}

/* Room for `more` bytes and the NUL; false (and overflow set) past the limit. */
static bool grow(struct buf *b, size_t more) {
	if (b->overflow || more > b->limit - b->len) {
		b->overflow = true;
		return false;
	}
	size_t need = b->len + more + 1;
	if (need <= b->cap)
		return true;
	size_t cap = b->cap < 128 ? 128 : b->cap * 2;
	b->cap = cap < need ? need : cap;
	b->at = realloc(b->at, b->cap);
	BUG_IF(b->at == NULL);
	return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len) {
	if (!grow(b, len))
		return;
	if (len > 0)
		memcpy(b->at + b->len, bytes, len);
	b->len += len;
	b->at[b->len] = '\0';
}

void buf_str(struct buf *b, struct str s) {
	buf_add(b, s.at, s.len);
}

void buf_z(struct buf *b, const char *z) {
	buf_str(b, str_from(z));
}

/* Texts are written letter by letter in many places: a call of memcpy for each would cost four times as much. */
void buf_char(struct buf *b, char c) {
	if (b->len + 1 >= b->cap || b->len >= b->limit || b->overflow) {
		buf_add(b, &c, 1);
		return;
	}
	b->at[b->len++] = c;
	b->at[b->len] = '\0';
}

void buf_int(struct buf *b, int64_t number) {
	char digits[20], *at = digits + sizeof digits;
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		*--at = '-';
	buf_add(b, at, (size_t)(digits + sizeof digits - at));
}

void buf_utf8(struct buf *b, uint32_t p) {
	char out[4];
	size_t len;
	if (p < 0x80) {
		out[0] = (char)p;
		len = 1;
	} else if (p < 0x800) {
		out[0] = (char)(0xC0 | p >> 6);
		len = 2;
	} else if (p < 0x10000) {
		out[0] = (char)(0xE0 | p >> 12);
		len = 3;
	} else {
		out[0] = (char)(0xF0 | p >> 18);
		len = 4;
	}
	for (size_t i = 1; i < len; i++)
		out[i] = (char)(0x80 | (p >> (6 * (len - 1 - i)) & 0x3F));
	buf_add(b, out, len);
}

/* Bytes for a place of a given size; what does not fit is counted all the same. */
struct sink {
	char *at;
	size_t size, len;
};

static void put(struct sink *s, const char *bytes, size_t count) {
	size_t room = s->len < s->size ? s->size - s->len : 0, fits = count < room ? count : room;
	if (fits > 0)
		memcpy(s->at + s->len, bytes, fits);
	s->len += count;
}

static void put_number(struct sink *s, bool negative, uint64_t value) {
	char digits[21];
	size_t first = sizeof digits;
	do
		digits[--first] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	if (negative)
		digits[--first] = '-';
	put(s, digits + first, sizeof digits - first);
}

static void put_signed(struct sink *s, int64_t value) {
	put_number(s, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static bool begins(const char *format, const char *with) {
	return strncmp(format, with, strlen(with)) == 0;
}

/* What stands behind a percent sign, if it is one of those that nearly all formats are made of; their length, or 0. */
static size_t put_plain(struct sink *s, const char *directive, va_list *args) {
	const char *text;
	int most;
	if (begins(directive, ".*s")) {
		most = va_arg(*args, int);
		text = va_arg(*args, const char *);
		put(s, text, most == 0 ? 0 : strnlen(text, most < 0 ? SIZE_MAX : (size_t)most));
		return 3;
	}
	if (begins(directive, "lld")) {
		put_signed(s, va_arg(*args, long long));
		return 3;
	}
	if (begins(directive, "02d")) { /* of dates and times */
		most = va_arg(*args, int);
		put(s, "0", most >= 0 && most < 10);
		put_signed(s, most);
		return 3;
	}
	if (begins(directive, "zu")) {
		put_number(s, false, va_arg(*args, size_t));
		return 2;
	}
	switch (directive[0]) {
	case 's':
		text = va_arg(*args, const char *);
		text = text ? text : "(null)";
		put(s, text, strlen(text));
		return 1;
	case 'd':
		put_signed(s, va_arg(*args, int));
		return 1;
	case '%':
		put(s, "%", 1);
		return 1;
	default:
		return 0;
	}
}

size_t str_vformat(char *out, size_t size, const char *format, va_list given) {
	struct sink s = {out, size, 0};
	va_list args;
	va_copy(args, given);
	while (*format) {
		size_t literal = strcspn(format, "%");
		put(&s, format, literal);
		format += literal;
		size_t done = *format ? put_plain(&s, format + 1, &args) : 0;
		if (*format && done == 0) { /* from here on it is the library's */
			size_t room = s.len < size ? size - s.len : 0;
			int len = vsnprintf(room > 0 ? out + s.len : NULL, room, format, args);
			BUG_IF(len < 0);
			s.len += (size_t)len;
			break;
		}
		format += *format ? done + 1 : 0;
	}
	va_end(args);
	if (size > 0)
		out[s.len < size ? s.len : size - 1] = '\0';
	return s.len;
}

void buf_vprintf(struct buf *b, const char *format, va_list args) {
	size_t room = b->cap - b->len, len = str_vformat(room > 0 ? b->at + b->len : NULL, room, format, args);
	bool fits = grow(b, len);
	if (fits && len >= room)
		str_vformat(b->at + b->len, len + 1, format, args);
	if (fits)
		b->len += len;
	else if (b->at)
		b->at[b->len] = '\0';
}

void buf_printf(struct buf *b, const char *format, ...) {
	va_list args;
	va_start(args, format);
	buf_vprintf(b, format, args);
	va_end(args);
}

void buf_clear(struct buf *b) {
	b->len = 0;
	b->overflow = false;
	if (b->at)
		b->at[0] = '\0';
}

struct str buf_text(const struct buf *b) {
	return (struct str){b->at ? b->at : "", b->len};
}

/* 0: no character. From 0xA0 on it is Latin-1. */
static const uint16_t windows[32] = {0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
                                     0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178};

bool buf_from_windows(struct buf *out, struct str s) {
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];
		uint32_t point = c >= 0x80 && c < 0xA0 ? windows[c - 0x80] : c;
		if (point == 0)
			return false;
		buf_utf8(out, point);
	}
	return true;
}
