#include "engine/base/yaml.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena *arena;
static struct err err;

static int setup(void **state) {
	(void)state;
	arena = arena_new();
	err = (struct err){0};
	return 0;
}

static int teardown(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static struct yaml *parse(const char *text) {
	return yaml_parse(arena, "f.yaml", str_from(text), &err);
}

static void expect_text(const struct yaml *node, const char *text, bool quoted) {
	assert_non_null(node);
	assert_int_equal(node->kind, YAML_SCALAR);
	if (!str_is(node->text, text))
		fail_msg("expected \"%s\", found \"%.*s\"", text, STR_ARG(node->text));
	assert_int_equal(node->quoted, quoted);
}

static void expect_place(const struct yaml *node, int line, int column) {
	assert_string_equal(node->place.file, "f.yaml");
	assert_int_equal(node->place.line, line);
	assert_int_equal(node->place.column, column);
}

static void test_tree(void **state) {
	(void)state;
	struct yaml *y = parse("a: one\n"
	                       "list: [1, 'two', \"thr\\u00e9e\"]\n"
	                       "map:\n"
	                       "  inner: {x: y, empty: }\n"
	                       "block: |\n"
	                       "  first\n"
	                       "  second\n"
	                       "folded: >-\n"
	                       "  one\n"
	                       "  two\n");
	assert_non_null(y);
	assert_int_equal(y->kind, YAML_MAP);
	assert_int_equal(y->count, 5);
	expect_text(yaml_get(y, "a"), "one", false);
	expect_place(yaml_get(y, "a"), 1, 4);
	expect_place(yaml_get(y, "a")->key, 1, 1);
	const struct yaml *list = yaml_get(y, "list");
	assert_int_equal(list->kind, YAML_LIST);
	assert_int_equal(list->count, 3);
	assert_null(list->items[0]->key);
	expect_text(list->items[0], "1", false);
	expect_text(list->items[1], "two", true);
	expect_text(list->items[2], "thr\303\251e", true);
	const struct yaml *inner = yaml_get(yaml_get(y, "map"), "inner");
	expect_place(inner, 4, 10);
	expect_place(inner->key, 4, 3);
	assert_true(yaml_is_null(yaml_get(inner, "empty")));
	expect_text(yaml_get(y, "block"), "first\nsecond\n", true);
	expect_text(yaml_get(y, "folded"), "one two", true);
	assert_null(yaml_get(y, "absent"));
	assert_null(yaml_get(list, "a"));
}

/* Nothing is typed by YAML: every scalar is the text that stands there. */
static void test_scalars_stay_text(void **state) {
	(void)state;
	static const char *const words[] = {"no", "yes", "on", "off", "true", "1e3", "0x1F", "010", "12:30:45",
	                                    "2026-03-29", ".inf", "1_000", "period_end + 60d", "0..3", "1..5"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		char text[100];
		snprintf(text, sizeof text, "v: %s\n", words[i]);
		expect_text(yaml_get(parse(text), "v"), words[i], false);
	}
}

static void test_null(void **state) {
	(void)state;
	struct yaml *y = parse("a:\nb: ~\nc: null\nd: ''\ne: \"null\"\nf: Null\n");
	assert_true(yaml_is_null(yaml_get(y, "a")));
	assert_true(yaml_is_null(yaml_get(y, "b")));
	assert_true(yaml_is_null(yaml_get(y, "c")));
	assert_false(yaml_is_null(yaml_get(y, "d")));
	assert_false(yaml_is_null(yaml_get(y, "e")));
	assert_false(yaml_is_null(yaml_get(y, "f")));
	assert_true(yaml_is_null(parse("")));
	assert_true(yaml_is_null(parse("# only a comment\n")));
	assert_false(yaml_is_null(y));
}

static void test_byte_order_mark_and_crlf(void **state) {
	(void)state;
	struct yaml *y = parse("\xEF\xBB\xBF" "a: x\r\nb: \303\246 z\r\n");
	expect_text(yaml_get(y, "a"), "x", false);
	expect_text(yaml_get(y, "b"), "\303\246 z", false);
	expect_place(yaml_get(y, "b"), 2, 4);
}

static void test_refusals(void **state) {
	(void)state;
	static const struct {
		const char *text, *place, *says;
	} table[] = {
		{"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: ", "\"a\" stands here a second time; the first is in line 1"},
		{"x:\n  a: 1\n  'a': 2\n", "f.yaml:3:", "second time; the first is in line 2"},
		{"{b: 1, a: 1, b: 2, a: 2}", "f.yaml:1:14: ", "\"b\" stands here a second time"},
		{"a: &x 1\n", "f.yaml:1:", "anchors"},
		{"a: *x\n", "f.yaml:1:", "aliases"},
		{"&k a: 1\n", "f.yaml:1:", "anchors"},
		{"*k : 1\n", "f.yaml:1:", "aliases"},
		{"a: !!str 1\n", "f.yaml:1:4: ", "tags"},
		{"a: !x [1]\n", "f.yaml:1:4: ", "tags"},
		{"<<: {a: b}\n", "f.yaml:1:1: ", "merge keys"},
		{"a: 1\n---\nb: 2\n", "f.yaml:2:1: ", "second document"},
		{"a: 1\n...\nb: 2\n", "f.yaml:", "second document"},
		{"[a]: b\n", "f.yaml:1:1: ", "a key must be a plain word, but this one is a list"},
		{"? {a: b}\n: c\n", "f.yaml:1:3: ", "but this one is a map"},
		{"text: {{name}}\n", "f.yaml:1:", "needs quotes"},
		{": x\n", "f.yaml:1:", "a key is missing"},
		{"a:\n\tb: 1\n", "f.yaml:2:1: ", "tab"},
		{"a: b: c\n", "f.yaml:1:", "not valid YAML"},
		{"a: [1, 2\nb: 3\n", "f.yaml:", "closing bracket"},
		{"a: \"open\n", "f.yaml:1:", "closing quote"},
		{"- a\nb: c\n", "f.yaml:2:1: ", "not valid YAML"},
		{"a:\n  b: 1\n c: 2\n", "f.yaml:3:2: ", "indentation"},
		{"a: @x\n", "f.yaml:1:4: ", "cannot start with '@'"},
		{"a: \"\\x00\"\n", "f.yaml:1:", "escape"},
		{"a: \"\\uD800\"\n", "f.yaml:1:", "not valid YAML"},
		{"a: \001\n", "f.yaml:1:4: ", "control character (U+0001)"},
		{"a: b\nc: \xFF\n", "f.yaml:2:4: ", "not UTF-8 here (byte ff)"},
		{"a: \xC0\x80\n", "f.yaml:1:4: ", "not UTF-8"},
		{"a: \xED\xA0\x80\n", "f.yaml:1:4: ", "not UTF-8"},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		err = (struct err){0};
		if (parse(table[i].text))
			fail_msg("was not refused: %s", table[i].text);
		assert_int_equal(err.kind, ERR_INPUT);
		if (strncmp(err.text, table[i].place, strlen(table[i].place)) != 0 || !strstr(err.text, table[i].says))
			fail_msg("%s gave %s", table[i].text, err.text);
	}
}

static void test_nul_is_refused(void **state) {
	(void)state;
	assert_null(yaml_parse(arena, "f.yaml", STR("a: x\0y\n"), &err));
	assert_non_null(strstr(err.text, "f.yaml:1:5: "));
}

/* unit repeated n times */
static struct yaml *parse_many(const char *unit, size_t n, const char *tail) {
	struct buf text;
	buf_init(&text, 4 << 20);
	for (size_t i = 0; i < n; i++)
		buf_z(&text, unit);
	buf_z(&text, tail);
	err = (struct err){0};
	struct yaml *y = yaml_parse(arena, "f.yaml", buf_text(&text), &err);
	buf_free(&text);
	return y;
}

static void test_limits(void **state) {
	(void)state;
	assert_non_null(parse_many("- ", 31, "[a]"));
	assert_null(parse_many("- ", 32, "[a]"));
	assert_non_null(strstr(err.text, "deeper than 32"));
	assert_null(parse_many("[", 500000, ""));
	assert_null(parse_many("{a: ", 200000, ""));
	assert_null(parse_many("? ", 200000, ""));
	assert_non_null(parse_many("- a\n", 99999, ""));
	assert_null(parse_many("- a\n", 100000, ""));
	assert_non_null(strstr(err.text, "more than 100000"));
	assert_null(parse_many("- abcdefgh\n", 100000, ""));
	assert_non_null(strstr(err.text, "larger than 1048576"));
	assert_null(parse_many("\n", 1000000, "a: b"));
	assert_non_null(parse_many("\n", 900, "a: b"));
}

/* Refused at the first anchor, before anything is expanded. */
static void test_alias_bomb(void **state) {
	(void)state;
	assert_null(parse("a: &a [x,x,x,x,x,x,x,x,x]\n"
	                  "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
	                  "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
	                  "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"));
	assert_non_null(strstr(err.text, "f.yaml:1:"));
}

static void test_many_keys(void **state) {
	(void)state;
	struct buf text;
	buf_init(&text, 1 << 20);
	for (int i = 0; i < 40000; i++)
		buf_printf(&text, "key%d: x\n", i);
	assert_non_null(yaml_parse(arena, "f.yaml", buf_text(&text), &err));
	buf_z(&text, "key7: y\n");
	assert_null(yaml_parse(arena, "f.yaml", buf_text(&text), &err));
	assert_non_null(strstr(err.text, "f.yaml:40001:1: the key \"key7\""));
	buf_free(&text);
}

static void test_read(void **state) {
	(void)state;
	char folder[] = "/tmp/stafet-yaml-XXXXXX";
	assert_non_null(mkdtemp(folder));
	struct str path = arena_printf(arena, "%s/a.yaml", folder);
	assert_null(yaml_read(arena, path.at, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	FILE *file = fopen(path.at, "we");
	assert_non_null(file);
	fputs("a: b\n", file);
	fclose(file);
	expect_text(yaml_get(yaml_read(arena, path.at, &err), "a"), "b", false);
	assert_null(yaml_read(arena, folder, &err));
	assert_int_equal(err.kind, ERR_PERMANENT);
	struct str pipe_path = arena_printf(arena, "%s/pipe", folder);
	assert_int_equal(mkfifo(pipe_path.at, 0600), 0);
	assert_null(yaml_read(arena, pipe_path.at, &err));
	unlink(pipe_path.at);
	unlink(path.at);
	rmdir(folder);
}

static void test_problems(void **state) {
	(void)state;
	struct problems p = {.arena = arena};
	problem_error(&p, (struct yaml_place){"b.yaml", 2, 1}, "third %d", 3);
	problem_warn(&p, (struct yaml_place){"a.yaml", 10, 1}, "second");
	problem_error(&p, (struct yaml_place){"a.yaml", 9, 5}, "first");
	problem_error(&p, (struct yaml_place){"b.yaml", 2, 1}, "fourth");
	problem_error(&p, (struct yaml_place){"c", 0, 0}, "fifth");
	assert_int_equal(p.count, 5);
	assert_int_equal(p.errors, 4);
	struct buf out;
	buf_init(&out, 1000);
	problems_print(&p, &out);
	assert_string_equal(out.at, "a.yaml:9:5: error: first\na.yaml:10:1: warning: second\n"
	                            "b.yaml:2:1: error: third 3\nb.yaml:2:1: error: fourth\nc: error: fifth\n");
	buf_free(&out);
}

static void test_names(void **state) {
	(void)state;
	const struct str names[] = {STR("target"), STR("actions"), STR("guard"), STR("cases"), STR("on")};
	static const char *const table[][2] = {{"targt", "target"}, {"traget", "target"}, {"guards", "guard"},
	                                       {"action", "actions"}, {"zebra", ""},      {"in", ""},
	                                       {"", ""},              {"TARGET", ""}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct str found = name_nearest(str_from(table[i][0]), names, 5);
		if (!str_is(found, table[i][1]))
			fail_msg("%s gave %.*s", table[i][0], STR_ARG(found));
	}
	assert_true(name_valid(STR("a")));
	assert_true(name_valid(STR("pass-on_2")));
	assert_true(name_valid(STR("a123456789012345678901234567890123456789")));
	assert_false(name_valid(STR("a1234567890123456789012345678901234567890")));
	assert_false(name_valid(STR("")));
	assert_false(name_valid(STR("2a")));
	assert_false(name_valid(STR("-a")));
	assert_false(name_valid(STR("A")));
	assert_false(name_valid(STR("a b")));
	assert_false(name_valid(STR("a\0b")));
	assert_false(name_valid(STR("\303\246")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_tree),         TEST(test_scalars_stay_text), TEST(test_null),  TEST(test_byte_order_mark_and_crlf),
		TEST(test_refusals),     TEST(test_nul_is_refused),    TEST(test_limits), TEST(test_alias_bomb),
		TEST(test_many_keys),    TEST(test_read),              TEST(test_problems), TEST(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
