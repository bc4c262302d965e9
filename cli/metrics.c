#include "cli/metrics.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/store/gauges.h"
#include "mailer/throttle.h"
#include "mailer/turns.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *const channels[GAUGE_CHANNELS] = {[CHANNEL_MAIL] = "mail", [CHANNEL_SMS] = "sms"};

/* Each family has one head, and then its values together. */
static void family(struct buf *out, const char *name, const char *type, const char *help) {
	buf_printf(out, "# HELP stafet_%s %s\n# TYPE stafet_%s %s\n", name, help, name, type);
}

static void one(struct buf *out, const char *name, const char *type, const char *help, int64_t value) {
	family(out, name, type, help);
	buf_printf(out, "stafet_%s %lld\n", name, (long long)value);
}

static void labelled(struct buf *out, const char *name, const char *label, const char *word, int64_t value) {
	buf_printf(out, "stafet_%s{%s=\"%s\"} %lld\n", name, label, word, (long long)value);
}

static void by_channel(struct buf *out, const char *name, int channel, const char *label, const char *word, int64_t value) {
	buf_printf(out, "stafet_%s{channel=\"%s\",%s=\"%s\"} %lld\n", name, channels[channel], label, word, (long long)value);
}

/* A span of ms that began at an instant; 0: none did. */
static void seconds_since(struct buf *out, const char *name, const char *help, int64_t at, int64_t now) {
	int64_t ms = at > 0 && at < now ? now - at : 0;
	family(out, name, "gauge", help);
	buf_printf(out, "stafet_%s %lld.%03lld\n", name, (long long)(ms / 1000), (long long)(ms % 1000));
}

/* label: such as kind="page", or empty. */
static void histogram(struct buf *out, const char *name, const char *label, const struct meter *m) {
	long long sum = atomic_load(&m->sum_us), count = 0;
	const char *comma = label[0] ? "," : "", *open = label[0] ? "{" : "", *close = label[0] ? "}" : "";
	for (int i = 0; i <= METER_BUCKETS; i++) {
		count += atomic_load(&m->counts[i]);
		buf_printf(out, "stafet_%s_bucket{%s%sle=\"", name, label, comma);
		if (i < METER_BUCKETS)
			buf_printf(out, "%g\"} %lld\n", (double)meter_bounds_us[i] / 1e6, count);
		else
			buf_printf(out, "+Inf\"} %lld\n", count);
	}
	buf_printf(out, "stafet_%s_sum%s%s%s %lld.%06lld\nstafet_%s_count%s%s%s %lld\n", name, open, label, close, sum / 1000000, sum % 1000000, name, open, label, close, count);
}

static void write_traffic(const struct traffic *t, struct buf *out) {
	char status[16];
	family(out, "http_requests_total", "counter", "Requests answered, by status.");
	for (int i = 100; i < TRAFFIC_STATUSES; i++) {
		long long count = atomic_load(&t->statuses[i]);
		snprintf(status, sizeof status, "%d", i);
		if (count > 0)
			labelled(out, "http_requests_total", "status", status, count);
	}
	family(out, "http_seconds", "histogram", "From a request's last byte to its answer's first; a change waits for its commit.");
	histogram(out, "http_seconds", "kind=\"page\"", &t->pages);
	histogram(out, "http_seconds", "kind=\"change\"", &t->changes);
	one(out, "http_connections", "gauge", "Open connections.", atomic_load(&t->connections));
}

static void write_writer(struct writer *w, struct buf *out) {
	struct writer_stats s = writer_stats(w);
	one(out, "writer_queue", "gauge", "Jobs that wait for the writer.", s.queued);
	family(out, "writer_jobs_total", "counter", "Jobs of the writer, by result; refused: an answer that was not valid or came too late.");
	labelled(out, "writer_jobs_total", "result", "done", s.jobs - s.refused - s.failed);
	labelled(out, "writer_jobs_total", "result", "refused", s.refused);
	labelled(out, "writer_jobs_total", "result", "failed", s.failed);
	one(out, "writer_batches_total", "counter", "Batches of jobs that were taken together.", s.batches);
	one(out, "timers_total", "counter", "Timers tried.", s.timers);
	one(out, "signals_total", "counter", "Signals tried.", s.signals);
	family(out, "commit_seconds", "histogram", "How long a commit took.");
	histogram(out, "commit_seconds", "", writer_commits(w));
}

static void write_tally(const struct mailer_tally *t, struct buf *out) {
	family(out, "sends_total", "counter", "Tries to send, by outcome; later: tried again, never: refused for good, unknown: nobody knows.");
	for (int c = CHANNEL_MAIL; c < TALLY_CHANNELS; c++)
		for (int i = 0; i < TALLY_OUTCOMES; i++)
			by_channel(out, "sends_total", c, "outcome", mailer_outcomes[i], atomic_load(&t->sends[c][i]));
	family(out, "reports_total", "counter", "Bounces and delivery reports that came, by what they say; none: not understood, or of no message of ours.");
	for (int c = CHANNEL_MAIL; c < TALLY_CHANNELS; c++)
		for (int i = 0; i < DELIVERIES; i++)
			by_channel(out, "reports_total", c, "says", delivery_name((enum delivery)i), atomic_load(&t->reports[c][i]));
	family(out, "arrivals_total", "counter", "Mails and texts that came in, by kind.");
	for (int i = 0; i < TALLY_ARRIVALS; i++)
		labelled(out, "arrivals_total", "kind", mailer_arrivals[i], atomic_load(&t->arrivals[i]));
}

