#include "engine/workflow/definition_reader.h"

static const struct field *find_field(struct reader *r, const struct yaml *name) {
	return reader_find(r, NAMED("field", r->d->fields), name);
}

/* A second way to the same person, so it must not be the one that the link took. */
static void check_code(struct reader *r, const struct role *role, const struct yaml *node) {
	const struct field *field = role->code;
	if (!field)
		return;
	if ((field->kind != FIELD_EMAIL && field->kind != FIELD_PHONE) || field->many)
		problem_error(r->problems, node->place, "'code' of role '%.*s': '%.*s' must be one field of type email or phone", STR_ARG(role->name), STR_ARG(node->text));
	else if (field == role->contact)
		problem_error(r->problems, node->place, "'code' of role '%.*s': '%.*s' is where its links go; a code there would prove nothing more", STR_ARG(role->name),
		              STR_ARG(node->text));
}

static void refuse_sensitive(struct reader *r, const struct role *role, const struct field *field) {
	if (field && field->sensitive)
		problem_error(r->problems, role->place, "role '%.*s': '%.*s' is sensitive; who takes part is found, written to and shown by it", STR_ARG(role->name), STR_ARG(field->name));
}

static void refuse_key(struct reader *r, const struct yaml *role, const char *key) {
	const struct yaml *node = yaml_get(role, key);
	if (node)
		problem_error(r->problems, node->key->place, "key '%s' in role '%.*s': it belongs to 'grants'", key, STR_ARG(role->key->text));
}

void read_roles(struct reader *r, const struct yaml *roles) {
	READER_FIX(r, &r->d->roles, roles->count);
	for (size_t i = 0; i < roles->count; i++) {
		const struct yaml *node = roles->items[i], *contact = yaml_get(node, "contact"), *person = yaml_get(node, "name");
		struct role *role = &r->d->roles.items[i];
		*role = (struct role){.name = node->key->text, .code = find_field(r, yaml_get(node, "code")), .place = node->key->place};
		check_code(r, role, yaml_get(node, "code"));
		refuse_sensitive(r, role, role->code);
		if (yaml_get(node, "grants")) {
			role->grants = read_grants(r, node);
			continue;
		}
		refuse_key(r, node, "where");
		refuse_key(r, node, "scope");
		role->contact = find_field(r, contact);
		role->person = find_field(r, person);
		if (role->contact && role->contact->kind != FIELD_EMAIL && role->contact->kind != FIELD_PHONE)
			problem_error(r->problems, contact->place, "'contact' of role '%.*s': '%.*s' is a field of type %s, expected email or phone", STR_ARG(role->name), STR_ARG(contact->text), field_kind_name(role->contact->kind));
		if (role->person && (role->person->kind != FIELD_TEXT || role->person->many))
			problem_error(r->problems, person->place, "'name' of role '%.*s': '%.*s' must be one field of type text", STR_ARG(role->name), STR_ARG(person->text));
		refuse_sensitive(r, role, role->contact);
		refuse_sensitive(r, role, role->person);
	}
}

static bool asked_before(const struct form *form, const struct field *field) {
	for (size_t p = 0; p < form->pages.count; p++)
		for (size_t i = 0; i < form->pages.items[p].items.count; i++)
			if (form->pages.items[p].items.items[i].field == field)
				return true;
	return false;
}

static const struct catalogue *read_item_catalogue(struct reader *r, const struct yaml *node, const struct field *field) {
	const struct yaml *name = yaml_get(node, "catalogue");
	const struct catalogue *catalogue = reader_find(r, NAMED("catalogue", r->d->catalogues), name);
	if (!catalogue || !field)
		return NULL;
	if (field->kind != FIELD_REF)
		problem_error(r->problems, name->place, "'catalogue': the field '%.*s' is of type %s, expected a ref", STR_ARG(field->name), field_kind_name(field->kind));
	else if (field->reg && catalogue->reg && field->reg != catalogue->reg)
		problem_error(r->problems, name->place, "'catalogue': '%.*s' has the rows of '%.*s', but the field '%.*s' those of '%.*s'", STR_ARG(catalogue->name),
		              STR_ARG(catalogue->reg->name), STR_ARG(field->name), STR_ARG(field->reg->name));
	return catalogue;
}

