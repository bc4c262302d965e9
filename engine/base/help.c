#include "engine/base/help.h"

#include "engine/base/file.h"

enum { HELP_BYTES = 64 << 10 };

bool help_read(struct arena *a, const char *path, struct str *out, struct err *err) {
	if (!file_read(a, path, HELP_BYTES, out, err))
		return false;
	return str_utf8_valid(*out) || err_set(err, ERR_INPUT, "error.input", "%s: expected Markdown in UTF-8", path);
}
