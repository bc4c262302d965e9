/* texts_parts: what the readers of a package's texts share. Internal to texts*.c. */
#ifndef ENGINE_WORKFLOW_TEXTS_PARTS_H
#define ENGINE_WORKFLOW_TEXTS_PARTS_H

#include "engine/workflow/texts.h"

struct texts {
	struct arena *arena;
	struct words {
		struct str language;
		const struct yaml *root; /* a map */
	} *words; /* in the order of the languages that were asked for; only those that are there */
	size_t word_count;
	struct {
		struct message *items; /* by name, channel, language */
		size_t count, cap;
	} messages;
};

/* Tells every unknown key, wrong kind and broken placeholder of a texts/<lang>.yaml. */
void texts_check(const struct yaml *root, struct arena *a, struct problems *problems);
/* The files of folder/messages in these languages. No such folder: no messages. */
void texts_read_messages(struct texts *t, const char *folder, const struct str *languages, size_t language_count, struct problems *problems);

#endif
