#include "engine/base/secret.h"

#include "engine/base/civil.h"
#include "engine/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY = 32, KEY_TEXT = 43, MAX_KEYS = 64, MAX_FILE = 8192 };

struct key {
	int64_t id;
	unsigned char bytes[KEY];
};

/* All of it in sodium memory, read-only once it is filled. The first key is the oldest. */
struct keyring {
	size_t count;
	struct key keys[MAX_KEYS];
};

bool secret_init(struct err *err) {
	if (sodium_init() < 0)
		return err_set(err, ERR_PERMANENT, "keys.unusable", "libsodium could not be started");
	return true;
}

static bool write_all(int fd, const char *bytes, size_t len) {
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes += done;
		len -= (size_t)done;
	}
	return true;
}

/* The name must survive a power cut as well as the bytes. */
static bool sync_folder(const char *path) {
	struct arena *a = arena_new();
	const char *slash = strrchr(path, '/');
	size_t len = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
	const char *folder = slash ? arena_z(a, (struct str){path, len}) : ".";
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	arena_free(a);
	return good;
}

static bool write_new_key(int fd) {
	unsigned char key[KEY];
	char text[KEY_TEXT + 1], line[128];
	struct arena *a = arena_new();
	struct str today = civil_format_date(a, civil_day_of(clock_now()));
	randombytes_buf(key, sizeof key);
	sodium_bin2base64(text, sizeof text, key, sizeof key, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	int len = snprintf(line, sizeof line, "1 %s %.*s\n", text, STR_ARG(today));
	bool good = fchmod(fd, 0600) == 0 && write_all(fd, line, (size_t)len) && fsync(fd) == 0;
	sodium_memzero(key, sizeof key);
	sodium_memzero(text, sizeof text);
	sodium_memzero(line, sizeof line);
	arena_free(a);
	return good;
}

bool keyring_create(const char *path, struct err *err) {
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_CONFLICT, "keys.exist", "%s: there is a key file already; it is never overwritten", path);
	if (fd < 0)
		return err_set(err, ERR_PERMANENT, "keys.unwritable", "%s: the key file could not be made: %s", path,
		               strerrordesc_np(errno));
	bool good = write_new_key(fd);
	good = close(fd) == 0 && good && sync_folder(path);
	if (good)
		return true;
	unlink(path);
	return err_set(err, ERR_PERMANENT, "keys.unwritable", "%s: the key file could not be written to the disk", path);
}

/* One line: `id key created`. The date is for people. */
static bool read_line(struct keyring *k, struct str line) {
	if (k->count == MAX_KEYS)
		return false;
	struct key *key = &k->keys[k->count];
	struct str id = str_cut(&line, ' '), text = str_cut(&line, ' ');
	int64_t newest = k->count ? k->keys[k->count - 1].id : 0;
	if (!str_to_int(id, &key->id) || key->id <= newest || line.len == 0)
		return false;
	if (!secret_base64url_decode(text, key->bytes, KEY))
		return false;
	k->count++;
	return true;
}

static bool read_lines(struct keyring *k, const char *path, struct str text, struct err *err) {
	for (int line = 1; text.len > 0; line++)
		if (!read_line(k, str_cut(&text, '\n')))
			return err_set(err, ERR_PERMANENT, "keys.unusable",
			               "%s:%d:1: expected `id key date`, ids rising, at most %d keys", path, line, MAX_KEYS);
	if (k->count == 0)
		return err_set(err, ERR_PERMANENT, "keys.unusable", "%s:1:1: the key file holds no key", path);
	return true;
}

static bool check_file(int fd, const char *path, struct err *err) {
	struct stat info;
	if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > MAX_FILE)
		return err_set(err, ERR_PERMANENT, "keys.unusable", "%s: this is no key file", path);
	if (info.st_mode & 077)
		return err_set(err, ERR_PERMANENT, "keys.readable",
		               "%s: others may read or write the key file (mode %04o); run: chmod 600 %s", path,
		               (unsigned)info.st_mode & 07777, path);
	return true;
}

static bool read_file(struct keyring *k, int fd, const char *path, struct err *err) {
	char *text = sodium_malloc(MAX_FILE);
	BUG_IF(!text);
	size_t len = 0;
	ssize_t got = 0;
	do {
		got = read(fd, text + len, MAX_FILE - len);
		len += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	bool good = got == 0 ? read_lines(k, path, (struct str){text, len}, err)
	                     : err_set(err, ERR_PERMANENT, "keys.unusable", "%s: the key file could not be read", path);
	sodium_free(text);
	return good;
}

struct keyring *keyring_open(const char *path, struct err *err) {
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_PERMANENT, "keys.missing",
		        "%s: the key file could not be opened: %s", path, strerrordesc_np(errno));
		return NULL;
	}
	struct keyring *k = sodium_malloc(sizeof *k);
	BUG_IF(!k);
	k->count = 0;
	bool good = check_file(fd, path, err) && read_file(k, fd, path, err);
	close(fd);
	if (good) {
		sodium_mprotect_readonly(k);
		return k;
	}
	keyring_close(k);
	return NULL;
}

