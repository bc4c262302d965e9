#include "engine/base/arena.h"

#include "engine/base/err.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct block {
	struct block *older;
	size_t size, used;
	alignas(max_align_t) char bytes[];
};

struct deferred {
	struct deferred *older;
	void (*end)(void *context);
	void *context;
};

struct arena {
	struct block *newest;
	struct deferred *deferred; /* in it */
};

static struct block *block_new(size_t size, struct block *older) {
	struct block *b = malloc(sizeof *b + size);
	BUG_IF(b == NULL);
	*b = (struct block){.older = older, .size = size};
	return b;
}

struct arena *arena_new(void) {
	struct arena *a = malloc(sizeof *a);
	BUG_IF(a == NULL);
	*a = (struct arena){.newest = block_new(FIRST_BLOCK, NULL)};
	return a;
}

static void end_deferred(struct arena *a) {
	for (const struct deferred *d = a->deferred; d; d = d->older)
		d->end(d->context);
	a->deferred = NULL;
}

static void free_older(struct block *b) {
	while (b) {
		struct block *older = b->older;
		free(b);
		b = older;
	}
}

void arena_free(struct arena *a) {
	if (!a)
		return;
	end_deferred(a);
	free_older(a->newest);
	free(a);
}

void arena_reset(struct arena *a) {
	end_deferred(a);
	free_older(a->newest->older);
	a->newest->older = NULL;
	a->newest->used = 0;
}

void *arena_alloc(struct arena *a, size_t size) {
	BUG_IF(size > SIZE_MAX / 4);
	size_t need = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct block *b = a->newest;
	if (b->size - b->used < need) {
		size_t next = b->size >= LARGEST_BLOCK ? LARGEST_BLOCK : b->size * 2;
		b = a->newest = block_new(next < need ? need : next, b);
	}
	void *at = b->bytes + b->used;
	b->used += need;
	memset(at, 0, need);
	return at;
}

void arena_defer(struct arena *a, void (*end)(void *context), void *context) {
	struct deferred *d = ARENA_NEW(a, struct deferred);
	*d = (struct deferred){a->deferred, end, context};
	a->deferred = d;
}

bool arena_defers(const struct arena *a, const void *context) {
	const struct deferred *d = a->deferred;
	while (d && d->context != context)
		d = d->older;
	return d != NULL;
}

void *arena_array(struct arena *a, size_t count, size_t size) {
	size_t bytes;
	BUG_IF(__builtin_mul_overflow(count, size, &bytes));
	return arena_alloc(a, bytes);
}

struct str arena_str(struct arena *a, struct str s) {
	char *copy = arena_alloc(a, s.len + 1);
	if (s.len > 0)
		memcpy(copy, s.at, s.len);
	return (struct str){copy, s.len};
}

char *arena_z(struct arena *a, struct str s) {
	char *copy = arena_alloc(a, s.len + 1);
	if (s.len > 0)
		memcpy(copy, s.at, s.len);
	return copy;
}

struct str arena_printf(struct arena *a, const char *format, ...) {
	va_list args;
	char few[256]; /* most are written once */
	BUG_IF(format == NULL);
	va_start(args, format);
	size_t len = str_vformat(few, sizeof few, format, args);
	char *text = arena_alloc(a, len + 1);
	if (len < sizeof few)
		memcpy(text, few, len + 1);
	else
		str_vformat(text, len + 1, format, args);
	va_end(args);
	return (struct str){text, len};
}

void *arena_push(struct arena *a, void *items_pointer, size_t *count, size_t *cap, size_t size) {
	void **items = items_pointer;
	if (*count == *cap) {
		size_t larger = *cap ? *cap * 2 : 8;
		void *copy = arena_array(a, larger, size);
		if (*count > 0)
			memcpy(copy, *items, *count * size);
		*items = copy;
		*cap = larger;
	}
	/* The place may have been in use before the list grew shorter. */
	return memset((char *)*items + (*count)++ * size, 0, size);
}
