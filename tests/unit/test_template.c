#include "engine/workflow/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define URL "https://svar.example/l/abc_-D"

static struct arena *arena;
static struct problems problems;

static int set_up(void **state) {
	(void)state;
	arena = arena_new();
	problems = (struct problems){.arena = arena};
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static struct template_value text(const char *z) {
	return (struct template_value){.kind = TV_TEXT, .text = str_from(z)};
}

static struct template_value lookup(void *context, struct str name, struct arena *a) {
	static const struct template_value items[] = {{.kind = TV_TEXT, .text = {"æble", 5}}, {.kind = TV_TEXT, .text = {"*b*", 3}}};
	static const struct template_value label = {.kind = TV_TEXT, .text = {"Save", 4}}, level = {.kind = TV_TEXT, .text = {"2", 1}};
	static const struct template_member members[] = {{{"label", 5}, &label}, {{"value", 5}, &level}};
	static const struct template_value rows[] = {{.kind = TV_TEXT, .members = members, .member_count = 2}};
	(void)context;
	(void)a;
	if (str_is(name, "name"))
		return text("Ida & Bo");
	if (str_is(name, "hostile"))
		return text("](javascript:x) <b> {{name}} `c`");
	if (str_is(name, "lines"))
		return text("# en\r\n2. to\n\n- tre");
	if (str_is(name, "quoted"))
		return text("\xE2\x80\x9Chej\xE2\x80\x9D");
	if (str_is(name, "control"))
		return text("a\x01" "b");
	if (str_is(name, "link"))
		return (struct template_value){.kind = TV_URL, .text = STR(URL)};
	if (str_is(name, "badlink"))
		return (struct template_value){.kind = TV_URL, .text = STR("https://x/ y")};
	if (str_is(name, "yes"))
		return (struct template_value){.kind = TV_TRUE, .text = STR("Ja")};
	if (str_is(name, "no"))
		return (struct template_value){.kind = TV_FALSE, .text = STR("Nej")};
	if (str_is(name, "list"))
		return (struct template_value){.kind = TV_LIST, .count = 2, .items = items};
	if (str_is(name, "levels"))
		return (struct template_value){.kind = TV_LIST, .count = 1, .items = rows, .text = STR("Save: 2")};
	if (str_is(name, "unit.name"))
		return text("Værksted");
	return (struct template_value){0};
}

static const struct template *compile(const char *source) {
	return template_compile(arena, str_from(source), (struct yaml_place){"m.md", 3, 1}, &problems);
}

static bool render(const char *source, enum template_target target, struct str *out, struct err *err) {
	const struct template *t = compile(source);
	struct template_source values = {NULL, lookup};
	struct buf b;
	assert_non_null(t);
	buf_init(&b, 10000);
	bool ok = template_render(t, target, &values, arena, &b, err);
	*out = arena_str(arena, buf_text(&b));
	buf_free(&b);
	return ok;
}

static void renders(void **state) {
	static const struct {
		enum template_target target;
		const char *source, *expected;
	} table[] = {
	        {TEMPLATE_PLAIN, "", ""},
	        {TEMPLATE_MARKDOWN, "{{lines}}\n| {{lines}} | {{lines}} |\nx | {{lines}}",
	         "\\# en\\\n2\\. to\\\n\\\n\\- tre\n| \\# en&#10;2\\. to&#10;&#10;\\- tre | \\# en&#10;2\\. to&#10;&#10;\\- tre |\nx | \\# en\\\n2\\. to\\\n\\\n\\- tre"},
	        {TEMPLATE_PLAIN, "Hej {{name}}!", "Hej Ida & Bo!"},
	        {TEMPLATE_PLAIN, "{{ name }}{{! nothing }}{{unset}}.", "Ida & Bo."},
	        {TEMPLATE_PLAIN, "{ {x} } }}", "{ {x} } }}"},
	        {TEMPLATE_PLAIN, "{{unit.name}}", "Værksted"},
	        {TEMPLATE_PLAIN, "{{#yes}}a{{/yes}}{{^yes}}b{{/yes}}{{#no}}c{{/no}}{{^no}}d{{/no}}{{^unset}}e{{/unset}}", "ade"},
	        {TEMPLATE_PLAIN, "{{yes}} {{no}} {{list}} {{levels}}", "Ja Nej æble, *b* Save: 2"},
	        {TEMPLATE_PLAIN, "{{#list}}<{{.}}>{{/list}}", "<æble><*b*>"},
	        {TEMPLATE_PLAIN, "{{#levels}}{{label}}={{value}} {{name}}{{/levels}}", "Save=2 Ida & Bo"},
	        {TEMPLATE_PLAIN, "{{#levels}}{{#name}}{{label}} {{.}}{{/name}}{{/levels}}", "Save Ida & Bo"},
	        {TEMPLATE_PLAIN, "a\n{{#list}}\n- {{.}}\n{{/list}}\nb", "a\n- æble\n- *b*\nb"},
	        {TEMPLATE_PLAIN, "a\n  {{! x }}  \nb\n {{#no}}x{{/no}}\n{{/*", NULL},
	        {TEMPLATE_PLAIN, "{{#name}}x{{/name}}\n{{#no}}\nskjult\n{{/no}}", "x\n"},
	        {TEMPLATE_MARKDOWN, "Hej **{{name}}**", "Hej **Ida \\& Bo**"},
	        {TEMPLATE_MARKDOWN, "{{hostile}}", "\\]\\(javascript\\:x\\) \\<b\\> \\{\\{name\\}\\} \\`c\\`"},
	        {TEMPLATE_MARKDOWN, "{{lines}}.", "\\# en\\\n2\\. to\\\n\\\n\\- tre."},
	        {TEMPLATE_MARKDOWN, "[Åbn {{name}}]({{link}})", "[Åbn Ida \\& Bo](https\\:\\/\\/svar\\.example\\/l\\/abc\\_\\-D)"},
	        {TEMPLATE_MARKDOWN, "[a]({{#no}}{{link}}{{/no}}{{^no}}{{link}}{{/no}}) [b](<{{link}}>)", "[a](https\\:\\/\\/svar\\.example\\/l\\/abc\\_\\-D) [b](<https\\:\\/\\/svar\\.example\\/l\\/abc\\_\\-D>)"},
	        {TEMPLATE_MARKDOWN, "[x](/a(b)c) ({{name}}) [n]: tekst {{name}}", "[x](/a(b)c) (Ida \\& Bo) [n]: tekst Ida \\& Bo"},
	        {TEMPLATE_MARKDOWN, "[{{name}}] ({{name}})", "[Ida \\& Bo] (Ida \\& Bo)"},
	        {TEMPLATE_MARKDOWN, "a <b {{name}} < c: {{name}} <d> {{name}} <https://e> {{name}}", "a <b Ida \\& Bo < c: Ida \\& Bo <d> Ida \\& Bo <https://e> Ida \\& Bo"},
	        {TEMPLATE_MARKDOWN, "[x](<a(b>) {{name}} <https:[x]({{link}})", "[x](<a(b>) Ida \\& Bo <https:[x](https\\:\\/\\/svar\\.example\\/l\\/abc\\_\\-D)"},
	        {TEMPLATE_MARKDOWN, "C:\\\\{{name}}", "C:\\\\Ida \\& Bo"},
	        {TEMPLATE_HEADER, "Svar fra {{name}}: {{lines}}", "Svar fra Ida & Bo: # en  2. to  - tre"},
	        {TEMPLATE_SMS, "Hej {{quoted}}: {{link}}\nHilsen", "Hej \"hej\": " URL "\nHilsen"},
	        {TEMPLATE_SMS, "{{link}}{{unset}} x", URL " x"},
	        {TEMPLATE_PLAIN, "({{link}})", "(" URL ")"},
	};
	struct err err = {0};
	struct str out;
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (!table[i].expected) {
			assert_null(compile(table[i].source));
			continue;
		}
		assert_true(render(table[i].source, table[i].target, &out, &err));
		assert_string_equal(out.at, table[i].expected);
	}
}

