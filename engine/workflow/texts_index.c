#include "engine/workflow/texts_index.h"

#include <string.h>

void text_index_add(struct text_index *x, struct arena *a, struct str path, struct text text) {
	*(struct text_entry *)ARENA_PUSH(a, x) = (struct text_entry){path, text};
}

/* Looked for a hundred times a page: put together, and hashed by words of eight bytes. */
enum { LONGEST = 400 };

struct path {
	char bytes[LONGEST + sizeof(uint64_t)];
	size_t len;
};

static bool add(struct path *p, struct str piece) {
	if (piece.len > LONGEST - p->len)
		return false;
	memcpy(p->bytes + p->len, piece.at, piece.len);
	p->len += piece.len;
	return true;
}

/* False: it is longer than any. */
static bool join(struct path *p, const struct str *pieces, size_t count) {
	p->len = 0;
	for (size_t i = 0; i < count && pieces[i].len > 0; i++)
		if ((i > 0 && !add(p, STR("."))) || !add(p, pieces[i]))
			return false;
	memset(p->bytes + p->len, 0, sizeof(uint64_t));
	return true;
}

static uint64_t hash_of(const struct path *p) {
	uint64_t hash = p->len, word;
	for (size_t i = 0; i < p->len; i += sizeof word) {
		memcpy(&word, p->bytes + i, sizeof word);
		hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 32;
	}
	return hash;
}

static size_t slot_of(const struct text_index *x, const struct path *p) {
	size_t slot = hash_of(p) & (x->slot_count - 1);
	while (x->slots[slot] > 0 && !str_equal(x->items[x->slots[slot] - 1].path, (struct str){p->bytes, p->len}))
		slot = (slot + 1) & (x->slot_count - 1);
	return slot;
}

void text_index_close(struct text_index *x, struct arena *a) {
	struct path path;
	for (x->slot_count = 2; x->slot_count < 2 * x->count + 1;)
		x->slot_count *= 2;
	x->slots = ARENA_ARRAY(a, x->slot_count, size_t);
	for (size_t i = 0; i < x->count; i++)
		if (join(&path, &x->items[i].path, 1))
			x->slots[slot_of(x, &path)] = i + 1;
}

const struct text *text_index_find(const struct text_index *x, const struct str *pieces, size_t count) {
	struct path path;
	size_t found = join(&path, pieces, count) ? x->slots[slot_of(x, &path)] : 0;
	return found > 0 ? &x->items[found - 1].text : NULL;
}
