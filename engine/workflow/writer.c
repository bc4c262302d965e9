#include "engine/workflow/writer.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/store/timers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
	QUEUE_LIMIT = 10000,
	BATCH_LIMIT = 256,
	DUE_IN_ONE_BATCH = 100,    /* timers or signals between two looks at the queue */
	IDLE_WAIT_MS = 60000,
	SIMULATED_WAIT_MS = 200,
	BACK_OFF_MS = 2000         /* after the store failed under a timer */
};

/* What somebody waits for that is no transaction. */
struct between {
	bool (*turn)(void *context, bool *done, struct err *err);
	void *context;
	pthread_cond_t ended;
	bool done, ok;
	struct err err;
};

struct writer {
	struct store *store;
	struct engine *engine;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first, **last;
	int64_t queued;
	bool closing, poked;
	struct between *between;
	int waiting;              /* threads in writer_between */
	pthread_cond_t none_waits;
	struct meter commits;
	struct writer_stats stats;    /* under lock too; queued is counted apart */
	pthread_mutex_t notify_lock;  /* held during a call, so that none goes on after writer_on_outbox() */
	void (*notify)(void *context);
	void *notify_context;
	/* the writer's thread alone: */
	bool committed;     /* something that may have put rows in the outbox, since the last look */
	int64_t rest_until; /* monotonic: no timers before, the store has just failed */
};

/* Everything that waits, up to the batch limit, in order. */
static struct job *take_batch(struct writer *w) {
	struct job *batch = w->first, **end = &batch;
	for (int i = 0; i < BATCH_LIMIT && *end; i++) {
		end = &(*end)->next;
		w->queued--;
	}
	w->first = *end;
	if (!w->first)
		w->last = &w->first;
	*end = NULL;
	return batch;
}

static void finish(struct writer *w, struct job *job, bool ok) {
	struct err err = job->err;
	pthread_mutex_lock(&w->lock);
	if (!ok && (err.kind == ERR_TRANSIENT || err.kind == ERR_PERMANENT))
		w->stats.failed++;
	else if (!ok)
		w->stats.refused++;
	w->stats.jobs++;
	pthread_mutex_unlock(&w->lock);
	job->done(job, ok, &err);
}

/* Runs one job inside tx. False: the transaction must not be committed any more. */
static bool run_job(struct writer *w, struct job *job, struct tx *tx) {
	tx_mark(tx);
	job->err = (struct err){0};
	job->ok = job->run(job, w->engine, tx, clock_now(), &job->err);
	return job->ok || (tx_alive(tx) && !tx_dirty(tx));
}

static bool commit(struct writer *w, struct tx *tx, struct err *err) {
	int64_t begun = meter_begin();
	if (!store_commit(tx, err)) {
		log_err(LOG_ERROR, "commit-failed", err);
		return false;
	}
	meter_add(&w->commits, begun);
	w->committed = true;
	return true;
}

/* One job in a transaction of its own. False: what it wrote is undone. */
static bool run_alone(struct writer *w, struct job *job) {
	struct tx *tx;
	struct err commit_err = {0};
	job->ok = false;
	job->err = (struct err){0};
	if (!store_begin(w->store, &tx, &job->err))
		return false;
	if (!run_job(w, job, tx)) {
		store_rollback(tx);
		job->ok = false;
		if (job->err.kind == ERR_NONE)
			err_set(&job->err, ERR_TRANSIENT, "error.busy", "the transaction was lost");
		return false;
	}
	if (commit(w, tx, &commit_err))
		return true;
	job->ok = false;
	job->err = commit_err;
	return false;
}

/* What failed for good after a write may be what follows from the job and not the job itself: once more without it. */
static void run_single(struct writer *w, struct job *job) {
	if (!run_alone(w, job) && job->err.kind == ERR_PERMANENT) {
		engine_alone(w->engine, true);
		run_alone(w, job);
		engine_alone(w->engine, false);
	}
	finish(w, job, job->ok);
}

/* The batch in one transaction; false: nothing of it was kept. */
static bool run_together(struct writer *w, struct job *batch) {
	struct tx *tx;
	struct err err = {0};
	if (!store_begin(w->store, &tx, &err))
		return false;
	for (struct job *job = batch; job; job = job->next) {
		if (!run_job(w, job, tx)) {
			store_rollback(tx);
			return false;
		}
	}
	return commit(w, tx, &err);
}

static void run_batch(struct writer *w, struct job *batch) {
	bool together = batch->next && run_together(w, batch);
	pthread_mutex_lock(&w->lock);
	w->stats.batches++;
	pthread_mutex_unlock(&w->lock);
	while (batch) {
		struct job *job = batch;
		batch = job->next; /* done() may free the job */
		if (together)
			finish(w, job, job->ok);
		else
			run_single(w, job);
	}
}

