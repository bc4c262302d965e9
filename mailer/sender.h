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

enum round {
	ROUND_IDLE,   /* nothing was due */
	ROUND_LEASED, /* something is to be sent now */
	ROUND_SENT,   /* all of it was handled, or the mailer is closing */
	ROUND_DOWN,   /* the relay itself does not answer or refuses us; what was leased is queued again */
	ROUND_STUCK   /* the store takes nothing now */
};
enum round sender_lease(struct sender *s); /* IDLE, LEASED, STUCK */
enum round sender_send(struct sender *s);  /* what was leased: SENT, DOWN, STUCK */
/* When the lane may have something to send (turns_next). */
bool sender_next(struct sender *s, struct view *v, int64_t *next_at, struct err *err);
/* Since the last call something has changed that other senders wait for. */
bool sender_news(struct sender *s);
/* Closes a connection that nobody needed for mail.idle_seconds. In how many ms it is to be asked again; INT64_MAX: there is none. */
int64_t sender_tidy(struct sender *s);
/* Something was sent that is not settled yet: the next lease settles it. */
bool sender_owes(const struct sender *s);
/* What is not settled yet, before the thread ends. Rows that cannot be settled are reclaimed at the next start. */
void sender_finish(struct sender *s);
void sender_abort(struct sender *s); /* any thread: a send under way ends within about a second */

#endif
