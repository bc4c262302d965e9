/* backup and restore: the store as one file, and back. */
#include "cli/command.h"
#include "engine/base/clock.h"
#include "engine/store/backup.h"
#include "engine/store/store_look.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MS = 500 };

/* --- progress: whoever waits looks how far the file has grown, for it is the server that writes it --- */

struct watcher {
	const char *part, *store;
	pthread_t thread;
	atomic_bool stop;
	bool started;
};

static int64_t size_of(const char *path) {
	struct stat info;
	return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

static void *watch(void *context) {
	struct watcher *w = context;
	for (int64_t next = clock_monotonic() + LOOK_MS; !atomic_load(&w->stop); usleep(20000)) {
		int64_t all = size_of(w->store), now = clock_monotonic();
		if (now < next || all == 0)
			continue;
		next = now + LOOK_MS;
		int64_t percent = size_of(w->part) * 100 / all;
		fprintf(stderr, "copying: %lld %%\n", (long long)(percent < 99 ? percent : 99));
	}
	return NULL;
}

static void watcher_start(struct watcher *w, const char *part, const char *store) {
	*w = (struct watcher){.part = part, .store = store};
	w->started = isatty(STDERR_FILENO) && pthread_create(&w->thread, NULL, watch, w) == 0;
}

static void watcher_end(struct watcher *w) {
	atomic_store(&w->stop, true);
	if (w->started)
		pthread_join(w->thread, NULL);
}

/* --- backup --- */

static const char backup_usage[] = "usage: stafet backup FILE [--force]\n"
                                   "Copies the store into FILE, also while the server runs. The key file is not in it. --force: FILE may replace an earlier backup.\n";

struct turns {
	struct backup *backup;
	const struct open_site *site; /* of a server; NULL: none runs */
};

static bool turn(void *context, bool *done, struct err *err) {
	struct turns *t = context;
	if (t->site && atomic_load(&t->site->stopping))
		return err_set(err, ERR_TRANSIENT, "error.busy", "the server is stopping; no backup was made");
	return backup_turn(t->backup, done, err);
}

static void tell_backup(const struct site_config *config, const char *file, int64_t bytes, struct buf *out) {
	buf_printf(out, "%s: the whole store, %lld kB. Try it: stafet restore %s --check\n", file, (long long)((bytes + 1023) / 1024), file);
	buf_printf(out, "The key file is NOT in it: keep a copy of %.*s in another place. Without it nothing in the backup can be used; who has both can open every link.\n",
	           STR_ARG(config->key_file));
}

/* s: of the running server; NULL: nobody has the store open. */
static int take(struct open_site *s, const struct site_config *config, const char *file, bool force, struct buf *out) {
	struct err err = {0};
	struct backup_wish wish = {.store = config->data_file.at, .file = file, .overwrite = force, .open = s ? s->store : NULL};
	struct turns turns = {.backup = backup_open(&wish, &err), .site = s};
	int64_t bytes = 0;
	bool done, ok = turns.backup && (s ? site_writer(s, &err) && writer_between(s->writer, turn, &turns, &err) : turn(&turns, &done, &err)) &&
	                backup_finish(turns.backup, &bytes, &err);
	backup_close(turns.backup);
	if (!ok)
		return command_failed(out, &err);
	tell_backup(config, file, bytes, out);
	return EXIT_GOOD;
}

int command_backup_running(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	bool force = arguments_flag(args, "--force");
	(void)input;
	if (arguments_unknown(args, out) || args->count != 1) {
		buf_z(out, backup_usage);
		return EXIT_USAGE;
	}
	return take(s, s->config, args->items[0], force, out);
}

/* As the server, which has another working folder, would find it. */
static char *absolute(struct arena *a, const char *path) {
	char here[PATH_MAX];
	if (path[0] == '/' || !getcwd(here, sizeof here))
		return arena_z(a, str_from(path));
	return arena_z(a, arena_printf(a, "%s/%s", here, path));
}

static int backup_site(struct arena *a, const char *folder, const char *path, bool force, struct buf *out) {
	struct err err = {0};
	struct watcher watcher;
	struct site_config *config = config_read(a, folder, &err);
	if (!config)
		return command_failed(out, &err);
	char *words[] = {absolute(a, path), "--force"};
	struct arguments args = {force ? 2 : 1, words};
	bool reached;
	watcher_start(&watcher, arena_printf(a, "%s" BACKUP_PART, words[0]).at, config->data_file.at);
	int status = remote_run(folder, "backup", &args, STR(""), out, &reached);
	if (!reached)
		status = take(NULL, config, words[0], force, out);
	watcher_end(&watcher);
	return status;
}

int command_backup(struct arguments *args, struct buf *out) {
	const char *folder = arguments_site(args);
	bool force = arguments_flag(args, "--force");
	if (arguments_unknown(args, out) || args->count != 1) {
		buf_z(out, backup_usage);
		return EXIT_USAGE;
	}
	struct arena *a = arena_new();
	int status = backup_site(a, folder, args->items[0], force, out);
	arena_free(a);
	return status;
}

/* --- restore --- */

static const char restore_usage[] = "usage: stafet restore FILE [--check]\n"
                                    "Puts the backup FILE in place of the store of a site whose server is stopped; the store that was there is kept beside it. Before that a copy\n"
                                    "of FILE is brought to this version and proved; --check does only that, also while the server runs.\n";

struct restore {
	struct arena *arena;
	const struct site_config *config;
	const char *store, *file;
	struct buf *out;
};

static bool prove_histories(struct open_site *s, struct buf *out, struct err *err) {
	int64_t checked, faults;
	command_progress("proving the histories");
	if (!site_verify(s, STR(""), out, &checked, &faults, err))
		return false;
	buf_printf(out, "%lld instances checked, %lld faults\n", (long long)checked, (long long)faults);
	return faults == 0 || err_set(err, ERR_PERMANENT, "store.broken", "the histories in it are not whole");
}

static bool tell_seen(const struct restore *r, const struct open_site *s, const char *place, int64_t version, struct err *err) {
	struct store_seen seen;
	if (!store_look(place, NULL, clock_now(), &seen, err))
		return false;
	struct str at = seen.changed_at ? site_time(s, r->arena, seen.changed_at) : STR("never");
	buf_printf(r->out, "schema %lld%s; %lld instances, last change %.*s\n", (long long)version, version < seen.newest ? ", brought to this version" : "", (long long)seen.instances, STR_ARG(at));
	buf_printf(r->out, "messages: %lld wait, %lld failed, %lld of which nobody knows\n", (long long)seen.queued, (long long)seen.failed, (long long)seen.unknown);
	if (seen.queued > 0)
		buf_z(r->out, "What waits in it may have been sent since the backup was taken, and would be sent again when the server starts.\n");
	return true;
}

/* What will be put in place is what is proved: the copy, opened as a server would open it, with this site's keys and packages. */
static bool prove(const struct restore *r, const char *place, struct err *err) {
	struct store_seen before;
	struct open_site s = {.arena = arena_new()};
	struct site_config config = *r->config;
	config.data_file = str_from(place);
	command_progress("reading every page");
	bool ok = store_look(place, NULL, clock_now(), &before, err) && store_check(place, err) && site_open_config(&s, &config, r->out, err) && prove_histories(&s, r->out, err) &&
	          tell_seen(r, &s, place, before.version, err);
	site_shut(&s);
	return ok;
}

static bool put_in_place(const struct restore *r, struct err *err) {
	struct str kept, stamp = civil_format_datetime(r->arena, clock_now() / 1000 * 1000);
	if (!restore_finish(r->arena, r->store, stamp, &kept, err))
		return false;
	buf_printf(r->out, "%s is now what %s holds%s%.*s\n", r->store, r->file, kept.len ? "; what was there before is kept as " : "", STR_ARG(kept));
	return true;
}

static bool restore_site(const struct restore *r, bool check, struct err *err) {
	if (!check && !restore_possible(r->store, err)) {
		buf_z(r->out, err->kind == ERR_CONFLICT ? "The server of this site runs: stop it first.\n" : "");
		return false;
	}
	command_progress("copying");
	const char *place = restore_open(r->arena, r->store, r->file, err);
	if (!place)
		return false;
	bool ok = prove(r, place, err);
	if (ok && check)
		buf_printf(r->out, "%s is whole and fits this site's key file; nothing was changed\n", r->file);
	ok = ok && (check || put_in_place(r, err));
	restore_drop(r->arena, r->store);
	return ok;
}

int command_restore(struct arguments *args, struct buf *out) {
	const char *folder = arguments_site(args);
	bool check = arguments_flag(args, "--check");
	struct err err = {0};
	if (arguments_unknown(args, out) || args->count != 1) {
		buf_z(out, restore_usage);
		return EXIT_USAGE;
	}
	struct restore r = {.arena = arena_new(), .file = args->items[0], .out = out};
	r.config = config_read(r.arena, folder, &err);
	r.store = r.config ? r.config->data_file.at : NULL;
	bool ok = r.config && restore_site(&r, check, &err);
	arena_free(r.arena);
	return ok ? EXIT_GOOD : command_failed(out, &err);
}
