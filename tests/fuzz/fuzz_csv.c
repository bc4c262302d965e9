/* A register's CSV file, as a secretariat's spreadsheet writes it: every wrong line told, or rows that each fit their columns and have a key of their own. */
#include "engine/workflow/data.h"

#include <string.h>

static const char source[] =
        "workflow: {workflow: w, start: {by: owner, form: ask}, roles: {owner: {contact: mail}}, data: {mail: {type: email}}, forms: {ask: {fields: [mail]}},\n"
        "  initial: a, states: {a: {on: {go: {target: b}}}, b: {final: true}}}\n"
        "registers: {things: {key: id, label: name, columns: {id: text, name: text, worth: int, price: decimal, until: date, open: bool}}}\n";

static void check_rows(const struct register_type *reg, struct arena *a, const struct register_rows *rows) {
	struct err err = {0};
	for (size_t i = 0; i < rows->count; i++) {
		const struct register_row *row = &rows->items[i];
		struct value value;
		BUG_IF(row->key.len == 0 || !str_utf8_valid(row->key) || !str_utf8_valid(row->data));
		BUG_IF(!data_row_from_json(reg, row->key, 1, row->data, a, &value, &err));
		BUG_IF(!str_equal(value_member(&value, STR("id"))->string, row->key));
		for (size_t k = 0; i < 100 && k < i; k++)
			BUG_IF(str_equal(rows->items[k].key, row->key));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct definition *d;
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct register_rows rows;
	if (!d)
		d = definition_parse(str_from(source), &problems);
	BUG_IF(!d);
	const struct register_type *reg = definition_register(d, STR("things"));
	bool ok = data_rows_from_csv(reg, 45, "things.csv", (struct str){(const char *)data, size}, a, &rows, &problems);
	BUG_IF(ok != (problems.errors == 0));
	if (ok)
		check_rows(reg, a, &rows);
	arena_free(a);
	return 0;
}
