/* Expressions over a scope with every type: whatever is compiled has a type, evaluates to that type or to an error that says why, does so twice alike, within bounds
 * of time, and does not change what it was given. */
#include "engine/base/clock.h"
#include "tests/unit/expression_case.h"

#include <string.h>

enum { MOST_MS = 5000 };

static void check_problems(const struct problems *problems, bool compiled) {
	BUG_IF(compiled != (problems->errors == 0));
	for (size_t i = 0; i < problems->count; i++)
		BUG_IF(problems->items[i].text.len == 0 || problems->items[i].place.line < 1 || problems->items[i].place.column < 1);
}

/* As text, so that nan equals itself. */
static struct str outcome(const struct expression *e, const struct expression_case *c, struct arena *a) {
	struct value v;
	struct err err = {0};
	if (!expression_evaluate(e, &c->env, a, &v, &err)) {
		BUG_IF(v.kind != KIND_UNSET || err.kind == ERR_NONE || err.text[0] == '\0');
		return arena_printf(a, "error: %s", err.text);
	}
	BUG_IF(v.kind != expression_type(e)->kind);
	struct str text = value_text(a, &v);
	/* A value is equal to itself, but for what is not a number. */
	BUG_IF(!value_equal(&v, &v) && !memmem(text.at, text.len, "nan", 3));
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct expression_case c, again;
	case_init(&c);
	case_init(&again);
	struct arena *a = arena_new(), *b = arena_new();
	struct problems problems = {.arena = a};
	int64_t began = clock_monotonic();
	const struct expression *e = expression_compile(a, (struct str){(const char *)data, size}, (struct yaml_place){"fuzz", 1, 1}, &c.scope, NULL, &problems);
	check_problems(&problems, e != NULL);
	if (e) {
		struct err err = {0};
		struct str first = outcome(e, &c, a), second = outcome(e, &again, b);
		BUG_IF(!str_equal(first, second));
		bool held = expression_holds(e, &c.env, a, &err);
		BUG_IF(held != (expression_type(e)->kind == KIND_BOOL && str_is(first, "true")));
		for (size_t i = 0; i < CASE_SLOTS; i++)
			BUG_IF(!value_equal(&c.slots[i], &again.slots[i]));
		/* What it does not read may change without changing it. */
		for (size_t i = 0; i < CASE_SLOTS; i++)
			if (!expression_reads(e, i))
				again.slots[i] = VALUE_UNSET;
		BUG_IF(!str_equal(first, outcome(e, &again, b)));
	}
	BUG_IF(clock_monotonic() - began > MOST_MS);
	arena_free(a);
	arena_free(b);
	case_free(&c);
	case_free(&again);
	return 0;
}
