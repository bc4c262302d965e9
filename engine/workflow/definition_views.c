#include "engine/workflow/definition_reader.h"

#include "engine/store/listings.h"

#include <string.h>

static void read_columns(struct reader *r, const struct yaml *names, struct view_rule *view) {
	static const char *const extra[] = {"state", "started_at", "changed_at", "reference"};
	enum { EXTRAS = sizeof extra / sizeof *extra };
	size_t fields = r->d->fields.count;
	struct str *known = ARENA_ARRAY(r->arena, fields + EXTRAS, struct str);
	for (size_t i = 0; i < fields; i++)
		known[i] = r->d->fields.items[i].name;
	for (size_t i = 0; i < EXTRAS; i++)
		known[fields + i] = str_from(extra[i]);
	struct named columns = {view->kind == VIEW_LIST ? "column" : "field", known, view->kind == VIEW_LIST ? fields + EXTRAS : fields, sizeof *known};
	for (size_t i = 0; i < names->count; i++) {
		const struct yaml *role = yaml_get(names->items[i], "delivery");
		(void)(role ? (const void *)reader_find(r, NAMED("role", r->d->roles), role) : reader_find(r, columns, names->items[i]));
		*(struct str *)ARENA_PUSH(r->arena, &view->columns) = role ? view_delivery_column(r->arena, role->text) : names->items[i]->text;
	}
}

/* Files can be fetched from what a view tells in `fields`. */
static void read_head(struct reader *r, const struct yaml *names, struct view_rule *view) {
	for (size_t i = 0; names && i < names->count; i++) {
		const struct field *field = reader_find(r, NAMED("field", r->d->fields), names->items[i]);
		if (field && field->kind == FIELD_FILE)
			problem_error(r->problems, names->items[i]->place, "'head' of view '%.*s': '%.*s' is of type file, which belongs in 'fields'", STR_ARG(view->name), STR_ARG(field->name));
		*(const struct field **)ARENA_PUSH(r->arena, &view->head) = field;
	}
}

static bool in_page(const struct view_rule *view, const struct field *field) {
	bool found = false;
	for (size_t i = 0; i < view->columns.count; i++)
		found = found || str_equal(view->columns.items[i], field->name);
	for (size_t i = 0; i < view->head.count; i++)
		found = found || view->head.items[i] == field;
	return found;
}

static void read_reveal(struct reader *r, const struct yaml *names, struct view_rule *view) {
	for (size_t i = 0; names && i < names->count; i++) {
		const struct yaml *name = names->items[i];
		const struct field *field = reader_find(r, NAMED("field", r->d->fields), name);
		if (field && (!field->sensitive || !in_page(view, field)))
			problem_error(r->problems, name->place, "'reveal' of view '%.*s': '%.*s' is %s", STR_ARG(view->name), STR_ARG(name->text),
			              field->sensitive ? "none of its fields" : "not sensitive: everybody who sees the page sees it");
		*(const struct field **)ARENA_PUSH(r->arena, &view->reveal) = field;
	}
}

/* Lists, their searches, filters and spreadsheets are read from rows that are kept as they are shown. */
static void check_unlisted(struct reader *r, const struct yaml *names, const char *what, const struct view_rule *view) {
	for (size_t i = 0; view->kind == VIEW_LIST && names && i < names->count; i++) {
		const struct field *field = definition_field(r->d, names->items[i]->text);
		if (field && field->sensitive)
			problem_error(r->problems, names->items[i]->place, "'%s' of view '%.*s': '%.*s' is sensitive, which no list shows; a page can", what, STR_ARG(view->name), STR_ARG(field->name));
	}
}

static bool role_in(const struct view_rule *view, const struct role *role) {
	for (size_t i = 0; i < view->roles.count; i++)
		if (view->roles.items[i] == role)
			return true;
	return false;
}