/* False: nothing is left, or it failed. */
static bool run_due(struct writer *w, bool *failed) {
	struct arena *a = arena_new();
	struct err err = {0};
	struct tx *tx;
	bool left = false, ok = store_begin(w->store, &tx, &err);
	int64_t timers, signals, timers_before, signals_before;
	engine_counts(w->engine, &timers_before, &signals_before);
	if (ok && !engine_tick(w->engine, tx, clock_now(), DUE_IN_ONE_BATCH, a, &left, &err)) {
		store_rollback(tx);
		ok = false;
	}
	engine_counts(w->engine, &timers, &signals);
	bool any = timers > timers_before || signals > signals_before;
	int64_t begun = meter_begin();
	if (ok)
		ok = store_commit(tx, &err);
	if (ok && any)
		meter_add(&w->commits, begun);
	w->committed = w->committed || (ok && any);
	if (!ok)
		log_err(LOG_ERROR, "due-failed", &err);
	*failed = !ok;
	arena_free(a);
	return ok && left;
}

static bool record_set_aside(struct writer *w, const struct err *why, struct arena *a) {
	struct err err = {0};
	struct tx *tx;
	if (!store_begin(w->store, &tx, &err))
		return false;
	bool ok = engine_set_aside(w->engine, tx, clock_now(), why, a, &err);
	if (!ok)
		store_rollback(tx);
	ok = ok && commit(w, tx, &err);
	log_err(LOG_ERROR, ok ? "set-aside" : "set-aside-failed", ok ? why : &err);
	return ok;
}

/* After a failure one by one, each in a transaction of its own, until the one is met that fails. If that is for good it is recorded as refused, so that
 * it cannot hold up the others. False: the store is at fault. */
static bool set_aside(struct writer *w) {
	struct arena *a = arena_new();
	bool ok = true, found = true;
	for (int i = 0; ok && found && i < DUE_IN_ONE_BATCH; i++) {
		struct err why = {0};
		struct tx *tx;
		arena_reset(a);
		ok = store_begin(w->store, &tx, &why);
		if (!ok)
			break;
		if (engine_step(w->engine, tx, clock_now(), a, &found, &why)) {
			ok = commit(w, tx, &why) && (found || i > 0);
			continue;
		}
		store_rollback(tx);
		ok = why.kind != ERR_TRANSIENT && record_set_aside(w, &why, a);
		break;
	}
	arena_free(a);
	return ok;
}

static void tell_outbox(struct writer *w) {
	if (!w->committed)
		return;
	w->committed = false;
	pthread_mutex_lock(&w->notify_lock);
	if (w->notify)
		w->notify(w->notify_context);
	pthread_mutex_unlock(&w->notify_lock);
}

/* How long until something is due, at most IDLE_WAIT_MS. */
static int64_t wait_ms(struct writer *w) {
	struct err err = {0};
	int64_t due_at = INT64_MAX;
	struct view *v = store_view(w->store, &err);
	bool ok = v && timer_next(v, &due_at, &err);
	if (v)
		view_close(v);
	if (!ok)
		return BACK_OFF_MS;
	int64_t most = clock_is_simulated() ? SIMULATED_WAIT_MS : IDLE_WAIT_MS;
	int64_t left = due_at == INT64_MAX ? most : due_at - clock_now();
	left = left < 0 ? 0 : left > most ? most : left;
	int64_t rest = w->rest_until - clock_monotonic();
	/* After a failure the store is looked at again then, whatever waits: signals have no due time. */
	return rest > 0 ? rest : left;
}

static void sleep_until_work(struct writer *w) {
	int64_t ms = wait_ms(w);
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&w->lock);
	while (!w->first && !w->closing && !w->poked && !w->between)
		if (pthread_cond_timedwait(&w->wake, &w->lock, &until) == ETIMEDOUT)
			break;
	w->poked = false;
	pthread_mutex_unlock(&w->lock);
}

static struct job *next_batch(struct writer *w, bool *closing) {
	pthread_mutex_lock(&w->lock);
	struct job *batch = take_batch(w);
	*closing = w->closing;
	pthread_mutex_unlock(&w->lock);
	return batch;
}

static void count_due(struct writer *w) {
	pthread_mutex_lock(&w->lock);
	engine_counts(w->engine, &w->stats.timers, &w->stats.signals);
	pthread_mutex_unlock(&w->lock);
}

static void end_between(struct writer *w, struct between *b, bool ok) {
	pthread_mutex_lock(&w->lock);
	b->done = true;
	b->ok = ok;
	w->between = NULL;
	pthread_cond_signal(&b->ended);
	pthread_mutex_unlock(&w->lock);
}

/* One turn; false: nobody waits for another. */
static bool take_turn(struct writer *w) {
	pthread_mutex_lock(&w->lock);
	struct between *b = w->between;
	bool closing = w->closing, done = true;
	pthread_mutex_unlock(&w->lock);
	if (!b)
		return false;
	bool ok = closing ? err_set(&b->err, ERR_TRANSIENT, "error.busy", "the server is stopping") : b->turn(b->context, &done, &b->err);
	if (ok && !done)
		return true;
	end_between(w, b, ok);
	return false;
}

