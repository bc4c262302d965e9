/* imap: one mailbox, read (RFC 3501, IDLE of RFC 2177). Nothing is ever deleted. One thread; after an error only imap_close(). */
#ifndef MAILER_IMAP_H
#define MAILER_IMAP_H

#include <stdatomic.h>

#include "engine/base/arena.h"
#include "engine/base/config.h"
#include "engine/base/err.h"

struct imap;

/* Connected, logged in, the folder open. NULL: TRANSIENT, or PERMANENT where the configuration must be mended (login, certificate, folder).
 * stop, borrowed: when it is set, whatever waits ends within about a second. */
struct imap *imap_open(const struct inbox_config *config, const atomic_bool *stop, struct err *err);
void imap_close(struct imap *m);
int64_t imap_validity(const struct imap *m); /* UIDVALIDITY: with it a uid names one mail for ever */
int64_t imap_newest(const struct imap *m);   /* no mail that was there when it was opened has a higher uid */

struct imap_mail {
	int64_t uid, size;
	int64_t came_at; /* as the server says, to the second; 0: it does not */
};
struct imap_mails {
	struct imap_mail *items;
	size_t count, cap;
};
/* The mails behind that uid, oldest first, at most limit. */
bool imap_list(struct imap *m, int64_t after, size_t limit, struct arena *a, struct imap_mails *out, struct err *err);
bool imap_fetch(struct imap *m, int64_t uid, struct arena *a, struct str *raw, struct err *err); /* \Seen stays as it is; empty: it is gone */
enum imap_mark { IMAP_SEEN, IMAP_FLAGGED };
bool imap_mark(struct imap *m, int64_t uid, enum imap_mark mark, struct err *err);
/* Until something may have come, at most ms. */
bool imap_wait(struct imap *m, int ms, struct err *err);

#endif