static void read_resend(struct reader *r, const struct yaml *node, struct view_rule *view) {
	struct yaml_nodes by = reader_names(r, yaml_get(node, "by")), to = reader_names(r, yaml_get(node, "to"));
	for (size_t i = 0; i < by.count; i++) {
		const struct role *role = reader_find(r, NAMED("role", r->d->roles), by.items[i]);
		if (role && !role_in(view, role))
			problem_error(r->problems, by.items[i]->place, "'resend' of view '%.*s': it is not for the role '%.*s'", STR_ARG(view->name), STR_ARG(role->name));
		*(const struct role **)ARENA_PUSH(r->arena, &view->resend_by) = role;
	}
	for (size_t i = 0; i < to.count; i++)
		*(const struct role **)ARENA_PUSH(r->arena, &view->resend_to) = reader_find(r, NAMED("role", r->d->roles), to.items[i]);
}

static void read_digits(struct reader *r, const struct yaml *node, struct view_rule *view) {
	int64_t digits = shape_whole(node, CODE_DIGITS);
	if (digits < CODE_DIGITS_LEAST || digits > CODE_DIGITS_MOST)
		problem_error(r->problems, node->place, "'digits' of view '%.*s': found %lld, expected from %d to %d", STR_ARG(view->name), (long long)digits, CODE_DIGITS_LEAST,
		              CODE_DIGITS_MOST);
	else if (node && !view->login)
		problem_error(r->problems, node->place, "'digits' of view '%.*s': nobody logs in to it; expected 'login: true' beside it", STR_ARG(view->name));
	view->digits = (int)digits;
}

static void read_filters(struct reader *r, const struct yaml *names, struct view_rule *view) {
	for (size_t i = 0; names && i < names->count; i++) {
		const struct yaml *name = names->items[i];
		const struct field *field = str_is(name->text, "state") ? NULL : reader_find(r, NAMED("field", r->d->fields), name);
		if (field && field->kind != FIELD_CHOICE && field->kind != FIELD_REF && field->kind != FIELD_BOOL)
			problem_error(r->problems, name->place, "'filters' of view '%.*s': '%.*s' is of type %s, expected state or a field of type choice, ref or bool", STR_ARG(view->name), STR_ARG(name->text), field_kind_name(field->kind));
		*(struct str *)ARENA_PUSH(r->arena, &view->filters) = name->text;
	}
	if (names && names->count > LISTING_FILTERS)
		problem_error(r->problems, names->place, "'filters' of view '%.*s': at most %d", STR_ARG(view->name), LISTING_FILTERS);
}

/* When an instance becomes overdue is computed with each transition, so that no overview has to ask thousands of instances. */
static void read_overdue(struct reader *r, const struct yaml *node, struct view_rule *view) {
	size_t fields = r->d->fields.count;
	view->overdue = reader_guard(r, node);
	if (!view->overdue)
		return;
	if (expression_asks(view->overdue))
		problem_error(r->problems, node->place, "'overdue' of view '%.*s' cannot ask a pool or a group", STR_ARG(view->name));
	if (expression_reads(view->overdue, fields + SLOT_CHILDREN))
		problem_error(r->problems, node->place, "'overdue' of view '%.*s' must not read 'children'", STR_ARG(view->name));
	if (!expression_never_falls(view->overdue, (size_t[]){fields + SLOT_NOW, fields + SLOT_TODAY}, 2))
		problem_error(r->problems, node->place, "'overdue' of view '%.*s' must stay true once time has made it true; compare as in: today > due_date + 7d", STR_ARG(view->name));
}

/* Strangers have no case whose fields could be read. */
static void read_public(struct reader *r, const struct yaml *node, struct view_rule *view) {
	const struct expression *available = view->catalogue ? view->catalogue->available : NULL;
	view->open = shape_truth(node, false);
	for (size_t i = 0; view->open && available && i < r->d->fields.count; i++)
		if (expression_reads(available, i))
			problem_error(r->problems, node->key->place, "'public' of view '%.*s': 'available' of its catalogue reads the field '%.*s', which strangers have none of", STR_ARG(view->name),
			              STR_ARG(r->d->fields.items[i].name));
	for (size_t i = 0; view->open && available && i < r->d->groups.count; i++)
		if (expression_reads(available, definition_group_slot(r->d, i)))
			problem_error(r->problems, node->key->place, "'public' of view '%.*s': 'available' of its catalogue reads the group '%.*s', which strangers are not in", STR_ARG(view->name),
			              STR_ARG(r->d->groups.items[i].name));
}

