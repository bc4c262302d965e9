/* texts_in: texts that came in from phones, as the gateway brought them, until they are read. One address takes them for the whole site; its token only we can make. */
#ifndef ENGINE_STORE_TEXTS_IN_H
#define ENGINE_STORE_TEXTS_IN_H

#include "engine/base/secret.h"
#include "engine/store/store.h"

enum { TEXTS_IN_AN_HOUR = 1000, TEXT_IN_BYTES = 8 * 1024 };

struct text_in {
	int64_t id, at;               /* an id is never used twice */
	struct str query, type, body; /* raw; type: Content-Type of the body. query and body at most TEXT_IN_BYTES together */
};
struct text_in_list {
	struct text_in *items;
	size_t count, cap;
};

/* The token of the address, with the ring's current key. */
bool inbound_token(const struct keyring *keys, char out[SECRET_TOKEN + 1]);
bool inbound_token_read(const struct keyring *keys, struct str token); /* false: it is not ours */

/* DENIED: TEXTS_IN_AN_HOUR came already. */
bool text_in_put(struct tx *tx, struct text_in *text, struct err *err); /* fills id */
bool texts_in_oldest(struct view *v, int64_t limit, struct arena *a, struct text_in_list *out, struct err *err);
/* *found false: somebody has read it already. */
bool text_in_take(struct tx *tx, int64_t id, bool *found, struct err *err);
/* Up to limit from before then that nobody has read: the site has no gateway that could. */
bool text_in_sweep(struct tx *tx, int64_t before, int64_t limit, struct err *err);

#endif
