#include "engine/workflow/definition_reader.h"
#include "engine/workflow/register_cache.h"
#include "engine/workflow/upload.h"

#include <stdlib.h>
#include <string.h>

/* Of a group's fields in all its items: what one page of a form can send, with room for more on it. */
enum { MOST_INPUTS = 200 };
enum { MOST_ANSWERS = 1000, MOST_ROWS = 10000 }; /* of a list; of rows, which may be all of a register */

/* Names that expressions, messages or forms give a meaning of their own. */
static const char *const reserved[] = {"true", "false", "null", "in", "now", "today", "state", "reference", "started_at", "entered_at", "changed_at",
                                       "row", "item", "children", "actor", "reply_text", "reply_refused", "link", "link_expires", "role", "recipient", "site", NULL};

static const struct type type_text = {.kind = KIND_STRING}, type_int = {.kind = KIND_INT}, type_decimal = {.kind = KIND_DOUBLE},
                         type_bool = {.kind = KIND_BOOL}, type_date = {.kind = KIND_DATE}, type_datetime = {.kind = KIND_DATETIME},
                         type_instant = {.kind = KIND_INSTANT};

void reader_reserved(struct reader *r, const struct yaml *key, const char *what) {
	for (size_t i = 0; reserved[i]; i++)
		if (str_is(key->text, reserved[i]))
			problem_error(r->problems, key->place, "a %s cannot be named '%s': the name has a meaning of its own", what, reserved[i]);
}

/* registers */

static const enum field_kind column_kinds[] = {FIELD_TEXT, FIELD_INT, FIELD_DECIMAL, FIELD_BOOL, FIELD_DATE, FIELD_DATETIME, FIELD_EMAIL, FIELD_PHONE};

static enum field_kind column_kind(struct str word) {
	for (size_t i = 0; i < sizeof column_kinds / sizeof *column_kinds; i++)
		if (str_is(word, field_kind_name(column_kinds[i])))
			return column_kinds[i];
	return FIELD_TEXT;
}

static struct type column_type(enum field_kind kind) {
	switch (kind) {
	case FIELD_INT: return type_int;
	case FIELD_DECIMAL: return type_decimal;
	case FIELD_BOOL: return type_bool;
	case FIELD_DATE: return type_date;
	case FIELD_DATETIME: return type_datetime;
	default: return type_text;
	}
}

static size_t find_column(struct reader *r, const struct register_type *reg, const struct yaml *name) {
	const struct record_member *found = reader_find(r, (struct named){"column", reg->record.members, reg->record.count, sizeof *reg->record.members}, name);
	return found ? (size_t)(found - reg->record.members) : 0;
}

static size_t find_date(struct reader *r, const struct register_type *reg, const struct yaml *name) {
	if (!name)
		return SIZE_MAX;
	size_t column = find_column(r, reg, name);
	const struct record_member *found = &reg->record.members[column];
	if (str_equal(found->name, name->text) && found->type.kind != KIND_DATE)
		problem_error(r->problems, name->place, "column '%.*s' of register '%.*s' must be of type date to say when a row is valid", STR_ARG(name->text), STR_ARG(reg->name));
	return column;
}

static void check_sample(struct reader *r, const struct yaml *node, const struct register_type *reg) {
	const struct yaml *sample = yaml_get(node, "sample"), *from = yaml_get(node, "from");
	if (memchr(reg->sample.at, '/', reg->sample.len) || str_starts(reg->sample, STR(".")))
		problem_error(r->problems, sample->place, "the sample '%.*s' must be a file beside registers.yaml, without a folder", STR_ARG(reg->sample));
	if (sample && from)
		problem_error(r->problems, sample->key->place, "key 'sample' in register '%.*s': its rows belong to the workflow '%.*s'", STR_ARG(reg->name), STR_ARG(from->text));
	if (from && str_equal(from->text, r->d->name))
		problem_error(r->problems, from->place, "'from' of register '%.*s' names this workflow, whose own registers have no 'from'", STR_ARG(reg->name));
}

