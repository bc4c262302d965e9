#include "engine/workflow/lots.h"

#include "engine/base/escape.h"

static bool is_told(struct lots *lots, struct str digest) {
	for (size_t i = lots->told.count; i-- > 0;)
		if (str_equal(lots->told.items[i], digest))
			return true;
	*(struct str *)ARENA_PUSH(lots->a, &lots->told) = arena_str(lots->a, digest);
	return false;
}

static void tell_keys(struct buf *out, const char *name, const struct str *keys, size_t count) {
	buf_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < count; i++) {
		buf_z(out, i ? "," : "");
		escape_json(out, keys[i]);
	}
	buf_char(out, ']');
}

void lots_tell(struct lots *lots, const struct urn_lot *lot) {
	buf_z(lots->out, "{\"label\":");
	escape_json(lots->out, lot->label);
	buf_z(lots->out, ",\"drawn\":");
	escape_json(lots->out, lot->key);
	buf_printf(lots->out, ",\"digest\":\"%.*s\"", STR_ARG(lot->digest));
	if (!is_told(lots, lot->digest))
		tell_keys(lots->out, "keys", lot->keys, lot->size);
	if (lot->conditional)
		tell_keys(lots->out, "passed", lot->passed, lot->passed_count);
	buf_z(lots->out, "}\n");
}
