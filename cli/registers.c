/* stafet import, stafet export: the rows of a register from and to a CSV file. */
#include "cli/command.h"
#include "engine/base/escape.h"
#include "engine/workflow/grants.h"

#include <stdlib.h>

enum { MOST_WRONG = 100, MOST_SHOWN = 1000 }; /* lines of output */

struct import_job {
	struct site *site;
	const struct register_type *reg;
	struct register_rows rows;
	struct register_change change;
};

static bool import_run(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct import_job *job = context;
	(void)engine;
	return grants_import(job->site, tx, job->reg->full_name, &job->rows, now, &job->change, err);
}

/* Rows come and go under their owner's name. NULL: told. */
static const struct register_type *find_register(struct open_site *s, struct str full_name, struct err *err) {
	struct str name = full_name, workflow = str_cut(&name, '.');
	const struct package *package = site_package(s->site, workflow);
	const struct register_type *reg = package ? definition_register(package->definition, name) : NULL;
	if (reg && str_equal(reg->full_name, full_name))
		return reg;
	if (reg)
		err_set(err, ERR_INPUT, "error.input", "the rows of '%.*s' are those of '%.*s': name that one", STR_ARG(full_name), STR_ARG(reg->full_name));
	else
		err_set(err, ERR_NOT_FOUND, "error.not-found", "no register '%.*s'; it is named WORKFLOW.REGISTER", STR_ARG(full_name));
	return NULL;
}

/* Every wrong line, in the order of the file. */
static void tell_wrong(const struct problems *problems, struct buf *out) {
	struct problems first = *problems;
	if (first.count > MOST_WRONG)
		first.count = MOST_WRONG;
	problems_print(&first, out);
	if (problems->count > first.count)
		buf_printf(out, "... and %zu more\n", problems->count - first.count);
	buf_z(out, "nothing was imported\n");
}

struct pair {
	const struct register_row *before, *after; /* NULL: it comes, it goes */
};

static int by_key(const void *a, const void *b) {
	return str_compare((*(const struct register_row *const *)a)->key, (*(const struct register_row *const *)b)->key);
}

static const struct register_row **sorted(const struct register_rows *rows, struct arena *a) {
	const struct register_row **list = ARENA_ARRAY(a, rows->count, const struct register_row *);
	for (size_t i = 0; i < rows->count; i++)
		list[i] = &rows->items[i];
	if (rows->count > 0)
		qsort(list, rows->count, sizeof *list, by_key);
	return list;
}

static struct str cell_text(const struct value *row, size_t column, struct arena *a) {
	const struct value *cell = row->kind == KIND_RECORD ? &row->record.members[column] : row;
	if (cell->kind == KIND_SEALED)
		return STR("****");
	return cell->kind == KIND_UNSET ? STR("") : value_text(a, cell);
}

/* "  name: Bo -> Ida" for each column that differs. A column that the old row does not know was empty. */
static bool tell_columns(const struct register_type *reg, const struct pair *pair, struct arena *a, struct buf *out, struct err *err) {
	struct value before, after;
	struct err unread;
	if (!data_row_from_json(reg, pair->before->key, 1, pair->before->data, a, &before, &unread))
		before = VALUE_UNSET;
	if (!data_row_from_json(reg, pair->after->key, 1, pair->after->data, a, &after, err))
		return false;
	for (size_t i = 0; i < reg->record.count; i++) {
		struct str old = cell_text(&before, i, a), new = cell_text(&after, i, a);
		if (!str_equal(old, new))
			buf_printf(out, "  %.*s: '%.*s' -> '%.*s'\n", STR_ARG(reg->record.members[i].name), STR_ARG(old), STR_ARG(new));
	}
	return true;
}

static bool tell_pair(const struct register_type *reg, const struct pair *pair, struct arena *a, struct buf *out, struct err *err) {
	const char *what = !pair->before ? "added" : !pair->after ? "removed" : "changed";
	struct str key = (pair->after ? pair->after : pair->before)->key;
	buf_printf(out, "%s %.*s\n", what, STR_ARG(key));
	return !pair->before || !pair->after || tell_columns(reg, pair, a, out, err);
}