static void read_sealed_columns(struct reader *r, const struct yaml *node, struct register_type *reg) {
	struct yaml_nodes names = reader_names(r, yaml_get(node, "sensitive"));
	for (size_t i = 0; i < names.count; i++) {
		size_t column = find_column(r, reg, names.items[i]);
		struct record_member *member = &reg->record.members[column];
		if (!str_equal(member->name, names.items[i]->text))
			continue;
		if (column == reg->record.key || column == reg->label || reg->kinds[column] != FIELD_TEXT)
			problem_error(r->problems, names.items[i]->place, "column '%.*s' of register '%.*s' cannot be sensitive: it is its %s", STR_ARG(member->name), STR_ARG(reg->name),
			              column == reg->record.key ? "key" : column == reg->label ? "label" : "type, which must be text");
		member->type = (struct type){.kind = KIND_SEALED};
	}
}

static void read_register(struct reader *r, const struct yaml *node, struct register_type *reg) {
	const struct yaml *columns = yaml_get(node, "columns"), *key = yaml_get(node, "key"), *from = yaml_get(node, "from");
	struct record_member *members = ARENA_ARRAY(r->arena, columns->count, struct record_member);
	struct yaml_place *places = ARENA_ARRAY(r->arena, columns->count, struct yaml_place);
	enum field_kind *kinds = ARENA_ARRAY(r->arena, columns->count, enum field_kind);
	struct str owner = from ? from->text : r->d->name;
	for (size_t i = 0; i < columns->count; i++) {
		kinds[i] = column_kind(columns->items[i]->text);
		members[i] = (struct record_member){columns->items[i]->key->text, column_type(kinds[i]), false};
		places[i] = columns->items[i]->key->place;
	}
	*reg = (struct register_type){.name = node->key->text,
	                              .owner = owner,
	                              .full_name = arena_printf(r->arena, "%.*s.%.*s", STR_ARG(owner), STR_ARG(node->key->text)),
	                              .record = {.name = node->key->text, .members = members, .count = columns->count},
	                              .kinds = kinds,
	                              .sample = shape_text(yaml_get(node, "sample")),
	                              .place = from ? from->place : node->key->place,
	                              .column_places = places,
	                              .cache = register_cache_new(r->arena)};
	size_t before = r->problems->errors;
	reg->record.key = find_column(r, reg, key);
	reg->label = find_column(r, reg, yaml_get(node, "label"));
	reg->valid_from = find_date(r, reg, yaml_get(yaml_get(node, "valid"), "from"));
	reg->valid_until = find_date(r, reg, yaml_get(yaml_get(node, "valid"), "until"));
	if (r->problems->errors == before && kinds[reg->record.key] != FIELD_TEXT)
		problem_error(r->problems, key->place, "the key column '%.*s' of register '%.*s' must be of type text", STR_ARG(key->text), STR_ARG(reg->name));
	check_sample(r, node, reg);
	read_sealed_columns(r, node, reg);
}

void read_registers(struct reader *r, const struct yaml *registers) {
	if (!registers)
		return;
	READER_FIX(r, &r->d->registers, registers->count);
	for (size_t i = 0; i < registers->count; i++)
		read_register(r, registers->items[i], &r->d->registers.items[i]);
}

/* fields */

/* The register of the field, or of one of a group's fields, is unknown, which was told. */
static bool is_broken(const struct field *f) {
	bool broken = f->kind == FIELD_REF && !f->reg;
	for (size_t i = 0; i < f->fields.count; i++)
		broken = broken || is_broken(&f->fields.items[i]);
	return broken;
}

static const struct record_type *group_record(struct reader *r, const struct field *f, bool optional) {
	struct record_type *record = ARENA_NEW(r->arena, struct record_type);
	*record = (struct record_type){.name = f->name, .members = ARENA_ARRAY(r->arena, f->fields.count, struct record_member), .count = f->fields.count, .key = SIZE_MAX};
	for (size_t i = 0; i < f->fields.count; i++)
		record->members[i] = (struct record_member){f->fields.items[i].name, f->fields.items[i].type, optional && f->fields.items[i].optional};
	return record;
}

