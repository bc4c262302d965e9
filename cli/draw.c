/* stafet draw: which of some keys a seed draws, for whoever wants to check it (docs/draws.md). Needs no site. */
#include "cli/command.h"
#include "engine/workflow/draw.h"

enum { KEYS_LIMIT = 16 << 20 };

static int usage(struct buf *out) {
	buf_z(out, "usage: stafet draw SEED LABEL KEY...\n       stafet draw SEED LABEL --keys FILE     (a line a key)\n");
	return EXIT_USAGE;
}

struct key_list {
	struct str *items;
	size_t count, cap;
};

static bool read_keys(struct arena *a, const char *path, const struct arguments *args, struct key_list *keys, struct err *err) {
	struct str text = STR("");
	if (path && !file_read(a, path, KEYS_LIMIT, &text, err))
		return false;
	while (text.len > 0)
		*(struct str *)ARENA_PUSH(a, keys) = str_cut(&text, '\n');
	for (int i = 2; i < args->count; i++)
		*(struct str *)ARENA_PUSH(a, keys) = str_from(args->items[i]);
	return true;
}

static void tell(struct arena *a, const unsigned char seed[DRAW_SEED], struct str label, const struct key_list *keys, struct buf *out) {
	uint64_t index = draw_index(seed, label, keys->count);
	struct str list = draw_list_digest(keys->items, keys->count, a), promised = draw_commitment(seed, a);
	buf_printf(out, "drawn    %.*s\nplace    %llu of %zu\nlist     %.*s\npromised %.*s\n", STR_ARG(keys->items[index]), (unsigned long long)index + 1, keys->count, STR_ARG(list),
	           STR_ARG(promised));
}

int command_draw(struct arguments *args, struct buf *out) {
	const char *path = arguments_option(args, "--keys");
	unsigned char seed[DRAW_SEED];
	struct key_list keys = {0};
	struct err err = {0};
	if (arguments_unknown(args, out) || args->count < 2 || (path != NULL) == (args->count > 2))
		return usage(out);
	if (!secret_unhex(str_from(args->items[0]), seed, sizeof seed)) {
		buf_printf(out, "stafet: the seed is %d characters in hex\n", DRAW_HEX);
		return EXIT_USAGE;
	}
	struct arena *a = arena_new();
	int status = EXIT_GOOD;
	if (!read_keys(a, path, args, &keys, &err))
		status = command_failed(out, &err);
	else if (keys.count == 0)
		status = usage(out);
	else
		tell(a, seed, str_from(args->items[1]), &keys, out);
	arena_free(a);
	return status;
}
