#include "engine/workflow/texts_index.h"

#include <string.h>

void text_index_add(struct text_index *x, struct arena *a, struct str path, struct text text) {
	*(struct text_entry *)ARENA_PUSH(a, x) = (struct text_entry){path, text};
}

/* FNV-1a. */
static uint64_t add_hash(uint64_t hash, struct str s) {
	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)s.at[i]) * UINT64_C(0x100000001B3);
	return hash;
}

static uint64_t hash_of(const struct str *pieces, size_t count) {
	uint64_t hash = UINT64_C(0xCBF29CE484222325);
	for (size_t i = 0; i < count; i++)
		hash = add_hash(i > 0 ? add_hash(hash, STR(".")) : hash, pieces[i]);
	return hash ^ hash >> 32;
}

static bool is_path(struct str path, const struct str *pieces, size_t count) {
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && !str_starts(path, STR(".")))
			return false;
		path = i > 0 ? (struct str){path.at + 1, path.len - 1} : path;
		if (!str_starts(path, pieces[i]))
			return false;
		path = (struct str){path.at + pieces[i].len, path.len - pieces[i].len};
	}
	return path.len == 0;
}

static size_t slot_of(const struct text_index *x, const struct str *pieces, size_t count) {
	size_t slot = hash_of(pieces, count) & (x->slot_count - 1);
	while (x->slots[slot] > 0 && !is_path(x->items[x->slots[slot] - 1].path, pieces, count))
		slot = (slot + 1) & (x->slot_count - 1);
	return slot;
}

void text_index_close(struct text_index *x, struct arena *a) {
	for (x->slot_count = 2; x->slot_count < 2 * x->count + 1;)
		x->slot_count *= 2;
	x->slots = ARENA_ARRAY(a, x->slot_count, size_t);
	for (size_t i = 0; i < x->count; i++)
		x->slots[slot_of(x, &x->items[i].path, 1)] = i + 1;
}

const struct text *text_index_find(const struct text_index *x, const struct str *pieces, size_t count) {
	size_t used = 0;
	while (used < count && pieces[used].len > 0)
		used++;
	size_t found = used > 0 ? x->slots[slot_of(x, pieces, used)] : 0;
	return found > 0 ? &x->items[found - 1].text : NULL;
}
