/* reports: what gateways told about messages that they had taken, as it came and as it was understood. A report comes to an address of its own for each
 * message, whose token only we can make. */
#ifndef ENGINE_STORE_REPORTS_H
#define ENGINE_STORE_REPORTS_H

#include "engine/store/outbox.h"

enum { REPORTS_OF_ONE = 50, REPORT_BYTES = 8 * 1024 };

struct report {
	int64_t id, outbox_id, at, read_at; /* read_at 0: not yet */
	struct str query, type, body;       /* raw; type: Content-Type of the body. At most REPORT_BYTES together */
};
struct report_list {
	struct report *items;
	size_t count, cap;
};

/* The token of a message's reports, with the ring's current key. */
bool report_token(const struct keyring *keys, int64_t outbox_id, char out[SECRET_TOKEN + 1]);
/* False: it is not one of ours. */
bool report_token_read(const struct keyring *keys, struct str token, int64_t *outbox_id);

/* NOT_FOUND: there is no such message; CONFLICT: it has REPORTS_OF_ONE already. */
bool report_put(struct tx *tx, struct report *report, struct err *err); /* fills id */
/* Up to limit that are not read, oldest first, but none of a message that is being sent: what its sender says comes first. */
bool reports_unread(struct view *v, int64_t limit, struct arena *a, struct report_list *out, struct err *err);
bool reports_of(struct view *v, int64_t outbox_id, struct arena *a, struct report_list *out, struct err *err); /* oldest first */

/* A message is being sent, in so many parts: what was reported of an earlier try does not count any more. */
bool delivery_begin(struct tx *tx, int64_t outbox_id, int64_t parts, struct err *err);
/* Marks the report as read, once, and moves the message's delivery by delivery_after(). One that was not known to be taken is sent now: unknown by any report
 * that was understood; queued (for another try) or failed only by one that says delivered or on its way. */
bool report_read(struct tx *tx, const struct report *report, enum delivery delivery, struct str reason, int64_t now, struct err *err);
/* Up to limit raw ones from before then, whose case had ended before then too; what they said of the message stays. */
bool report_sweep(struct tx *tx, int64_t before, int64_t limit, struct err *err);

#endif
