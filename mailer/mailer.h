/* mailer: the threads that send what stands in the outbox: lease -> compose -> MIME -> transport -> settle. One thread a connection,
 * so that a relay that is slow after the final dot holds up that connection alone. Settlements are jobs of the writer.
 * No transaction is open while a byte is on the network. */
#ifndef MAILER_MAILER_H
#define MAILER_MAILER_H

#include "engine/workflow/writer.h"

struct mailer;

struct mailer_options {
	struct site *site;
	struct store *store;
	struct engine *engine;
	struct writer *writer;
	bool capture; /* demo: keep messages in the store instead of sending them */
};
/* Starts its threads. NULL on error; caller closes before writer, engine, store and site. */
struct mailer *mailer_open(const struct mailer_options *options, struct err *err);
void mailer_close(struct mailer *m); /* waits for the messages under way (at most 30 s) */
void mailer_wake(struct mailer *m);  /* any thread: the outbox has new rows, or the clock moved */
/* The process: curl's and locale's one-time set-up, before any thread. */
bool mailer_init(struct err *err);

#endif
