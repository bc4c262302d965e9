/* Dates, zones and workdays, by table. */
#include "engine/base/quiet.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define HOUR INT64_C(3600000)

static struct zone *zone(const char *name) {
	struct err err = {0};
	struct zone *z = zone_open(name, &err);
	assert_non_null(z);
	return z;
}

static struct calendar *danish(const char *closed) {
	struct err err = {0};
	struct calendar *c = calendar_open(STR("dk"), str_from(closed), &err);
	assert_non_null(c);
	return c;
}

static int64_t local(const char *text) {
	int64_t out;
	assert_true(civil_parse_datetime(str_from(text), &out));
	return out;
}

static int64_t day(const char *text) {
	int64_t out;
	assert_true(civil_parse_date(str_from(text), &out));
	return out;
}

static void assert_instant(int64_t instant, const char *expected) {
	struct arena *a = arena_new();
	assert_string_equal(civil_format_instant(a, instant).at, expected);
	arena_free(a);
}

static void assert_day(int64_t got, const char *expected) {
	struct arena *a = arena_new();
	assert_string_equal(civil_format_date(a, got).at, expected);
	arena_free(a);
}

/* Every day of 800 years, against plain counting. */
static void test_days_count_on(void **state) {
	(void)state;
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t number = civil_day(1600, 1, 1);
	int weekday = 6; /* a Saturday */
	for (int64_t year = 1600; year < 2400; year++) {
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
		for (int month = 1; month <= 12; month++)
			for (int d = 1; d <= lengths[month - 1] + (month == 2 && leap); d++, number++, weekday = weekday % 7 + 1) {
				int64_t y;
				int m, dd;
				civil_split(number, &y, &m, &dd);
				if (civil_day(year, month, d) != number || y != year || m != month || dd != d || civil_weekday(number) != weekday)
					fail_msg("%lld-%d-%d", (long long)year, month, d);
			}
	}
	assert_int_equal(civil_day(1970, 1, 1), 0);
	assert_int_equal(civil_day(1, 1, 1), CIVIL_FIRST_DAY);
	assert_int_equal(civil_day(9999, 12, 31), CIVIL_LAST_DAY);
	assert_int_equal(civil_day_of(-1), -1);
	assert_int_equal(civil_day_of(CIVIL_DAY_MS), 1);
}

static void test_date_spellings(void **state) {
	(void)state;
	static const char *const good[] = {"2026-03-29", "29-03-2026", "29.3.2026", "29/3 2026", "290326",     "29032026",      " 29-3-26 ",
	                                   "29. 3. 2026", "29/3-2026", "29 3 2026", "2026-3-29", "2026/03/29", "29 - 03 - 2026"};
	for (size_t i = 0; i < COUNT(good); i++)
		assert_day(day(good[i]), "2026-03-29");
	assert_day(day("29-02-2024"), "2024-02-29");
	assert_day(day("29-02-2000"), "2000-02-29");
	assert_day(day("01-01-1900"), "1900-01-01");
	assert_day(day("31-12-2200"), "2200-12-31");
	assert_day(day("311269"), "2069-12-31");
	assert_day(day("010170"), "1970-01-01");
	static const char *const bad[] = {"",           "29-02-2023", "29-02-1900", "29-02-2100", "31-04-2026", "00-01-2026", "01-00-2026",  "01-13-2026",
	                                  "2026-02-30", "1899-12-31", "2201-01-01", "29-03",      "29/3",       "2903",       "2026-03-29x", "x2026-03-29",
	                                  "29-03-026",  "29-03-20266", "-29-03-2026", "2026--3-29", "29-03--2026", "3/29/2026", "2026-03",   "99999999999999999999",
	                                  "29,03,2026", "+9-03-2026", "2026-3-2026", "290-3-2026", "\xC3\xA6", "29-03-2026-"};
	int64_t out;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (civil_parse_date(str_from(bad[i]), &out))
			fail_msg("'%s' was taken", bad[i]);
	assert_false(civil_parse_date((struct str){"2026-03-29\0", 11}, &out));
}

