/* plain: a listener with one thread that serves one connection after another. For this machine's own (the command line, a watcher), never for strangers. */
#ifndef OTP_PORTAL_PLAIN_H
#define OTP_PORTAL_PLAIN_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct plain;

/* Takes the listening socket over, also when no thread can be started (NULL); serve gets each connection, which is closed after it. Caller closes. */
struct plain *plain_open(int listener, void (*serve)(void *context, int fd), void *context, struct err *err);
void plain_close(struct plain *p); /* when the connection in hand is served */

/* How long one read or write may take. */
void plain_patience(int fd, int seconds);
/* The head of a request without its empty line, in arena. False: it did not come whole, or in time (clock_monotonic), or is longer than 8 KB. */
bool plain_read_head(int fd, int64_t until, struct arena *a, struct str *out);
bool plain_read(int fd, char *out, size_t len);
bool plain_write(int fd, const char *bytes, size_t len);

#endif
