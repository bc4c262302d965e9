/* stafet check, stafet test, stafet graph, stafet schema: what an author does with a package. */
#include "cli/command.h"
#include "engine/workflow/definition_check.h"
#include "engine/workflow/scenario.h"
#include "engine/workflow/schema.h"
#include "mailer/compose.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int usage(struct buf *out, const char *text) {
	buf_printf(out, "usage: stafet %s\n", text);
	return EXIT_USAGE;
}

static bool exists(const char *folder, const char *name) {
	char path[4096];
	struct stat info;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return stat(path, &info) == 0;
}

/* Packages of a site folder, or the folder itself. */
static bool expand(struct arena *a, const char *folder, char ***folders, int *count, struct err *err) {
	if (!exists(folder, "stafet.yaml")) {
		*folders = ARENA_ARRAY(a, 1, char *);
		(*folders)[0] = arena_z(a, str_from(folder));
		*count = 1;
		return true;
	}
	struct site_config *config = config_read(a, folder, err);
	if (!config)
		return false;
	*count = (int)config->package_count;
	*folders = ARENA_ARRAY(a, config->package_count, char *);
	for (size_t i = 0; i < config->package_count; i++)
		(*folders)[i] = arena_z(a, config->packages[i]);
	return true;
}

static int check_folder(const char *folder, struct buf *out) {
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct err err = {0};
	struct open_site s = {0};
	char **folders;
	int count, status = EXIT_FAULT;
	if (!expand(a, folder, &folders, &count, &err)) {
		buf_printf(out, "%s\n", err.text);
	} else {
		bool ok = site_for_packages(&s, folders, count, &problems, &err);
		problems_print(&problems, out);
		if (!ok && problems.errors == 0)
			buf_printf(out, "%s: %s\n", folder, err.text);
		buf_printf(out, "%s: %zu errors, %zu warnings\n", folder, problems.errors, problems.count - problems.errors);
		status = ok ? EXIT_GOOD : EXIT_FAULT;
		site_shut(&s);
	}
	arena_free(a);
	return status;
}

int command_check(struct arguments *args, struct buf *out) {
	int status = EXIT_GOOD;
	if (arguments_unknown(args, out) || args->count == 0)
		return usage(out, "check DIR...");
	for (int i = 0; i < args->count; i++)
		if (check_folder(args->items[i], out) != EXIT_GOOD)
			status = EXIT_FAULT;
	return status;
}

/* A message as a person would read it, so that a scenario can look into it. */
static bool render_row(void *context, struct engine *engine, struct site *site, struct view *v, const struct outbox_row *row, struct arena *a, struct str *text, struct err *err) {
	struct composed message;
	(void)context;
	if (!compose_message(engine, site, v, row, a, &message, err))
		return false;
	*text = arena_printf(a, "%.*s\n%.*s", STR_ARG(message.subject), STR_ARG(message.text));
	return true;
}

static int yaml_only(const struct dirent *entry) {
	return str_ends(str_from(entry->d_name), STR(".yaml"));
}

static void run_scenarios(struct open_site *s, const struct package *package, struct buf *out, int *passed, int *failed) {
	char folder[4096], path[8192];
	struct dirent **entries;
	struct buf covers;
	snprintf(folder, sizeof folder, "%.*s/scenarios", STR_ARG(package->folder));
	int count = scandir(folder, &entries, yaml_only, alphasort);
	buf_init(&covers, 1 << 20);
	struct scenario_options options = {
	        .site = s->site,
	        .package = package,
	        .render = render_row,
	        .coverage = coverage_new(package->definition, s->arena),
	        .covers = &covers,
	};
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
		bool ok = scenario_run(&options, path, out);
		*passed += ok;
		*failed += !ok;
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	coverage_report(options.coverage, out);
	struct str ids = buf_text(&covers);
	if (ids.len > 0)
		buf_z(out, "     requirements:");
	while (ids.len > 0) {
		struct str id = str_cut(&ids, '\n');
		buf_printf(out, " %.*s", STR_ARG(id));
	}
	buf_z(out, covers.len ? "\n" : "");
	buf_free(&covers);
}

static void test_folder(const char *folder, struct buf *out, int *passed, int *failed) {
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct err err = {0};
	struct open_site s = {0};
	char **folders;
	int count;
	if (!expand(a, folder, &folders, &count, &err) || !site_for_packages(&s, folders, count, &problems, &err)) {
		problems_print(&problems, out);
		buf_printf(out, "FAIL %s: %s\n", folder, err.text);
		++*failed;
	} else {
		for (size_t i = 0; i < site_package_count(s.site); i++)
			run_scenarios(&s, site_package_at(s.site, i), out, passed, failed);
	}
	site_shut(&s);
	arena_free(a);
}

int command_test(struct arguments *args, struct buf *out) {
	int passed = 0, failed = 0;
	if (arguments_unknown(args, out) || args->count == 0)
		return usage(out, "test DIR...");
	for (int i = 0; i < args->count; i++)
		test_folder(args->items[i], out, &passed, &failed);
	buf_printf(out, "%d passed, %d failed\n", passed, failed);
	return failed == 0 && passed > 0 ? EXIT_GOOD : EXIT_FAULT;
}

int command_schema(struct arguments *args, struct buf *out) {
	if (args->count > 0)
		return usage(out, "schema");
	schema_write(out);
	return EXIT_GOOD;
}
