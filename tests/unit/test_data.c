/* Fields as JSON and back, refs whose register has changed, hostile JSON, and CSV files into registers. */
#include "tests/unit/workflow_fixture.h"

#include "engine/workflow/data.h"

static const char machine[] =
        "workflow: w\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  text: {type: text}\n"
        "  number: {type: int}\n"
        "  amount: {type: decimal}\n"
        "  answer: {type: bool}\n"
        "  day: {type: date}\n"
        "  moment: {type: datetime}\n"
        "  pick: {type: choice, options: [a, b]}\n"
        "  ref: {type: ref, register: things}\n"
        "  marks: {type: matrix, register: things, scale: 0..3}\n"
        "  words: {type: text, many: 1..9}\n"
        "  days: {type: date, many: 1..9}\n"
        "  refs: {type: ref, register: things, many: 1..9}\n"
        "  amounts: {type: decimal, many: 1..9}\n"
        "  people: {type: group, many: 1..9, fields: {name: {type: text}, since: {type: date, optional: true}, likes: {type: ref, register: things, optional: true}, tall: {type: bool}}}\n"
        "forms: {ask: {fields: [mail, {field: ref, optional: true}]}}\n"
        "initial: a\n"
        "states:\n"
        "  a: {on: {go: {target: b}, look: {actions: [{set: {text: ref.name}}]}}}\n"
        "  b: {final: true}\n";
static const char registers[] = "things: {key: id, label: name, columns: {id: text, name: text, worth: int, price: decimal, until: date, open: bool}, sample: rows.csv}\n";
#define HEADER "id,name,worth,price,until,open\n"
static const char rows[] = HEADER "x,The x,1,\"1,5\",2026-03-29,true\ny,The y,,,,\n";

