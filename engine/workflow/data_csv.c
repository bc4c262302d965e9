/* CSV as spreadsheets write it (RFC 4180, comma or semicolon, optional BOM), into rows of a register. */
#include "engine/base/address.h"
#include "engine/base/escape.h"
#include "engine/workflow/data.h"
#include "engine/workflow/sealed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CSV_LIMIT = 16 << 20, CSV_ROWS = 200000 };

struct csv {
	struct str text;
	size_t at;
	char separator;
	int line;
};
struct cells {
	struct str *items;
	size_t count, cap;
};
struct column {
	const struct record_member *member;
	enum field_kind kind;
	int64_t country;
};

static struct str read_quoted(struct csv *csv, struct arena *a, bool *closed) {
	struct buf cell;
	buf_init(&cell, CSV_LIMIT);
	csv->at++;
	*closed = false;
	while (csv->at < csv->text.len) {
		char c = csv->text.at[csv->at++];
		if (c == '"' && csv->at < csv->text.len && csv->text.at[csv->at] == '"') {
			csv->at++;
		} else if (c == '"') {
			*closed = true;
			break;
		}
		csv->line += c == '\n';
		buf_char(&cell, c);
	}
	struct str out = arena_str(a, buf_text(&cell));
	buf_free(&cell);
	return out;
}

static struct str read_plain(struct csv *csv) {
	size_t from = csv->at;
	while (csv->at < csv->text.len && csv->text.at[csv->at] != csv->separator && csv->text.at[csv->at] != '\n' && csv->text.at[csv->at] != '\r')
		csv->at++;
	return str_trim((struct str){csv->text.at + from, csv->at - from});
}

/* One line's cells; false at the end of the text. */
static bool read_line(struct csv *csv, struct arena *a, struct cells *cells, bool *well_formed) {
	*cells = (struct cells){0};
	*well_formed = true;
	if (csv->at >= csv->text.len)
		return false;
	csv->line++;
	for (;;) {
		bool quoted = csv->at < csv->text.len && csv->text.at[csv->at] == '"', closed = true;
		struct str cell = quoted ? read_quoted(csv, a, &closed) : read_plain(csv);
		*(struct str *)ARENA_PUSH(a, cells) = cell;
		if (csv->at < csv->text.len && csv->text.at[csv->at] == csv->separator) {
			csv->at++;
			continue;
		}
		/* A line ends with LF or CR LF: of a file with CR alone everything behind the first line would be lost. */
		if (csv->at < csv->text.len && csv->text.at[csv->at] == '\r')
			csv->at++;
		*well_formed = closed && (csv->at >= csv->text.len || csv->text.at[csv->at] == '\n');
		while (csv->at < csv->text.len && csv->text.at[csv->at] != '\n')
			csv->at++;
		csv->at++;
		return true;
	}
}

static bool blank(const struct cells *cells) {
	return cells->count == 1 && cells->items[0].len == 0;
}

/* Which column each cell of the header is; SIZE_MAX and a problem for an unknown one. */
static size_t *read_header(const struct register_type *reg, const struct cells *cells, struct yaml_place place, struct arena *a, struct problems *problems) {
	size_t *columns = ARENA_ARRAY(a, cells->count, size_t);
	struct str *names = ARENA_ARRAY(a, reg->record.count, struct str);
	bool *seen = ARENA_ARRAY(a, reg->record.count, bool);
	for (size_t k = 0; k < reg->record.count; k++)
		names[k] = reg->record.members[k].name;
	for (size_t i = 0; i < cells->count; i++) {
		columns[i] = SIZE_MAX;
		for (size_t k = 0; k < reg->record.count; k++)
			if (str_equal(names[k], cells->items[i]))
				columns[i] = k;
		struct str near = name_nearest(cells->items[i], names, reg->record.count);
		if (columns[i] == SIZE_MAX)
			problem_error(problems, place, "unknown column '%.*s'%s%.*s%s", STR_ARG(cells->items[i]), near.len ? "; did you mean '" : "", STR_ARG(near), near.len ? "'?" : "");
		else if (seen[columns[i]])
			problem_error(problems, place, "column '%.*s' stands twice", STR_ARG(cells->items[i]));
		else
			seen[columns[i]] = true;
	}
	for (size_t k = 0; k < reg->record.count; k++)
		if (!seen[k])
			problem_error(problems, place, "column '%.*s' is missing", STR_ARG(names[k]));
	return columns;
}

static bool read_number(struct str text, double *out) {
	char copy[64];
	if (text.len == 0 || text.len >= sizeof copy)
		return false;
	for (size_t i = 0; i < text.len; i++)
		copy[i] = text.at[i] == ',' ? '.' : text.at[i];
	copy[text.len] = '\0';
	char *end;
	*out = strtod(copy, &end);
	return *end == '\0' && *out - *out == 0.0;
}

