/* language_parts: the {{name}} in a text of the product. Any thread. */
#ifndef ENGINE_BASE_LANGUAGE_PARTS_H
#define ENGINE_BASE_LANGUAGE_PARTS_H

#include "engine/base/arena.h"

struct language_part {
	const char *name;
	struct str value;
};

/* Cuts *rest behind its next {{name}}: what stood before it, and the name. False when there is none: before is then all of it. */
bool language_parts_next(struct str *rest, struct str *before, struct str *name);
/* The text with every {{name}} replaced; in arena. */
struct str language_parts_expand(struct arena *a, struct str text, const struct language_part *parts, size_t count);

#endif