static const struct register_type *things;
static const struct definition *definition;
static struct register_port port;
static struct value *values;

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, machine, registers, rows);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	const struct package *package = site_package(f->site, STR("w"));
	definition = package->definition;
	things = &definition->registers.items[0];
	load_register(f, package, things, rows);
	port = data_store_port(store_view(f->store, &f->err));
	values = ARENA_ARRAY(f->arena, definition->fields.count, struct value);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static struct str json_of(struct fixture *f) {
	struct buf out;
	buf_init(&out, 1 << 20);
	data_to_json(definition, values, &out);
	struct str text = arena_str(f->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

static bool read_json(struct fixture *f, struct str json) {
	f->err = (struct err){0};
	return data_from_json(definition, json, &port, f->arena, values, &f->err);
}

static void test_round_trip(void **state) {
	struct fixture *f = *state;
	static const char *const table[] = {
	        "{}",
	        "{\"text\":\"\"}",
	        "{\"text\":\"quote \\\" slash \\\\ line\\n tab\\t \xc3\xa6 \xf0\x9f\x9a\x80\"}",
	        "{\"number\":-9223372036854775808}",
	        "{\"number\":9223372036854775807}",
	        "{\"amount\":0.1}",
	        "{\"amount\":1350.0}",
	        "{\"amount\":1e-07}",
	        "{\"amount\":1.7976931348623157e+308}",
	        "{\"amount\":-0.0}",
	        "{\"answer\":true}",
	        "{\"answer\":false}",
	        "{\"day\":\"2026-03-29\"}",
	        "{\"day\":\"1900-01-01\"}",
	        "{\"moment\":\"2026-10-25T02:30\"}",
	        "{\"moment\":\"2026-10-25T02:30:15\"}",
	        "{\"pick\":\"b\"}",
	        "{\"ref\":{\"key\":\"x\",\"version\":\"1\"}}",
	        "{\"marks\":{\"x\":0,\"y\":3}}",
	        "{\"marks\":{}}",
	        "{\"words\":[\"a\",\"b\",\"a\"]}",
	        "{\"days\":[\"2026-03-29\",\"2026-03-30\"]}",
	        "{\"refs\":[{\"key\":\"y\",\"version\":\"1\"},{\"key\":\"x\",\"version\":\"1\"}]}",
	        "{\"amounts\":[1.5,2.0]}",
	        "{\"people\":[{\"name\":\"Ida\",\"since\":\"2026-03-29\",\"likes\":{\"key\":\"y\",\"version\":\"1\"},\"tall\":true},{\"name\":\"Bo\",\"since\":null,\"likes\":null,\"tall\":false}]}",
	        "{\"people\":[]}",
	        "{\"mail\":\"a@x.dk\",\"text\":\"t\",\"number\":1,\"amount\":2.5,\"answer\":true,\"day\":\"2026-03-29\"}",
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		OK(read_json(f, str_from(table[i])));
		assert_str(json_of(f), table[i]);
		struct value *kept = values;
		values = ARENA_ARRAY(f->arena, definition->fields.count, struct value);
		OK(read_json(f, str_from(table[i])));
		for (size_t k = 0; k < definition->fields.count; k++)
			assert_true(value_equal(&kept[k], &values[k]));
	}
	OK(read_json(f, STR("{\"number\":null,\"text\":null}")));
	assert_str(json_of(f), "{}");
	/* A field that the group has got since, and one that it has no more. */
	OK(read_json(f, STR("{\"people\":[{\"name\":\"Ida\",\"gone\":1}]}")));
	assert_str(json_of(f), "{\"people\":[{\"name\":\"Ida\",\"since\":null,\"likes\":null,\"tall\":null}]}");
}

static void test_hostile_json(void **state) {
	struct fixture *f = *state;
	static const char *const table[] = {
	        "", "null", "[]", "1", "\"x\"", "{", "{}}", "{} {}", "{\"text\":1}", "{\"text\":[\"a\"]}", "{\"text\":{}}", "{\"number\":\"1\"}",
	        "{\"number\":1.5}", "{\"number\":1e3}", "{\"number\":9223372036854775808}", "{\"amount\":\"1\"}", "{\"amount\":1e999}", "{\"amount\":NaN}", "{\"answer\":1}", "{\"answer\":\"true\"}",
	        "{\"day\":\"2026-02-29\"}", "{\"day\":20260101}", "{\"day\":\"9999-01-01\"}", "{\"moment\":\"2026-03-29\"}", "{\"ref\":\"x\"}", "{\"ref\":{}}",
	        "{\"ref\":{\"key\":1}}", "{\"ref\":{\"key\":\"q\"}}", "{\"ref\":{\"key\":\"x\",\"version\":1}}", "{\"ref\":{\"key\":\"x\",\"version\":\"\"}}",
	        "{\"ref\":{\"key\":\"x\",\"version\":\"7\"}}", "{\"ref\":{\"key\":\"x\",\"version\":\"-1\"}}", "{\"ref\":[]}", "{\"marks\":[1]}", "{\"marks\":{\"x\":\"1\"}}",
	        "{\"marks\":{\"x\":1.0}}", "{\"marks\":3}", "{\"words\":\"a\"}", "{\"words\":[1]}", "{\"words\":[[\"a\"]]}", "{\"words\":[null]}", "{\"refs\":[\"x\"]}", "{\"people\":{}}", "{\"people\":[\"Ida\"]}", "{\"people\":[[]]}", "{\"people\":[null]}", "{\"people\":[{\"name\":1}]}", "{\"people\":[{\"likes\":\"x\"}]}",
	        "{\"people\":[{\"likes\":{\"key\":\"q\"}}]}", "{\"nothing\":1}", "{\"text\":\"a\",\"text\":\"b\"}",
	        "{\"text\":\"\\ud800\"}", "{\"text\":\"a\\u0000b\"}", "{\"text\":\"\xff\"}", "{\"\\u0000\":1}",
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (read_json(f, str_from(table[i])))
			fail_msg("%s was read as %.*s", table[i], STR_ARG(json_of(f)));
		assert_true(f->err.kind != ERR_NONE && f->err.text[0]);
	}
	struct buf deep;
	buf_init(&deep, 1 << 20);
	buf_z(&deep, "{\"text\":");
	for (int i = 0; i < 200000; i++)
		buf_char(&deep, '[');
	assert_false(read_json(f, buf_text(&deep)));
	buf_free(&deep);
	/* Every beginning of a good one. */
	static const char good[] = "{\"mail\":\"a@x.dk\",\"ref\":{\"key\":\"x\",\"version\":\"1\"},\"marks\":{\"x\":1},\"words\":[\"a\",\"\\u00e6\"]}";
	for (size_t len = 0; len < sizeof good - 1; len++) {
		char *copy = malloc(len ? len : 1); /* not a byte behind its end is read */
		assert_non_null(copy);
		memcpy(copy, good, len);
		assert_false(read_json(f, (struct str){copy, len}));
		free(copy);
	}
}

static void test_answers_json(void **state) {
	struct fixture *f = *state;
	static const char *const bad[] = {"", "[]", "{\"a\":[[1]]}", "{\"a\":{\"b\":{}}}", "{\"a\":[{\"b\":[1]}]}", "{\"a\":[{\"b\":{}}]}", "{\"a\":[1,[{}]]}", "{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}"};
	struct answers answers;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		REFUSED(ERR_INPUT, f->err.key, answers_from_json(str_from(bad[i]), f->arena, &answers, &f->err));
	answers = answers_of(f, "{\"s\":\"t\",\"i\":-3,\"d\":1.5,\"y\":true,\"n\":null,\"l\":[\"a\",2,false],\"g\":[{\"a\":\"x\",\"b\":2},{},{\"a\":null}],\"m\":{\"x\":1,\"y\":\"2\"},\"e\":[]}");
	struct buf out;
	buf_init(&out, 1000);
	answers_to_json(&answers, &out);
	assert_str(buf_text(&out), "{\"s\":[\"t\"],\"i\":[\"-3\"],\"d\":[\"1.5\"],\"y\":[\"true\"],\"n\":[\"\"],\"l\":[\"a\",\"2\",\"false\"],\"g.1.a\":[\"x\"],\"g.1.b\":[\"2\"],\"g.3.a\":[\"\"],\"m.x\":[\"1\"],\"m.y\":[\"2\"],\"e\":[]}");
	struct answers back = answers_of(f, out.at);
	assert_int_equal(back.count, answers.count);
	buf_free(&out);
	answers_clear(&answers, STR("i"));
	answers_clear(&answers, STR("nothing"));
	assert_null(answers_get(&answers, STR("i")));
	assert_int_equal(answers.count, 11);
	assert_str(answers_get(&answers, STR("m.y"))->texts.items[0], "2");
}

/* A ref keeps the version that was chosen; what is offered is the register as it is now. */
static void test_ref_versions(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "w", "{\"mail\":\"a@x.dk\",\"ref\":\"x\"}");
	load_register(f, site_package(f->site, STR("w")), things, HEADER "x,Another,2,,,\n");
	OK(send_signal(f, id, "look", "{}"));
	assert_str(field_of(f, id, "text"), "The x");
	assert_str(field_of(f, id, "ref"), "{\"key\":\"x\",\"version\":\"1\"}");
	load_register(f, site_package(f->site, STR("w")), things, HEADER "z,Zet,2,,,\n");
	OK(send_signal(f, id, "look", "{}"));
	assert_str(field_of(f, id, "text"), "The x");
	struct value all;
	OK(port.rows(port.context, things, 0, f->arena, &all, &f->err));
	assert_int_equal(all.list.count, 1);
	assert_str(value_member(&all.list.items[0], STR("name"))->string, "Zet");
	assert_sound(f);
}

static void test_rows(void **state) {
	struct fixture *f = *state;
	struct value all;
	OK(port.rows(port.context, things, 0, f->arena, &all, &f->err));
	assert_int_equal(all.list.count, 2);
	assert_int_equal(value_member(&all.list.items[0], STR("worth"))->integer, 1);
	assert_true(value_member(&all.list.items[0], STR("price"))->decimal == 1.5);
	assert_int_equal(value_member(&all.list.items[0], STR("until"))->integer, civil_day(2026, 3, 29));
	assert_true(value_member(&all.list.items[0], STR("open"))->boolean);
	assert_int_equal(value_member(&all.list.items[1], STR("worth"))->kind, KIND_UNSET);
	struct value row;
	REFUSED(ERR_NOT_FOUND, "store.not_found", port.row(port.context, things, STR("q"), 0, f->arena, &row, &f->err));
	/* A column that came later is unset; a value that does not fit is told. */
	OK(data_row_from_json(things, STR("x"), 1, STR("{\"id\":\"x\",\"gone\":7}"), f->arena, &row, &f->err));
	assert_int_equal(value_member(&row, STR("name"))->kind, KIND_UNSET);
	REFUSED(ERR_PERMANENT, "error.internal", data_row_from_json(things, STR("x"), 1, STR("{\"id\":\"x\",\"worth\":\"1\"}"), f->arena, &row, &f->err));
	REFUSED(ERR_PERMANENT, "error.internal", data_row_from_json(things, STR("x"), 1, STR("nonsense"), f->arena, &row, &f->err));
}

/* ---- CSV */

static struct problems told;

static bool read_csv(struct fixture *f, struct str text, struct register_rows *out) {
	told = (struct problems){.arena = f->arena};
	return data_rows_from_csv(things, 45, "f.csv", text, f->arena, out, &told);
}

/* "line:text" of all problems. */
static bool is_told(int line, const char *text) {
	for (size_t i = 0; i < told.count; i++)
		if (told.items[i].place.line == line && memmem(told.items[i].text.at, told.items[i].text.len, text, strlen(text)))
			return true;
	return false;
}

static void test_csv_good(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *text, *first;
		size_t count;
	} table[] = {
	        {HEADER "x,A,1,1.5,2026-03-29,true\n", "{\"id\":\"x\",\"name\":\"A\",\"worth\":1,\"price\":1.5,\"until\":\"2026-03-29\",\"open\":true}", 1},
	        {"\xEF\xBB\xBF" HEADER "x,A,,,,\n", "{\"id\":\"x\",\"name\":\"A\"}", 1},
	        {"id;name;worth;price;until;open\r\nx;A;1;1,5;29-03-2026;false\r\n", "{\"id\":\"x\",\"name\":\"A\",\"worth\":1,\"price\":1.5,\"until\":\"2026-03-29\",\"open\":false}", 1},
	        {"\"id\",\"name\",worth,price,until,open\nx,\"A, \"\"b\"\" c\",,,,", "{\"id\":\"x\",\"name\":\"A, \\\"b\\\" c\"}", 1},
	        {"open,until,price,worth,name,id\n,,,,A,x\n", "{\"name\":\"A\",\"id\":\"x\"}", 1},
	        {HEADER "\nx,A,,,,\n\n   \ny,B,,,,\n\n", "{\"id\":\"x\",\"name\":\"A\"}", 2},
	        {HEADER "x, spaces around ,,,,\n", "{\"id\":\"x\",\"name\":\"spaces around\"}", 1},
	        {HEADER, NULL, 0},
	        {HEADER "x,'=1+1,,,,Sand\n", "{\"id\":\"x\",\"name\":\"=1+1\",\"open\":true}", 1}, /* as export writes it */
	        {HEADER "x,'n,,,,FALSE\n", "{\"id\":\"x\",\"name\":\"'n\",\"open\":false}", 1},
	        {HEADER "x,=1+1,,,,\n", "{\"id\":\"x\",\"name\":\"=1+1\"}", 1},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct register_rows out;
		if (!read_csv(f, str_from(table[i].text), &out)) {
			print_problems(&told);
			fail_msg("%s", table[i].text);
		}
		assert_int_equal(out.count, table[i].count);
		if (table[i].first) {
			assert_str(out.items[0].data, table[i].first);
			assert_str(out.items[0].key, "x");
		}
	}
}

