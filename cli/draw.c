/* stafet draw: which of some keys a seed draws, for whoever wants to check it (docs/draws.md). Needs no site. */
#include "cli/command.h"
#include "engine/workflow/draw.h"

#include <stdlib.h>

enum { KEYS_LIMIT = 16 << 20 };

static int usage(struct buf *out) {
	buf_z(out, "usage: stafet draw SEED LABEL KEY... [--without FILE]\n       stafet draw SEED LABEL --keys FILE [--without FILE]\n"
	           "Files have a line a key. --without: of a draw with a condition, those that did not fit.\n");
	return EXIT_USAGE;
}

struct key_list {
	struct str *items;
	size_t count, cap;
};

static bool read_file(struct arena *a, const char *path, struct key_list *keys, struct err *err) {
	struct str text = STR("");
	if (path && !file_read(a, path, KEYS_LIMIT, &text, err))
		return false;
	while (text.len > 0)
		*(struct str *)ARENA_PUSH(a, keys) = str_cut(&text, '\n');
	return true;
}

static bool read_keys(struct arena *a, const char *path, const struct arguments *args, struct key_list *keys, struct err *err) {
	if (!read_file(a, path, keys, err))
		return false;
	for (int i = 2; i < args->count; i++)
		*(struct str *)ARENA_PUSH(a, keys) = str_from(args->items[i]);
	return true;
}

static int by_text(const void *a, const void *b) {
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* False: none of the keys fits. without: sorted. */
static bool draw(const unsigned char seed[DRAW_SEED], struct str label, const struct key_list *keys, const struct key_list *without, size_t *index, size_t *passed) {
	struct draw_order order;
	bool found = false;
	draw_order_begin(&order, seed, label, keys->count);
	while (!found && draw_order_next(&order, index))
		found = without->count == 0 || !bsearch(&keys->items[*index], without->items, without->count, sizeof *without->items, by_text);
	*passed = order.passed - found;
	draw_order_end(&order);
	return found;
}

static int tell(struct arena *a, const unsigned char seed[DRAW_SEED], struct str label, const struct key_list *keys, const struct key_list *without, struct buf *out) {
	struct str list = draw_list_digest(keys->items, keys->count, a), promised = draw_commitment(seed, a);
	size_t index, passed;
	if (!draw(seed, label, keys, without, &index, &passed)) {
		buf_z(out, "stafet: there is nothing to draw: no key fits\n");
		return EXIT_FAULT;
	}
	buf_printf(out, "drawn    %.*s\nplace    %zu of %zu\n", STR_ARG(keys->items[index]), index + 1, keys->count);
	if (without->count > 0)
		buf_printf(out, "passed   %zu\n", passed);
	buf_printf(out, "list     %.*s\npromised %.*s\n", STR_ARG(list), STR_ARG(promised));
	return EXIT_GOOD;
}

int command_draw(struct arguments *args, struct buf *out) {
	const char *path = arguments_option(args, "--keys"), *but = arguments_option(args, "--without");
	unsigned char seed[DRAW_SEED];
	struct key_list keys = {0}, without = {0};
	struct err err = {0};
	if (arguments_unknown(args, out) || args->count < 2 || (path != NULL) == (args->count > 2))
		return usage(out);
	if (!secret_unhex(str_from(args->items[0]), seed, sizeof seed)) {
		buf_printf(out, "stafet: the seed is %d characters in hex\n", DRAW_HEX);
		return EXIT_USAGE;
	}
	struct arena *a = arena_new();
	int status = EXIT_GOOD;
	if (!read_keys(a, path, args, &keys, &err) || !read_file(a, but, &without, &err))
		status = command_failed(out, &err);
	else if (keys.count == 0)
		status = usage(out);
	else {
		if (without.count > 0)
			qsort(without.items, without.count, sizeof *without.items, by_text);
		status = tell(a, seed, str_from(args->items[1]), &keys, &without, out);
	}
	arena_free(a);
	return status;
}
