#include "engine/workflow/texts_parts.h"

size_t texts_language_count(const struct texts *t) {
	return t->word_count;
}

struct str texts_language_at(const struct texts *t, size_t index) {
	return t->words[index].language;
}
