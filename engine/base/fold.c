#include "engine/base/fold.h"

#include "engine/base/civil.h"

/* U+00C0 ... U+00FF without their accents; upper and lower case share a row. */
static const char *const latin1[32] = {
        "a", "a", "a", "a", "ae", "aa", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
        "d", "n", "o", "o", "o", "o", "oe", " ", "oe", "u", "u", "u", "ue", "y", "th", "ss",
};

enum { COMBINING_FIRST = 0x300, COMBINING_LAST = 0x36F, DIAERESIS = 0x308, RING = 0x30A };

/* Some devices write a letter and its mark as two characters: what the mark adds to the letter before it. */
static const char *combined(char letter, uint32_t mark) {
	if (mark == RING && letter == 'a')
		return "a";
	return mark == DIAERESIS && (letter == 'a' || letter == 'o' || letter == 'u') ? "e" : "";
}

void fold_text(struct buf *out, struct str s) {
	char before = 0;
	for (size_t at = 0; at < s.len;) {
		uint32_t c = str_utf8_next(s, &at);
		if (c >= COMBINING_FIRST && c <= COMBINING_LAST) {
			buf_z(out, combined(before, c));
			before = 0;
			continue;
		}
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (c >= 0xC0 && c <= 0xFF)
			buf_z(out, latin1[(c - 0xC0) % 32]);
		else if (c == '\n' || c == '\t' || c == '\r')
			buf_char(out, ' ');
		else if (c != UINT32_MAX)
			buf_utf8(out, c);
		before = c < 0x80 ? (char)c : 0;
	}
}

void fold_date(struct buf *out, int64_t day) {
	int64_t year;
	int month, of_month;
	civil_split(day, &year, &month, &of_month);
	buf_printf(out, "%02d-%02d-%lld", of_month, month, (long long)year);
	if (of_month < 10 || month < 10)
		buf_printf(out, " %d-%d-%lld", of_month, month, (long long)year);
}

static bool is_separator(char c) {
	return c == '-' || c == '/' || c == '.';
}

/* One or two digits that make a number up to `most`; moves *s behind them. */
static bool take_number(struct str *s, int most) {
	int number = 0;
	size_t digits = 0;
	while (digits < s->len && digits < 2 && s->at[digits] >= '0' && s->at[digits] <= '9')
		number = number * 10 + (s->at[digits++] - '0');
	*s = (struct str){s->at + digits, s->len - digits};
	return number >= 1 && number <= most;
}

/* "5/3", "5.3." */
static bool fold_day_and_month(struct buf *out, struct str word) {
	struct str rest = word, month;
	if (!take_number(&rest, 31) || rest.len == 0 || !is_separator(rest.at[0]))
		return false;
	struct str day = {word.at, word.len - rest.len};
	month = rest = (struct str){rest.at + 1, rest.len - 1};
	if (!take_number(&rest, 12) || (rest.len > 0 && !(rest.len == 1 && is_separator(rest.at[0]))))
		return false;
	month.len -= rest.len;
	buf_printf(out, "%.*s-%.*s", STR_ARG(day), STR_ARG(month));
	return true;
}

static bool fold_whole_date(struct buf *out, struct str word) {
	size_t separators = 0;
	int64_t day, year;
	int month, of_month;
	for (size_t i = 0; i < word.len; i++)
		separators += is_separator(word.at[i]);
	if (separators != 2 || !civil_parse_date(word, &day))
		return false;
	civil_split(day, &year, &month, &of_month);
	buf_printf(out, "%02d-%02d-%lld", of_month, month, (long long)year);
	return true;
}

void fold_query(struct buf *out, struct str typed) {
	while (typed.len > 0) {
		struct str word = str_cut(&typed, ' ');
		if (!fold_whole_date(out, word) && !fold_day_and_month(out, word))
			fold_text(out, word);
		buf_char(out, ' ');
	}
}
