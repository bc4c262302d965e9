#include "engine/base/yaml.h"

#include <string.h>

/* libfyaml 0.7.12 loses a buffer when a long quoted scalar with many '' has no end: 2 KiB a refused file. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void) {
	return "leak:libfyaml.so";
}

static void check(const struct yaml *node, size_t depth) {
	BUG_IF(depth > 32 || node->place.line < 1 || node->place.column < 1 || !node->place.file);
	BUG_IF(node->kind == YAML_SCALAR && !str_utf8_valid(node->text));
	for (size_t i = 0; i < node->count; i++) {
		BUG_IF((node->kind == YAML_MAP) != (node->items[i]->key != NULL));
		check(node->items[i], depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct arena *a = arena_new();
	struct err err = {0};
	const struct yaml *y = yaml_parse(a, "f", (struct str){(const char *)data, size}, &err);
	if (y)
		check(y, 0);
	else
		BUG_IF(err.kind != ERR_INPUT || strncmp(err.text, "f:", 2) != 0);
	arena_free(a);
	return 0;
}
