#include "engine/base/civil.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CLOSED = 10000, LAST_BEDEDAG_YEAR = 2023 };

struct calendar {
	bool danish;
	int64_t *closed; /* sorted */
	size_t closed_count;
};

static int day_order(const void *left, const void *right) {
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
	return (a > b) - (a < b);
}

/* Strictly ISO: the file has one spelling, so that it can be sorted and compared. */
static bool parse_iso(struct str s, int64_t *day) {
	return s.len == 10 && s.at[4] == '-' && s.at[7] == '-' && civil_parse_date(s, day);
}

static bool read_closed(struct calendar *c, struct str text, struct err *err) {
	for (int line = 1; text.len > 0; line++) {
		struct str rest = str_cut(&text, '\n');
		struct str entry = str_trim(str_cut(&rest, '#'));
		if (entry.len == 0)
			continue;
		if (c->closed_count == MAX_CLOSED)
			return err_set(err, ERR_INPUT, "error.input", "closing days: more than %d dates", MAX_CLOSED);
		if (!parse_iso(entry, &c->closed[c->closed_count]))
			return err_set(err, ERR_INPUT, "error.input", "closing days, line %d: '%.*s' is no date such as 2026-12-24", line,
			               (int)(entry.len < 40 ? entry.len : 40), entry.at);
		c->closed_count++;
	}
	qsort(c->closed, c->closed_count, sizeof *c->closed, day_order);
	return true;
}

struct calendar *calendar_open(struct str holidays, struct str closed, struct err *err) {
	bool danish = str_is(holidays, "dk");
	if (!danish && !str_is(holidays, "none")) {
		err_set(err, ERR_INPUT, "error.input", "no holidays '%.*s' (expected dk or none)", (int)(holidays.len < 40 ? holidays.len : 40),
		        holidays.at);
		return NULL;
	}
	size_t lines = 1;
	for (size_t i = 0; i < closed.len && lines < MAX_CLOSED; i++)
		lines += closed.at[i] == '\n';
	struct calendar *c = calloc(1, sizeof *c);
	BUG_IF(c == NULL);
	c->danish = danish;
	c->closed = calloc(lines, sizeof *c->closed);
	BUG_IF(c->closed == NULL);
	if (!read_closed(c, closed, err)) {
		calendar_close(c);
		return NULL;
	}
	return c;
}

void calendar_close(struct calendar *c) {
	if (!c)
		return;
	free(c->closed);
	free(c);
}

/* Easter Sunday of the Gregorian calendar by its own rules: golden number, century corrections of
 * sun and moon, epact, then the Sunday after that full moon. Year > 0. */
static int64_t easter(int64_t year) {
	int64_t golden = year % 19, century = year / 100;
	int64_t sun = century - century / 4, moon = (8 * century + 13) / 25;
	int64_t age = (19 * golden + sun - moon + 15) % 30; /* days from 21 March to the full moon */
	if (age == 29 || (age == 28 && golden > 10))
		age--;
	int64_t full_moon = civil_day(year, 3, 21) + age;
	return full_moon + 7 - civil_weekday(full_moon) % 7;
}

static bool danish_holiday(int64_t day) {
	int64_t year;
	int month, day_of_month;
	civil_split(day, &year, &month, &day_of_month);
	if (month == 1 || month == 12)
		return month == 1 ? day_of_month == 1 : day_of_month == 25 || day_of_month == 26;
	if (month > 6)
		return false;
	switch (day - easter(year)) {
	case -3: /* skærtorsdag */
	case -2: /* langfredag */
	case 0:
	case 1:
	case 39: /* Kristi himmelfartsdag */
	case 49: /* pinse */
	case 50:
		return true;
	case 26: /* store bededag, abolished by law from 2024 */
		return year <= LAST_BEDEDAG_YEAR;
	default:
		return false;
	}
}

bool calendar_holiday(const struct calendar *c, int64_t day) {
	return c->danish && day >= CIVIL_FIRST_DAY && day <= CIVIL_LAST_DAY && danish_holiday(day);
}

bool calendar_workday(const struct calendar *c, int64_t day) {
	return civil_weekday(day) <= 5 && !calendar_holiday(c, day) &&
	       (c->closed_count == 0 || !bsearch(&day, c->closed, c->closed_count, sizeof day, day_order));
}

int64_t calendar_add(const struct calendar *c, int64_t day, int64_t workdays) {
	int64_t step = workdays < 0 ? -1 : 1;
	while (workdays != 0 && day > CIVIL_FIRST_DAY && day < CIVIL_LAST_DAY) {
		day += step;
		if (calendar_workday(c, day))
			workdays -= step;
	}
	return day;
}
