/* links: a mailed capability for one contact, one instance, one task (an event or a view). The token is derived from
 * id and key (engine/base/secret.h) and never stored.
 *
 *   live --> used | withdrawn | superseded
 *
 * Expiry is a matter of expires_at, not a state. A start form under way is a link without contact and instance. */
#ifndef ENGINE_STORE_LINKS_H
#define ENGINE_STORE_LINKS_H

#include "engine/base/secret.h"
#include "engine/store/store.h"

enum link_state { LINK_LIVE, LINK_USED, LINK_WITHDRAWN, LINK_SUPERSEDED };
enum link_kind { LINK_TASK, LINK_VIEW, LINK_START };

struct link {
	unsigned char id[SECRET_ID];
	int64_t key_id;
	enum link_kind kind;
	enum link_state state;
	struct str workflow;
	struct str task;          /* event name, view name, or form name for START */
	int64_t instance_id;      /* 0: START until it has started one */
	int64_t contact_id;       /* 0: START */
	int64_t from_id;          /* START: the case that it begins from; 0: none */
	struct str role;
	int64_t created_at, expires_at; /* 0: no end of its own */
	int64_t used_at, history_id;    /* which entry it made; SUPERSEDED: when a newer one took its place, 0 */
};
struct link_list {
	struct link *items;
	size_t count, cap;
};

bool link_insert(struct tx *tx, const struct link *link, struct err *err);
bool link_load(struct view *v, const unsigned char id[SECRET_ID], struct arena *a, struct link *out, struct err *err);
/* The live link of that contact for that task of that instance, so that a resend repeats the same token. */
bool link_find(struct view *v, int64_t instance_id, int64_t contact_id, struct str role, struct str task, struct arena *a, struct link *out, bool *found, struct err *err);
bool link_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct link_list *out, struct err *err);
/* Live task links of a contact, newest first. */
bool link_open_of_contact(struct view *v, int64_t contact_id, int64_t limit, struct arena *a, struct link_list *out, struct err *err);
/* The conditional use: live -> used; CONFLICT when it was not live (promise 4). */
bool link_use(struct tx *tx, const unsigned char id[SECRET_ID], int64_t instance_id, int64_t history_id, int64_t now, struct err *err);
/* All live task links of the instance for that event become used by this entry (others were faster). */
bool link_close_task(struct tx *tx, int64_t instance_id, struct str task, int64_t history_id, int64_t now, struct err *err);
/* The contact's live links for that task are superseded by one that is inserted next. */
bool link_supersede(struct tx *tx, int64_t instance_id, int64_t contact_id, struct str role, struct str task, int64_t now, struct err *err);
bool link_withdraw_tasks(struct tx *tx, int64_t instance_id, struct err *err);                       /* final state */
bool link_withdraw_contact(struct tx *tx, int64_t instance_id, struct str role, int64_t contact_id, struct err *err); /* left the role */

/* Drafts: what a form's pages have gathered so far, by link and task (a link's page may offer other events than its own). answers is a JSON
 * object field -> typed text(s). */
bool draft_save(struct tx *tx, const unsigned char link_id[SECRET_ID], struct str task, struct str answers, int64_t now, struct err *err);
bool draft_load(struct view *v, const unsigned char link_id[SECRET_ID], struct str task, struct arena *a, struct str *answers, struct err *err); /* empty: none */
bool draft_remove(struct tx *tx, const unsigned char link_id[SECRET_ID], struct err *err); /* of all its tasks */
/* A renewed link goes on where the old one was left. */
bool draft_move(struct tx *tx, const unsigned char from[SECRET_ID], const unsigned char to[SECRET_ID], struct err *err);
/* Expired START links with their drafts; drafts of TASK links that are used or withdrawn, or expired 30 days ago and were not renewed. */
/* Files first, and one at a time; *left: there may be more, to be swept in another transaction, so that nobody waits for all of them. */
bool draft_sweep(struct tx *tx, int64_t now, int64_t limit, bool *left, struct err *err);

#endif
