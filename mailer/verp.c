#include "mailer/verp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAC = 12, LOCAL_MAX = 64, TAG_MAX = 64 };

/* "1.2f.9c0f..." */
static bool tag_make(const struct keyring *keys, int64_t key_id, int64_t outbox_id, char tag[TAG_MAX]) {
	unsigned char mac[SECRET_HASH];
	struct str part = {(const char *)&outbox_id, sizeof outbox_id};
	if (!secret_mac(keys, key_id, "bounce", &part, 1, mac))
		return false;
	int len = snprintf(tag, TAG_MAX, "%" PRIx64 ".%" PRIx64 ".", (uint64_t)key_id, (uint64_t)outbox_id);
	for (int i = 0; i < MAC; i++)
		len += snprintf(tag + len, (size_t)(TAG_MAX - len), "%02x", mac[i]);
	return true;
}

struct str verp_address(struct arena *a, const struct keyring *keys, struct str bounce_address, int64_t outbox_id) {
	struct str domain = bounce_address, local = str_cut(&domain, '@');
	char tag[TAG_MAX];
	if (!tag_make(keys, keyring_current(keys), outbox_id, tag) || local.len + 1 + strlen(tag) > LOCAL_MAX)
		return bounce_address;
	return arena_printf(a, "%.*s+%s@%.*s", STR_ARG(local), tag, STR_ARG(domain));
}

static bool same(struct str a, struct str b) {
	return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

static bool read_hex(struct str digits, int64_t *out) {
	uint64_t n = 0;
	if (digits.len == 0 || digits.len > 15)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		const char *all = "0123456789abcdef", *digit = memchr(all, digits.at[i] | 0x20, 16);
		if (!digit)
			return false;
		n = n << 4 | (uint64_t)(digit - all);
	}
	*out = (int64_t)n;
	return true;
}

bool verp_read(const struct keyring *keys, struct str bounce_address, struct str address, int64_t *outbox_id) {
	struct str domain = bounce_address, local = str_cut(&domain, '@'), tag = address;
	struct str base = str_cut(&tag, '+'), at = tag;
	tag = str_cut(&at, '@');
	if (!same(base, local) || !same(at, domain))
		return false;
	struct str rest = tag, key = str_cut(&rest, '.'), number = str_cut(&rest, '.');
	char right[TAG_MAX], given[TAG_MAX] = "";
	int64_t key_id;
	if (!read_hex(key, &key_id) || !read_hex(number, outbox_id) || !tag_make(keys, key_id, *outbox_id, right) || tag.len != strlen(right))
		return false;
	for (size_t i = 0; i < tag.len; i++)
		given[i] = (char)(tag.at[i] >= 'A' && tag.at[i] <= 'Z' ? tag.at[i] | 0x20 : tag.at[i]);
	return secret_equal(given, right, tag.len);
}