struct type reader_type(struct reader *r, const struct field *f) {
	struct type type = type_text;
	switch (f->kind) {
	case FIELD_INT:
		type = type_int;
		break;
	case FIELD_DECIMAL:
		type = type_decimal;
		break;
	case FIELD_BOOL:
		type = type_bool;
		break;
	case FIELD_DATE:
		type = type_date;
		break;
	case FIELD_DATETIME:
		type = type_datetime;
		break;
	case FIELD_REF:
		type = (struct type){.kind = KIND_RECORD, .record = f->reg ? &f->reg->record : NULL};
		break;
	case FIELD_MATRIX:
		type = (struct type){.kind = KIND_MAP, .item = &type_int};
		break;
	case FIELD_FILE:
		type = (struct type){.kind = KIND_RECORD, .record = &upload_record};
		break;
	case FIELD_GROUP:
		type = (struct type){.kind = KIND_RECORD, .record = group_record(r, f, true)};
		break;
	default:
		break;
	}
	if (f->sensitive)
		type = (struct type){.kind = KIND_SEALED};
	if (!f->many)
		return type;
	struct type *item = ARENA_NEW(r->arena, struct type);
	*item = type;
	return (struct type){.kind = KIND_LIST, .item = item};
}

static bool read_number(struct reader *r, const struct yaml *node, bool whole, double *out) {
	int64_t number = 0;
	char *end = NULL;
	if (!node)
		return false;
	if (str_to_int(node->text, &number)) {
		*out = (double)number;
		return true;
	}
	*out = strtod(arena_z(r->arena, node->text), &end);
	if (!whole && node->text.len > 0 && node->text.len < 40 && strspn(node->text.at, "-0123456789.") >= node->text.len && end && *end == '\0')
		return true;
	problem_error(r->problems, node->place, "'%.*s' of field: found '%.*s', expected a %snumber", STR_ARG(node->key->text), STR_ARG(node->text), whole ? "whole " : "");
	return false;
}

/* Bounds of values, or of the number of characters. Those of dates are expressions: read_field_expressions. */
static void read_bounds(struct reader *r, const struct yaml *node, struct field *f) {
	const struct yaml *min = yaml_get(node, "min"), *max = yaml_get(node, "max");
	bool characters = f->kind == FIELD_TEXT || f->kind == FIELD_LONGTEXT;
	double most = f->kind == FIELD_TEXT ? 1000 : 100000;
	if (f->kind == FIELD_DATE || f->kind == FIELD_FILE)
		return;
	f->has_min = read_number(r, min, f->kind != FIELD_DECIMAL, &f->min);
	f->has_max = read_number(r, max, f->kind != FIELD_DECIMAL, &f->max);
	if (characters && !max) {
		f->has_max = true;
		f->max = f->kind == FIELD_TEXT ? 200 : 4000;
	}
	if (characters && ((f->has_min && f->min < 0) || f->max < 1 || f->max > most))
		problem_error(r->problems, (max ? max : min)->place, "a %s has from 0 to %.0f characters", field_kind_name(f->kind), most);
	else if (f->has_min && f->has_max && f->min > f->max)
		problem_error(r->problems, (min ? min : max)->place, "'min' of field '%.*s' is more than its 'max' (%g)", STR_ARG(f->name), f->max);
}

