/* Conformance cases of the Common Expression Language in the part that we share. The file is not part of the project: where it is absent the test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/workflow/expression.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool agrees(const struct value *v, const json_t *wanted) {
	const json_t *number = json_is_object(wanted) ? json_object_get(wanted, "double") : NULL;
	if (number) {
		double d = strtod(json_string_value(number), NULL);
		return v->kind == KIND_DOUBLE && ((isnan(d) && isnan(v->decimal)) || (d == v->decimal && signbit(d) == signbit(v->decimal)));
	}
	switch (json_typeof(wanted)) {
	case JSON_TRUE:
	case JSON_FALSE: return v->kind == KIND_BOOL && v->boolean == json_is_true(wanted);
	case JSON_INTEGER: return v->kind == KIND_INT && v->integer == json_integer_value(wanted);
	case JSON_STRING: return v->kind == KIND_STRING && str_equal(v->string, (struct str){json_string_value(wanted), json_string_length(wanted)});
	case JSON_ARRAY:
		if (v->kind != KIND_LIST || v->list.count != json_array_size(wanted))
			return false;
		for (size_t i = 0; i < v->list.count; i++)
			if (!agrees(&v->list.items[i], json_array_get(wanted, i)))
				return false;
		return true;
	default: return false;
	}
}

/* A refusal when it is compiled counts as the error that CEL has at run time. */
static bool check_case(const json_t *test, struct zone *zone, struct calendar *calendar) {
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct scope scope = {0};
	struct value v = VALUE_UNSET;
	struct err err = {0};
	const json_t *expr = json_object_get(test, "expr");
	struct str text = {json_string_value(expr), json_string_length(expr)};
	const struct expression *e = expression_compile(a, text, (struct yaml_place){"cel", 1, 1}, &scope, NULL, &problems);
	struct environment env = {.zone = zone, .calendar = calendar};
	bool ok = e && expression_evaluate(e, &env, a, &v, &err);
	bool error_wanted = json_is_true(json_object_get(test, "error"));
	bool agreed = error_wanted ? !ok : ok && agrees(&v, json_object_get(test, "value"));
	if (!agreed) {
		struct str is = value_text(a, &v);
		printf("%s/%s: %.*s\n  is %.*s %s %.*s\n", json_string_value(json_object_get(test, "section")), json_string_value(json_object_get(test, "name")),
		       STR_ARG(text), STR_ARG(is), err.text, STR_ARG(problems.count ? problems.items[0].text : STR("")));
	}
	arena_free(a);
	return agreed;
}

static void test_conformance(void **state) {
	const char *path = getenv("STAFET_CEL_CASES");
	static char line[1 << 16];
	struct err err;
	int total = 0, agreed = 0;
	(void)state;
	FILE *f = fopen(path ? path : "../shared/data/cel-cases.jsonl", "r");
	if (!f) {
		printf("the conformance cases are not here; set STAFET_CEL_CASES to run them\n");
		return;
	}
	struct zone *zone = zone_open("UTC", &err);
	struct calendar *calendar = calendar_open(STR("none"), STR(""), &err);
	while (fgets(line, sizeof line, f)) {
		json_t *test = json_loads(line, JSON_ALLOW_NUL, NULL);
		assert_non_null(test);
		total++;
		agreed += check_case(test, zone, calendar);
		json_decref(test);
	}
	fclose(f);
	calendar_close(calendar);
	zone_close(zone);
	printf("%d of %d cases agree\n", agreed, total);
	assert_int_equal(agreed, total);
	assert_true(total > 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_conformance)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
