#include "engine/workflow/definition_checks.h"

/* Where a text of that language would stand. */
struct words {
	struct checker *c;
	struct str language;
	struct yaml_place place;
};

static void want(struct words *w, const char *path) {
	if (!texts_has(w->c->texts, w->language, path))
		checker_tell(w->c, false, w->place, "text '%s' is missing", path);
}

static void want_at(struct words *w, const char *group, struct str name, const char *of) {
	want(w, arena_printf(w->c->arena, "%s.%.*s%s%s", group, STR_ARG(name), of ? "." : "", of ? of : "").at);
}

static bool page_knows(const struct definition *d, struct str name) {
	struct str rest = name, root = str_cut(&rest, '.');
	const struct field *field = definition_field(d, root);
	if (root.len == name.len)
		return field || str_is(name, ".") || str_is(name, "site") || str_is(name, "reference") || str_is(name, "state");
	for (size_t i = 0; field && field->kind == FIELD_REF && i < field->reg->record.count; i++)
		if (str_equal(field->reg->record.members[i].name, rest))
			return true;
	return field && field->kind == FIELD_REF && str_is(rest, "key");
}

/* Markdown of pages: its placeholders, and the trap that dates are. */
static void check_markdown(struct words *w, const char *path) {
	struct checker *c = w->c;
	struct template_names names = {0};
	struct problems problems = {.arena = c->arena};
	if (!texts_has(c->texts, w->language, path))
		return;
	struct str text = texts_get(c->texts, w->language, path), line = check_list_start(text);
	if (line.len > 0)
		checker_tell(c, true, w->place, "text '%s': the line '%.*s' begins like a numbered list; write \\ before its point", path, STR_ARG(line));
	const struct template *template = template_compile(c->arena, text, (struct yaml_place){path, 1, 1}, &problems);
	if (template)
		template_names(template, c->arena, &names);
	for (size_t i = 0; i < names.count; i++)
		if (!page_knows(c->d, names.items[i].name) && !check_in_group(c->d, &names.items[i]))
			checker_tell(c, false, w->place, "text '%s', line %d: unknown name '{{%.*s}}'", path, names.items[i].place.line, STR_ARG(names.items[i].name));
}

static void check_markdown_at(struct words *w, const char *group, struct str name, const char *of) {
	check_markdown(w, arena_printf(w->c->arena, "%s.%.*s%s%s", group, STR_ARG(name), of ? "." : "", of ? of : "").at);
}

/* A language may show another column of a register than its label. */
static void check_title(struct words *w, const struct field *field) {
	const char *path = arena_printf(w->c->arena, "fields.%.*s.title", STR_ARG(field->words)).at;
	struct str column = texts_has(w->c->texts, w->language, path) ? texts_get(w->c->texts, w->language, path) : (struct str){0};
	bool found = column.len == 0;
	for (size_t i = 0; field->reg && i < field->reg->record.count; i++)
		found = found || str_equal(field->reg->record.members[i].name, column);
	if (!found)
		checker_tell(w->c, false, w->place, "text '%s': '%.*s' is no column of a register of this field", path, STR_ARG(column));
}

static void check_date(struct words *w, const struct field *field) {
	const char *path = arena_printf(w->c->arena, "fields.%.*s.date", STR_ARG(field->words)).at;
	if (!texts_has(w->c->texts, w->language, path))
		return;
	if (field->kind != FIELD_DATE || field->many || !str_is(texts_get(w->c->texts, w->language, path), "short"))
		checker_tell(w->c, false, w->place, "text '%s': only a field of type date has `date`, and only `date: short`", path);
}

static void check_excluded(struct words *w, const struct field *field) {
	const char *path = arena_printf(w->c->arena, "fields.%.*s.excluded", STR_ARG(field->words)).at;
	if (field->kind != FIELD_REF && texts_has(w->c->texts, w->language, path))
		checker_tell(w->c, false, w->place, "text '%s': only a field of type ref has `excluded`", path);
}

static void want_field(struct words *w, const struct field *field) {
	check_title(w, field);
	check_excluded(w, field);
	check_date(w, field);
	want_at(w, "fields", field->words, "label");
	if (field->valid)
		want_at(w, "fields", field->words, "invalid");
	check_markdown_at(w, "fields", field->words, "hint");
	check_markdown_at(w, "fields", field->words, "help");
	for (size_t i = 0; i < field->options.count; i++)
		want_at(w, "fields", field->words, arena_printf(w->c->arena, "options.%.*s", STR_ARG(field->options.items[i])).at);
	if (field->kind == FIELD_GROUP)
		want_at(w, "fields", field->words, "item");
	for (size_t i = 0; i < field->fields.count; i++)
		want_field(w, &field->fields.items[i]);
}

