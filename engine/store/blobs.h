/* blobs: files that people sent, as chunked rows, so that one backup is consistent. A blob is a draft's (and goes with it), until an
 * instance claims it; then it stays. */
#ifndef ENGINE_STORE_BLOBS_H
#define ENGINE_STORE_BLOBS_H

#include "engine/base/secret.h"
#include "engine/store/store.h"

enum { BLOB_CHUNK = 65536 };

/* Bytes that lie elsewhere. read: all of [at, at + len), false: they cannot be read. */
struct bytes {
	void *context;
	bool (*read)(void *context, int64_t at, char *out, size_t len);
};
struct bytes bytes_of(const struct str *memory); /* borrowed */

struct blob {
	int64_t id, size, at;
	struct str name, type;
	int64_t instance_id;              /* 0: not claimed */
	bool drafted;                     /* of the draft of this link and task */
	unsigned char link_id[SECRET_ID];
	struct str task;
};

/* A draft's, an instance's or nobody's; size bytes are read from source. *id is set. */
bool blob_put(struct tx *tx, const struct blob *blob, struct bytes source, int64_t *id, struct err *err);
bool blob_info(struct view *v, int64_t id, struct arena *a, struct blob *out, struct err *err); /* NOT_FOUND */
/* From offset to the end of its chunk; empty: end. */
bool blob_read(struct view *v, int64_t id, int64_t offset, struct arena *a, struct str *bytes, struct err *err);
struct blob_ids {
	int64_t *items;
	size_t count, cap;
};
bool blob_of_draft(struct view *v, const unsigned char link_id[SECRET_ID], struct str task, struct arena *a, struct blob_ids *out, struct err *err);
/* A draft's blob of this link, or nobody's, becomes the instance's; one that is an instance's already stays as it is. */
bool blob_claim(struct tx *tx, int64_t id, const unsigned char link_id[SECRET_ID], int64_t instance_id, struct err *err);
/* Removes a blob that is neither a draft's nor an instance's; any other is left. */
bool blob_drop(struct tx *tx, int64_t id, struct err *err);
/* Removes a blob of this draft; any other is left. */
bool blob_remove(struct tx *tx, int64_t id, const unsigned char link_id[SECRET_ID], struct str task, struct err *err);

#endif
