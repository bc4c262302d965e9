#include "mailer/mailer.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "mailer/report_reader.h"
#include "mailer/retry.h"
#include "mailer/sender.h"
#include "mailer/text_reader.h"
#include "mailer/turns.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	CONNECTIONS_MAX = 64,
	IDLE_WAIT_MS = 60000,
	SIMULATED_WAIT_MS = 1000,
	OTHERS_WAIT_MS = 200, /* what is due belongs to the other lane, or was taken by another sender */
	STUCK_WAIT_MS = 1000,
	RECLAIM_MS = 60000,
	REST_MS = 1000, REST_MAX_MS = 8000, /* of one sender whose own connection failed, doubled each time */
	EXPIRE_ROWS = 500,
	CLOSE_WAIT_MS = 30000,
	PAGE = 100
};

/* The last two have a sender for codes alone: behind a mailing to thousands, or a relay that thinks for long, somebody waits for one at a page. */
enum { LANES = 4 };
static const struct outbox_lane lanes_of[LANES] = {{.channel = CHANNEL_MAIL, .most = OUTBOX_OTHER}, {.channel = CHANNEL_SMS, .most = OUTBOX_OTHER}, {.channel = CHANNEL_MAIL, .most = OUTBOX_CODE}, {.channel = CHANNEL_SMS, .most = OUTBOX_CODE}};

/* All senders that take the same. Guarded by the mailer's lock. */
struct lane {
	struct outbox_lane takes;
	pthread_cond_t wake;
	unsigned woken; /* counts calls, so that none is lost between looking and sleeping */
};

struct worker {
	struct mailer *mailer;
	struct lane *lane;
	struct sender *sender;
	pthread_t thread;
	bool started;
	int failures; /* in a row */
};

struct mailer {
	struct mailer_options options;
	struct arena *arena;
	const struct gateway *gateway; /* NULL: capture, or no SMS is sent */
	pthread_mutex_t lock;
	pthread_cond_t ended, stop; /* a sender has ended; all are to end */
	struct lane lanes[LANES];
	struct worker workers[CONNECTIONS_MAX + LANES];
	int worker_count, running;
	int64_t reclaim_at; /* monotonic */
	atomic_bool closing;
};

const char *const mailer_arrivals[TALLY_ARRIVALS] = {"person", "automatic", "report", "text", "unreadable"};
const char *const mailer_outcomes[TALLY_OUTCOMES] = {[OUTCOME_SENT] = "sent", [OUTCOME_LATER] = "later", [OUTCOME_NEVER] = "never", [OUTCOME_UNKNOWN] = "unknown"};

void mailer_count_arrival(struct mailer_tally *tally, const char *kind) {
	for (size_t i = 0; tally && i < TALLY_ARRIVALS; i++)
		if (strcmp(mailer_arrivals[i], kind) == 0)
			atomic_fetch_add(&tally->arrivals[i], 1);
}

bool mailer_init(struct err *err) {
	return smtp_init(err);
}

static struct timespec monotonic_in(int64_t ms) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

static void lane_wake(struct mailer *m, struct lane *lane) {
	pthread_mutex_lock(&m->lock);
	lane->woken++;
	pthread_cond_signal(&lane->wake);
	pthread_mutex_unlock(&m->lock);
}

/* One sender of each lane looks; when it finds something it wakes the next. */
void mailer_wake(struct mailer *m) {
	for (int i = 0; i < LANES; i++)
		lane_wake(m, &m->lanes[i]);
}

static void notify(void *context) {
	mailer_wake(context);
}

/* Until ms have passed or the mailer closes; with `seen` also until the lane is woken after *seen was read. */
static void lane_sleep(struct mailer *m, struct lane *lane, int64_t ms, const unsigned *seen) {
	struct timespec until = monotonic_in(ms);
	pthread_mutex_lock(&m->lock);
	while (!atomic_load(&m->closing) && !(seen && *seen != lane->woken))
		if (pthread_cond_timedwait(seen ? &lane->wake : &m->stop, &m->lock, &until) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&m->lock);
}

struct reclaim {
	struct job job;
	int64_t ended_by; /* leases that end by this instant have no owner any more */
	int64_t count, again, expired;
};

/* Messages whose process died between begin and settle. */
static bool requeue_unknown(struct tx *tx, int64_t now, struct arena *a, int64_t *again, struct err *err) {
	struct outbox_list rows = {0};
	int64_t after = 0, next_at;
	do {
		if (!outbox_list(tx_view(tx), 1u << OUTBOX_UNKNOWN, after, PAGE, a, &rows, err))
			return false;
		for (size_t i = 0; i < rows.count; i++) {
			after = rows.items[i].id;
			if (!retry_again(&rows.items[i], now, &next_at))
				continue;
			if (!outbox_requeue(tx, after, next_at, err))
				return false;
			++*again;
		}
	} while (rows.count == PAGE);
	return true;
}

