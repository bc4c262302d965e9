/* What serve and demo share: portal, mailer, writer run until a signal comes. */
#include "cli/command.h"
#include "cli/metrics.h"
#include "document/press.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/notify.h"
#include "engine/store/access.h"
#include "engine/store/arrivals.h"
#include "engine/store/erasure.h"
#include "engine/store/reports.h"
#include "engine/store/texts_in.h"
#include "mailer/inbox.h"
#include "mailer/mime.h"
#include "otp-portal/portal.h"
#include "otp-portal/scrape.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

enum { SWEEP_SECONDS = 600, SWEEP_ROWS = 5000, SWEEP_FILES = 5, FILES = 8192 };

static const int64_t DAY_MS = INT64_C(24) * 3600 * 1000;

struct server {
	struct open_site *s;
	struct mailer *mailer;
	struct inbox *inbox;
	struct press *press;
	struct portal *portal;
	struct mailer_tally tally;
	struct scrape *scrape;
};

static void on_commit(void *context) {
	struct server *server = context;
	mailer_wake(server->mailer);
	press_wake(server->press);
}

static void on_clock(void *context) {
	struct server *server = context;
	writer_wake(server->s->writer);
	on_commit(server);
}

static int on_command(void *context, int argc, char **argv, struct buf *out) {
	struct server *server = context;
	return remote_serve(server->s, argc, argv, out);
}

/* Every http(s) URL in a text, in order, without repeats. */
static void find_links(struct str text, struct arena *a, struct inbox_entry *out) {
	LIST_OF(struct str) links = {0};
	for (size_t i = 0; i + 7 < text.len; i++) {
		struct str rest = {text.at + i, text.len - i};
		if (!str_starts(rest, STR("http://")) && !str_starts(rest, STR("https://")))
			continue;
		size_t len = 0;
		while (len < rest.len && (unsigned char)rest.at[len] > ' ' && !strchr("<>\"'()", rest.at[len]))
			len++;
		bool known = false;
		for (size_t k = 0; k < links.count; k++)
			known = known || str_equal(links.items[k], (struct str){rest.at, len});
		if (!known)
			*(struct str *)ARENA_PUSH(a, &links) = (struct str){rest.at, len};
		i += len;
	}
	out->links = links.items;
	out->link_count = links.count;
}

static bool inbox_entry(void *context, const struct captured *row, struct arena *a, struct inbox_entry *out, struct err *err) {
	struct mime_parts parts;
	(void)context;
	*out = (struct inbox_entry){.id = row->id, .at = row->at, .channel = row->channel, .to = row->to};
	if (row->channel == CHANNEL_SMS) {
		out->text = row->raw;
		find_links(row->raw, a, out);
		return true;
	}
	if (!mime_parse(row->raw, a, &parts, err))
		return false;
	out->text = parts.text;
	out->html = parts.html;
	out->header_count = parts.header_count;
	out->headers = arena_array(a, parts.header_count, sizeof *out->headers);
	for (size_t i = 0; i < parts.header_count; i++) {
		out->headers[i].name = parts.headers[i].name;
		out->headers[i].value = parts.headers[i].value;
		if (str_is(parts.headers[i].name, "Subject"))
			out->subject = parts.headers[i].value;
		if (str_is(parts.headers[i].name, "Message-ID"))
			out->message_id = parts.headers[i].value;
	}
	find_links(parts.text, a, out);
	out->file_count = parts.attached_count;
	out->files = ARENA_ARRAY(a, parts.attached_count, struct inbox_file);
	for (size_t i = 0; i < parts.attached_count; i++)
		out->files[i] = (struct inbox_file){parts.attached[i].name, parts.attached[i].type, parts.attached[i].bytes};
	return true;
}

static void reload(struct open_site *s) {
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct err err = {0};
	struct buf text;
	buf_init(&text, 1 << 20);
	struct view *v = store_view(s->store, &err);
	bool ok = v && site_reload(s->site, v, &problems, &err);
	if (v)
		view_close(v);
	problems_print(&problems, &text);
	fwrite(text.at ? text.at : "", 1, text.len, stderr);
	if (ok)
		log_event(LOG_INFO, "reloaded", "packages=%zu", site_package_count(s->site));
	else
		log_err(LOG_ERROR, "reload-refused", &err);
	buf_free(&text);
	arena_free(a);
}

struct sweeping {
	int64_t keep_ms; /* what came in */
	bool left;       /* answer */
	int64_t erased;  /* answer: the last case; 0: none */
};

static bool run_sweep(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct sweeping *w = context;
	int64_t before = now - w->keep_ms;
	(void)engine;
	return counter_sweep(tx, now, SWEEP_ROWS, err) && report_sweep(tx, before, SWEEP_ROWS, err) && text_in_sweep(tx, before, SWEEP_ROWS, err) &&
	       arrival_sweep(tx, before, SWEEP_ROWS, err) && draft_sweep(tx, now, SWEEP_ROWS, &w->left, err) && erasure_due(tx, now, &w->erased, err);
}

/* What strangers left: forms never sent, old log-ins and counters; and what came in long ago. True: there is more. */
static bool sweep(struct open_site *s) {
	struct err err = {0};
	struct sweeping w = {.keep_ms = site_config(s->site)->keep_received * DAY_MS, .left = true};
	bool ok = true;
	int64_t erased = 0;
	for (int i = 0; ok && w.left && i < SWEEP_FILES; i++) {
		ok = site_write(s, run_sweep, &w, &err);
		w.left = w.left || w.erased != 0;
		erased += ok && w.erased != 0;
	}
	if (erased > 0)
		log_event(LOG_INFO, "erased", "cases=%lld reason=time more=%d", (long long)erased, w.left);
	if (!ok)
		log_err(LOG_WARN, "sweep-failed", &err);
	return ok && w.left;
}