static void read_digits(struct reader *r, const struct yaml *node, struct field *f) {
	const struct yaml *length = yaml_get(node, "length"), *weights = yaml_get(node, "weights"), *modulo = yaml_get(node, "modulo");
	f->digits = shape_whole(length, 0);
	f->prefix = shape_text(yaml_get(node, "prefix"));
	f->modulo = shape_whole(modulo, 0);
	if (f->digits < 1 || f->digits > 40)
		problem_error(r->problems, length->place, "'length' of field '%.*s': found %lld, expected from 1 to 40", STR_ARG(f->name), (long long)f->digits);
	if (!weights != !modulo)
		problem_error(r->problems, (weights ? weights : modulo)->place, "'weights' and 'modulo' of field '%.*s' need each other", STR_ARG(f->name));
	if (modulo && f->modulo < 2)
		problem_error(r->problems, modulo->place, "'modulo' of field '%.*s' must be 2 or more", STR_ARG(f->name));
	if (!weights)
		return;
	for (size_t i = 0; i < weights->count; i++)
		*(int64_t *)ARENA_PUSH(r->arena, &f->weights) = shape_whole(weights->items[i], 0);
	if ((int64_t)weights->count != f->digits)
		problem_error(r->problems, weights->place, "field '%.*s' has %lld digits, but %zu weights", STR_ARG(f->name), (long long)f->digits, weights->count);
}

static void read_file(struct reader *r, const struct yaml *node, struct field *f) {
	const struct yaml *max = yaml_get(node, "max"), *extensions = yaml_get(node, "extensions");
	int64_t most = UPLOAD_DEFAULT;
	if (max && !upload_parse_size(max->text, &most))
		problem_error(r->problems, max->place, "'max' of field '%.*s': found '%.*s', expected a size such as 500kB or 10MB, at most 25MB", STR_ARG(f->name), STR_ARG(max->text));
	f->has_max = true;
	f->max = (double)most;
	for (size_t i = 0; i < extensions->count; i++)
		*(struct str *)ARENA_PUSH(r->arena, &f->extensions) = extensions->items[i]->text;
}

static void read_ranges(struct reader *r, const struct yaml *node, struct field *f) {
	const struct yaml *many = yaml_get(node, "many"), *scale = yaml_get(node, "scale");
	if (many) {
		f->many = true;
		(void)shape_range(many->text, &f->many_min, &f->many_max);
		int64_t most = f->kind == FIELD_REF ? MOST_ROWS : MOST_ANSWERS;
		if (f->many_min < 1 || f->many_max > most)
			problem_error(r->problems, many->place, "'many' of field '%.*s' goes from 1 at least to %lld at most (a field that may be left out is optional in its form)", STR_ARG(f->name), (long long)most);
		else if (f->kind == FIELD_FILE && f->many_max > 20)
			problem_error(r->problems, many->place, "'many' of field '%.*s': at most 20 files", STR_ARG(f->name));
	}
	if (scale) {
		(void)shape_range(scale->text, &f->scale_min, &f->scale_max);
		if (f->scale_min < -1000 || f->scale_max > 1000 || f->scale_max - f->scale_min > 100)
			problem_error(r->problems, scale->place, "'scale' of field '%.*s' has at most 101 steps between -1000 and 1000", STR_ARG(f->name));
	}
}

static void read_field(struct reader *r, const struct yaml *node, struct field *f);

static void read_members(struct reader *r, const struct yaml *fields, struct field *f) {
	READER_FIX(r, &f->fields, fields->count);
	for (size_t i = 0; i < fields->count; i++) {
		struct field *member = &f->fields.items[i];
		member->slot = i;
		read_field(r, fields->items[i], member);
		member->words = arena_printf(r->arena, "%.*s.fields.%.*s", STR_ARG(f->name), STR_ARG(member->name));
		member->optional = shape_truth(yaml_get(fields->items[i], "optional"), false);
		if (str_is(member->name, "file"))
			problem_error(r->problems, member->place, "a field of a group cannot be named 'file': that is how scenarios give a file");
	}
	if (f->many_max * (int64_t)fields->count > MOST_INPUTS)
		problem_error(r->problems, f->place, "the group '%.*s' has up to %lld items with %zu fields each, which is more than the %d inputs that fit on a page", STR_ARG(f->name),
		              (long long)f->many_max, fields->count, MOST_INPUTS);
}

