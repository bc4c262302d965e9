/* quiet: the times at which nobody is disturbed (mail.quiet_hours, sms.quiet_hours, quiet_days), in the site's zone. */
#ifndef ENGINE_BASE_QUIET_H
#define ENGINE_BASE_QUIET_H

#include "engine/base/civil.h"

struct quiet {
	int64_t from, until; /* ms of the day; from > until: over midnight; equal: no quiet hours */
	bool days;           /* whole days that are no workdays, too */
};

/* "22:00-07:00" or "none" -> from and until. INPUT otherwise. */
bool quiet_parse(struct str s, struct quiet *out, struct err *err);
/* 0: it is not quiet now. Else the first instant at which it is not any more, after now. */
int64_t quiet_end(const struct quiet *q, const struct zone *z, const struct calendar *c, int64_t now);

#endif