static void read_view(struct reader *r, const struct yaml *node, struct view_rule *view) {
	const struct yaml *search = yaml_get(node, "search");
	struct yaml_nodes roles = reader_names(r, yaml_get(node, "for"));
	struct str kind = yaml_get(node, "kind")->text;
	view->kind = str_is(kind, "list") ? VIEW_LIST : str_is(kind, "page") ? VIEW_PAGE : VIEW_ROWS;
	for (size_t i = 0; i < roles.count; i++)
		*(const struct role **)ARENA_PUSH(r->arena, &view->roles) = reader_find(r, NAMED("role", r->d->roles), roles.items[i]);
	view->when = reader_guard(r, yaml_get(node, "when"));
	if (view->kind != VIEW_ROWS)
		read_columns(r, yaml_get(node, view->kind == VIEW_LIST ? "columns" : "fields"), view);
	view->catalogue = reader_find(r, NAMED("catalogue", r->d->catalogues), yaml_get(node, "catalogue"));
	read_public(r, yaml_get(node, "public"), view);
	read_head(r, yaml_get(node, "head"), view);
	for (size_t i = 0; search && i < search->count; i++)
		*(const struct field **)ARENA_PUSH(r->arena, &view->search) = reader_find(r, NAMED("field", r->d->fields), search->items[i]);
	read_reveal(r, yaml_get(node, "reveal"), view);
	check_unlisted(r, yaml_get(node, "columns"), "columns", view);
	check_unlisted(r, search, "search", view);
	read_filters(r, yaml_get(node, "filters"), view);
	read_overdue(r, yaml_get(node, "overdue"), view);
	read_resend(r, yaml_get(node, "resend"), view);
	view->timeline = shape_truth(yaml_get(node, "timeline"), false);
	view->exported = shape_truth(yaml_get(node, "export"), false);
	view->login = shape_truth(yaml_get(node, "login"), false);
	read_digits(r, yaml_get(node, "digits"), view);
	view->expires = shape_span(yaml_get(node, "expires"), (struct span){0});
	view->page = shape_text(yaml_get(node, "page"));
}

/* A row must not open a page that its reader may not see. */
static void check_page(struct reader *r, const struct view_rule *list, const struct yaml *name) {
	const struct view_rule *page = reader_find(r, NAMED("view", r->d->views), name);
	if (!page)
		return;
	if (page->kind != VIEW_PAGE) {
		problem_error(r->problems, name->place, "'page' of view '%.*s': '%.*s' is a list, expected a view of kind page", STR_ARG(list->name), STR_ARG(name->text));
		return;
	}
	for (size_t i = 0; i < list->roles.count; i++)
		if (list->roles.items[i] && !role_in(page, list->roles.items[i]))
			problem_error(r->problems, name->place, "'page' of view '%.*s': '%.*s' is not for the role '%.*s'", STR_ARG(list->name), STR_ARG(name->text), STR_ARG(list->roles.items[i]->name));
}

void read_views(struct reader *r, const struct yaml *views) {
	if (!views)
		return;
	READER_FIX(r, &r->d->views, views->count);
	for (size_t i = 0; i < views->count; i++) {
		r->d->views.items[i].name = views->items[i]->key->text;
		r->d->views.items[i].place = views->items[i]->key->place;
	}
	for (size_t i = 0; i < views->count; i++)
		read_view(r, views->items[i], &r->d->views.items[i]);
	for (size_t i = 0; i < views->count; i++)
		check_page(r, &r->d->views.items[i], yaml_get(views->items[i], "page"));
}

