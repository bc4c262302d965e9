#include "engine/base/civil.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

/* No zone is further from UTC than this (GLib refuses more than 24 h). */
#define WIDEST INT64_C(90000)

/* What GLib knows of a zone never changes after opening, and looking it up writes nothing: any thread. */
struct zone {
	GTimeZone *known;
};

/* A name of the IANA database only: GLib would also take a path, an offset, or the machine's own zone. */
static bool name_plain(const char *name) {
	size_t letters = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");
	bool letter_first = (name[0] >= 'A' && name[0] <= 'Z') || (name[0] >= 'a' && name[0] <= 'z');
	return letter_first && name[letters] == '\0' && letters <= 64;
}

struct zone *zone_open(const char *iana_name, struct err *err) {
	GTimeZone *known = name_plain(iana_name) ? g_time_zone_new_identifier(iana_name) : NULL;
	if (!known) {
		err_set(err, ERR_INPUT, "error.input", "no time zone '%.64s' (expected a name such as Europe/Copenhagen)", iana_name);
		return NULL;
	}
	struct zone *z = malloc(sizeof *z);
	BUG_IF(z == NULL);
	z->known = known;
	return z;
}

void zone_close(struct zone *z) {
	if (!z)
		return;
	g_time_zone_unref(z->known);
	free(z);
}

static int64_t clamp(int64_t ms) {
	int64_t low = CIVIL_FIRST_DAY * CIVIL_DAY_MS, high = (CIVIL_LAST_DAY + 1) * CIVIL_DAY_MS - 1;
	return ms < low ? low : ms > high ? high : ms;
}

static int interval_at(const struct zone *z, int64_t second) {
	return g_time_zone_find_interval(z->known, G_TIME_TYPE_UNIVERSAL, second);
}

/* First second after `from` that is not in its interval; `to` is one that is not. */
static int64_t interval_end(const struct zone *z, int64_t from, int64_t to) {
	int interval = interval_at(z, from);
	while (to - from > 1) {
		int64_t middle = from + (to - from) / 2;
		if (interval_at(z, middle) == interval)
			from = middle;
		else
			to = middle;
	}
	return to;
}

/* The wanted instant is the first one at which the wall clock shows `local` or more: in the repeated
 * hour that is the first time, and in the gap the moment at which the clock jumps. Intervals are
 * walked from before every possible answer; GLib's own g_time_zone_adjust_time promises neither. */
int64_t zone_instant(const struct zone *z, int64_t local) {
	local = clamp(local);
	int64_t whole = civil_day_of(local) * 86400 + (local - civil_day_of(local) * CIVIL_DAY_MS) / 1000;
	int64_t start = whole - WIDEST;
	for (;;) {
		int interval = interval_at(z, start);
		int64_t wanted = whole - g_time_zone_get_offset(z->known, interval);
		if (wanted < start)
			return start * 1000;
		if (interval_at(z, wanted) == interval)
			return wanted * 1000 + (local - whole * 1000);
		start = interval_end(z, start, wanted);
	}
}

int64_t zone_local(const struct zone *z, int64_t instant) {
	instant = clamp(instant);
	int64_t second = civil_day_of(instant) * 86400 + (instant - civil_day_of(instant) * CIVIL_DAY_MS) / 1000;
	return instant + g_time_zone_get_offset(z->known, interval_at(z, second)) * INT64_C(1000);
}
