/* answer: a mail (or a text) in which somebody answers one of ours becomes an event of the instance. */
#ifndef MAILER_ANSWER_H
#define MAILER_ANSWER_H

#include "engine/store/outbox.h"
#include "mailer/arrival.h"

/* By the Message-IDs that it refers to, the newest first; only from the address that the message went to, and not more than a few times a day: a program that does not say that
 * it is one must not start a conversation. *outbox_id 0: it answers nothing of ours. *outcome: one word for people who look. */
bool answer_apply(struct tx *tx, const struct arrival *arrival, int64_t now, struct arena *a, int64_t *outbox_id, struct str *outcome, struct err *err);

/* The event itself, of whatever channel. */
bool answer_give(struct tx *tx, const struct outbox_row *row, struct str text, int64_t now, struct arena *a, struct str *outcome, struct err *err);

#endif
