#include "engine/base/language.h"

#include "engine/base/language_parts.h"

#include <stdio.h>
#include <string.h>

enum { DATE_BYTES = 4000 };

struct str language_text(const struct language *l, struct arena *a, const char *key, struct str arg0, struct str arg1) {
	return language_parts_expand(a, language_word(l, key), (struct language_part[]){{"0", arg0}, {"1", arg1}}, 2);
}

struct str language_and(const struct language *l, struct arena *a, struct str before, struct str last) {
	return language_text(l, a, "form.and", before, last);
}

static struct str numbered_word(const struct language *l, const char *list, int number) {
	char key[32];
	snprintf(key, sizeof key, "%s.%d", list, number);
	return language_word(l, key);
}

static void write_part(const struct language *l, struct str name, int64_t day, struct buf *out) {
	int64_t year;
	int month, day_of_month;
	civil_split(day, &year, &month, &day_of_month);
	if (str_is(name, "dd") || str_is(name, "mm"))
		buf_printf(out, "%02d", name.at[0] == 'd' ? day_of_month : month);
	else if (str_is(name, "yy"))
		buf_printf(out, "%02d", (int)(((year % 100) + 100) % 100));
	else if (str_is(name, "year"))
		buf_printf(out, "%lld", (long long)year);
	else if (str_is(name, "day"))
		buf_printf(out, "%d", day_of_month);
	else if (str_is(name, "month"))
		buf_str(out, numbered_word(l, "months", month));
	else if (str_is(name, "weekday"))
		buf_str(out, numbered_word(l, "weekdays", civil_weekday(day)));
}

/* Only what the format names is looked for: a list has many dates. */
static struct str format_date(const struct language *l, struct arena *a, const char *format, int64_t day) {
	struct buf out;
	struct str rest = language_word(l, format), before, name;
	buf_init(&out, DATE_BYTES);
	while (language_parts_next(&rest, &before, &name)) {
		buf_str(&out, before);
		write_part(l, name, day, &out);
	}
	buf_str(&out, before);
	struct str text = arena_str(a, buf_text(&out));
	buf_free(&out);
	return text;
}

struct str language_date(const struct language *l, struct arena *a, int64_t day) {
	return format_date(l, a, "formats.date", day);
}

struct str language_date_short(const struct language *l, struct arena *a, int64_t day) {
	return format_date(l, a, "formats.short", day);
}

struct str language_datetime(const struct language *l, struct arena *a, int64_t local) {
	int64_t day = civil_day_of(local);
	int minutes = (int)((local - day * CIVIL_DAY_MS) / 60000);
	const struct language_part parts[] = {
	        {"date", language_date(l, a, day)},
	        {"hour", arena_printf(a, "%02d", minutes / 60)},
	        {"minute", arena_printf(a, "%02d", minutes % 60)},
	};
	return language_parts_expand(a, language_word(l, "formats.datetime"), parts, sizeof parts / sizeof *parts);
}

/* Groups of three from the right; a minus sign in front stays. */
static void add_grouped(struct buf *out, struct str digits, struct str mark) {
	if (digits.len > 0 && digits.at[0] == '-') {
		buf_char(out, '-');
		digits.at++, digits.len--;
	}
	for (size_t i = 0; i < digits.len; i++) {
		if (i > 0 && (digits.len - i) % 3 == 0)
			buf_str(out, mark);
		buf_char(out, digits.at[i]);
	}
}

static struct str format_number(const struct language *l, struct arena *a, struct str plain) {
	struct buf out;
	struct str fraction = plain, whole = str_cut(&fraction, '.');
	buf_init(&out, 256);
	add_grouped(&out, whole, language_word(l, "thousands"));
	if (fraction.len > 0) {
		buf_str(&out, language_word(l, "decimal"));
		buf_str(&out, fraction);
	}
	struct str text = arena_str(a, buf_text(&out));
	buf_free(&out);
	return text;
}

struct str language_decimal(const struct language *l, struct arena *a, double value) {
	struct str plain = arena_printf(a, "%.15g", value);
	bool scientific = memchr(plain.at, 'e', plain.len) || memchr(plain.at, 'n', plain.len); /* 1e+20, inf, nan */
	return scientific ? plain : format_number(l, a, plain);
}

struct str language_int(const struct language *l, struct arena *a, int64_t value) {
	return format_number(l, a, arena_printf(a, "%lld", (long long)value));
}
