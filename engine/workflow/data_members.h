/* data_members: any JSON text as a flat list of names and texts: {"ids": [7], "usage": {"total": 0.5}} is ids.0 = 7, usage.total = 0.5. For what
 * other programs answer; it is hostile. Any thread. */
#ifndef ENGINE_WORKFLOW_DATA_MEMBERS_H
#define ENGINE_WORKFLOW_DATA_MEMBERS_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct member {
	struct str name, text;
};
struct members {
	struct member *items;
	size_t count, cap;
};

/* null is left out, true and false are their words. INPUT: no JSON object or list, cut off, something behind it, a name twice, deeper than 8, more than 500. */
bool members_from_json(struct str json, struct arena *a, struct members *out, struct err *err);
struct str members_get(const struct members *members, struct str name); /* the first of that name; empty: none */

#endif