static void test_times(void **state) {
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"12:00", 12 * HOUR}, {"12.00", 12 * HOUR}, {"9.05", 9 * HOUR + 300000}, {"00:00", 0}, {"23:59:59", 24 * HOUR - 1000},
	            {"12:00:30", 12 * HOUR + 30000}, {"12:00:30.250", 12 * HOUR + 30250}, {" 07:30 ", 7 * HOUR + 1800000}};
	int64_t out;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(civil_parse_time(str_from(good[i].text), &out));
		assert_int_equal(out, good[i].ms);
	}
	static const char *const bad[] = {"", "12", "24:00", "12:60", "12:00:60", "12:0", "1200", "12:00:", "12:00Z", "-1:00", "12:00:30.2", "12:00:30:250", "12 00"};
	for (size_t i = 0; i < COUNT(bad); i++)
		if (civil_parse_time(str_from(bad[i]), &out))
			fail_msg("'%s' was taken", bad[i]);
}

static void test_datetimes(void **state) {
	(void)state;
	int64_t noon = day("2026-03-29") * CIVIL_DAY_MS + 12 * HOUR, out;
	static const char *const good[] = {"2026-03-29T12:00", "2026-03-29 12:00", "29-03-2026 12.00", "29/3 2026 12:00", "29-3-2026 kl. 12.00", "2026-03-29  12:00"};
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(local(good[i]), noon);
	static const char *const bad[] = {"", "2026-03-29", "12:00", "2026-03-29T", "T12:00", "2026-03-29T12:00Z", "2026-03-29T12:00+01:00", "29/3 2026", "2026-03-29T25:00", " kl. 12.00"};
	for (size_t i = 0; i < COUNT(bad); i++)
		if (civil_parse_datetime(str_from(bad[i]), &out))
			fail_msg("'%s' was taken", bad[i]);
}

static void test_formats_read_back(void **state) {
	(void)state;
	struct arena *a = arena_new();
	static const char *const texts[] = {"2026-03-29T12:00", "1969-12-31T23:59:59", "2026-03-29T00:00:00.001", "2200-12-31T23:59:59.999"};
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_string_equal(civil_format_datetime(a, local(texts[i])).at, texts[i]);
	assert_string_equal(civil_format_instant(a, -1).at, "1969-12-31T23:59:59.999Z");
	arena_free(a);
}

/* Wall clock of a zone to instant, and back where it exists. */
static void test_zone_nights(void **state) {
	(void)state;
	static const struct {
		const char *zone, *local, *instant;
		bool exists;
	} rows[] = {
	        {"Europe/Copenhagen", "2026-01-15T12:00", "2026-01-15T11:00:00.000Z", true},
	        {"Europe/Copenhagen", "2026-07-15T12:00", "2026-07-15T10:00:00.000Z", true},
	        {"Europe/Copenhagen", "2026-03-29T01:59:59.999", "2026-03-29T00:59:59.999Z", true},
	        {"Europe/Copenhagen", "2026-03-29T02:00", "2026-03-29T01:00:00.000Z", false},
	        {"Europe/Copenhagen", "2026-03-29T02:30", "2026-03-29T01:00:00.000Z", false},
	        {"Europe/Copenhagen", "2026-03-29T02:59:59.999", "2026-03-29T01:00:00.000Z", false},
	        {"Europe/Copenhagen", "2026-03-29T03:00", "2026-03-29T01:00:00.000Z", true},
	        {"Europe/Copenhagen", "2026-10-25T01:59", "2026-10-24T23:59:00.000Z", true},
	        {"Europe/Copenhagen", "2026-10-25T02:00", "2026-10-25T00:00:00.000Z", true},
	        {"Europe/Copenhagen", "2026-10-25T02:30", "2026-10-25T00:30:00.000Z", true},
	        {"Europe/Copenhagen", "2026-10-25T02:59:59.999", "2026-10-25T00:59:59.999Z", true},
	        {"Europe/Copenhagen", "2026-10-25T03:00", "2026-10-25T02:00:00.000Z", true},
	        {"Europe/Copenhagen", "2040-07-01T12:00", "2040-07-01T10:00:00.000Z", true},
	        {"Europe/Copenhagen", "2150-07-01T12:00", "2150-07-01T10:00:00.000Z", true},
	        {"Europe/Copenhagen", "2150-12-01T12:00", "2150-12-01T11:00:00.000Z", true},
	        {"Europe/Copenhagen", "1969-12-31T23:30:00.500", "1969-12-31T22:30:00.500Z", true},
	        {"UTC", "2026-03-29T02:30", "2026-03-29T02:30:00.000Z", true},
	        {"America/New_York", "2026-03-08T02:30", "2026-03-08T07:00:00.000Z", false},
	        {"America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00.000Z", true},
	        {"Australia/Lord_Howe", "2026-10-04T02:10", "2026-10-03T15:30:00.000Z", false}, /* a gap of 30 minutes */
	        {"Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00.000Z", false},        /* a day that never was */
	        {"Asia/Kathmandu", "2026-01-01T00:00", "2025-12-31T18:15:00.000Z", true},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct zone *z = zone(rows[i].zone);
		int64_t instant = zone_instant(z, local(rows[i].local));
		assert_instant(instant, rows[i].instant);
		if (rows[i].exists)
			assert_int_equal(zone_local(z, instant), local(rows[i].local));
		zone_close(z);
	}
	struct zone *z = zone("Europe/Copenhagen"); /* both 02:30 of the night show the same wall clock */
	int64_t first = zone_instant(z, local("2026-10-25T02:30"));
	assert_int_equal(zone_local(z, first + HOUR), local("2026-10-25T02:30"));
	assert_int_equal(zone_local(z, zone_instant(z, local("2026-03-29T02:30"))), local("2026-03-29T03:00"));
	zone_close(z);
}

