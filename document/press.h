/* press: the thread that draws the documents which workflows have made: take (the try is counted) -> child process -> file and state in one job of the
 * writer. Neither writer nor portal waits for it. What fails is tried three times and then set aside, which the log tells as an error. */
#ifndef DOCUMENT_PRESS_H
#define DOCUMENT_PRESS_H

#include "engine/workflow/writer.h"

struct press;

struct press_options {
	struct site *site;
	struct store *store;
	struct writer *writer;
};
/* Starts its thread. NULL on error; caller closes before writer, store and site. */
struct press *press_open(const struct press_options *options, struct err *err);
void press_close(struct press *p); /* waits for the document under way, at most half a minute */
void press_wake(struct press *p);  /* any thread: something was committed, or the clock moved */

/* The file of a document; no transaction needs to be open. As document_pdf. */
bool press_draw(const struct document *d, const struct document_sheet *sheet, struct arena *a, struct str *pdf, struct err *err);
/* The file is kept: drawing -> ready, and the messages that waited for it are due. */
bool press_keep(struct tx *tx, const struct keyring *keys, struct document *d, struct str pdf, int64_t now, struct err *err);
/* Both at once, inside a transaction: for scenarios, whose options->draw it is. */
bool press_at_once(void *context, struct site *site, struct tx *tx, struct document *d, struct arena *a, struct err *err);

#endif
