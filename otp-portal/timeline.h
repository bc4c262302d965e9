/* timeline: what has happened to an instance and what is next, in words, for one reader: states, what people did, messages, deadlines. Never what a form
 * was filled in with, and no draft.
 *
 * One rule says who is named: roles are told by their words. A name or an address is told when it is the reader's own, or when it comes from a field that
 * the reader's role sees anyway: one that its forms ask or show, a column of its lists, or (once the page is ready) a field of this page. */
#ifndef OTP_PORTAL_TIMELINE_H
#define OTP_PORTAL_TIMELINE_H

#include "otp-portal/prose.h"

struct timeline {
	const struct prose *prose; /* with an instance */
	const struct view_rule *rule;
	int64_t contact_id; /* the reader; 0: nobody that is known */
	bool ready;         /* the page shows its fields */
};
bool timeline_write(const struct timeline *t, struct view *v, struct response *out, struct err *err);

#endif