static void read_sensitive(struct reader *r, const struct yaml *node, struct field *f) {
	const struct yaml *mask = yaml_get(node, "mask"), *initial = yaml_get(node, "default");
	f->sensitive = shape_truth(yaml_get(node, "sensitive"), false);
	f->mask = shape_whole(mask, 0);
	r->d->sensitive = r->d->sensitive || f->sensitive;
	if (mask && !f->sensitive)
		problem_error(r->problems, mask->place, "'mask' of field '%.*s' needs 'sensitive: true' beside it", STR_ARG(f->name));
	else if (mask && (f->mask < 0 || f->mask > 20))
		problem_error(r->problems, mask->place, "'mask' of field '%.*s': found %lld, expected from 0 to 20", STR_ARG(f->name), (long long)f->mask);
	if (f->sensitive && f->many)
		problem_error(r->problems, f->place, "field '%.*s' cannot be both 'sensitive' and 'many'", STR_ARG(f->name));
	if (f->sensitive && initial)
		problem_error(r->problems, initial->place, "field '%.*s' is sensitive: its value cannot stand in a package as 'default'", STR_ARG(f->name));
}

static void read_field(struct reader *r, const struct yaml *node, struct field *f) {
	const struct yaml *options = yaml_get(node, "options");
	f->name = f->words = node->key->text;
	f->place = node->key->place;
	reader_reserved(r, node->key, "field");
	while (!str_is(yaml_get(node, "type")->text, shape_field_types[f->kind]))
		f->kind++;
	read_bounds(r, node, f);
	read_ranges(r, node, f);
	if (f->kind == FIELD_DIGITS)
		read_digits(r, node, f);
	if (f->kind == FIELD_FILE)
		read_file(r, node, f);
	for (size_t i = 0; options && i < options->count; i++)
		*(struct str *)ARENA_PUSH(r->arena, &f->options) = options->items[i]->text;
	f->accept = shape_truth(yaml_get(node, "accept"), false);
	f->reg = reader_find(r, NAMED("register", r->d->registers), yaml_get(node, "register"));
	if (f->kind == FIELD_GROUP)
		read_members(r, yaml_get(node, "fields"), f);
	read_sensitive(r, node, f);
	f->type = reader_type(r, f);
}

void read_fields(struct reader *r, const struct yaml *data) {
	READER_FIX(r, &r->d->fields, data->count);
	for (size_t i = 0; i < data->count; i++) {
		r->d->fields.items[i].slot = i;
		read_field(r, data->items[i], &r->d->fields.items[i]);
	}
}

/* names of expressions */

static void add_name(struct reader *r, struct scope *scope, const char *name, struct type type, size_t extra) {
	*(struct scope_name *)ARENA_PUSH(r->arena, scope) = (struct scope_name){.name = str_from(name), .type = type, .slot = r->d->fields.count + extra};
}

static struct type children_type(struct reader *r) {
	const struct record_member members[] = {{STR("workflow"), type_text, false}, {STR("state"), type_text, false}, {STR("ended"), type_bool, false}};
	struct record_type *record = ARENA_NEW(r->arena, struct record_type);
	*record = (struct record_type){.name = STR("child"), .members = ARENA_ARRAY(r->arena, 3, struct record_member), .count = 3, .key = SIZE_MAX};
	memcpy(record->members, members, sizeof members);
	r->d->child_record = record;
	struct type *item = ARENA_NEW(r->arena, struct type);
	*item = (struct type){.kind = KIND_RECORD, .record = record};
	return (struct type){.kind = KIND_LIST, .item = item};
}

