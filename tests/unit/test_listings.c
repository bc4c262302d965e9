/* What overviews are searched, filtered and sorted by. */
#include "engine/base/clock.h"
#include "engine/base/fold.h"
#include "engine/store/handle.h"
#include "engine/store/listings.h"
#include "engine/workflow/expression.h"

#include "tests/unit/store_fixture.h"

static const struct str roles[] = {{"worker", 6}, {"boss", 4}};

static struct listing_query mine(struct fixture *f) {
	return (struct listing_query){.contact_id = f->contact, .roles = roles, .role_count = 2, .workflow = STR("case"), .view = STR("all"), .searched = STR("all"), .now = 5000};
}

static void list_it(struct fixture *f, int64_t id, const char *kind, const char *day, int64_t changed_at, const char *text) {
	struct buf fields;
	buf_init(&fields, 1000);
	if (kind)
		listing_field(&fields, STR("kind"), str_from(kind));
	if (day)
		listing_field(&fields, STR("day"), str_from(day));
	struct buf searched;
	buf_init(&searched, 1000);
	listing_field(&searched, STR("other"), STR("secret"));
	listing_field(&searched, STR("all"), str_from(text));
	struct listing l = {.instance_id = id, .workflow = STR("case"), .state = changed_at == 2002 ? STR("done") : STR("open"),
	                    .started_at = 10000 - changed_at, .changed_at = changed_at, .fields = buf_text(&fields), .search_text = buf_text(&searched)};
	OK(listing_put(f->tx, &l, &f->err));
	buf_free(&fields);
	buf_free(&searched);
}

/* Five instances of the contact, and one that is somebody else's. */
static void fill(struct fixture *f, int64_t ids[6]) {
	static const char *const kinds[] = {"big", "small", "bigger", "big", NULL, "big"}, *const days[] = {"2026-03-05", NULL, "2025-12-31", "2026-03-04", NULL, "2026-01-01"};
	static const char *const texts[] = {"ann 50% red_car", "bo 500 redxcar", "\xC3\xA6" "ble \\ back", "", "carl 05-03-2026 5-3-2026", "ann"};
	for (size_t i = 0; i < 6; i++) {
		ids[i] = i ? fixture_instance(f, 0).id : f->instance;
		list_it(f, ids[i], kinds[i], days[i], 2000 + (int64_t)i, texts[i]);
		if (i < 5)
			OK(participation_add(f->tx, ids[i], STR("boss"), f->contact, STR(""), &f->err));
	}
	OK(participation_add(f->tx, ids[1], STR("worker"), f->contact, STR(""), &f->err));
	OK(participation_add(f->tx, ids[5], STR("work"), f->contact, STR(""), &f->err)); /* another role */
}

/* The instances, as digits of their place in ids. */
static const char *rows(struct fixture *f, const int64_t ids[6], struct listing_query query, bool walk) {
	struct listed_list list;
	int64_t total, late;
	struct buf out;
	buf_init(&out, 100);
	if (walk)
		OK(listing_before(tx_view(f->tx), &query, INT64_MAX, f->arena, &list, &f->err));
	else
		OK(listing_query(tx_view(f->tx), &query, f->arena, &list, &f->err));
	OK(listing_count(tx_view(f->tx), &query, f->arena, &total, &late, &f->err));
	assert_true(query.limit || query.offset || (size_t)total == list.count);
	for (size_t i = 0; i < list.count; i++)
		for (size_t k = 0; k < 6; k++)
			if (ids[k] == list.items[i].instance_id)
				buf_printf(&out, "%zu%s", k, list.items[i].overdue ? "!" : "");
	const char *text = arena_str(f->arena, buf_text(&out)).at;
	buf_free(&out);
	return text;
}
#define ROWS(expected, ...)                                                               \
	do {                                                                              \
		struct listing_query q = mine(f);                                         \
		__VA_ARGS__;                                                              \
		assert_string_equal(rows(f, ids, q, false), expected);                    \
	} while (0)

