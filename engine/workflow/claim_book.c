#include "engine/workflow/claim_book.h"

#include "engine/store/history.h"

#include <string.h>

/* So many claims are read at once for each row that was asked for singly: whoever asks for many rows is answered from memory, and whoever asks for few
 * does not read the claims of all. */
enum { SINGLY = 32, AT_ONCE = 16 };

struct claim_books *claim_books_new(void) {
	struct arena *a = arena_new();
	struct claim_books *books = ARENA_NEW(a, struct claim_books);
	books->a = a;
	return books;
}

void claim_books_free(struct claim_books *books) {
	if (books)
		arena_free(books->a);
}

struct claim_book *claim_books_find(struct claim_books *books, const struct claim_pool *pool) {
	for (size_t i = 0; i < books->count; i++)
		if (books->items[i]->pool.owner_id == pool->owner_id && str_equal(books->items[i]->pool.name, pool->name))
			return books->items[i];
	struct claim_book *book = ARENA_NEW(books->a, struct claim_book);
	*book = (struct claim_book){.pool = {pool->owner_id, arena_str(books->a, pool->name)}, .again_at = SINGLY};
	*(struct claim_book **)ARENA_PUSH(books->a, books) = book;
	return book;
}

static bool read_all(struct claim_books *books, struct claim_book *book, struct view *v, struct err *err) {
	int64_t most = book->again_at * AT_ONCE;
	if (!history_newest(v, &book->until, err) || !claim_spans(v, &book->pool, most, books->a, &book->spans, err))
		return false;
	book->known = (int64_t)book->spans.count < most;
	book->again_at *= 2; /* also of a store that grows meanwhile it is read but a few times */
	book->asked = 0;
	return true;
}

/* Where the first claim of the row stands, or would. */
static size_t place_in(const struct claim_spans *spans, struct str row) {
	size_t from = 0, to = spans->count;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (str_compare(spans->items[middle].row, row) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool holds(const struct claim_span *span, int64_t seen) {
	return seen == 0 ? span->released_id == 0 : span->history_id <= seen && (span->released_id == 0 || span->released_id > seen);
}

bool claim_book_count(struct claim_books *books, struct claim_book *book, struct view *v, struct str row, int64_t seen, int64_t *count, struct err *err) {
	bool stands_in = book->known && seen <= book->until;
	if (!stands_in && ++book->asked >= book->again_at) {
		if (!read_all(books, book, v, err))
			return false;
		stands_in = book->known;
	}
	if (!stands_in)
		return claim_count(v, &book->pool, row, seen, count, err);
	*count = 0;
	for (size_t i = place_in(&book->spans, row); i < book->spans.count && str_equal(book->spans.items[i].row, row); i++)
		*count += holds(&book->spans.items[i], seen);
	return true;
}

void claim_book_claimed(struct claim_books *books, struct claim_book *book, struct str row, int64_t history_id) {
	if (!book->known)
		return;
	size_t at = place_in(&book->spans, row);
	(void)ARENA_PUSH(books->a, &book->spans);
	memmove(&book->spans.items[at + 1], &book->spans.items[at], (book->spans.count - 1 - at) * sizeof *book->spans.items);
	book->spans.items[at] = (struct claim_span){arena_str(books->a, row), history_id, 0};
}

/* Whose it was is all the same to those who count. */
void claim_book_released(struct claim_book *book, struct str row, int64_t history_id) {
	for (size_t i = place_in(&book->spans, row); book->known && i < book->spans.count && str_equal(book->spans.items[i].row, row); i++)
		if (book->spans.items[i].released_id == 0) {
			book->spans.items[i].released_id = history_id;
			return;
		}
}
