#include "engine/base/civil.h"

#include <string.h>

/* Of the years 1-9999, counted from January of year 0. */
#define FIRST_MONTH INT64_C(12)
#define LAST_MONTH INT64_C(119999)

enum { YEAR_MIN = 1900, YEAR_MAX = 2200 };

static int64_t floor_div(int64_t a, int64_t b) {
	return a / b - (a % b < 0);
}

static int64_t add_clamped(int64_t a, int64_t b, int64_t low, int64_t high) {
	int64_t sum;
	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? low : high;
	return sum < low ? low : sum > high ? high : sum;
}

static bool leap(int64_t year) {
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int64_t year, int month) {
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return days[month - 1] + (month == 2 && leap(year));
}

/* Years are counted from 1 March here: the leap day is then the last of its year, and the lengths
 * of the months repeat every five (153 days). 719468 days lie between 0000-03-01 and 1970-01-01. */
int64_t civil_day(int64_t year, int month, int day) {
	BUG_IF(month < 1 || month > 12 || day < 1 || day > month_days(year, month));
	int64_t from_march = (month + 9) % 12, y = year - (month <= 2);
	int64_t leap_days = floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400);
	return y * 365 + leap_days + (153 * from_march + 2) / 5 + day - 1 - 719468;
}

void civil_split(int64_t day, int64_t *year, int *month, int *day_of_month) {
	int64_t rest = day + 719468, cycles = floor_div(rest, 146097);
	rest -= cycles * 146097;
	int64_t centuries = rest / 36524 < 3 ? rest / 36524 : 3; /* the fourth is a day longer */
	rest -= centuries * 36524;
	int64_t fours = rest / 1461;
	rest -= fours * 1461;
	int64_t years = rest / 365 < 3 ? rest / 365 : 3; /* so is every fourth year */
	rest -= years * 365;
	int64_t from_march = (5 * rest + 2) / 153;
	*month = (int)((from_march + 2) % 12) + 1;
	*day_of_month = (int)(rest - (153 * from_march + 2) / 5) + 1;
	*year = cycles * 400 + centuries * 100 + fours * 4 + years + (*month <= 2);
}

int civil_weekday(int64_t day) {
	return (int)(day + 3 - floor_div(day + 3, 7) * 7) + 1; /* 1970-01-01 was a Thursday */
}

int64_t civil_day_of(int64_t local) {
	return floor_div(local, CIVIL_DAY_MS);
}

/* Cuts a run of 1 to `most` digits off the front. */
static bool cut_digits(struct str *rest, size_t most, int64_t *value, size_t *count) {
	size_t n = 0;
	for (*value = 0; n < rest->len && n < most && rest->at[n] >= '0' && rest->at[n] <= '9'; n++)
		*value = *value * 10 + (rest->at[n] - '0');
	*rest = (struct str){rest->at + n, rest->len - n};
	*count = n;
	return n > 0;
}

/* One of - . / with blanks around it, or blanks alone. */
static bool cut_separator(struct str *rest) {
	size_t before = rest->len;
	*rest = str_trim(*rest);
	if (rest->len > 0 && memchr("-./", rest->at[0], 3)) {
		rest->at++, rest->len--;
		*rest = str_trim(*rest);
	}
	return rest->len < before;
}

static bool make_day(int64_t year, size_t year_digits, int64_t month, int64_t day, int64_t *out) {
	if (year_digits == 2)
		year += year < 70 ? 2000 : 1900;
	else if (year_digits != 4)
		return false;
	if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 || day > month_days(year, (int)month))
		return false;
	*out = civil_day(year, (int)month, (int)day);
	return true;
}

bool civil_parse_date(struct str s, int64_t *day) {
	struct str rest = str_trim(s);
	int64_t part[3];
	size_t digits[3];
	if (!cut_digits(&rest, 8, &part[0], &digits[0]))
		return false;
	if (rest.len == 0) { /* ddmmyy, ddmmyyyy */
		int64_t year_base = digits[0] == 6 ? 100 : 10000;
		return (digits[0] == 6 || digits[0] == 8) &&
		       make_day(part[0] % year_base, digits[0] - 4, part[0] / year_base % 100, part[0] / year_base / 100, day);
	}
	if (!cut_separator(&rest) || !cut_digits(&rest, 2, &part[1], &digits[1]) || !cut_separator(&rest) ||
	    !cut_digits(&rest, 4, &part[2], &digits[2]) || rest.len > 0)
		return false;
	if (digits[0] == 4)
		return digits[2] <= 2 && make_day(part[0], 4, part[1], part[2], day);
	return digits[0] <= 2 && make_day(part[2], digits[2], part[1], part[0], day);
}

bool civil_parse_time(struct str s, int64_t *ms_of_day) {
	struct str rest = str_trim(s);
	int64_t part[4] = {0}; /* hours, minutes, seconds, ms */
	size_t digits;
	for (size_t i = 0; i < 4 && (i < 2 || rest.len > 0); i++) {
		if (i > 0) {
			char mark = rest.len > 0 ? rest.at[0] : 0;
			if (mark != '.' && (mark != ':' || i == 3))
				return false;
			rest.at++, rest.len--;
		}
		if (!cut_digits(&rest, i == 3 ? 3 : 2, &part[i], &digits) || digits < (i == 0 ? 1u : i == 3 ? 3u : 2u))
			return false;
	}
	if (rest.len > 0 || part[0] > 23 || part[1] > 59 || part[2] > 59)
		return false;
	*ms_of_day = ((part[0] * 60 + part[1]) * 60 + part[2]) * 1000 + part[3];
	return true;
}

