#include "engine/workflow/message_lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct yaml_place place = {"x.da.md", 3, 1};

static void expect(const struct problems *problems, const char *text, const char *why, bool warning, int line, int column) {
	if (!why) {
		if (problems->count > 0)
			fail_msg("'%s': %.*s", text, STR_ARG(problems->items[0].text));
		return;
	}
	if (problems->count != 1)
		fail_msg("'%s': %zu problems, not one: %s", text, problems->count, why);
	const struct problem *p = &problems->items[0];
	if (!memmem(p->text.at, p->text.len, why, strlen(why)) || p->warning != warning || p->place.line != line || p->place.column != column)
		fail_msg("'%s': %d:%d: %.*s, not %d:%d: %s", text, p->place.line, p->place.column, STR_ARG(p->text), line, column, why);
}

static void subjects(void **state) {
	(void)state;
	static const struct {
		const char *subject, *why; /* NULL: nothing */
	} table[] = {
	        {"Udfyld erklæring for {{apprentice_name}}", NULL},
	        {"Søg nu!", NULL},
	        {"AUH: dit opslag", NULL},
	        {"{{IN_CAPITALS_AS_A_NAME}} svarer", NULL},
	        {"HUSK AT SVARE", "capitals"},
	        {"ÆNDRING AF ØNSKE", "capitals"},
	        {"Svar nu!!", "exclamation"},
	        {"Hej! {{who}} Svar!", "exclamation"},
	        {"Er du der?", "question"},
	        {"Re: din sag", "begins like an answer"},
	        {"SV: din sag", "begins like an answer"},
	        {"Svar: din sag", NULL},
	        {"Se https://x.dk", "has an address"},
	        {"Nu skal du udfylde den erklæring, som din elev har brug for, inden han begynder på skolen", "characters without its values"},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct problems problems = {.arena = arena_new()};
		message_lint_subject(str_from(table[i].subject), place, &problems);
		expect(&problems, table[i].subject, table[i].why, true, 3, 1);
		arena_free(problems.arena);
	}
}

static const struct {
	const char *body, *why; /* NULL: nothing */
	bool mail, warning;
	int line, column;
} bodies[] = {
        {"Hej\n\n[Svar]({{link}})\n\n[Om os](https://skole.dk/om)\n", NULL, true, false, 0, 0},
        {"Skriv til [hjaelp@skole.dk](mailto:hjaelp@skole.dk)", NULL, true, false, 0, 0},
        {"[skole.dk](https://www.skole.dk/) [https://skole.dk/a](https://skole.dk/a)", NULL, true, false, 0, 0},
        {"Kl. 8.30 på skole.dk: [Tid 8.30]({{link}})", NULL, true, false, 0, 0},
        {"Hej\n\n[https://skole.dk]({{link}})", "leads to {{link}}", true, false, 5, 2},
        {"Hej [www.bank.dk](https://skole.dk/x)", "leads to 'https://skole.dk/x'", true, false, 3, 6},
        {"Hej [Log ind på bank.dk](https://skole.dk)", "the address 'bank.dk'", true, false, 3, 18},
        {"[**bank.dk**][a]\n\n[a]: https://skole.dk", "the address 'bank.dk'", true, false, 3, 4},
        {"{{#note}}[bank.dk](https://skole.dk){{/note}}", "the address 'bank.dk'", true, false, 3, 11},
        {"{{^note}}[bank.dk](https://skole.dk){{/note}}", "the address 'bank.dk'", true, false, 3, 11},
        {"[chef@bank.dk](mailto:tyv@skole.dk)", "the address 'chef@bank.dk'", true, false, 3, 2},
        {"Hej\n[Svar](https://bit.ly/x)", "'bit.ly' hides", true, true, 4, 8},
        {"[Svar](https://203.0.113.9:8080/x)", "'203.0.113.9' is a number", true, true, 3, 8},
        {"[Svar](https://[2001:db8::1]/x)", "is a number", true, true, 3, 8},
        {"[Svar](http://skole.dk/x)", "http://", true, true, 3, 8},
        {"Se http://skole.dk", "http://", false, true, 3, 4},
        {"Se https://tinyurl.com/3", "hides", false, true, 3, 4},
        {"Hej {{link}}", NULL, false, false, 0, 0},
        {"Se ![logo](https://skole.dk/l.png)", "no images", true, true, 3, 4},
        {"Se \\![her]({{link}})", NULL, true, false, 0, 0},
};

static void each_body(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct problems problems = {.arena = arena_new()};
		struct str body = str_from(bodies[i].body);
		const struct template *compiled = template_compile(problems.arena, body, place, &problems);
		assert_non_null(compiled);
		message_lint_body(body, compiled, bodies[i].mail, place, &problems);
		expect(&problems, bodies[i].body, bodies[i].why, bodies[i].warning, bodies[i].line, bodies[i].column);
		arena_free(problems.arena);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(subjects), cmocka_unit_test(each_body)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
