/* Lines of the input are named expressions and at the end the one that is evaluated, over a field of each kind. Twice the same result, and one of the type that was promised. */
#include "engine/workflow/expression.h"
#include "engine/workflow/urn.h"

#include <string.h>

enum { LETS = 8, JSON = 1 << 16 };

static const struct type string_type = {.kind = KIND_STRING}, int_type = {.kind = KIND_INT};
static struct record_member row_members[] = {{{"id", 2}, {.kind = KIND_STRING}, true}, {{"name", 4}, {.kind = KIND_STRING}, true}, {{"n", 1}, {.kind = KIND_INT}, true}};
static struct record_type row_record = {{"rows", 4}, row_members, 3, 0}, plain_record = {{"plain", 5}, row_members, 3, SIZE_MAX};
static const struct type plain_type = {.kind = KIND_RECORD, .record = &plain_record};

static const struct scope_name fields[] = {
        {{"b", 1}, {.kind = KIND_BOOL}, 0, false, NULL, NULL, false},
        {{"i", 1}, {.kind = KIND_INT}, 1, false, NULL, NULL, false},
        {{"f", 1}, {.kind = KIND_DOUBLE}, 2, false, NULL, NULL, false},
        {{"s", 1}, {.kind = KIND_STRING}, 3, false, NULL, NULL, false},
        {{"day", 3}, {.kind = KIND_DATE}, 4, false, NULL, NULL, false},
        {{"at_", 3}, {.kind = KIND_DATETIME}, 5, false, NULL, NULL, false},
        {{"now", 3}, {.kind = KIND_INSTANT}, 6, false, NULL, NULL, false},
        {{"list", 4}, {.kind = KIND_LIST, .item = &string_type}, 7, false, NULL, NULL, false},
        {{"ref", 3}, {.kind = KIND_RECORD, .record = &row_record}, 8, false, NULL, NULL, false},
        {{"map", 3}, {.kind = KIND_MAP, .item = &int_type}, 9, false, NULL, NULL, false},
        {{"rows", 4}, {.kind = KIND_LIST, .item = &plain_type}, 10, false, NULL, NULL, false},
        {{"a", 1}, {.kind = KIND_INT}, 11, true, NULL, NULL, false},
        {{"unset", 5}, {.kind = KIND_RECORD, .record = &row_record}, 12, true, NULL, NULL, false},
        {{"wrong", 5}, {.kind = KIND_STRING}, 13, false, NULL, NULL, false}, /* its slot holds an int */
};
enum { FIELDS = sizeof fields / sizeof fields[0], REGISTER = 100 };

static const struct type row_type = {.kind = KIND_RECORD, .record = &row_record};
static const struct scope_register things = {{"things", 6}, {.kind = KIND_LIST, .item = &row_type}, REGISTER};

static bool read_things(void *context, size_t slot, struct arena *a, struct value *list, struct err *err) {
	struct value *row = ARENA_ARRAY(a, 3, struct value);
	(void)context;
	(void)err;
	BUG_IF(slot != REGISTER);
	row[0] = row[1] = value_string(STR("t"));
	*list = (struct value){.kind = KIND_LIST, .list = {ARENA_ARRAY(a, 2, struct value), NULL, 2}};
	for (size_t i = 0; i < 2; i++)
		((struct value *)list->list.items)[i] = (struct value){.kind = KIND_RECORD, .record = {&row_record, row, STR("1")}};
	return true;
}
static const struct row_source source = {read_things, NULL};

static void fill(struct value *slots) {
	static struct value items[2], row[3], numbers[3], rows[2];
	static const struct str keys[] = {{"x", 1}, {"y", 1}, {"z", 1}};
	items[0] = row[0] = value_string(STR("x"));
	items[1] = row[1] = value_string(STR("\xc3\xa6" "b"));
	numbers[0] = row[2] = value_int(3);
	numbers[1] = value_int(INT64_MIN);
	numbers[2] = VALUE_UNSET;
	rows[0] = rows[1] = (struct value){.kind = KIND_RECORD, .record = {&plain_record, row, STR("")}};
	slots[0] = value_bool(true);
	slots[1] = value_int(7);
	slots[2] = value_double(1.5);
	slots[3] = value_string(STR("text"));
	slots[4] = value_date(20541);
	slots[5] = value_datetime(INT64_C(20541) * CIVIL_DAY_MS);
	slots[6] = value_instant(INT64_C(20541) * CIVIL_DAY_MS);
	slots[7] = (struct value){.kind = KIND_LIST, .list = {items, NULL, 2}};
	slots[8] = (struct value){.kind = KIND_RECORD, .record = {&row_record, row, STR("v")}};
	slots[9] = (struct value){.kind = KIND_MAP, .list = {numbers, keys, 3}};
	slots[10] = (struct value){.kind = KIND_LIST, .list = {rows, NULL, 2}};
	slots[11] = slots[12] = VALUE_UNSET;
	slots[13] = value_int(4711);
}

