/* access: counters that survive a restart, log-in requests with their tries, sessions, and browsers that logged in. */
#ifndef ENGINE_STORE_ACCESS_H
#define ENGINE_STORE_ACCESS_H

#include "engine/base/secret.h"
#include "engine/store/store.h"

/* Counts one occurrence of (name, key) in a sliding window (one name has one window); key is hashed by the caller where it is an address. *count includes this one. */
bool counter_add(struct tx *tx, struct str name, struct str key, int64_t now, int64_t window_ms, int64_t *count, struct err *err);
bool counter_read(struct view *v, struct str name, struct str key, int64_t now, int64_t window_ms, int64_t *count, struct err *err);
bool counter_clear(struct tx *tx, struct str name, struct str key, struct err *err);
bool counter_sweep(struct tx *tx, int64_t now, int64_t limit, struct err *err); /* older than 31 days; log-in requests and sessions that ended then, too */

struct login {
	unsigned char id[SECRET_ID];      /* random; the code is derived from it */
	unsigned char browser[SECRET_HASH]; /* hash of the cookie that asked; of a code that proves an act: of what it is good for */
	int64_t key_id, contact_id;       /* contact 0: address not known; everything else looks the same */
	struct str address;
	int64_t created_at, expires_at, tries, max_tries, used_at, sent_at;
	int digits;                       /* of the code, 4 to 8 */
};
bool login_insert(struct tx *tx, const struct login *login, struct err *err);
bool login_load(struct view *v, const unsigned char id[SECRET_ID], struct arena *a, struct login *out, struct err *err);
/* The newest with this `browser`. */
bool login_find(struct view *v, const unsigned char browser[SECRET_HASH], struct arena *a, struct login *out, bool *found, struct err *err);
/* Counts the try before anything is compared, in one statement; CONFLICT: used, expired or out of tries. */
bool login_try(struct tx *tx, const unsigned char id[SECRET_ID], int64_t now, struct arena *a, struct login *out, struct err *err);
bool login_use(struct tx *tx, const unsigned char id[SECRET_ID], int64_t now, struct err *err); /* conditional, as link_use */

struct session {
	unsigned char id[SECRET_HASH]; /* hash of the cookie */
	int64_t contact_id, created_at, seen_at, ends_at;
};
bool session_insert(struct tx *tx, const struct session *session, struct err *err);
bool session_load(struct view *v, const unsigned char id[SECRET_HASH], int64_t now, int64_t idle_ms, struct session *out, struct err *err); /* NOT_FOUND: none, idle or ended */
bool session_touch(struct tx *tx, const unsigned char id[SECRET_HASH], int64_t now, struct err *err);
bool session_remove(struct tx *tx, const unsigned char id[SECRET_HASH], struct err *err);
bool session_remove_all(struct tx *tx, int64_t contact_id, struct err *err);
bool session_remove_everybody(struct tx *tx, int64_t *count, struct err *err);
struct session_list {
	struct session *items;
	size_t count, cap;
};
bool session_list(struct view *v, int64_t now, int64_t skip, int64_t limit, struct arena *a, struct session_list *out, struct err *err); /* not ended; newest first */

/* The browsers that a contact logged in with: the newest BROWSERS. */
enum { BROWSERS = 10 };
enum browser_met { BROWSER_KNOWN, BROWSER_FIRST, BROWSER_NEW }; /* FIRST: the contact never logged in before; NEW: not since `since` with this one */
/* Whether the contact logged in with it since. */
bool browser_known(struct view *v, int64_t contact_id, const unsigned char id[SECRET_HASH], int64_t since, bool *known, struct err *err);
/* Marks the browser as seen now. id: hash of its cookie. */
bool browser_meet(struct tx *tx, int64_t contact_id, const unsigned char id[SECRET_HASH], int64_t now, int64_t since, enum browser_met *met, struct err *err);

#endif