static void test_csv_bad(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *text;
		int line;
		const char *told;
	} table[] = {
	        {"", 1, "empty"},
	        {"id,name\n", 1, "column 'worth' is missing"},
	        {"id,name,worht,price,until,open\n", 1, "did you mean 'worth'"},
	        {"id,id,name,worth,price,until,open\n", 1, "stands twice"},
	        {HEADER "x,A,1\n", 2, "3 cells, but the header has 6"},
	        {HEADER "x,A,,,,,\n", 2, "7 cells"},
	        {HEADER "x,A,one,,,\n", 2, "'one' is not a whole number (column 'worth')"},
	        {HEADER "x,A,,x,,\n", 2, "is not a number"},
	        {HEADER "x,A,,inf,,\n", 2, "is not a number"},
	        {HEADER "x,A,,,2026-02-30,\n", 2, "is not a date"},
	        {HEADER "x,A,,,,yes\n", 2, "true or false"},
	        {HEADER "x,\"A\nB\",,,,\n", 2, "control characters"},
	        {HEADER ",A,,,,\n", 2, "the key 'id' must have 1 to 200 bytes"},
	        {HEADER "x,\"A,,,,\ny,B,,,,\n", 2, "a quote is not closed"},
	        {HEADER "x,\"A\" b,,,,\n", 2, "text follows"},
	        {HEADER "x,A,,,,\ny,B,,,,\nx,C,,,,\n", 4, "key 'x' stands already in line 2"},
	        {HEADER "x,A,,,,\n\ny,B\n", 4, "2 cells"},
	        {"id,name,worth,price,until,open\rx,A,,,,\r", 1, "header does not end"},
	        {HEADER "x,A,,,,\ry,B,,,,\n", 2, "line's end"},
	        {"\xff\xfei\0d", 1, "UTF-8"},
	        {HEADER "x,bl\xe5,,,,\n", 1, "not UTF-8"},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct register_rows out;
		if (read_csv(f, str_from(table[i].text), &out))
			fail_msg("accepted: %s", table[i].text);
		if (!is_told(table[i].line, table[i].told)) {
			print_problems(&told);
			fail_msg("%d: %s: %s", table[i].line, table[i].told, table[i].text);
		}
	}
}

