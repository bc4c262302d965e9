/* register_cache: a register's rows as values, read from the store once a change and shared by all threads. Most transitions and pages look at the same few
 * hundred rows; taking them from JSON each time costs more than everything else that they do. */
#ifndef ENGINE_WORKFLOW_REGISTER_CACHE_H
#define ENGINE_WORKFLOW_REGISTER_CACHE_H

#include "engine/workflow/data.h"

enum { REGISTER_CACHE_ROWS = 100000 }; /* of one that is kept, at most: some 100 MB with twenty columns */
struct register_cache; /* of one register of one definition; any thread */

struct register_cache *register_cache_new(struct arena *a); /* until a goes; what was given out stays good */

/* What a view sees. Good as long as the arena that it was asked with. */
struct register_snapshot;
/* day: on which its rows must be valid by their dates (`valid`), or, for one that only finds rows: */
#define REGISTER_ANY_DAY INT64_MIN
/* *out NULL: the register cannot be kept, or this view's transaction has changed it; ask the store. */
bool register_cache_get(struct register_cache *c, struct view *v, const struct register_type *reg, int64_t day, struct arena *a, const struct register_snapshot **out, struct err *err);
struct value register_snapshot_rows(const struct register_snapshot *s); /* of the day, in file order */
const struct value *register_snapshot_find(const struct register_snapshot *s, struct str key); /* of any day; NULL: none */

#endif
