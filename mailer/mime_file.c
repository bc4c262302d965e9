#include "mailer/mime_file.h"

#include "engine/base/escape.h"

#include <string.h>

enum { LINE_BYTES = 57, SEGMENT = 60, HEADER_MAX = 4000 };

static void write_base64(struct buf *out, struct str bytes) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t at = 0; at < bytes.len; at += 3) {
		const unsigned char *b = (const unsigned char *)bytes.at + at;
		size_t left = bytes.len - at;
		unsigned second = left > 1 ? b[1] : 0, third = left > 2 ? b[2] : 0;
		char four[4] = {digits[b[0] >> 2], digits[(b[0] & 3) << 4 | second >> 4], digits[(second & 15) << 2 | third >> 6], digits[third & 63]};
		if (left < 3)
			four[3] = '=';
		if (left < 2)
			four[2] = '=';
		buf_add(out, four, 4);
		if ((at + 3) % LINE_BYTES == 0 || at + 3 >= bytes.len)
			buf_z(out, "\r\n");
	}
}

/* In parts of a line each, never within a %XX. */
static void write_name(struct buf *out, struct str name) {
	struct buf encoded;
	buf_init(&encoded, HEADER_MAX);
	escape_url(&encoded, name);
	struct str rest = buf_text(&encoded);
	for (int i = 0; rest.len > 0; i++) {
		size_t len = rest.len < SEGMENT ? rest.len : SEGMENT;
		while (len < rest.len && len > 2 && (rest.at[len - 1] == '%' || rest.at[len - 2] == '%'))
			len--;
		buf_printf(out, ";\r\n filename*%d*=%s%.*s", i, i == 0 ? "UTF-8''" : "", (int)len, rest.at);
		rest = (struct str){rest.at + len, rest.len - len};
	}
	buf_free(&encoded);
}

void mime_file_write(struct buf *out, const struct attached *file) {
	buf_printf(out, "Content-Type: %.*s;\r\n name=\"", STR_ARG(file->type));
	escape_file_name(out, file->name);
	/* Who knows both takes the first, or the one with the star. */
	buf_z(out, "\"\r\nContent-Disposition: attachment");
	write_name(out, file->name);
	buf_z(out, ";\r\n filename=\"");
	escape_file_name(out, file->name);
	buf_z(out, "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	write_base64(out, file->bytes);
}

size_t mime_file_size(const struct attached *file) {
	return HEADER_MAX + 8 * file->name.len + file->bytes.len / 3 * 4 + 4 + (file->bytes.len / LINE_BYTES + 1) * 2;
}

/* What stands behind `key` up to the next separator; empty: it is not there. */
static struct str parameter(struct str header, const char *key) {
	const char *found = header.len > 0 ? memmem(header.at, header.len, key, strlen(key)) : NULL;
	if (!found)
		return STR("");
	struct str value = {found + strlen(key), header.len - (size_t)(found + strlen(key) - header.at)};
	size_t len = 0;
	while (len < value.len && !strchr(";\r\n", value.at[len]))
		len++;
	return (struct str){value.at, len};
}

struct str mime_file_name(struct str header, struct arena *a) {
	struct str encoded = STR(""), name;
	for (int i = 0; i < 100; i++) {
		struct str segment = parameter(header, arena_printf(a, "filename*%d*=", i).at);
		if (segment.len == 0)
			break;
		encoded = arena_printf(a, "%.*s%.*s", STR_ARG(encoded), STR_ARG(segment));
	}
	struct str charset = STR("UTF-8''");
	if (!str_starts(encoded, charset))
		return STR("");
	encoded = (struct str){encoded.at + charset.len, encoded.len - charset.len};
	return escape_url_decode(a, encoded, &name) ? name : STR("");
}
