/* turns: which messages may go now, and what the fate of one means for those behind it. All of it happens inside the writer's transactions: so every
 * connection keeps to the same limits, they are counted before a message is sent, and a restart forgets none of them. */
#ifndef MAILER_TURNS_H
#define MAILER_TURNS_H

#include "engine/store/lines.h"
#include "mailer/throttle.h"

struct turns {
	const struct mail_config *mail; /* NULL: nothing is sent, so nothing is limited (capture) */
	struct outbox_lane lane;
	struct str owner;
};

enum way { WAY_FIRST, WAY_SECOND }; /* through the relay, or through mail.fallback */

/* Leases up to limit rows whose turn it is. A code waits for nothing but a relay that rests; it is counted.
 * *way: the fallback while the relay rests; what the relay may have taken already waits for it.
 * *more: so many had to change their line that this transaction would have become long; ask again. */
bool turns_lease(struct tx *tx, const struct turns *t, int64_t now, int64_t lease_until, int64_t limit, struct arena *a, struct outbox_list *out, enum way *way,
                 bool *more, struct err *err);
/* When turns_lease may find something; now or before: now. INT64_MAX: nothing waits. */
bool turns_next(struct view *v, const struct turns *t, int64_t now, struct arena *a, int64_t *next_at, struct err *err);

enum lesson {
	LESSON_NONE,
	LESSON_UNASKED,  /* the relay was not asked; if this was to ask whether it works, the next one may */
	LESSON_SENT,
	LESSON_ANSWERED, /* refused, but the relay works */
	LESSON_BUSY,     /* the recipient's domain wants fewer */
	LESSON_DOWN      /* the relay itself failed */
};
struct learned {
	enum { LEARNED_NOTHING, LEARNED_FAILED, LEARNED_DOWN, LEARNED_UP, LEARNED_SLOWED, LEARNED_EASED } what; /* since the last one */
	int64_t until; /* DOWN, SLOWED: nothing is sent before */
};
/* to: the recipient. The answer is borrowed. */
bool turns_learn(struct tx *tx, enum channel channel, enum way way, enum lesson lesson, struct str to, struct str answer, int64_t now, struct learned *out, struct err *err);
/* At the start of the process. */
bool turns_start(struct tx *tx, struct err *err);
/* The name of its pace. In arena. */
struct str turns_domain(struct arena *a, struct str address);
struct str turns_relay(enum channel channel, enum way way);

#endif
