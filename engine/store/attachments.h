/* attachments: which documents a message carries. It is not due before all of them are ready: it stands in the outbox until its deadline, and is due at its own
 * time again when the last one comes. */
#ifndef ENGINE_STORE_ATTACHMENTS_H
#define ENGINE_STORE_ATTACHMENTS_H

#include "engine/store/documents.h"
#include "engine/store/outbox.h"

/* The newest version of the series and its addenda, as the transaction sees them, for a row that was just put. None: nothing is attached. */
bool attachment_put(struct tx *tx, const struct outbox_row *row, struct str series, struct err *err);
bool attachment_copy(struct tx *tx, int64_t from_outbox_id, const struct outbox_row *row, struct err *err); /* those of another message */
bool attachment_list(struct view *v, int64_t outbox_id, struct arena *a, struct document_list *out, struct err *err); /* oldest first */
/* Whether a message waits for its documents. */
bool attachment_waits(struct view *v, int64_t outbox_id, bool *waits, struct err *err);
/* A document is ready: messages that waited for nothing else are due at their own time. */
bool attachment_release(struct tx *tx, int64_t document_id, int64_t now, struct err *err);

#endif
