/* logo: a site's picture beside its name. Any thread. */
#ifndef ENGINE_BASE_LOGO_H
#define ENGINE_BASE_LOGO_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

enum { LOGO_BYTES = 100 * 1024 };

struct logo {
	struct str bytes;     /* empty: none */
	const char *type;     /* "image/svg+xml" or "image/png" */
	const char *ending;   /* "svg" or "png" */
};
/* Judged by what it is, not by its name. INPUT: neither PNG nor SVG, or more than LOGO_BYTES. Bytes in arena. */
bool logo_read(struct arena *a, const char *path, struct logo *out, struct err *err);

#endif
