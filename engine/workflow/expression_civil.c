/* Dates, times and durations: the operators and methods that need the site's zone and calendar. */
#include "engine/base/slots.h"
#include "engine/workflow/expression_functions.h"

static bool span_negate(struct span *s) {
	return !__builtin_sub_overflow(INT64_C(0), s->months, &s->months) && !__builtin_sub_overflow(INT64_C(0), s->days, &s->days) &&
	       !__builtin_sub_overflow(INT64_C(0), s->workdays, &s->workdays) && !__builtin_sub_overflow(INT64_C(0), s->ms, &s->ms);
}

bool run_neg_span(const struct node *n, struct machine *m, struct value *out) {
	if (!run_one(n, m, out))
		return false;
	return span_negate(&out->span) || run_overflow(n, m);
}

bool run_add_span(const struct node *n, struct machine *m, struct value *out) {
	struct value a, b;
	if (!run_two(n, m, &a, &b) || (str_is(n->name, "-") && !span_negate(&b.span) && !run_overflow(n, m)))
		return false;
	*out = a;
	struct span *s = &out->span;
	bool over = __builtin_add_overflow(a.span.months, b.span.months, &s->months) || __builtin_add_overflow(a.span.days, b.span.days, &s->days) ||
	            __builtin_add_overflow(a.span.workdays, b.span.workdays, &s->workdays) || __builtin_add_overflow(a.span.ms, b.span.ms, &s->ms);
	return !over || run_overflow(n, m);
}

enum { DAY_BYTES = 8, CALENDAR_DAYS = 4000000 };

/* Looking at days of the calendar, one after the other: workdays and those between them. */
static bool charge_days(const struct node *n, struct machine *m, int64_t days) {
	bool all = days > CALENDAR_DAYS || days < -CALENDAR_DAYS;
	return run_charge(n, m, (size_t)(all ? CALENDAR_DAYS : days < 0 ? -days : days) * DAY_BYTES);
}

/* Point in time and span, in either order; minus turns the span round. */
static bool point_and_span(const struct node *n, struct machine *m, struct value *point, struct span *span) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*point = a.kind == KIND_DURATION ? b : a;
	*span = a.kind == KIND_DURATION ? a.span : b.span;
	return (!str_is(n->name, "-") || span_negate(span) || run_overflow(n, m)) && charge_days(n, m, span->workdays);
}

bool run_add_date(const struct node *n, struct machine *m, struct value *out) {
	struct value point;
	struct span span;
	if (!point_and_span(n, m, &point, &span))
		return false;
	if (span.ms % CIVIL_DAY_MS != 0)
		return run_error(m, n, "a date has no time of day; add whole days, or use at(date, '12:00')");
	*out = value_date(civil_add_days(m->env->calendar, point.integer, span));
	return true;
}

bool run_add_instant(const struct node *n, struct machine *m, struct value *out) {
	struct value point;
	struct span span;
	if (!point_and_span(n, m, &point, &span))
		return false;
	*out = value_instant(civil_add(m->env->zone, m->env->calendar, point.integer, span));
	return true;
}

bool run_add_datetime(const struct node *n, struct machine *m, struct value *out) {
	struct value point;
	struct span span;
	if (!point_and_span(n, m, &point, &span))
		return false;
	int64_t instant = civil_add(m->env->zone, m->env->calendar, zone_instant(m->env->zone, point.integer), span);
	*out = value_datetime(zone_local(m->env->zone, instant));
	return true;
}

bool run_sub_date(const struct node *n, struct machine *m, struct value *out) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = (struct value){.kind = KIND_DURATION, .span = {.days = a.integer - b.integer}};
	return true;
}

bool run_sub_instant(const struct node *n, struct machine *m, struct value *out) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = (struct value){.kind = KIND_DURATION};
	return !__builtin_sub_overflow(a.integer, b.integer, &out->span.ms) || run_overflow(n, m);
}

bool run_sub_datetime(const struct node *n, struct machine *m, struct value *out) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = (struct value){.kind = KIND_DURATION, .span = {.ms = zone_instant(m->env->zone, a.integer) - zone_instant(m->env->zone, b.integer)}};
	return true;
}

