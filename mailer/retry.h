/* retry: when a message is tried again, and what becomes of its row after a send. Pure.
 *
 *   sent -> sent      never -> failed      later -> queued, or expired when the next try would come after it
 *   unknown -> queued again once (same Message-ID) for a link or a code, where a second copy is harmless: a code after a minute, while it is of use; else it
 *              waits for an operator.
 *              That it was so before is read in the row's last answer, which then begins with RETRY_UNKNOWN. */
#ifndef MAILER_RETRY_H
#define MAILER_RETRY_H

#include "engine/store/outbox.h"
#include "mailer/transport.h"

/* After the attempt-th attempt (1 first): 1, 5, 15, 30 min, 1 h, 2 h, then every 4 h; 20 % more or less by random. */
int64_t retry_next_at(int64_t now, int64_t attempt, uint32_t random);

#define RETRY_UNKNOWN "unknown: "
/* May a row whose outcome is unknown be queued again, and when? False: an operator must decide. */
bool retry_again(const struct outbox_row *row, int64_t now, int64_t *next_at);

struct settlement {
	enum outbox_state state;
	int64_t next_at; /* of a queued row */
	bool again;      /* unknown, and to be queued again at next_at */
};
/* row as it was leased: its attempts count the one that ended in outcome. */
struct settlement retry_settle(const struct outbox_row *row, enum outcome outcome, int64_t now, uint32_t random);

#endif
