/* columns: what list and page views show: a field, or state, started_at, changed_at, reference. */
#ifndef OTP_PORTAL_COLUMNS_H
#define OTP_PORTAL_COLUMNS_H

#include "otp-portal/prose.h"

struct str column_label(const struct prose *p, struct str column);
struct str column_value(const struct prose *p, struct str column); /* of the prose's instance and values */
struct str column_plain(const struct prose *p, struct str column); /* for a spreadsheet: dates as 27-03-2026, numbers without marks for thousands */
void column_row(const struct prose *p, struct str column, struct response *out); /* for a description list */

#endif
