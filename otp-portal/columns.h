/* columns: what list and page views show: a field, or state, started_at, changed_at, reference, or how messages to a role stand. */
#ifndef OTP_PORTAL_COLUMNS_H
#define OTP_PORTAL_COLUMNS_H

#include "otp-portal/prose.h"

struct str column_label(const struct prose *p, struct str column);
struct str column_value(const struct prose *p, struct str column); /* of the prose's instance and values; a `delivery` is column_delivery's */
struct str column_plain(const struct prose *p, struct str column); /* for a spreadsheet: dates as 27-03-2026, numbers without marks for thousands */
/* How the newest messages to a role stand. */
struct delivered {
	struct str word; /* that which needs most attention; empty: there is none */
	struct str of;   /* "1 of 2": for how many it is true; empty: for all */
	bool wrong;      /* did not arrive */
};
bool column_delivery(const struct prose *p, struct view *v, struct str role, struct delivered *out, struct err *err);
struct str column_delivered(const struct prose *p, const struct delivered *d); /* in one line */
void column_row(const struct prose *p, struct str column, struct response *out); /* for a description list */

#endif