static void refuses_at_rendering(void **state) {
	static const struct {
		enum template_target target;
		const char *source, *why;
	} table[] = {
	        {TEMPLATE_MARKDOWN, "Se {{link}}", "m.md:3:4: {{link}} is a URL: it may only stand as the target of a link"},
	        {TEMPLATE_MARKDOWN, "[{{link}}]({{link}})", "3:2: {{link}} is a URL"},
	        {TEMPLATE_MARKDOWN, "[x](http://e/{{link}})", "is a URL"},
	        {TEMPLATE_MARKDOWN, "[x](\\{{link}})", "is a URL"},
	        {TEMPLATE_MARKDOWN, "[x]({{link}}{{link}})", "is a URL"},
	        {TEMPLATE_MARKDOWN, "[x]({{badlink}})", "is no URL"},
	        {TEMPLATE_MARKDOWN, "[x]({{name}})", "{{name}} is no URL"},
	        {TEMPLATE_MARKDOWN, "\n\n[x]( {{name}})", "m.md:5:6: {{name}} is no URL"},
	        {TEMPLATE_MARKDOWN, "[x](https://e/?a={{name}})", "is no URL"},
	        {TEMPLATE_MARKDOWN, "[x](/a(b)/{{name}})", "is no URL"},
	        {TEMPLATE_MARKDOWN, "[x]{{unset}}({{name}})", "is no URL"},
	        {TEMPLATE_MARKDOWN, "[x](https://e/{{#no}}){{/no}}{{name}})", "is no URL"},
	        {TEMPLATE_MARKDOWN, "[x]: {{name}}", "is no URL"},
	        {TEMPLATE_MARKDOWN, "[x]:\n {{name}}\n\n[x]", "is no URL"},
	        {TEMPLATE_MARKDOWN, "[x](s<https://e)/{{name}}>)", "is no URL"},
	        {TEMPLATE_MARKDOWN, "[x](<https://e)/{{name}}>)", "is no URL"},
	        {TEMPLATE_MARKDOWN, "[x](<{{link}})/{{name}}>)", "is no URL"},
	        {TEMPLATE_MARKDOWN, "[x]: <https://e {{name}}>\n\n[x]", "is no URL"},
	        {TEMPLATE_MARKDOWN, "<https://{{name}}>", "is no URL"},
	        {TEMPLATE_MARKDOWN, "<https:[x](https://e/{{name}})", "is no URL"},
	        {TEMPLATE_MARKDOWN, "<https:[x](<https://e/>{{name}})", "is no URL"},
	        {TEMPLATE_MARKDOWN, "<{{link}}>", "is a URL"},
	        {TEMPLATE_MARKDOWN, "\\{{hostile}}", "stands behind a backslash"},
	        {TEMPLATE_HEADER, "{{link}}", "may not stand in a header"},
	        {TEMPLATE_HEADER, "{{control}}", "U+0001"},
	        {TEMPLATE_SMS, "({{link}})", "must be a word of its own"},
	        {TEMPLATE_SMS, "{{link}}.", "there must be a blank behind a URL"},
	        {TEMPLATE_SMS, "{{link}}{{name}}", "stands right behind a URL"},
	};
	struct str out;
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct err err = {0};
		assert_false(render(table[i].source, table[i].target, &out, &err));
		if (!strstr(err.text, table[i].why))
			fail_msg("%s: %s", table[i].source, err.text);
	}
}

