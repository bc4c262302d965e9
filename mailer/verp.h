/* verp: the envelope sender that says which message came back (variable envelope return paths): retur@x.example becomes retur+1.2f.9c0f...@x.example, key id,
 * number of the message and MAC, in small hexadecimal digits, as a mail server may fold the case. So nobody can make a bounce of a message that did not bounce. */
#ifndef MAILER_VERP_H
#define MAILER_VERP_H

#include "engine/base/secret.h"

/* Where that message's bounces go to; the plain address when the local part would be longer than the 64 characters of RFC 5321. */
struct str verp_address(struct arena *a, const struct keyring *keys, struct str bounce_address, int64_t outbox_id);
/* False: it is not one of ours. */
bool verp_read(const struct keyring *keys, struct str bounce_address, struct str address, int64_t *outbox_id);

#endif
