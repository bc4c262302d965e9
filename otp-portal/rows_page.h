/* rows_page: views of kind rows: a catalogue to look through, behind a link, after log-in, or for everybody, with the ways to what the reader may do with a row. */
#ifndef OTP_PORTAL_ROWS_PAGE_H
#define OTP_PORTAL_ROWS_PAGE_H

#include "otp-portal/prose.h"

struct rows_view {
	const struct package *package;
	const struct definition *definition;
	const struct view_rule *rule;
	const struct instance *instance; /* the reader's; NULL: none */
	const struct value *values;
	struct str path;                 /* of the page; may have a query */
	bool logged_in;
	int64_t contact_id;              /* who looks; 0: nobody that is known */
};

/* ?row=KEY is one row, whole; a POST there is one of the view's `acts`. */
void rows_page(struct request *r, struct view *v, const struct rows_view *rows, struct response *out);
/* Of a view with `login`: the reader's newest case of that workflow is theirs. Without one, 404. */
void rows_page_own(struct request *r, struct view *v, const struct package *package, const struct view_rule *rule, struct str path, int64_t contact_id, struct response *out);
/* "/rows/<workflow>/<view>" of a view with `public: true`. */
void rows_page_public(struct request *r, struct response *out);
/* Ways to them, for the front page. Whether there are any. */
bool rows_page_ways(struct request *r, struct response *out);

#endif
