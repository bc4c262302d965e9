/* sender: one sending thread's work and its connection. A round is lease and send: a few due rows are leased; each is composed, begun (durably), sent and settled.
 * The settlement of one row travels in the same writer job as the beginning of the next, so that a message costs one commit.
 * One thread, but for sender_abort. */
#ifndef MAILER_SENDER_H
#define MAILER_SENDER_H

#include <stdatomic.h>

#include "mailer/gateway.h"
#include "mailer/mailer.h"

struct sender;

/* NULL: relay or gateway cannot be used as configured. options, gateway (NULL: no SMS is sent) and closing are borrowed; caller closes. */
struct sender *sender_open(const struct mailer_options *options, const struct gateway *gateway, struct outbox_lane lane, int number, const atomic_bool *closing, struct err *err);
void sender_close(struct sender *s);

/* What it takes at that time. */
struct outbox_lane sender_takes(const struct mailer_options *options, struct outbox_lane lane, int64_t now);

enum round {
	ROUND_IDLE,   /* nothing was due */
	ROUND_LEASED, /* something is to be sent now */
	ROUND_SENT,   /* all of it was handled, or the mailer is closing */
	ROUND_DOWN,   /* the relay itself does not answer or refuses us: let it rest; what was leased is queued again */
	ROUND_STUCK   /* the store takes nothing now */
};
enum round sender_lease(struct sender *s); /* IDLE, LEASED, STUCK */
enum round sender_send(struct sender *s);  /* what was leased: SENT, DOWN, STUCK */
/* Something was sent that is not settled yet: the next lease settles it. */
bool sender_owes(const struct sender *s);
/* What is not settled yet, before the thread ends. Rows that cannot be settled are reclaimed at the next start. */
void sender_finish(struct sender *s);
void sender_abort(struct sender *s); /* any thread: a send under way ends within about a second */

#endif
