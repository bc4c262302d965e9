#include "engine/workflow/register_past.h"

#include <stdlib.h>

static int by_key(const void *a, const void *b) {
	const struct value *x = *(const struct value *const *)a, *y = *(const struct value *const *)b;
	return str_compare(x->record.members[x->record.type->key].string, y->record.members[y->record.type->key].string);
}

enum { KNOWN_MOST = 64 }; /* registers, each as it was once */

struct past_registers *past_registers_new(void) {
	struct past_registers *past = calloc(1, sizeof *past);
	BUG_IF(!past);
	past->a = arena_new();
	return past;
}

void past_registers_begin(struct past_registers *past, struct view *v) {
	past->view = v;
	past->last.reg = NULL;
	if (past->known.count <= KNOWN_MOST)
		return;
	arena_reset(past->a);
	past->known.items = NULL;
	past->known.count = past->known.cap = 0;
}

void past_registers_free(struct past_registers *past) {
	if (!past)
		return;
	arena_free(past->a);
	free(past);
}

static bool read_rows(struct past_registers *past, struct past_register *out, struct err *err) {
	struct register_rows stored;
	if (!register_rows_at(past->view, out->reg->full_name, past->generation, past->a, &stored, err))
		return false;
	struct value *rows = ARENA_ARRAY(past->a, stored.count, struct value);
	out->by_key = ARENA_ARRAY(past->a, stored.count, const struct value *);
	for (size_t i = 0; i < stored.count; i++) {
		if (!data_row_from_json(out->reg, stored.items[i].key, stored.items[i].version, stored.items[i].data, past->a, &rows[i], err))
			return false;
		out->by_key[i] = &rows[i];
	}
	if (stored.count > 0)
		qsort(out->by_key, stored.count, sizeof *out->by_key, by_key);
	out->rows = rows;
	out->count = stored.count;
	out->digest = data_rows_digest(out->reg, rows, stored.count, past->a);
	return true;
}

static const struct past_register *remember(struct past_registers *past, size_t at) {
	past->last.reg = past->known.items[at].reg;
	past->last.generation = past->generation;
	past->last.at = at;
	return &past->known.items[at];
}

static const struct past_register *find(struct past_registers *past, const struct register_type *reg, struct err *err) {
	struct past_register found = {.reg = reg};
	if (past->last.reg == reg && past->last.generation == past->generation)
		return &past->known.items[past->last.at];
	if (!register_changed(past->view, reg->full_name, past->generation, &found.changed, err))
		return NULL;
	for (size_t i = 0; i < past->known.count; i++)
		if (past->known.items[i].reg == reg && past->known.items[i].changed == found.changed)
			return remember(past, i);
	if (!read_rows(past, &found, err))
		return NULL;
	struct past_register *kept = ARENA_PUSH(past->a, &past->known);
	*kept = found;
	return remember(past, past->known.count - 1);
}

static bool past_rows(void *context, const struct register_type *reg, int64_t today, struct arena *a, struct value *rows, struct err *err) {
	const struct past_register *past = find(context, reg, err);
	if (!past)
		return false;
	*rows = data_row_list(past->rows, past->count, past->digest);
	if (reg->valid_from == SIZE_MAX && reg->valid_until == SIZE_MAX)
		return true;
	struct value *valid = ARENA_ARRAY(a, past->count, struct value);
	size_t count = 0;
	for (size_t i = 0; i < past->count; i++)
		if (data_row_is_valid(reg, &past->rows[i], today))
			valid[count++] = past->rows[i];
	*rows = data_row_list(valid, count, STR(""));
	return true;
}

static bool past_row(void *context, const struct register_type *reg, struct str key, int64_t version, struct arena *a, struct value *out, struct err *err) {
	struct past_registers *registers = context;
	struct value *members = ARENA_ARRAY(a, reg->record.count, struct value);
	struct value wanted = {.kind = KIND_RECORD, .record = {&reg->record, members, STR("")}};
	const struct value *at = &wanted;
	if (version != 0) {
		struct register_port now = data_store_port(registers->view);
		return now.row(now.context, reg, key, version, a, out, err);
	}
	const struct past_register *past = find(registers, reg, err);
	if (!past)
		return false;
	members[reg->record.key] = value_string(key);
	const struct value **found = past->count ? bsearch(&at, past->by_key, past->count, sizeof *past->by_key, by_key) : NULL;
	if (found)
		*out = **found;
	return found || err_set(err, ERR_NOT_FOUND, "error.not-found", "register row");
}

struct register_port past_registers_port(struct past_registers *past) {
	return (struct register_port){.context = past, .view = past->view, .rows = past_rows, .row = past_row};
}
