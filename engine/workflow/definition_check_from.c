/* `start.from`: a case of another workflow, whose fields are known only when all packages are there. */
#include "engine/workflow/definition_check.h"

/* What the page of a start could not see again as it was: children, acts of others; or what is asked of all rows. */
static void check_when(const struct start_from *from, const struct definition *other, struct problems *problems) {
	static const struct type boolean = {.kind = KIND_BOOL};
	static const size_t never[] = {SLOT_CHILDREN, SLOT_ACTOR, SLOT_REPLY, SLOT_REFUSED};
	const struct expression *when = from->when.len > 0 ? expression_compile(problems->arena, from->when, from->when_place, &other->scope, &boolean, problems) : NULL;
	bool reads = when && (expression_asks(when) || expression_seed(when).len > 0 || definition_reads_rows(other, when));
	for (size_t i = 0; when && i < sizeof never / sizeof *never; i++)
		reads = reads || expression_reads(when, other->fields.count + never[i]);
	if (reads)
		problem_error(problems, from->when_place, "'when' of a start reads fields and states of the case alone: no rows(), pools, groups, draws, children or actor");
}

static void check_taken(const struct start_from *from, const struct field *field, const struct definition *other, struct problems *problems) {
	const struct field *twin = definition_field(other, field->name);
	if (!twin)
		problem_error(problems, from->place, "'take': workflow '%.*s' has no field '%.*s'", STR_ARG(other->name), STR_ARG(field->name));
	else if (!field_alike(field, twin) || (field->kind == FIELD_REF && !str_equal(field->reg->full_name, twin->reg->full_name)))
		problem_error(problems, from->place, "'take': field '%.*s' is %s%s here, but another in workflow '%.*s'", STR_ARG(field->name), field_kind_name(field->kind), field->many ? " (many)" : "",
		              STR_ARG(other->name));
}

void definition_check_from(const struct start_from *from, const struct definition *other, struct problems *problems) {
	check_when(from, other, problems);
	for (size_t i = 0; i < from->take.count; i++)
		check_taken(from, from->take.items[i], other, problems);
}