/* From a row one goes on to a form that looks through the same rows. */
static bool is_of_rows(const struct definition *d, const struct view_rule *view, struct str event) {
	const struct event_rule *rule = definition_event(d, event);
	bool of = view->kind != VIEW_ROWS;
	for (size_t p = 0; !of && rule && rule->form && p < rule->form->pages.count; p++)
		for (size_t i = 0; i < rule->form->pages.items[p].items.count; i++)
			of = of || (rule->form->pages.items[p].items.items[i].catalogue && view->catalogue && rule->form->pages.items[p].items.items[i].catalogue->reg == view->catalogue->reg);
	return of;
}

static bool somebody_may(const struct definition *d, const struct view_rule *view, struct str event) {
	for (size_t i = 0; i < d->states.count; i++)
		for (size_t k = 0; k < view->roles.count; k++)
			if (view->roles.items[k] && view_act(view, &d->states.items[i], view->roles.items[k]->name, event))
				return true;
	return false;
}

/* What people do, in whatever state. */
static struct named events_of_people(struct reader *r) {
	LIST_OF(struct str) events = {0};
	for (size_t i = 0; i < r->d->states.count; i++)
		for (size_t k = 0; k < r->d->states.items[i].on.count; k++)
			if (r->d->states.items[i].on.items[k].by.count > 0)
				*(struct str *)ARENA_PUSH(r->arena, &events) = r->d->states.items[i].on.items[k].name;
	return (struct named){"act of people", events.items, events.count, sizeof *events.items};
}

void read_acts(struct reader *r, const struct yaml *views) {
	struct named events = events_of_people(r);
	for (size_t i = 0; views && i < views->count; i++) {
		struct view_rule *view = &r->d->views.items[i];
		struct yaml_nodes names = reader_names(r, yaml_get(views->items[i], "acts"));
		for (size_t k = 0; k < names.count; k++) {
			const struct yaml *name = names.items[k];
			*(struct str *)ARENA_PUSH(r->arena, &view->acts) = name->text;
			if (reader_find(r, events, name) && !somebody_may(r->d, view, name->text))
				problem_error(r->problems, name->place, "'acts' of view '%.*s': nobody who sees it may do '%.*s'", STR_ARG(view->name), STR_ARG(name->text));
			else if (!is_of_rows(r->d, view, name->text))
				problem_error(r->problems, name->place, "'acts' of view '%.*s': the form of '%.*s' has no catalogue of these rows", STR_ARG(view->name), STR_ARG(name->text));
		}
	}
}

/* The starter's own address is theirs to type: nobody else says to whom the first mail goes. */
static void read_from_link(struct reader *r, const struct yaml *start) {
	struct yaml_nodes names = reader_names(r, yaml_get(start, "from_link"));
	const struct role *by = r->d->start.by;
	for (size_t i = 0; i < names.count; i++) {
		const struct yaml *name = names.items[i];
		const struct field *field = reader_find(r, NAMED("field", r->d->fields), name);
		if (!field)
			continue;
		if (r->d->start.form && !form_item_of(r->d->start.form, field))
			problem_error(r->problems, name->place, "'from_link': the start form does not ask for '%.*s'", STR_ARG(name->text));
		else if (!field_prefills(field) || field->kind == FIELD_GROUP)
			problem_error(r->problems, name->place, "'from_link': '%.*s' is of type %s, which a link cannot fill in", STR_ARG(name->text), field_kind_name(field->kind));
		else if (by && by->contact == field)
			problem_error(r->problems, name->place, "'from_link': '%.*s' is the contact of '%.*s', who types it", STR_ARG(name->text), STR_ARG(by->name));
		*(const struct field **)ARENA_PUSH(r->arena, &r->d->start.from_link) = field;
	}
	if (names.count > 0 && !r->d->start.open)
		problem_error(r->problems, names.items[0]->place, "'from_link' fills in the form of a start on the portal: it needs public: true");
}

