/* Expressions by table: values of each kind, refusals at load with their columns, errors at run time, daylight saving, lets, warnings, limits. */
#include "engine/workflow/expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define T(k) {.kind = KIND_##k}

static const struct type string_type = T(STRING), int_type = T(INT);

static struct record_member school_members[] = {{{"id", 2}, T(STRING), false}, {{"name", 4}, T(STRING), false}, {{"places", 6}, T(INT), false}};
static struct record_type schools = {{"schools", 7}, school_members, 3, 0};
static struct record_member child_members[] = {{{"workflow", 8}, T(STRING), false}, {{"state", 5}, T(STRING), false}, {{"ended", 5}, T(BOOL), false}};
static struct record_type child_record = {{"children", 8}, child_members, 3, SIZE_MAX};
static struct record_member person_members[] = {{{"name", 4}, T(STRING), false}, {{"mail", 4}, T(STRING), true}};
static struct record_type person_record = {{"people", 6}, person_members, 2, SIZE_MAX};
static const struct type person_type = {.kind = KIND_RECORD, .record = &person_record};
static const struct type child_type = {.kind = KIND_RECORD, .record = &child_record};

enum { FLAG, COUNT_, RATE, NAME, DAY, MEETING, NOW, TAGS, SCHOOL, LEVELS, CHILDREN, MAYBE, LATER, OTHER, PEOPLE, SLOTS };

static struct scope_name names[] = {
        [FLAG] = {.name = {"flag", 4}, .type = T(BOOL), .slot = FLAG, .optional = false},
        [COUNT_] = {.name = {"count", 5}, .type = T(INT), .slot = COUNT_, .optional = false},
        [RATE] = {.name = {"rate", 4}, .type = T(DOUBLE), .slot = RATE, .optional = false},
        [NAME] = {.name = {"name", 4}, .type = T(STRING), .slot = NAME, .optional = false},
        [DAY] = {.name = {"day", 3}, .type = T(DATE), .slot = DAY, .optional = false},
        [MEETING] = {.name = {"meeting", 7}, .type = T(DATETIME), .slot = MEETING, .optional = false},
        [NOW] = {.name = {"now", 3}, .type = T(INSTANT), .slot = NOW, .optional = false},
        [TAGS] = {.name = {"tags", 4}, .type = {.kind = KIND_LIST, .item = &string_type}, .slot = TAGS, .optional = false},
        [SCHOOL] = {.name = {"place", 5}, .type = {.kind = KIND_RECORD, .record = &schools}, .slot = SCHOOL, .optional = false},
        [LEVELS] = {.name = {"levels", 6}, .type = {.kind = KIND_MAP, .item = &int_type}, .slot = LEVELS, .optional = false},
        [CHILDREN] = {.name = {"children", 8}, .type = {.kind = KIND_LIST, .item = &child_type}, .slot = CHILDREN, .optional = false},
        [MAYBE] = {.name = {"maybe", 5}, .type = T(INT), .slot = MAYBE, .optional = true},
        [LATER] = {.name = {"later", 5}, .type = {.kind = KIND_RECORD, .record = &schools}, .slot = LATER, .optional = true},
        [OTHER] = {.name = {"other", 5}, .type = T(STRING), .slot = OTHER, .optional = false}, /* its slot holds a value of another kind */
        [PEOPLE] = {.name = {"people", 6}, .type = {.kind = KIND_LIST, .item = &person_type}, .slot = PEOPLE, .optional = false},
};
enum { SCHOOLS = 100, MANY }; /* slots of registers: five schools, and as many rows as a test wants */
static const struct type school_type = {.kind = KIND_RECORD, .record = &schools};
static const struct scope_register registers[] = {{{"schools", 7}, {.kind = KIND_LIST, .item = &school_type}, SCHOOLS}, {{"many", 4}, {.kind = KIND_LIST, .item = &school_type}, MANY}};
static struct scope scope = {.items = names, .count = COUNT(names), .cap = COUNT(names), .warns = true, .registers = registers, .register_count = COUNT(registers)};
static size_t many; /* rows; 0: they cannot be read */
static int reads;

static struct value a_row(struct arena *a, const char *id, const char *name, int64_t places) {
	struct value *members = ARENA_ARRAY(a, 3, struct value);
	members[0] = value_string(str_from(id));
	members[1] = value_string(str_from(name));
	members[2] = places < 0 ? VALUE_UNSET : value_int(places);
	return (struct value){.kind = KIND_RECORD, .record = {&schools, members, STR("1")}};
}

static bool read_rows(void *context, size_t slot, struct arena *a, struct value *list, struct err *err) {
	size_t count = slot == SCHOOLS ? 5 : many;
	struct value *rows = ARENA_ARRAY(a, count, struct value);
	(void)context;
	reads++;
	if (count == 0)
		return err_set(err, ERR_TRANSIENT, "error.busy", "the store does not answer");
	for (size_t i = 0; slot == MANY && i < count; i++)
		rows[i] = a_row(a, arena_printf(a, "r%zu", i).at, "somewhere", (int64_t)(i * 7919 % count));
	if (slot == SCHOOLS) {
		rows[0] = a_row(a, "s3", "Vest", 20);
		rows[1] = a_row(a, "s1", "Nord", 12);
		rows[2] = a_row(a, "s5", "Syd", 20);
		rows[3] = a_row(a, "s2", "Øst", 12);
		rows[4] = a_row(a, "s4", "Nord", 7);
	}
	*list = (struct value){.kind = KIND_LIST, .list = {rows, NULL, count}};
	return true;
}
static const struct row_source row_source = {read_rows, NULL};

static struct value slots[SLOTS];
static struct zone *zone;
static struct calendar *calendar;

static int setup(void **state) {
	static struct value tags[2], school[3], levels[3], children[2], first[3], second[3];
	static const struct str keys[] = {{"sawing", 6}, {"planing", 7}, {"gluing", 6}};
	struct err err;
	int64_t day, meeting;
	(void)state;
	zone = zone_open("Europe/Copenhagen", &err);
	calendar = calendar_open(STR("dk"), STR(""), &err);
	assert_true(zone && calendar && civil_parse_date(STR("2026-03-27"), &day) && civil_parse_datetime(STR("2026-03-27T12:00"), &meeting));
	tags[0] = value_string(STR("red"));
	tags[1] = value_string(STR("blue"));
	school[0] = value_string(STR("s1"));
	school[1] = value_string(STR("Nord"));
	school[2] = VALUE_UNSET;
	levels[0] = value_int(2);
	levels[1] = value_int(0);
	levels[2] = VALUE_UNSET;
	first[0] = second[0] = value_string(STR("survey"));
	first[1] = value_string(STR("open"));
	second[1] = value_string(STR("done"));
	first[2] = value_bool(false);
	second[2] = value_bool(true);
	children[0] = (struct value){.kind = KIND_RECORD, .record = {&child_record, first, STR("")}};
	children[1] = (struct value){.kind = KIND_RECORD, .record = {&child_record, second, STR("")}};
	slots[FLAG] = value_bool(true);
	slots[COUNT_] = value_int(7);
	slots[RATE] = value_double(1.5);
	slots[NAME] = value_string(STR("Åse"));
	slots[DAY] = value_date(day);
	slots[MEETING] = value_datetime(meeting);
	slots[NOW] = value_instant(zone_instant(zone, meeting));
	slots[TAGS] = (struct value){.kind = KIND_LIST, .list = {tags, NULL, 2}};
	slots[SCHOOL] = (struct value){.kind = KIND_RECORD, .record = {&schools, school, STR("v1")}};
	slots[LEVELS] = (struct value){.kind = KIND_MAP, .list = {levels, keys, 3}};
	slots[CHILDREN] = (struct value){.kind = KIND_LIST, .list = {children, NULL, 2}};
	slots[OTHER] = value_int(4711);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	calendar_close(calendar);
	zone_close(zone);
	return 0;
}

