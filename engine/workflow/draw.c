#include "engine/workflow/draw.h"

#include "engine/base/secret.h"

enum { NUMBER = 8 };

uint64_t draw_index(const unsigned char seed[DRAW_SEED], struct str label, uint64_t count) {
	BUG_IF(count == 0);
	uint64_t excess = (UINT64_MAX % count + 1) % count, number = 0;
	unsigned char hash[SECRET_SHA256];
	struct arena *a = arena_new();
	for (unsigned tries = 0; tries == 0 || number > UINT64_MAX - excess; tries++) {
		secret_hmac_sha256(hash, seed, arena_printf(a, "%.*s/%u", STR_ARG(label), tries));
		number = 0;
		for (size_t i = 0; i < NUMBER; i++)
			number = number << 8 | hash[i];
	}
	arena_free(a);
	return number % count;
}

static struct str hex_of(struct str text, struct arena *a) {
	unsigned char hash[SECRET_SHA256];
	secret_sha256(hash, text);
	return secret_hex(a, hash, sizeof hash);
}

struct str draw_commitment(const unsigned char seed[DRAW_SEED], struct arena *a) {
	return hex_of((struct str){(const char *)seed, DRAW_SEED}, a);
}

struct str draw_list_digest(const struct str *keys, size_t count, struct arena *a) {
	size_t size = 1;
	struct buf text;
	for (size_t i = 0; i < count; i++)
		size += keys[i].len + 24;
	buf_init(&text, size);
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%zu:%.*s,", keys[i].len, STR_ARG(keys[i]));
	struct str hex = hex_of(buf_text(&text), a);
	buf_free(&text);
	return hex;
}
