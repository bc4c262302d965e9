#include "engine/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool err_set(struct err *err, enum err_kind kind, const char *key, const char *format, ...) {
	*err = (struct err){.kind = kind, .key = key};
	va_list args;
	va_start(args, format);
	vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	return false;
}

void err_arg(struct err *err, int index, struct str value) {
	BUG_IF(index < 0 || index > 1);
	snprintf(err->arg[index], sizeof err->arg[index], "%.*s", STR_ARG(value));
}

void err_context(struct err *err, const char *format, ...) {
	char rest[sizeof err->text];
	memcpy(rest, err->text, sizeof rest);
	va_list args;
	va_start(args, format);
	int len = vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof err->text)
		snprintf(err->text + len, sizeof err->text - (size_t)len, ": %.*s", (int)(sizeof rest - 3), rest);
}

void bug(const char *file, int line, const char *what) {
	fprintf(stderr, "event=bug at=%s:%d what=\"%s\"\n", file, line, what);
	abort();
}