static void refuses_at_compiling(void **state) {
	static const struct {
		const char *source, *why;
	} table[] = {
	        {"a {{name", "m.md:3:3: error: '{{' without '}}'"},
	        {"æ\n {{{name}}}", "m.md:4:2: error: there is no unescaped form"},
	        {"{{&name}}", "unescaped"},
	        {"{{> other}}", "not part of"},
	        {"{{=<% %>=}}", "not part of"},
	        {"{{}}", "'' is no name"},
	        {"{{Name}}", "'Name' is no name"},
	        {"{{a b}}", "is no name"},
	        {"{{a.}}", "is no name"},
	        {"{{a\n}}{{#b}}", "section 'b' is not closed: expected {{/b}}"},
	        {"{{#a}}{{#b}}{{/a}}{{/b}}", "found {{/a}}, expected {{/b}}"},
	        {"{{/a}}", "was not opened"},
	        {"\xFF", "not UTF-8"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct buf told;
		problems = (struct problems){.arena = arena};
		buf_init(&told, 10000);
		assert_null(compile(table[i].source));
		problems_print(&problems, &told);
		if (!strstr(told.at, table[i].why))
			fail_msg("%s: %s", table[i].source, told.at);
		buf_free(&told);
	}
}

static void limits(void **state) {
	struct template_source values = {NULL, lookup};
	struct err err = {0};
	struct buf deep, out;
	(void)state;
	buf_init(&deep, 1 << 20);
	for (int i = 0; i < 40; i++)
		buf_z(&deep, "{{#a}}");
	for (int i = 0; i < 40; i++)
		buf_z(&deep, "{{/a}}");
	assert_null(compile(deep.at));
	buf_clear(&deep);
	for (int i = 0; i < 6000; i++)
		buf_z(&deep, "{{a}} ");
	assert_null(compile(deep.at));
	buf_clear(&deep);
	problems = (struct problems){.arena = arena};
	for (int i = 0; i < 65536; i++)
		buf_char(&deep, 'a');
	assert_non_null(compile(deep.at));
	buf_char(&deep, 'a');
	assert_null(compile(deep.at));
	assert_non_null(strstr(problems.items[0].text.at, "found a text of 65537 bytes, expected at most 65536"));
	buf_free(&deep);
	problems = (struct problems){.arena = arena};
	buf_init(&out, 10);
	assert_false(template_render(compile("{{name}} {{name}}"), TEMPLATE_PLAIN, &values, arena, &out, &err));
	assert_non_null(strstr(err.text, "too long"));
	buf_free(&out);
}

/* 12 items, 16 deep: without a limit of its own this would not end, as it writes nothing. */
static struct template_value dozen(void *context, struct str name, struct arena *a) {
	static const struct template_value items[12];
	(void)context, (void)name, (void)a;
	return (struct template_value){.kind = TV_LIST, .count = 12, .items = items};
}

static void empty_work_ends(void **state) {
	struct template_source values = {NULL, dozen};
	struct err err = {0};
	struct buf source, out;
	(void)state;
	buf_init(&source, 10000);
	buf_init(&out, 10000);
	for (int i = 0; i < 16; i++)
		buf_z(&source, "{{#a}}");
	for (int i = 0; i < 16; i++)
		buf_z(&source, "{{/a}}");
	assert_false(template_render(compile(source.at), TEMPLATE_PLAIN, &values, arena, &out, &err));
	assert_non_null(strstr(err.text, "too long"));
	buf_free(&out);
	buf_free(&source);
}

static void names(void **state) {
	static const struct {
		const char *name;
		bool guarded;
		int line, column;
	} expected[] = {{"a", false, 3, 1}, {"b", true, 4, 1}, {"b", true, 4, 7}, {"b.c", true, 4, 12}, {"bc", false, 4, 19}, {".", true, 4, 25}, {"d", true, 5, 1}, {"d", false, 5, 7}, {"b", false, 5, 18}};
	struct template_names found = {0};
	(void)state;
	template_names(compile("{{a}} text\n{{#b}}{{b}}{{b.c}}{{bc}}{{.}}{{/b}}\n{{^d}}{{d}}{{/d}}{{b}}"), arena, &found);
	assert_int_equal(found.count, sizeof expected / sizeof *expected);
	for (size_t i = 0; i < found.count; i++) {
		assert_true(str_is(found.items[i].name, expected[i].name));
		assert_int_equal(found.items[i].guarded, expected[i].guarded);
		assert_int_equal(found.items[i].place.line, expected[i].line);
		assert_int_equal(found.items[i].place.column, expected[i].column);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(renders, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(refuses_at_rendering, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(refuses_at_compiling, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(limits, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(empty_work_ends, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(names, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
