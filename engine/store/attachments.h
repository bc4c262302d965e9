/* attachments: which documents a message carries. It is not due before all of them are ready: it stands in the outbox until its deadline, and is due at its own
 * time again when the last one comes. */
#ifndef ENGINE_STORE_ATTACHMENTS_H
#define ENGINE_STORE_ATTACHMENTS_H

#include "engine/store/documents.h"
#include "engine/store/outbox.h"

/* What a message will carry. */
struct attachments {
	int64_t *items; /* documents */
	size_t count, cap;
	bool waits; /* one is not ready */
};
/* Adds the newest version of the series and its addenda, as the transaction sees them; or what another message carries. */
bool attachments_of_series(struct view *v, int64_t instance_id, struct str series, struct arena *a, struct attachments *out, struct err *err);
bool attachments_of_message(struct view *v, int64_t outbox_id, struct arena *a, struct attachments *out, struct err *err);
/* outbox_put, with them: the row's next_at is then when it is due without waiting for them. */
bool attachment_put(struct tx *tx, struct outbox_row *row, const struct attachments *documents, struct err *err);
bool attachment_list(struct view *v, int64_t outbox_id, struct arena *a, struct document_list *out, struct err *err); /* oldest first */
/* Whether a message waits for its documents. */
bool attachment_waits(struct view *v, int64_t outbox_id, bool *waits, struct err *err);
/* A document is ready: messages that waited for nothing else are due at their own time. */
bool attachment_release(struct tx *tx, int64_t document_id, int64_t now, struct err *err);

#endif
