/* writer: the one thread that writes. Jobs from portal, clock, mailer and command line queue here; it takes what is there, runs it in one
 * transaction, commits, and then answers all (group commit). design.md section 7:
 *  - `now` is fixed when the writer takes the job.
 *  - a refusal comes before a job's first write, so the batch goes on; a job that wrote and then failed undoes the batch, and the others are run singly.
 *  - when SQLite rolled the transaction back (full disk) or COMMIT fails, no job of the batch succeeded: each is run singly, else TRANSIENT.
 * Due timers and waiting signals are the writer's own jobs, interleaved with requests. */
#ifndef ENGINE_WORKFLOW_WRITER_H
#define ENGINE_WORKFLOW_WRITER_H

#include "engine/base/meter.h"
#include "engine/workflow/engine.h"

struct writer;

struct job {
	/* In the writer's thread, inside a transaction. False: *err says why; nothing must be written before a refusal. Maybe run twice (see above): it must not keep results of a run outside its context that a second run would not overwrite. */
	bool (*run)(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err);
	/* In the writer's thread after the commit (ok) or the refusal/failure. The job is the callee's again. */
	void (*done)(struct job *job, bool ok, const struct err *err);
	struct job *next; /* the writer's */
	bool ok;          /* the writer's */
	struct err err;   /* the writer's */
};

struct writer *writer_open(struct store *store, struct engine *engine, struct err *err); /* starts the thread */
void writer_close(struct writer *w); /* finishes what is queued, then stops */
/* Any thread. False when 10,000 jobs wait already or it is closing (TRANSIENT): done is not called then. */
bool writer_submit(struct writer *w, struct job *job, struct err *err);
/* Submits and waits; for threads that may block (mailer, command line). */
bool writer_run(struct writer *w, struct job *job, struct err *err);
/* Runs turn in the writer's thread, between its batches and outside of transactions, again and again until it is *done or fails; the caller waits, and no one
 * else may meanwhile (CONFLICT). */
bool writer_between(struct writer *w, bool (*turn)(void *context, bool *done, struct err *err), void *context, struct err *err);
void writer_wake(struct writer *w); /* the simulated clock moved: look at the timers again */
/* Called in the writer's thread after a commit that may have put rows in the outbox; not any more once a later writer_on_outbox() has come back. */
void writer_on_outbox(struct writer *w, void (*notify)(void *context), void *context);
struct writer_stats {
	int64_t jobs, batches, refused, failed, timers, signals, queued;
};
struct writer_stats writer_stats(struct writer *w);
const struct meter *writer_commits(const struct writer *w); /* how long they took; borrowed until writer_close */

#endif
