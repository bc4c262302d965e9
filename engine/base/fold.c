#include "engine/base/fold.h"

/* U+00C0 ... U+00FF without their accents; upper and lower case share a row. */
static const char *const latin1[32] = {
        "a", "a", "a", "a", "ae", "aa", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
        "d", "n", "o", "o", "o", "o", "oe", " ", "oe", "u", "u", "u", "ue", "y", "th", "ss",
};

void fold_text(struct buf *out, struct str s) {
	for (size_t at = 0; at < s.len;) {
		uint32_t c = str_utf8_next(s, &at);
		if (c >= 'A' && c <= 'Z')
			buf_char(out, (char)(c + ('a' - 'A')));
		else if (c >= 0xC0 && c <= 0xFF)
			buf_z(out, latin1[(c - 0xC0) % 32]);
		else if (c == '\n' || c == '\t' || c == '\r')
			buf_char(out, ' ');
		else if (c != UINT32_MAX)
			buf_utf8(out, c);
	}
}