static void read_item(struct reader *r, const struct form *form, const struct yaml *node, struct form_page *page) {
	const struct yaml *name = node->kind == YAML_MAP ? yaml_get(node, "field") : node;
	const struct field *field = find_field(r, name);
	if (field && asked_before(form, field))
		problem_error(r->problems, name->place, "form '%.*s' asks for '%.*s' twice", STR_ARG(form->name), STR_ARG(name->text));
	struct form_item *item = ARENA_PUSH(r->arena, &page->items);
	item->field = field;
	item->optional = shape_truth(yaml_get(node, "optional"), false);
	item->catalogue = read_item_catalogue(r, node, field);
	item->optional = item->optional || (item->catalogue && field->many); /* a ranked list is empty at first, and again when its last row is taken off */
	item->fresh = !shape_truth(yaml_get(node, "prefill"), true);
	item->when = reader_guard(r, yaml_get(node, "when"));
}

static void read_page(struct reader *r, struct form *form, const struct yaml *node) {
	const struct yaml *items = yaml_get(node, "fields"), *show = yaml_get(node, "show");
	struct form_page *page = ARENA_PUSH(r->arena, &form->pages);
	for (size_t i = 0; items && i < items->count; i++) {
		read_item(r, form, items->items[i], page);
		if (page->items.items[i].catalogue && items->count > 1)
			problem_error(r->problems, items->items[i]->place, "form '%.*s': what is chosen from a catalogue stands on a page of its own", STR_ARG(form->name));
	}
	for (size_t i = 0; show && i < show->count; i++)
		*(const struct field **)ARENA_PUSH(r->arena, &page->show) = find_field(r, show->items[i]);
	if (page->items.count == 0 && page->show.count == 0 && node->key == NULL)
		problem_error(r->problems, node->place, "this page of form '%.*s' neither asks nor shows anything", STR_ARG(form->name));
}

static void name_page(struct reader *r, struct form *form, const struct yaml *node, size_t count) {
	const struct yaml *name = yaml_get(node, "name");
	struct form_page *page = &form->pages.items[form->pages.count - 1];
	if (name)
		for (size_t i = 0; i + 1 < form->pages.count; i++)
			if (str_equal(form->pages.items[i].name, name->text))
				problem_error(r->problems, name->place, "form '%.*s' has two pages named '%.*s'", STR_ARG(form->name), STR_ARG(name->text));
	if (!name && count > 1)
		problem_error(r->problems, node->place, "key 'name' is missing: form '%.*s' has several pages", STR_ARG(form->name));
	page->name = shape_text(name);
}

static void check_ranking(struct reader *r, const struct form *form) {
	for (size_t p = 0; p < form->pages.count; p++)
		for (size_t i = 0; i < form->pages.items[p].items.count; i++) {
			const struct form_item *item = &form->pages.items[p].items.items[i];
			if (item->catalogue && item->field->many && !form_ranking(form))
				problem_error(r->problems, form->place, "form '%.*s': a list of rows with 'catalogue' is a ranked list, which is all that its form asks for", STR_ARG(form->name));
		}
}

static void read_form(struct reader *r, const struct yaml *node, struct form *form) {
	const struct yaml *pages = yaml_get(node, "pages"), *show = yaml_get(node, "show");
	form->name = node->key->text;
	form->place = node->key->place;
	form->check = shape_truth(yaml_get(node, "check"), true);
	if (!pages) {
		read_page(r, form, node);
		check_ranking(r, form);
		return;
	}
	if (show)
		problem_error(r->problems, show->key->place, "key 'show' in form '%.*s': it belongs in one of its pages", STR_ARG(form->name));
	for (size_t i = 0; i < pages->count; i++) {
		read_page(r, form, pages->items[i]);
		name_page(r, form, pages->items[i], pages->count);
	}
	check_ranking(r, form);
}

void read_forms(struct reader *r, const struct yaml *forms) {
	if (!forms)
		return;
	READER_FIX(r, &r->d->forms, forms->count);
	for (size_t i = 0; i < forms->count; i++)
		read_form(r, forms->items[i], &r->d->forms.items[i]);
}
