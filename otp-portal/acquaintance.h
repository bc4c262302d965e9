/* acquaintance: what the reader of a page may be told of the people of a case: their role; a name or an address only when it is the reader's own, or stands in a field that
 * the reader's role sees anyway. In the request's arena. */
#ifndef OTP_PORTAL_ACQUAINTANCE_H
#define OTP_PORTAL_ACQUAINTANCE_H

#include "otp-portal/prose.h"

struct acquaintance {
	const struct prose *prose;
	int64_t contact_id;
	struct participation_list people;
	bool *seen; /* by slot: fields that the reader's roles see anyway */
};
/* Of the reader of that page; ready: its fields are shown. */
bool acquaintance_read(const struct prose *p, struct view *v, const struct view_rule *rule, int64_t contact_id, bool ready, struct acquaintance *out, struct err *err);
/* "Manager", "Manager (you)", "Manager (Bo Bang)", "Manager (bo@example.dk)". */
struct str acquaintance_who(const struct acquaintance *k, struct str role, int64_t contact_id, struct str name, struct str address);

#endif
