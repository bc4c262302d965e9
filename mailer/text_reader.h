/* text_reader: reads through the gateway's description the texts that the portal kept, and does what follows: an event for the open question to that number, the start
 * of an instance, a number that wants no more, a stranger who is told once that nobody reads here. Any of the mailer's threads, one at a time. */
#ifndef MAILER_TEXT_READER_H
#define MAILER_TEXT_READER_H

#include "mailer/gateway.h"
#include "mailer/mailer.h"

/* The oldest, a page of them, each in its own transaction; more are left for the next call, and reading some wakes the mailer. */
bool texts_read(const struct mailer_options *options, const struct gateway *gateway, struct err *err);

#endif
