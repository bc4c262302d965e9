#include "document/press.h"

#include "document/document.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/store/blobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { IDLE_WAIT_MS = 60000, SIMULATED_WAIT_MS = 1000, STUCK_WAIT_MS = 1000, BUSY_MS = 10000, AGAIN_MS = 2000 };

struct press {
	struct press_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool closing, woken;
};

bool press_draw(const struct document *d, const struct document_sheet *sheet, struct arena *a, struct str *pdf, struct err *err) {
	struct document_layout layout = {
	        .language = d->language,
	        .title = d->title,
	        .site = sheet->site,
	        .reference = sheet->reference,
	        .date = sheet->date,
	        .pages = sheet->pages,
	        .colour = sheet->colour,
	        .logo = sheet->logo,
	        .instant = d->at,
	};
	return document_pdf(a, sheet->markdown, &layout, pdf, err);
}

bool press_keep(struct tx *tx, const struct keyring *keys, struct document *d, struct str pdf, int64_t now, struct err *err) {
	struct blob blob = {.instance_id = d->instance_id, .name = d->file, .type = STR("application/pdf"), .size = (int64_t)pdf.len, .at = now};
	d->key_id = keyring_current(keys);
	return (document_seal(keys, d->key_id, d->digest, pdf, d->seal) || err_set(err, ERR_PERMANENT, "error.internal", "the key file has no key")) &&
	       blob_put(tx, &blob, bytes_of(&pdf), &d->blob_id, err) && document_ready(tx, d, err) && attachment_release(tx, d->id, now, err);
}

bool press_at_once(void *context, struct site *site, struct tx *tx, struct document *d, struct arena *a, struct err *err) {
	struct document_sheet sheet;
	struct str pdf;
	(void)context;
	return document_sheet_load(tx_view(tx), d->id, a, &sheet, err) && press_draw(d, &sheet, a, &pdf, err) && press_keep(tx, site_keys(site), d, pdf, clock_now(), err);
}

/* --- jobs of the writer --- */

struct step {
	struct job job;
	struct press *press;
	struct arena *arena;
	struct document *document;
	bool found;
	struct str pdf;     /* what was drawn; empty: it was not, because */
	const struct err *why;
};

static bool take_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct step *s = (struct step *)job;
	(void)engine;
	return document_take(tx, now, s->arena, s->document, &s->found, err);
}

/* That there is no process for it says nothing about the document; that it asks for too much will not change. */
static bool give_up(struct tx *tx, struct document *d, const struct err *why, int64_t now, struct err *err) {
	bool last = why->kind == ERR_INPUT || d->tries >= DOCUMENT_TRIES;
	if (why->kind == ERR_TRANSIENT)
		return document_settle(tx, d, DOCUMENT_WAITING, now + BUSY_MS, str_from(why->text), err);
	return document_settle(tx, d, last ? DOCUMENT_FAILED : DOCUMENT_WAITING, now + AGAIN_MS * d->tries, str_from(why->text), err);
}

static bool settle_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct step *s = (struct step *)job;
	(void)engine;
	if (s->pdf.len > 0)
		return press_keep(tx, site_keys(s->press->options.site), s->document, s->pdf, now, err);
	return give_up(tx, s->document, s->why, now, err);
}

static bool reclaim_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	int64_t failed;
	(void)job, (void)engine;
	if (!document_reclaim(tx, now, &failed, err))
		return false;
	if (failed > 0)
		log_event(LOG_ERROR, "document-failed", "count=%lld text=\"set aside: the process died three times while it was drawn\"", (long long)failed);
	return true;
}

/* --- the thread --- */

static bool is_closing(struct press *p) {
	pthread_mutex_lock(&p->lock);
	bool closing = p->closing;
	pthread_mutex_unlock(&p->lock);
	return closing;
}

static void sleep_ms(struct press *p, int64_t ms, bool wakeable) {
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&p->lock);
	while (!p->closing && !(wakeable && p->woken))
		if (pthread_cond_timedwait(&p->wake, &p->lock, &until) == ETIMEDOUT)
			break;
	p->woken = wakeable ? false : p->woken;
	pthread_mutex_unlock(&p->lock);
}

