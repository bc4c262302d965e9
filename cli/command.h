/* command: what main.c dispatches to. Commands that need the store run against an opened site, either here under the store's lock or inside a running
 * server, to which the command line hands them over a unix socket: the same function both times. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "engine/base/file.h"
#include "engine/workflow/writer.h"
#include "mailer/compose.h"

#include <stdatomic.h>

/* Exit status: 0 good, 1 found a fault, 2 wrong usage. */
enum { EXIT_GOOD = 0, EXIT_FAULT = 1, EXIT_USAGE = 2 };

/* Arguments, read from left to right. Options may stand anywhere; "--" ends them. */
struct arguments {
	int count;
	char **items; /* without program and command name */
};
/* Takes "--name VALUE" or "--name=VALUE" out; NULL: not there. */
const char *arguments_option(struct arguments *args, const char *name);
bool arguments_flag(struct arguments *args, const char *name); /* takes "--name" out */
/* Whatever still begins with "--" is unknown: told on out, true. */
bool arguments_unknown(const struct arguments *args, struct buf *out);

/* Takes out "--site DIR"; else $STAFET_SITE, else the current folder. */
const char *arguments_site(struct arguments *args);

/* A site with everything open that a command may need. */
struct open_site {
	struct arena *arena;
	struct site_config *config;
	struct site *site;
	struct store *store;
	struct engine *engine;
	atomic_bool stopping; /* the server that has it open is: what takes long gives up */
	struct writer *writer; /* NULL until something is to be written: with it due timers begin to run */
};
/* Opens the site in folder, with its lock; tells problems on out. Caller closes with site_shut, also after false. */
bool site_open_all(struct open_site *s, const char *folder, struct buf *out, struct err *err);
/* The same with a configuration that the caller has made (demo). */
bool site_open_config(struct open_site *s, struct site_config *config, struct buf *out, struct err *err);
void site_shut(struct open_site *s);
/* Starts the writer, if it does not run yet. */
bool site_writer(struct open_site *s, struct err *err);
/* A job that runs and is waited for. */
bool site_write(struct open_site *s, bool (*run)(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err), void *context, struct err *err);

/* Shows what is in the store, from one snapshot; the exit status. */
typedef bool look_run(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err);
int site_look(struct open_site *s, look_run *run, const void *context, struct buf *out);
/* What a listing is asked for: --after, --limit (100). False: no number. */
struct list_wish {
	unsigned states; /* each command's own */
	int64_t after, limit;
};
bool list_wish_read(struct arguments *args, struct list_wish *out);

/* Proves the histories of all instances (reference empty) or of one; faults are told on out. */
/* The records of groups that the instance shares, a line each behind the label. */
bool tell_shared(struct view *v, struct arena *a, int64_t id, const char *label, struct buf *out, struct err *err);
bool site_verify(struct open_site *s, struct str reference, struct buf *out, int64_t *checked, int64_t *faults, struct err *err);
/* An instant as the site's people write it. In a. */
struct str site_time(const struct open_site *s, struct arena *a, int64_t instant);
int command_failed(struct buf *out, const struct err *err); /* tells it; EXIT_FAULT */
void command_progress(const char *what); /* on stderr, when that is a terminal */

/* Commands on a store. input: contents of the file that the caller named (--data FILE, FILE.csv), read by the calling side. */
struct store_command {
	const char *name;
	int (*run)(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
};
const struct store_command *store_command(const char *name); /* NULL: no such one */
/* The store's half of `stafet graph`, `stafet backup` (in a running server), `stafet documents`, `inbox`, `import`, `export`, `sessions`, `suppressions`, `outbox`, `erase` and `export-person`. */
int command_backup_running(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
int command_graph_instance(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
int command_documents(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
int command_inbox(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
int command_sessions(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
int command_suppressions(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
int command_import(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
int command_export(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
int command_outbox(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
int command_erase(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
int command_export_person(struct open_site *s, struct arguments *args, struct str input, struct buf *out);
/* Runs it in the server that holds this site's store. *reached false: there is none. */
int remote_run(const char *folder, const char *name, const struct arguments *args, struct str input, struct buf *out, bool *reached);
/* The server's side of it: argv = {name, args..., input}. context is a struct open_site. */
int remote_serve(void *context, int argc, char **argv, struct buf *out);
const char *socket_path(struct arena *a, const struct site_config *config);

int command_init(struct arguments *args, struct buf *out);
int command_serve(struct arguments *args, struct buf *out);
int command_demo(struct arguments *args, struct buf *out);
int command_check(struct arguments *args, struct buf *out);
int command_test(struct arguments *args, struct buf *out);
int command_graph(struct arguments *args, struct buf *out);
int command_draw(struct arguments *args, struct buf *out);
int command_eval(struct arguments *args, struct buf *out);
int command_render(struct arguments *args, struct buf *out);
int command_schema(struct arguments *args, struct buf *out);
int command_doctor(struct arguments *args, struct buf *out);
int command_backup(struct arguments *args, struct buf *out);
int command_restore(struct arguments *args, struct buf *out);

/* Makes a site folder: configuration, keys, store with the packages' samples. Refuses to overwrite. */
bool site_make(const char *folder, const struct str *packages, size_t count, struct buf *out, struct err *err);
/* Shared with serve and demo: runs until SIGINT or SIGTERM; SIGHUP reads the packages again. */
struct server_options {
	const char *listen;
	bool demo;
};
int demo_run(const char *folder, const char *listen, struct buf *out); /* folder NULL: a temporary one */
/* Plays demo/<name>.yaml of each package: scenarios whose `now` is a span before this moment. Before the writer runs; moves the clock and puts it back. */
bool demo_samples(struct open_site *s, struct buf *out, struct err *err);
int server_run(struct open_site *s, const struct server_options *options, struct buf *out);
/* Where the packages that come with Stafet are, or NULL: beside the program's source tree, or /usr/share/stafet/templates. */
const char *packages_folder(struct arena *a);
/* Where `stafet test` puts what the scenarios send, <messages>/<workflow>/<number>-<message>.<language>.eml (an SMS: .txt), and what there is when they end,
 * <data>/<workflow>/<scenario>.json. NULL: nowhere. */
struct scenario_files {
	const char *messages, *data;
	const char *workflow; /* of the scenario under way */
	int count; /* of messages so far */
};
/* In each language of its package. */
bool scenario_files_message(struct scenario_files *files, struct engine *engine, struct site *site, struct view *v, const struct outbox_row *row, struct arena *a,
                            struct err *err);
/* All instances. */
bool scenario_files_data(struct scenario_files *files, const char *path, struct view *v, struct err *err);
/* What a site with these packages and nothing else said would have, for check and test. */
struct site_config *config_for_packages(struct arena *a, char **folders, int count);
/* A site for them, or one from a folder: throw-away keys, no store. config is borrowed until site_shut. */
bool site_for_check(struct open_site *s, struct site_config *config, struct problems *problems, struct err *err);

#endif
