#include "engine/workflow/definition_checks.h"

/* --- series --- */

static void tell_series(struct checker *c, const struct action *action, struct str name) {
	struct str near = name_nearest(name, c->d->documents.items, c->d->documents.count);
	checker_tell(c, false, action->place, "'attach' of the send: no action makes a document '%.*s'%s%.*s%s", STR_ARG(name), near.len ? "; did you mean '" : "", STR_ARG(near),
	             near.len ? "'?" : "");
}

static bool gets_mail(const struct action *action) {
	bool any = false;
	for (size_t i = 0; i < action->to.count; i++)
		any = any || !role_texts(action->to.items[i]);
	return any && action->channel != CHANNEL_SMS;
}

static void check_attach(struct checker *c, const struct flow_point *point, const struct action *action) {
	if (action->attach.count > 0 && !gets_mail(action))
		checker_tell(c, false, action->place, "'attach' of the send: an SMS carries no document, and none of its roles gets mail");
	for (size_t i = 0; i < action->attach.count; i++) {
		struct str name = action->attach.items[i];
		size_t slot = flow_series(c->d, name);
		if (slot == SIZE_MAX)
			tell_series(c, action, name);
		else if (!point->set[slot])
			checker_tell(c, false, action->place, "'attach' of the send: document '%.*s' may not have been made in state '%.*s'", STR_ARG(name), STR_ARG(point->state->name));
	}
}

static void check_action(void *context, const struct flow_point *point, const struct action *action) {
	struct checker *c = context;
	if (action->kind == ACTION_SEND)
		check_attach(c, point, action);
	else if (action->kind == ACTION_DOCUMENT && action->addendum && !point->set[flow_series(c->d, action->document)])
		checker_tell(c, false, action->place, "an addendum to document '%.*s', which may not have been made in state '%.*s'", STR_ARG(action->document), STR_ARG(point->state->name));
}

void check_series(struct checker *c) {
	flow_walk(c->flow, &(struct flow_visitor){.context = c, .action = check_action});
}

/* --- texts --- */

static void check_text(struct checker *c, const struct flow_point *point, const struct document_text *text) {
	static const char *const own_names[] = {"reference", "state", "site", ".", NULL};
	struct template_use use = {.own_names = own_names, .kind = "documents", .when = arena_printf(c->arena, "document '%.*s' is made", STR_ARG(text->name)), .without_link = true};
	const struct template *const parts[] = {text->title, text->file, text->body};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		use.template = parts[i];
		(void)check_template_names(c, point, &use);
	}
}

/* Without `language` it is made in the site's first one, whichever of the package's that is. */
static void check_template(void *context, const struct flow_point *point, const struct action *action) {
	struct checker *c = context;
	if (action->kind != ACTION_DOCUMENT)
		return;
	for (size_t i = 0; i < texts_language_count(c->texts); i++) {
		struct str language = texts_language_at(c->texts, i);
		const struct document_text *text = texts_document(c->texts, action->template, language);
		if (action->language.len > 0 && !str_equal(action->language, language))
			continue;
		if (text && str_equal(text->language, language))
			check_text(c, point, text);
		else
			checker_tell(c, false, action->place, "document '%.*s' is missing in '%.*s': expected documents/%.*s.%.*s.md", STR_ARG(action->template), STR_ARG(language),
			             STR_ARG(action->template), STR_ARG(language));
	}
	if (!texts_document(c->texts, action->template, action->language))
		checker_tell(c, false, action->place, "document '%.*s' is missing in each of the site's languages", STR_ARG(action->template));
}

struct search {
	struct str template;
	bool found;
};

static void find_use(void *context, const struct flow_point *point, const struct action *action) {
	struct search *search = context;
	(void)point;
	search->found = search->found || (action->kind == ACTION_DOCUMENT && str_equal(action->template, search->template));
}

static struct template_value some_value(void *context, struct str name, struct arena *a) {
	(void)context, (void)name, (void)a;
	return (struct template_value){.kind = TV_TEXT, .text = STR("x")};
}

static void check_fixed_text(struct checker *c, const struct document_text *text) {
	struct template_source source = {NULL, some_value};
	struct buf out;
	struct err err = {0};
	buf_init(&out, 1 << 20);
	if (!template_render(text->body, TEMPLATE_MARKDOWN, &source, c->arena, &out, &err))
		checker_tell(c, false, text->place, "document '%.*s' cannot be rendered: %s", STR_ARG(text->name), err.text);
	struct str line = check_list_start(buf_text(&out));
	if (line.len > 0)
		checker_tell(c, true, text->place, "document '%.*s': the line '%.*s' begins like a numbered list; write \\ before its point", STR_ARG(text->name), STR_ARG(line));
	buf_free(&out);
}

void check_documents(struct checker *c) {
	flow_walk(c->flow, &(struct flow_visitor){.context = c, .action = check_template});
	for (size_t i = 0; i < texts_document_count(c->texts); i++) {
		const struct document_text *text = texts_document_at(c->texts, i);
		struct search search = {.template = text->name};
		flow_walk(c->flow, &(struct flow_visitor){.context = &search, .action = find_use});
		check_fixed_text(c, text);
		if (!search.found && c->d->folder.len > 0)
			checker_tell(c, true, text->place, "document '%.*s' is never made", STR_ARG(text->name));
	}
}
