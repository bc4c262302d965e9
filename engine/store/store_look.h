/* store_look: a store as an operator sees it, whether a server has it open or not: reading only, so no schema is changed and no file made. */
#ifndef ENGINE_STORE_STORE_LOOK_H
#define ENGINE_STORE_STORE_LOOK_H

#include "engine/base/secret.h"

struct store_seen {
	int64_t version, newest; /* of the schema: the file's, and the one that this program writes */
	bool key_known, key_fits; /* a fingerprint was given; it is the one of the key that wrote the store */
	int64_t instances, changed_at; /* changed_at: the newest entry of any history; 0: none */
	int64_t queued, late_since, unknown, failed; /* of the outbox; late_since: when the oldest queued one was due, 0: none is */
};
/* fingerprint NULL: not compared. TRANSIENT, PERMANENT: the file cannot be read. */
bool store_look(const char *path, const unsigned char *fingerprint, int64_t now, struct store_seen *out, struct err *err);
/* Reads every page, every index and every reference. False: something is broken, err says what. Takes as long as the file is large. */
bool store_check(const char *path, struct err *err);

#endif
