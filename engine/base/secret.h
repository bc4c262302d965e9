/* secret: keys, tokens, codes and hashes (libsodium; design.md promise 3). The key file lies outside
 * the database; nothing that is derived from it is ever stored. Keys live in locked memory.
 * The ring is immutable after loading: any thread. */
#ifndef ENGINE_BASE_SECRET_H
#define ENGINE_BASE_SECRET_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

enum {
	SECRET_ID = 16,       /* a random id: link, login request, salt */
	SECRET_MAC = 16,      /* BLAKE2b-128 */
	SECRET_HASH = 32,     /* BLAKE2b-256 */
	SECRET_SHA256 = 32,
	SECRET_TOKEN = 43,    /* base64url(id || mac), without padding */
	SECRET_FINGERPRINT = 16
};

struct keyring;
bool secret_init(struct err *err); /* once, before any thread */
/* Writes a new key file, mode 0600; refuses to overwrite. */
bool keyring_create(const char *path, struct err *err);
/* NULL on error; refuses a file that others may read. Caller closes. */
struct keyring *keyring_open(const char *path, struct err *err);
void keyring_close(struct keyring *k);
void keyring_fingerprint(const struct keyring *k, unsigned char out[SECRET_FINGERPRINT]); /* of the ring's first key */
int64_t keyring_current(const struct keyring *k); /* id of the key that signs from now on */

void secret_random(void *out, size_t len);
/* 96 random bits behind the quarter of a second (for 34 years): what is made together lies together in an index. */
void secret_id(unsigned char out[SECRET_ID], int64_t now);
void secret_hash(unsigned char out[SECRET_HASH], const struct str *parts, size_t count); /* unkeyed; each part length-prefixed */
bool secret_equal(const void *a, const void *b, size_t len); /* constant time */
/* Keyed; false when the ring has no key of that id. purpose is a literal such as "link", "history". */
bool secret_mac(const struct keyring *k, int64_t key_id, const char *purpose, const struct str *parts, size_t count,
                unsigned char out[SECRET_HASH]);
/* token = base64url(id || MAC16(key, purpose, id)). */
bool token_make(const struct keyring *k, int64_t key_id, const char *purpose, const unsigned char id[SECRET_ID],
                char out[SECRET_TOKEN + 1]);
/* Splits a token into id and mac; false if it is no 43 characters of canonical base64url. */
bool token_split(struct str token, unsigned char id[SECRET_ID], unsigned char mac[SECRET_MAC]);
bool token_verify(const struct keyring *k, int64_t key_id, const char *purpose, const unsigned char id[SECRET_ID],
                  const unsigned char mac[SECRET_MAC]);
enum { CODE_DIGITS = 6, CODE_DIGITS_LEAST = 4, CODE_DIGITS_MOST = 8 }; /* of a one-time code; the first where nothing else is said */
/* digits 4-8, leading zeros kept: u64(MAC(key, "code", request id, address)) mod 10^digits. */
bool code_make(const struct keyring *k, int64_t key_id, const unsigned char request_id[SECRET_ID], struct str address,
               int digits, char out[9]);
/* Encrypts and authenticates (XChaCha20-Poly1305) with a key of its own, derived from the ring's current one. `about` is not in the result and must be given again to
 * open it. The nonce is a keyed hash of both: the same text about the same thing gives the same result, and no counter can go wrong. Padded to whole 32 bytes, so that
 * its length tells little. "KEY.BASE64URL" in arena. */
struct str secret_seal(const struct keyring *k, struct str about, struct str plain, struct arena *a);
/* False: changed, about something else, or the ring has no such key. *plain in arena. */
bool secret_unseal(const struct keyring *k, struct str about, struct str sealed, struct arena *a, struct str *plain);
struct str secret_base64url(struct arena *a, const void *bytes, size_t len);
bool secret_base64url_decode(struct str s, void *out, size_t len); /* exactly len bytes */
struct str secret_hex(struct arena *a, const void *bytes, size_t len);
bool secret_unhex(struct str s, void *out, size_t len); /* exactly len bytes; capitals too */
/* For what others shall be able to compute with what every language has. */
void secret_sha256(unsigned char out[SECRET_SHA256], struct str text);
void secret_hmac_sha256(unsigned char out[SECRET_SHA256], const unsigned char key[SECRET_SHA256], struct str text);

#endif