/* How long until one is due; 0: look now. */
static int64_t ms_until_due(struct press *p) {
	struct err err = {0};
	int64_t next_at = INT64_MAX, most = clock_is_simulated() ? SIMULATED_WAIT_MS : IDLE_WAIT_MS, now = clock_now();
	struct view *v = store_view(p->options.store, &err);
	bool ok = v && document_next(v, &next_at, &err);
	if (v)
		view_close(v);
	return !ok ? STUCK_WAIT_MS : next_at <= now ? 0 : next_at - now < most ? next_at - now : most;
}

static void tell(const struct document *d, const struct err *why) {
	bool last = why->kind != ERR_TRANSIENT && (why->kind == ERR_INPUT || d->tries >= DOCUMENT_TRIES);
	log_event(last ? LOG_ERROR : LOG_WARN, last ? "document-failed" : "document-again", "id=%lld name=%.*s version=%lld try=%lld text=\"%s\"", (long long)d->id, STR_ARG(d->name),
	          (long long)d->version, (long long)d->tries, why->text);
}

/* A reader of the store for as long as a child draws would keep it from its checkpoints. */
static bool draw(struct press *p, const struct document *d, struct arena *a, struct str *pdf, struct err *why) {
	struct document_sheet sheet;
	struct view *v = store_view(p->options.store, why);
	if (!v)
		return false;
	bool ok = document_sheet_load(v, d->id, a, &sheet, why);
	view_close(v);
	return ok && press_draw(d, &sheet, a, pdf, why);
}

/* Until the store has taken what came of it: else it would count as a crash. */
static void settle(struct press *p, struct step *s) {
	struct err err = {0};
	s->job.run = settle_run;
	while (!writer_run(p->options.writer, &s->job, &err)) {
		log_err(LOG_ERROR, "document-stuck", &err);
		if (err.kind != ERR_TRANSIENT || is_closing(p))
			return;
		sleep_ms(p, STUCK_WAIT_MS, false);
		err = (struct err){0};
	}
	if (s->pdf.len > 0)
		log_event(LOG_INFO, "document-ready", "id=%lld name=%.*s version=%lld bytes=%zu", (long long)s->document->id, STR_ARG(s->document->name), (long long)s->document->version, s->pdf.len);
}

/* One document. False: none is due, or the store takes nothing. */
static bool turn(struct press *p, struct arena *a) {
	struct document d;
	struct err err = {0}, why = {0};
	struct step s = {.job.run = take_run, .press = p, .arena = a, .document = &d, .pdf = STR(""), .why = &why};
	if (!writer_run(p->options.writer, &s.job, &err)) {
		log_err(LOG_ERROR, "document-stuck", &err);
		sleep_ms(p, STUCK_WAIT_MS, false);
		return false;
	}
	if (!s.found)
		return false;
	if (!draw(p, &d, a, &s.pdf, &why))
		tell(&d, &why);
	settle(p, &s);
	return true;
}

static void *press_main(void *context) {
	struct press *p = context;
	struct arena *a = arena_new();
	while (!is_closing(p)) {
		int64_t wait = ms_until_due(p);
		if (wait > 0)
			sleep_ms(p, wait, true);
		else
			turn(p, a);
		arena_reset(a);
	}
	arena_free(a);
	return NULL;
}

struct press *press_open(const struct press_options *options, struct err *err) {
	struct step reclaim = {.job.run = reclaim_run};
	if (!writer_run(options->writer, &reclaim.job, err))
		return NULL;
	struct press *p = calloc(1, sizeof *p);
	BUG_IF(p == NULL);
	pthread_condattr_t monotonic;
	p->options = *options;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&p->thread, NULL, press_main, p) == 0)
		return p;
	err_set(err, ERR_TRANSIENT, "error.busy", "cannot start the thread for documents");
	free(p);
	return NULL;
}

void press_close(struct press *p) {
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void press_wake(struct press *p) {
	pthread_mutex_lock(&p->lock);
	p->woken = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
}
