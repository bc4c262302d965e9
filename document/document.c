#include "document/document.h"

#include "document/order.h"
#include "engine/base/child.h"

enum { PATIENCE_MS = 30 * 1000 };

static bool fail(struct err *err, enum err_kind kind, const char *what, const char *why) {
	return err_set(err, kind, kind == ERR_INPUT ? "error.input" : "error.internal", "%s%s%s", what, *why ? ": " : "", why);
}

static bool judge(struct arena *a, const struct child_answer *answer, struct str *pdf, struct err *err) {
	struct str bytes = answer->output;
	if (answer->status == -2)
		return fail(err, ERR_PERMANENT, "the document could not be drawn", answer->why);
	if (answer->status < 0)
		return fail(err, ERR_PERMANENT, "the document could not be drawn: its process was ended", answer->why);
	if (answer->status != 0)
		return fail(err, answer->status == 1 ? ERR_INPUT : ERR_PERMANENT, "the document could not be drawn", bytes.len > 0 ? arena_z(a, bytes) : "");
	if (!str_starts(bytes, STR("%PDF-")) || !str_ends(bytes, STR("%%EOF\n")))
		return fail(err, ERR_PERMANENT, "the drawn document is not whole", "");
	*pdf = bytes;
	return true;
}

bool document_pdf(struct arena *a, struct str markdown, const struct document_layout *layout, struct str *pdf, struct err *err) {
	struct buf bytes;
	if (markdown.len > DOCUMENT_TEXT)
		return err_set(err, ERR_INPUT, "error.input", "the text is longer than a document may be (%d bytes)", DOCUMENT_TEXT);
	buf_init(&bytes, 3 * DOCUMENT_TEXT);
	order_write(&bytes, markdown, layout);
	bool ok = !bytes.overflow || err_set(err, ERR_INPUT, "error.input", "the document's head is too long");
	struct child_work work = {DOCUMENT_CHILD, buf_text(&bytes), DOCUMENT_BYTES, PATIENCE_MS};
	struct child_answer answer;
	ok = ok && child_run(a, &work, &answer, err) && judge(a, &answer, pdf, err);
	buf_free(&bytes);
	return ok;
}
