/* The names in a template: known, and set wherever it is used. */
#include "engine/workflow/definition_checks.h"

/* Members of the items of a repeated section. */
static const char *const item_names[] = {"label", "value", "level", "key", NULL};

static bool among(const char *const *names, struct str name) {
	for (size_t i = 0; names[i]; i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

static bool has_column(const struct register_type *reg, struct str name) {
	for (size_t i = 0; i < reg->record.count; i++)
		if (str_equal(reg->record.members[i].name, name))
			return true;
	return false;
}

bool check_in_group(const struct definition *d, const struct template_name *name) {
	for (size_t i = 0; i < name->section_count; i++) {
		const struct field *field = definition_field(d, name->sections[i]);
		if (field && field_member(field, name->name))
			return true;
	}
	return false;
}

/* Inside a section over rows of a register, their columns have names too. */
static bool item_column(const struct definition *d, const struct template_names *names, struct str name) {
	for (size_t i = 0; i < names->count; i++) {
		const struct field *field = definition_field(d, names->items[i].name);
		if (field && field->reg && (field->many || field->kind == FIELD_MATRIX) && has_column(field->reg, name))
			return true;
	}
	return false;
}

static void tell_name(struct checker *c, const struct template_use *use, const struct template_name *name) {
	struct str_set known = {0};
	for (size_t i = 0; i < c->d->fields.count; i++)
		*(struct str *)ARENA_PUSH(c->arena, &known) = c->d->fields.items[i].name;
	for (size_t i = 0; use->own_names[i]; i++)
		*(struct str *)ARENA_PUSH(c->arena, &known) = str_from(use->own_names[i]);
	struct str near = name_nearest(name->name, known.items, known.count);
	if (near.len > 0)
		checker_tell(c, false, name->place, "unknown name '{{%.*s}}'; did you mean '{{%.*s}}'?", STR_ARG(name->name), STR_ARG(near));
	else
		checker_tell(c, false, name->place, "unknown name '{{%.*s}}': neither a field nor a name that %s have", STR_ARG(name->name), use->kind);
}

/* The field that a name begins with; NULL: a name of the message's own, of an item, or (told) an unknown one. */
static const struct field *field_of(struct checker *c, const struct template_use *use, const struct template_names *names, const struct template_name *name) {
	struct str rest = name->name, root;
	if (among(use->own_names, name->name) || check_in_group(c->d, name))
		return NULL;
	root = str_cut(&rest, '.');
	const struct field *field = definition_field(c->d, root);
	bool dotted = root.len < name->name.len;
	if (!field && !dotted && (among(item_names, root) || item_column(c->d, names, root)))
		return NULL;
	if (!field) {
		tell_name(c, use, name);
		return NULL;
	}
	if (dotted && (!field->reg || field->many || field->kind == FIELD_MATRIX))
		checker_tell(c, false, name->place, "'{{%.*s}}': '%.*s' has no columns", STR_ARG(name->name), STR_ARG(root));
	else if (dotted && !str_is(rest, "key") && !has_column(field->reg, rest))
		checker_tell(c, false, name->place, "'{{%.*s}}': register '%.*s' has no column '%.*s'", STR_ARG(name->name), STR_ARG(field->reg->name), STR_ARG(rest));
	return field;
}

bool check_template_names(struct checker *c, const struct flow_point *point, const struct template_use *use) {
	struct template_names names = {0};
	bool link = false;
	if (!use->template)
		return false;
	template_names(use->template, c->arena, &names);
	for (size_t i = 0; i < names.count; i++) {
		const struct template_name *name = &names.items[i];
		const struct field *field = field_of(c, use, &names, name);
		link = link || str_is(name->name, "link");
		if (str_is(name->name, "link") && use->without_link && !name->guarded)
			checker_tell(c, false, name->place, "'{{link}}', but when %.*s in state '%.*s' there is no 'link'", STR_ARG(use->when), STR_ARG(point->state->name));
		if (field && !name->guarded && !point->set[field->slot])
			checker_tell(c, false, name->place, "'{{%.*s}}' may be unset when %.*s in state '%.*s'; put it into {{#%.*s}}...{{/%.*s}}", STR_ARG(name->name), STR_ARG(use->when),
			             STR_ARG(point->state->name), STR_ARG(field->name), STR_ARG(field->name));
	}
	return link;
}