static void write_inbox(const struct inbox *inbox, struct buf *out) {
	int64_t silent;
	bool connected = inbox_look(inbox, &silent);
	one(out, "inbox_connected", "gauge", "1: the mailbox is connected.", connected);
	if (silent >= 0)
		one(out, "inbox_age_seconds", "gauge", "Since the mailbox last said what is in it; it is asked every ten minutes at least.", silent / 1000);
}

static void write_gauges(const struct gauges *g, int64_t now, struct buf *out) {
	one(out, "transitions_total", "counter", "Entries of all histories, ever.", g->transitions);
	family(out, "outbox", "gauge", "Messages by state; those sent or cancelled are not counted.");
	for (int c = CHANNEL_MAIL; c < GAUGE_CHANNELS; c++)
		for (int i = 0; i < GAUGE_STATES; i++)
			if (i != OUTBOX_SENT)
				by_channel(out, "outbox", c, "state", outbox_state_name((enum outbox_state)i), g->outbox[c][i]);
	one(out, "outbox_due", "gauge", "Messages whose time has come, and that wait.", g->outbox_due);
	seconds_since(out, "outbox_oldest_due_seconds", "How long the oldest of them waits.", g->outbox_due_at, now);
	one(out, "undelivered", "gauge", "Messages that were sent and reported as not arrived.", g->undelivered);
	family(out, "documents", "gauge", "Documents that are not drawn.");
	labelled(out, "documents", "state", "waiting", g->documents_waiting);
	labelled(out, "documents", "state", "failed", g->documents_failed);
	one(out, "timers_due", "gauge", "Timers whose time has come, and that wait.", g->timers_due);
	seconds_since(out, "timer_lag_seconds", "How long the oldest of them waits.", g->timer_due_at, now);
	one(out, "signals_waiting", "gauge", "Signals that wait to be taken.", g->signals);
}

static void write_paces(const struct open_site *s, const struct pace_list *paces, struct buf *out) {
	static const char *const names[] = {"mail", "mail fallback", "sms"};
	const struct str relays[] = {turns_relay(CHANNEL_MAIL, WAY_FIRST), turns_relay(CHANNEL_MAIL, WAY_SECOND), turns_relay(CHANNEL_SMS, WAY_FIRST)};
	const bool used[] = {s->config->mail.relay.len > 0, s->config->mail.fallback != NULL, s->config->sms.gateway.len > 0};
	int64_t slowed = 0;
	family(out, "relay_rests", "gauge", "1: it failed three times in a row, and one message at a time asks whether it works again.");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		bool open = false;
		for (size_t k = 0; k < paces->count; k++)
			open = open || (str_equal(paces->items[k].name, relays[i]) && breaker_is_open(&paces->items[k]));
		if (used[i])
			labelled(out, "relay_rests", "relay", names[i], open);
	}
	for (size_t k = 0; k < paces->count; k++)
		slowed += paces->items[k].interval_ms > 0;
	one(out, "domains_slowed", "gauge", "Recipient domains that asked for less.", slowed);
}

static bool write_store(const struct open_site *s, struct buf *out) {
	struct arena *a = arena_new();
	struct err err = {0};
	struct gauges gauges;
	struct pace_list paces;
	int64_t now = clock_now();
	struct view *v = store_view(s->store, &err);
	bool ok = v && gauges_read(v, now, &gauges, &err) && pace_list(v, a, &paces, &err);
	view_close(v);
	if (ok) {
		write_gauges(&gauges, now, out);
		write_paces(s, &paces, out);
	} else {
		log_err(LOG_WARN, "metrics-incomplete", &err);
	}
	arena_free(a);
	return ok;
}

static int64_t size_of(const char *path) {
	struct stat info;
	return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

static void write_files(const struct open_site *s, struct buf *out) {
	struct arena *a = arena_new();
	struct statvfs disk;
	const char *store = s->config->data_file.at;
	one(out, "store_bytes", "gauge", "The store's file.", size_of(store));
	one(out, "wal_bytes", "gauge", "The store's write-ahead log.", size_of(arena_printf(a, "%s-wal", store).at));
	if (statvfs(store, &disk) == 0)
		one(out, "disk_free_bytes", "gauge", "Free where the store is.", (int64_t)((unsigned long long)disk.f_bavail * disk.f_frsize));
	arena_free(a);
}

static void write_process(struct buf *out) {
	long long pages = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (file && fscanf(file, "%lld %lld", &pages, &resident) == 2)
		buf_printf(out, "# HELP process_resident_memory_bytes Memory in use.\n# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %lld\n",
		           resident * (long long)sysconf(_SC_PAGESIZE));
	if (file)
		fclose(file);
}

void metrics_write(const struct metrics_source *source, struct buf *out) {
	write_traffic(portal_traffic(source->portal), out);
	write_writer(source->site->writer, out);
	write_tally(source->tally, out);
	if (source->inbox)
		write_inbox(source->inbox, out);
	bool readable = write_store(source->site, out);
	one(out, "store_readable", "gauge", "0: the store could not be read in time; what stands in it is left out here.", readable);
	write_files(source->site, out);
	write_process(out);
}
