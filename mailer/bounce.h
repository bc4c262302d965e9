/* bounce: a delivery status notification becomes what is known of the message that it is about. */
#ifndef MAILER_BOUNCE_H
#define MAILER_BOUNCE_H

#include "engine/base/config.h"
#include "engine/base/secret.h"
#include "engine/store/outbox.h"
#include "mailer/arrival.h"

/* Which message: by the signed address that it came to (verp.h), else by the Message-ID of the mail that came back, which only those know who had it.
 * *outbox_id 0: none of ours; then nothing was changed. *outcome: one word for people who look. */
bool bounce_apply(struct tx *tx, const struct keyring *keys, const struct mail_config *config, const struct arrival *arrival, int64_t now, struct arena *a,
                  int64_t *outbox_id, struct str *outcome, struct err *err);

/* What a report says: hard is for good and the address's own fault (RFC 3463: 5.1.x and the like). */
enum delivery bounce_delivery(const struct arrival_report *report, bool *hard);

#endif
