/* What the bytes of each kind of file look like. A file that passes may still hold anything: it is only ever sent back as a download. */
#include "engine/workflow/upload.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 65536, ZIP_END = 22, ZIP_ENTRY = 46, MOST_ENTRIES = 4096 };

struct look {
	struct bytes bytes;
	int64_t size;
	char *piece; /* PIECE bytes */
};

static bool read_at(const struct look *l, int64_t at, size_t len) {
	return at >= 0 && len <= PIECE && at <= l->size && (int64_t)len <= l->size - at && l->bytes.read(l->bytes.context, at, l->piece, len);
}

static bool begins(const struct look *l, int64_t at, const char *magic, size_t len) {
	return read_at(l, at, len) && memcmp(l->piece, magic, len) == 0;
}

/* ISO 32000: the header first (so that no reader takes it for something else), the mark of its end near the end. */
static bool is_pdf(const struct look *l) {
	size_t tail = l->size < 2048 ? (size_t)l->size : 2048;
	return begins(l, 0, "%PDF-", 5) && read_at(l, l->size - (int64_t)tail, tail) && memmem(l->piece, tail, "%%EOF", 5) != NULL;
}

static bool is_jpg(const struct look *l) {
	return begins(l, 0, "\xFF\xD8\xFF", 3);
}

static bool is_png(const struct look *l) {
	return begins(l, 0, "\x89PNG\r\n\x1A\n", 8) && begins(l, 12, "IHDR", 4);
}

static bool is_gif(const struct look *l) {
	return begins(l, 0, "GIF87a", 6) || begins(l, 0, "GIF89a", 6);
}

static uint32_t number(const char *at, int bytes) {
	uint32_t n = 0;
	for (int i = bytes; i > 0; i--)
		n = n << 8 | (unsigned char)at[i - 1];
	return n;
}

/* Where a zip file's list of contents begins, and how many entries it has. Its end record must be the last thing in the file but for a comment. */
static bool find_list(const struct look *l, int64_t *at, uint32_t *count) {
	size_t tail = l->size < PIECE ? (size_t)l->size : PIECE;
	if (tail < ZIP_END || !read_at(l, l->size - (int64_t)tail, tail))
		return false;
	for (size_t i = tail - ZIP_END + 1; i > 0; i--) {
		const char *end = l->piece + i - 1;
		if (memcmp(end, "PK\5\6", 4) != 0 || i - 1 + ZIP_END + number(end + 20, 2) != tail)
			continue;
		*count = number(end + 10, 2);
		*at = number(end + 16, 4);
		return true;
	}
	return false;
}

/* Whether the list has an entry of this name. */
static bool holds(const struct look *l, const char *wanted) {
	int64_t at;
	uint32_t count;
	size_t len = strlen(wanted);
	if (!find_list(l, &at, &count))
		return false;
	for (uint32_t i = 0; i < count && i < MOST_ENTRIES; i++) {
		if (!read_at(l, at, ZIP_ENTRY) || memcmp(l->piece, "PK\1\2", 4) != 0)
			return false;
		uint32_t name = number(l->piece + 28, 2), more = number(l->piece + 30, 2) + number(l->piece + 32, 2);
		if (name == len && begins(l, at + ZIP_ENTRY, wanted, len))
			return true;
		at += ZIP_ENTRY + (int64_t)name + more;
	}
	return false;
}

static bool is_docx(const struct look *l) {
	return begins(l, 0, "PK\3\4", 4) && holds(l, "[Content_Types].xml") && holds(l, "word/document.xml");
}

static bool is_xlsx(const struct look *l) {
	return begins(l, 0, "PK\3\4", 4) && holds(l, "[Content_Types].xml") && holds(l, "xl/workbook.xml");
}

/* OpenDocument 3.3: "mimetype" is the first entry, not compressed. */
static bool is_odt(const struct look *l) {
	static const char mark[] = "mimetypeapplication/vnd.oasis.opendocument.text";
	return begins(l, 0, "PK\3\4", 4) && begins(l, 30, mark, sizeof mark - 1) && holds(l, "content.xml");
}

/* UTF-8 without controls; a character may lie across two pieces. */
static bool is_txt(const struct look *l) {
	for (int64_t at = 0; at < l->size;) {
		size_t len = l->size - at < PIECE ? (size_t)(l->size - at) : PIECE, next = 0, cut = len;
		if (!read_at(l, at, len))
			return false;
		for (size_t back = 1; at + (int64_t)len < l->size && back < 4; back++)
			if (((unsigned char)l->piece[len - back] & 0xC0) == 0xC0)
				cut = len - back;
		while (next < cut) {
			uint32_t c = str_utf8_next((struct str){l->piece, cut}, &next);
			if (c == UINT32_MAX || c == 0x7F || (c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f'))
				return false;
		}
		at += (int64_t)cut;
	}
	return true;
}

bool upload_looks(struct str extension, struct bytes bytes, int64_t size) {
	static bool (*const checks[])(const struct look *) = {is_pdf, is_jpg, is_png, is_gif, is_docx, is_xlsx, is_odt, is_txt};
	struct look l = {bytes, size, malloc(PIECE)};
	bool ok = false;
	BUG_IF(l.piece == NULL);
	for (size_t i = 0; upload_extensions[i]; i++)
		if (str_is(extension, upload_extensions[i]))
			ok = size > 0 && checks[i](&l);
	free(l.piece);
	return ok;
}
