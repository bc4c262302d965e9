#include "engine/base/language_parts.h"

#include <string.h>

enum { MAX_TEXT = 1 << 20 };

bool language_parts_next(struct str *rest, struct str *before, struct str *name) {
	const char *open = rest->len ? memmem(rest->at, rest->len, "{{", 2) : NULL;
	const char *close = open ? memmem(open, rest->len - (size_t)(open - rest->at), "}}", 2) : NULL;
	*before = *rest;
	if (!close)
		return false;
	before->len = (size_t)(open - rest->at);
	*name = (struct str){open + 2, (size_t)(close - open) - 2};
	*rest = (struct str){close + 2, rest->len - before->len - name->len - 4};
	return true;
}

struct str language_parts_expand(struct arena *a, struct str text, const struct language_part *parts, size_t count) {
	struct buf out;
	struct str before, name;
	buf_init(&out, MAX_TEXT);
	while (language_parts_next(&text, &before, &name)) {
		buf_str(&out, before);
		for (size_t i = 0; i < count; i++)
			if (str_is(name, parts[i].name))
				buf_str(&out, parts[i].value);
	}
	buf_str(&out, before);
	struct str expanded = arena_str(a, buf_text(&out));
	buf_free(&out);
	return expanded;
}
