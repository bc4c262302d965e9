/* arena: memory by lifetime. One arena per request, event, delivery or definition, made by
 * the loop that owns the unit of work and freed once. Running out of memory aborts.
 * One thread at a time. */
#ifndef ENGINE_BASE_ARENA_H
#define ENGINE_BASE_ARENA_H

#include "engine/base/str.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);  /* NULL is harmless */
void arena_reset(struct arena *a); /* everything in it is gone; one block is kept for reuse */
/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t count, size_t size);
/* Calls end(context) when what is in it goes, the latest first: for what the arena's values borrow. end must not use the arena. */
void arena_defer(struct arena *a, void (*end)(void *context), void *context);
bool arena_defers(const struct arena *a, const void *context); /* it has such a call for that context */
/* A copy, NUL-terminated behind its length, in arena. */
struct str arena_str(struct arena *a, struct str s);
char *arena_z(struct arena *a, struct str s);
__attribute__((format(printf, 2, 3))) struct str arena_printf(struct arena *a, const char *format, ...);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, count, type) ((type *)arena_array((a), (count), sizeof(type)))

/* Appends to a growing array {type *items; size_t count, cap} in arena; the item is zeroed. */
void *arena_push(struct arena *a, void *items_pointer, size_t *count, size_t *cap, size_t size);
#define ARENA_PUSH(a, list) \
	arena_push((a), &(list)->items, &(list)->count, &(list)->cap, sizeof(*(list)->items))

#endif