void keyring_close(struct keyring *k) {
	sodium_free(k);
}

int64_t keyring_current(const struct keyring *k) {
	return k->keys[k->count - 1].id;
}

/* Every part goes in behind its length, so that ("ab", "c") and ("a", "bc") differ. */
static void add_part(crypto_generichash_state *state, struct str part) {
	unsigned char len[8];
	for (size_t i = 0; i < sizeof len; i++)
		len[i] = (unsigned char)((uint64_t)part.len >> (8 * i));
	crypto_generichash_update(state, len, sizeof len);
	if (part.len > 0)
		crypto_generichash_update(state, (const unsigned char *)part.at, part.len);
}

/* BLAKE2b of size bytes over purpose and parts; the size is part of the hash, so that 16 bytes are not the
 * head of 32. key NULL: unkeyed, without purpose. */
static void digest(const struct key *key, const char *purpose, const struct str *parts, size_t count, unsigned char *out,
                   size_t size) {
	crypto_generichash_state state;
	crypto_generichash_init(&state, key ? key->bytes : NULL, key ? KEY : 0, size);
	if (key)
		add_part(&state, str_from(purpose));
	for (size_t i = 0; i < count; i++)
		add_part(&state, parts[i]);
	crypto_generichash_final(&state, out, size);
	sodium_memzero(&state, sizeof state);
}

static bool mac(const struct keyring *k, int64_t key_id, const char *purpose, const struct str *parts, size_t count,
                unsigned char *out, size_t size) {
	for (size_t i = 0; i < k->count; i++) {
		if (k->keys[i].id != key_id)
			continue;
		digest(&k->keys[i], purpose, parts, count, out, size);
		return true;
	}
	return false;
}

void keyring_fingerprint(const struct keyring *k, unsigned char out[SECRET_FINGERPRINT]) {
	digest(&k->keys[0], "fingerprint", NULL, 0, out, SECRET_FINGERPRINT);
}

void secret_random(void *out, size_t len) {
	randombytes_buf(out, len);
}

void secret_id(unsigned char out[SECRET_ID], int64_t now) {
	enum { TIME = 4 };
	for (size_t i = 0; i < TIME; i++)
		out[i] = (unsigned char)((uint64_t)now >> (8 * (TIME - i)));
	secret_random(out + TIME, SECRET_ID - TIME);
}

void secret_hash(unsigned char out[SECRET_HASH], const struct str *parts, size_t count) {
	digest(NULL, NULL, parts, count, out, SECRET_HASH);
}

bool secret_equal(const void *a, const void *b, size_t len) {
	return sodium_memcmp(a, b, len) == 0;
}

bool secret_mac(const struct keyring *k, int64_t key_id, const char *purpose, const struct str *parts, size_t count,
                unsigned char out[SECRET_HASH]) {
	return mac(k, key_id, purpose, parts, count, out, SECRET_HASH);
}

static bool token_mac(const struct keyring *k, int64_t key_id, const char *purpose, const unsigned char id[SECRET_ID],
                      unsigned char out[SECRET_MAC]) {
	struct str part = {(const char *)id, SECRET_ID};
	return mac(k, key_id, purpose, &part, 1, out, SECRET_MAC);
}

