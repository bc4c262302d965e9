/* Registers that are kept as values: what a view sees is never older, newer or less true than the store. */
#include "tests/unit/store_fixture.h"

#include "engine/workflow/register_cache.h"

#include <pthread.h>

static struct record_member columns[] = {{{"id", 2}, {.kind = KIND_STRING}, false}, {{"worth", 5}, {.kind = KIND_INT}, false}};

static struct register_type things(struct fixture *f) {
	return (struct register_type){.name = STR("things"), .full_name = STR("w.things"), .record = {.name = STR("things"), .members = columns, .count = 2}, .valid_from = SIZE_MAX, .valid_until = SIZE_MAX,
	                              .cache = register_cache_new(f->arena)};
}

static void put(struct fixture *f, int64_t worth, size_t count) {
	struct register_row *rows = ARENA_ARRAY(f->arena, count, struct register_row);
	struct register_change change;
	for (size_t i = 0; i < count; i++) {
		struct str key = arena_printf(f->arena, "k%zu", i);
		rows[i] = (struct register_row){.key = key, .position = (int64_t)i, .data = arena_printf(f->arena, "{\"id\":\"%.*s\",\"worth\":%lld}", STR_ARG(key), (long long)worth)};
	}
	OK(register_replace(f->tx, STR("w.things"), rows, count, 1, &change, &f->err));
}

static void replace(struct fixture *f, int64_t worth, size_t count) {
	fixture_begin(f);
	put(f, worth, count);
	fixture_commit(f);
}

static const struct register_snapshot *get(struct fixture *f, const struct register_type *reg, struct view *v, struct arena *a) {
	const struct register_snapshot *s;
	OK(register_cache_get(reg->cache, v, reg, REGISTER_ANY_DAY, a, &s, &f->err));
	return s;
}

static int64_t worth(const struct register_snapshot *s, const char *key) {
	const struct value *row = register_snapshot_find(s, str_from(key));
	return row ? value_member(row, STR("worth"))->integer : -1;
}

static int set_up(void **state) {
	struct fixture *f = *state = fixture_files();
	fixture_open(f, f->path);
	return 0;
}

static void it_is_read_once_a_change(void **state) {
	struct fixture *f = *state;
	struct register_type reg = things(f);
	struct arena *a = arena_new(), *b = arena_new();
	replace(f, 7, 3);
	struct view *v = store_view(f->store, &f->err);
	const struct register_snapshot *first = get(f, &reg, v, a);
	assert_int_equal(register_snapshot_rows(first).list.count, 3);
	assert_int_equal(worth(first, "k2"), 7);
	assert_int_equal(worth(first, "k3"), -1);
	assert_ptr_equal(get(f, &reg, v, b), first);
	replace(f, 8, 2);
	/* The old view still sees what was, and its rows stay good; a new one does not see them. */
	assert_ptr_equal(get(f, &reg, v, b), first);
	view_close(v);
	v = store_view(f->store, &f->err);
	const struct register_snapshot *second = get(f, &reg, v, b);
	assert_ptr_not_equal(second, first);
	assert_int_equal(worth(second, "k1"), 8);
	assert_int_equal(worth(second, "k2"), -1);
	assert_int_equal(worth(first, "k2"), 7);
	view_close(v);
	arena_free(a);
	arena_free(b);
}

/* What a transaction has replaced is nobody's yet, and may be undone; the next one would have the same number. */
static void what_may_be_undone_is_not_kept(void **state) {
	struct fixture *f = *state;
	struct register_type reg = things(f);
	replace(f, 1, 2);
	fixture_begin(f);
	assert_int_equal(worth(get(f, &reg, tx_view(f->tx), f->arena), "k0"), 1);
	put(f, 2, 2);
	assert_null(get(f, &reg, tx_view(f->tx), f->arena));
	store_rollback(f->tx);
	f->tx = NULL;
	replace(f, 3, 2);
	fixture_begin(f);
	assert_int_equal(worth(get(f, &reg, tx_view(f->tx), f->arena), "k0"), 3);
	fixture_commit(f);
}

static void a_large_or_broken_one_is_not_kept(void **state) {
	struct fixture *f = *state;
	struct register_type reg = things(f);
	replace(f, 1, REGISTER_CACHE_ROWS + 1);
	fixture_begin(f);
	assert_null(get(f, &reg, tx_view(f->tx), f->arena));
	fixture_commit(f);
	replace(f, 1, REGISTER_CACHE_ROWS);
	fixture_begin(f);
	assert_int_equal(worth(get(f, &reg, tx_view(f->tx), f->arena), "k99999"), 1);
	struct register_row bad[] = {{.key = STR("k0"), .data = STR("nonsense")}};
	struct register_change change;
	OK(register_replace(f->tx, STR("w.things"), bad, 1, 1, &change, &f->err));
	fixture_commit(f);
	fixture_begin(f);
	f->err = (struct err){0};
	assert_null(get(f, &reg, tx_view(f->tx), f->arena));
	assert_int_equal(f->err.kind, ERR_NONE); /* whoever needs its row is told */
	fixture_commit(f);
}

static void two_stores_are_two(void **state) {
	struct fixture *f = *state;
	struct register_type reg = things(f);
	replace(f, 5, 1);
	fixture_begin(f);
	assert_int_equal(worth(get(f, &reg, tx_view(f->tx), f->arena), "k0"), 5);
	fixture_commit(f);
	store_close(f->store);
	assert_int_equal(unlink(f->path), 0);
	fixture_open(f, f->path);
	replace(f, 6, 1);
	fixture_begin(f);
	assert_int_equal(worth(get(f, &reg, tx_view(f->tx), f->arena), "k0"), 6);
	fixture_commit(f);
}

struct hand {
	struct fixture *f;
	const struct register_type *reg;
	pthread_t thread;
};

/* All rows of a snapshot are of one replacement, and a later view's never of an earlier one. */
static void *look(void *context) {
	struct hand *h = context;
	int64_t last = 0;
	struct arena *a = arena_new();
	for (int i = 0; i < 300; i++) {
		struct err err;
		const struct register_snapshot *s = NULL;
		struct view *v = store_view(h->f->store, &err);
		if (!v || !register_cache_get(h->reg->cache, v, h->reg, REGISTER_ANY_DAY, a, &s, &err) || !s)
			return "unread";
		view_close(v);
		const struct value all = register_snapshot_rows(s), *rows = all.list.items;
		int64_t now = value_member(&rows[0], STR("worth"))->integer;
		for (size_t k = 0; k < all.list.count; k++)
			if (value_member(&rows[k], STR("worth"))->integer != now)
				return "mixed";
		if (now < last)
			return "old";
		last = now;
		arena_reset(a);
	}
	arena_free(a);
	return NULL;
}

static void threads_share_it(void **state) {
	struct fixture *f = *state;
	struct register_type reg = things(f);
	struct hand hands[3];
	replace(f, 1, 20);
	for (int i = 0; i < 3; i++) {
		hands[i] = (struct hand){.f = f, .reg = &reg};
		assert_int_equal(pthread_create(&hands[i].thread, NULL, look, &hands[i]), 0);
	}
	for (int i = 2; i < 30; i++)
		replace(f, i, 20);
	for (int i = 0; i < 3; i++) {
		void *fault;
		pthread_join(hands[i].thread, &fault);
		assert_null(fault);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_read_once_a_change, set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(what_may_be_undone_is_not_kept, set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_large_or_broken_one_is_not_kept, set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(two_stores_are_two, set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(threads_share_it, set_up, fixture_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
