/* start_in: a mail or a text that answers nothing of ours starts an instance, where the site says so (inbox.starts, sms.starts). */
#ifndef MAILER_START_IN_H
#define MAILER_START_IN_H

#include "engine/store/arrivals.h"
#include "engine/workflow/engine.h"
#include "mailer/arrival.h"

/* Into *arrival what became of it: "started" and the instance; "seen-before"; "too-many" of that sender, or of all; "does-not-fit", or "does-not-fit-told": the sender
 * was told what is wrong. */
bool start_in_apply(struct engine *engine, struct tx *tx, const struct site *site, const struct start_post *post, int64_t now, struct arena *a,
                    struct arrival_row *arrival, struct err *err);
/* A mail of a PERSON's, by the address that it was for; "our-own": we sent it ourselves. Leaves *row when it is for none that starts something. */
bool start_in_mail(struct engine *engine, struct tx *tx, const struct site *site, const struct arrival *mail, int64_t now, struct arena *a, struct arrival_row *row,
                   struct err *err);

#endif
