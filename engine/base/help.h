/* help: a site's own page of help, in Markdown. */
#ifndef ENGINE_BASE_HELP_H
#define ENGINE_BASE_HELP_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

/* What stands in that file, in arena. INPUT: it is larger than 64 kB, or no UTF-8. */
bool help_read(struct arena *a, const char *path, struct str *out, struct err *err);

#endif
