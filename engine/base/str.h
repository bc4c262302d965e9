/* str: borrowed byte strings and one capped builder.
 *
 * struct str is for reading: it owns nothing and need not end in NUL. struct buf is for
 * writing: it is born with a limit, and its overflow flag is sticky, so a caller writes
 * everything and looks once at the end. Any thread; no shared state. */
#ifndef ENGINE_BASE_STR_H
#define ENGINE_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *at;
	size_t len;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).len, (s).at

struct str str_from(const char *z); /* NULL gives the empty string; borrowed as long as z */
bool str_equal(struct str a, struct str b);
bool str_is(struct str a, const char *z);
bool str_starts(struct str a, struct str prefix);
bool str_ends(struct str a, struct str suffix);
int str_compare(struct str a, struct str b); /* bytewise, as memcmp */
struct str str_trim(struct str a);           /* without ASCII white space at both ends */
/* Cuts *rest at the first separator and returns what stood before it (all of it, if none). */
struct str str_cut(struct str *rest, char separator);
/* Whole string as a decimal integer with optional sign; false when it is anything else or out of range. */
bool str_to_int(struct str a, int64_t *out);
bool str_utf8_valid(struct str a);
/* Next code point at *at, which moves on; UINT32_MAX where the bytes are no UTF-8 (moves one byte). */
uint32_t str_utf8_next(struct str a, size_t *at);
size_t str_utf8_count(struct str a); /* code points */

/* As vsnprintf, only quicker where a format has no more than %s, %.*s, %d, %lld, %zu and %%: the length of all; out has as much of it as fits, and a NUL. */
__attribute__((format(printf, 3, 0))) size_t str_vformat(char *out, size_t size, const char *format, va_list args);

struct buf {
	char *at; /* always NUL-terminated after the first write */
	size_t len, cap, limit;
	bool overflow; /* something did not fit; nothing was written since */
};

void buf_init(struct buf *b, size_t limit); /* limit in bytes, without the NUL */
void buf_free(struct buf *b);
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_str(struct buf *b, struct str s);
void buf_z(struct buf *b, const char *z);
void buf_char(struct buf *b, char c);
void buf_utf8(struct buf *b, uint32_t code_point);
bool buf_from_windows(struct buf *b, struct str s); /* Windows-1252, as old spreadsheets write it, as UTF-8; false: it has what is no character there, as UTF-16 does */
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *b, const char *format, ...);
void buf_int(struct buf *b, int64_t number); /* in decimal */
void buf_vprintf(struct buf *b, const char *format, va_list args);
void buf_clear(struct buf *b);            /* empty again, memory and limit kept */
struct str buf_text(const struct buf *b); /* borrowed until the next write */

#endif