static void rows_are_those_of_a_contact_and_role(void **state) {
	struct fixture *f = *state;
	int64_t ids[6];
	bool any;
	fill(f, ids);
	ROWS("43210", (void)q); /* newest change first; in two roles, but once */
	ROWS("1", q.role_count = 1);
	ROWS("", q.role_count = 0);
	ROWS("", q.workflow = STR("other"));
	ROWS("", q.contact_id = 99);
	ROWS("32", q.limit = 2, q.offset = 1);
	struct listing_query q = mine(f);
	assert_string_equal(rows(f, ids, q, true), "43210");
	q.limit = 2;
	assert_string_equal(rows(f, ids, q, true), "43");
	OK(listing_any(tx_view(f->tx), &q, f->arena, &any, &f->err));
	assert_true(any);
	q.role_count = 0;
	OK(listing_any(tx_view(f->tx), &q, f->arena, &any, &f->err));
	assert_false(any);
}

static void rows_are_filtered(void **state) {
	struct fixture *f = *state;
	int64_t ids[6];
	fill(f, ids);
	ROWS("2", q.state = STR("done"));
	ROWS("30", q.filters[0].field = STR("kind"), q.filters[0].value = STR("big"), q.filter_count = 1);
	ROWS("0", q.filters[0].field = STR("kind"), q.filters[0].value = STR("big"), q.filters[1].field = STR("day"), q.filters[1].value = STR("2026-03-05"), q.filter_count = 2);
	ROWS("", q.filters[0].field = STR("kind"), q.filters[0].value = STR("b"), q.filter_count = 1);
	ROWS("", q.filters[0].field = STR("ind"), q.filters[0].value = STR("big"), q.filter_count = 1);
	ROWS("", q.filters[0].field = STR("kind"), q.filters[0].value = STR("big\x1f"), q.filters[1].field = STR("kind"), q.filters[1].value = STR("%"), q.filter_count = 2);
	struct listing_values values;
	struct listing_query q = mine(f);
	OK(listing_values(tx_view(f->tx), &q, STR("kind"), f->arena, &values, &f->err));
	assert_int_equal(values.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(str_is(values.items[i], "big") || str_is(values.items[i], "small") || str_is(values.items[i], "bigger"));
}

static void rows_are_sorted(void **state) {
	struct fixture *f = *state;
	int64_t ids[6];
	fill(f, ids);
	ROWS("01234", q.ascending = true);
	ROWS("01234", q.order = LISTING_STARTED);
	ROWS("43210", q.order = LISTING_STARTED, q.ascending = true);
	ROWS("03241", q.order = LISTING_FIELD, q.order_field = STR("day")); /* without a day: last, both ways */
	ROWS("23014", q.order = LISTING_FIELD, q.order_field = STR("day"), q.ascending = true);
}

static void rows_are_searched(void **state) {
	struct fixture *f = *state;
	int64_t ids[6];
	fill(f, ids);
	ROWS("0", q.search = STR("red ann"));
	ROWS("", q.search = STR("red bo ann"));
	ROWS("43210", q.search = STR("  "));
	ROWS("10", q.search = STR("50"));
	ROWS("0", q.search = STR("50%"));
	ROWS("0", q.search = STR("red_car"));
	ROWS("2", q.search = STR("\\"));
	ROWS("2", q.search = STR("\xC3\xA6" "ble"));
	ROWS("4", q.search = STR("5-3"));
	ROWS("", q.search = STR("secret"));
	ROWS("43210", q.search = STR("secret"), q.searched = STR("other"));
	ROWS("", q.search = STR("ann"), q.searched = STR("none"));
	ROWS("", q.search = STR("all="));
	struct listing_query many = mine(f);
	struct listed_list list;
	many.search = STR("a b c d e f g h i");
	REFUSED(ERR_INPUT, listing_query(tx_view(f->tx), &many, f->arena, &list, &f->err));
}

static void overdue_rows_are_marked(void **state) {
	struct fixture *f = *state;
	int64_t ids[6], total, late;
	fill(f, ids);
	OK(listing_overdue(f->tx, ids[0], STR("all"), 5000, &f->err));
	OK(listing_overdue(f->tx, ids[1], STR("all"), 5001, &f->err));
	OK(listing_overdue(f->tx, ids[2], STR("other"), 1, &f->err));
	OK(listing_overdue(f->tx, ids[3], STR("all"), 1, &f->err));
	OK(listing_overdue(f->tx, ids[3], STR("all"), INT64_MAX, &f->err));
	ROWS("43210!", (void)q);
	ROWS("0!", q.overdue = true);
	ROWS("4321!0!", q.now = 5001);
	ROWS("43210", q.view = STR(""));
	struct listing_query q = mine(f);
	OK(listing_count(tx_view(f->tx), &q, f->arena, &total, &late, &f->err));
	assert_int_equal(total, 5);
	assert_int_equal(late, 1);
	q.overdue = true;
	assert_string_equal(rows(f, ids, q, true), "0!");
}

/* Printed, not asserted: the machine may be busy. */
static void fifty_thousand_rows(void **state) {
	struct fixture *f = *state;
	enum { MANY = 50000 };
	struct listed_list list;
	struct listing_query q = mine(f);
	int64_t total, late;
	for (int i = 0; i < MANY; i++) {
		int64_t id = fixture_instance(f, 0).id;
		list_it(f, id, i % 2 ? "big" : "small", "2026-03-05", 2000 + i, "k7qf-3mxp a name of somebody at some place 05-03-2026");
		OK(participation_add(f->tx, id, STR("boss"), f->contact, STR(""), &f->err));
		arena_reset(f->arena);
	}
	int64_t began = clock_monotonic();
	OK(listing_count(tx_view(f->tx), &q, f->arena, &total, &late, &f->err));
	int64_t counted = clock_monotonic();
	q.limit = 50, q.offset = MANY - 50;
	OK(listing_query(tx_view(f->tx), &q, f->arena, &list, &f->err));
	assert_int_equal(total, MANY);
	assert_int_equal(list.count, 50);
	print_message("50,000 rows of one contact: counted in %lld ms, the last page in %lld ms\n", (long long)(counted - began), (long long)(clock_monotonic() - counted));
}

/* The plan goes by the contact's own instances: nobody's list costs what all lists hold. */
static void plan_goes_by_contact(void **state) {
	struct fixture *f = *state;
	struct stmt *s = db_query(tx_db(f->tx), "EXPLAIN QUERY PLAN SELECT l.instance_id FROM listings l WHERE l.instance_id IN"
	                                        " (SELECT p.instance_id FROM participations p WHERE p.contact_id = ?1 AND instr(?2, ' ' || p.role || ' ') > 0"
	                                        " UNION ALL SELECT s.instance_id FROM grants g JOIN scopes s ON s.rule_id = g.rule_id AND s.scope = g.scope"
	                                        " AND instr(?2, ' ' || s.role || ' ') > 0 WHERE g.contact_id = ?1 AND ?3 BETWEEN g.from_day AND g.until_day) ORDER BY l.changed_at");
	bool by_key = false, by_contact = false, by_grant = false, by_scope = false;
	bind_int(s, 1);
	bind_text(s, STR(" boss "));
	while (stmt_step(s, &f->err) == DB_ROW) {
		struct str line = stmt_text(s, 3, f->arena);
		by_key = by_key || strstr(line.at, "SEARCH l USING INTEGER PRIMARY KEY");
		by_contact = by_contact || strstr(line.at, "USING COVERING INDEX participations_contact (contact_id=?)");
		by_grant = by_grant || strstr(line.at, "SEARCH g USING INDEX grants_contact (contact_id=?)");
		by_scope = by_scope || strstr(line.at, "SEARCH s USING COVERING INDEX scopes_of_rule (rule_id=? AND scope=?)");
	}
	stmt_end(s);
	assert_true(by_key && by_contact && by_grant && by_scope);
}

static void text_is_folded(void **state) {
	(void)state;
	static const struct {
		const char *typed, *folded;
	} rows_of[] = {
	        {"\xC3\x85rhus Aarhus", "aarhus aarhus "}, {"A\xCC\x8Arhus", "aarhus "}, {"S\xC3\x98REN Bj\xC3\xA6rg", "soeren bjaerg "}, {"M\xC3\xB6ller Mo\xCC\x88ller", "moeller moeller "},
	        {"e\xCC\x81t \xC3\xA9n", "et en "}, {"05-12", "05-12 "}, {"5/12", "5-12 "}, {"5.12.", "5-12 "}, {"5-3-26", "05-03-2026 "}, {"5.3.2026", "05-03-2026 "}, {"2026-03-05", "05-03-2026 "},
	        {"12.345", "12.345 "}, {"14.30", "14.30 "}, {"290326", "290326 "}, {"", ""}, {"3x", "3x "}, {"1/", "1/ "},
	};
	for (size_t i = 0; i < sizeof rows_of / sizeof *rows_of; i++) {
		struct buf out;
		buf_init(&out, 200);
		fold_query(&out, str_from(rows_of[i].typed));
		assert_string_equal(out.at ? out.at : "", rows_of[i].folded);
		buf_free(&out);
	}
	struct buf out;
	buf_init(&out, 200);
	fold_date(&out, civil_day(2026, 3, 5));
	buf_char(&out, '|');
	fold_date(&out, civil_day(2026, 12, 31));
	assert_string_equal(out.at, "05-03-2026 5-3-2026|31-12-2026");
	buf_free(&out);
}

static bool never_falls(struct fixture *f, const char *text) {
	struct problems problems = {.arena = f->arena};
	struct scope scope = {0};
	static const struct {
		const char *name;
		enum kind kind;
	} names[] = {{"today", KIND_DATE}, {"now", KIND_INSTANT}, {"day", KIND_DATE}, {"open", KIND_BOOL}, {"n", KIND_INT}};
	for (size_t i = 0; i < 5; i++)
		*(struct scope_name *)ARENA_PUSH(f->arena, &scope) = (struct scope_name){.name = str_from(names[i].name), .type = {.kind = names[i].kind}, .slot = i};
	struct problems unused = {.arena = f->arena};
	struct scope_name late = {.name = STR("late"), .type = {.kind = KIND_BOOL}};
	late.let = expression_compile(f->arena, STR("today > day"), (struct yaml_place){"t", 1, 1}, &scope, NULL, &unused);
	*(struct scope_name *)ARENA_PUSH(f->arena, &scope) = late;
	const struct expression *e = expression_compile(f->arena, str_from(text), (struct yaml_place){"t", 1, 1}, &scope, NULL, &problems);
	if (!e)
		fail_msg("%s does not compile: %s", text, problems.items[0].text);
	return expression_never_falls(e, (size_t[]){0, 1}, 2);
}

static void trends_are_told_by_form(void **state) {
	struct fixture *f = *state;
	static const char *const rising[] = {"today > day", "today >= day + 7d", "day < today", "day + 3 workdays <= date(now)", "open && (today > day || now > instant(at(day, '12:00')))",
	                                     "late", "late && open", "!(today <= day)", "open ? late : today - 14d > day", "today - day > 7d", "workdays(day, today) > 3", "open", "n == 3",
	                                     "max(today, day) > day", "open ? n > 2 : open", "[day].exists(x, x == day)"};
	static const char *const falling[] = {"today < day", "!late", "today == day", "today > day && today < day + 30d", "today.weekday() == 1", "late ? open : open", "day > today",
	                                      "late == open", "workdays(today, day) > 3", "[today].exists(x, x > day)", "today != day"};
	for (size_t i = 0; i < sizeof rising / sizeof *rising; i++)
		if (!never_falls(f, rising[i]))
			fail_msg("%s", rising[i]);
	for (size_t i = 0; i < sizeof falling / sizeof *falling; i++)
		if (never_falls(f, falling[i]))
			fail_msg("%s", falling[i]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(rows_are_those_of_a_contact_and_role, fixture_set_up, fixture_tear_down),
	        cmocka_unit_test_setup_teardown(rows_are_filtered, fixture_set_up, fixture_tear_down),
	        cmocka_unit_test_setup_teardown(rows_are_sorted, fixture_set_up, fixture_tear_down),
	        cmocka_unit_test_setup_teardown(rows_are_searched, fixture_set_up, fixture_tear_down),
	        cmocka_unit_test_setup_teardown(overdue_rows_are_marked, fixture_set_up, fixture_tear_down),
	        cmocka_unit_test_setup_teardown(fifty_thousand_rows, fixture_set_up, fixture_tear_down),
	        cmocka_unit_test_setup_teardown(plan_goes_by_contact, fixture_set_up, fixture_tear_down),
	        cmocka_unit_test_setup_teardown(text_is_folded, NULL, NULL),
	        cmocka_unit_test_setup_teardown(trends_are_told_by_form, fixture_set_up, fixture_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