static bool reclaim_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	(void)engine;
	struct reclaim *r = (struct reclaim *)job;
	r->again = 0;
	if (!outbox_reclaim(tx, r->ended_by ? r->ended_by : clock_steady(), &r->count, err) || (r->ended_by > 0 && !turns_start(tx, err)) ||
	    !outbox_expire(tx, now, EXPIRE_ROWS, &r->expired, err) || !pace_sweep(tx, now, err))
		return false;
	if (r->count == 0 && r->ended_by == 0)
		return true;
	struct arena *a = arena_new();
	bool ok = requeue_unknown(tx, now, a, &r->again, err);
	arena_free(a);
	return ok;
}

/* ended_by 0: now. */
static bool reclaim(struct mailer *m, int64_t ended_by, struct err *err) {
	struct reclaim r = {.job.run = reclaim_run, .ended_by = ended_by};
	if (!writer_run(m->options.writer, &r.job, err))
		return false;
	if (r.count > 0 || r.again > 0)
		log_event(LOG_WARN, "outbox-reclaimed", "leases=%lld again=%lld", (long long)r.count, (long long)r.again);
	if (r.expired > 0)
		log_event(LOG_WARN, "outbox-expired", "messages=%lld", (long long)r.expired);
	return true;
}

/* Whoever comes by first each minute. */
static void reclaim_when_due(struct mailer *m) {
	int64_t now = clock_monotonic();
	pthread_mutex_lock(&m->lock);
	bool due = now >= m->reclaim_at;
	if (due)
		m->reclaim_at = now + (clock_is_simulated() ? SIMULATED_WAIT_MS : RECLAIM_MS); /* a clock that jumps ends leases */
	pthread_mutex_unlock(&m->lock);
	struct err err = {0};
	if (due && !reclaim(m, 0, &err))
		log_err(LOG_ERROR, "reclaim-failed", &err);
}

/* How long until something may be sent, at most as long as one sleeps; 0: look now. */
static int64_t ms_until_due(struct worker *w) {
	struct err err = {0};
	int64_t next_at = INT64_MAX, most = clock_is_simulated() ? SIMULATED_WAIT_MS : IDLE_WAIT_MS;
	struct view *v = store_view(w->mailer->options.store, &err);
	bool ok = v && sender_next(w->sender, v, &next_at, &err);
	view_close(v);
	if (!ok)
		return STUCK_WAIT_MS;
	int64_t now = clock_now();
	return next_at <= now ? 0 : next_at - now > most ? most : next_at - now;
}

/* Its own connection failed, whatever others find: it does not try again at once. */
static void worker_rest(struct worker *w, bool down) {
	int64_t rest = (int64_t)REST_MS << (w->failures < 3 ? w->failures : 3);
	w->failures = down ? w->failures + 1 : 0;
	if (down)
		lane_sleep(w->mailer, w->lane, rest < REST_MAX_MS ? rest : REST_MAX_MS, NULL);
}

/* Until nothing is due: what was sent last is settled together with the next lease. */
static void worker_rounds(struct worker *w) {
	struct mailer *m = w->mailer;
	enum round came;
	bool any = false;
	do {
		came = sender_lease(w->sender);
		if (came != ROUND_LEASED)
			break;
		any = true;
		lane_wake(m, w->lane); /* another one keeps watch while this one sends */
		came = sender_send(w->sender);
		if (sender_news(w->sender))
			mailer_wake(m);
		if (came != ROUND_STUCK)
			worker_rest(w, came == ROUND_DOWN);
	} while (came == ROUND_SENT && !atomic_load(&m->closing));
	if (came == ROUND_STUCK)
		lane_sleep(m, w->lane, STUCK_WAIT_MS, NULL);
	else if (!any)
		lane_sleep(m, w->lane, OTHERS_WAIT_MS, NULL);
}

static unsigned lane_seen(struct mailer *m, const struct lane *lane) {
	pthread_mutex_lock(&m->lock);
	unsigned seen = lane->woken;
	pthread_mutex_unlock(&m->lock);
	return seen;
}

/* By the sender of texted codes, which has the least to do. */
static void read_told(const struct worker *w) {
	struct mailer *m = w->mailer;
	struct err err = {0};
	bool mine = w->lane->takes.channel == CHANNEL_SMS && w->lane->takes.most == OUTBOX_CODE;
	if (m->gateway && mine && !reports_read(&m->options, m->gateway, &err))
		log_err(LOG_ERROR, "reports-not-read", &err);
	if (m->gateway && mine && !texts_read(&m->options, m->gateway, &err))
		log_err(LOG_ERROR, "texts-not-read", &err);
}

static void worker_turn(struct worker *w) {
	struct mailer *m = w->mailer;
	unsigned seen = lane_seen(m, w->lane);
	reclaim_when_due(m);
	read_told(w);
	/* What the store could not take down is tried again, even when nothing is due. */
	int64_t wait = sender_owes(w->sender) ? 0 : ms_until_due(w), tidy = sender_tidy(w->sender);
	if (wait > 0)
		lane_sleep(m, w->lane, wait < tidy ? wait : tidy, &seen);
	else
		worker_rounds(w);
}

static void *worker_main(void *context) {
	struct worker *w = context;
	while (!atomic_load(&w->mailer->closing))
		worker_turn(w);
	sender_finish(w->sender);
	pthread_mutex_lock(&w->mailer->lock);
	w->mailer->running--;
	pthread_cond_signal(&w->mailer->ended);
	pthread_mutex_unlock(&w->mailer->lock);
	return NULL;
}