static void read_let(struct reader *r, const struct yaml *node) {
	reader_reserved(r, node->key, "named expression");
	if (definition_field(r->d, node->key->text))
		problem_error(r->problems, node->key->place, "'%.*s' is both a field and a named expression", STR_ARG(node->key->text));
	if (definition_group(r->d, node->key->text))
		problem_error(r->problems, node->key->place, "'%.*s' is both a group and a named expression", STR_ARG(node->key->text));
	for (size_t i = 0; i < r->d->scope.count; i++)
		if (r->d->scope.items[i].row && str_equal(r->d->scope.items[i].name, node->key->text))
			problem_error(r->problems, node->key->place, "'%.*s' is both a rule and a named expression", STR_ARG(node->key->text));
	const struct expression *let = reader_expression(r, node, &r->d->scope, NULL);
	if (let && expression_type(let)->kind == KIND_SEALED)
		problem_error(r->problems, node->place, "'%.*s' would be a sensitive value under another name; ask has()", STR_ARG(node->key->text));
	else if (let)
		*(struct scope_name *)ARENA_PUSH(r->arena, &r->d->scope) = (struct scope_name){.name = node->key->text, .type = *expression_type(let), .slot = SIZE_MAX, .let = let};
}

/* A condition on a row of a register. */
static void read_rule(struct reader *r, const struct yaml *node) {
	const struct register_type *reg = reader_find(r, NAMED("register", r->d->registers), yaml_get(node, "row"));
	struct scope scope = r->d->scope;
	struct type *row = ARENA_NEW(r->arena, struct type);
	reader_reserved(r, node->key, "rule");
	if (definition_field(r->d, node->key->text))
		problem_error(r->problems, node->key->place, "'%.*s' is both a field and a rule", STR_ARG(node->key->text));
	if (definition_group(r->d, node->key->text))
		problem_error(r->problems, node->key->place, "'%.*s' is both a group and a rule", STR_ARG(node->key->text));
	if (expression_is_call(node->key->text))
		problem_error(r->problems, node->key->place, "a rule cannot be named '%.*s': there is a function of that name", STR_ARG(node->key->text));
	if (!reg)
		return;
	*row = (struct type){.kind = KIND_RECORD, .record = &reg->record};
	scope.row = row;
	const struct expression *is = reader_expression(r, yaml_get(node, "is"), &scope, &type_bool);
	if (is)
		*(struct scope_name *)ARENA_PUSH(r->arena, &r->d->scope) = (struct scope_name){.name = node->key->text, .type = type_bool, .slot = SIZE_MAX, .let = is, .row = row};
}

/* Whose record it is follows from the instance's own fields; what is in it, others say. */
static void add_groups(struct reader *r, struct scope *scope) {
	for (size_t i = 0; i < r->d->groups.count; i++) {
		const struct group_rule *group = &r->d->groups.items[i];
		if (group->record)
			*(struct scope_name *)ARENA_PUSH(r->arena, scope) = (struct scope_name){
			        .name = group->name, .type = {.kind = KIND_RECORD, .record = group->record}, .slot = definition_group_slot(r->d, i), .outside = true};
	}
}

static void add_registers(struct reader *r, struct scope *scope) {
	size_t count = r->d->registers.count;
	struct scope_register *registers = ARENA_ARRAY(r->arena, count, struct scope_register);
	struct type *rows = ARENA_ARRAY(r->arena, count, struct type);
	for (size_t i = 0; i < count; i++) {
		const struct register_type *reg = &r->d->registers.items[i];
		rows[i] = (struct type){.kind = KIND_RECORD, .record = &reg->record};
		registers[i] = (struct scope_register){reg->name, {.kind = KIND_LIST, .item = &rows[i]}, definition_slots(r->d) + i};
	}
	scope->registers = registers;
	scope->register_count = count;
}