/* Each quarter of an hour of two years: the answer is the first instant that shows the wall time or more. */
static void test_zone_definition(void **state) {
	(void)state;
	static const char *const names[] = {"Europe/Copenhagen", "America/Nuuk", "Australia/Lord_Howe", "Africa/Casablanca"};
	for (size_t n = 0; n < COUNT(names); n++) {
		struct zone *z = zone(names[n]);
		for (int64_t t = local("2025-01-01T00:00"); t < local("2027-01-01T00:00"); t += HOUR / 4) {
			int64_t instant = zone_instant(z, t);
			if (zone_local(z, instant) < t || zone_local(z, instant - 1) >= t)
				fail_msg("%s: %lld", names[n], (long long)t);
		}
		zone_close(z);
	}
}

static void test_zone_names(void **state) {
	(void)state;
	static const char *const bad[] = {"", "Europe/Copenhagn", "/usr/share/zoneinfo/UTC", "../zoneinfo/UTC", "+01:00", ":UTC", "EST5EDT,M3.2.0,M11.1.0", "zone.tab",
	                                  "Europe", "Europe/Copenhagen ", "Europe/Copenhagen\n"};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err err = {0};
		assert_null(zone_open(bad[i], &err));
		assert_int_equal(err.kind, ERR_INPUT);
	}
	zone_close(NULL);
	struct zone *z = zone("Europe/Copenhagen");
	zone_local(z, INT64_MAX); /* far away is no crash */
	zone_local(z, INT64_MIN);
	zone_instant(z, INT64_MAX);
	zone_instant(z, INT64_MIN);
	zone_close(z);
}

static void *walk(void *shared) {
	const struct zone *z = shared;
	intptr_t wrong = 0;
	for (int64_t t = local("2026-01-01T00:00"); t < local("2027-01-01T00:00"); t += HOUR)
		wrong += zone_local(z, zone_instant(z, t)) < t;
	return (void *)wrong;
}

static void test_zone_threads(void **state) {
	(void)state;
	struct zone *z = zone("Europe/Copenhagen");
	pthread_t threads[4];
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, walk, z), 0);
	for (size_t i = 0; i < COUNT(threads); i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	zone_close(z);
}

