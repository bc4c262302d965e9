/* registers: rows of reference data by (register, key, version). A register's full name is "workflow.register". */
#ifndef ENGINE_STORE_REGISTERS_H
#define ENGINE_STORE_REGISTERS_H

#include "engine/store/store.h"

struct register_row {
	struct str key;
	int64_t version;  /* counts changes of this key: 1, 2... */
	struct str data;  /* JSON object of the columns */
	int64_t position; /* order in the file */
};
struct register_rows {
	struct register_row *items;
	size_t count, cap;
};

/* The rows valid now, in file order. */
bool register_rows(struct view *v, struct str name, struct arena *a, struct register_rows *out, struct err *err);
bool register_rows_since(struct view *v, struct str name, int64_t since, struct arena *a, struct register_rows *out, struct err *err); /* that have stood there since then or later */
bool register_size(struct view *v, struct str name, int64_t most, int64_t *size, struct err *err); /* valid rows; at most that many are counted */
/* Whether that version of the row stood in the register at that time. */
bool register_row_stood(struct view *v, struct str name, struct str key, int64_t version, int64_t at, bool *stood, struct err *err);
bool register_row(struct view *v, struct str name, struct str key, int64_t version /* 0: the valid one */, struct arena *a, struct register_row *out, struct err *err); /* NOT_FOUND */
/* Replaces the register's contents: changed rows get a new version, missing ones end, all or nothing; INPUT when a key is there twice.
 * Data is compared byte by byte: canonical JSON. Counts for the report. */
struct register_change {
	int64_t added, changed, removed, same;
};
bool register_replace(struct tx *tx, struct str name, const struct register_row *rows, size_t count, int64_t now, struct register_change *change, struct err *err);
bool register_compare(struct view *v, struct str name, const struct register_row *rows, size_t count, struct arena *a, struct register_change *change, struct err *err); /* dry run */
int64_t register_generation(struct view *v); /* counts replacements; -1: cannot be read */
/* The newest replacement of this register up to that generation; 0: there is none. */
bool register_changed(struct view *v, struct str name, int64_t generation, int64_t *changed, struct err *err);
/* The rows as they were behind that replacement (of any register), in the order of then. Known since the store's schema has them. */
bool register_rows_at(struct view *v, struct str name, int64_t generation, struct arena *a, struct register_rows *out, struct err *err);

/* For a cache of rows: what two views with the same stamp see in registers is the same. */
struct register_stamp {
	uint64_t store; /* 0: nothing may be kept of what this view sees, because its transaction has replaced a register, or the store is in memory */
	int64_t generation;
};
struct register_stamp register_stamp(struct view *v);

#endif