void read_scope(struct reader *r, const struct yaml *rules, const struct yaml *lets) {
	struct scope *scope = &r->d->scope;
	scope->warns = true;
	scope->pools = r->d->pools.items;
	scope->pool_count = r->d->pools.count;
	for (size_t i = 0; i < r->d->fields.count; i++) {
		const struct field *f = &r->d->fields.items[i];
		if (is_broken(f))
			continue;
		*(struct scope_name *)ARENA_PUSH(r->arena, scope) = (struct scope_name){.name = f->name, .type = f->type, .slot = i};
	}
	add_name(r, scope, "now", type_instant, SLOT_NOW);
	add_name(r, scope, "today", type_date, SLOT_TODAY);
	add_name(r, scope, "state", type_text, SLOT_STATE);
	add_name(r, scope, "reference", type_text, SLOT_REFERENCE);
	add_name(r, scope, "started_at", type_instant, SLOT_STARTED_AT);
	add_name(r, scope, "entered_at", type_instant, SLOT_ENTERED_AT);
	add_name(r, scope, "children", children_type(r), SLOT_CHILDREN);
	add_name(r, scope, "actor", type_text, SLOT_ACTOR);
	add_name(r, scope, "reply_text", type_text, SLOT_REPLY);
	add_name(r, scope, "reply_refused", (struct type){.kind = KIND_LIST, .item = &type_text}, SLOT_REFUSED);
	add_groups(r, scope);
	add_registers(r, scope);
	for (size_t i = 0; rules && i < rules->count; i++)
		read_rule(r, rules->items[i]);
	for (size_t i = 0; lets && i < lets->count; i++)
		read_let(r, lets->items[i]);
}

struct scope reader_scope_with(struct reader *r, const char *name, struct type type, size_t slot) {
	struct scope scope = r->d->scope;
	scope.cap = scope.count + 1;
	scope.items = ARENA_ARRAY(r->arena, scope.cap, struct scope_name);
	memcpy(scope.items, r->d->scope.items, scope.count * sizeof *scope.items);
	add_name(r, &scope, name, type, slot);
	return scope;
}

/* The rule of a sensitive field is judged before it is sealed: it alone reads what was typed. */
static struct scope scope_as_typed(struct reader *r, const struct scope *from, const struct field *f) {
	struct scope scope = *from;
	scope.items = ARENA_ARRAY(r->arena, from->count, struct scope_name);
	memcpy(scope.items, from->items, from->count * sizeof *scope.items);
	for (size_t i = 0; i < scope.count; i++)
		if (str_equal(scope.items[i].name, f->name))
			scope.items[i].type = f->kind == FIELD_DATE ? type_date : type_text;
	return scope;
}

static void read_rules(struct reader *r, const struct yaml *node, const struct scope *scope, struct field *f) {
	const struct yaml *where = yaml_get(node, "where");
	if (f->kind == FIELD_DATE) {
		f->min_date = reader_expression(r, yaml_get(node, "min"), scope, &type_date);
		f->max_date = reader_expression(r, yaml_get(node, "max"), scope, &type_date);
	}
	if (where && f->reg) {
		struct scope rows = reader_scope_with(r, "row", (struct type){.kind = KIND_RECORD, .record = &f->reg->record}, SLOT_ROW);
		f->where = reader_expression(r, where, &rows, &type_bool);
	}
	if (f->sensitive) {
		struct scope open = scope_as_typed(r, scope, f);
		f->valid = reader_expression(r, yaml_get(node, "valid"), &open, &type_bool);
		return;
	}
	f->valid = reader_expression(r, yaml_get(node, "valid"), scope, &type_bool);
}

void read_field_expressions(struct reader *r, const struct yaml *data) {
	for (size_t i = 0; i < data->count; i++) {
		const struct yaml *node = data->items[i], *members = yaml_get(node, "fields");
		struct field *f = &r->d->fields.items[i];
		if (is_broken(f))
			continue;
		read_rules(r, node, &r->d->scope, f);
		const struct type *initial = f->kind == FIELD_REF && !f->many ? &type_text : &f->type;
		f->initial = reader_expression(r, yaml_get(node, "default"), &r->d->scope, initial);
		if (f->kind != FIELD_GROUP)
			continue;
		/* A rule that reads what is not given is no rule. */
		struct scope scope = reader_scope_with(r, "item", (struct type){.kind = KIND_RECORD, .record = group_record(r, f, false)}, SLOT_ITEM);
		for (size_t k = 0; k < members->count; k++)
			read_rules(r, members->items[k], &scope, &f->fields.items[k]);
	}
}
