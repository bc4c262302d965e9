/* Groups, and the action that writes to their records. */
#include "engine/workflow/definition_reader.h"

enum { MOST_GROUPS = 8, MOST_SHARED = 20 };

static void read_shared_field(struct reader *r, const struct yaml *node, struct field *f) {
	struct str type = yaml_get(node, "type")->text;
	f->name = f->words = node->key->text;
	f->place = node->key->place;
	while (!str_is(type, shape_field_types[f->kind]))
		f->kind++;
	f->reg = reader_find(r, NAMED("register", r->d->registers), yaml_get(node, "register"));
	f->type = reader_type(r, f);
}

/* NULL: a register is unknown, which was told. */
static const struct record_type *record_of(struct reader *r, const struct group_rule *group) {
	struct record_type *record = ARENA_NEW(r->arena, struct record_type);
	*record = (struct record_type){.name = group->name, .members = ARENA_ARRAY(r->arena, group->fields.count, struct record_member), .count = group->fields.count, .key = SIZE_MAX};
	for (size_t i = 0; i < group->fields.count; i++) {
		const struct field *f = &group->fields.items[i];
		if (f->kind == FIELD_REF && !f->reg)
			return NULL;
		record->members[i] = (struct record_member){f->name, f->type, true};
	}
	return record;
}

/* Its value is written beside the record, readable, and stands for one thing. */
static const struct field *read_by(struct reader *r, const struct yaml *by, struct str group) {
	const struct field *field = reader_find(r, NAMED("field", r->d->fields), by);
	static const unsigned plain = 1U << FIELD_TEXT | 1U << FIELD_EMAIL | 1U << FIELD_PHONE | 1U << FIELD_DIGITS | 1U << FIELD_INT | 1U << FIELD_DATE | 1U << FIELD_CHOICE | 1U << FIELD_REF;
	if (field && field->sensitive)
		problem_error(r->problems, by->place, "'by' of group '%.*s': '%.*s' is sensitive, and instances would be found by its value", STR_ARG(group), STR_ARG(field->name));
	else if (field && (field->many || !(plain >> field->kind & 1U)))
		problem_error(r->problems, by->place, "'by' of group '%.*s': '%.*s' is %s%s, expected a single text, email, phone, digits, int, date, choice or ref", STR_ARG(group),
		              STR_ARG(field->name), field_kind_name(field->kind), field->many ? " (many)" : "");
	return field;
}

static void read_group(struct reader *r, const struct yaml *node, struct group_rule *group) {
	const struct yaml *fields = yaml_get(node, "fields");
	group->name = node->key->text;
	group->place = node->key->place;
	reader_reserved(r, node->key, "group");
	if (definition_field(r->d, group->name))
		problem_error(r->problems, group->place, "'%.*s' is both a field and a group", STR_ARG(group->name));
	group->by = read_by(r, yaml_get(node, "by"), group->name);
	READER_FIX(r, &group->fields, fields->count);
	for (size_t i = 0; i < fields->count; i++) {
		group->fields.items[i].slot = i;
		read_shared_field(r, fields->items[i], &group->fields.items[i]);
	}
	if (fields->count > MOST_SHARED)
		problem_error(r->problems, fields->items[MOST_SHARED]->key->place, "a group has at most %d fields", MOST_SHARED);
	group->record = record_of(r, group);
}

void read_groups(struct reader *r, const struct yaml *groups) {
	if (!groups)
		return;
	READER_FIX(r, &r->d->groups, groups->count);
	for (size_t i = 0; i < groups->count; i++)
		read_group(r, groups->items[i], &r->d->groups.items[i]);
	if (groups->count > MOST_GROUPS)
		problem_error(r->problems, groups->items[MOST_GROUPS]->key->place, "a workflow has at most %d groups", MOST_GROUPS);
}

void read_share(struct reader *r, const struct yaml *node, struct action *action) {
	const struct yaml *values = node->items[0];
	action->kind = ACTION_SHARE;
	action->group = reader_find(r, NAMED("group", r->d->groups), values->key);
	if (node->count > 1)
		problem_error(r->problems, node->items[1]->key->place, "one 'share' is about one group; give '%.*s' an action of its own", STR_ARG(node->items[1]->key->text));
	for (size_t i = 0; action->group && i < values->count; i++) {
		const struct yaml *value = values->items[i];
		const struct field *field = reader_find(r, NAMED("shared field", action->group->fields), value->key);
		struct assignment *assignment = ARENA_PUSH(r->arena, &action->data);
		assignment->name = value->key->text;
		assignment->field = field;
		bool broken = field && field->kind == FIELD_REF && !field->reg; /* which was told */
		if (!yaml_is_null(value) && field && !broken)
			assignment->value = reader_expression(r, value, &r->d->scope, &field->type);
	}
}

const struct group_rule *definition_group(const struct definition *d, struct str name) {
	return named_find(NAMED("group", d->groups), name);
}

const struct field *group_field(const struct group_rule *group, struct str name) {
	return named_find(NAMED("shared field", group->fields), name);
}

bool actions_share(const struct action_list *actions) {
	for (size_t i = 0; i < actions->count; i++)
		if (actions->items[i].kind == ACTION_SHARE)
			return true;
	return false;
}