static void test_holidays(void **state) {
	(void)state;
	static const char *const days[] = {
	        "2023-01-01", "2023-04-06", "2023-04-07", "2023-04-09", "2023-04-10", "2023-05-05", "2023-05-18", "2023-05-28", "2023-05-29", "2023-12-25", "2023-12-26",
	        "2024-01-01", "2024-03-28", "2024-03-29", "2024-03-31", "2024-04-01", "2024-05-09", "2024-05-19", "2024-05-20", "2024-12-25", "2024-12-26",
	        "2025-01-01", "2025-04-17", "2025-04-18", "2025-04-20", "2025-04-21", "2025-05-29", "2025-06-08", "2025-06-09", "2025-12-25", "2025-12-26",
	        "2026-01-01", "2026-04-02", "2026-04-03", "2026-04-05", "2026-04-06", "2026-05-14", "2026-05-24", "2026-05-25", "2026-12-25", "2026-12-26",
	        "2027-01-01", "2027-03-25", "2027-03-26", "2027-03-28", "2027-03-29", "2027-05-06", "2027-05-16", "2027-05-17", "2027-12-25", "2027-12-26"};
	struct calendar *c = danish("");
	size_t next = 0;
	for (int64_t d = day("2023-01-01"); d < day("2028-01-01"); d++) {
		bool expected = next < COUNT(days) && day(days[next]) == d;
		next += expected;
		if (calendar_holiday(c, d) != expected)
			fail_msg("day %lld, next is %s", (long long)d, next < COUNT(days) ? days[next] : "none");
	}
	assert_int_equal(next, COUNT(days));
	/* The latest and the earliest Easter there are, and two years in which the moon's age is corrected. */
	static const char *const easters[] = {"2038-04-25", "1818-03-22", "1981-04-19", "1954-04-18", "2000-04-23", "2100-03-28"};
	for (size_t i = 0; i < COUNT(easters); i++) {
		int64_t y;
		int m, d;
		assert_int_equal(sscanf(easters[i], "%" SCNd64 "-%d-%d", &y, &m, &d), 3);
		assert_true(calendar_holiday(c, civil_day(y, m, d)));
		assert_true(calendar_holiday(c, civil_day(y, m, d) + 50));
		assert_false(calendar_holiday(c, civil_day(y, m, d) - 7));
		assert_false(calendar_holiday(c, civil_day(y, m, d) + 7));
	}
	calendar_close(c);
}

static void test_workdays(void **state) {
	(void)state;
	static const struct {
		const char *from;
		int64_t n;
		const char *to;
	} rows[] = {
	        {"2024-03-27", 1, "2024-04-02"}, /* Wednesday before Easter to Tuesday after it */
	        {"2024-03-27", 2, "2024-04-03"}, {"2024-03-27", 0, "2024-03-27"},  {"2024-03-31", 0, "2024-03-31"}, {"2024-03-31", 1, "2024-04-02"},
	        {"2024-04-02", -1, "2024-03-27"}, {"2024-04-01", -1, "2024-03-27"}, {"2024-04-25", 1, "2024-04-26"}, {"2023-05-04", 1, "2023-05-08"},
	        {"2024-12-23", 1, "2024-12-27"}, /* the 24th is closed here */
	        {"2026-03-02", 3, "2026-03-05"},  {"2026-03-06", 3, "2026-03-11"},  {"2024-01-01", 253, "2024-12-31"},
	};
	struct calendar *c = danish("# closed\n2024-12-24 # juleaften\r\n\n");
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_day(calendar_add(c, day(rows[i].from), rows[i].n), rows[i].to);
	assert_false(calendar_workday(c, day("2024-12-24")));
	assert_false(calendar_holiday(c, day("2024-12-24")));
	assert_false(calendar_workday(c, day("2024-03-30")));
	calendar_add(c, day("2024-01-01"), INT64_MAX); /* comes to an end */
	calendar_add(c, day("2024-01-01"), INT64_MIN + 1);
	calendar_close(c);
}

static void test_calendar_refusals(void **state) {
	(void)state;
	static const char *const bad[] = {"24-12-2024", "2024-12-24\n2024-13-01", "juleaften", "2024-12-24 2024-12-25", "2024/12/24"};
	struct err err = {0};
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_null(calendar_open(STR("dk"), str_from(bad[i]), &err));
	assert_null(calendar_open(STR("se"), STR(""), &err));
	assert_non_null(strstr(err.text, "'se'"));
	assert_null(calendar_open(STR("dk"), STR("2024-12-24\n2024-13-01"), &err));
	assert_non_null(strstr(err.text, "line 2"));
	struct calendar *c = calendar_open(STR("none"), STR("2024-03-27\n2024-03-26"), &err);
	assert_non_null(c);
	assert_true(calendar_workday(c, day("2024-03-29")));
	assert_day(calendar_add(c, day("2024-03-25"), 1), "2024-03-28");
	calendar_close(c);
	struct buf many;
	buf_init(&many, 1 << 20);
	for (int i = 0; i < 20000; i++)
		buf_z(&many, "2024-12-24\n");
	assert_null(calendar_open(STR("dk"), buf_text(&many), &err));
	buf_free(&many);
}

