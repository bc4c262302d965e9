#include "engine/workflow/scenario.h"

#include <stdio.h>

static bool read_file(const char *path, struct arena *a, struct str *out, struct err *err) {
	FILE *f = fopen(path, "r");
	if (!f)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "cannot open %s", path);
	struct buf text;
	char chunk[16384];
	buf_init(&text, 32 << 20);
	for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
		buf_add(&text, chunk, n);
	bool ok = !ferror(f) && !text.overflow;
	fclose(f);
	*out = arena_str(a, buf_text(&text));
	buf_free(&text);
	return ok || err_set(err, ERR_INPUT, "error.input", "cannot read %s", path);
}

static bool load_sample(const struct package *package, const struct register_type *reg, struct tx *tx, int64_t now, struct arena *a,
                        struct problems *problems, struct err *err) {
	struct register_rows rows;
	struct register_change change;
	struct str text, path = arena_printf(a, "%.*s/%.*s", STR_ARG(package->folder), STR_ARG(reg->sample));
	if (!read_file(path.at, a, &text, err))
		return false;
	if (!data_rows_from_csv(reg, path.at, text, a, &rows, problems))
		return err_set(err, ERR_INPUT, "error.input", "%.*s has errors", STR_ARG(path));
	return register_replace(tx, reg->full_name, rows.items, rows.count, now, &change, err);
}

bool samples_load(struct site *site, struct tx *tx, int64_t now, struct arena *a, struct problems *problems, struct err *err) {
	for (size_t i = 0; i < site_package_count(site); i++) {
		const struct package *package = site_package_at(site, i);
		for (size_t k = 0; k < package->definition->registers.count; k++) {
			const struct register_type *reg = &package->definition->registers.items[k];
			if (reg->sample.len > 0 && !load_sample(package, reg, tx, now, a, problems, err))
				return false;
		}
	}
	return true;
}
