/* Nothing well-typed crashes, hangs or differs between two runs: random expressions (well_typed.h) over fields with random values must compile, end within the step limit and a limit
 * of memory and time, and give the same value or the same error again, in a fresh arena, after their source or their printed tree is compiled anew, and with their
 * literals put into fields. Many items and long texts are among the fields, so that the limits are met. SEED and COUNT repeat a run; SECONDS goes on for so long. */
#include "tests/unit/well_typed.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LETS = 4, MOST_MEMORY = 48 << 20, MOST_SECONDS = 10, JSON = 64 << 20, MANY = 400, LONG = 30000, NEEDED = 1000 };

/* Of the sanitizer; without it memory is not counted. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static struct zone *zone;
static struct calendar *calendar;
static char running[160]; /* told when it hangs */

struct found {
	bool ok;
	struct err err;
	struct str json; /* in the arena of the generator */
};

static struct {
	size_t values, errors, limits, most_memory, nodes;
} seen;

/* ---- fields */

static const struct {
	const char *name;
	const struct type *type;
	bool optional;
} fields[] = {
        {"b", &well_scalars[0], false}, {"i", &well_scalars[1], false}, {"f", &well_scalars[2], false}, {"s", &well_scalars[3], false}, {"day", &well_scalars[4], false}, {"local", &well_scalars[5], false},
        {"now", &well_scalars[6], false}, {"span", &well_scalars[7], false}, {"ref", &well_ref_type, false}, {"thing", &well_item_type, false}, {"levels", &well_map_type, false},
        {"other", &well_scalars[4], false}, {"long", &well_scalars[3], false}, {"numbers", &(const struct type){.kind = KIND_LIST, .item = &well_scalars[1]}, false},
        {"tags", &(const struct type){.kind = KIND_LIST, .item = &well_scalars[3]}, false}, {"refs", &(const struct type){.kind = KIND_LIST, .item = &well_ref_type}, false},
        {"things", &(const struct type){.kind = KIND_LIST, .item = &well_item_type}, false},
        {"maybe_b", &well_scalars[0], true}, {"maybe_i", &well_scalars[1], true}, {"maybe_s", &well_scalars[3], true}, {"maybe_day", &well_scalars[4], true}, {"maybe_ref", &well_ref_type, true},
        {"maybe_tags", &(const struct type){.kind = KIND_LIST, .item = &well_scalars[3]}, true},
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static struct value some(struct well_typed *g, const struct type *type);

static struct value some_list(struct well_typed *g, const struct type *type, bool keys) {
	static const char *const names[] = {"x", "y", "Åse", "12:00", "a"};
	size_t count = keys ? well_below(g, 6) : well_one_in(g, 6) ? MANY : well_below(g, 5);
	struct value *items = ARENA_ARRAY(g->a, count, struct value);
	struct str *named = ARENA_ARRAY(g->a, count, struct str);
	for (size_t i = 0; i < count; i++) {
		items[i] = keys && well_one_in(g, 4) ? VALUE_UNSET : some(g, type->item);
		named[i] = str_from(names[i % 5]);
	}
	return (struct value){.kind = type->kind, .list = {items, keys ? named : NULL, keys && count == 6 ? 5 : count}};
}

static struct value some_record(struct well_typed *g, const struct record_type *type) {
	struct value *members = ARENA_ARRAY(g->a, type->count, struct value);
	for (size_t i = 0; i < type->count; i++)
		members[i] = type->members[i].optional && well_one_in(g, 3) ? VALUE_UNSET : some(g, &type->members[i].type);
	return (struct value){.kind = KIND_RECORD, .record = {type, members, type->key == 0 ? STR("v1") : STR("")}};
}

static struct value some(struct well_typed *g, const struct type *type) {
	int64_t day = well_one_in(g, 3) ? CIVIL_FIRST_DAY + (int64_t)well_below(g, (size_t)(CIVIL_LAST_DAY - CIVIL_FIRST_DAY) + 1) : 20500 + (int64_t)well_below(g, 900);
	int64_t ms = day * CIVIL_DAY_MS + (int64_t)well_below(g, 96) * 900000;
	struct value v = {.kind = KIND_DURATION};
	switch (type->kind) {
	case KIND_BOOL: return value_bool(well_one_in(g, 2));
	case KIND_INT: return value_int(well_number(g));
	case KIND_DOUBLE: return value_double(well_decimal(g) * (well_one_in(g, 2) ? -1 : 1));
	case KIND_STRING: return value_string(well_words(g));
	case KIND_DATE: return value_date(day);
	case KIND_DATETIME: return value_datetime(ms);
	case KIND_INSTANT: return value_instant(ms);
	case KIND_RECORD: return some_record(g, type->record);
	case KIND_LIST:
	case KIND_MAP: return some_list(g, type, type->kind == KIND_MAP);
	default: break;
	}
	BUG_IF(!span_parse(well_span(g), &v.span));
	return v;
}

static void set_fields(struct well_typed *g, struct value *slots) {
	for (size_t i = 0; i < FIELDS; i++) {
		g->names[i] = (struct scope_name){.name = str_from(fields[i].name), .type = *fields[i].type, .slot = i, .optional = fields[i].optional};
		slots[i] = fields[i].optional && well_one_in(g, 2) ? VALUE_UNSET : some(g, fields[i].type);
	}
	g->count = FIELDS;
	char *text = arena_array(g->a, LONG, 1);
	memset(text, 'o', LONG);
	slots[12] = value_string((struct str){text, well_one_in(g, 3) ? LONG : 5});
}

/* ---- running */

static void has_hung(int signal) {
	(void)signal;
	(void)!write(STDERR_FILENO, running, strlen(running));
	_exit(1);
}

/* Of processor time, so that a busy machine is no find; 0: no longer. */
static void hurry(int seconds) {
	struct itimerval timer = {.it_value = {.tv_sec = seconds}};
	setitimer(ITIMER_PROF, &timer, NULL);
}

static void check_kind(const struct value *v, const struct type *type, int *left) {
	if (--*left < 0)
		return;
	BUG_IF(v->kind != type->kind);
	BUG_IF((v->kind == KIND_LIST || v->kind == KIND_MAP) && !type->item && v->list.count > 0);
	for (size_t i = 0; (v->kind == KIND_LIST || v->kind == KIND_MAP) && i < v->list.count; i++)
		if (v->list.items[i].kind != KIND_UNSET)
			check_kind(&v->list.items[i], type->item, left);
}

static size_t allocated(void) {
	return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : 0;
}

/* In this arena; what it gave stays in the generator's. */
static struct found evaluate(struct well_typed *g, const struct expression *e, const struct environment *env, struct arena *a) {
	struct found found = {0};
	struct value v;
	struct buf json;
	int left = 1000;
	size_t before = allocated();
	hurry(MOST_SECONDS);
	found.ok = expression_evaluate(e, env, a, &v, &found.err);
	hurry(0);
	size_t taken = allocated() - before;
	seen.most_memory = taken > seen.most_memory ? taken : seen.most_memory;
	if (found.ok)
		check_kind(&v, expression_type(e), &left);
	buf_init(&json, JSON);
	value_to_json(&v, &json);
	BUG_IF(json.overflow);
	found.json = arena_str(g->a, buf_text(&json));
	buf_free(&json);
	return found;
}

/* An error without the place where it is, which is another when the text is. */
static struct str what_is_wrong(const struct found *found) {
	const char *end = strstr(found->err.text, ", at character");
	return end ? (struct str){found->err.text, (size_t)(end - found->err.text)} : str_from(found->err.text);
}

static void assert_same(const struct found *x, const struct found *y, const char *how, struct str text, struct str other) {
	if (x->ok != y->ok || !str_equal(x->json, y->json) || !str_equal(what_is_wrong(x), what_is_wrong(y)))
		fail_msg("%s%s differs:\n%.*s\n%.300s %s\n%.*s\n%.300s %s", running, how, STR_ARG(text), x->json.at, x->err.text, STR_ARG(other), y->json.at, y->err.text);
}

static const struct expression *compile(struct well_typed *g, struct str text, const struct scope *scope, const struct type *want) {
	struct problems problems = {.arena = g->a};
	const struct expression *e = expression_compile(g->a, text, (struct yaml_place){"random", 1, 1}, scope, want, &problems);
	if (!e)
		fail_msg("%sdoes not compile: %.*s\n%.*s", running, STR_ARG(problems.items[problems.count - 1].text), STR_ARG(text));
	return e;
}

static struct found evaluate_anew(struct well_typed *g, const struct expression *e, const struct environment *env) {
	struct arena *a = arena_new();
	struct found found = evaluate(g, e, env, a);
	arena_free(a);
	return found;
}

static struct str printed(struct well_typed *g, const struct expression *e) {
	struct buf out;
	buf_init(&out, 1 << 16);
	well_print(e->root, &out);
	struct str text = arena_str(g->a, buf_text(&out));
	buf_free(&out);
	return text;
}

/* The texts with names of fields instead of literals: those of the lets, too. */
static const struct expression *compile_named(struct well_typed *g, const struct str *marked, const struct type *const *types, size_t count, struct value *slots) {
	struct scope scope = {.items = ARENA_ARRAY(g->a, FIELDS + LETS + WELL_LEAVES, struct scope_name), .count = FIELDS, .cap = FIELDS + LETS + WELL_LEAVES, .warns = true};
	const struct expression *e = NULL;
	memcpy(scope.items, g->names, FIELDS * sizeof *scope.items);
	for (size_t i = 0; i < g->leaf_count; i++) {
		scope.items[scope.count++] = (struct scope_name){.name = arena_printf(g->a, "c%zu", i), .type = {.kind = g->leaves[i].value.kind}, .slot = FIELDS + i};
		slots[FIELDS + i] = g->leaves[i].value;
	}
	for (size_t i = 0; i < count; i++) {
		e = compile(g, well_text(g, marked[i], true), &scope, types[i]);
		scope.items[scope.count++] = (struct scope_name){.name = arena_printf(g->a, "let%zu", i), .type = *types[i], .slot = SIZE_MAX, .let = e};
	}
	return e;
}

static void judge(struct well_typed *g, const struct expression *e, const struct expression *named, const struct scope *scope, const struct environment *env) {
	struct str text = expression_source(e), again = printed(g, e);
	struct arena *a = arena_new();
	struct found first = evaluate(g, e, env, a), second = evaluate(g, e, env, a);
	arena_free(a);
	BUG_IF(first.ok != (first.err.kind == ERR_NONE) || (!first.ok && !first.err.text[0]));
	assert_same(&first, &second, "a second run", text, text);
	second = evaluate_anew(g, e, env);
	assert_same(&first, &second, "a fresh arena", text, text);
	assert_string_equal(first.err.text, second.err.text);
	second = evaluate_anew(g, compile(g, text, scope, expression_type(e)), env);
	assert_same(&first, &second, "its source compiled again", text, text);
	second = evaluate_anew(g, compile(g, again, scope, expression_type(e)), env);
	assert_same(&first, &second, "its tree printed and compiled", text, again);
	second = evaluate_anew(g, named, env);
	assert_same(&first, &second, "fields in place of its literals", text, expression_source(named));
	seen.values += first.ok;
	seen.errors += !first.ok;
	seen.limits += strstr(first.err.text, "steps") || strstr(first.err.text, "becomes too long");
}

/* Lets that make much of little. */
static struct str grown(struct well_typed *g, const struct type *type, size_t i) {
	if (i == 0)
		return type->kind == KIND_STRING ? STR("long + s") : STR("numbers + levels.map(k, levels[k])");
	return arena_printf(g->a, "let%zu + let%zu + let%zu + let%zu", i - 1, i - 1, i - 1, i - 1);
}

/* Much is gone through, with bound names in any expression. */
static struct str gone_through(struct well_typed *g, const struct type *type, size_t let) {
	bool texts = type->kind == KIND_STRING;
	const struct type *item = texts ? type : type->item;
	buf_clear(&g->out);
	buf_printf(&g->out, texts ? "[let%zu, let%zu + 'x'].exists(x, " : "let%zu.exists(x, let%zu.all(y, ", let, let);
	g->locals[0] = (struct checker_locals){STR("x"), *item};
	g->locals[1] = (struct checker_locals){STR("y"), *item};
	g->local_count = texts ? 1 : 2;
	well_make(g, well_bool, 4, true);
	g->local_count = 0;
	buf_z(&g->out, texts ? ")" : "))");
	return arena_str(g->a, buf_text(&g->out));
}

/* Some lets that name each other, and an expression. */
static void one(struct well_typed *g, uint64_t seed) {
	struct value slots[FIELDS + WELL_LEAVES] = {0};
	struct str marked[LETS + 1];
	const struct type *types[LETS + 1];
	size_t count = 1 + (size_t)(seed % (LETS + 1));
	struct environment env = {.slots = slots, .slot_count = FIELDS + WELL_LEAVES, .zone = zone, .calendar = calendar};
	const struct expression *e = NULL;
	const struct type *heavy = seed % 8 == 0 ? &(const struct type){.kind = KIND_LIST, .item = well_int} : seed % 8 == 1 ? well_string : NULL;
	g->random = seed * 1000003;
	g->leaf_count = g->local_count = 0;
	snprintf(running, sizeof running, "SEED=%" PRIu64 " COUNT=1: ", seed);
	set_fields(g, slots);
	struct scope scope = {.items = g->names, .count = g->count, .cap = WELL_NAMES, .warns = true}, before = scope;
	for (size_t i = 0; i < count; i++) {
		g->nodes = 60;
		bool last = i + 1 == count;
		types[i] = !heavy ? well_type(g, 2) : last && i > 0 ? well_bool : heavy;
		marked[i] = !heavy ? well_expression(g, types[i], 3 + (int)well_below(g, 5)) : last && i > 0 ? gone_through(g, heavy, i - 1) : grown(g, heavy, i);
		scope.count = g->count;
		before = scope;
		e = compile(g, well_text(g, marked[i], false), &scope, types[i]);
		seen.nodes += e->root->weight;
		g->names[g->count++] = (struct scope_name){.name = arena_printf(g->a, "let%zu", i), .type = *types[i], .slot = SIZE_MAX, .let = e};
	}
	judge(g, e, compile_named(g, marked, types, count, slots), &before, &env);
	arena_reset(g->a);
}

static uint64_t told(const char *name, uint64_t otherwise) {
	return getenv(name) ? strtoull(getenv(name), NULL, 10) : otherwise;
}

static void tell_unused(const struct well_typed *g) {
	for (size_t i = 0; i < expression_function_count; i++)
		if (g->rows[i] == 0)
			fail_msg("never made: %s of %s", expression_functions[i].name, expression_functions[i].args);
}

static void test_random_expressions(void **state) {
	static struct well_typed g;
	struct err err;
	(void)state;
	g = (struct well_typed){.a = arena_new()};
	uint64_t seed = told("SEED", (uint64_t)time(NULL) * 1000), count = told("COUNT", 1500), done = 0;
	time_t end = time(NULL) + (time_t)told("SECONDS", 0);
	printf("SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	signal(SIGPROF, has_hung);
	zone = zone_open("Europe/Copenhagen", &err);
	calendar = calendar_open(STR("dk"), STR(""), &err);
	assert_true(zone && calendar);
	buf_init(&g.out, 1 << 16);
	while (done < count || time(NULL) < end)
		one(&g, seed + done++);
	printf("%" PRIu64 " expressions of %zu parts: %zu values, %zu errors (%zu of limits), at most %zu bytes\n", done, seen.nodes, seen.values, seen.errors, seen.limits, seen.most_memory);
	assert_true(seen.most_memory <= MOST_MEMORY);
	if (done >= NEEDED) {
		tell_unused(&g);
		assert_true(seen.values > done / 3 && seen.errors > done / 50 && seen.limits > 0);
	}
	buf_free(&g.out);
	arena_free(g.a);
	calendar_close(calendar);
	zone_close(zone);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_expressions)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
