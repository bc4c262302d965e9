#include "engine/workflow/draw.h"

#include "engine/base/secret.h"

#include <stdlib.h>

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

void draw_order_begin(struct draw_order *o, const unsigned char seed[DRAW_SEED], struct str label, size_t count) {
	*o = (struct draw_order){.seed = seed, .label = label, .count = count, .left = calloc(count, sizeof *o->left), .a = arena_new()};
	BUG_IF(!o->left); /* of a long list hardly anything is touched */
}

bool draw_order_next(struct draw_order *o, size_t *index) {
	size_t count = o->count - o->passed;
	if (count == 0)
		return false;
	arena_reset(o->a);
	struct str label = o->passed == 0 ? o->label : arena_printf(o->a, "%.*s.%zu", STR_ARG(o->label), o->passed);
	size_t place = (size_t)draw_index(o->seed, label, count);
	*index = o->left[place] ? o->left[place] - 1 : place;
	o->left[place] = o->left[count - 1] ? o->left[count - 1] : count;
	o->passed++;
	return true;
}

void draw_order_end(struct draw_order *o) {
	free(o->left);
	arena_free(o->a);
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
