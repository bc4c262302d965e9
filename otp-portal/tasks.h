/* tasks: what waits for a contact, or may be done, over all workflows: the live links to acts that can be done now or later. Each is opened at its link, as from the
 * mail: there is no other way to act. */
#ifndef OTP_PORTAL_TASKS_H
#define OTP_PORTAL_TASKS_H

#include "otp-portal/prose.h"

struct tasks {
	struct task {
		struct link_view *look;
		struct str path; /* "/l/<token>" */
	} *items;
	size_t count, cap;
};

/* Those that end first, first; then the newest. In arena of the request. */
bool tasks_find(struct request *r, struct view *v, int64_t contact_id, struct tasks *out, struct err *err);
/* What waits, and below it what may be done though nobody waits for it; v: the view that they were found in. */
void tasks_write(struct request *r, struct view *v, const struct tasks *tasks, struct response *out);

#endif
