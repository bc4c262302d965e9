#include "mailer/inbox.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/store/arrivals.h"
#include "mailer/answer.h"
#include "mailer/bounce.h"
#include "mailer/imap.h"
#include "mailer/start_in.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PAGE = 50,
	WAIT_MS = 10 * 60 * 1000, /* a server may end IDLE after 30 minutes, a firewall forgets a silent line sooner */
	REST_MS = 5000, REST_MAX_MS = 300000,
	SLICE_MS = 200
};

struct inbox {
	struct mailer_options options;
	pthread_t thread;
	atomic_bool stop, connected;
	atomic_llong heard_at; /* clock_monotonic of its last answer; 0: none yet */
	int64_t begun_at; /* what came before was not for us; 0: the mailbox has the numbers that it had then, which tell as much */
	char told[sizeof ((struct err *)0)->text]; /* the last fault, told once */
};

/* One mail becomes a row, and whatever follows from it. */
struct noting {
	struct job job;
	struct inbox *inbox;
	struct arrival_row row;
	const struct arrival *arrival; /* NULL: it cannot be read, it was there before us, or it only marks where reading begins */
	struct arena *arena;
};

static bool follow_report(struct noting *n, struct tx *tx, int64_t now, struct err *err) {
	const struct site *site = n->inbox->options.site;
	return bounce_apply(tx, site_keys(site), &site_config(site)->mail, n->arrival, now, n->arena, &n->row.outbox_id, &n->row.outcome, err);
}

/* Whatever answers one of ours is an answer, also when it can be none any more: only what comes of itself starts something. */
static bool follow_person(struct noting *n, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	if (!answer_apply(engine, tx, n->arrival, now, n->arena, &n->row, err))
		return false;
	return n->row.outbox_id != 0 || start_in_mail(engine, tx, n->inbox->options.site, n->arrival, now, n->arena, &n->row, err);
}

static bool noting_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct noting *n = (struct noting *)job;
	bool fresh;
	n->row.at = now;
	n->row.outbox_id = n->row.instance_id = 0;
	n->row.files = STR("");
	n->row.outcome = STR("noted");
	if (!arrival_note(tx, &n->row, &fresh, err))
		return false;
	if (!fresh || !n->arrival || n->arrival->kind == ARRIVAL_AUTOMATIC)
		return true;
	return (n->arrival->kind == ARRIVAL_REPORT ? follow_report(n, tx, now, err) : follow_person(n, engine, tx, now, err)) && arrival_done(tx, &n->row, err);
}

static bool note(struct inbox *b, struct arena *a, int64_t validity, int64_t uid, const char *kind, const struct arrival *m, struct err *err) {
	struct noting n = {.job.run = noting_run, .inbox = b, .arrival = m, .arena = a,
	                   .row = {.validity = validity, .uid = uid, .kind = str_from(kind)}};
	if (m) {
		n.row.message_id = m->message_id;
		n.row.sender = m->from;
		n.row.subject = m->subject;
		n.row.text = m->text;
	}
	if (!writer_run(b->options.writer, &n.job, err))
		return false;
	mailer_count_arrival(b->options.tally, kind);
	enum delivery told = DELIVERY_NONE;
	if (b->options.tally && m && m->kind == ARRIVAL_REPORT) {
		delivery_from(n.row.outcome, &told);
		atomic_fetch_add(&b->options.tally->reports[CHANNEL_MAIL][told], 1);
	}
	return true;
}

/* False with TRANSIENT: later. */
static bool read_mail(struct imap *m, const struct imap_mail *mail, struct arena *a, struct arrival *out, bool *readable, struct err *err) {
	struct str raw = STR("");
	*readable = false;
	if (mail->size > ARRIVAL_BYTES)
		return true;
	if (!imap_fetch(m, mail->uid, a, &raw, err))
		return false;
	*readable = raw.len > 0 && arrival_read(a, raw, out, err);
	return *readable || raw.len == 0 || err->kind == ERR_INPUT;
}

static bool was_there(const struct inbox *b, const struct imap_mail *mail) {
	return mail->came_at > 0 && mail->came_at + 1000 <= b->begun_at;
}

/* What people are to look at stays unread in the mailbox; what cannot be read is flagged there. */
static bool handle(struct inbox *b, struct imap *m, const struct imap_mail *mail, struct err *err) {
	if (was_there(b, mail))
		return note(b, NULL, imap_validity(m), mail->uid, "gone", NULL, err);
	struct arena *a = arena_new();
	struct arrival arrival;
	bool readable, ok = read_mail(m, mail, a, &arrival, &readable, err);
	if (ok && readable) {
		arrival_mask(arrival.text);
		arrival_mask(arrival.words);
	}
	if (ok)
		ok = note(b, a, imap_validity(m), mail->uid, readable ? arrival_kind_name(arrival.kind) : "unreadable", readable ? &arrival : NULL, err);
	if (!ok && readable && err->kind != ERR_TRANSIENT) {
		log_err(LOG_ERROR, "mail-set-aside", err); /* what can never be done for it must not keep the next one waiting */
		readable = false;
		ok = note(b, a, imap_validity(m), mail->uid, "unreadable", NULL, err);
	}
	if (ok) {
		log_event(readable ? LOG_INFO : LOG_WARN, "mail-in", "uid=%lld bytes=%lld kind=%s", (long long)mail->uid, (long long)mail->size,
		          readable ? arrival_kind_name(arrival.kind) : "unreadable");
		ok = (readable && arrival.kind == ARRIVAL_PERSON) || imap_mark(m, mail->uid, readable ? IMAP_SEEN : IMAP_FLAGGED, err);
	}
	arena_free(a);
	return ok;
}

