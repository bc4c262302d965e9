/* stafet init: a site folder with configuration, keys and store. */
#include "cli/command.h"
#include "engine/base/language_data.h"
#include "engine/workflow/package_folders.h"
#include "engine/workflow/scenario.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_folder(const char *path, struct err *err) {
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return true;
	return err_set(err, ERR_INPUT, "error.input", "cannot make the folder %s: %s", path, strerror(errno));
}

/* A package, or a folder of packages, named by a path, or by the name of one that comes with Stafet. */
static bool find_package(struct arena *a, const char *name, struct str *out, struct err *err) {
	char path[PATH_MAX];
	const char *shipped = packages_folder(a);
	struct str candidate = str_from(name);
	struct folder_list found = {0};
	package_folders(a, candidate, &found);
	if (found.count == 0 && shipped) {
		candidate = arena_printf(a, "%s/%s", shipped, name);
		package_folders(a, candidate, &found);
	}
	if (found.count == 0 || !realpath(candidate.at, path))
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "no package '%s': a folder with workflow.yaml, or with folders that have one, or one of those in %s", name, shipped ? shipped : "(none found)");
	*out = arena_str(a, str_from(path));
	return true;
}

static struct str config_text(struct arena *a, const struct str *packages, size_t count) {
	struct buf text;
	buf_init(&text, 64 << 10);
	buf_z(&text, "# A Stafet site. docs/stafet.example.yaml explains every key.\n"
	             "site:\n"
	             "  name: Stafet\n"
	             "  base_url: http://127.0.0.1:8080   # what links in mails begin with\n"
	             "  listen: 127.0.0.1:8080\n"
	             "  zone: Europe/Copenhagen\n"
	             "  holidays: dk\n"
	             "  languages: [da, en]\n"
	             "  contact: {da: Skriv til support@example.dk, en: Write to support@example.dk}\n"
	             "  help: {da: help.da.md, en: help.en.md}   # the page /help: make it your own\n"
	             "  packages:");
	buf_z(&text, count ? "\n" : " []\n");
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "    - \"%.*s\"\n", STR_ARG(packages[i]));
	buf_z(&text, "mail:\n"
	             "  from_name: Stafet\n"
	             "  from_address: stafet@example.dk\n"
	             "  relay: smtp://127.0.0.1:25\n"
	             "  tls: optional                     # required (STARTTLS) as soon as the relay is another machine\n"
	             "sms:\n"
	             "  quiet_hours: 22:00-07:00          # texts that can wait wait for the morning; codes never do\n");
	struct str out = arena_str(a, buf_text(&text));
	buf_free(&text);
	return out;
}

static bool load_samples(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct open_site *s = context;
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	(void)engine;
	bool ok = samples_load(s->site, tx, now, a, &problems, err);
	if (!ok && problems.count > 0)
		err_set(err, ERR_INPUT, "error.input", "%s:%d: %.*s", problems.items[0].place.file, problems.items[0].place.line, STR_ARG(problems.items[0].text));
	arena_free(a);
	return ok;
}

/* What people of any site ask first. */
static bool write_help(struct arena *a, const char *folder, struct err *err) {
	struct language_file file;
	for (size_t i = 0; language_file_at(i, &file); i++)
		if (!file_write(arena_printf(a, "%s/help.%s.md", folder, file.code).at, file.help, 0644, err))
			return false;
	return true;
}

bool site_make(const char *folder, const struct str *packages, size_t count, struct buf *out, struct err *err) {
	struct arena *a = arena_new();
	struct open_site s = {0};
	bool ok = make_folder(folder, err) && make_folder(arena_printf(a, "%s/data", folder).at, err) &&
	          file_write(arena_printf(a, "%s/stafet.yaml", folder).at, config_text(a, packages, count), 0644, err) &&
	          write_help(a, folder, err) && keyring_create(arena_printf(a, "%s/keys", folder).at, err) && site_open_all(&s, folder, out, err) && site_write(&s, load_samples, &s, err);
	site_shut(&s);
	arena_free(a);
	return ok;
}

int command_init(struct arguments *args, struct buf *out) {
	struct arena *a = arena_new();
	struct err err = {0};
	bool with = arguments_flag(args, "--with");
	int status = EXIT_GOOD;
	size_t count = args->count > 1 ? (size_t)args->count - 1 : 0;
	if (arguments_unknown(args, out) || args->count == 0 || (count > 0 && !with)) {
		buf_z(out, "usage: stafet init DIR [--with PACKAGE...]\n");
		arena_free(a);
		return EXIT_USAGE;
	}
	struct str *packages = ARENA_ARRAY(a, count, struct str);
	for (size_t i = 0; i < count && status == EXIT_GOOD; i++)
		if (!find_package(a, args->items[i + 1], &packages[i], &err))
			status = EXIT_FAULT;
	if (status == EXIT_GOOD && !site_make(args->items[0], packages, count, out, &err))
		status = EXIT_FAULT;
	if (status == EXIT_GOOD)
		buf_printf(out, "%s is ready. Edit %s/stafet.yaml, keep %s/keys safe (a copy apart from the data), then: stafet serve %s\n", args->items[0], args->items[0], args->items[0], args->items[0]);
	else
		buf_printf(out, "stafet: %s\n", err.text);
	arena_free(a);
	return status;
}
