/* stafet demo: a site with every package that comes with Stafet, sample data, captured messages, and a clock that can be moved. */
#include "cli/command.h"
#include "engine/base/clock.h"
#include "engine/workflow/package_folders.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FOUNDED_MS (10 * 365 * 24 * INT64_C(3600000)) /* how old a new demo's site is */

/* Links need the real port before the portal has it: with port 0 a free one is looked for first. */
static const char *fixed_listen(struct arena *a, const char *listen) {
	const char *colon = strrchr(listen, ':');
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	if (!colon || strcmp(colon, ":0") != 0)
		return listen;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 && getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		listen = arena_printf(a, "%.*s:%d", (int)(colon - listen), listen, ntohs(address.sin_port)).at;
	if (fd >= 0)
		close(fd);
	return listen;
}

static int64_t computer_clock(void) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Its cases have begun before this moment, and who acts in them must have stood in the registers then. */
static bool make_site(const char *folder, const struct str *packages, struct buf *out, struct err *err) {
	clock_simulate(computer_clock() - FOUNDED_MS, 1);
	return site_make(folder, packages, 1, out, err);
}

static int run_folder(const char *folder, bool fresh, const char *listen, struct buf *out) {
	struct open_site s = {.arena = arena_new()};
	struct err err = {0};
	int status = EXIT_FAULT;
	clock_simulate(computer_clock(), 1);
	listen = fixed_listen(s.arena, listen);
	struct site_config *config = config_read(s.arena, folder, &err);
	if (config) {
		config->listen = str_from(listen);
		config->base_url = arena_printf(s.arena, "http://%s", listen);
	}
	if (config && site_open_config(&s, config, out, &err) && (!fresh || demo_samples(&s, out, &err))) {
		fprintf(stderr, "Stafet demo: open http://%s/ and, for the mail and SMS it \"sends\", http://%s/demo/inbox. Stop with Ctrl-C.\n", listen, listen);
		struct server_options options = {.listen = listen, .demo = true};
		status = server_run(&s, &options, out);
	}
	if (err.kind != ERR_NONE)
		buf_printf(out, "stafet: %s\n", err.text);
	site_shut(&s);
	return status;
}

static void remove_files(struct arena *a, const char *folder) {
	DIR *files = opendir(folder);
	for (struct dirent *file; files && (file = readdir(files));)
		unlink(arena_printf(a, "%s/%s", folder, file->d_name).at);
	if (files)
		closedir(files);
}

/* Ours alone: mkdtemp() has made it. */
static void remove_site(struct arena *a, const char *folder) {
	const char *data = arena_printf(a, "%s/data", folder).at;
	remove_files(a, data);
	rmdir(data);
	remove_files(a, folder);
	rmdir(folder);
}

static bool has(struct arena *a, const char *folder, const char *name) {
	return folder && access(arena_printf(a, "%s/%s", folder, name).at, F_OK) == 0;
}

static bool has_packages(struct arena *a, const char *folder) {
	struct folder_list found = {0};
	if (folder)
		package_folders(a, str_from(folder), &found);
	return found.count > 0;
}

/* What a new site of the demo has: the packages in that folder, else all that come with Stafet. */
static bool choose_packages(struct arena *a, const char *folder, struct str *out, struct err *err) {
	char path[PATH_MAX];
	const char *chosen = has_packages(a, folder) ? folder : packages_folder(a);
	if (!chosen)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "cannot find the folder templates beside the program");
	if (!realpath(chosen, path))
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "cannot find the folder %s", chosen);
	*out = arena_str(a, str_from(path));
	return true;
}

int demo_run(const char *folder, const char *listen, struct buf *out) {
	struct arena *a = arena_new();
	struct err err = {0};
	char temporary[] = "/tmp/stafet-demo-XXXXXX";
	int status = EXIT_FAULT;
	struct str packages = {0};
	bool fresh = !has(a, folder, "stafet.yaml");
	bool own = folder == NULL || (fresh && has_packages(a, folder)); /* never a site inside a package */
	if ((!fresh || choose_packages(a, folder, &packages, &err)) && own && !(folder = mkdtemp(temporary)))
		err_set(&err, ERR_TRANSIENT, "error.busy", "cannot make a folder in /tmp");
	if (err.kind == ERR_NONE && (!fresh || make_site(folder, &packages, out, &err)))
		status = run_folder(folder, fresh, listen, out);
	if (err.kind != ERR_NONE)
		buf_printf(out, "stafet: %s\n", err.text);
	if (own && folder == temporary)
		remove_site(a, folder);
	arena_free(a);
	return status;
}
