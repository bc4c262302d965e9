#include "otp-portal/exchange.h"

#include "engine/base/log.h"

enum { WRITER_MS = 20000 };
/* Files take longer: a second for each 32 KiB that came or goes, but not for ever. */
enum { BYTES_A_MS = 32, LONGEST_MS = 900000 };

struct exchange *exchange_new(struct portal *p, const char *target) {
	struct arena *a = arena_new();
	struct exchange *x = ARENA_NEW(a, struct exchange);
	x->portal = p;
	x->request = (struct request){.arena = a, .world = &p->world, .now = clock_now()};
	x->request.path = arena_str(a, str_from(target));
	x->read_at = meter_begin();
	buf_init(&x->body, REQUEST_BODY);
	response_init(&x->response);
	atomic_init(&x->holders, 1);
	return x;
}

void exchange_drop(struct exchange *x) {
	if (atomic_fetch_sub(&x->holders, 1) != 1)
		return;
	if (x->change)
		arena_free(x->change->arena);
	if (x->spool)
		share_give(x->portal->uploads, x->network);
	spool_close(x->spool);
	buf_free(&x->body);
	buf_free(&x->response.body);
	buf_free(&x->pour.ready);
	buf_free(&x->pour.piece);
	arena_free(x->request.arena);
}

struct caller *caller_of(struct MHD_Connection *connection) {
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	BUG_IF(info == NULL || info->socket_context == NULL);
	return info->socket_context;
}

void exchange_extend(struct exchange *x, int64_t ms) {
	patrol_extend(x->portal->patrol, &caller_of(x->connection)->visitor, clock_monotonic() + ms);
}

int64_t exchange_time(int64_t bytes) {
	int64_t ms = REQUEST_MS + bytes / BYTES_A_MS;
	return ms < LONGEST_MS ? ms : LONGEST_MS;
}

/* --- waiting for the writer --- */

static struct exchange *exchange_of_job(struct job *job) {
	return (struct exchange *)((char *)job - offsetof(struct exchange, job));
}

static bool run_job(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct exchange *x = exchange_of_job(job);
	return x->change->run(x->change, engine, tx, now, err);
}

static void wake(struct waiter *w) {
	struct exchange *x = (struct exchange *)((char *)w - offsetof(struct exchange, waiter));
	struct portal *p = x->portal;
	MHD_resume_connection(x->connection); /* x may be gone now */
	atomic_fetch_sub(&p->suspended, 1);
}

static void settle(struct exchange *x, bool ok, const struct err *err) {
	struct portal *p = x->portal;
	x->job.ok = ok;
	if (!ok)
		x->job.err = *err;
	if (!patrol_settle(p->patrol, &x->waiter, x->asked_at + x->change->hold_ms))
		log_event(LOG_WARN, "answer-too-late", "path=%.*s", STR_ARG(x->request.path));
	exchange_drop(x);
	atomic_fetch_sub(&p->jobs, 1);
}

static void job_done(struct job *job, bool ok, const struct err *err) {
	settle(exchange_of_job(job), ok, err);
}

/* At once, whatever the change asks for: a connection that sleeps now would still sleep when the daemon ends. */
static enum MHD_Result answer_closing(struct exchange *x) {
	x->waiter.settled = true;
	x->job.ok = false;
	err_set(&x->job.err, ERR_TRANSIENT, "error.busy", "the server is closing");
	atomic_fetch_sub(&x->portal->jobs, 1);
	return exchange_go_on(x);
}

enum MHD_Result exchange_wait(struct exchange *x) {
	struct portal *p = x->portal;
	struct err err;
	x->change = x->response.change;
	x->response.change = NULL;
	x->waiting = true;
	x->asked_at = clock_monotonic();
	x->job = (struct job){.run = run_job, .done = job_done};
	x->waiter = (struct waiter){.wake = wake}; /* maybe for the second time */
	/* Counted before `closing` is looked at: portal_close, which sets it before it looks at the number, waits for this one, or this one sees it. */
	atomic_fetch_add(&p->jobs, 1);
	if (atomic_load(&p->closing))
		return answer_closing(x);
	atomic_fetch_add(&x->holders, 1);
	/* Suspended before the job is handed over: it may be done at once. */
	atomic_fetch_add(&p->suspended, 1);
	MHD_suspend_connection(x->connection);
	patrol_wait(p->patrol, &x->waiter, x->asked_at + WRITER_MS);
	if (!writer_submit(p->world.options.writer, &x->job, &err))
		settle(x, false, &err);
	return MHD_YES;
}

/* The writer has answered, or has taken too long. */
enum MHD_Result exchange_go_on(struct exchange *x) {
	struct err late;
	x->waiting = false;
	if (!x->waiter.settled) {
		err_set(&late, ERR_TRANSIENT, "error.busy", "the writer took more than %d ms", WRITER_MS);
		page_failure(&x->request, &x->response, &late);
		/* The change may still be running; only the last holder frees its arena. */
		return exchange_send(x);
	}
	struct change *done = x->change;
	x->change = NULL;
	done->then(&x->request, done, x->job.ok, &x->job.err, &x->response);
	/* Files were kept, and now comes the rest of the page. */
	arena_free(done->arena);
	return x->response.change ? exchange_wait(x) : exchange_send(x);
}