/* Whether the value is what its type says, as far down as 1000 values show. */
static void check_type(const struct value *v, const struct type *type, int *left) {
	if (--*left < 0)
		return;
	BUG_IF(v->kind != type->kind);
	if (v->kind == KIND_STRING)
		BUG_IF(v->string.len > 0 && v->string.at == NULL);
	if (v->kind != KIND_LIST && v->kind != KIND_MAP)
		return;
	BUG_IF(!type->item && v->list.count > 0);
	for (size_t i = 0; i < v->list.count; i++)
		if (v->list.items[i].kind != KIND_UNSET) /* the map's */
			check_type(&v->list.items[i], type->item, left);
}

static void check_same(const struct value *x, const struct value *y) {
	struct buf a, b;
	buf_init(&a, JSON);
	buf_init(&b, JSON);
	value_to_json(x, &a);
	value_to_json(y, &b);
	BUG_IF(a.overflow != b.overflow || !str_equal(buf_text(&a), buf_text(&b)));
	buf_free(&a);
	buf_free(&b);
}

static bool find_seed(void *context, struct str name, struct urn_seed *out, bool *found, struct err *err) {
	(void)context;
	(void)err;
	*out = (struct urn_seed){.id = 1};
	*found = str_is(name, "draw");
	return true;
}

/* What is drawn counts on: each evaluation has an urn of its own. */
static bool evaluate(const struct expression *e, struct environment env, struct arena *a, struct value *out, struct err *err) {
	struct urn urn = {.port = {NULL, find_seed, NULL}, .a = a};
	env.urn = &urn;
	return expression_evaluate(e, &env, a, out, err);
}

/* Fields that it does not read may change without changing what it says. */
static void check_unread(struct arena *a, const struct expression *e, const struct environment *env, bool ok, const struct value *v) {
	struct value slots[FIELDS], other;
	struct environment less = {.slots = slots, .slot_count = FIELDS, .zone = env->zone, .calendar = env->calendar, .rows = expression_reads(e, REGISTER) ? env->rows : NULL};
	struct err err;
	for (size_t i = 0; i < FIELDS; i++)
		slots[i] = expression_reads(e, i) ? env->slots[i] : VALUE_UNSET;
	BUG_IF(evaluate(e, less, a, &other, &err) != ok);
	check_same(v, &other);
}

static void check_expression(struct arena *a, const struct expression *e, const struct environment *env) {
	struct value v, again;
	struct err err = {0}, err_again = {0};
	int left = 1000;
	struct urn urn = {.port = {NULL, find_seed, NULL}, .a = a};
	struct environment holding = *env;
	bool ok = evaluate(e, *env, a, &v, &err), ok_again = evaluate(e, *env, a, &again, &err_again);
	holding.urn = &urn;
	BUG_IF(ok != ok_again || ok != (err.kind == ERR_NONE) || strcmp(err.text, err_again.text) != 0);
	BUG_IF(!ok && (v.kind != KIND_UNSET || !err.text[0]));
	if (ok)
		check_type(&v, expression_type(e), &left);
	check_same(&v, &again);
	BUG_IF(expression_holds(e, &holding, a, &err) != (ok && v.kind == KIND_BOOL && v.boolean));
	check_unread(a, e, env, ok, &v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct zone *zone;
	static struct calendar *calendar;
	struct err err;
	struct value slots[FIELDS];
	struct scope_name names[FIELDS + LETS];
	struct scope scope = {.items = names, .count = FIELDS, .cap = FIELDS + LETS, .warns = true, .registers = &things, .register_count = 1};
	zone = zone ? zone : zone_open("Europe/Copenhagen", &err);
	calendar = calendar ? calendar : calendar_open(STR("dk"), STR(""), &err);
	BUG_IF(!zone || !calendar);
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct environment env = {.slots = slots, .slot_count = FIELDS, .zone = zone, .calendar = calendar, .rows = &source};
	struct str rest = {(const char *)data, size};
	memcpy(names, fields, sizeof fields);
	fill(slots);
	while (rest.len > 0) {
		size_t before = problems.errors;
		struct str text = scope.count < scope.cap ? str_cut(&rest, '\n') : rest;
		if (scope.count == scope.cap)
			rest.len = 0;
		const struct expression *e = expression_compile(a, text, (struct yaml_place){"fuzz", 1, 1}, &scope, NULL, &problems);
		BUG_IF((e == NULL) != (problems.errors > before));
		if (!e)
			continue;
		check_expression(a, e, &env);
		if (scope.count < scope.cap)
			names[scope.count++] = (struct scope_name){.name = arena_printf(a, "l%zu", scope.count - FIELDS), .type = *expression_type(e), .slot = SIZE_MAX, .let = e};
	}
	arena_free(a);
	return 0;
}