/* Whoever is logged in has shown the address: it is taken from there, and no form asks for it. key: login or from. */
static void read_own(struct reader *r, const char *key, struct yaml_place place) {
	const struct role *by = r->d->start.by;
	if (!by || !by->contact || !r->d->start.form)
		return;
	if (r->d->start.open)
		problem_error(r->problems, place, "'%s' and 'public: true' of a start exclude each other", key);
	if (by->contact->kind != FIELD_EMAIL || by->contact->many)
		problem_error(r->problems, place, "'%s': the contact of '%.*s' must be one address of type email, since that is what one logs in with", key, STR_ARG(by->name));
	if (form_item_of(r->d->start.form, by->contact))
		problem_error(r->problems, place, "'%s': the start form must not ask for '%.*s', which is the address that was logged in with", key, STR_ARG(by->contact->name));
	struct form *who = ARENA_NEW(r->arena, struct form);
	struct form_page *page = ARENA_PUSH(r->arena, &who->pages);
	*(struct form_item *)ARENA_PUSH(r->arena, &page->items) = (struct form_item){.field = by->contact};
	r->d->start.who = who;
}

static void add_login(struct reader *r, const struct yaml *workflow) {
	*(struct prefill *)ARENA_PUSH(r->arena, &r->d->start.login) = (struct prefill){workflow->text, workflow->place};
}

static void read_login(struct reader *r, const struct yaml *start) {
	struct yaml_nodes names = reader_names(r, yaml_get(start, "login"));
	for (size_t i = 0; i < names.count; i++)
		add_login(r, names.items[i]);
	if (names.count > 0)
		read_own(r, "login", names.items[0]->place);
	const struct yaml *role = yaml_get(start, "role");
	r->d->start.role = role ? role->text : r->d->start.by ? r->d->start.by->name : STR("");
	if (role && names.count == 0)
		problem_error(r->problems, role->key->place, "key 'role' of a start: only with 'login' does a role in other cases count");
}

/* What is taken from the case is said there: nobody types it here. */
static void read_taken(struct reader *r, const struct yaml *name, struct start_from *from) {
	const struct field *field = reader_find(r, NAMED("field", r->d->fields), name);
	const struct role *by = r->d->start.by;
	if (!field)
		return;
	if (field->sensitive || (field->kind > FIELD_REF && field->kind != FIELD_GROUP))
		problem_error(r->problems, name->place, "'take': '%.*s' is %s%s, which cannot be taken from another case", STR_ARG(name->text), field->sensitive ? "sensitive, of type " : "of type ",
		              field_kind_name(field->kind));
	else if (by && by->contact == field)
		problem_error(r->problems, name->place, "'take': '%.*s' is the contact of '%.*s', the address that was logged in with", STR_ARG(name->text), STR_ARG(by->name));
	else if (r->d->start.form && form_item_of(r->d->start.form, field))
		problem_error(r->problems, name->place, "'take': the start form asks for '%.*s'; let it show the field instead", STR_ARG(name->text));
	*(const struct field **)ARENA_PUSH(r->arena, &from->take) = field;
}

static void read_from(struct reader *r, const struct yaml *start) {
	const struct yaml *node = yaml_get(start, "from"), *workflow = yaml_get(node, "workflow"), *when = yaml_get(node, "when");
	struct yaml_nodes names = reader_names(r, yaml_get(node, "take"));
	if (!workflow)
		return;
	if (r->d->start.login.count > 0)
		problem_error(r->problems, node->key->place, "'from' and 'login' of a start exclude each other");
	if (yaml_get(start, "mail") || yaml_get(start, "sms"))
		problem_error(r->problems, node->key->place, "'from' of a start: a mail or a text begins from no case");
	struct start_from *from = ARENA_NEW(r->arena, struct start_from);
	*from = (struct start_from){.workflow = workflow->text, .place = workflow->place};
	if (when) {
		from->when = when->text;
		from->when_place = when->place;
	}
	for (size_t i = 0; i < names.count; i++)
		read_taken(r, names.items[i], from);
	add_login(r, workflow);
	read_own(r, "from", workflow->place);
	r->d->start.from = from;
}

static void add_asked(struct reader *r, struct form_page *page, const struct field *field, bool optional) {
	if (field)
		*(struct form_item *)ARENA_PUSH(r->arena, &page->items) = (struct form_item){.field = field, .optional = optional};
}

