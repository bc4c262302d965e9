/* inbox: the thread that reads the site's mailbox: wait (IDLE) -> fetch -> take apart in a child -> one job of the writer notes the mail and does what follows -> mark.
 * A mail counts once, however often it is fetched. Nothing is deleted. Only a mail of a person's that was to start something, and could not, is answered by us. */
#ifndef MAILER_INBOX_H
#define MAILER_INBOX_H

#include "mailer/mailer.h"

struct inbox;

/* Starts its thread; capture is not looked at. *out NULL: the site reads no mailbox. False: the thread cannot be started. Caller closes before writer and store. */
bool inbox_open(const struct mailer_options *options, struct inbox **out, struct err *err);
void inbox_close(struct inbox *b); /* within some seconds; NULL is harmless */

/* Whether it is connected, and how long ago the mailbox last said what is in it (-1: never). While nothing comes it is asked every ten minutes. Any thread. */
bool inbox_look(const struct inbox *b, int64_t *silent_ms);

#endif
