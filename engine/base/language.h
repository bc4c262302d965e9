/* language: every word of the product itself (buttons, errors, month names), by language. The files
 * languages/<lang>.yaml are built into the program; a site's own folder languages/ adds or overrides.
 * Immutable after opening: any thread. */
#ifndef ENGINE_BASE_LANGUAGE_H
#define ENGINE_BASE_LANGUAGE_H

#include "engine/base/civil.h"

struct languages;
struct language;

/* folder: extra languages, or NULL. NULL on error; caller closes. Checks that every language has every key of "da". */
struct languages *languages_open(const char *folder, struct err *err);
void languages_close(struct languages *l);
/* By code ("da", "da-DK"); the first language (da) when there is no such one. Borrowed from l. */
const struct language *language_get(const struct languages *l, struct str code);
bool language_known(const struct languages *l, struct str code);
/* The best for an Accept-Language header (RFC 9110 12.5.4), or the first. */
const struct language *language_accept(const struct languages *l, struct str header);
size_t languages_count(const struct languages *l);
const struct language *language_at(const struct languages *l, size_t index);
struct str language_code(const struct language *l); /* "da" */
struct str language_name(const struct language *l); /* "Dansk" */

/* Text of a dotted key with {{0}} and {{1}} replaced by the arguments (not escaped), in arena. Unknown key: the key itself, logged. */
struct str language_text(const struct language *l, struct arena *a, const char *key, struct str arg0, struct str arg1);
struct str language_word(const struct language *l, const char *key); /* without arguments; borrowed */
/* "tirsdag den 2. april 2024", "tirsdag den 2. april 2024 kl. 12.10", short "02-04-24". */
struct str language_date(const struct language *l, struct arena *a, int64_t day);
struct str language_datetime(const struct language *l, struct arena *a, int64_t local);
struct str language_date_short(const struct language *l, struct arena *a, int64_t day);
/* What civil_parse_date reads, and the month as a word of any of these languages: "5. maj 2026", "tirsdag den 5. maj 2026", "May 5, 2026". */
bool language_parse_date(const struct languages *l, struct str s, int64_t *day);
struct str language_decimal(const struct language *l, struct arena *a, double value); /* decimal comma in Danish */
/* "a, b" and "c" as "a, b og c". */
struct str language_and(const struct language *l, struct arena *a, struct str before, struct str last);
struct str language_int(const struct language *l, struct arena *a, int64_t value);     /* 1.350 */

#endif
