#include "cli/command.h"

#include <stdlib.h>
#include <string.h>

static char *take(struct arguments *args, int index, int count) {
	char *value = args->items[index + count - 1];
	memmove(&args->items[index], &args->items[index + count], (size_t)(args->count - index - count) * sizeof *args->items);
	args->count -= count;
	return value;
}

const char *arguments_option(struct arguments *args, const char *name) {
	size_t len = strlen(name);
	for (int i = 0; i < args->count; i++) {
		if (strcmp(args->items[i], "--") == 0)
			return NULL;
		if (strcmp(args->items[i], name) == 0 && i + 1 < args->count)
			return take(args, i, 2);
		if (strncmp(args->items[i], name, len) == 0 && args->items[i][len] == '=')
			return take(args, i, 1) + len + 1;
	}
	return NULL;
}

bool arguments_flag(struct arguments *args, const char *name) {
	for (int i = 0; i < args->count; i++) {
		if (strcmp(args->items[i], "--") == 0)
			return false;
		if (strcmp(args->items[i], name) == 0) {
			take(args, i, 1);
			return true;
		}
	}
	return false;
}

const char *arguments_site(struct arguments *args) {
	const char *folder = arguments_option(args, "--site");
	if (!folder)
		folder = getenv("STAFET_SITE");
	return folder ? folder : ".";
}

bool arguments_unknown(const struct arguments *args, struct buf *out) {
	for (int i = 0; i < args->count; i++) {
		if (strcmp(args->items[i], "--") == 0)
			return false;
		if (strncmp(args->items[i], "--", 2) == 0) {
			buf_printf(out, "stafet: unknown option '%s', or its value is missing; see stafet help\n", args->items[i]);
			return true;
		}
	}
	return false;
}
