/* arrivals: mails and texts that came in, each noted once, however often it is seen; so also where reading goes on. */
#ifndef ENGINE_STORE_ARRIVALS_H
#define ENGINE_STORE_ARRIVALS_H

#include "engine/store/store.h"

struct arrival_row {
	int64_t id, at;
	int64_t validity, uid;      /* of the mailbox; together they name a mail for ever. 0 and the number of a text (texts_in.h) */
	struct str kind;            /* "person", "automatic", "report"; "text"; "unreadable"; "start": nothing before it is read; "gone": swept, or there before the first that was read */
	struct str message_id;      /* empty: none */
	struct str sender, subject, text;
	int64_t outbox_id;          /* what it is about; 0: not known */
	int64_t instance_id;        /* what it started; 0: nothing */
	struct str files;           /* what became of each file of an answer, a line a file */
	struct str outcome;         /* "bounced", "delivered", "not-ours", ... for people who look */
};
struct arrival_rows {
	struct arrival_row *items;
	size_t count, cap;
};

/* The highest uid that was noted; 0: the mailbox was numbered anew, so all of it is looked at again; -1: there was none before. */
bool arrival_last(struct view *v, int64_t validity, int64_t *uid, struct err *err);
/* When reading began, and how the mailbox was numbered then; 0: it has not. */
bool arrival_begun(struct view *v, int64_t *validity, int64_t *at, struct err *err);
/* *fresh false: it is noted already, by its number, or by its sender and Message-ID: a person's mail that came twice, a text, any in a mailbox that was numbered anew (then
 * under its new number too). */
bool arrival_note(struct tx *tx, struct arrival_row *row, bool *fresh, struct err *err);
bool arrival_done(struct tx *tx, const struct arrival_row *row, struct err *err); /* outbox_id, instance_id, files, outcome */
bool arrival_list(struct view *v, int64_t after, int64_t limit, struct arena *a, struct arrival_rows *out, struct err *err);
/* Of up to limit rows from before then, whose case has not gone on since: a text is removed, a mail leaves its number and Message-ID, by which it is known again. */
bool arrival_sweep(struct tx *tx, int64_t before, int64_t limit, struct err *err);

#endif