static const struct expression *compile(struct arena *a, const char *text, const struct scope *over, struct problems *problems) {
	*problems = (struct problems){.arena = a};
	return expression_compile(a, str_from(text), (struct yaml_place){"f.yaml", 3, 10}, over, NULL, problems);
}

static const struct expression *must_compile(struct arena *a, const char *text, const struct scope *over) {
	struct problems problems;
	const struct expression *e = compile(a, text, over, &problems);
	if (!e)
		fail_msg("%s: %.*s", text, STR_ARG(problems.items[0].text));
	return e;
}

static bool run(struct arena *a, const struct expression *e, struct value *v, struct err *err) {
	struct environment env = {.slots = slots, .slot_count = SLOTS, .zone = zone, .calendar = calendar, .rows = &row_source};
	return expression_evaluate(e, &env, a, v, err);
}

static void assert_value(const char *text, const char *json) {
	struct arena *a = arena_new();
	struct value v;
	struct err err = {0};
	struct buf out;
	if (!run(a, must_compile(a, text, &scope), &v, &err))
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(err.kind, ERR_NONE); /* true leaves it alone */
	buf_init(&out, 10000);
	value_to_json(&v, &out);
	if (!str_is(buf_text(&out), json))
		fail_msg("%s is %s, not %s", text, out.at, json);
	buf_free(&out);
	arena_free(a);
}

struct expected {
	const char *text, *json;
};

static void assert_values(const struct expected *table, size_t count) {
	for (size_t i = 0; i < count; i++)
		assert_value(table[i].text, table[i].json);
}
#define VALUES(table) assert_values(table, COUNT(table))

static void test_scalars(void **state) {
	static const struct expected table[] = {
	        {"true && !false", "true"},
	        {"flag ? 'yes' : 'no'", "\"yes\""},
	        {"false ? 1 : true ? 2 : 3", "2"},
	        {"1 + 2 * 3 - 4 / 2 % 3", "5"},
	        {"-7 / 2", "-3"},
	        {"-7 % 3", "-1"},
	        {"-9223372036854775808", "-9223372036854775808"},
	        {"0x1F + 0xfe", "285"},
	        {"0x1e3", "483"},
	        {"1e3", "1000.0"},
	        {"2.5 / 2.0", "1.25"},
	        {"0.1 + 0.2", "0.30000000000000004"},
	        {"1e300 * 1e10", "\"inf\""}, /* JSON has no such number */
	        {"-rate", "-1.5"},
	        {"int(-1.9)", "-1"},
	        {"double('2.50')", "2.5"},
	        {"double(count)", "7.0"},
	        {"string(2.0) + string(0.1) + string(true) + string(count)", "\"20.1true7\""},
	        {"bool('false')", "false"},
	        {"int('-12')", "-12"},
	        {"min(3, count) + max(3, count)", "10"},
	        {"min('b', 'a')", "\"a\""},
	        {"max(1.0, rate)", "1.5"},
	        {"1 < 2 && 'a' <= 'a' && 2.0 > 1.0 && false < true", "true"},
	        {"0.0 / 0.0 == 0.0 / 0.0 || 0.0 / 0.0 < 1.0", "false"},
	        {"count - 3 - 2", "2"},
	        {"count -3", "4"},
	        {"- -count", "7"},
	        {"1 // and no more\n + 1", "2"},
	};
	(void)state;
	VALUES(table);
}

static void test_strings(void **state) {
	static const struct expected table[] = {
	        {"name.size()", "3"},
	        {"size(name + '!')", "4"},
	        {"name.lower()", "\"åse\""},
	        {"name.substring(1)", "\"se\""},
	        {"name.substring(0, 1) + name.substring(1, 3) + name.substring(3)", "\"Åse\""},
	        {"'ÆØÅ×Ü'.lower()", "\"æøå×ü\""},
	        {"name.startsWith('Å') && name.endsWith('se') && name.contains('s') && name.contains('')", "true"},
	        {"'a\\n\\t\\'\\\\\\x41\\u00e6\\U0001F600\\101'", "\"a\\n\\t'\\\\Aæ😀A\""},
	        {"r'\\d' + R\"\\n\"", "\"\\\\d\\\\n\""},
	        {"'''it's\n'two' lines'''", "\"it's\\n'two' lines\""},
	        {"\"\"\"a\"b\"\"\"", "\"a\\\"b\""},
	        {"'abc' < 'abd' && 'ab' < 'abc'", "true"},
	};
	(void)state;
	VALUES(table);
}

static void test_lists(void **state) {
	static const struct expected table[] = {
	        {"[]", "[]"},
	        {"[1, 2,]", "[1,2]"},
	        {"[1] + [] + [2, 3]", "[1,2,3]"},
	        {"[] == [1]", "false"},
	        {"tags[1]", "\"blue\""},
	        {"'red' in tags && !('green' in tags)", "true"},
	        {"size(tags) + tags.size()", "4"},
	        {"distinct(tags + tags) == tags && distinct([2, 1, 2, 2]) == [2, 1]", "true"},
        {"size(distinct([1, 2].filter(n, n > 2)))", "0"},
        {"tags.all(t, t.size() > 2)", "true"},
	        {"tags.exists(t, t == 'blue')", "true"},
	        {"tags.exists_one(t, t.contains('e'))", "false"},
	        {"tags.map(t, t.size())", "[3,4]"},
	        {"tags.map(t, t.size() > 3, t + '!')", "[\"blue!\"]"},
	        {"tags.filter(t, t.startsWith('r'))", "[\"red\"]"},
	        {"[1, 2].map(x, [3, 4].map(y, x * y))", "[[3,4],[6,8]]"},
	        {"[1, 2].map(x, [x].map(x, x + 1)[0] * x)", "[2,6]"}, /* the inner name hides the outer one */
	        {"[].all(x, anything)", "true"},
	        {"[].exists(x, anything) || [].exists_one(x, anything)", "false"},
	        {"[].map(x, x) + [1]", "[1]"},
	        {"[[], [1]][1].all(x, x > 0)", "true"}, /* the item type comes from the list that has one */
	        {"[[], [[]], [[1]]][2][0][0] + 1", "2"},
	        {"(flag ? [] : [1]) + [2]", "[2]"},
	        {"(flag ? [[1]] : [[]])[0][0]", "1"},
	        {"([[]] + [[1]])[1].map(x, x + 1)", "[2]"},
	        {"children.exists(c, c.workflow == 'survey' && c.ended)", "true"},
	        {"children.filter(c, !c.ended).map(c, c.state)", "[\"open\"]"},
	        {"children[0]", "{\"workflow\":\"survey\",\"state\":\"open\",\"ended\":false}"},
	        {"children[0] == children[0] && children[0] != children[1]", "true"},
	};
	(void)state;
	VALUES(table);
}

