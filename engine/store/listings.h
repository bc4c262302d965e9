/* listings: what overviews are searched, filtered and sorted by. One narrow row an instance, written with each of its transitions, so that an
 * overview of many thousands reads neither their data nor their history. */
#ifndef ENGINE_STORE_LISTINGS_H
#define ENGINE_STORE_LISTINGS_H

#include "engine/store/store.h"

enum { LISTING_FILTERS = 6, LISTING_WORDS = 8 };

struct listing {
	int64_t instance_id;
	struct str workflow, state;
	int64_t started_at, changed_at;
	struct str fields;      /* made by listing_field */
	struct str search_text; /* made by listing_field: for each list that searches, what it does, folded */
};
/* Appends one value of a field; what stands in the fields of a listing. Dates as ISO text, so that they sort. */
void listing_field(struct buf *fields, struct str name, struct str value);
bool listing_put(struct tx *tx, const struct listing *listing, struct err *err); /* insert or replace */
/* From when on the instance is overdue in that view; INT64_MAX: never, as things stand. */
bool listing_overdue(struct tx *tx, int64_t instance_id, struct str view, int64_t at, struct err *err);

enum listing_order { LISTING_CHANGED, LISTING_STARTED, LISTING_FIELD };
struct listing_query {
	int64_t contact_id;      /* only where this contact has one of `roles` */
	int64_t day;             /* on which registers give it (grants.h) */
	const struct str *roles;
	size_t role_count;
	struct str workflow;
	struct str state;        /* empty: any */
	struct {
		struct str field, value;
	} filters[LISTING_FILTERS];
	size_t filter_count;
	struct str search;       /* empty: all; else every word (at most LISTING_WORDS: INPUT) must occur in the search_text */
	struct str searched;     /* of this view */
	struct str view;         /* whose overdue marks count; empty: none */
	int64_t now;
	bool overdue;            /* only what is overdue */
	enum listing_order order;
	struct str order_field;  /* FIELD: instances without it come last */
	bool ascending;
	int64_t limit, offset;   /* limit 0: all */
};
struct listed {
	int64_t instance_id;
	bool overdue;
};
struct listed_list {
	struct listed *items;
	size_t count, cap;
};
bool listing_query(struct view *v, const struct listing_query *query, struct arena *a, struct listed_list *out, struct err *err);
bool listing_count(struct view *v, const struct listing_query *query, struct arena *a, int64_t *total, int64_t *overdue, struct err *err);
/* Whether there is any for this contact, roles and workflow: the rest of the query is not looked at. */
bool listing_any(struct view *v, const struct listing_query *query, struct arena *a, bool *any, struct err *err);
/* For walking over all of them in pieces: those below `before` (INT64_MAX at first), newest start first, at most query->limit. */
bool listing_before(struct view *v, const struct listing_query *query, int64_t before, struct arena *a, struct listed_list *out, struct err *err);
/* The different values of a field among them, at most query->limit, in no order. */
struct listing_values {
	struct str *items;
	size_t count, cap;
};
bool listing_values(struct view *v, const struct listing_query *query, struct str field, struct arena *a, struct listing_values *out, struct err *err);

#endif