static void check_way(struct reader *r, const struct yaml *node, const struct start_way *way, enum field_kind contact) {
	if (way->by && way->by->contact && (way->by->contact->kind != contact || way->by->contact->many))
		problem_error(r->problems, node->key->place, "'%.*s' of start: the contact of '%.*s' must be one field of type %s, where the sender's address goes", STR_ARG(node->key->text),
		              STR_ARG(way->by->name), field_kind_name(contact));
	if (way->subject && (way->subject->kind != FIELD_TEXT || way->subject->many))
		problem_error(r->problems, yaml_get(node, "subject")->place, "'subject' of start: '%.*s' must be one field of type text", STR_ARG(way->subject->name));
	if ((way->subject && way->subject->sensitive) || (way->text && way->text->sensitive))
		problem_error(r->problems, node->key->place, "'%.*s' of start: what comes by mail or text is kept as it came, so no sensitive field can take it", STR_ARG(node->key->text));
	if (way->text && (way->text->kind != FIELD_LONGTEXT || way->text->many))
		problem_error(r->problems, yaml_get(node, "text")->place, "'text' of start: '%.*s' must be one field of type longtext", STR_ARG(way->text->name));
}

static const struct role *read_starter(struct reader *r, const struct yaml *by) {
	const struct role *role = reader_find(r, NAMED("role", r->d->roles), by);
	if (role && role->grants)
		problem_error(r->problems, by->place, "'by' of start: the people of '%.*s' are rows of a register; whoever starts a case is named by a field", STR_ARG(role->name));
	return role;
}

/* A subject may be missing; without an address and words there is nothing to begin with. */
static struct start_way *read_way(struct reader *r, const struct yaml *start, const char *key, enum field_kind contact) {
	const struct yaml *node = yaml_get(start, key), *by = yaml_get(node, "by");
	if (!node)
		return NULL;
	struct start_way *way = ARENA_NEW(r->arena, struct start_way);
	*way = (struct start_way){
	        .by = by ? read_starter(r, by) : r->d->start.by,
	        .subject = reader_find(r, NAMED("field", r->d->fields), yaml_get(node, "subject")),
	        .text = reader_find(r, NAMED("field", r->d->fields), yaml_get(node, "text")),
	        .form = {.name = node->key->text, .place = node->key->place},
	};
	struct form_page *page = ARENA_PUSH(r->arena, &way->form.pages);
	add_asked(r, page, way->by ? way->by->contact : NULL, false);
	add_asked(r, page, way->subject, true);
	add_asked(r, page, way->text, false);
	check_way(r, node, way, contact);
	return way;
}

void read_start(struct reader *r, const struct yaml *start) {
	r->d->start.by = read_starter(r, yaml_get(start, "by"));
	r->d->start.form = reader_find(r, NAMED("form", r->d->forms), yaml_get(start, "form"));
	if (r->d->start.form && form_ranking(r->d->start.form))
		problem_error(r->problems, yaml_get(start, "form")->place, "'form' of start: '%.*s' is a ranked list, which needs an event with 'repeat: true'", STR_ARG(r->d->start.form->name));
	r->d->start.open = shape_truth(yaml_get(start, "public"), false);
	read_login(r, start);
	read_from(r, start);
	r->d->start.mail = read_way(r, start, "mail", FIELD_EMAIL);
	r->d->start.sms = read_way(r, start, "sms", FIELD_PHONE);
	struct yaml_nodes names = reader_names(r, yaml_get(start, "prefill"));
	for (size_t i = 0; i < names.count; i++)
		*(struct prefill *)ARENA_PUSH(r->arena, &r->d->start.prefill) = (struct prefill){names.items[i]->text, names.items[i]->place};
	if (names.count > 0 && !r->d->start.open && r->d->start.login.count == 0)
		problem_error(r->problems, names.items[0]->place, "'prefill' fills in the form of a start on the portal: it needs public: true, login or from");
	read_from_link(r, start);
	r->d->start.expires = shape_span(yaml_get(start, "expires"), (struct span){.days = 1});
}
