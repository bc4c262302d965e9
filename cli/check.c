/* stafet check, stafet test, stafet graph, stafet schema: what an author does with a package. */
#include "cli/command.h"
#include "document/press.h"
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

/* What is looked at together, so that packages may start and signal each other: a site, or all packages that the arguments name. */
struct group {
	const char *name;
	struct site_config *config;
};

/* Of the arguments; groups has room for all of them. A group without config is a site whose stafet.yaml cannot be read, told on out. */
static int group_arguments(struct arena *a, const struct arguments *args, struct group *groups, struct buf *out) {
	char **folders = ARENA_ARRAY(a, (size_t)args->count, char *);
	int packages = 0, count = 0;
	struct err err;
	for (int i = 0; i < args->count; i++) {
		struct group site = {.name = args->items[i]};
		if (!exists(site.name, "stafet.yaml")) {
			folders[packages++] = args->items[i];
			continue;
		}
		site.config = config_read(a, site.name, &err);
		if (!site.config)
			buf_printf(out, "%s\n", err.text);
		groups[count++] = site;
	}
	if (packages > 0) {
		const char *name = packages == 1 ? folders[0] : arena_z(a, arena_printf(a, "%d packages", packages));
		groups[count++] = (struct group){name, config_for_packages(a, folders, packages)};
	}
	return count;
}

static bool check_group(const struct group *group, struct buf *out) {
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct err err = {0};
	struct open_site s = {0};
	bool ok = site_for_check(&s, group->config, &problems, &err);
	problems_print(&problems, out);
	if (!ok && problems.errors == 0)
		buf_printf(out, "%s: %s\n", group->name, err.text);
	buf_printf(out, "%s: %zu errors, %zu warnings\n", group->name, problems.errors, problems.count - problems.errors);
	site_shut(&s);
	arena_free(a);
	return ok;
}

int command_check(struct arguments *args, struct buf *out) {
	if (arguments_unknown(args, out) || args->count == 0)
		return usage(out, "check DIR...");
	struct arena *a = arena_new();
	struct group *groups = ARENA_ARRAY(a, (size_t)args->count, struct group);
	int status = EXIT_GOOD, count = group_arguments(a, args, groups, out);
	for (int i = 0; i < count; i++)
		if (!groups[i].config || !check_group(&groups[i], out))
			status = EXIT_FAULT;
	arena_free(a);
	return status;
}

/* A message as a person would read it, so that a scenario can look into it. */
static bool render_row(void *context, struct engine *engine, struct site *site, struct view *v, const struct outbox_row *row, struct arena *a, struct str *text, struct err *err) {
	struct composed message;
	struct scenario_files *files = context;
	if (!compose_message(engine, site, v, row, a, &message, err) || (files->messages && !scenario_files_message(files, engine, site, v, row, a, err)))
		return false;
	*text = arena_printf(a, "%.*s\n%.*s", STR_ARG(message.subject), STR_ARG(message.text));
	return true;
}

static bool write_data(void *context, const char *path, struct view *v, struct err *err) {
	return scenario_files_data(context, path, v, err);
}

static int yaml_only(const struct dirent *entry) {
	return str_ends(str_from(entry->d_name), STR(".yaml"));
}

/* What scenarios touched of a package: its own, and those of packages that start or signal it. */
struct tested {
	const struct package *package;
	struct coverage *coverage;
	struct buf covers;
};

static void run_scenarios(struct open_site *s, struct tested *t, struct coverage *all, struct scenario_files *files, bool draws, bool times, struct buf *out, int *passed, int *failed) {
	char folder[4096], path[8192];
	struct dirent **entries;
	snprintf(folder, sizeof folder, "%.*s/scenarios", STR_ARG(t->package->folder));
	int count = scandir(folder, &entries, yaml_only, alphasort);
	files->workflow = arena_z(s->arena, t->package->definition->name);
	struct scenario_options options = {
	        .site = s->site,
	        .package = t->package,
	        .render = render_row,
	        .context = files,
	        .draw = draws ? press_at_once : NULL,
	        .ended = files->data ? write_data : NULL,
	        .coverage = all,
	        .covers = &t->covers,
	        .times = times,
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
}

static void report(const struct tested *t, bool named, struct buf *out) {
	if (named)
		buf_printf(out, "%.*s\n", STR_ARG(t->package->definition->name));
	coverage_report(t->coverage, out);
	struct str ids = buf_text(&t->covers);
	if (ids.len > 0)
		buf_z(out, "     requirements:");
	while (ids.len > 0) {
		struct str id = str_cut(&ids, '\n');
		buf_printf(out, " %.*s", STR_ARG(id));
	}
	buf_z(out, t->covers.len ? "\n" : "");
}

static void test_packages(struct open_site *s, struct scenario_files *files, bool draws, bool times, struct buf *out, int *passed, int *failed) {
	size_t count = site_package_count(s->site);
	struct tested *tested = ARENA_ARRAY(s->arena, count, struct tested);
	struct coverage *all = NULL;
	for (size_t i = 0; i < count; i++) {
		tested[i].package = site_package_at(s->site, i);
		tested[i].coverage = all = coverage_new(tested[i].package->definition, all, s->arena);
		buf_init(&tested[i].covers, 1 << 20);
	}
	for (size_t i = 0; i < count; i++)
		run_scenarios(s, &tested[i], all, files, draws, times, out, passed, failed);
	for (size_t i = 0; i < count; i++) {
		report(&tested[i], count > 1, out);
		buf_free(&tested[i].covers);
	}
}

static void test_group(const struct group *group, struct scenario_files *files, bool draws, bool times, struct buf *out, int *passed, int *failed) {
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct err err = {0};
	struct open_site s = {0};
	if (!site_for_check(&s, group->config, &problems, &err)) {
		problems_print(&problems, out);
		buf_printf(out, "FAIL %s: %s\n", group->name, err.text);
		++*failed;
	} else {
		test_packages(&s, files, draws, times, out, passed, failed);
	}
	site_shut(&s);
	arena_free(a);
}

int command_test(struct arguments *args, struct buf *out) {
	struct scenario_files files = {.messages = arguments_option(args, "--messages"), .data = arguments_option(args, "--data")};
	bool draws = !arguments_flag(args, "--no-pdf"), times = arguments_flag(args, "--times");
	if (arguments_unknown(args, out) || args->count == 0)
		return usage(out, "test DIR... [--messages FOLDER] [--data FOLDER] [--no-pdf] [--times]");
	struct arena *a = arena_new();
	struct group *groups = ARENA_ARRAY(a, (size_t)args->count, struct group);
	int passed = 0, failed = 0, count = group_arguments(a, args, groups, out);
	for (int i = 0; i < count; i++) {
		if (groups[i].config)
			test_group(&groups[i], &files, draws, times, out, &passed, &failed);
		else
			failed++;
	}
	arena_free(a);
	buf_printf(out, "%d passed, %d failed\n", passed, failed);
	return failed == 0 && passed > 0 ? EXIT_GOOD : EXIT_FAULT;
}

int command_schema(struct arguments *args, struct buf *out) {
	if (args->count > 0)
		return usage(out, "schema");
	schema_write(out);
	return EXIT_GOOD;
}
