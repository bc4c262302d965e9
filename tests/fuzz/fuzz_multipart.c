/* Bodies with files: the first byte says in which pieces they come. Whatever the pieces, the same must come out; the parts of what is whole lie in the input. */
#include "engine/base/err.h"
#include "engine/workflow/upload.h"
#include "otp-portal/multipart.h"

#include <string.h>

struct seen {
	struct buf log;
	size_t parts, bytes;
};

static bool part(void *context, struct str name, bool file, struct str filename) {
	struct seen *seen = context;
	BUG_IF(name.len == 0 || name.len > MULTIPART_NAME || filename.len > MULTIPART_FILE_NAME || !str_utf8_valid(name));
	BUG_IF(memchr(name.at, '\n', name.len) || (filename.len > 0 && memchr(filename.at, '\r', filename.len)));
	seen->parts++;
	buf_printf(&seen->log, "[%.*s %d ", STR_ARG(name), file);
	buf_str(&seen->log, filename);
	buf_char(&seen->log, ']');
	return true;
}

static bool data(void *context, const char *bytes, size_t len) {
	struct seen *seen = context;
	BUG_IF(seen->parts == 0 || len == 0);
	seen->bytes += len;
	buf_add(&seen->log, bytes, len);
	return true;
}

static bool read_all(struct str body, size_t piece, struct seen *seen) {
	struct multipart *m = multipart_open(STR("b"), (struct multipart_sink){seen, part, data});
	bool good = true;
	for (size_t at = 0; at < body.len; at += piece)
		good = multipart_feed(m, body.at + at, body.len - at < piece ? body.len - at : piece);
	good = good && multipart_whole(m);
	multipart_close(m);
	BUG_IF(seen->bytes > body.len || seen->parts > MULTIPART_PARTS);
	return good;
}

static void check_names(struct str text) {
	struct arena *a = arena_new();
	struct str name = upload_safe_name(a, text), boundary;
	BUG_IF(name.len > UPLOAD_NAME || !str_utf8_valid(name));
	for (size_t i = 0; i < name.len; i++)
		BUG_IF((unsigned char)name.at[i] < ' ' || strchr("/\\\"<>", name.at[i]));
	if (multipart_boundary(text, &boundary))
		BUG_IF(boundary.len < 1 || boundary.len > 70);
	for (size_t i = 0; upload_extensions[i]; i++)
		upload_looks(str_from(upload_extensions[i]), bytes_of(&text), (int64_t)text.len);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
	struct seen whole = {0}, pieces = {0};
	if (size == 0)
		return 0;
	struct str body = {(const char *)bytes + 1, size - 1};
	buf_init(&whole.log, 1 << 24);
	buf_init(&pieces.log, 1 << 24);
	bool good = read_all(body, body.len + 1, &whole);
	BUG_IF(read_all(body, (size_t)bytes[0] + 1, &pieces) != good);
	/* What is broken may have come out to different lengths before that was seen. */
	if (good)
		BUG_IF(!str_equal(buf_text(&whole.log), buf_text(&pieces.log)));
	buf_free(&whole.log);
	buf_free(&pieces.log);
	check_names(body);
	return 0;
}