bool run_date_part(const struct node *n, struct machine *m, struct value *out) {
	struct value a;
	int64_t year;
	int month, day;
	if (!run_one(n, m, &a))
		return false;
	int64_t civil = a.kind == KIND_DATE ? a.integer : civil_day_of(a.integer);
	civil_split(civil, &year, &month, &day);
	*out = value_int(str_is(n->name, "year") ? year : str_is(n->name, "month") ? month : str_is(n->name, "day") ? day : civil_weekday(civil));
	return true;
}

bool run_date_from_string(const struct node *n, struct machine *m, struct value *out) {
	struct value a;
	int64_t day;
	if (!run_one(n, m, &a))
		return false;
	if (!civil_parse_date(a.string, &day))
		return run_error(m, n, "no date such as 2026-03-29");
	*out = value_date(day);
	return true;
}

bool run_date_from_datetime(const struct node *n, struct machine *m, struct value *out) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	*out = value_date(civil_day_of(a.integer));
	return true;
}

bool run_date_from_instant(const struct node *n, struct machine *m, struct value *out) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	*out = value_date(civil_day_of(zone_local(m->env->zone, a.integer)));
	return true;
}

bool run_datetime_from_string(const struct node *n, struct machine *m, struct value *out) {
	struct value a;
	int64_t local;
	if (!run_one(n, m, &a))
		return false;
	if (!civil_parse_datetime(a.string, &local))
		return run_error(m, n, "no datetime such as 2026-03-29T12:00");
	*out = value_datetime(local);
	return true;
}

bool run_datetime_from_instant(const struct node *n, struct machine *m, struct value *out) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	*out = value_datetime(zone_local(m->env->zone, a.integer));
	return true;
}

bool run_instant_from_datetime(const struct node *n, struct machine *m, struct value *out) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	*out = value_instant(zone_instant(m->env->zone, a.integer));
	return true;
}

bool run_at(const struct node *n, struct machine *m, struct value *out) {
	struct value a, b;
	int64_t ms;
	if (!run_two(n, m, &a, &b))
		return false;
	if (!civil_parse_time(b.string, &ms))
		return run_error(m, n, "no time such as '12:00'");
	*out = value_datetime(a.integer * CIVIL_DAY_MS + ms);
	return true;
}

bool run_workday(const struct node *n, struct machine *m, struct value *out) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	bool holiday = str_is(n->name, "holiday");
	*out = value_bool(holiday ? calendar_holiday(m->env->calendar, a.integer) : calendar_workday(m->env->calendar, a.integer));
	return true;
}

/* How many workdays lie after the first day up to and with the second; negative backwards. */
bool run_workdays(const struct node *n, struct machine *m, struct value *out) {
	enum { MOST_DAYS = 40000 };
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	int64_t from = a.integer < b.integer ? a.integer : b.integer, to = a.integer < b.integer ? b.integer : a.integer, count = 0;
	if (to - from > MOST_DAYS)
		return run_error(m, n, "the dates lie more than %d days apart", MOST_DAYS);
	if (!charge_days(n, m, to - from))
		return false;
	for (int64_t day = from + 1; day <= to; day++)
		count += calendar_workday(m->env->calendar, day);
	*out = value_int(a.integer <= b.integer ? count : -count);
	return true;
}

/* slot(n, first, step, from, until) */
bool run_slot_of(const struct node *n, struct machine *m, struct value *out) {
	struct value number, first, step, from, until;
	struct err err;
	if (!run_two(n, m, &number, &first) || !node_run(n->args[2], m, &step) || !node_run(n->args[3], m, &from) || !node_run(n->args[4], m, &until))
		return false;
	struct slot_grid grid = {.calendar = m->env->calendar, .first = first.integer, .step_ms = step.span.ms};
	if (step.span.months || step.span.days || step.span.workdays)
		return run_error(m, n, "slots follow each other in minutes or hours");
	if (!civil_parse_time(from.string, &grid.from) || !civil_parse_time(until.string, &grid.until))
		return run_error(m, n, "no time such as '12:00'");
	if (!slot_grid_valid(&grid, &err))
		return run_error(m, n, "%s", err.text);
	struct slot_walk walk = slot_walk(&grid);
	*out = value_datetime(0);
	if (!slot_walk_to(&walk, number.integer, &out->integer))
		return run_error(m, n, "there is no slot %lld", (long long)number.integer);
	return run_charge(n, m, (size_t)(walk.day - civil_day_of(first.integer)) * 8);
}
