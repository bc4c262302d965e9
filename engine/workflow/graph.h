/* graph: a definition as a picture: Mermaid (stateDiagram-v2) and DOT, optionally with the path that an instance took. Pure. */
#ifndef ENGINE_WORKFLOW_GRAPH_H
#define ENGINE_WORKFLOW_GRAPH_H

#include "engine/workflow/definition.h"

/* The moves of one instance, as its history tells them. from empty: the start; to empty: it stayed. */
struct history_path {
	struct history_step {
		struct str from, to;
	} *items;
	size_t count, cap;
};

/* path NULL: none. Visited states and, in DOT, the moves between them stand out. */
void graph_mermaid(const struct definition *d, const struct history_path *path, struct buf *out);
void graph_dot(const struct definition *d, const struct history_path *path, struct buf *out);

#endif