static void wait_for_end(struct open_site *s, const sigset_t *signals) {
	for (;;) {
		bool left = sweep(s);
		int signal = sigtimedwait(signals, NULL, &(struct timespec){.tv_sec = left ? 1 : SWEEP_SECONDS});
		if (signal == SIGHUP)
			reload(s);
		else if (signal > 0)
			return;
	}
}

/* Sockets of strangers must not use up the files that store and mailer need: 2000 connections, and many are left. */
static void raise_file_limit(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES)
		return;
	limit.rlim_cur = limit.rlim_max < FILES ? limit.rlim_max : FILES;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_event(LOG_WARN, "file-limit", "files=%lld", (long long)limit.rlim_cur);
}

static void on_scrape(void *context, struct buf *out) {
	const struct server *server = context;
	struct metrics_source source = {.site = server->s, .portal = server->portal, .tally = &server->tally, .inbox = server->inbox};
	metrics_write(&source, out);
}

static bool open_scrape(struct server *server, struct err *err) {
	struct str at = server->s->config->metrics;
	if (at.len == 0)
		return true;
	server->scrape = scrape_open(at.at, on_scrape, server, err);
	if (server->scrape)
		log_event(LOG_INFO, "metrics", "port=%d", scrape_port(server->scrape));
	return server->scrape != NULL;
}

static bool start(struct server *server, const struct server_options *options, struct err *err) {
	struct open_site *s = server->s;
	struct mailer_options mail = {.site = s->site, .store = s->store, .engine = s->engine, .writer = s->writer, .tally = &server->tally, .capture = options->demo};
	server->mailer = mailer_open(&mail, err);
	if (!server->mailer)
		return false;
	if (!options->demo && !inbox_open(&mail, &server->inbox, err))
		return false;
	server->press = press_open(&(struct press_options){.site = s->site, .store = s->store, .writer = s->writer}, err);
	if (!server->press)
		return false;
	writer_on_outbox(s->writer, on_commit, server);
	struct portal_options web = {
	        .site = s->site,
	        .store = s->store,
	        .engine = s->engine,
	        .writer = s->writer,
	        .listen = options->listen,
	        .demo = options->demo,
	        .clock_moved = on_clock,
	        .inbox_entry = inbox_entry,
	        .context = server,
	        .socket_path = socket_path(s->arena, s->config),
	        .command = on_command,
	};
	server->portal = portal_open(&web, err);
	return server->portal && open_scrape(server, err);
}

int server_run(struct open_site *s, const struct server_options *options, struct buf *out) {
	struct server server = {.s = s};
	struct err err = {0};
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	raise_file_limit();
	bool ok = site_writer(s, &err) && start(&server, options, &err);
	if (ok) {
		printf("event=ready url=%s\n", portal_url(server.portal));
		fflush(stdout);
		notify_manager("READY=1");
		wait_for_end(s, &signals);
		notify_manager("STOPPING=1");
		log_event(LOG_INFO, "stopping", "url=%s", portal_url(server.portal));
	} else {
		buf_printf(out, "stafet: %s\n", err.text);
	}
	atomic_store(&s->stopping, true);
	scrape_close(server.scrape);
	portal_close(server.portal);
	if (s->writer)
		writer_on_outbox(s->writer, NULL, NULL);
	inbox_close(server.inbox);
	mailer_close(server.mailer);
	press_close(server.press);
	return ok ? EXIT_GOOD : EXIT_FAULT;
}

/* Every thread inherits the blocked signals; only wait_for_end takes them. */
static void block_signals(void) {
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

/* Keys, passwords and people's answers are in memory: no dump of it is written, and no other program of this user may read it. */
static void keep_memory_private(void) {
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		log_event(LOG_WARN, "memory-not-private", "text=\"%s\"", strerrordesc_np(errno));
}

int command_serve(struct arguments *args, struct buf *out) {
	const char *listen = arguments_option(args, "--listen");
	struct open_site s = {0};
	struct err err = {0};
	int status = EXIT_FAULT;
	if (arguments_unknown(args, out) || args->count != 1) {
		buf_z(out, "usage: stafet serve DIR [--listen HOST:PORT]\n");
		return EXIT_USAGE;
	}
	block_signals();
	keep_memory_private();
	if (!site_open_all(&s, args->items[0], out, &err)) {
		buf_printf(out, "stafet: %s\n", err.text);
	} else if (s.config->mail.relay.len == 0) {
		buf_printf(out, "stafet: %s/stafet.yaml names no mail relay (mail: {relay: smtp://host:587})\n", args->items[0]);
	} else {
		struct server_options options = {.listen = listen ? listen : s.config->listen.at};
		status = server_run(&s, &options, out);
	}
	site_shut(&s);
	return status;
}

int command_demo(struct arguments *args, struct buf *out) {
	const char *listen = arguments_option(args, "--listen");
	if (arguments_unknown(args, out) || args->count > 1) {
		buf_z(out, "usage: stafet demo [DIR] [--listen HOST:PORT]\n");
		return EXIT_USAGE;
	}
	block_signals();
	return demo_run(args->count == 1 ? args->items[0] : NULL, listen ? listen : "127.0.0.1:8080", out);
}
