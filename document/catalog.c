#include "document/catalog.h"

#include <string.h>

static bool fail(struct err *err, const char *why) {
	return err_set(err, ERR_PERMANENT, "error.internal", "the drawn PDF cannot be completed: %s", why);
}

/* What follows the last `word`; empty: it is not there. */
static struct str behind_last(struct str bytes, const char *word) {
	size_t len = strlen(word);
	for (size_t at = bytes.len; at-- > 0;)
		if (bytes.len - at >= len && memcmp(bytes.at + at, word, len) == 0)
			return (struct str){bytes.at + at + len, bytes.len - at - len};
	return STR("");
}

static bool number_behind(struct str bytes, const char *word, int64_t *out) {
	struct str rest = behind_last(bytes, word);
	while (rest.len > 0 && strchr(" \r\n", rest.at[0]))
		rest.at++, rest.len--;
	size_t digits = 0;
	while (digits < rest.len && rest.at[digits] >= '0' && rest.at[digits] <= '9')
		digits++;
	return str_to_int((struct str){rest.at, digits}, out);
}

/* "<< ... >>" of the object with that number, without the closing marks. */
static struct str object_body(struct str bytes, int64_t number) {
	struct buf head;
	struct str body = STR("");
	buf_init(&head, 64);
	buf_printf(&head, "\n%lld 0 obj\n", (long long)number);
	struct str rest = behind_last(bytes, head.at);
	const char *end = rest.len > 0 ? memmem(rest.at, rest.len, "endobj", 6) : NULL;
	buf_free(&head);
	while (end && end > rest.at && strchr(" \r\n", end[-1]))
		end--;
	if (end && end - rest.at > 4 && memcmp(end - 2, ">>", 2) == 0)
		body = (struct str){rest.at, (size_t)(end - rest.at) - 2};
	return body;
}

static bool is_language(struct str s) {
	for (size_t i = 0; i < s.len; i++)
		if (!(s.at[i] == '-' || (s.at[i] >= 'a' && s.at[i] <= 'z') || (s.at[i] >= 'A' && s.at[i] <= 'Z')))
			return false;
	return s.len > 0 && s.len <= 16;
}

bool catalog_complete(struct buf *pdf, struct str language, struct err *err) {
	struct str bytes = buf_text(pdf), trailer = behind_last(bytes, "trailer\n");
	int64_t root, info, size, previous;
	struct buf update;
	if (!is_language(language))
		return fail(err, "no language");
	if (!number_behind(trailer, "/Root", &root) || !number_behind(trailer, "/Info", &info) || !number_behind(trailer, "/Size", &size) ||
	    !number_behind(trailer, "startxref", &previous))
		return fail(err, "no trailer");
	struct str body = object_body(bytes, root);
	if (body.len == 0)
		return fail(err, "no root");
	buf_init(&update, 4096);
	buf_printf(&update, "%lld 0 obj\n%.*s   /Lang (%.*s)\n   /ViewerPreferences << /DisplayDocTitle true >>\n>>\nendobj\n", (long long)root, STR_ARG(body),
	           STR_ARG(language));
	size_t table = bytes.len + update.len;
	buf_printf(&update, "xref\n%lld 1\n%010zu 00000 n \ntrailer\n<< /Size %lld\n   /Root %lld 0 R\n   /Info %lld 0 R\n   /Prev %lld\n>>\nstartxref\n%zu\n%%%%EOF\n",
	           (long long)root, bytes.len, (long long)size, (long long)root, (long long)info, (long long)previous, table);
	bool whole = !update.overflow;
	if (whole)
		buf_str(pdf, buf_text(&update));
	buf_free(&update);
	return (whole && !pdf->overflow) || fail(err, "it is too large");
}