/* All wrong lines are told in one go, each with its own number, behind cells of several lines too. */
static void test_csv_all_lines(void **state) {
	struct fixture *f = *state;
	struct register_rows out;
	assert_false(read_csv(f, STR(HEADER "a,\"A\n\nA\",,,,\nb,B,x,,,\nc,C,1,,,\nd,D,,x,x,x\n"), &out));
	assert_true(is_told(2, "control"));
	assert_true(is_told(5, "'x' is not a whole number"));
	assert_true(is_told(7, "is not a number") && is_told(7, "is not a date") && is_told(7, "true or false"));
	assert_int_equal(told.errors, 5);
}

static void test_csv_key_length(void **state) {
	struct fixture *f = *state;
	struct register_rows out;
	char key[202];
	memset(key, 'k', sizeof key);
	key[201] = '\0';
	assert_false(read_csv(f, arena_printf(f->arena, HEADER "%s,A,,,,\n", key), &out));
	key[200] = '\0';
	assert_true(read_csv(f, arena_printf(f->arena, HEADER "%s,A,,,,\n", key), &out));
}

static void test_csv_large(void **state) {
	struct fixture *f = *state;
	enum { COUNT = 100000 };
	struct buf text;
	struct register_rows out;
	buf_init(&text, 15 << 20);
	buf_z(&text, HEADER);
	for (int i = 0; i < COUNT; i++)
		buf_printf(&text, "key-%d,\"The %d\",%d,\"%d,5\",2026-03-29,true\n", i, i, i, i);
	assert_false(text.overflow);
	int64_t began = clock_monotonic();
	assert_true(read_csv(f, buf_text(&text), &out));
	assert_int_equal(out.count, COUNT);
	assert_str(out.items[COUNT - 1].key, "key-99999");
	assert_int_equal(out.items[COUNT - 1].position, COUNT + 1);
	buf_z(&text, "key-7,,,,,\n");
	assert_false(read_csv(f, buf_text(&text), &out));
	assert_true(is_told(COUNT + 2, "stands already in line 9"));
	assert_int_equal(told.errors, 1);
	assert_true(clock_monotonic() - began < 30000);
	buf_free(&text);
	char *large = calloc(1, (16 << 20) + 1);
	memset(large, 'a', (16 << 20) + 1);
	assert_false(read_csv(f, (struct str){large, (16 << 20) + 1}, &out));
	assert_true(is_told(1, "16 MiB"));
	free(large);
}

static void test_csv_too_many_rows(void **state) {
	struct fixture *f = *state;
	struct buf text;
	struct register_rows out;
	buf_init(&text, 15 << 20);
	buf_z(&text, HEADER);
	for (int i = 0; i < 200002; i++)
		buf_printf(&text, "k%d,,,,,\n", i);
	assert_false(read_csv(f, buf_text(&text), &out));
	assert_true(is_told(200002, "more than 200000 rows"));
	buf_free(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(test_round_trip), TEST(test_hostile_json), TEST(test_answers_json), TEST(test_ref_versions), TEST(test_rows), TEST(test_csv_good),
	        TEST(test_csv_bad), TEST(test_csv_all_lines), TEST(test_csv_key_length), TEST(test_csv_large), TEST(test_csv_too_many_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
