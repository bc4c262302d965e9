/* list_ask: what the reader of a list asks for. All of it stands in the URL, so a list as it is shown can be bookmarked, sent and printed. */
#ifndef OTP_PORTAL_LIST_ASK_H
#define OTP_PORTAL_LIST_ASK_H

#include "engine/store/listings.h"
#include "otp-portal/list_page.h"

struct list_ask {
	struct request *r;
	const struct list_view *list;
	struct str search;                   /* as typed */
	struct str filters[LISTING_FILTERS]; /* a value for each filter of the view; empty: any */
	bool overdue;                        /* only what is overdue */
	struct str sort;                     /* a column that rows can be sorted by; empty: changed_at */
	bool ascending;
	int64_t page;                        /* from 1 */
};

/* ?q= ?f.NAME= ?overdue=1 ?sort=COLUMN or -COLUMN ?page=; what makes no sense is passed over. */
struct list_ask list_ask_read(struct request *r, const struct list_view *list);
/* Without limit and offset. In the request's arena. */
struct listing_query list_ask_query(const struct list_ask *ask);
/* Path and query that ask for the same, page included. */
struct str list_ask_path(const struct list_ask *ask);
/* Whether fewer rows than all are asked for. */
bool list_ask_narrows(const struct list_ask *ask);
bool list_sortable(const struct list_view *list, struct str column);

#endif
