/* Dates as people type them, with the month in words of any language. */
#include "engine/base/language.h"

#include <stdio.h>
#include <strings.h>

enum { SHORTEST = 3, WORD_MAX = 32 };

static bool is_mark(char c) {
	return c == ' ' || c == '.' || c == ',' || c == '-' || c == '/' || c == '\t';
}

/* The next run of digits or of other characters; empty: no more. */
static struct str cut_token(struct str *rest) {
	size_t from = 0, to;
	while (from < rest->len && is_mark(rest->at[from]))
		from++;
	bool digit = from < rest->len && rest->at[from] >= '0' && rest->at[from] <= '9';
	for (to = from; to < rest->len && !is_mark(rest->at[to]) && (rest->at[to] >= '0' && rest->at[to] <= '9') == digit; to++)
		;
	struct str token = {rest->at + from, to - from};
	*rest = (struct str){rest->at + to, rest->len - to};
	return token;
}

/* Number of the word in a list of names, 1 for the first; 0: none. shortest: how much of a name is enough. */
static int name_number(const struct language *l, const char *list, int count, struct str word, size_t shortest) {
	char key[WORD_MAX];
	for (int i = 1; i <= count; i++) {
		snprintf(key, sizeof key, "%s.%d", list, i);
		struct str name = language_word(l, key);
		bool long_enough = word.len == name.len || (shortest > 0 && word.len >= shortest && word.len < name.len);
		if (long_enough && strncasecmp(name.at, word.at, word.len) == 0)
			return i;
	}
	return 0;
}

static int month_number(const struct languages *l, struct str word) {
	int month = 0;
	for (size_t i = 0; month == 0 && i < languages_count(l); i++)
		month = name_number(language_at(l, i), "months", 12, word, SHORTEST);
	return month;
}

static bool is_weekday(const struct languages *l, struct str word) {
	for (size_t i = 0; i < languages_count(l); i++)
		if (name_number(language_at(l, i), "weekdays", 7, word, 0) > 0)
			return true;
	return str_is(word, "den");
}

/* "5. maj 2026", "tirsdag den 5. maj 2026", "May 5, 2026" */
static bool parse_words(const struct languages *l, struct str s, int64_t *day) {
	struct str numbers[2], token;
	size_t count = 0;
	int month = 0;
	char plain[2 * WORD_MAX];
	while ((token = cut_token(&s)).len > 0) {
		bool digits = token.at[0] >= '0' && token.at[0] <= '9';
		if (digits ? count == 2 || token.len > 4 : token.len >= WORD_MAX)
			return false;
		if (digits)
			numbers[count++] = token;
		else if (count == 0 && month == 0 && is_weekday(l, token))
			continue;
		else if (month != 0 || (month = month_number(l, token)) == 0)
			return false;
	}
	if (count != 2 || month == 0 || numbers[0].len > 2)
		return false;
	int len = snprintf(plain, sizeof plain, "%.*s-%d-%.*s", STR_ARG(numbers[0]), month, STR_ARG(numbers[1]));
	return civil_parse_date((struct str){plain, (size_t)len}, day);
}

bool language_parse_date(const struct languages *l, struct str s, int64_t *day) {
	return civil_parse_date(s, day) || parse_words(l, s, day);
}
