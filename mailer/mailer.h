/* mailer: the threads that send what stands in the outbox: lease -> compose -> MIME -> transport -> settle. One thread a connection,
 * so that a relay that is slow after the final dot holds up that connection alone. Settlements are jobs of the writer.
 * No transaction is open while a byte is on the network. */
#ifndef MAILER_MAILER_H
#define MAILER_MAILER_H

#include "engine/workflow/writer.h"

#include <stdatomic.h>

struct mailer;

/* What this process has sent and received since it started. Any thread. */
enum { TALLY_CHANNELS = CHANNEL_SMS + 1, TALLY_OUTCOMES = 4, TALLY_ARRIVALS = 5 };
struct mailer_tally {
	atomic_llong sends[TALLY_CHANNELS][TALLY_OUTCOMES]; /* by enum channel and enum outcome of each try */
	atomic_llong reports[TALLY_CHANNELS][DELIVERIES];   /* by enum delivery: bounces, and reports of gateways; NONE: not understood, or of no message of ours */
	atomic_llong arrivals[TALLY_ARRIVALS];              /* as mailer_arrivals names them */
};
extern const char *const mailer_arrivals[TALLY_ARRIVALS], *const mailer_outcomes[TALLY_OUTCOMES];
void mailer_count_arrival(struct mailer_tally *tally, const char *kind);

struct mailer_options {
	struct site *site;
	struct store *store;
	struct engine *engine;
	struct writer *writer;
	struct mailer_tally *tally; /* counted in; NULL: nowhere */
	bool capture; /* demo: keep messages in the store instead of sending them */
};
/* Starts its threads. NULL on error; caller closes before writer, engine, store and site. */
struct mailer *mailer_open(const struct mailer_options *options, struct err *err);
void mailer_close(struct mailer *m); /* waits for the messages under way (at most 30 s) */
void mailer_wake(struct mailer *m);  /* any thread: the outbox has new rows, or the clock moved */
/* The process: curl's and locale's one-time set-up, before any thread. */
bool mailer_init(struct err *err);

#endif
