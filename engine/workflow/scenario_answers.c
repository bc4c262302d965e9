/* What a scenario's people type. */
#include "engine/base/clock.h"
#include "engine/workflow/scenario_run.h"
#include "engine/workflow/upload.h"

#include <string.h>

/* A demo's dates must not grow old: "=today + 14d". */
static bool compute(struct scenario *s, const struct yaml *at, struct str *text) {
	struct scope_name names[] = {{.name = STR("now"), .type = {.kind = KIND_INSTANT}, .slot = 0}, {.name = STR("today"), .type = {.kind = KIND_DATE}, .slot = 1}};
	struct scope scope = {.items = names, .count = 2, .cap = 2};
	const struct zone *zone = site_zone(s->options->site);
	struct value value, slots[] = {value_instant(clock_now()), value_date(civil_day_of(zone_local(zone, clock_now())))};
	struct environment env = {.slots = slots, .slot_count = 2, .zone = zone, .calendar = site_calendar(s->options->site)};
	struct problems problems = {.arena = s->a};
	struct err err = {0};
	const struct expression *e = expression_compile(s->a, (struct str){text->at + 1, text->len - 1}, at->place, &scope, NULL, &problems);
	if (!e)
		return scenario_fail(s, at, "%.*s", STR_ARG(problems.items[0].text));
	if (!expression_evaluate(e, &env, s->a, &value, &err))
		return scenario_fail(s, at, "%s", err.text);
	*text = value_text(s->a, &value);
	return true;
}

/* {file: scan.pdf, size: 20kB}: its name, and so many dots. */
static bool read_file(struct scenario *s, const struct yaml *node, struct str *name, struct str *content) {
	static const char *const keys[] = {"file", "size", NULL};
	struct str size = scenario_text(node, "size");
	int64_t len = 1000;
	if (!scenario_keys(s, node, keys))
		return false;
	*name = scenario_text(node, "file");
	if (name->len == 0 || (size.len > 0 && !upload_parse_size(size, &len)))
		return scenario_fail(s, node, "a file is {file: name.pdf, size: 20kB}, and it has at most 25MB");
	char *dots = arena_alloc(s->a, (size_t)len);
	memset(dots, '.', (size_t)len);
	*content = (struct str){dots, (size_t)len};
	return true;
}

bool scenario_files(struct scenario *s, const struct yaml *list, struct reply *out) {
	size_t count = list ? list->count : 0;
	struct reply_file *files = ARENA_ARRAY(s->a, count, struct reply_file);
	if (list && list->kind != YAML_LIST)
		return scenario_fail(s, list, "a list of files {file: name.pdf} is expected");
	for (size_t i = 0; i < count; i++) {
		files[i] = (struct reply_file){.unseen = true};
		if (!read_file(s, list->items[i], &files[i].name, &files[i].content))
			return false;
	}
	out->files = files;
	out->file_count = count;
	return true;
}

/* Such a file as if it had been sent just now. */
static bool put_file(struct scenario *s, struct str name, const struct yaml *node, struct answers *out) {
	struct upload upload = {0};
	struct str content, extension;
	struct err err = {0};
	struct tx *tx;
	if (!read_file(s, node, &upload.name, &content))
		return false;
	const char *type = upload_type(upload.name, &extension);
	if (!type)
		return scenario_fail(s, node, "the name of a file in a form ends as the language knows it: .pdf, .jpg ...");
	upload.size = (int64_t)content.len;
	upload.type = str_from(type);
	if (!scenario_begin(s, node, &tx))
		return false;
	struct blob blob = {.size = upload.size, .at = clock_now(), .name = upload.name, .type = upload.type};
	bool ok = blob_put(tx, &blob, bytes_of(&content), &upload.id, &err);
	answers_put(out, s->a, name, upload_text(s->a, &upload));
	return scenario_end(s, node, tx, ok, &err);
}

/* No field of a group is named so. */
static bool is_file(const struct yaml *node) {
	return node->kind == YAML_MAP && yaml_get(node, "file");
}

static bool put(struct scenario *s, struct str name, const struct yaml *node, struct answers *out) {
	if (node->kind == YAML_SCALAR) {
		struct str text = yaml_is_null(node) ? STR("") : node->text;
		if (s->options->store && str_starts(text, STR("=")) && !compute(s, node, &text))
			return false;
		answers_put(out, s->a, name, text);
		return true;
	}
	if (is_file(node))
		return put_file(s, name, node, out);
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml *part = node->items[i];
		struct str item = name;
		if (node->kind == YAML_MAP)
			item = arena_printf(s->a, "%.*s.%.*s", STR_ARG(name), STR_ARG(part->key->text));
		else if (part->kind == YAML_MAP && !is_file(part)) /* of a group */
			item = arena_printf(s->a, "%.*s.%zu", STR_ARG(name), i + 1);
		if (!put(s, item, part, out))
			return false;
	}
	return true;
}

bool scenario_answers(struct scenario *s, const struct yaml *map, struct answers *out) {
	*out = (struct answers){0};
	for (size_t i = 0; map && map->kind == YAML_MAP && i < map->count; i++)
		if (!put(s, map->items[i]->key->text, map->items[i], out))
			return false;
	return true;
}
