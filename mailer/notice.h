/* notice: a message of the product's own to somebody who wrote to us, and for whom no workflow does anything. Once in 30 days for each, 20 an hour for all: a program
 * that answers must not be answered again, and anybody can write anybody's address. */
#ifndef MAILER_NOTICE_H
#define MAILER_NOTICE_H

#include "engine/store/outbox.h"
#include "engine/workflow/site.h"

struct notice {
	enum channel channel;
	struct str address;  /* empty: nobody can answer it */
	const char *message; /* COMPOSE_... of compose.h */
	struct str data;     /* JSON */
};
/* *told false: not they, or not again. */
bool notice_send(struct tx *tx, const struct site *site, const struct notice *notice, int64_t now, struct arena *a, bool *told, struct err *err);

#endif
