#include "engine/base/slots.h"

static int64_t time_of_day(int64_t local) {
	return local - civil_day_of(local) * CIVIL_DAY_MS;
}

bool slot_grid_valid(const struct slot_grid *grid, struct err *err) {
	if (grid->step_ms <= 0 || grid->step_ms > CIVIL_DAY_MS)
		return err_set(err, ERR_INPUT, "error.input", "slots follow each other in more than no time, and within a day");
	if (grid->until < grid->from)
		return err_set(err, ERR_INPUT, "error.input", "the last slot of a day opens before the first");
	if (time_of_day(grid->first) > grid->until)
		return err_set(err, ERR_INPUT, "error.input", "the first slot of all opens later in the day than the last may");
	return true;
}

struct slot_walk slot_walk(const struct slot_grid *grid) {
	int64_t count = (grid->until - time_of_day(grid->first)) / grid->step_ms + 1;
	return (struct slot_walk){grid, civil_day_of(grid->first), grid->first, 1, count};
}

static bool next_day(struct slot_walk *w) {
	int64_t most = civil_day_of(w->grid->first) + SLOTS_MOST_DAYS;
	do
		w->day++;
	while (w->day <= most && !calendar_workday(w->grid->calendar, w->day));
	w->number += w->count;
	w->opens = w->day * CIVIL_DAY_MS + w->grid->from;
	w->count = (w->grid->until - w->grid->from) / w->grid->step_ms + 1;
	return w->day <= most && w->day <= CIVIL_LAST_DAY;
}

bool slot_walk_to(struct slot_walk *w, int64_t n, int64_t *local) {
	if (n < w->number)
		return false;
	while (n - w->number >= w->count)
		if (!next_day(w))
			return false;
	*local = w->opens + (n - w->number) * w->grid->step_ms;
	return true;
}

bool slot_walk_from(struct slot_walk *w, int64_t n, int64_t local, int64_t *number) {
	int64_t opens, step = w->grid->step_ms;
	if (!slot_walk_to(w, n, &opens))
		return false;
	for (*number = n; opens < local; *number = w->number, opens = w->opens) {
		int64_t more = (local - opens + step - 1) / step;
		if (*number - w->number + more < w->count) {
			*number += more;
			return true;
		}
		if (!next_day(w))
			return false;
	}
	return true;
}
