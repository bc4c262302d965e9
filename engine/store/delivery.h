/* delivery: what became of a message after relay or gateway had taken it, as far as it was reported. Pure. */
#ifndef ENGINE_STORE_DELIVERY_H
#define ENGINE_STORE_DELIVERY_H

#include "engine/base/str.h"

enum delivery { DELIVERY_NONE, DELIVERY_ON_WAY, DELIVERY_DELIVERED, DELIVERY_FAILED, DELIVERY_EXPIRED };
enum { DELIVERIES = DELIVERY_EXPIRED + 1 };

const char *delivery_name(enum delivery delivery); /* "none", "on-way", ... as in SQL and logs */
bool delivery_from(struct str name, enum delivery *out);
/* What holds after a report, whatever the order in which reports come, and however often: on its way < failed or expired < delivered, for what a phone
 * has confirmed was read in spite of an earlier refusal. Of several parts: on its way < delivered < failed or expired, for one part that is missing spoils the text.
 * Of failed and expired the first stays. */
enum delivery delivery_after(enum delivery was, enum delivery reported, int64_t parts);

#endif
