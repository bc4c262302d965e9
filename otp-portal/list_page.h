/* list_page: the one list renderer: instances in which a contact has a role, with search, filters and pages; and one row of it as a page view.
 * Used by a mailed link to a list and by /backend. */
#ifndef OTP_PORTAL_LIST_PAGE_H
#define OTP_PORTAL_LIST_PAGE_H

#include "otp-portal/prose.h"

struct list_view {
	const struct package *package;
	const struct view_rule *rule;
	int64_t contact_id;
	struct str path; /* of the page; may have a query */
	bool logged_in;
};

/* How many instances the contact sees in it. */
bool list_count(struct request *r, struct view *v, const struct list_view *list, int64_t *count, struct err *err);
/* As list_ask.h reads it from the query; ?export=csv gives it as a spreadsheet (list_export.h), ?row=REFERENCE opens a row (404 for rows that the contact may not see). */
void list_page(struct request *r, struct view *v, const struct list_view *list, struct response *out);

#endif
