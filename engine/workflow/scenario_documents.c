/* Documents in scenarios: drawn at once, and what they say. */
#include "engine/base/clock.h"
#include "engine/workflow/markdown.h"
#include "engine/workflow/scenario_run.h"

enum { SHEET_TEXT = 2 << 20 };

bool scenario_draw(struct scenario *s, const struct yaml *at, struct tx *tx) {
	struct document d;
	struct err err = {0};
	bool found = s->options->draw != NULL;
	while (found) {
		if (!document_take(tx, clock_now(), s->a, &d, &found, &err))
			return scenario_fail(s, at, "%s", err.text);
		if (found && !s->options->draw(s->options->context, s->options->site, tx, &d, s->a, &err))
			return scenario_fail(s, at, "document '%.*s' cannot be drawn: %s", STR_ARG(d.name), err.text);
	}
	return true;
}

static struct str name_of(struct arena *a, const struct document *d) {
	return d->addendum == 0 ? d->name : arena_printf(a, "%.*s+%lld", STR_ARG(d->name), (long long)d->addendum);
}

bool scenario_attached(struct scenario *s, const struct yaml *at, struct view *v, int64_t outbox_id, struct str *names) {
	struct document_list list;
	struct err err;
	*names = STR("");
	if (!attachment_list(v, outbox_id, s->a, &list, &err))
		return scenario_fail(s, at, "%s", err.text);
	for (size_t i = 0; i < list.count; i++) {
		struct str name = name_of(s->a, &list.items[i]);
		*names = arena_printf(s->a, "%.*s%s%.*s", STR_ARG(*names), i ? ", " : "", STR_ARG(name));
	}
	return true;
}

/* Title and text without marks, as somebody reads it. */
static bool read_text(struct scenario *s, const struct yaml *at, struct view *v, const struct document *d, struct str *text) {
	struct document_sheet sheet;
	struct err err;
	struct buf out;
	if (!document_sheet_load(v, d->id, s->a, &sheet, &err))
		return scenario_fail(s, at, "%s", err.text);
	buf_init(&out, SHEET_TEXT);
	buf_printf(&out, "%.*s\n%.*s %.*s\n", STR_ARG(d->title), STR_ARG(sheet.reference), STR_ARG(sheet.date));
	markdown_text(sheet.markdown, &out);
	*text = arena_str(s->a, buf_text(&out));
	buf_free(&out);
	return true;
}

static bool expect_text(struct scenario *s, const struct yaml *wanted, const struct document *d, struct str text) {
	const struct yaml *contains = yaml_get(wanted, "contains");
	bool list = contains && contains->kind == YAML_LIST;
	for (size_t i = 0; contains && i < (list ? contains->count : 1); i++) {
		const struct yaml *one = list ? contains->items[i] : contains;
		if (!scenario_contains(s->a, text, one->text))
			return scenario_fail(s, one, "document '%.*s' does not contain '%.*s'; it reads: %.*s", STR_ARG(d->name), STR_ARG(one->text), STR_ARG(text));
	}
	return true;
}

static bool expect_one(struct scenario *s, const struct yaml *wanted, struct view *v, const struct document *d) {
	static const char *const keys[] = {"name", "version", "addendum", "language", "contains", NULL};
	struct str text, version = arena_printf(s->a, "%lld", (long long)d->version), addendum = arena_printf(s->a, "%lld", (long long)d->addendum);
	if (!scenario_keys(s, wanted, keys))
		return false;
	const struct {
		const char *key;
		struct str is;
	} parts[] = {{"name", d->name}, {"version", version}, {"addendum", addendum}, {"language", d->language}};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (yaml_get(wanted, parts[i].key) && !str_equal(scenario_text(wanted, parts[i].key), parts[i].is))
			return scenario_fail(s, yaml_get(wanted, parts[i].key), "the %s of this document is %.*s", parts[i].key, STR_ARG(parts[i].is));
	if (d->state == DOCUMENT_FAILED)
		return scenario_fail(s, wanted, "document '%.*s': %.*s", STR_ARG(d->name), STR_ARG(d->answer));
	return read_text(s, wanted, v, d, &text) && expect_text(s, wanted, d, text);
}

bool scenario_expect_documents(struct scenario *s, const struct yaml *list, struct view *v, const struct instance *instance) {
	struct document_list made;
	struct err err;
	if (list->kind != YAML_LIST)
		return scenario_fail(s, list, "`documents` is a list of {name, version, addendum, language, contains}");
	if (!document_of_instance(v, instance->id, s->a, &made, &err))
		return scenario_fail(s, list, "%s", err.text);
	if (made.count != list->count)
		return scenario_fail(s, list, "%zu documents were made, not %zu", made.count, list->count);
	for (size_t i = 0; i < list->count; i++)
		if (!expect_one(s, list->items[i], v, &made.items[i]))
			return false;
	return true;
}
