/* door: the command line's way into a running server: HTTP on a unix socket that only the same user, or root, may use (peer credentials).
 * One command at a time, in a thread of its own, because commands may take long.
 *
 *   POST /command with arg=...&arg=... (urlencoded); answered by "<exit status>\n" and the command's output */
#ifndef OTP_PORTAL_DOOR_H
#define OTP_PORTAL_DOOR_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct door;

struct door_options {
	const char *path;
	int (*command)(void *context, int argc, char **argv, struct buf *out);
	void *context;
};

struct door *door_open(const struct door_options *options, struct err *err); /* caller closes */
void door_close(struct door *d); /* finishes the command under way; removes the socket */

/* The head of a request, without its empty line. False: not POST /command with a length of at most DOOR_BODY. */
enum { DOOR_BODY = 64 * 1024 * 1024 };
bool door_parse_head(struct str head, size_t *length, bool *expects);
/* "arg=a&arg=b" -> argv, NULL-terminated, in arena. */
bool door_parse_body(struct str body, struct arena *a, int *argc, char ***argv);

#endif
