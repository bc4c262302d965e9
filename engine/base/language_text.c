#include "engine/base/language.h"

#include "engine/base/language_parts.h"

#include <stdio.h>
#include <string.h>

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

static struct str format_date(const struct language *l, struct arena *a, const char *format, int64_t day) {
	int64_t year;
	int month, day_of_month;
	civil_split(day, &year, &month, &day_of_month);
	const struct language_part parts[] = {
	        {"weekday", numbered_word(l, "weekdays", civil_weekday(day))},
	        {"day", arena_printf(a, "%d", day_of_month)},
	        {"dd", arena_printf(a, "%02d", day_of_month)},
	        {"month", numbered_word(l, "months", month)},
	        {"mm", arena_printf(a, "%02d", month)},
	        {"yy", arena_printf(a, "%02d", (int)(((year % 100) + 100) % 100))},
	        {"year", arena_printf(a, "%lld", (long long)year)},
	};
	return language_parts_expand(a, language_word(l, format), parts, sizeof parts / sizeof *parts);
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