static bool last_uid(struct inbox *b, struct imap *m, int64_t *uid, struct err *err) {
	int64_t validity;
	struct view *v = store_view(b->options.store, err);
	bool ok = v && arrival_last(v, imap_validity(m), uid, err) && arrival_begun(v, &validity, &b->begun_at, err);
	view_close(v);
	if (ok && validity == imap_validity(m))
		b->begun_at = 0;
	return ok;
}

/* What was in the mailbox before it was ours is nobody's answer to us. */
static bool begin(struct inbox *b, struct imap *m, int64_t *after, struct err *err) {
	if (!last_uid(b, m, after, err))
		return false;
	if (*after >= 0)
		return true;
	*after = imap_newest(m);
	return note(b, NULL, imap_validity(m), *after, "start", NULL, err);
}

static bool read_page(struct inbox *b, struct imap *m, int64_t *after, size_t *count, struct err *err) {
	struct arena *a = arena_new();
	struct imap_mails mails;
	bool ok = imap_list(m, *after, PAGE, a, &mails, err);
	if (ok)
		atomic_store(&b->heard_at, clock_monotonic());
	*count = ok ? mails.count : 0;
	for (size_t i = 0; ok && i < mails.count && !atomic_load(&b->stop); i++) {
		ok = handle(b, m, &mails.items[i], err);
		*after = ok ? mails.items[i].uid : *after;
	}
	arena_free(a);
	return ok;
}

static bool serve(struct inbox *b, struct imap *m, struct err *err) {
	int64_t after;
	size_t count;
	if (!begin(b, m, &after, err))
		return false;
	while (!atomic_load(&b->stop)) {
		if (!read_page(b, m, &after, &count, err) || (count == 0 && !imap_wait(m, WAIT_MS, err)))
			return false;
	}
	return true;
}

static void tell(struct inbox *b, const struct err *err) {
	if (strcmp(b->told, err->text) != 0)
		log_err(err->kind == ERR_PERMANENT ? LOG_ERROR : LOG_WARN, "inbox-down", err);
	snprintf(b->told, sizeof b->told, "%s", err->text);
}

static void rest(struct inbox *b, int64_t ms) {
	for (int64_t end = clock_monotonic() + ms; clock_monotonic() < end && !atomic_load(&b->stop);)
		nanosleep(&(struct timespec){.tv_nsec = SLICE_MS * 1000000L}, NULL);
}

static void *inbox_main(void *context) {
	struct inbox *b = context;
	int64_t pause = REST_MS;
	while (!atomic_load(&b->stop)) {
		struct err err = {0};
		struct imap *m = imap_open(&site_config(b->options.site)->inbox, &b->stop, &err);
		if (m) {
			log_event(LOG_INFO, "inbox-open", "validity=%lld", (long long)imap_validity(m));
			b->told[0] = '\0';
			atomic_store(&b->connected, true);
			pause = REST_MS;
		}
		if ((m && serve(b, m, &err)) || atomic_load(&b->stop)) {
			imap_close(m);
			break;
		}
		imap_close(m);
		atomic_store(&b->connected, false);
		tell(b, &err);
		rest(b, pause);
		pause = pause * 2 < REST_MAX_MS ? pause * 2 : REST_MAX_MS;
	}
	return NULL;
}

bool inbox_open(const struct mailer_options *options, struct inbox **out, struct err *err) {
	*out = NULL;
	if (site_config(options->site)->inbox.url.len == 0)
		return true;
	struct inbox *b = calloc(1, sizeof *b);
	BUG_IF(b == NULL);
	b->options = *options;
	if (pthread_create(&b->thread, NULL, inbox_main, b) != 0) {
		free(b);
		return err_set(err, ERR_TRANSIENT, "error.busy", "cannot start the inbox's thread");
	}
	*out = b;
	return true;
}

void inbox_close(struct inbox *b) {
	if (!b)
		return;
	atomic_store(&b->stop, true);
	pthread_join(b->thread, NULL);
	free(b);
}

bool inbox_look(const struct inbox *b, int64_t *silent_ms) {
	int64_t heard_at = atomic_load(&b->heard_at);
	*silent_ms = heard_at > 0 ? clock_monotonic() - heard_at : -1;
	return atomic_load(&b->connected);
}