static void test_rows(void **state) {
	static const struct expected table[] = {
	        {"rows(schools).map(r, r.key)", "[\"s3\",\"s1\",\"s5\",\"s2\",\"s4\"]"}, /* in file order */
	        {"rows(schools).size() + size(rows(schools))", "10"},
	        {"rows(schools).filter(r, r.places > 12)[0]", "{\"key\":\"s3\",\"version\":\"1\"}"},
	        {"rows(schools).exists(r, r == place) && place in rows(schools)", "true"},
	        {"rows(schools).filter(schools, schools.places == 7).map(s, s.name)", "[\"Nord\"]"}, /* a name of a value does not hide it */
	        {"rows(schools) == rows(schools)", "true"},
	};
	(void)state;
	VALUES(table);
}

static void test_rows_are_known_at_load(void **state) {
	struct arena *a = arena_new();
	struct value v;
	struct err err = {0};
	(void)state;
	const struct expression *e = must_compile(a, "count > 100 && rows(schools).size() > 3", &scope);
	assert_true(expression_reads(e, SCHOOLS) && !expression_reads(e, MANY) && expression_reads(e, COUNT_));
	reads = 0;
	assert_true(run(a, e, &v, &err) && !v.boolean);
	assert_int_equal(reads, 0); /* what does not come to it does not read it */
	assert_false(expression_never_falls(must_compile(a, "rows(schools).size() > 3", &scope), (size_t[]){NOW}, 1));
	struct environment nowhere = {.slots = slots, .slot_count = SLOTS, .zone = zone, .calendar = calendar, .rows = NULL};
	assert_false(expression_evaluate(must_compile(a, "rows(schools).size()", &scope), &nowhere, a, &v, &err));
	assert_non_null(strstr(err.text, "no register can be read here"));
	many = 0;
	assert_false(run(a, must_compile(a, "rows(many).size()", &scope), &v, &err));
	assert_int_equal(err.kind, ERR_TRANSIENT); /* that it was the store is not lost */
	struct scope_name with_let[COUNT(names) + 1];
	memcpy(with_let, names, sizeof names);
	struct scope wider = {.items = with_let, .count = COUNT(names), .cap = COUNT(with_let), .warns = true, .registers = registers, .register_count = COUNT(registers)};
	with_let[wider.count++] = (struct scope_name){.name = STR("open"), .type = T(BOOL), .slot = SIZE_MAX, .let = must_compile(a, "rows(many).exists(r, r.places > 5)", &wider)};
	assert_true(expression_reads(must_compile(a, "open && flag", &wider), MANY));
	arena_free(a);
}

/* Town centres (GeoNames), and how far they lie apart: within half of the last digit that is told. */
static void test_distance(void **state) {
	static const struct {
		const char *from, *to;
		double km;
	} table[] = {
	        {"56.15674, 10.21076", "56.4607, 10.03639", 35.47},   /* Aarhus, Randers */
	        {"56.15674, 10.21076", "56.1697, 9.54508", 41.24},    /* Silkeborg */
	        {"56.15674, 10.21076", "56.45319, 9.40201", 59.80},   /* Viborg */
	        {"55.4904, 9.47216", "55.04434, 9.41741", 49.72},     /* Kolding, Aabenraa */
	        {"55.4904, 9.47216", "55.47028, 8.45187", 64.33},     /* Esbjerg */
	        {"55.39594, 10.38831", "55.05982, 10.60677", 39.86},  /* Odense, Svendborg */
	        {"55.39594, 10.38831", "55.4904, 9.47216", 58.73},    /* Kolding */
	        {"55.67594, 12.56553", "55.92791, 12.30081", 32.54},  /* København, Hillerød */
	        {"55.67594, 12.56553", "55.71751, 11.71279", 53.64},  /* Holbæk */
	        {"55.67594, 12.56553", "55.10091, 14.70664", 149.58}, /* Rønne */
	        {"57.048, 9.9187", "57.46417, 9.98229", 46.43},       /* Aalborg, Hjørring */
	        {"57.048, 9.9187", "56.77276, 9.33925", 46.63},       /* Farsø */
	        {"56.95523, 8.69491", "56.77276, 9.33925", 44.11},    /* Thisted, Farsø */
	        {"57.048, 9.9187", "57.048, 9.9187", 0},
	        {"0.0, 0.0", "0.0, 180.0", 20015.11}, /* half around */
	        {"90.0, 0.0", "-90.0, 77.0", 20015.11},
	        {"0.0, 179.5", "0.0, -179.5", 111.20}, /* over the date line */
	};
	static const char *const nowhere[] = {"90.1, 0.0, 0.0, 0.0", "0.0, 180.1, 0.0, 0.0", "0.0, 0.0, -90.1, 0.0", "0.0, 0.0, 0.0, -180.1", "0.0 / 0.0, 0.0, 0.0, 0.0", "0.0, 0.0, 0.0, 1.0 / 0.0"};
	struct arena *a = arena_new();
	struct value v;
	struct err err = {0};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct str there = arena_printf(a, "distance_km(%s, %s)", table[i].from, table[i].to), back = arena_printf(a, "distance_km(%s, %s)", table[i].to, table[i].from);
		assert_true(run(a, must_compile(a, there.at, &scope), &v, &err));
		if (!(v.decimal >= table[i].km - 0.005 && v.decimal <= table[i].km + 0.005))
			fail_msg("%s is %.4f, not %.2f", there.at, v.decimal, table[i].km);
		double km = v.decimal;
		assert_true(run(a, must_compile(a, back.at, &scope), &v, &err) && v.decimal == km);
	}
	for (size_t i = 0; i < COUNT(nowhere); i++) {
		assert_false(run(a, must_compile(a, arena_printf(a, "distance_km(%s)", nowhere[i]).at, &scope), &v, &err));
		assert_non_null(strstr(err.text, "there is no place at latitude"));
	}
	arena_free(a);
}

static void test_sort_by(void **state) {
	static const struct expected table[] = {
	        {"rows(schools).sortBy(r, r.id).map(r, r.key)", "[\"s1\",\"s2\",\"s3\",\"s4\",\"s5\"]"},
	        {"rows(schools).sortBy(r, r.places).map(r, r.key)", "[\"s4\",\"s1\",\"s2\",\"s3\",\"s5\"]"}, /* stable */
	        {"rows(schools).sortBy(r, -r.places, r.name).map(r, r.key)", "[\"s5\",\"s3\",\"s1\",\"s2\",\"s4\"]"},
	        {"rows(schools).sortBy(r, r.name, r.places, r.id).map(r, r.key)", "[\"s4\",\"s1\",\"s5\",\"s3\",\"s2\"]"},
	        {"[3, 1, 2].sortBy(n, n)", "[1,2,3]"},
	        {"[2.5, 0.0 / 0.0, -1.0, 0.0 / 0.0, 1e300 * 1e10].sortBy(x, x).map(x, string(x))", "[\"-1\",\"2.5\",\"inf\",\"nan\",\"nan\"]"},
	        {"[true, false].sortBy(b, b)", "[false,true]"},
	        {"[day, day - 1d].sortBy(d, d)", "[\"2026-03-26\",\"2026-03-27\"]"},
	        {"[[3, 1], [2], []].sortBy(l, size(l))", "[[],[2],[3,1]]"},
	        {"[].sortBy(x, anything)", "[]"},
	        {"[1].filter(x, x > 1).sortBy(x, x)", "[]"},
	};
	(void)state;
	VALUES(table);
}

