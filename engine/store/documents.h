/* documents: what workflows put on paper. A row is written in the transition's own transaction, with everything that the paper will show; the file comes later:
 *
 *   waiting --take--> drawing --ready--> ready
 *      ^ |               |
 *      |<|--- later -----|--------> failed --retry (by hand)--> waiting
 *        '--> failed
 *
 * A try is counted when it begins, so that one that ended the process counts too. One process holds a store, and one thread in it draws. */
#ifndef ENGINE_STORE_DOCUMENTS_H
#define ENGINE_STORE_DOCUMENTS_H

#include "engine/base/secret.h"
#include "engine/store/store.h"

enum document_state { DOCUMENT_WAITING, DOCUMENT_DRAWING, DOCUMENT_READY, DOCUMENT_FAILED };
const char *document_state_name(enum document_state state); /* "waiting"... as in SQL and logs */
enum { DOCUMENT_TRIES = 3 };

struct document {
	int64_t id, instance_id, history_id, at;
	struct str name;             /* of the series */
	int64_t version, addendum;   /* addendum: its number within the version; 0: the version itself */
	struct str roles;            /* who may see it, each between two \x1f; empty: all who take part */
	struct str language, title, file; /* file: what it is called when it is fetched */
	unsigned char template_hash[SECRET_HASH];
	unsigned char digest[SECRET_HASH]; /* of all that the paper shows: stands in the history's chain too */
	enum document_state state;
	int64_t next_at, tries;
	struct str answer;           /* why it could not be drawn */
	int64_t blob_id, size;       /* ready: the file */
	int64_t key_id;
	unsigned char seal[SECRET_HASH]; /* keyed, over digest and file */
};
struct document_list {
	struct document *items;
	size_t count, cap;
};

/* All that the paper shows beside language and title. */
struct document_sheet {
	struct str markdown, site, reference, date, pages, colour;
	struct str logo; /* PNG; kept once however many show it */
};

bool document_role_sees(const struct document *d, struct str role);
/* Over what it says and which one it is. */
void document_digest(const struct document *d, const struct document_sheet *sheet, unsigned char out[SECRET_HASH]);
/* False: the key file has no such key. */
bool document_seal(const struct keyring *keys, int64_t key_id, const unsigned char digest[SECRET_HASH], struct str pdf, unsigned char out[SECRET_HASH]);

/* Fills id. Waiting, or failed with an answer when there is nothing that could be drawn. */
bool document_put(struct tx *tx, struct document *d, const struct document_sheet *sheet, struct err *err);
/* The newest version of a series and how many addenda it has; 0: there is none. */
bool document_newest(struct view *v, int64_t instance_id, struct str name, int64_t *version, int64_t *addenda, struct err *err);
bool document_load(struct view *v, int64_t id, struct arena *a, struct document *out, struct err *err); /* NOT_FOUND */
bool document_sheet_load(struct view *v, int64_t id, struct arena *a, struct document_sheet *out, struct err *err);
bool document_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct document_list *out, struct err *err); /* oldest first */
/* Rows in one of `states` (bit mask 1 << state), oldest first, id > after. */
bool document_rows(struct view *v, unsigned states, int64_t after, int64_t limit, struct arena *a, struct document_list *out, struct err *err);
bool document_next(struct view *v, int64_t *next_at, struct err *err); /* when the first waiting one is due; INT64_MAX: none */

/* The first that is due; its try is counted. *found false: none. */
bool document_take(struct tx *tx, int64_t now, struct arena *a, struct document *out, bool *found, struct err *err);
/* drawing -> ready; id, tries, blob_id, key_id and seal of *d. CONFLICT: it is not that try any more. */
bool document_ready(struct tx *tx, const struct document *d, struct err *err);
/* drawing -> waiting until next_at (tries as in *d), or failed. */
bool document_settle(struct tx *tx, const struct document *d, enum document_state state, int64_t next_at, struct str answer, struct err *err);
/* After a start: what was being drawn waits again; what was tried three times has failed. *failed: how many of those. */
bool document_reclaim(struct tx *tx, int64_t now, int64_t *failed, struct err *err);
bool document_retry(struct tx *tx, int64_t id, int64_t now, struct err *err); /* by hand; CONFLICT: it has not failed, or there is nothing to draw */

#endif
