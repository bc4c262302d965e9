#include "engine/base/logo.h"

#include "engine/base/file.h"

#include <string.h>

static bool is_svg(struct str bytes) {
	struct str text = str_trim(bytes);
	return (str_starts(text, STR("<svg")) || str_starts(text, STR("<?xml"))) && memmem(text.at, text.len, "<svg", 4);
}

bool logo_read(struct arena *a, const char *path, struct logo *out, struct err *err) {
	if (!file_read(a, path, LOGO_BYTES, &out->bytes, err))
		return false;
	bool png = str_starts(out->bytes, STR("\x89PNG\r\n\x1a\n"));
	if (!png && !is_svg(out->bytes))
		return err_set(err, ERR_INPUT, "error.input", "%s: expected a picture in PNG or SVG", path);
	out->type = png ? "image/png" : "image/svg+xml";
	out->ending = png ? "png" : "svg";
	return true;
}
