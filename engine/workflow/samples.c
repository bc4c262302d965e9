#include "engine/workflow/scenario.h"

#include "engine/base/file.h"
#include "engine/workflow/grants.h"

enum { SAMPLE_LIMIT = 16 << 20 };

bool sample_load(struct site *site, struct tx *tx, const struct register_type *reg, struct str path, int64_t now, struct arena *a, struct problems *problems, struct err *err) {
	struct register_rows rows;
	struct register_change change;
	struct str text;
	if (!file_read(a, path.at, SAMPLE_LIMIT, &text, err))
		return false;
	if (!data_rows_from_csv(reg, site_country(site), path.at, text, a, &rows, problems))
		return err_set(err, ERR_INPUT, "error.input", "%.*s has errors", STR_ARG(path));
	data_seal_rows(reg, site_keys(site), &rows, a);
	return grants_import(site, tx, reg->full_name, &rows, now, &change, err);
}

bool samples_load(struct site *site, struct tx *tx, int64_t now, struct arena *a, struct problems *problems, struct err *err) {
	for (size_t i = 0; i < site_package_count(site); i++) {
		const struct package *package = site_package_at(site, i);
		for (size_t k = 0; k < package->definition->registers.count; k++) {
			const struct register_type *reg = &package->definition->registers.items[k];
			if (reg->sample.len > 0 && !sample_load(site, tx, reg, arena_printf(a, "%.*s/%.*s", STR_ARG(package->folder), STR_ARG(reg->sample)), now, a, problems, err))
				return false;
		}
	}
	return true;
}
