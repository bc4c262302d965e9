#include "engine/base/quiet.h"

enum { STEPS_MAX = 1000 }; /* a year in which every day is closed is a slip in the file of closed days */

bool quiet_parse(struct str s, struct quiet *out, struct err *err) {
	struct str until = s, from = str_cut(&until, '-');
	int64_t from_ms = 0, until_ms = 0;
	bool none = str_is(s, "none");
	if (!none && (!civil_parse_time(str_trim(from), &from_ms) || !civil_parse_time(str_trim(until), &until_ms) || from_ms == until_ms))
		return err_set(err, ERR_INPUT, "error.input", "expected two times such as 22:00-07:00, or none");
	out->from = from_ms;
	out->until = until_ms;
	return true;
}

static bool in_hours(const struct quiet *q, int64_t time) {
	if (q->from <= q->until)
		return q->from <= time && time < q->until;
	return time >= q->from || time < q->until;
}

/* The first local time after this one at which something may change; the same: it is not quiet. */
static int64_t next_local(const struct quiet *q, const struct calendar *c, int64_t local) {
	int64_t day = civil_day_of(local), time = local - day * CIVIL_DAY_MS;
	if (q->days && !calendar_workday(c, day))
		return (day + 1) * CIVIL_DAY_MS;
	if (!in_hours(q, time))
		return local;
	return (day + (time >= q->until)) * CIVIL_DAY_MS + q->until;
}

int64_t quiet_end(const struct quiet *q, const struct zone *z, const struct calendar *c, int64_t now) {
	int64_t start = zone_local(z, now), local = start, next;
	for (int i = 0; i < STEPS_MAX && (next = next_local(q, c, local)) != local; i++)
		local = next;
	/* In the hour that a night in October has twice, the first end counts. */
	int64_t end = local == start ? 0 : zone_instant(z, local);
	return end > now ? end : 0;
}