/* Both sides in the order of their keys. */
static bool tell_difference(const struct register_type *reg, const struct register_rows *valid, const struct register_rows *rows, struct arena *a, struct buf *out, struct err *err) {
	const struct register_row **before = sorted(valid, a), **after = sorted(rows, a);
	int64_t told = 0, left = 0;
	for (size_t i = 0, k = 0; i < valid->count || k < rows->count;) {
		int order = i == valid->count ? 1 : k == rows->count ? -1 : str_compare(before[i]->key, after[k]->key);
		struct pair pair = {order <= 0 ? before[i++] : NULL, order >= 0 ? after[k++] : NULL};
		if (order == 0 && str_equal(pair.before->data, pair.after->data))
			continue;
		if (told++ >= MOST_SHOWN)
			left++;
		else if (!tell_pair(reg, &pair, a, out, err))
			return false;
	}
	if (left > 0)
		buf_printf(out, "... and %lld more\n", (long long)left);
	return true;
}

static bool look(struct open_site *s, struct arena *a, struct import_job *job, struct buf *out, struct err *err) {
	struct register_rows valid;
	struct view *v = store_view(s->store, err);
	bool ok = v && register_rows(v, job->reg->full_name, a, &valid, err) &&
	          register_compare(v, job->reg->full_name, job->rows.items, job->rows.count, a, &job->change, err);
	if (v)
		view_close(v);
	return ok && tell_difference(job->reg, &valid, &job->rows, a, out, err);
}

static int import_text(struct open_site *s, struct arena *a, struct str name, struct str input, bool dry_run, struct buf *out) {
	struct problems problems = {.arena = a};
	struct err err = {0};
	struct import_job job = {.site = s->site, .reg = find_register(s, name, &err)};
	if (!job.reg)
		return command_failed(out, &err);
	if (!data_rows_from_csv(job.reg, site_country(s->site), "line", input, a, &job.rows, &problems)) {
		tell_wrong(&problems, out);
		return EXIT_FAULT;
	}
	problems_print(&problems, out);
	data_seal_rows(job.reg, site_keys(s->site), &job.rows, a);
	if (!(dry_run ? look(s, a, &job, out, &err) : site_write(s, import_run, &job, &err)))
		return command_failed(out, &err);
	const struct register_change *c = &job.change;
	buf_printf(out, "%s%lld added, %lld changed, %lld removed, %lld the same\n", dry_run ? "dry run: " : "", (long long)c->added, (long long)c->changed,
	           (long long)c->removed, (long long)c->same);
	return EXIT_GOOD;
}

int command_import(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	bool dry_run = arguments_flag(args, "--dry-run");
	if (arguments_unknown(args, out) || args->count != 1 || input.len == 0) {
		buf_z(out, "usage: stafet import WORKFLOW.REGISTER FILE.csv [--dry-run]\n");
		return EXIT_USAGE;
	}
	struct arena *a = arena_new();
	int status = import_text(s, a, str_from(args->items[0]), input, dry_run, out);
	arena_free(a);
	return status;
}

static void write_row(const struct register_type *reg, const struct value *row, struct arena *a, struct buf *out) {
	for (size_t i = 0; i < reg->record.count; i++) {
		buf_z(out, i ? ";" : "");
		escape_csv(out, cell_text(row, i, a));
	}
	buf_z(out, "\r\n");
}

static bool export_rows(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	const struct register_type *reg = context;
	struct register_rows rows;
	(void)s;
	if (!register_rows(v, reg->full_name, a, &rows, err))
		return false;
	for (size_t i = 0; i < reg->record.count; i++)
		buf_printf(out, "%s%.*s", i ? ";" : "\xEF\xBB\xBF", STR_ARG(reg->record.members[i].name));
	buf_z(out, "\r\n");
	for (size_t i = 0; i < rows.count; i++) {
		struct value row;
		if (!data_row_from_json(reg, rows.items[i].key, rows.items[i].version, rows.items[i].data, a, &row, err))
			return false;
		write_row(reg, &row, a, out);
	}
	return !out->overflow || err_set(err, ERR_PERMANENT, "error.too-large", "the register is too large to be written");
}

int command_export(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	struct err err = {0};
	(void)input;
	if (arguments_unknown(args, out) || args->count != 1) {
		buf_z(out, "usage: stafet export WORKFLOW.REGISTER >FILE.csv\n");
		return EXIT_USAGE;
	}
	const struct register_type *reg = find_register(s, str_from(args->items[0]), &err);
	return reg ? site_look(s, export_rows, reg, out) : command_failed(out, &err);
}
