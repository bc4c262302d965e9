/* The child: limits, order, blocks, paper, answer. Standard input is the order, standard output a file for the PDF, or for the reason why there is
 * none; exit status 0 or 1. */
#include "document/catalog.h"
#include "document/order.h"
#include "document/paper.h"
#include "engine/base/child.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool make(struct arena *a, struct buf *pdf, struct err *err) {
	struct document_layout layout;
	struct str bytes, markdown;
	static const struct child_limits limits = {.memory_mb = 512, .processor_s = 20, .files = 64, .output = DOCUMENT_BYTES};
	if (!child_confine(&limits))
		return err_set(err, ERR_PERMANENT, "error.internal", "the limits of the child process cannot be set");
	if (!child_input(a, (size_t)4 * DOCUMENT_TEXT, &bytes) || !order_read(bytes, &markdown, &layout))
		return err_set(err, ERR_PERMANENT, "error.internal", "this command is only for Stafet itself");
	const struct block *blocks = blocks_make(a, markdown, &layout, err);
	return blocks && paper_draw(a, blocks, &layout, pdf, err) && catalog_complete(pdf, layout.language, err);
}

int document_child(void) {
	struct arena *a = arena_new();
	struct err err = {0};
	struct buf pdf;
	buf_init(&pdf, DOCUMENT_BYTES);
	bool ok = make(a, &pdf, &err);
	if (ok && !child_output(buf_text(&pdf))) {
		ok = err_set(&err, ERR_PERMANENT, "error.internal", "it cannot be written: %s", strerrordesc_np(errno));
		if (ftruncate(STDOUT_FILENO, 0) != 0 || lseek(STDOUT_FILENO, 0, SEEK_SET) != 0)
			_exit(3);
	}
	if (!ok)
		child_output(str_from(err.text));
	/* Nothing is given back in order: the fonts' libraries leave threads and memory behind. */
	_exit(ok ? 0 : err.kind == ERR_INPUT ? 1 : 2);
}
