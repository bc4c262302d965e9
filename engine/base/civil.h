/* civil: dates, wall-clock times, zones and working-day calendars (design.md promise 7, A54).
 *
 * day      int64_t days since 1970-01-01 (civil, proleptic Gregorian)
 * local    int64_t ms since 1970-01-01T00:00 on the wall clock of a zone; day = floor(local / 86400000)
 * instant  int64_t ms UTC
 * Sums are clamped to the years 1-9999: no length of a span can overflow or take long.
 * A zone and a calendar are immutable after they were opened: any thread. */
#ifndef ENGINE_BASE_CIVIL_H
#define ENGINE_BASE_CIVIL_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

#define CIVIL_DAY_MS INT64_C(86400000)
#define CIVIL_FIRST_DAY INT64_C(-719162) /* 0001-01-01 */
#define CIVIL_LAST_DAY INT64_C(2932896)  /* 9999-12-31 */

int64_t civil_day(int64_t year, int month, int day); /* month 1-12, day 1-31, must exist */
void civil_split(int64_t day, int64_t *year, int *month, int *day_of_month);
int civil_weekday(int64_t day); /* 1 Monday ... 7 Sunday (ISO 8601) */
int64_t civil_day_of(int64_t local);
/* "2026-03-29", and for people also "29-03-2026", "29.3.2026", "29/3 2026", "290326". Year 1900-2200; of two digits
 * 1970-2069. */
bool civil_parse_date(struct str s, int64_t *day);
bool civil_parse_time(struct str s, int64_t *ms_of_day);   /* "12:00", "12.00", "12:00:30" */
bool civil_parse_datetime(struct str s, int64_t *local);   /* "2026-03-29T12:00" or with a blank */
struct str civil_format_date(struct arena *a, int64_t day);       /* 2026-03-29 */
struct str civil_format_datetime(struct arena *a, int64_t local); /* 2026-03-29T12:00 (seconds if any) */
struct str civil_format_instant(struct arena *a, int64_t instant); /* 2026-03-29T10:00:00.000Z */

struct zone;
struct zone *zone_open(const char *iana_name, struct err *err); /* NULL: no such zone; caller closes */
void zone_close(struct zone *z);
/* In the gap of a DST night the next valid time counts, in the repeated hour the first. */
int64_t zone_instant(const struct zone *z, int64_t local);
int64_t zone_local(const struct zone *z, int64_t instant);

/* Which days are workdays: Monday-Friday without public holidays and closing days. */
struct calendar;
/* holidays: "none", "dk" (Danish public holidays computed; store bededag only until 2023).
 * closed: extra closing days, one ISO date a line, # comments; may be empty. NULL on error; caller closes. */
struct calendar *calendar_open(struct str holidays, struct str closed, struct err *err);
void calendar_close(struct calendar *c);
bool calendar_holiday(const struct calendar *c, int64_t day);
bool calendar_workday(const struct calendar *c, int64_t day);
int64_t calendar_add(const struct calendar *c, int64_t day, int64_t workdays); /* the nth workday after (before) day */

/* A duration as written: months and days move on the calendar, workdays on the working-day calendar,
 * ms elapse. A literal sets one of them; sums may set several (applied months, days, workdays, ms). */
struct span {
	int64_t months, days, workdays, ms;
};
/* local + span as wall clock; ms of the span are added in elapsed time through the zone. */
int64_t civil_add(const struct zone *z, const struct calendar *c, int64_t instant, struct span span);
int64_t civil_add_days(const struct calendar *c, int64_t day, struct span span); /* months, days, workdays; whole days of ms */
/* "90s" "15min" "168h" "7d" "2w" "3 workdays" "1 month" "2 years"; plural and singular both. */
bool span_parse(struct str s, struct span *out);

#endif
