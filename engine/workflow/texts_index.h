/* texts_index: the texts of one language by their dotted path, and the walk that checks a file and puts them there. Internal to texts*.c; immutable when it is closed. */
#ifndef ENGINE_WORKFLOW_TEXTS_INDEX_H
#define ENGINE_WORKFLOW_TEXTS_INDEX_H

#include "engine/workflow/texts.h"

struct text_index {
	struct text_entry {
		struct str path; /* "fields.education.label" */
		struct text text;
	} *items;
	size_t count, cap;
	size_t *slots, slot_count; /* item + 1, or 0; twice as many as items, and a power of two */
};

void text_index_add(struct text_index *x, struct arena *a, struct str path, struct text text);
void text_index_close(struct text_index *x, struct arena *a); /* all are in it */
/* By a path in pieces, which may be dotted themselves; an empty piece ends it. NULL: none. Borrowed. */
const struct text *text_index_find(const struct text_index *x, const struct str *pieces, size_t count);

#endif