bool token_make(const struct keyring *k, int64_t key_id, const char *purpose, const unsigned char id[SECRET_ID],
                char out[SECRET_TOKEN + 1]) {
	unsigned char both[SECRET_ID + SECRET_MAC];
	memcpy(both, id, SECRET_ID);
	if (!token_mac(k, key_id, purpose, id, both + SECRET_ID))
		return false;
	sodium_bin2base64(out, SECRET_TOKEN + 1, both, sizeof both, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return true;
}

bool token_split(struct str token, unsigned char id[SECRET_ID], unsigned char mac_out[SECRET_MAC]) {
	unsigned char both[SECRET_ID + SECRET_MAC];
	if (!secret_base64url_decode(token, both, sizeof both))
		return false;
	memcpy(id, both, SECRET_ID);
	memcpy(mac_out, both + SECRET_ID, SECRET_MAC);
	return true;
}

bool token_verify(const struct keyring *k, int64_t key_id, const char *purpose, const unsigned char id[SECRET_ID],
                  const unsigned char given[SECRET_MAC]) {
	unsigned char right[SECRET_MAC];
	return token_mac(k, key_id, purpose, id, right) && secret_equal(right, given, SECRET_MAC);
}

bool code_make(const struct keyring *k, int64_t key_id, const unsigned char request_id[SECRET_ID], struct str address,
               int digits, char out[9]) {
	BUG_IF(digits < 4 || digits > 8);
	struct str parts[] = {{(const char *)request_id, SECRET_ID}, address};
	unsigned char hash[SECRET_HASH];
	if (!mac(k, key_id, "code", parts, 2, hash, sizeof hash))
		return false;
	uint64_t number = 0, limit = 1;
	for (size_t i = 0; i < sizeof number; i++)
		number |= (uint64_t)hash[i] << (8 * i);
	for (int i = 0; i < digits; i++)
		limit *= 10;
	snprintf(out, 9, "%0*u", digits, (unsigned)(number % limit)); /* bias below 10^8 / 2^64 */
	return true;
}

enum { SEAL_NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, SEAL_TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES, SEAL_BLOCK = 32 };

struct str secret_seal(const struct keyring *k, struct str about, struct str plain, struct arena *a) {
	const struct key *key = &k->keys[k->count - 1];
	unsigned char own[KEY];
	size_t size = plain.len + SEAL_BLOCK, padded = 0;
	unsigned char *text = arena_alloc(a, size), *out = arena_alloc(a, SEAL_NONCE + size + SEAL_TAG);
	struct str parts[] = {about, plain};
	memcpy(text, plain.at, plain.len);
	BUG_IF(sodium_pad(&padded, text, plain.len, SEAL_BLOCK, size) != 0);
	digest(key, "seal", NULL, 0, own, sizeof own);
	digest(key, "seal-nonce", parts, 2, out, SEAL_NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + SEAL_NONCE, NULL, text, padded, (const unsigned char *)about.at, about.len, NULL, out, own);
	sodium_memzero(own, sizeof own);
	sodium_memzero(text, size);
	struct str bytes = secret_base64url(a, out, SEAL_NONCE + padded + SEAL_TAG);
	return arena_printf(a, "%lld.%.*s", (long long)key->id, STR_ARG(bytes));
}

static const struct key *key_of(const struct keyring *k, struct str id) {
	int64_t number;
	for (size_t i = 0; str_to_int(id, &number) && i < k->count; i++)
		if (k->keys[i].id == number)
			return &k->keys[i];
	return NULL;
}

bool secret_unseal(const struct keyring *k, struct str about, struct str sealed, struct arena *a, struct str *plain) {
	const struct key *key = key_of(k, str_cut(&sealed, '.'));
	unsigned char own[KEY];
	size_t len = sealed.len / 4 * 3 + (sealed.len % 4 > 1 ? sealed.len % 4 - 1 : 0), unpadded;
	unsigned char *in = arena_alloc(a, len + 1);
	if (!key || len < SEAL_NONCE + SEAL_TAG + SEAL_BLOCK || !secret_base64url_decode(sealed, in, len))
		return false;
	size_t padded = len - SEAL_NONCE - SEAL_TAG;
	unsigned char *text = arena_alloc(a, padded);
	digest(key, "seal", NULL, 0, own, sizeof own);
	bool good = crypto_aead_xchacha20poly1305_ietf_decrypt(text, NULL, NULL, in + SEAL_NONCE, len - SEAL_NONCE, (const unsigned char *)about.at, about.len, in, own) == 0;
	sodium_memzero(own, sizeof own);
	if (!good || sodium_unpad(&unpadded, text, padded, SEAL_BLOCK) != 0)
		return false;
	*plain = (struct str){(const char *)text, unpadded};
	return true;
}

struct str secret_base64url(struct arena *a, const void *bytes, size_t len) {
	size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *text = arena_alloc(a, size);
	sodium_bin2base64(text, size, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return (struct str){text, size - 1};
}

bool secret_base64url_decode(struct str s, void *out, size_t len) {
	size_t found = 0;
	const char *end = NULL;
	if (s.len != sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING) - 1)
		return false;
	/* libsodium 1.0.18 takes some bytes above 127 for letters. */
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] > 127)
			return false;
	return sodium_base642bin(out, len, s.at, s.len, NULL, &found, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
	       found == len && end == s.at + s.len;
}

struct str secret_hex(struct arena *a, const void *bytes, size_t len) {
	char *text = arena_alloc(a, 2 * len + 1);
	sodium_bin2hex(text, 2 * len + 1, bytes, len);
	return (struct str){text, 2 * len};
}

bool secret_unhex(struct str s, void *out, size_t len) {
	size_t found = 0;
	const char *end = NULL;
	return s.len == 2 * len && sodium_hex2bin(out, len, s.at, s.len, NULL, &found, &end) == 0 && found == len && end == s.at + s.len;
}

void secret_sha256(unsigned char out[SECRET_SHA256], struct str text) {
	crypto_hash_sha256(out, (const unsigned char *)text.at, text.len);
}

void secret_hmac_sha256(unsigned char out[SECRET_SHA256], const unsigned char key[SECRET_SHA256], struct str text) {
	crypto_auth_hmacsha256(out, (const unsigned char *)text.at, text.len, key);
}
