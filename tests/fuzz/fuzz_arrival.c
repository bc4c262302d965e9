/* A mail from anybody: taking it apart does not crash, and what is handed on comes back as it was. Runs without the child, so that its faults are seen. */
#include "mailer/arrival.h"

#include <stdlib.h>

static void same(struct str a, struct str b) {
	if (!str_equal(a, b) || !str_utf8_valid(a))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct arena *a = arena_new();
	struct arrival one, two;
	struct buf wire;
	buf_init(&wire, 1 << 22);
	if (arrival_parse(a, (struct str){(const char *)data, size}, &one)) {
		arrival_write(&wire, &one);
		if (!arrival_unwrite(a, buf_text(&wire), &two) || one.kind != two.kind || one.reports.count != two.reports.count || one.to.count != two.to.count)
			abort();
		same(one.from, two.from);
		same(one.subject, two.subject);
		same(one.text, two.text);
		same(one.original_id, two.original_id);
		for (size_t i = 0; i < one.reports.count; i++)
			same(one.reports.items[i].answer, two.reports.items[i].answer);
	}
	arrival_unwrite(a, (struct str){(const char *)data, size}, &two);
	buf_free(&wire);
	arena_free(a);
	return 0;
}
