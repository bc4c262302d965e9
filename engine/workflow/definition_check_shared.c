/* Registers of another workflow: known only when all packages are there. */
#include "engine/workflow/definition_check.h"

static void check_column(const struct register_type *reg, size_t index, const struct register_type *own, struct problems *problems) {
	const struct record_member *column = &reg->record.members[index];
	struct str *names = ARENA_ARRAY(problems->arena, own->record.count, struct str);
	for (size_t i = 0; i < own->record.count; i++) {
		const struct record_member *twin = &own->record.members[i];
		names[i] = twin->name;
		if (!str_equal(twin->name, column->name))
			continue;
		bool same = reg->kinds[index] == own->kinds[i];
		struct str here = same ? type_name(problems->arena, &column->type) : str_from(field_kind_name(reg->kinds[index]));
		struct str there = same ? type_name(problems->arena, &twin->type) : str_from(field_kind_name(own->kinds[i]));
		if (!same || !type_equal(&twin->type, &column->type))
			problem_error(problems, reg->column_places[index], "column '%.*s' is %.*s here, but %.*s in register '%.*s'", STR_ARG(column->name), STR_ARG(here), STR_ARG(there), STR_ARG(reg->full_name));
		return;
	}
	struct str near = name_nearest(column->name, names, own->record.count);
	problem_error(problems, reg->column_places[index], "register '%.*s' has no column '%.*s'%s%.*s%s", STR_ARG(reg->full_name), STR_ARG(column->name), near.len ? "; did you mean '" : "",
	              STR_ARG(near), near.len ? "'?" : "");
}

static bool same_column(const struct register_type *a, size_t index, const struct register_type *b, size_t twin) {
	if (index == SIZE_MAX || twin == SIZE_MAX)
		return index == twin;
	return str_equal(a->record.members[index].name, b->record.members[twin].name);
}

void definition_check_shared(const struct register_type *reg, const struct definition *owner, struct problems *problems) {
	const struct register_type *own = owner ? definition_register(owner, reg->name) : NULL;
	if (!owner)
		problem_error(problems, reg->place, "no package in this site has the workflow '%.*s', which register '%.*s' belongs to", STR_ARG(reg->owner), STR_ARG(reg->name));
	else if (!own)
		problem_error(problems, reg->place, "workflow '%.*s' has no register '%.*s'", STR_ARG(reg->owner), STR_ARG(reg->name));
	else if (!str_equal(own->owner, owner->name))
		problem_error(problems, reg->place, "register '%.*s' of workflow '%.*s' belongs to '%.*s': say so here", STR_ARG(reg->name), STR_ARG(reg->owner), STR_ARG(own->owner));
	if (!own)
		return;
	struct str key = reg->record.members[reg->record.key].name, own_key = own->record.members[own->record.key].name;
	if (!str_equal(key, own_key))
		problem_error(problems, reg->column_places[reg->record.key], "the key of register '%.*s' is '%.*s', not '%.*s'", STR_ARG(reg->full_name), STR_ARG(own_key), STR_ARG(key));
	if (!same_column(reg, reg->valid_from, own, own->valid_from) || !same_column(reg, reg->valid_until, own, own->valid_until))
		problem_error(problems, reg->place, "'valid' of register '%.*s' does not say what workflow '%.*s' says of it", STR_ARG(reg->name), STR_ARG(reg->owner));
	for (size_t i = 0; i < reg->record.count; i++)
		check_column(reg, i, own, problems);
}
