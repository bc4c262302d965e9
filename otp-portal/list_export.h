/* list_export: a list as a spreadsheet: the rows that the search and filters leave, of all pages, newest start first. UTF-8 with a byte order mark, semicolons,
 * RFC 4180 quotes: what Excel opens with a double click where the decimal mark is a comma. */
#ifndef OTP_PORTAL_LIST_EXPORT_H
#define OTP_PORTAL_LIST_EXPORT_H

#include "otp-portal/list_ask.h"

void list_export(const struct list_ask *ask, struct response *out);
/* The link to it. */
void list_export_way(const struct list_ask *ask, struct response *out);

#endif
