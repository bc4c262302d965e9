#include "cli/command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool site_open_config(struct open_site *s, struct site_config *config, struct buf *out, struct err *err) {
	struct problems problems = {.arena = s->arena};
	unsigned char fingerprint[SECRET_FINGERPRINT];
	s->config = config;
	s->site = site_open(config, &problems, err);
	problems_print(&problems, out);
	if (!s->site)
		return false;
	keyring_fingerprint(site_keys(s->site), fingerprint);
	s->store = store_open(config->data_file.at, fingerprint, err);
	if (!s->store)
		return false;
	s->engine = engine_open(s->site);
	return true;
}

bool site_writer(struct open_site *s, struct err *err) {
	if (!s->writer)
		s->writer = writer_open(s->store, s->engine, err);
	return s->writer != NULL;
}

bool site_open_all(struct open_site *s, const char *folder, struct buf *out, struct err *err) {
	*s = (struct open_site){.arena = arena_new()};
	struct site_config *config = config_read(s->arena, folder, err);
	return config && site_open_config(s, config, out, err);
}

void site_shut(struct open_site *s) {
	writer_close(s->writer);
	engine_close(s->engine);
	if (s->store)
		store_close(s->store);
	site_close(s->site);
	arena_free(s->arena);
	*s = (struct open_site){0};
}

struct site_job {
	struct job job;
	bool (*run)(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err);
	void *context;
};

static bool site_job_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct site_job *site_job = (struct site_job *)job;
	return site_job->run(site_job->context, engine, tx, now, err);
}

bool site_write(struct open_site *s, bool (*run)(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err), void *context, struct err *err) {
	struct site_job job = {.job = {.run = site_job_run}, .run = run, .context = context};
	return site_writer(s, err) && writer_run(s->writer, &job.job, err);
}

int site_look(struct open_site *s, look_run *run, const void *context, struct buf *out) {
	struct err err = {0};
	struct view *v = store_view(s->store, &err);
	if (!v)
		return command_failed(out, &err);
	struct arena *a = arena_new();
	bool ok = run(s, v, a, context, out, &err);
	arena_free(a);
	view_close(v);
	return ok ? EXIT_GOOD : command_failed(out, &err);
}

bool list_wish_read(struct arguments *args, struct list_wish *out) {
	const char *after = arguments_option(args, "--after"), *limit = arguments_option(args, "--limit");
	*out = (struct list_wish){.limit = 100};
	return (!after || str_to_int(str_from(after), &out->after)) && (!limit || (str_to_int(str_from(limit), &out->limit) && out->limit > 0));
}

struct site_config *config_for_packages(struct arena *a, char **folders, int count) {
	static struct str languages[] = {{"da", 2}, {"en", 2}};
	struct site_config *config = ARENA_NEW(a, struct site_config);
	*config = (struct site_config){
	        .folder = "/nonexistent",
	        .name = STR("Stafet"),
	        .base_url = STR("https://stafet.example"),
	        .listen = STR("127.0.0.1:8080"),
	        .zone = STR("Europe/Copenhagen"),
	        .holidays = STR("dk"),
	        .languages = languages,
	        .language_count = 2,
	        .mail = {.from_name = STR("Stafet"), .from_address = STR("stafet@stafet.example")},
	        .sms = {.from = STR("Stafet"), .country = STR("45")},
	        .packages = ARENA_ARRAY(a, (size_t)count, struct str),
	        .package_count = (size_t)count,
	};
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		config->packages[i] = arena_str(a, str_from(realpath(folders[i], path) ? path : folders[i]));
	}
	return config;
}

bool site_for_check(struct open_site *s, struct site_config *config, struct problems *problems, struct err *err) {
	char key_file[] = "/tmp/stafet-keys-XXXXXX";
	*s = (struct open_site){.arena = arena_new(), .config = config};
	int fd = mkstemp(key_file);
	if (fd < 0)
		return err_set(err, ERR_TRANSIENT, "error.busy", "cannot make a temporary key file");
	close(fd);
	unlink(key_file);
	if (!keyring_create(key_file, err))
		return false;
	config->key_file = arena_str(s->arena, str_from(key_file));
	s->site = site_open(config, problems, err);
	unlink(key_file);
	return s->site != NULL;
}

int command_failed(struct buf *out, const struct err *err) {
	buf_printf(out, "stafet: %s\n", err->text);
	return EXIT_FAULT;
}

struct str site_time(const struct open_site *s, struct arena *a, int64_t instant) {
	return civil_format_datetime(a, zone_local(site_zone(s->site), instant) / 1000 * 1000);
}
