/* allowance: how many SMS parts a day may cost, in all and to one number (sms.per_day, sms.per_number): so that neither a mistake in a workflow nor somebody
 * who earns by texts to a number of their own empties the account. Counted in the store, over the last 24 hours. */
#ifndef MAILER_ALLOWANCE_H
#define MAILER_ALLOWANCE_H

#include "engine/base/config.h"
#include "engine/base/secret.h"
#include "engine/store/store.h"

enum allowance { ALLOWANCE_TAKEN, ALLOWANCE_OF_NUMBER, ALLOWANCE_OF_DAY }; /* or which one is used up */

/* A number as counters know it: they do not tell whose it is. In arena. */
struct str allowance_key(const struct keyring *keys, struct str number, struct arena *a);
/* Counts the parts when there is room for them; else counts nothing. */
bool allowance_take(struct tx *tx, const struct keyring *keys, const struct sms_config *config, struct str number, size_t parts, int64_t now,
                    enum allowance *out, struct err *err);

#endif