static void test_sums(void **state) {
	(void)state;
	static const struct {
		const char *from;
		struct span span;
		const char *to;
	} rows[] = {
	        {"2026-03-28T02:30", {.days = 1}, "2026-03-29T01:00:00.000Z"},       /* into the gap */
	        {"2026-03-28T12:00", {.days = 1}, "2026-03-29T10:00:00.000Z"},       /* 23 hours later */
	        {"2026-03-28T12:00", {.ms = 24 * HOUR}, "2026-03-29T11:00:00.000Z"}, /* elapsed */
	        {"2026-10-24T12:00", {.days = 1}, "2026-10-25T11:00:00.000Z"},
	        {"2026-10-24T02:30", {.days = 1}, "2026-10-25T00:30:00.000Z"}, /* the first of both */
	        {"2026-10-24T12:00", {.ms = 24 * HOUR}, "2026-10-25T10:00:00.000Z"},
	        {"2026-01-31T09:00", {.months = 1}, "2026-02-28T08:00:00.000Z"},
	        {"2024-01-31T09:00", {.months = 1}, "2024-02-29T08:00:00.000Z"},
	        {"2024-02-29T09:00", {.months = 12}, "2025-02-28T08:00:00.000Z"},
	        {"2026-03-31T09:00", {.months = -1}, "2026-02-28T08:00:00.000Z"},
	        {"2026-01-15T09:00", {.months = -13}, "2024-12-15T08:00:00.000Z"},
	        {"2024-03-27T09:00", {.workdays = 1}, "2024-04-02T07:00:00.000Z"},
	        {"2024-02-27T09:00", {.months = 1, .workdays = 1, .ms = HOUR}, "2024-04-02T08:00:00.000Z"},
	        {"2024-01-31T09:00", {.months = 1, .days = 1}, "2024-03-01T08:00:00.000Z"},
	        {"2026-03-29T01:30", {.ms = HOUR}, "2026-03-29T01:30:00.000Z"},
	};
	struct zone *z = zone("Europe/Copenhagen");
	struct calendar *c = danish("");
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_instant(civil_add(z, c, zone_instant(z, local(rows[i].from)), rows[i].span), rows[i].to);
	int64_t second = zone_instant(z, local("2026-10-25T02:30")) + HOUR; /* nothing added: nothing moves */
	assert_int_equal(civil_add(z, c, second, (struct span){0}), second);
	assert_day(civil_add_days(c, day("2024-02-29"), (struct span){.months = 12}), "2025-02-28");
	assert_day(civil_add_days(c, day("2024-02-28"), (struct span){.days = 2, .ms = 47 * HOUR}), "2024-03-02");
	assert_day(civil_add_days(c, day("2024-03-01"), (struct span){.ms = -48 * HOUR}), "2024-02-28");
	static const struct span huge[] = {{.months = INT64_MAX}, {.days = INT64_MAX}, {.workdays = INT64_MAX}, {.ms = INT64_MAX}};
	for (size_t i = 0; i < COUNT(huge); i++) {
		struct span back = {-huge[i].months, -huge[i].days, -huge[i].workdays, -huge[i].ms};
		assert_true(civil_add(z, c, 0, huge[i]) > local("2200-01-01T00:00"));
		assert_true(civil_add(z, c, 0, back) < 0);
		assert_true(civil_add_days(c, CIVIL_LAST_DAY, huge[i]) == CIVIL_LAST_DAY);
		assert_true(civil_add_days(c, INT64_MIN, back) == CIVIL_FIRST_DAY);
	}
	calendar_close(c);
	zone_close(z);
}

static void test_span_parse(void **state) {
	(void)state;
	static const struct {
		const char *text;
		struct span span;
	} good[] = {{"90s", {.ms = 90000}},       {"15min", {.ms = 900000}},       {"168h", {.ms = 168 * HOUR}},   {"7d", {.days = 7}},       {"2w", {.days = 14}},
	            {"3 workdays", {.workdays = 3}}, {"1 workday", {.workdays = 1}}, {"1 month", {.months = 1}},     {"2 months", {.months = 2}}, {"2 years", {.months = 24}},
	            {"1 year", {.months = 12}},   {" 7 days ", {.days = 7}},       {"1 week", {.days = 7}},        {"2 hours", {.ms = 2 * HOUR}}, {"0d", {0}}};
	for (size_t i = 0; i < COUNT(good); i++) {
		struct span out;
		assert_true(span_parse(str_from(good[i].text), &out));
		assert_memory_equal(&out, &good[i].span, sizeof out);
	}
	static const char *const bad[] = {"", "7", "d", "7 ", "-7d", "+7d", "7m", "7dd", "7 d 2h", "1.5h", "1000000000d", "99999999999999999999s", "7D", "7\xC3\xA6"};
	struct span out;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (span_parse(str_from(bad[i]), &out))
			fail_msg("'%s' was taken", bad[i]);
}

