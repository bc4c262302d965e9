/* draw: which of a list a seed draws, so that everybody can work it out again with SHA-256 and HMAC alone (docs/draws.md). Pure; any thread. */
#ifndef ENGINE_WORKFLOW_DRAW_H
#define ENGINE_WORKFLOW_DRAW_H

#include "engine/base/arena.h"

enum { DRAW_SEED = 32, DRAW_HEX = 64 };

/* Uniform below count, which is not 0: the first of HMAC-SHA-256(seed, "LABEL/0"), "LABEL/1"... whose first 8 bytes, highest first, lie below the largest multiple of
 * count, modulo count. */
uint64_t draw_index(const unsigned char seed[DRAW_SEED], struct str label, uint64_t count);
/* The places of a list in the order in which a draw with a condition looks at them, none twice: the first number with "LABEL", the next with "LABEL.1", "LABEL.2"... */
struct draw_order {
	const unsigned char *seed;
	struct str label;
	size_t count, passed;
	size_t *left;        /* by place: which item stands there, counted from 1; 0: its own */
	struct arena *a;
};
void draw_order_begin(struct draw_order *o, const unsigned char seed[DRAW_SEED], struct str label, size_t count);
bool draw_order_next(struct draw_order *o, size_t *index); /* false: there are no more */
void draw_order_end(struct draw_order *o);
/* In hex: what is told of a seed before it is used: its SHA-256. */
struct str draw_commitment(const unsigned char seed[DRAW_SEED], struct arena *a);
/* In hex: the SHA-256 of the keys in their order, each as "LENGTH:KEY," with its length in bytes. */
struct str draw_list_digest(const struct str *keys, size_t count, struct arena *a);

#endif
