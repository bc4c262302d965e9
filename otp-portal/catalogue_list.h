/* catalogue_list: the one renderer of a catalogue: what can be looked for, the rows that are found in pages of 50, each with what it is and whether it can be chosen. */
#ifndef OTP_PORTAL_CATALOGUE_LIST_H
#define OTP_PORTAL_CATALOGUE_LIST_H

#include "otp-portal/catalogue_ask.h"

enum { CATALOGUE_PAGE = 50 };

struct catalogue_list {
	const struct catalogue_ask *ask;
	const struct catalogue_rows *rows;
	const struct prose *prose;
	int level; /* of each row's heading: 2 or 3 */
	void (*act)(void *context, size_t row, bool available, struct response *out); /* what can be done with it, below each row; NULL: nothing */
	void *context;
};

/* The form with search and filters. A GET form: it stands in no other. */
void catalogue_write_sieve(const struct catalogue_list *l, struct response *out);
/* The map, where the catalogue has one: part of the above. */
void catalogue_write_map(const struct catalogue_list *l, struct response *out);
/* How many there are, as text. */
void catalogue_write_count(const struct catalogue_list *l, struct response *out);
void catalogue_write_rows(const struct catalogue_list *l, struct response *out);
/* The ways to other pages; nothing when there is one. */
void catalogue_write_turning(const struct catalogue_list *l, struct response *out);

/* Whether a row can be chosen: said in words, and in colour. */
void catalogue_write_mark(const struct catalogue_list *l, bool available, struct buf *out);
/* All that a row says: rows of a description list, after the row's own name. */
void catalogue_write_whole(const struct prose *p, const struct catalogue *c, const struct value *row, struct response *out);
/* Its name. In arena. */
struct str catalogue_label(const struct prose *p, const struct catalogue *c, const struct value *row);
/* A word that the package may say in its own way: texts catalogues.<name>.<what>, else languages/ catalogue.<what>. */
struct str catalogue_word(const struct prose *p, const struct catalogue *c, const char *what);

#endif