/* What a round asks for passes; what would take long ends. */
static void test_steps_over_rows(void **state) {
	static const struct {
		size_t rows;
		const char *text;
		bool passes;
	} table[] = {
	        {1000, "rows(many).filter(r, r.places > 10 && r.name.startsWith('some') && r.name.contains('where') && r.id != 'r7' && (r.places % 3 == 0 || !(r.name in tags))"
	               " && has(r.places) && r.places < 2000 && [1, 2, 3].exists(n, n == r.places % 4)).sortBy(r, r.places, r.id).size() > 100", true},
	        {1000, "rows(many).filter(r, rows(schools).exists(s, s.places == r.places)).size() > 0", true},
	        {1000, "size(distinct(rows(many).map(r, r.places))) == 1000", true},
	        {100000, "rows(many).filter(r, r.places > 10 && r.name == 'somewhere').sortBy(r, r.places).size() > 0", true},
	        /* For each row all others: the first of a couple, who gets a post that has another one near (A19). */
	        {720, "rows(many).filter(r, rows(many).exists(s, s.id != r.id && s.places >= r.places && distance_km(1.0, 2.0, 1.0, 2.0) > 1.0)).size() == 0", true},
	        {1000, "rows(many).all(r, rows(many).exists(s, s.places == r.places))", true},
	        {4000, "rows(many).all(r, rows(many).exists(s, s.places == r.places))", false},
	        {100, "rows(many).filter(r, rows(many).exists(s, rows(many).exists(t, t.places < 0))).size() == 0", false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct arena *a = arena_new();
		struct value v;
		struct err err = {0};
		many = table[i].rows;
		bool ok = run(a, must_compile(a, table[i].text, &scope), &v, &err);
		if (ok != table[i].passes || (ok && !v.boolean) || (!ok && !strstr(err.text, "more than ")))
			fail_msg("%s over %zu rows: %s", table[i].text, many, err.text);
		arena_free(a);
	}
	many = 0;
}

static void test_records_and_maps(void **state) {
	static const struct expected table[] = {
	        {"place", "{\"key\":\"s1\",\"version\":\"v1\"}"},
	        {"place.name + place.key + place.id", "\"Nords1s1\""},
	        {"place == 's1' && 's1' == place && place != 's2'", "true"},
	        {"place == place", "true"},
	        {"has(place.name) && !has(place.places)", "true"},
	        {"levels['sawing']", "2"},
	        {"'planing' in levels && !('x' in levels)", "true"},
	        {"size(levels)", "3"},
	        {"levels.filter(k, has(levels[k]) && levels[k] > 0)", "[\"sawing\"]"},
	        {"has(levels['gluing']) || has(levels['x'])", "false"},
	        {"levels == levels", "true"},
	};
	(void)state;
	VALUES(table);
}

static void test_dates(void **state) {
	static const struct expected table[] = {
	        {"day + 3d", "\"2026-03-30\""},
	        {"2w + day", "\"2026-04-10\""},
	        {"day - 1 month", "\"2026-02-27\""},
	        {"date('2026-01-31') + 1 month", "\"2026-02-28\""},
	        {"date('2024-02-29') + 2 years", "\"2026-02-28\""},
	        {"day + 168h", "\"2026-04-03\""},
	        {"day + 3 workdays", "\"2026-04-01\""},
	        {"date('2026-04-01') + 1 workday", "\"2026-04-07\""}, /* over Easter */
	        {"date('2026-04-07') - 1 workday", "\"2026-04-01\""},
	        {"date('2026-04-10') - day", "\"14d\""},
	        {"date('2026-04-10') - day == 2w", "true"},
	        {"day - date('2026-04-10') < 0d", "true"},
	        {"day.year() * 10000 + day.month() * 100 + day.day()", "20260327"},
	        {"day.weekday()", "5"},
	        {"meeting.weekday() + meeting.year()", "2031"},
	        {"meeting.date() == day && date(meeting) == day && date(now) == day", "true"},
	        {"at(day, '08:30')", "\"2026-03-27T08:30\""},
	        {"datetime('2026-03-29T12:00') > meeting", "true"},
	        {"datetime('2026-03-28T12:00') - meeting", "\"86400s\""},
	        {"workday(day) && !workday(day + 1d) && holiday(date('2026-04-03')) && !holiday(day)", "true"},
	        {"workdays(day, date('2026-04-07'))", "4"},
	        {"workdays(date('2026-04-07'), day)", "-4"},
        {"slot(2, meeting, 90min, '09:00', '12:30')", "\"2026-03-30T09:00\""}, /* a Friday: the weekend lies between */
        {"[1, 55, 56].map(n, slot(n, datetime('2024-04-02T12:00'), 10min, '09:00', '21:00').date().day())", "[2,2,3]"},
	        {"min(day, date('2026-01-01'))", "\"2026-01-01\""},
	        {"min(7d, 2w)", "\"7d\""},
	        {"max(7d, 169h)", "\"608400s\""},
	        {"7d <= 168h && 7d >= 168h && 90s < 15min", "true"},
	        {"7d + 1 month - 12h", "\"1 months 7d -43200s\""},
	        {"-(3d)", "\"-3d\""},
	        {"string(day) + ' ' + string(meeting) + ' ' + string(90s)", "\"2026-03-27 2026-03-27T12:00 90s\""},
	};
	(void)state;
	VALUES(table);
}

/* 2026-03-29 has 23 hours, 2026-10-25 has 25. */
static void test_daylight_saving(void **state) {
	static const struct expected table[] = {
	        {"datetime('2026-03-28T12:00') + 1d", "\"2026-03-29T12:00\""},
	        {"datetime('2026-03-28T12:00') + 24h", "\"2026-03-29T13:00\""},
	        {"datetime('2026-10-24T12:00') + 1d", "\"2026-10-25T12:00\""},
	        {"datetime('2026-10-24T12:00') + 24h", "\"2026-10-25T11:00\""},
	        {"datetime('2026-03-28T02:30') + 1d", "\"2026-03-29T03:00\""}, /* half past two does not exist: the next valid time */
	        {"instant(datetime('2026-03-28T12:00')) + 1d", "\"2026-03-29T10:00:00.000Z\""},
	        {"instant(datetime('2026-03-28T12:00')) + 24h", "\"2026-03-29T11:00:00.000Z\""},
	        {"instant(datetime('2026-03-29T12:00')) - instant(datetime('2026-03-28T12:00'))", "\"82800s\""},
	        {"datetime('2026-10-25T12:00') - datetime('2026-10-24T12:00')", "\"90000s\""},
	        {"instant(datetime('2026-10-25T02:30'))", "\"2026-10-25T00:30:00.000Z\""}, /* the first of two */
	        {"datetime(instant(datetime('2026-10-25T02:30')) + 1h)", "\"2026-10-25T02:30\""},
	        {"date(now + 2d)", "\"2026-03-29\""},
	        {"now - 1w < now && now + 1 month > now + 4w", "true"},
	};
	(void)state;
	VALUES(table);
}

/* An error on one side of && and || counts only when the other does not decide. */
static void test_errors_absorbed(void **state) {
	static const struct expected table[] = {
	        {"false && 1 / 0 == 1", "false"},
	        {"1 / 0 == 1 && false", "false"},
	        {"true || 1 / 0 == 1", "true"},
	        {"1 / 0 == 1 || true", "true"},
	        {"[1, 0].exists(x, 1 / x == 1)", "true"},
	        {"[0, 1].exists(x, 1 / x == 1)", "true"},
	        {"[0, 1].all(x, 1 / x > 1)", "false"},
	        {"flag ? 1 : 1 / 0", "1"},
	        {"has(maybe) && maybe > 3", "false"},
	        {"maybe > 3 && has(maybe)", "false"},
	        {"!has(maybe) || maybe > 3", "true"},
	};
	(void)state;
	VALUES(table);
}

struct refused {
	const char *text, *where, *why;
};

static void test_refused_at_load(void **state) {
	static const struct refused table[] = {
	        {"", "3:10", "a value is expected, but the expression ends"},
	        {"cuont + 1", "3:10", "unknown name 'cuont'; did you mean 'count'?"},
	        {"1 + zzzzz", "3:14", "unknown name 'zzzzz'"},
	        {"rows(school)", "3:15", "unknown register 'school'; did you mean 'schools'?"},
	        {"rows(tags)", "3:15", "unknown register 'tags'"},
	        {"rows('schools')", "3:15", "rows() takes the name of a register"},
	        {"rows()", "3:10", "rows() takes the name of a register"},
	        {"rows(schools, many)", "3:10", "rows() takes the name of a register"},
	        {"rows(schools).filter(r, r.place > 1)", "3:36", "row of schools has no 'place'; did you mean 'places'?"},
	        {"rows(schools)[0] == 1", "3:27", "not row of schools and int"},
	        {"rows(schools).sortBy(r, r)", "3:34", "sortBy takes keys of ordered types, not row of schools"},
	        {"tags.sortBy(t, [t])", "3:25", "sortBy takes keys of ordered types, not list of string"},
	        {"tags.sortBy(t)", "3:15", "sortBy takes a name and an expression"},
	        {"levels.sortBy(k, k)", "3:17", "map of int is no list"},
	        {"tags.map(item, itme)", "3:25", "did you mean 'item'?"},
	        {"count +\n  'a'", "3:16", "'+' takes int and int, or string and string, not int and string"},
	        {"count +\n  cout", "4:3", "did you mean 'count'?"},
	        {"'æøå' + 1", "3:16", "not string and int"}, /* columns are characters */
	        {"1 == 'a'", "3:12", "any type and the same type, not int and string"},
	        {"flag && count", "3:18", "what stands after && or || must be bool, not int"},
	        {"count ? 1 : 2", "3:10", "must be bool, not int"},
	        {"flag ? 1 : 'a'", "3:21", "both sides of : must have one type: int first, string here"},
	        {"!count", "3:10", "'!' takes bool, not int"},
	        {"now > day", "3:14", "an ordered type and the same type, not instant and date"},
	        {"day + day", "3:14", "not date and date"},
	        {"place.nmae", "3:16", "row of schools has no 'nmae'; did you mean 'name'?"},
	        {"count.name", "3:16", "int has no members"},
	        {"count[0]", "3:15", "int has no [ ]"},
	        {"tags['a']", "3:15", "an int is expected between [ ]"},
	        {"levels[1]", "3:17", "a string is expected between [ ]"},
	        {"[][0]", "3:12", "the empty list has no items"},
	        {"[1, 'a']", "3:14", "a list holds values of one type: int first, string here"},
	        {"[[], [1], ['a']]", "3:20", "list of int first, list of string here"},
	        {"[[], [1]][1] + ['a']", "3:23", "not list of int and list of string"},
	        {"'a' in [1]", "3:14", "an item and a list"},
	        {"size(1)", "3:10", "the function 'size' takes string, or a list, or a map, not int"},
	        {"size()", "3:10", "not nothing"},
	        {"tags.siz()", "3:15", "there is no method 'siz'; did you mean 'size'?"},
	        {"workday2(day)", "3:10", "there is no function 'workday2'; did you mean 'workday'?"},
	        {"startsWith('a', 'b')", "3:10", "there is no function 'startsWith'"},
	        {"count.all(x, true)", "3:16", "int is no list"},
	        {"tags.all(1, true)", "3:19", "a name for the item is expected"},
	        {"tags.all(t, t)", "3:22", "the condition must be bool, not string"},
	        {"tags.all(t)", "3:15", "all takes a name and an expression"},
	        {"has(1)", "3:10", "has() takes one field, member or item"},
	        {"has(cuont)", "3:14", "did you mean 'count'?"},
	        {"null", "3:10", "there is no null; has(x) asks"},
	        {"count = 1", "3:16", "'=' is no operator; '==' compares"},
	        {"flag & flag", "3:15", "write && and ||"},
	        {"count #", "3:16", "this character has no meaning here"},
	        {"\xff", "3:10", "this character has no meaning here"},
	        {"'abc", "3:10", "a string is not closed"},
	        {"'a\nb'", "3:10", "a string is not closed"},
	        {"'\\q'", "3:10", "unknown escape in a string"},
	        {"'\\ud800'", "3:10", "an escape in a string is no character"},
	        {"'\\x4'", "3:10", "an escape in a string is too short"},
	        {"'\xc3'", "3:10", "a string is not UTF-8"},
	        {"9223372036854775808", "3:10", "the number is too large"},
	        {"0x", "3:10", "0x is followed by no hexadecimal digit"},
	        {"1x", "3:10", "unknown unit of a duration"},
	        {"2.5d", "3:10", "letters that are no unit"},
	        {"(1 + 2", "3:16", "')' is expected, but the expression ends"},
	        {"1 2", "3:12", "an operator or the end is expected, not '2'"},
	        {"'a' 'b'", "3:14", "not a string"},
	        {"size('a',)", "3:19", "a value is expected, not ')'"},
	        {"[,]", "3:11", "a value is expected, not ','"},
	        {"flag ? 1", "3:18", "':' is expected"},
	        {"tags.", "3:15", "a name after '.' is expected"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct arena *a = arena_new();
		struct problems problems;
		struct buf out;
		char start[40];
		buf_init(&out, 2000);
		if (compile(a, table[i].text, &scope, &problems))
			fail_msg("%s was accepted", table[i].text);
		assert_true(problems.count == 1 && problems.errors == 1);
		problems_print(&problems, &out);
		snprintf(start, sizeof start, "f.yaml:%s: error: ", table[i].where);
		if (!str_starts(buf_text(&out), str_from(start)) || !strstr(out.at, table[i].why))
			fail_msg("%s: %s but %s %s was expected", table[i].text, out.at, start, table[i].why);
		buf_free(&out);
		arena_free(a);
	}
}

static void test_errors_at_run_time(void **state) {
	static const struct refused table[] = {
	        {"1 + maybe", "character 5", "'maybe' is not set"},
	        {"other + '!'", "character 1", "'other' is not set"}, /* never read as a string */
	        {"place.places", "character 7", "'places' is not set"},
	        {"levels['gluing']", "character 7", "there is no 'gluing'"},
	        {"levels['x']", "character 7", "there is no 'x'"},
	        {"tags[2]", "character 5", "there is no item 2"},
	        {"tags[-1]", "character 5", "there is no item -1"},
	        {"'æ'.size() / 0", "character 12", "division by zero"},
	        {"1 % 0", "character 3", "division by zero"},
	        {"9223372036854775807 + 1", "character 21", "too large"},
	        {"-9223372036854775808 - 1", "character 22", "too large"},
	        {"4611686018427387904 * 2", "character 21", "too large"},
	        {"-9223372036854775808 / -1", "character 22", "too large"},
	        {"[-9223372036854775808].map(x, -x)", "character 31", "too large"},
	        {"int(1e19)", "character 1", "too large"},
	        {"int(0.0 / 0.0)", "character 1", "too large"},
	        {"int('1a')", "character 1", "no whole number"},
	        {"double(' 1')", "character 1", "no number"},
	        {"double('1\\u00002')", "character 1", "no number"},
	        {"name.substring(4)", "character 6", "reaches beyond a text of 3 characters"},
	        {"name.substring(0, 4)", "character 6", "reaches beyond"},
	        {"name.substring(2, 1)", "character 6", "reaches beyond"},
	        {"name.substring(0 - 1, 1)", "character 6", "reaches beyond"},
	        {"bool('maybe')", "character 1", "neither true nor false"},
	        {"date('2026-02-30')", "character 1", "no date such as"},
	        {"datetime('now')", "character 1", "no datetime such as"},
	        {"at(day, '25:00')", "character 1", "no time such as"},
	        {"day + 1h", "character 5", "a date has no time of day"},
	        {"1 month < 30d", "character 9", "cannot be compared by length"},
	        {"max(1 month, 30d)", "character 1", "cannot be compared by length"},
	        {"workdays(date('1900-01-01'), date('2199-01-01'))", "character 1", "days apart"},
        {"slot(0, meeting, 10min, '09:00', '21:00')", "character 1", "no slot 0"},
        {"slot(count, meeting, 1d, '09:00', '21:00')", "character 1", "minutes or hours"},
        {"slot(count, meeting, 10min, '09:00', 'noon')", "character 1", "no time"},
        {"slot(count, meeting, 10min, '09:00', '11:50')", "character 1", "later in the day"},
        {"slot(99999999, meeting, 10min, '09:00', '21:00')", "character 1", "no slot 99999999"},
	        {"true && 1 / 0 == 1", "character 11", "division by zero"},
	        {"1 / 0 == 1 && tags[9] == ''", "character 19", "there is no item 9"},
	        {"[1, 0].all(x, 1 / x == 1)", "character 17", "division by zero"},
	        {"[2, 0].exists_one(x, 1 / x == 1)", "character 24", "division by zero"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct arena *a = arena_new();
		struct value v;
		struct err err = {0};
		if (run(a, must_compile(a, table[i].text, &scope), &v, &err))
			fail_msg("%s was evaluated", table[i].text);
		assert_int_equal(v.kind, KIND_UNSET);
		assert_int_equal(err.kind, ERR_INPUT);
		char where[40];
		snprintf(where, sizeof where, "%s of: ", table[i].where);
		if (!strstr(err.text, table[i].why) || !strstr(err.text, where))
			fail_msg("%s: %s, but %s at %s was expected", table[i].text, err.text, table[i].why, table[i].where);
		arena_free(a);
	}
}

static void test_guard(void **state) {
	struct arena *a = arena_new();
	struct environment env = {.slots = slots, .slot_count = SLOTS, .zone = zone, .calendar = calendar, .rows = &row_source};
	struct err err = {0};
	(void)state;
	assert_true(expression_holds(must_compile(a, "count > 3", &scope), &env, a, &err));
	assert_false(expression_holds(must_compile(a, "count > 30", &scope), &env, a, &err));
	assert_int_equal(err.kind, ERR_NONE);
	assert_false(expression_holds(must_compile(a, "maybe > 3", &scope), &env, a, &err));
	assert_int_equal(err.kind, ERR_INPUT);
	arena_free(a);
}

/* What one instance gives to another: a name alone that is not set is nothing, and no error. */
static void test_pass_on(void **state) {
	struct arena *a = arena_new();
	struct environment env = {.slots = slots, .slot_count = SLOTS, .zone = zone, .calendar = calendar, .rows = &row_source};
	struct err err = {0};
	struct value v;
	(void)state;
	assert_true(expression_pass_on(must_compile(a, "count", &scope), &env, a, &v, &err));
	assert_int_equal(v.kind, KIND_INT);
	assert_true(expression_pass_on(must_compile(a, "maybe", &scope), &env, a, &v, &err));
	assert_int_equal(v.kind, KIND_UNSET);
	assert_false(expression_pass_on(must_compile(a, "maybe + 1", &scope), &env, a, &v, &err));
	assert_int_equal(err.kind, ERR_INPUT);
	arena_free(a);
}

static void test_wanted_type(void **state) {
	static const struct type bool_type = T(BOOL), strings = {.kind = KIND_LIST, .item = &string_type};
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct yaml_place place = {"f", 1, 1};
	(void)state;
	assert_null(expression_compile(a, STR("1 + count"), place, &scope, &bool_type, &problems));
	assert_true(str_is(problems.items[0].text, "bool is expected, this is int") && problems.items[0].place.column == 3);
	assert_non_null(expression_compile(a, STR("[]"), place, &scope, &strings, &problems));
	assert_null(expression_compile(a, STR("[1]"), place, &scope, &strings, &problems));
	assert_true(str_is(problems.items[1].text, "list of string is expected, this is list of int"));
	const struct expression *e = expression_compile(a, STR("flag"), place, &scope, &bool_type, &problems);
	assert_int_equal(expression_type(e)->kind, KIND_BOOL);
	assert_true(str_is(expression_source(e), "flag"));
	arena_free(a);
}

/* Reading what may be unset warns, unless has() stands in the same chain or condition; let is a named expression. */
static void test_warnings(void **state) {
	static const struct {
		const char *let, *text;
		int column; /* 0: none */
	} table[] = {
	        {"true", "maybe > 3", 10},
	        {"true", "count > 3 && maybe > 3", 23},
	        {"true", "has(maybe) && maybe > 3", 0},
	        {"true", "maybe > 3 && has(maybe)", 0},
	        {"true", "flag && has(maybe) && count > 1 && maybe > 3", 0},
	        {"true", "flag && (has(maybe) && count > 1) && (flag || maybe > 3)", 0},
	        {"true", "has(maybe) || maybe > 3", 24},
	        {"true", "!has(maybe) || maybe > 3", 0},
	        {"true", "!(has(maybe) && flag) || maybe > 3", 0},
	        {"true", "!(has(maybe) || flag) || maybe > 3", 35},
	        {"true", "has(maybe) ? maybe : 0", 0},
	        {"true", "has(maybe) ? 0 : maybe", 27},
	        {"true", "!has(maybe) ? 0 : maybe", 0},
	        {"true", "(has(maybe) && flag) == (maybe > 3)", 35},
	        {"true", "[1].exists(x, has(maybe) && x == maybe)", 0},
	        {"true", "has(maybe) && [1].exists(x, x == maybe)", 0},
	        {"true", "later.name == 'x'", 10},
	        {"true", "has(later) && later.name == 'x'", 0},
	        {"true", "has(later.name) && later.name == 'x'", 0},
	        {"has(maybe)", "named && maybe > 3", 0},
	        {"has(maybe)", "!named || maybe > 3", 0},
	        {"has(maybe)", "named || maybe > 3", 19},
	        {"!has(maybe) || flag", "named || maybe > 3", 0},
	        {"flag && has(maybe) && maybe > 1", "named ? maybe : 0", 0},
	        /* members that may be left out */
	        {"true", "people[0].mail == 'x'", 20},
	        {"true", "has(people[0].mail) && people[0].mail == 'x'", 0},
	        {"true", "has(people[0].mail) && people[1].mail == 'x'", 43},
	        {"true", "people[0].name == 'x'", 0},
	        {"true", "people.all(p, !has(p.mail) || p.mail == 'x')", 0},
	        {"true", "people.all(p, p.mail == 'x')", 26},
	        {"true", "people.map(p, has(p.mail), p.mail) == []", 0},
	        {"true", "people.map(p, p.mail) == []", 26},
	        {"true", "people.map(p, has(p.name), p.mail) == []", 39},
	        {"true", "people.filter(p, has(p.mail)).map(q, q.mail) == []", 0},
	        {"true", "people.filter(p, flag && has(p.mail))[0].mail == 'x'", 0},
	        {"true", "people.filter(p, flag || has(p.mail)).map(q, q.mail) == []", 57},
	        {"true", "people.exists(p, has(p.mail)) && people.exists(p, p.mail == 'x')", 62},
	        {"true", "has(people[0].mail) ? people[0].mail == 'x' : flag", 0},
	        {"has(people[0].mail)", "named && people[0].mail == 'x'", 0},
	        {"has(people[0].mail)", "named || people[0].mail == 'x'", 29},
	        {"people.exists(p, has(p.mail) && p.mail == 'x')", "named", 0},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct arena *a = arena_new();
		struct problems problems;
		struct scope_name with_let[COUNT(names) + 1];
		memcpy(with_let, names, sizeof names);
		with_let[COUNT(names)] = (struct scope_name){.name = STR("named"), .type = T(BOOL), .slot = SIZE_MAX, .let = must_compile(a, table[i].let, &scope)};
		struct scope wider = {.items = with_let, .count = COUNT(with_let), .cap = COUNT(with_let), .warns = true, .registers = NULL, .register_count = 0};
		assert_non_null(compile(a, table[i].text, &wider, &problems));
		assert_int_equal(problems.errors, 0);
		int column = problems.count ? problems.items[0].place.column : 0;
		if (column != table[i].column || problems.count > 1)
			fail_msg("%s (named: %s): %zu warnings, column %d instead of %d", table[i].text, table[i].let, problems.count, column, table[i].column);
		arena_free(a);
	}
}

static void test_lets(void **state) {
	struct arena *a = arena_new();
	struct value v;
	struct err err = {0};
	(void)state;
	struct scope_name with_let[COUNT(names) + 2];
	memcpy(with_let, names, sizeof names);
	struct scope wider = {.items = with_let, .count = COUNT(names), .cap = COUNT(with_let), .warns = true, .registers = registers, .register_count = COUNT(registers)};
	with_let[wider.count++] = (struct scope_name){.name = STR("twice"), .type = T(INT), .slot = SIZE_MAX, .let = must_compile(a, "[count].map(x, x * 2)[0]", &wider)};
	with_let[wider.count++] = (struct scope_name){.name = STR("broken"), .type = T(INT), .slot = SIZE_MAX, .let = must_compile(a, "twice / (twice - 14)", &wider)};
	const struct expression *e = must_compile(a, "[1, 2].map(x, x + twice)[1]", &wider);
	assert_true(run(a, e, &v, &err) && v.integer == 16);
	assert_true(expression_reads(e, COUNT_) && !expression_reads(e, RATE) && !expression_reads(e, 100000));
	assert_true(expression_reads(must_compile(a, "broken > 1 || has(rate)", &wider), COUNT_));
	assert_true(expression_reads(must_compile(a, "broken > 1 || has(rate)", &wider), RATE));
	assert_false(run(a, must_compile(a, "1 + broken", &wider), &v, &err));
	assert_non_null(strstr(err.text, "of: twice / (twice - 14)")); /* where it stands, not who asked */
	arena_free(a);
}

/* What names itself twice at each of many levels must cost neither time nor stack. */
static void test_lets_of_lets(void **state) {
	enum { LETS = 100, TOO_MANY = 200 };
	struct arena *a = arena_new();
	struct scope_name items[TOO_MANY + 1] = {{.name = STR("l0"), .type = T(BOOL), .optional = true}};
	struct scope chain = {.items = items, .count = 1, .cap = COUNT(items), .warns = true, .registers = NULL, .register_count = 0};
	struct problems problems;
	struct value v;
	struct err err = {0};
	const struct expression *e = NULL;
	(void)state;
	for (size_t i = 1; i <= TOO_MANY; i++) {
		struct str text = arena_printf(a, "l%zu && l%zu", i - 1, i - 1);
		e = compile(a, text.at, &chain, &problems);
		if (i == LETS) {
			assert_non_null(e);
			assert_true(expression_reads(e, 0));
			assert_false(run(a, e, &v, &err));
			assert_non_null(strstr(err.text, "more than 100000 steps"));
		}
		if (!e)
			break;
		items[chain.count++] = (struct scope_name){.name = arena_printf(a, "l%zu", i), .type = T(BOOL), .slot = SIZE_MAX, .let = e};
	}
	assert_null(e);
	assert_non_null(strstr(problems.items[problems.count - 1].text.at, "named expressions build on each other"));
	arena_free(a);
}

/* A caller that gives the type of [] to a list with items gets an error: its bodies were never checked. */
static void test_items_without_type(void **state) {
	static const char *const texts[] = {"odd.all(x, x > 0)", "odd.exists(x, nonsense)", "odd.exists_one(x, x)", "odd.filter(x, x) == []", "odd.map(x, x) == []"};
	struct scope_name odd = {.name = {"odd", 3}, .type = T(LIST), .slot = TAGS};
	struct scope only = {.items = &odd, .count = 1, .cap = 1, .warns = true, .registers = NULL, .register_count = 0};
	struct value v;
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct arena *a = arena_new();
		struct err err = {0};
		assert_false(run(a, must_compile(a, texts[i], &only), &v, &err));
		assert_non_null(strstr(err.text, "no one type"));
		arena_free(a);
	}
}

static struct str repeated(struct arena *a, const char *before, const char *piece, size_t times, const char *after) {
	struct buf out;
	buf_init(&out, 100000);
	buf_z(&out, before);
	for (size_t i = 0; i < times; i++)
		buf_z(&out, piece);
	buf_z(&out, after);
	struct str text = arena_str(a, buf_text(&out));
	buf_free(&out);
	return text;
}

static void test_limits_at_load(void **state) {
	static const struct {
		const char *before, *piece, *after;
		size_t fits, more;
		const char *why;
	} table[] = {
	        {"1", " ", "", 3999, 4000, "longer than 4000 bytes"},
	        {"1", "+1", "", 499, 500, "more than 1000 parts"},
	        {"", "[", "]", 0, 3000, "deeper than 64 levels"},
	        {"", "(", "", 0, 3999, "deeper than 64 levels"},
	        {"", "!", "flag", 62, 3990, "deeper than 64 levels"},
	        {"", "- ", "count", 62, 1990, "deeper than 64 levels"},
	        {"", "true?1:", "2", 62, 500, "deeper than 64 levels"},
	        {"", "size(", "", 0, 700, "deeper than 64 levels"},
	        {"tags", "[0]", "", 1, 400, "string has no [ ]"},
	        {"place", ".name", "", 1, 700, "string has no members"},
	        {"[1]", ".map(x, x)", "[0]", 200, 390, "more than 1000 parts"},
	        {"", "[1].map(x,", "1", 0, 17, "is expected"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct arena *a = arena_new();
		struct problems problems;
		struct value v;
		struct err err = {0};
		if (table[i].fits > 0)
			assert_true(run(a, must_compile(a, repeated(a, table[i].before, table[i].piece, table[i].fits, table[i].after).at, &scope), &v, &err));
		assert_null(compile(a, repeated(a, table[i].before, table[i].piece, table[i].more, table[i].after).at, &scope, &problems));
		if (!strstr(problems.items[0].text.at, table[i].why))
			fail_msg("%zu %s: %.*s", table[i].more, table[i].piece, STR_ARG(problems.items[0].text));
		arena_free(a);
	}
}

static void test_bound_names_are_limited(void **state) {
	struct arena *a = arena_new();
	struct problems problems;
	struct str inner = STR("1");
	(void)state;
	for (int i = 0; i < 16; i++)
		inner = arena_printf(a, "[1].map(x%d, %.*s)", i, STR_ARG(inner));
	must_compile(a, inner.at, &scope);
	inner = arena_printf(a, "[1].map(y, %.*s)", STR_ARG(inner));
	assert_null(compile(a, inner.at, &scope, &problems));
	assert_non_null(strstr(problems.items[0].text.at, "more than 16 names are bound"));
	arena_free(a);
}

/* Loops in loops, memory in loops, lists that hold the same list many times: all end soon, and say so. */
static void test_limits_at_run_time(void **state) {
	static const char *const bodies[] = {
	        "L.all(a, L.all(b, L.all(c, true)))",
	        "L.all(a, L.all(b, L.size() > 0))",
	        "L.all(a, L.all(b, (L + L).size() > 0))",
	        "L.all(a, L.all(b, string(a) + string(b) + string(a) + string(b) != ''))",
	        "L.all(a, L.all(b, 'a,b,c'.lower() == 'a,b,c'))",
	        "L.exists(a, L.exists(b, has(L.map(c, 1 / 0)[0])))",
	        "L.exists(a, L.exists(b, a / 0 == b || L.filter(c, false) != []))",
	        "L.all(a, L.all(b, a in L))",
	        "[1]D == [1]D",
	        "[1]D in [[1]D]",
	        "['x']S[0] == ''",
	        "L.all(a, date('2026-01-01') + 999999999 workdays > date('2026-01-01'))",
	        "L.exists(a, datetime('2026-01-01T12:00') - 9000 workdays == meeting || now + 9000 workdays == now)",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct arena *a = arena_new();
		struct buf out;
		struct value v;
		struct err err = {0};
		buf_init(&out, 4000);
		for (const char *at = bodies[i]; *at; at++) {
			if (*at == 'L')
				buf_str(&out, repeated(a, "[1", ",2", 199, "]"));
			else if (*at == 'D' || *at == 'S')
				buf_str(&out, repeated(a, "", *at == 'D' ? ".map(x,[x,x])" : ".map(x,x+x)", 30, ""));
			else
				buf_char(&out, *at);
		}
		assert_false(out.overflow);
		bool ok = run(a, must_compile(a, out.at, &scope), &v, &err);
		if (ok || !(strstr(err.text, "more than 100000 steps") || strstr(err.text, "too long")))
			fail_msg("%s: %s", bodies[i], err.text);
		buf_free(&out);
		arena_free(a);
	}
}

/* A list may hold one list many times: writing it ends where the room does. */
static void test_json_stops_when_full(void **state) {
	struct value levels[64][2];
	struct buf out;
	(void)state;
	levels[0][0] = levels[0][1] = value_int(1);
	for (size_t i = 1; i < 64; i++)
		levels[i][0] = levels[i][1] = (struct value){.kind = KIND_LIST, .list = {levels[i - 1], NULL, 2}};
	buf_init(&out, 1000);
	value_to_json(&levels[63][0], &out);
	assert_true(out.overflow);
	buf_free(&out);
}

static void test_numbers_as_text(void **state) {
	static const struct {
		double number;
		const char *text;
	} table[] = {{1, "1.0"},      {-0.0, "-0.0"},   {0.1, "0.1"},           {1e21, "1e+21"},   {1.0 / 3, "0.3333333333333333"},
	             {5e-324, "4.94065645841247e-324"}, {1.7976931348623157e308, "1.7976931348623157e+308"}, {123456789.125, "123456789.125"}};
	struct arena *a = arena_new();
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct value v = value_double(table[i].number);
		assert_string_equal(value_text(a, &v).at, table[i].text);
	}
	arena_free(a);
}

static void test_types(void **state) {
	static const struct type open = T(LIST), ints = {.kind = KIND_LIST, .item = &int_type}, strings = {.kind = KIND_LIST, .item = &string_type};
	static const struct type open_lists = {.kind = KIND_LIST, .item = &open}, int_lists = {.kind = KIND_LIST, .item = &ints};
	struct arena *a = arena_new();
	struct type out;
	(void)state;
	assert_true(type_equal(&open, &ints) && type_equal(&ints, &open) && !type_equal(&ints, &strings) && !type_equal(&ints, &int_type));
	assert_true(type_join(a, &open_lists, &int_lists, &out) && out.item->item->kind == KIND_INT);
	assert_true(type_join(a, &int_lists, &open, &out) && out.item->item->kind == KIND_INT);
	assert_true(type_join(a, &open, &open, &out) && out.item == NULL);
	assert_false(type_join(a, &ints, &strings, &out));
	assert_true(str_is(type_name(a, &int_lists), "list of list of int"));
	assert_true(str_is(type_name(a, &open), "list of anything"));
	assert_true(str_is(type_name(a, &names[SCHOOL].type), "row of schools"));
	arena_free(a);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_scalars),
	        cmocka_unit_test(test_strings),
	        cmocka_unit_test(test_lists),
	        cmocka_unit_test(test_rows),
	        cmocka_unit_test(test_rows_are_known_at_load),
	        cmocka_unit_test(test_sort_by),
	        cmocka_unit_test(test_distance),
	        cmocka_unit_test(test_steps_over_rows),
	        cmocka_unit_test(test_records_and_maps),
	        cmocka_unit_test(test_dates),
	        cmocka_unit_test(test_daylight_saving),
	        cmocka_unit_test(test_errors_absorbed),
	        cmocka_unit_test(test_refused_at_load),
	        cmocka_unit_test(test_errors_at_run_time),
	        cmocka_unit_test(test_guard),
		cmocka_unit_test(test_pass_on),
	        cmocka_unit_test(test_wanted_type),
	        cmocka_unit_test(test_warnings),
	        cmocka_unit_test(test_lets),
	        cmocka_unit_test(test_lets_of_lets),
	        cmocka_unit_test(test_items_without_type),
	        cmocka_unit_test(test_limits_at_load),
	        cmocka_unit_test(test_bound_names_are_limited),
	        cmocka_unit_test(test_limits_at_run_time),
	        cmocka_unit_test(test_json_stops_when_full),
	        cmocka_unit_test(test_numbers_as_text),
	        cmocka_unit_test(test_types),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
