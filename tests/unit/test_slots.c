/* The grid of slots: its ends, closing days, a million slots, and going on from a place. All slots of whole rounds are counted anew by tests/model/test_slots.py. */
#include "engine/base/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

static int64_t local(const char *text) {
	int64_t out;
	assert_true(civil_parse_datetime(str_from(text), &out));
	return out;
}

static struct calendar *calendar(const char *closed) {
	struct err err = {0};
	struct calendar *c = calendar_open(STR("dk"), str_from(closed), &err);
	assert_non_null(c);
	return c;
}

static struct slot_grid grid_of(const struct calendar *c, const char *first) {
	return (struct slot_grid){c, local(first), 10 * MINUTE, 9 * HOUR, 21 * HOUR};
}

static void assert_opens(const struct slot_grid *grid, int64_t n, const char *expected) {
	struct arena *a = arena_new();
	struct slot_walk walk = slot_walk(grid);
	int64_t opens;
	assert_true(slot_walk_to(&walk, n, &opens));
	assert_string_equal(civil_format_datetime(a, opens).at, expected);
	arena_free(a);
}

static void test_oracle(void **state) {
	static const struct {
		int64_t n;
		const char *opens;
	} table[] = {{1, "2024-04-02T12:00"}, {2, "2024-04-02T12:10"}, {3, "2024-04-02T12:20"}, {55, "2024-04-02T21:00"}, {56, "2024-04-03T09:00"},
	             {128, "2024-04-03T21:00"}, {129, "2024-04-04T09:00"}, {201, "2024-04-04T21:00"}, {202, "2024-04-05T09:00"}, {274, "2024-04-05T21:00"},
	             {275, "2024-04-08T09:00"}, {347, "2024-04-08T21:00"}, {700, "2024-04-15T19:00"}};
	(void)state;
	struct calendar *c = calendar("");
	struct slot_grid grid = grid_of(c, "2024-04-02T12:00");
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		assert_opens(&grid, table[i].n, table[i].opens);
	calendar_close(c);
}

static void test_closing_days(void **state) {
	(void)state;
	struct calendar *c = calendar("2024-12-24\n2024-12-31\n");
	struct slot_grid grid = grid_of(c, "2024-12-23T21:00");
	assert_opens(&grid, 2, "2024-12-27T09:00"); /* a Friday, behind 24, 25 and 26 December */
	assert_opens(&grid, 2 + 73, "2024-12-30T09:00");
	assert_opens(&grid, 2 + 2 * 73, "2025-01-02T09:00");
	/* The first one's own day is taken as it is. */
	grid.first = local("2024-12-24T20:55");
	assert_opens(&grid, 1, "2024-12-24T20:55");
	assert_opens(&grid, 2, "2024-12-27T09:00");
	calendar_close(c);
}

static void test_no_grid(void **state) {
	struct err err;
	(void)state;
	struct calendar *c = calendar("");
	struct slot_grid good = grid_of(c, "2024-04-02T12:00"), bad = good;
	assert_true(slot_grid_valid(&good, &err));
	bad.step_ms = 0;
	assert_false(slot_grid_valid(&bad, &err));
	bad.step_ms = CIVIL_DAY_MS + 1;
	assert_false(slot_grid_valid(&bad, &err));
	bad = good;
	bad.from = bad.until + 1;
	assert_false(slot_grid_valid(&bad, &err));
	bad = good;
	bad.first = local("2024-04-02T21:01");
	assert_false(slot_grid_valid(&bad, &err));
	struct slot_walk walk = slot_walk(&good);
	int64_t opens, number;
	assert_false(slot_walk_to(&walk, 0, &opens));
	assert_false(slot_walk_to(&walk, -INT64_MAX, &opens));
	assert_false(slot_walk_to(&walk, INT64_MAX, &opens));
	walk = slot_walk(&good);
	assert_false(slot_walk_from(&walk, 1, INT64_MAX, &number));
	calendar_close(c);
}

/* A walk and a look at each slot by itself are the same; a million take a step a day. */
static void test_walk(void **state) {
	int64_t walked, opens, before = 0, number;
	(void)state;
	struct calendar *c = calendar("");
	struct slot_grid grid = grid_of(c, "2024-04-02T12:00");
	struct slot_walk walk = slot_walk(&grid);
	for (int64_t n = 1; n <= 1000000; n++) {
		assert_true(slot_walk_to(&walk, n, &walked));
		assert_true(walked > before);
		before = walked;
		if (n % 50021 == 0) {
			struct slot_walk own = slot_walk(&grid);
			assert_true(slot_walk_to(&own, n, &opens));
			assert_int_equal(opens, walked);
		}
	}
	/* From a place on, the first at or after a time. */
	for (int64_t n = 50; n <= 60; n++)
		for (int64_t late = 0; late <= 14 * 60; late += 7) {
			struct slot_walk own = slot_walk(&grid), other = slot_walk(&grid);
			assert_true(slot_walk_to(&own, n, &opens));
			assert_true(slot_walk_from(&own, n, opens + late * MINUTE, &number));
			int64_t expected = n, at;
			while (slot_walk_to(&other, expected, &at) && at < opens + late * MINUTE)
				expected++;
			assert_int_equal(number, expected);
		}
	calendar_close(c);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_oracle),
	        cmocka_unit_test(test_closing_days),
	        cmocka_unit_test(test_no_grid),
	        cmocka_unit_test(test_walk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
