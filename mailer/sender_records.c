#include "mailer/sender_records.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { KEY_MAX = 2048 };

/* --- lists of tags: "v=DMARC1; p=reject" --- */

static bool next_tag(struct str *rest, struct str *name, struct str *value) {
	while (rest->len > 0) {
		*value = str_cut(rest, ';');
		*name = str_trim(str_cut(value, '='));
		*value = str_trim(*value);
		if (name->len > 0)
			return true;
	}
	return false;
}

static bool is(struct str s, const char *word) {
	return s.len == strlen(word) && strncasecmp(s.at, word, s.len) == 0;
}

static int policy_of(struct str value) {
	return is(value, "reject") ? DMARC_REJECT : is(value, "quarantine") ? DMARC_QUARANTINE : DMARC_NONE;
}

bool dmarc_read(struct str text, bool below, struct dmarc_seen *out) {
	struct str name, value;
	bool policy = false;
	*out = (struct dmarc_seen){0};
	if (!next_tag(&text, &name, &value) || !is(name, "v") || !str_is(value, "DMARC1"))
		return false;
	while (next_tag(&text, &name, &value)) {
		if (is(name, "p") || (is(name, "sp") && below))
			out->policy = policy_of(value), policy = true;
		else if (is(name, "aspf"))
			out->strict_spf = is(value, "s");
		else if (is(name, "adkim"))
			out->strict_dkim = is(value, "s");
		else if (is(name, "rua"))
			out->reports = value.len > 0;
	}
	return policy;
}

/* --- keys --- */

/* Blanks within are left out. False: too long, or no base64. */
static bool decode_base64(struct str text, unsigned char *out, size_t *len) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	int held = 0;
	*len = 0;
	for (size_t i = 0; i < text.len; i++) {
		const char *digit = text.at[i] ? strchr(digits, text.at[i]) : NULL;
		if (text.at[i] == ' ' || text.at[i] == '\t')
			continue;
		if (text.at[i] == '=')
			break;
		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		held += 6;
		if (held >= 8) {
			if (*len == KEY_MAX)
				return false;
			held -= 8;
			out[(*len)++] = (unsigned char)(bits >> held);
		}
	}
	return true;
}

struct bytes {
	const unsigned char *at;
	size_t len;
};

/* One DER value of that tag from the front of *rest. */
static bool take_der(struct bytes *rest, unsigned char tag, struct bytes *value) {
	if (rest->len < 2 || rest->at[0] != tag)
		return false;
	size_t len = rest->at[1], head = 2;
	if (len & 0x80) {
		size_t count = len & 0x7F;
		if (count < 1 || count > 2 || rest->len < 2 + count)
			return false;
		for (len = 0; head < 2 + count; head++)
			len = len << 8 | rest->at[head];
	}
	if (rest->len - head < len)
		return false;
	*value = (struct bytes){rest->at + head, len};
	*rest = (struct bytes){rest->at + head + len, rest->len - head - len};
	return true;
}

/* Bits of the modulus in a SubjectPublicKeyInfo, or in a bare RSAPublicKey, which some publish. */
static int rsa_bits(struct bytes key) {
	struct bytes whole, skipped, string, number;
	if (!take_der(&key, 0x30, &whole))
		return 0;
	if (take_der(&whole, 0x30, &skipped)) {
		if (!take_der(&whole, 0x03, &string) || string.len < 1)
			return 0;
		string = (struct bytes){string.at + 1, string.len - 1};
		if (!take_der(&string, 0x30, &whole))
			return 0;
	}
	if (!take_der(&whole, 0x02, &number))
		return 0;
	while (number.len > 0 && number.at[0] == 0)
		number = (struct bytes){number.at + 1, number.len - 1};
	int bits = (int)number.len * 8;
	for (unsigned char first = number.len > 0 ? number.at[0] : 0x80; first < 0x80; first = (unsigned char)(first << 1))
		bits--;
	return bits;
}

bool dkim_read(struct str text, struct dkim_seen *out) {
	unsigned char key[KEY_MAX];
	size_t len = 0;
	struct str name, value, kind = STR("rsa"), p = STR("");
	bool given = false;
	*out = (struct dkim_seen){0};
	while (next_tag(&text, &name, &value)) {
		if (is(name, "v") && !str_is(value, "DKIM1"))
			return false;
		if (is(name, "k"))
			kind = value;
		else if (is(name, "p"))
			p = value, given = true;
		else if (is(name, "t"))
			out->testing = value.len > 0 && (value.at[0] == 'y' || memmem(value.at, value.len, ":y", 2));
	}
	out->rsa = is(kind, "rsa");
	out->revoked = given && p.len == 0;
	if (!given || (!out->rsa && !is(kind, "ed25519")) || !decode_base64(p, key, &len))
		return false;
	if (out->rsa && !out->revoked)
		out->bits = rsa_bits((struct bytes){key, len});
	return out->revoked || out->rsa || len == 32;
}
