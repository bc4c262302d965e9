/* address: mail addresses and phone numbers as people type them, in their normal form.
 * Any thread; what is returned is in arena. */
#ifndef ENGINE_BASE_ADDRESS_H
#define ENGINE_BASE_ADDRESS_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

/* local@domain, the domain in lower case. The local part is a dot-atom of at most 64 characters (RFC 5321
 * 4.1.2, no quoted form), the domain ASCII with at least one dot, all together at most 254.
 * Refusal: INPUT, with the message that says why. */
bool address_email(struct arena *a, struct str typed, struct str *normal, struct err *err);
/* For comparing: all of a normal address in lower case, as most mail servers take it. */
struct str address_key(struct arena *a, struct str normal);
/* +4522334455 (E.164, 8-15 digits). Blanks, hyphens, dots and parentheses are dropped, 00 is +; a number
 * without them gets the calling code `country` (0: is refused). Refusal: INPUT, with the message that says why. */
bool address_phone(struct arena *a, struct str typed, int64_t country, struct str *normal, struct err *err);
/* For people who may know that it is theirs: "a***@firma.dk", "+45 ** ** ** 22". */
struct str address_mask(struct arena *a, struct str normal);

#endif
