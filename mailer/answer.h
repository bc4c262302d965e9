/* answer: a mail (or a text) in which somebody answers one of ours becomes an event of the instance. */
#ifndef MAILER_ANSWER_H
#define MAILER_ANSWER_H

#include "engine/store/arrivals.h"
#include "engine/workflow/engine.h"
#include "mailer/arrival.h"

/* By the Message-IDs that it refers to, the newest first; only from the address that the message went to, not more than a few times a day, and not twice at once: a program that does
 * not say that it is one must not start a conversation. Sets of row: outbox_id (0: it answers nothing of ours), outcome, and what became of each file, also of a mail that answers nothing. */
bool answer_apply(struct engine *engine, struct tx *tx, const struct arrival *arrival, int64_t now, struct arena *a, struct arrival_row *row, struct err *err);

/* The event itself, of whatever channel. Sets outcome and files. */
bool answer_give(struct engine *engine, struct tx *tx, const struct outbox_row *message, const struct reply *reply, int64_t now, struct arena *a, struct arrival_row *row, struct err *err);

#endif