static bool worker_add(struct mailer *m, struct lane *lane, struct err *err) {
	struct worker *w = &m->workers[m->worker_count];
	*w = (struct worker){.mailer = m, .lane = lane};
	w->sender = sender_open(&m->options, m->gateway, lane->takes, m->worker_count, &m->closing, err);
	m->worker_count += w->sender != NULL;
	return w->sender != NULL;
}

static bool worker_start(struct worker *w, struct err *err) {
	struct mailer *m = w->mailer;
	w->started = pthread_create(&w->thread, NULL, worker_main, w) == 0;
	pthread_mutex_lock(&m->lock);
	m->running += w->started;
	pthread_mutex_unlock(&m->lock);
	return w->started || err_set(err, ERR_TRANSIENT, "error.busy", "cannot start a mailer thread");
}

/* A captured message costs nothing, and one thread keeps the order of a demo's inbox. */
static int connections_of(const struct mailer_options *options) {
	int wanted = options->capture ? 1 : site_config(options->site)->mail.connections;
	return wanted < 1 ? 1 : wanted > CONNECTIONS_MAX ? CONNECTIONS_MAX : wanted;
}

static bool open_workers(struct mailer *m, struct err *err) {
	for (int i = connections_of(&m->options); i > 1; i--)
		if (!worker_add(m, &m->lanes[0], err))
			return false;
	int lanes = m->options.capture ? LANES - 2 : LANES; /* what is only captured keeps nothing waiting */
	for (int i = 0; i < lanes; i++)
		if (!worker_add(m, &m->lanes[i], err))
			return false;
	/* The store is ours alone, so every lease in it is one of a process that died. */
	if (!reclaim(m, INT64_MAX, err))
		return false;
	for (int i = 0; i < m->worker_count; i++)
		if (!worker_start(&m->workers[i], err))
			return false;
	return true;
}

static void init_condition(pthread_cond_t *cond) {
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static bool open_gateway(struct mailer *m, struct err *err) {
	const struct sms_config *config = &site_config(m->options.site)->sms;
	if (m->options.capture || config->gateway.len == 0)
		return true;
	m->gateway = gateway_open(m->arena, config, err);
	return m->gateway != NULL;
}

struct mailer *mailer_open(const struct mailer_options *options, struct err *err) {
	struct mailer *m = calloc(1, sizeof *m);
	BUG_IF(m == NULL);
	m->options = *options;
	m->arena = arena_new();
	for (int i = 0; i < LANES; i++)
		m->lanes[i].takes = lanes_of[i];
	m->reclaim_at = clock_monotonic() + (clock_is_simulated() ? SIMULATED_WAIT_MS : RECLAIM_MS);
	pthread_mutex_init(&m->lock, NULL);
	init_condition(&m->ended);
	init_condition(&m->stop);
	for (int i = 0; i < LANES; i++)
		init_condition(&m->lanes[i].wake);
	if (!open_gateway(m, err) || !open_workers(m, err)) {
		mailer_close(m);
		return NULL;
	}
	writer_on_outbox(options->writer, notify, m);
	return m;
}

/* False: some are still sending after ms. */
static bool all_ended(struct mailer *m, int64_t ms) {
	struct timespec until = monotonic_in(ms);
	pthread_mutex_lock(&m->lock);
	while (m->running > 0)
		if (pthread_cond_timedwait(&m->ended, &m->lock, &until) == ETIMEDOUT)
			break;
	bool ended = m->running == 0;
	pthread_mutex_unlock(&m->lock);
	return ended;
}

static bool barrier_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	(void)job, (void)engine, (void)tx, (void)now, (void)err;
	return true;
}

/* After this the writer's thread does not call notify any more: a job that ran later than the change has been seen through. */
static void stop_listening(struct mailer *m) {
	struct job barrier = {.run = barrier_run};
	struct err err;
	writer_on_outbox(m->options.writer, NULL, NULL);
	writer_run(m->options.writer, &barrier, &err);
}

void mailer_close(struct mailer *m) {
	if (!m)
		return;
	stop_listening(m);
	pthread_mutex_lock(&m->lock);
	atomic_store(&m->closing, true);
	pthread_cond_broadcast(&m->stop);
	for (int i = 0; i < LANES; i++)
		pthread_cond_broadcast(&m->lanes[i].wake);
	pthread_mutex_unlock(&m->lock);
	bool ended = all_ended(m, CLOSE_WAIT_MS);
	for (int i = 0; i < m->worker_count; i++) {
		if (!ended)
			sender_abort(m->workers[i].sender);
		if (m->workers[i].started)
			pthread_join(m->workers[i].thread, NULL);
		sender_close(m->workers[i].sender);
	}
	for (int i = 0; i < LANES; i++)
		pthread_cond_destroy(&m->lanes[i].wake);
	pthread_cond_destroy(&m->ended);
	pthread_cond_destroy(&m->stop);
	pthread_mutex_destroy(&m->lock);
	arena_free(m->arena);
	free(m);
}