/* now and end as wall-clock times in Copenhagen; NULL: it is not quiet. */
static void assert_quiet(struct quiet q, const char *closed, const char *now, const char *end) {
	struct zone *z = zone("Europe/Copenhagen");
	struct calendar *c = danish(closed);
	int64_t got = quiet_end(&q, z, c, zone_instant(z, local(now)));
	if (end)
		assert_int_equal(got, zone_instant(z, local(end)));
	else
		assert_int_equal(got, 0);
	calendar_close(c);
	zone_close(z);
}

static void test_quiet_hours(void **state) {
	(void)state;
	struct quiet night = {0}, noon = {0}, days = {.days = true};
	struct err err = {0};
	assert_true(quiet_parse(STR("22:00-07:00"), &night, &err) && quiet_parse(STR("12:00 - 13.30"), &noon, &err));
	assert_quiet(night, "", "2026-11-20T21:59:59", NULL);
	assert_quiet(night, "", "2026-11-20T22:00", "2026-11-21T07:00");
	assert_quiet(night, "", "2026-11-21T00:00", "2026-11-21T07:00");
	assert_quiet(night, "", "2026-11-21T06:59:59", "2026-11-21T07:00");
	assert_quiet(night, "", "2026-11-21T07:00", NULL);
	assert_quiet(noon, "", "2026-11-20T13:29", "2026-11-20T13:30");
	assert_quiet(noon, "", "2026-11-20T11:59", NULL);
	/* Both at once: Good Friday's morning waits over Easter Monday, and then until the hours end; 23 December over a company's own closing days. */
	night.days = true;
	assert_quiet(night, "", "2026-04-01T23:00", "2026-04-07T07:00");
	assert_quiet(days, "", "2026-04-01T23:00", NULL);
	assert_quiet(days, "", "2026-04-02T12:00", "2026-04-07T00:00");
	assert_quiet(night, "2026-12-24\n2026-12-28\n", "2026-12-23T22:30", "2026-12-29T07:00");
	/* A night with summer time ends by the clock on the wall. */
	night.days = false;
	assert_quiet(night, "", "2026-03-28T23:00", "2026-03-29T07:00");
	assert_quiet((struct quiet){0, 9000000, false}, "", "2026-03-29T01:59", "2026-03-29T03:00");
	struct zone *z = zone("Europe/Copenhagen");
	struct calendar *c = danish("");
	int64_t second = zone_instant(z, local("2026-10-25T02:10")) + HOUR; /* 02:10 once more: 02:30 has been */
	assert_int_equal(quiet_end(&(struct quiet){0, 9000000, false}, z, c, second), 0);
	calendar_close(c);
	zone_close(z);
	static const char *const wrong[] = {"", "22:00", "22:00-", "22-07", "07:00-07:00", "25:00-07:00", "22:00-07:00-08:00", "never"};
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(quiet_parse(str_from(wrong[i]), &night, &err));
	assert_true(quiet_parse(STR("none"), &night, &err));
	assert_quiet(night, "", "2026-11-21T03:00", NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_days_count_on),   cmocka_unit_test(test_date_spellings), cmocka_unit_test(test_times),
	        cmocka_unit_test(test_datetimes),       cmocka_unit_test(test_formats_read_back), cmocka_unit_test(test_zone_nights),
	        cmocka_unit_test(test_zone_definition), cmocka_unit_test(test_zone_names),     cmocka_unit_test(test_zone_threads),
	        cmocka_unit_test(test_holidays),        cmocka_unit_test(test_workdays),       cmocka_unit_test(test_calendar_refusals),
	        cmocka_unit_test(test_sums),            cmocka_unit_test(test_span_parse),    cmocka_unit_test(test_quiet_hours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
