/* stafet graph: the machine as a picture; with --instance, the path that one instance took through the machine it is pinned to. */
#include "cli/command.h"
#include "engine/workflow/graph.h"

#include <string.h>

static int usage(struct buf *out) {
	buf_z(out, "usage: stafet graph DIR [--to mermaid|dot]\n       stafet graph --instance REFERENCE [--to mermaid|dot]\n");
	return EXIT_USAGE;
}

static bool known_target(const char *to) {
	return !to || strcmp(to, "mermaid") == 0 || strcmp(to, "dot") == 0;
}

static void draw(const struct definition *d, const struct history_path *path, const char *to, struct buf *out) {
	if (to && strcmp(to, "dot") == 0)
		graph_dot(d, path, out);
	else
		graph_mermaid(d, path, out);
}

int command_graph(struct arguments *args, struct buf *out) {
	const char *to = arguments_option(args, "--to");
	if (arguments_unknown(args, out) || args->count != 1 || !known_target(to))
		return usage(out);
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct definition *d = definition_load(args->items[0], &problems);
	if (d)
		draw(d, NULL, to, out);
	else
		problems_print(&problems, out);
	int status = d ? EXIT_GOOD : EXIT_FAULT;
	definition_free(d);
	arena_free(a);
	return status;
}

static bool draw_instance(struct open_site *s, struct view *v, struct arena *a, const char *reference, const char *to, struct buf *out, struct err *err) {
	struct instance in;
	struct history_list entries = {0};
	struct history_path path = {0};
	if (!instance_by_reference(v, str_from(reference), a, &in, err) || !history_list(v, in.id, a, &entries, err))
		return false;
	const struct definition *d = site_definition(s->site, v, in.definition, err);
	if (!d)
		return false;
	for (size_t i = 0; i < entries.count; i++)
		*(struct history_step *)ARENA_PUSH(a, &path) = (struct history_step){entries.items[i].from, entries.items[i].to};
	draw(d, &path, to, out);
	return true;
}

int command_graph_instance(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	const char *to = arguments_option(args, "--to"), *reference = arguments_option(args, "--instance");
	struct err err = {0};
	(void)input;
	if (arguments_unknown(args, out) || args->count != 0 || !reference || !known_target(to))
		return usage(out);
	struct view *v = store_view(s->store, &err);
	struct arena *a = arena_new();
	bool ok = v && draw_instance(s, v, a, reference, to, out, &err);
	arena_free(a);
	if (v)
		view_close(v);
	if (!ok)
		buf_printf(out, "stafet: %s\n", err.text);
	return ok ? EXIT_GOOD : EXIT_FAULT;
}
