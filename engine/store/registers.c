#include "engine/store/registers.h"

#include "engine/store/handle.h"

#include <stdlib.h>

#define ROW "SELECT key, version, data, position FROM register_rows "

static void read_row(struct stmt *s, struct arena *a, struct register_row *out) {
	*out = (struct register_row){
	        .key = stmt_text(s, 0, a),
	        .version = stmt_int(s, 1),
	        .data = stmt_text(s, 2, a),
	        .position = stmt_int(s, 3),
	};
}

bool register_rows(struct view *v, struct str name, struct arena *a, struct register_rows *out, struct err *err) {
	return register_rows_since(v, name, INT64_MIN, a, out, err);
}

bool register_rows_since(struct view *v, struct str name, int64_t since, struct arena *a, struct register_rows *out, struct err *err) {
	struct stmt *s = since == INT64_MIN ? db_query(view_db(v), ROW "WHERE name = ? AND valid_until IS NULL ORDER BY position, id")
	                                    : db_query(view_db(v), ROW "WHERE name = ? AND valid_until IS NULL AND valid_from >= ? ORDER BY position, id");
	enum db_step step;
	bind_text(s, name);
	if (since != INT64_MIN)
		bind_int(s, since);
	*out = (struct register_rows){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_row(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

bool register_changed(struct view *v, struct str name, int64_t generation, int64_t *changed, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT max(id) FROM register_replacements WHERE name = ? AND id <= ?");
	bind_text(s, name);
	bind_int(s, generation);
	enum db_step step = stmt_step(s, err);
	*changed = step == DB_ROW ? stmt_int(s, 0) : 0;
	stmt_end(s);
	return step == DB_ROW;
}

bool register_rows_at(struct view *v, struct str name, int64_t generation, struct arena *a, struct register_rows *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT r.key, r.version, r.data, coalesce((SELECT m.position FROM register_moves m WHERE m.row_id = r.id AND m.until_id > ?2 ORDER BY m.until_id LIMIT 1),"
	                                      " r.position) AS place FROM register_rows r WHERE r.name = ?1 AND r.since_id <= ?2 AND (r.until_id IS NULL OR r.until_id > ?2) ORDER BY place, r.id");
	bind_text(s, name);
	bind_int(s, generation);
	enum db_step step;
	*out = (struct register_rows){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_row(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

bool register_size(struct view *v, struct str name, int64_t most, int64_t *size, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT count(*) FROM (SELECT 1 FROM register_rows WHERE name = ? AND valid_until IS NULL LIMIT ?)");
	bind_text(s, name);
	bind_int(s, most);
	enum db_step step = stmt_step(s, err);
	*size = step == DB_ROW ? stmt_int(s, 0) : 0;
	stmt_end(s);
	return step == DB_ROW;
}

static struct stmt *query_row(struct db *db, struct str name, struct str key, int64_t version) {
	struct stmt *s = version ? db_query(db, ROW "WHERE name = ? AND key = ? AND version = ?")
	                         : db_query(db, ROW "WHERE name = ? AND key = ? AND valid_until IS NULL");
	bind_text(s, name);
	bind_text(s, key);
	if (version)
		bind_int(s, version);
	return s;
}

bool register_row(struct view *v, struct str name, struct str key, int64_t version, struct arena *a, struct register_row *out, struct err *err) {
	struct stmt *s = query_row(view_db(v), name, key, version);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		read_row(s, a, out);
	stmt_end(s);
	return row_found(step, "register row", err);
}

bool register_row_stood(struct view *v, struct str name, struct str key, int64_t version, int64_t at, bool *stood, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT 1 FROM register_rows WHERE name = ?1 AND key = ?2 AND version = ?3 AND valid_from <= ?4 AND (valid_until IS NULL OR valid_until >= ?4)");
	bind_text(s, name);
	bind_text(s, key);
	bind_int(s, version);
	bind_int(s, at);
	enum db_step step = stmt_step(s, err);
	*stood = step == DB_ROW;
	stmt_end(s);
	return step != DB_FAIL;
}

/* One line of the new contents beside what is valid under its key now. */
struct line {
	const struct register_row *row;
	const struct register_row *valid; /* NULL: none */
};

static int by_key(const void *a, const void *b) {
	const struct line *x = a, *y = b;
	return str_compare(x->row->key, y->row->key);
}

/* The new rows sorted by key; INPUT when a key is there twice. */
static struct line *sort_lines(const struct register_row *rows, size_t count, struct arena *a, struct err *err) {
	struct line *lines = ARENA_ARRAY(a, count + 1, struct line);
	for (size_t i = 0; i < count; i++)
		lines[i].row = &rows[i];
	qsort(lines, count, sizeof *lines, by_key);
	for (size_t i = 1; i < count; i++)
		if (by_key(&lines[i - 1], &lines[i]) == 0) {
			err_set(err, ERR_INPUT, "register.duplicate", "key %.*s is there twice", STR_ARG(lines[i].row->key));
			err_arg(err, 0, lines[i].row->key);
			return NULL;
		}
	return lines;
}

static bool is_changed(const struct line *line) {
	return line->valid && !str_equal(line->valid->data, line->row->data);
}

/* What the new contents would do; missing: the rows that are valid now and no longer there. */
static bool compare(struct view *v, struct str name, struct line *lines, size_t count, struct arena *a,
                    struct register_rows *missing, struct register_change *change, struct err *err) {
	struct register_rows valid;
	*missing = (struct register_rows){0};
	if (!register_rows(v, name, a, &valid, err))
		return false;
	*change = (struct register_change){.added = (int64_t)count};
	for (size_t i = 0; i < valid.count; i++) {
		struct line wanted = {.row = &valid.items[i]};
		struct line *line = bsearch(&wanted, lines, count, sizeof *lines, by_key);
		if (!line) {
			*(struct register_row *)ARENA_PUSH(a, missing) = valid.items[i];
			change->removed++;
			continue;
		}
		line->valid = &valid.items[i];
		change->added--;
		*(is_changed(line) ? &change->changed : &change->same) += 1;
	}
	return true;
}

bool register_compare(struct view *v, struct str name, const struct register_row *rows, size_t count, struct arena *a, struct register_change *change, struct err *err) {
	struct register_rows missing;
	struct line *lines = sort_lines(rows, count, a, err);
	return lines && compare(v, name, lines, count, a, &missing, change, err);
}

/* A replacement under way. */
struct change {
	struct db *db;
	struct str name;
	int64_t id, now;
};

static bool end_row(const struct change *c, struct str key, struct err *err) {
	struct stmt *s = db_query(c->db, "UPDATE register_rows SET valid_until = ?, until_id = ? WHERE name = ? AND key = ? AND valid_until IS NULL");
	bind_int(s, c->now);
	bind_int(s, c->id);
	bind_text(s, c->name);
	bind_text(s, key);
	return row_changed(s, "register row", err);
}

/* A key that comes back after it had ended goes on counting. */
static bool insert_row(const struct change *c, const struct register_row *row, struct err *err) {
	struct stmt *s = db_query(c->db, "INSERT INTO register_rows (name, key, version, data, position, valid_from, since_id) VALUES (?1, ?2,"
	                                 " (SELECT coalesce(max(version), 0) + 1 FROM register_rows WHERE name = ?1 AND key = ?2), ?3, ?4, ?5, ?6)");
	bind_text(s, c->name);
	bind_text(s, row->key);
	bind_text(s, row->data);
	bind_int(s, row->position);
	bind_int(s, c->now);
	bind_int(s, c->id);
	return stmt_run(s, NULL, err);
}

static bool move_row(const struct change *c, const struct register_row *row, struct err *err) {
	struct stmt *s = db_query(c->db, "INSERT INTO register_moves (row_id, until_id, position) SELECT id, ?, position FROM register_rows WHERE name = ? AND key = ? AND valid_until IS NULL");
	bind_int(s, c->id);
	bind_text(s, c->name);
	bind_text(s, row->key);
	if (!stmt_run(s, NULL, err))
		return false;
	s = db_query(c->db, "UPDATE register_rows SET position = ? WHERE name = ? AND key = ? AND valid_until IS NULL");
	bind_int(s, row->position);
	bind_text(s, c->name);
	bind_text(s, row->key);
	return row_changed(s, "register row", err);
}

static bool apply_line(const struct change *c, const struct line *line, struct err *err) {
	if (!line->valid)
		return insert_row(c, line->row, err);
	if (is_changed(line))
		return end_row(c, line->row->key, err) && insert_row(c, line->row, err);
	return line->valid->position == line->row->position || move_row(c, line->row, err);
}

static bool record(struct change *c, const struct register_change *change, struct err *err) {
	struct stmt *s = db_query(c->db, "INSERT INTO register_replacements (name, at, added, changed, removed) VALUES (?, ?, ?, ?, ?)");
	bind_text(s, c->name);
	bind_int(s, c->now);
	bind_int(s, change->added);
	bind_int(s, change->changed);
	bind_int(s, change->removed);
	if (!stmt_run(s, NULL, err))
		return false;
	c->id = db_last_id(c->db);
	return true;
}

static bool replace(struct tx *tx, struct str name, const struct register_row *rows, size_t count, int64_t now,
                    struct arena *a, struct register_change *change, struct err *err) {
	struct change c = {.db = tx_db(tx), .name = name, .now = now};
	struct register_rows missing;
	struct line *lines = sort_lines(rows, count, a, err);
	if (!lines || !compare(tx_view(tx), name, lines, count, a, &missing, change, err) || !record(&c, change, err))
		return false;
	for (size_t i = 0; i < missing.count; i++)
		if (!end_row(&c, missing.items[i].key, err))
			return false;
	for (size_t i = 0; i < count; i++)
		if (!apply_line(&c, &lines[i], err))
			return false;
	return true;
}

bool register_replace(struct tx *tx, struct str name, const struct register_row *rows, size_t count, int64_t now, struct register_change *change, struct err *err) {
	struct arena *a = arena_new();
	tx_view(tx)->registers_replaced = true; /* by a transaction that may yet be undone */
	bool ok = replace(tx, name, rows, count, now, a, change, err);
	arena_free(a);
	return ok;
}

int64_t register_generation(struct view *v) {
	struct err err;
	struct stmt *s = db_query(view_db(v), "SELECT max(id) FROM register_replacements");
	int64_t generation = stmt_step(s, &err) == DB_ROW ? stmt_int(s, 0) : -1;
	stmt_end(s);
	return generation;
}

struct register_stamp register_stamp(struct view *v) {
	if (v->store_number == 0 || v->registers_replaced)
		return (struct register_stamp){0};
	if (!v->stamp_read)
		v->stamp = (struct register_stamp){v->store_number, register_generation(v)};
	v->stamp_read = v->stamp.generation >= 0;
	return v->stamp_read ? v->stamp : (struct register_stamp){0};
}
