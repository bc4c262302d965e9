/* Roles whose people are the rows of a register. */
#include "engine/workflow/definition_reader.h"

/* What it compares must change with the instance alone: it is computed in its transitions. */
static bool follows_fields(const struct definition *d, const struct expression *value) {
	bool fields = !expression_asks(value) && !definition_reads_rows(d, value);
	for (size_t slot = d->fields.count; slot < d->fields.count + SLOT_EXTRA_COUNT; slot++)
		fields = fields && !expression_reads(value, slot);
	return fields;
}

static bool is_kind(const struct type *type, enum kind column) {
	bool keyed = type->kind == KIND_RECORD && type->record->key != SIZE_MAX && type->record->members[type->record->key].type.kind == KIND_STRING;
	return type->kind == column || (keyed && column == KIND_STRING);
}

static size_t find_column(struct reader *r, const struct register_type *reg, const struct yaml *name) {
	const struct record_member *found = reader_find(r, (struct named){"column", reg->record.members, reg->record.count, sizeof *reg->record.members}, name);
	return found ? (size_t)(found - reg->record.members) : SIZE_MAX;
}

static void read_scope_of(struct reader *r, const struct yaml *node, struct grant_rule *rule) {
	for (size_t i = 0; node && i < node->count && i < GRANT_SCOPE; i++) {
		const struct yaml *one = node->items[i];
		struct grant_scope scope = {find_column(r, rule->reg, one->key), reader_expression(r, one, &r->d->scope, NULL)};
		if (scope.column == SIZE_MAX || !scope.value)
			continue;
		const struct type *type = expression_type(scope.value), column = rule->reg->record.members[scope.column].type;
		if (column.kind == KIND_DOUBLE || column.kind == KIND_SEALED)
			problem_error(r->problems, one->key->place, "'scope': column '%.*s' is %s; expected text, int, bool or date", STR_ARG(one->key->text), column.kind == KIND_DOUBLE ? "a decimal" : "sensitive");
		else if (!is_kind(type, column.kind))
			problem_error(r->problems, one->place, "'scope': column '%.*s' is %.*s, but this is %.*s", STR_ARG(one->key->text), STR_ARG(type_name(r->arena, &column)),
			              STR_ARG(type_name(r->arena, type)));
		else if (!follows_fields(r->d, scope.value))
			problem_error(r->problems, one->place, "'scope' is computed with each event of a case, so it reads fields alone");
		rule->scope[rule->scope_count++] = scope;
	}
	if (node && node->count > GRANT_SCOPE)
		problem_error(r->problems, node->items[GRANT_SCOPE]->key->place, "'scope' has at most %d columns", GRANT_SCOPE);
}

static void hash_rule(struct reader *r, struct grant_rule *rule) {
	struct str columns = rule->contact == SIZE_MAX ? STR("") : rule->reg->record.members[rule->contact].name;
	struct str person = rule->person == SIZE_MAX ? STR("") : rule->reg->record.members[rule->person].name;
	for (size_t i = 0; i < rule->scope_count; i++)
		columns = arena_printf(r->arena, "%.*s,%.*s", STR_ARG(columns), STR_ARG(rule->reg->record.members[rule->scope[i].column].name));
	const struct str parts[] = {rule->reg->full_name, columns, person, rule->where ? expression_source(rule->where) : STR("")};
	secret_hash(rule->hash, parts, sizeof parts / sizeof *parts);
}

/* Who is named by a register: `contact` and `name` are columns of it. */
const struct grant_rule *read_grants(struct reader *r, const struct yaml *node) {
	const struct yaml *contact = yaml_get(node, "contact"), *person = yaml_get(node, "name"), *where = yaml_get(node, "where");
	const struct register_type *reg = reader_find(r, NAMED("register", r->d->registers), yaml_get(node, "grants"));
	if (!reg)
		return NULL;
	struct grant_rule *rule = ARENA_NEW(r->arena, struct grant_rule);
	struct scope scope = {.warns = true};
	*rule = (struct grant_rule){.reg = reg, .contact = find_column(r, reg, contact), .person = person ? find_column(r, reg, person) : SIZE_MAX};
	if (rule->contact != SIZE_MAX && reg->kinds[rule->contact] != FIELD_EMAIL && reg->kinds[rule->contact] != FIELD_PHONE)
		problem_error(r->problems, contact->place, "'contact' of role '%.*s': the column '%.*s' is of type %s, expected email or phone", STR_ARG(node->key->text), STR_ARG(contact->text),
		              field_kind_name(reg->kinds[rule->contact]));
	if (rule->person != SIZE_MAX && reg->record.members[rule->person].type.kind != KIND_STRING)
		problem_error(r->problems, person->place, "'name' of role '%.*s': the column '%.*s' must be of type text", STR_ARG(node->key->text), STR_ARG(person->text));
	*(struct scope_name *)ARENA_PUSH(r->arena, &scope) =
	        (struct scope_name){.name = STR("row"), .type = {.kind = KIND_RECORD, .record = &reg->record}, .slot = r->d->fields.count + SLOT_ROW};
	static const struct type boolean = {.kind = KIND_BOOL};
	rule->where = reader_expression(r, where, &scope, &boolean);
	read_scope_of(r, yaml_get(node, "scope"), rule);
	hash_rule(r, rule);
	return rule;
}

bool role_texts(const struct role *role) {
	if (role->grants)
		return role->grants->contact != SIZE_MAX && role->grants->reg->kinds[role->grants->contact] == FIELD_PHONE;
	return role->contact && role->contact->kind == FIELD_PHONE;
}
