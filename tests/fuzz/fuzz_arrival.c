/* A mail from anybody: taking it apart does not crash, and what is handed on comes back as it was. Runs without the child, so that its faults are seen. */
#include "engine/workflow/upload.h"
#include "mailer/arrival.h"

#include <stdlib.h>
#include <string.h>

static void same(struct str a, struct str b) {
	if (!str_equal(a, b) || !str_utf8_valid(a))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct arena *a = arena_new();
	struct arrival one, two;
	struct buf wire;
	buf_init(&wire, ARRIVAL_BYTES);
	if (arrival_parse(a, (struct str){(const char *)data, size}, &one)) {
		arrival_write(&wire, &one);
		if (!arrival_unwrite(a, buf_text(&wire), &two) || one.kind != two.kind || one.reports.count != two.reports.count || one.to.count != two.to.count)
			abort();
		same(one.from, two.from);
		same(one.subject, two.subject);
		same(one.text, two.text);
		same(one.original_id, two.original_id);
		if (one.files.count != two.files.count || one.files.count > ARRIVAL_LIST || (one.files.count > 0 && one.kind != ARRIVAL_PERSON))
			abort();
		for (size_t i = 0; i < one.files.count; i++) {
			same(one.files.items[i].name, two.files.items[i].name);
			same(one.files.items[i].type, two.files.items[i].type);
			if (!str_equal(one.files.items[i].content, two.files.items[i].content) || one.files.items[i].fate != two.files.items[i].fate)
				abort();
			struct str name = upload_safe_name(a, one.files.items[i].name);
			if (!str_utf8_valid(name) || name.len > UPLOAD_NAME || (name.len > 0 && memchr(name.at, '/', name.len)))
				abort();
		}
		for (size_t i = 0; i < one.reports.count; i++)
			same(one.reports.items[i].answer, two.reports.items[i].answer);
	}
	arrival_unwrite(a, (struct str){(const char *)data, size}, &two);
	buf_free(&wire);
	arena_free(a);
	return 0;
}