/* As spreadsheets write them, English and Danish. */
static const char *const yes[] = {"true", "sand", NULL}, *const no[] = {"false", "falsk", NULL};

static bool is_word(struct str cell, const char *const *words) {
	for (; *words; words++)
		if (strlen(*words) == cell.len && strncasecmp(cell.at, *words, cell.len) == 0)
			return true;
	return false;
}

/* The cell as JSON of the column's type; false: it does not fit. An empty cell is left out. */
static bool write_cell(const struct column *column, struct str cell, struct arena *a, struct buf *json) {
	struct value v;
	int64_t number;
	double decimal;
	struct str address;
	struct err err;
	switch (column->kind) {
	case FIELD_INT:
		if (!str_to_int(cell, &number))
			return false;
		v = value_int(number);
		break;
	case FIELD_DECIMAL:
		if (!read_number(cell, &decimal))
			return false;
		v = value_double(decimal);
		break;
	case FIELD_BOOL:
		if (!is_word(cell, yes) && !is_word(cell, no))
			return false;
		v = value_bool(is_word(cell, yes));
		break;
	case FIELD_DATE:
		if (!civil_parse_date(cell, &number))
			return false;
		v = value_date(number);
		break;
	case FIELD_DATETIME:
		if (!civil_parse_datetime(cell, &number))
			return false;
		v = value_datetime(number);
		break;
	case FIELD_EMAIL:
		if (!address_email(a, cell, &address, &err))
			return false;
		v = value_string(address);
		break;
	case FIELD_PHONE:
		if (!address_phone(a, escape_csv_taken(cell), column->country, &address, &err))
			return false;
		v = value_string(address);
		break;
	default:
		if (!escape_gate(cell, 2000, "cell", &err) || (column->member->type.kind == KIND_SEALED && str_ends(cell, STR("****"))))
			return false;
		v = value_string(arena_str(a, escape_csv_taken(cell)));
	}
	value_to_json(&v, json);
	return true;
}

static const char *column_expects(const struct column *column) {
	if (column->member->type.kind == KIND_SEALED)
		return "text of at most 2000 bytes that is no mask";
	switch (column->kind) {
	case FIELD_INT: return "a whole number";
	case FIELD_DECIMAL: return "a number";
	case FIELD_BOOL: return "true or false";
	case FIELD_DATE: return "a date such as 2026-03-29";
	case FIELD_DATETIME: return "a date and time such as 2026-03-29 12:00";
	case FIELD_EMAIL: return "an e-mail address";
	case FIELD_PHONE: return "a phone number";
	default: return "text of at most 2000 bytes without control characters";
	}
}

static bool read_row(const struct register_type *reg, int64_t country, const size_t *columns, const struct cells *cells, struct yaml_place place,
                     struct arena *a, struct register_row *row, struct problems *problems) {
	struct buf json;
	buf_init(&json, 1 << 20);
	size_t before = problems->errors;
	buf_char(&json, '{');
	for (size_t i = 0; i < cells->count; i++) {
		struct column column = {&reg->record.members[columns[i]], reg->kinds[columns[i]], country};
		place.column = (int)i + 1;
		if (columns[i] == reg->record.key)
			row->key = arena_str(a, escape_csv_taken(cells->items[i]));
		if (cells->items[i].len == 0)
			continue;
		buf_printf(&json, "%s\"%.*s\":", json.len > 1 ? "," : "", STR_ARG(column.member->name));
		struct str told = column.member->type.kind == KIND_SEALED ? STR("...") : cells->items[i];
		if (!write_cell(&column, cells->items[i], a, &json))
			problem_error(problems, place, "'%.*s' is not %s (column '%.*s')", STR_ARG(told), column_expects(&column), STR_ARG(column.member->name));
	}
	buf_char(&json, '}');
	if (row->key.len == 0 || row->key.len > 200)
		problem_error(problems, place, "the key '%.*s' must have 1 to 200 bytes", STR_ARG(reg->record.members[reg->record.key].name));
	row->data = arena_str(a, buf_text(&json));
	buf_free(&json);
	return problems->errors == before;
}

static int compare_keys(const void *a, const void *b) {
	const struct register_row *const *x = a, *const *y = b;
	int order = str_compare((*x)->key, (*y)->key);
	return order ? order : (*x)->position < (*y)->position ? -1 : 1;
}

