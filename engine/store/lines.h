/* lines: where the outbox's queued mails wait. All in one line, but for a recipient domain that is sent to at a pace of its own: its mails have a line of
 * their own, so that nobody waits behind them and nobody steps over thousands of them to find what may go. A row is moved there once. */
#ifndef ENGINE_STORE_LINES_H
#define ENGINE_STORE_LINES_H

#include "engine/store/outbox.h"

struct line {
	struct str name;           /* the domain; empty: the common one, always the first */
	bool due;                  /* its first row may be sent by now */
	int64_t priority, next_at; /* of the most urgent due row; else when the first will be due (INT64_MAX: it is empty) */
};
struct line_list {
	struct line *items;
	size_t count, cap;
};
/* The common line and every other with queued rows that the lane takes. */
bool line_list(struct view *v, struct outbox_lane lane, int64_t now, struct arena *a, struct line_list *out, struct err *err);

struct line_row {
	int64_t id;
	struct str domain; /* of the recipient, small letters */
};
struct line_rows {
	struct line_row *items;
	size_t count, cap;
};
/* The first due rows of the common line with more than that priority: what may have to stand elsewhere. */
bool line_first(struct view *v, struct outbox_lane lane, int64_t above, int64_t now, int64_t limit, struct arena *a, struct line_rows *out, struct err *err);
bool line_move(struct tx *tx, int64_t id, struct str line, struct err *err); /* a queued row */

#endif
