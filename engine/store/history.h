/* history: append-only, chained per instance (design.md promise 6).
 *
 * mac(n) = BLAKE2b keyed(key_id, "history", previous mac || canonical metadata || digest);
 * digest = hash(salt || payload). Payload and salt lie in their own table, so they can be erased and the chain stays verifiable. */
#ifndef ENGINE_STORE_HISTORY_H
#define ENGINE_STORE_HISTORY_H

#include "engine/store/instances.h"

struct history {
	int64_t id;           /* ascends over all instances */
	int64_t instance_id;
	int64_t seq;          /* 1, 2, 3... = instance version */
	int64_t at;
	struct str kind;      /* "start", "form", "timer", "signal", "operator" */
	struct str event;     /* name of event or timer */
	struct str from, to;  /* states; to empty: stayed; from empty: start */
	bool refused;         /* a timer or signal that no case let through */
	int64_t contact_id;   /* who acted; 0: nobody */
	struct str role;
	unsigned char key[SECRET_HASH]; /* idempotency key; all zero: none (kept as NULL, UNIQUE) */
	struct str payload;   /* JSON, see run_payload; empty after erasure */
	int64_t key_id;
	unsigned char digest[SECRET_HASH], mac[SECRET_HASH];
	unsigned char salt[SECRET_ID];
	bool erased;          /* payload and salt are gone; digest and chain stay */
};
struct history_list {
	struct history *items;
	size_t count, cap;
};

/* Fills id, digest, mac, salt, key_id; PERMANENT when seq - 1 is missing, CONFLICT when the idempotency key is there already. */
bool history_append(struct tx *tx, const struct keyring *keys, struct history *entry, struct err *err);
bool history_list(struct view *v, int64_t instance_id, struct arena *a, struct history_list *out, struct err *err);
bool history_load(struct view *v, int64_t id, struct arena *a, struct history *out, struct err *err); /* NOT_FOUND */
/* The entry with that idempotency key; NOT_FOUND. */
bool history_by_key(struct view *v, const unsigned char key[SECRET_HASH], struct arena *a, struct history *out, struct err *err);
/* The state that the instance was in behind its entry seq; empty: it was in none. */
bool history_state(struct view *v, int64_t instance_id, int64_t seq, struct arena *a, struct str *state, struct err *err);
bool history_newest(struct view *v, int64_t *id, struct err *err); /* of all instances; 0: there is none */
/* Whether this contact has done anything to the instance that was not refused. */
bool history_acted(struct view *v, int64_t instance_id, int64_t contact_id, bool *acted, struct err *err);
/* Recomputes the chain of one instance: seqs without gap, digests (where a payload is left) and macs. err->text says which seq.
 * That the last entry is there is seen by its seq being the instance's version: the caller compares. */
bool history_verify(const struct keyring *keys, const struct history_list *entries, struct err *err);

#endif
