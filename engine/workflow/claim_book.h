/* claim_book: the claims of pools, read at once and kept, for whoever asks about many rows. */
#ifndef ENGINE_WORKFLOW_CLAIM_BOOK_H
#define ENGINE_WORKFLOW_CLAIM_BOOK_H

#include "engine/store/claims.h"

struct claim_book {
	struct claim_pool pool;
	int64_t asked, again_at; /* row by row, so far; at so many all are read */
	bool known;              /* they are */
	int64_t until;           /* newest entry of history when they were read */
	struct claim_spans spans; /* by row */
};
struct claim_books {
	struct arena *a;
	struct claim_book **items;
	size_t count, cap;
};

struct claim_books *claim_books_new(void); /* in an arena of its own */
void claim_books_free(struct claim_books *books);
/* The pool's, which lives as long as the books' arena. Good for one transaction that tells of its own claims, or for the past in any view of one store. */
struct claim_book *claim_books_find(struct claim_books *books, const struct claim_pool *pool);
/* How many hold the row: now (seen 0), or behind the entry of history with the id `seen`. */
bool claim_book_count(struct claim_books *books, struct claim_book *book, struct view *v, struct str row, int64_t seen, int64_t *count, struct err *err);
/* The store has one claim of the row more, or one less. */
void claim_book_claimed(struct claim_books *books, struct claim_book *book, struct str row, int64_t history_id);
void claim_book_released(struct claim_book *book, struct str row, int64_t history_id);

#endif
