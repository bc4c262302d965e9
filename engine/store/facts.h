/* facts: (instance, item) is so, by whom, since when, on what basis. blobs: uploads and documents as chunked rows, so that
 * one backup is consistent. */
#ifndef ENGINE_STORE_FACTS_H
#define ENGINE_STORE_FACTS_H

#include "engine/base/secret.h"
#include "engine/store/store.h"

struct fact {
	int64_t instance_id;
	struct str item, basis; /* basis: "hand", "rule", "upload" */
	int64_t contact_id, history_id, at;
};
bool fact_put(struct tx *tx, const struct fact *fact, struct err *err); /* again: replaces */
bool fact_find(struct view *v, int64_t instance_id, struct str item, struct arena *a, struct fact *out, bool *found, struct err *err);
bool fact_remove(struct tx *tx, int64_t instance_id, struct str item, struct err *err);

enum { BLOB_CHUNK = 65536 };
bool blob_put(struct tx *tx, int64_t instance_id, struct str name, struct str type, struct str bytes, int64_t now, int64_t *id, struct err *err);
bool blob_read(struct view *v, int64_t id, int64_t offset, struct arena *a, struct str *bytes, struct err *err); /* one chunk; empty: end */
bool blob_info(struct view *v, int64_t id, struct arena *a, struct str *name, struct str *type, int64_t *size, int64_t *instance_id, struct err *err);

#endif