static void refuse_twins(const struct register_rows *rows, const char *file, struct arena *a, struct problems *problems) {
	const struct register_row **sorted = ARENA_ARRAY(a, rows->count, const struct register_row *);
	for (size_t i = 0; i < rows->count; i++)
		sorted[i] = &rows->items[i];
	qsort(sorted, rows->count, sizeof *sorted, compare_keys);
	for (size_t i = 1; i < rows->count; i++)
		if (str_equal(sorted[i - 1]->key, sorted[i]->key))
			problem_error(problems, (struct yaml_place){file, (int)sorted[i]->position, 1}, "key '%.*s' stands already in line %d", STR_ARG(sorted[i]->key), (int)sorted[i - 1]->position);
}

bool data_rows_from_csv(const struct register_type *reg, int64_t country, const char *file, struct str text, struct arena *a, struct register_rows *out,
                        struct problems *problems) {
	struct yaml_place place = {file, 1, 1};
	size_t before = problems->errors;
	*out = (struct register_rows){0};
	if (text.len > CSV_LIMIT || !str_utf8_valid(text)) {
		problem_error(problems, place, text.len > CSV_LIMIT ? "the file is larger than 16 MiB" : "the file is not UTF-8; save it as \"CSV UTF-8\"");
		return false;
	}
	if (str_starts(text, STR("\xEF\xBB\xBF")))
		text = (struct str){text.at + 3, text.len - 3};
	struct str rest = text, header = str_cut(&rest, '\n');
	struct csv csv = {.text = text, .separator = memchr(header.at, ';', header.len) ? ';' : ','};
	struct cells cells;
	bool well_formed;
	if (!read_line(&csv, a, &cells, &well_formed)) {
		problem_error(problems, place, "the file is empty; its first line must name the columns");
		return false;
	}
	if (!well_formed)
		problem_error(problems, place, "the header does not end as a line does; save the file as \"CSV UTF-8\"");
	size_t width = cells.count;
	const size_t *columns = read_header(reg, &cells, place, a, problems);
	if (problems->errors > before)
		return false;
	while (place.line = csv.line + 1, read_line(&csv, a, &cells, &well_formed)) {
		if (blank(&cells))
			continue;
		place.column = 1;
		if (!well_formed || cells.count != width) {
			problem_error(problems, place, well_formed ? "%zu cells, but the header has %zu" : "a quote is not closed, text follows one, or the line's end is wrong (%zu of %zu cells read)", cells.count, width);
			continue;
		}
		if (out->count == CSV_ROWS) {
			problem_error(problems, place, "more than %d rows", CSV_ROWS);
			break;
		}
		struct register_row *row = ARENA_PUSH(a, out);
		row->position = place.line;
		read_row(reg, country, columns, &cells, place, a, row, problems);
	}
	refuse_twins(out, file, a, problems);
	return problems->errors == before;
}

/* A row is known by its register and key, which may hold anything. */
static struct str sealed_cell(const struct register_type *reg, struct str key, struct str column, struct str plain, const struct keyring *keys, struct arena *a) {
	struct buf whose;
	buf_init(&whose, 4000);
	buf_printf(&whose, "%.*s/", STR_ARG(reg->full_name));
	escape_url(&whose, key);
	buf_printf(&whose, "/%.*s", STR_ARG(column));
	struct str own = arena_str(a, buf_text(&whose));
	buf_free(&whose);
	return sealed_make(keys, own, STR("****"), plain, a);
}

static void seal_row(const struct register_type *reg, struct register_row *row, const struct keyring *keys, struct arena *a) {
	json_error_t where;
	json_t *root = json_loadb(row->data.at, row->data.len, 0, &where);
	for (size_t i = 0; i < reg->record.count; i++) {
		const char *column = arena_z(a, reg->record.members[i].name);
		const json_t *cell = json_object_get(root, column);
		if (reg->record.members[i].type.kind != KIND_SEALED || !json_is_string(cell))
			continue;
		struct str plain = {json_string_value(cell), json_string_length(cell)};
		struct str sealed = sealed_cell(reg, row->key, reg->record.members[i].name, plain, keys, a);
		json_object_set_new(root, column, json_pack("{s:s#}", "sealed", sealed.at, (int)sealed.len));
	}
	char *text = json_dumps(root, JSON_COMPACT);
	row->data = arena_str(a, str_from(text));
	free(text);
	json_decref(root);
}

void data_seal_rows(const struct register_type *reg, const struct keyring *keys, struct register_rows *rows, struct arena *a) {
	bool any = false;
	for (size_t i = 0; i < reg->record.count; i++)
		any = any || reg->record.members[i].type.kind == KIND_SEALED;
	for (size_t i = 0; any && i < rows->count; i++)
		seal_row(reg, &rows->items[i], keys, a);
}