static void mark(const struct definition *d, bool *seen, struct str name) {
	const struct field *field = definition_field(d, name);
	if (field)
		seen[field->slot] = true;
}

/* The fields that some page shows or asks for; others need no label. */
static bool *visible_fields(struct checker *c) {
	const struct definition *d = c->d;
	bool *seen = ARENA_ARRAY(c->arena, d->fields.count, bool);
	for (size_t i = 0; i < d->forms.count; i++)
		for (size_t p = 0; p < d->forms.items[i].pages.count; p++) {
			const struct form_page *page = &d->forms.items[i].pages.items[p];
			for (size_t k = 0; k < page->items.count; k++)
				seen[page->items.items[k].field->slot] = true;
			for (size_t k = 0; k < page->show.count; k++)
				seen[page->show.items[k]->slot] = true;
		}
	for (size_t i = 0; i < d->views.count; i++) {
		for (size_t k = 0; k < d->views.items[i].columns.count; k++)
			mark(d, seen, d->views.items[i].columns.items[k]);
		for (size_t k = 0; k < d->views.items[i].head.count; k++)
			seen[d->views.items[i].head.items[k]->slot] = true;
	}
	return seen;
}

static void want_columns(struct words *w, const struct catalogue *c, const struct column_list *columns) {
	for (size_t i = 0; i < columns->count; i++)
		want_at(w, "catalogues", c->name, arena_printf(w->c->arena, "columns.%.*s", STR_ARG(c->reg->record.members[columns->items[i]].name)).at);
}

static void want_catalogue(struct words *w, const struct catalogue *c) {
	want_columns(w, c, &c->columns);
	want_columns(w, c, &c->filters);
	want_columns(w, c, &c->detail);
}

static void want_form(struct words *w, const struct form *form) {
	struct arena *a = w->c->arena;
	want_at(w, "forms", form->name, "title");
	for (size_t p = 0; form->pages.count > 1 && p < form->pages.count; p++)
		want_at(w, "forms", form->name, arena_printf(a, "pages.%.*s", STR_ARG(form->pages.items[p].name)).at);
	check_markdown_at(w, "forms", form->name, "intro");
	check_markdown_at(w, "forms", form->name, "check.text");
	check_markdown_at(w, "forms", form->name, "receipt.text");
}

static void want_state(struct words *w, const struct state *state) {
	want_at(w, "states", state->name, NULL);
	check_markdown_at(w, "ended", state->name, NULL);
	for (size_t i = 0; i < state->on.count; i++) {
		const struct event_rule *event = &state->on.items[i];
		if (event->by.count > 0)
			want_at(w, "events", event->name, NULL);
		if (event->form && event_claims(event))
			want_at(w, "taken", event->name, NULL);
	}
}

static void check_language(struct words *w, const bool *visible) {
	const struct definition *d = w->c->d;
	want(w, "title");
	if (actions_claim(&d->initial->entry))
		want(w, "taken.start");
	if (d->start.from)
		want(w, "start.missing");
	check_markdown(w, "start.missing");
	check_markdown(w, "intro");
	for (size_t i = 0; i < d->roles.count; i++)
		want_at(w, "roles", d->roles.items[i].name, NULL);
	for (size_t i = 0; i < d->fields.count; i++)
		if (visible[i])
			want_field(w, &d->fields.items[i]);
	for (size_t i = 0; i < d->catalogues.count; i++)
		want_catalogue(w, &d->catalogues.items[i]);
	for (size_t i = 0; i < d->forms.count; i++)
		want_form(w, &d->forms.items[i]);
	for (size_t i = 0; i < d->states.count; i++)
		want_state(w, &d->states.items[i]);
	for (size_t i = 0; i < d->views.count; i++) {
		want_at(w, "views", d->views.items[i].name, "title");
		check_markdown_at(w, "views", d->views.items[i].name, "not-ready");
	}
}

void check_words(struct checker *c) {
	const bool *visible = visible_fields(c);
	for (size_t i = 0; i < texts_language_count(c->texts); i++) {
		struct str language = texts_language_at(c->texts, i);
		struct str file = arena_printf(c->arena, "%.*s%stexts/%.*s.yaml", STR_ARG(c->d->folder), c->d->folder.len ? "/" : "", STR_ARG(language));
		struct words w = {c, language, {file.at, 1, 1}};
		check_language(&w, visible);
	}
}