bool civil_parse_datetime(struct str s, int64_t *local) {
	struct str date = str_trim(s), clock;
	size_t cut = date.len;
	while (cut > 0 && date.at[cut - 1] != 'T' && date.at[cut - 1] != ' ')
		cut--;
	if (cut == 0)
		return false;
	clock = (struct str){date.at + cut, date.len - cut};
	bool spaced = date.at[cut - 1] == ' ';
	date.len = cut - 1;
	if (spaced) { /* "2. april kl. 12.10" is how Danes write it */
		date = str_trim(date);
		if (str_ends(date, STR(" kl.")))
			date.len -= 4;
	}
	int64_t day, ms;
	if (!civil_parse_date(date, &day) || !civil_parse_time(clock, &ms))
		return false;
	*local = day * CIVIL_DAY_MS + ms;
	return true;
}

struct str civil_format_date(struct arena *a, int64_t day) {
	int64_t year;
	int month, day_of_month;
	civil_split(day, &year, &month, &day_of_month);
	return arena_printf(a, "%04lld-%02d-%02d", (long long)year, month, day_of_month);
}

struct str civil_format_datetime(struct arena *a, int64_t local) {
	int64_t day = civil_day_of(local);
	int ms = (int)(local - day * CIVIL_DAY_MS);
	struct str date = civil_format_date(a, day);
	int hour = ms / 3600000, minute = ms / 60000 % 60, second = ms / 1000 % 60;
	if (ms % 1000 != 0)
		return arena_printf(a, "%.*sT%02d:%02d:%02d.%03d", STR_ARG(date), hour, minute, second, ms % 1000);
	if (second != 0)
		return arena_printf(a, "%.*sT%02d:%02d:%02d", STR_ARG(date), hour, minute, second);
	return arena_printf(a, "%.*sT%02d:%02d", STR_ARG(date), hour, minute);
}

struct str civil_format_instant(struct arena *a, int64_t instant) {
	int64_t day = civil_day_of(instant);
	int ms = (int)(instant - day * CIVIL_DAY_MS);
	struct str date = civil_format_date(a, day);
	return arena_printf(a, "%.*sT%02d:%02d:%02d.%03dZ", STR_ARG(date), ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

static int64_t add_months(int64_t day, int64_t months) {
	int64_t year;
	int month, day_of_month;
	civil_split(day, &year, &month, &day_of_month);
	int64_t target = add_clamped(year * 12 + month - 1, months, FIRST_MONTH, LAST_MONTH);
	year = target / 12;
	month = (int)(target % 12) + 1;
	int last = month_days(year, month);
	return civil_day(year, month, day_of_month < last ? day_of_month : last);
}

int64_t civil_add_days(const struct calendar *c, int64_t day, struct span span) {
	day = add_clamped(day, 0, CIVIL_FIRST_DAY, CIVIL_LAST_DAY);
	if (span.months != 0)
		day = add_months(day, span.months);
	day = add_clamped(day, span.days, CIVIL_FIRST_DAY, CIVIL_LAST_DAY);
	if (span.workdays != 0)
		day = add_clamped(calendar_add(c, day, span.workdays), 0, CIVIL_FIRST_DAY, CIVIL_LAST_DAY);
	return add_clamped(day, span.ms / CIVIL_DAY_MS, CIVIL_FIRST_DAY, CIVIL_LAST_DAY);
}

int64_t civil_add(const struct zone *z, const struct calendar *c, int64_t instant, struct span span) {
	int64_t low = CIVIL_FIRST_DAY * CIVIL_DAY_MS, high = (CIVIL_LAST_DAY + 1) * CIVIL_DAY_MS - 1;
	int64_t ms = span.ms;
	instant = add_clamped(instant, 0, low, high);
	span.ms = 0;
	if (span.months != 0 || span.days != 0 || span.workdays != 0) {
		int64_t local = zone_local(z, instant), day = civil_day_of(local);
		int64_t time_of_day = local - day * CIVIL_DAY_MS;
		instant = zone_instant(z, civil_add_days(c, day, span) * CIVIL_DAY_MS + time_of_day);
	}
	return add_clamped(instant, ms, low, high);
}

bool span_parse(struct str s, struct span *out) {
	static const struct unit {
		const char *one, *many, *brief;
		struct span span;
	} units[] = {
	        {"second", "seconds", "s", {.ms = 1000}},
	        {"minute", "minutes", "min", {.ms = 60000}},
	        {"hour", "hours", "h", {.ms = 3600000}},
	        {"day", "days", "d", {.days = 1}},
	        {"week", "weeks", "w", {.days = 7}},
	        {"workday", "workdays", "workday", {.workdays = 1}},
	        {"month", "months", "month", {.months = 1}},
	        {"year", "years", "year", {.months = 12}},
	};
	struct str rest = str_trim(s);
	int64_t n;
	size_t digits;
	if (!cut_digits(&rest, 9, &n, &digits))
		return false;
	rest = str_trim(rest);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (!str_is(rest, units[i].one) && !str_is(rest, units[i].many) && !str_is(rest, units[i].brief))
			continue;
		struct span unit = units[i].span;
		*out = (struct span){n * unit.months, n * unit.days, n * unit.workdays, n * unit.ms};
		return true;
	}
	return false;
}
