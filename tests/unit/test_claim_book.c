/* The claims of a pool, read at once: whoever counts in the book counts what the store has, now and at each moment before. */
#include "tests/unit/store_fixture.h"

#include "engine/store/history.h"
#include "engine/workflow/claim_book.h"

enum { ROWS = 40, HOLDERS = 3, MOVES = 400 };

struct market {
	struct fixture *f;
	struct claim_pool pool;
	int64_t holders[HOLDERS], seq;
	bool held[HOLDERS][ROWS];
	uint32_t dice;
};

static struct market open_market(struct fixture *f, uint32_t seed) {
	struct market m = {.f = f, .pool = {f->instance, STR("fair.stalls")}, .dice = seed};
	for (size_t i = 0; i < HOLDERS; i++)
		m.holders[i] = fixture_instance(f, 0).id;
	return m;
}

static size_t roll(struct market *m, size_t sides) {
	m->dice = m->dice * 1664525 + 1013904223;
	return (m->dice >> 8) % sides;
}

static struct str row_of(struct fixture *f, size_t row) {
	return arena_printf(f->arena, "k%zu", row);
}

static int64_t entry(struct market *m) {
	struct fixture *f = m->f;
	struct history h = {.instance_id = f->instance, .seq = ++m->seq, .at = 1000, .kind = STR("form"), .event = STR("go"), .from = STR("open"), .role = STR("worker"), .payload = STR("{}")};
	OK(history_append(f->tx, f->keys, &h, &f->err));
	return h.id;
}

/* Somebody takes a row that they do not have, or gives it back; books: told of it, NULL: not. */
static void move(struct market *m, struct claim_books *books, struct claim_book *book) {
	struct fixture *f = m->f;
	size_t who = roll(m, HOLDERS), row = roll(m, ROWS);
	int64_t id = entry(m);
	struct claim claim = {.pool = m->pool, .row = row_of(f, row), .holder_id = m->holders[who], .at = 1000, .history_id = id};
	bool *held = &m->held[who][row];
	if (*held)
		OK(claim_release(f->tx, &m->pool, claim.row, claim.holder_id, id, &f->err));
	else
		OK(claim_insert(f->tx, &claim, HOLDERS, 0, &f->err));
	if (books && *held)
		claim_book_released(book, claim.row, id);
	else if (books)
		claim_book_claimed(books, book, claim.row, id);
	*held = !*held;
}

static void same(struct market *m, struct claim_books *books, struct claim_book *book, int64_t seen) {
	struct fixture *f = m->f;
	for (size_t row = 0; row < ROWS; row++) {
		int64_t wanted, found;
		OK(claim_count(tx_view(f->tx), &m->pool, row_of(f, row), seen, &wanted, &f->err));
		OK(claim_book_count(books, book, tx_view(f->tx), row_of(f, row), seen, &found, &f->err));
		if (wanted != found)
			fail_msg("row %zu, seen %lld: %lld are held, the book has %lld", row, (long long)seen, (long long)wanted, (long long)found);
	}
}

static void it_follows_the_transaction(void **state) {
	struct fixture *f = *state;
	struct market m = open_market(f, 7);
	struct claim_books *books = claim_books_new();
	struct claim_book *book = claim_books_find(books, &m.pool);
	for (int i = 0; i < 30; i++)
		move(&m, books, book);
	for (int i = 0; i < MOVES; i++) {
		move(&m, books, book);
		same(&m, books, book, 0);
	}
	assert_true(book->known);
	claim_books_free(books);
}

/* Entries that came after it was read are not answered from it. */
static void it_knows_the_past(void **state) {
	struct fixture *f = *state;
	struct market m = open_market(f, 11);
	struct claim_books *books = claim_books_new();
	struct claim_book *book = claim_books_find(books, &m.pool);
	int64_t first = entry(&m);
	for (int i = 0; i < MOVES; i++) {
		move(&m, NULL, NULL);
		if (i % 20 == 19)
			for (int k = 0; k < 4; k++)
				same(&m, books, book, first + (int64_t)roll(&m, (size_t)i + 2));
		same(&m, books, book, m.seq + first - 1);
	}
	claim_books_free(books);
}

static void pools_are_told_apart(void **state) {
	struct fixture *f = *state;
	struct claim_books *books = claim_books_new();
	struct claim_pool one = {1, STR("a.p")}, two = {2, STR("a.p")}, three = {1, STR("a.q")};
	(void)f;
	assert_ptr_equal(claim_books_find(books, &one), claim_books_find(books, &one));
	assert_ptr_not_equal(claim_books_find(books, &one), claim_books_find(books, &two));
	assert_ptr_not_equal(claim_books_find(books, &one), claim_books_find(books, &three));
	claim_books_free(books);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(it_follows_the_transaction, fixture_set_up, fixture_tear_down),
	        cmocka_unit_test_setup_teardown(it_knows_the_past, fixture_set_up, fixture_tear_down),
	        cmocka_unit_test_setup_teardown(pools_are_told_apart, fixture_set_up, fixture_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