static void *writer_main(void *context) {
	struct writer *w = context;
	for (;;) {
		bool closing, failed = false, due = false;
		struct job *batch = next_batch(w, &closing);
		if (!batch && closing) {
			take_turn(w);
			return NULL;
		}
		if (batch)
			run_batch(w, batch);
		if (clock_monotonic() >= w->rest_until)
			due = run_due(w, &failed);
		if (failed && !set_aside(w))
			w->rest_until = clock_monotonic() + BACK_OFF_MS;
		else
			due = due || failed;
		count_due(w);
		tell_outbox(w);
		store_checkpoint(w->store, !batch && !due);
		bool turning = take_turn(w);
		if (!due && !turning && !closing)
			sleep_until_work(w);
	}
}

struct writer *writer_open(struct store *store, struct engine *engine, struct err *err) {
	struct writer *w = calloc(1, sizeof *w);
	BUG_IF(w == NULL);
	pthread_condattr_t monotonic;
	w->store = store;
	w->engine = engine;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->notify_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &monotonic);
	pthread_cond_init(&w->none_waits, NULL);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&w->thread, NULL, writer_main, w) == 0)
		return w;
	err_set(err, ERR_TRANSIENT, "error.busy", "cannot start the writer's thread");
	free(w);
	return NULL;
}

void writer_close(struct writer *w) {
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_mutex_lock(&w->lock);
	while (w->waiting > 0)
		pthread_cond_wait(&w->none_waits, &w->lock);
	pthread_mutex_unlock(&w->lock);
	pthread_cond_destroy(&w->none_waits);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->notify_lock);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

bool writer_submit(struct writer *w, struct job *job, struct err *err) {
	pthread_mutex_lock(&w->lock);
	bool full = w->closing || w->queued >= QUEUE_LIMIT;
	if (!full) {
		job->next = NULL;
		*w->last = job;
		w->last = &job->next;
		w->queued++;
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	return !full || err_set(err, ERR_TRANSIENT, "error.busy", "too many requests wait, or the server is stopping");
}

/* A job inside a job, so that the caller's done() need not know of the waiting. */
struct waited {
	struct job job;
	struct job *inner;
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool finished, ok;
	struct err err;
};

static bool waited_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct waited *waited = (struct waited *)job;
	return waited->inner->run(waited->inner, engine, tx, now, err);
}

static void waited_done(struct job *job, bool ok, const struct err *err) {
	struct waited *waited = (struct waited *)job;
	pthread_mutex_lock(&waited->lock);
	waited->ok = ok;
	waited->err = *err;
	waited->finished = true;
	pthread_cond_signal(&waited->done);
	pthread_mutex_unlock(&waited->lock);
}

bool writer_run(struct writer *w, struct job *job, struct err *err) {
	struct waited waited = {.job = {.run = waited_run, .done = waited_done}, .inner = job};
	pthread_mutex_init(&waited.lock, NULL);
	pthread_cond_init(&waited.done, NULL);
	bool ok = writer_submit(w, &waited.job, err);
	if (ok) {
		pthread_mutex_lock(&waited.lock);
		while (!waited.finished)
			pthread_cond_wait(&waited.done, &waited.lock);
		pthread_mutex_unlock(&waited.lock);
		ok = waited.ok;
		if (!ok)
			*err = waited.err;
		if (job->done)
			job->done(job, ok, &waited.err);
	}
	pthread_cond_destroy(&waited.done);
	pthread_mutex_destroy(&waited.lock);
	return ok;
}

bool writer_between(struct writer *w, bool (*turn)(void *context, bool *done, struct err *err), void *context, struct err *err) {
	struct between b = {.turn = turn, .context = context};
	pthread_cond_init(&b.ended, NULL);
	pthread_mutex_lock(&w->lock);
	bool free = !w->closing && !w->between;
	if (free)
		w->between = &b;
	w->waiting++;
	pthread_cond_signal(&w->wake);
	while (free && !b.done)
		pthread_cond_wait(&b.ended, &w->lock);
	w->waiting--;
	pthread_cond_signal(&w->none_waits);
	pthread_mutex_unlock(&w->lock);
	pthread_cond_destroy(&b.ended);
	if (free && !b.ok)
		*err = b.err;
	return free ? b.ok : err_set(err, ERR_CONFLICT, "error.busy", "another backup is under way, or the server is stopping");
}

void writer_wake(struct writer *w) {
	pthread_mutex_lock(&w->lock);
	w->poked = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void writer_on_outbox(struct writer *w, void (*notify)(void *context), void *context) {
	pthread_mutex_lock(&w->notify_lock);
	w->notify_context = context;
	w->notify = notify;
	pthread_mutex_unlock(&w->notify_lock);
}

struct writer_stats writer_stats(struct writer *w) {
	pthread_mutex_lock(&w->lock);
	struct writer_stats stats = w->stats;
	stats.queued = w->queued;
	pthread_mutex_unlock(&w->lock);
	return stats;
}

const struct meter *writer_commits(const struct writer *w) {
	return &w->commits;
}
