/* gauges: how much of what stands in the store, for whoever watches a site. Only what an index tells at once, whatever the store holds. */
#ifndef ENGINE_STORE_GAUGES_H
#define ENGINE_STORE_GAUGES_H

#include "engine/store/documents.h"
#include "engine/store/outbox.h"

enum { GAUGE_CHANNELS = CHANNEL_SMS + 1, GAUGE_STATES = OUTBOX_EXPIRED + 1 };
struct gauges {
	int64_t outbox[GAUGE_CHANNELS][GAUGE_STATES]; /* by enum channel and enum outbox_state; those sent are not counted */
	int64_t outbox_due, outbox_due_at;            /* queued, and their time has come; due_at: since when the oldest, 0: none */
	int64_t undelivered;                          /* sent, and reported as not arrived */
	int64_t documents_waiting, documents_failed;
	int64_t timers_due, timer_due_at;             /* as for the outbox */
	int64_t signals;                              /* that wait to be taken */
	int64_t transitions;                          /* entries of all histories so far */
};
bool gauges_read(struct view *v, int64_t now, struct gauges *out, struct err *err);

#endif
