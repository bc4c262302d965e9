/* A workflow.yaml from anybody: loads or is refused; what loads is checked, drawn, and comes back the same from its kept source. */
#include "engine/workflow/definition_check.h"
#include "engine/workflow/graph.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* As fuzz_yaml.c: libfyaml loses a buffer of some refused files. */
const char *__lsan_default_suppressions(void) {
	return "leak:libfyaml.so";
}

/* The two files as one kept source: "workflow:" and "registers:" with the input's lines under them; a line of % parts them. */
static struct str kept(struct arena *a, struct str input) {
	struct buf out;
	bool registers = false;
	buf_init(&out, 1 << 20);
	buf_z(&out, "workflow:\n");
	while (input.len > 0) {
		struct str line = str_cut(&input, '\n');
		if (str_is(line, "%") && !registers) {
			registers = true;
			buf_z(&out, "registers:\n");
			continue;
		}
		buf_z(&out, "  ");
		buf_str(&out, line);
		buf_char(&out, '\n');
	}
	if (!registers)
		buf_z(&out, "registers: null\n");
	struct str text = arena_str(a, buf_text(&out));
	buf_free(&out);
	return text;
}

static void use(const struct definition *d, struct problems *problems) {
	struct buf out;
	definition_check(d, NULL, problems);
	buf_init(&out, 1 << 22);
	graph_mermaid(d, NULL, &out);
	graph_dot(d, NULL, &out);
	buf_free(&out);
	struct definition *again = definition_parse(d->source, problems);
	BUG_IF(!again);
	BUG_IF(!str_equal(again->source, d->source) || memcmp(again->hash, d->hash, SECRET_HASH) != 0);
	definition_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct problems problems = {.arena = arena_new()};
	struct definition *d = definition_parse(kept(problems.arena, (struct str){(const char *)data, size}), &problems);
	if (d)
		use(d, &problems);
	definition_free(d);
	arena_free(problems.arena);
	return 0;
}
