/* Any text becomes blocks whose parts lie in their texts, in order of their ends, and whose characters may stand on paper. */
#include "document/blocks.h"

#include <string.h>

static void check_words(const struct words *w) {
	BUG_IF(!str_utf8_valid(w->text) || !w->element);
	for (size_t i = 0; i < w->part_count; i++)
		BUG_IF(w->parts[i].from >= w->parts[i].to || w->parts[i].to > w->text.len || (w->parts[i].kind == PART_LINK && w->parts[i].href.len == 0));
	for (size_t at = 0; at < w->text.len;) {
		uint32_t point = str_utf8_next(w->text, &at);
		BUG_IF((point < ' ' && point != '\n') || point == 0x202E || point == 0x2028);
	}
}

static void check_block(const struct block *b) {
	BUG_IF(b->word_count > BLOCKS_COLUMNS || (b->kind == BLOCK_TEXT && b->word_count != 1) || (b->kind == BLOCK_ROW && (!b->grid || b->word_count > b->grid->columns)));
	BUG_IF(b->mark.len > 0 && !b->mark_element);
	for (size_t i = 0; i < b->word_count; i++)
		check_words(&b->words[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct arena *a = arena_new();
	struct err err = {0};
	struct document_layout layout = {.title = STR("Titel"), .reference = STR("R"), .date = STR("i dag")};
	const struct block *b = blocks_make(a, (struct str){(const char *)data, size}, &layout, &err);
	BUG_IF(!b && err.kind != ERR_INPUT);
	for (; b; b = b->next)
		check_block(b);
	arena_free(a);
	return 0;
}
