/* lots: draws told to whoever wants to check them (docs/draws.md), a line of JSON each. A list is told with the first draw from it; later ones name its digest. */
#ifndef ENGINE_WORKFLOW_LOTS_H
#define ENGINE_WORKFLOW_LOTS_H

#include "engine/workflow/urn.h"

struct lots {
	struct buf *out;
	struct arena *a; /* of digests */
	struct {
		struct str *items;
		size_t count, cap;
	} told;
};
/* label, drawn, digest; keys of a list that was not told yet; of a draw with a condition the keys that were passed, in turn. The lot is one of an urn that tells. */
void lots_tell(struct lots *lots, const struct urn_lot *lot);

#endif
