#include "engine/store/seeds.h"

#include "engine/store/handle.h"

bool seed_insert(struct tx *tx, struct seed *seed, struct err *err) {
	struct db *db = tx_db(tx);
	struct stmt *s = db_query(db, "INSERT INTO seeds (instance_id, name, sealed, history_id) VALUES (?, ?, ?, ?)");
	bind_int(s, seed->instance_id);
	bind_text(s, seed->name);
	bind_text(s, seed->sealed);
	bind_int(s, seed->history_id);
	if (!stmt_run(s, NULL, err))
		return false;
	seed->id = db_last_id(db);
	return true;
}

bool seed_reveal(struct tx *tx, int64_t id, int64_t history_id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE seeds SET revealed_id = ? WHERE id = ? AND revealed_id IS NULL");
	bind_int(s, history_id);
	bind_int(s, id);
	return row_changed(s, "seed", err);
}

#define SEED "SELECT id, instance_id, name, sealed, history_id, revealed_id FROM seeds "

static struct seed read_seed(struct stmt *s, struct arena *a) {
	return (struct seed){
	        .id = stmt_int(s, 0),
	        .instance_id = stmt_int(s, 1),
	        .name = stmt_text(s, 2, a),
	        .sealed = stmt_text(s, 3, a),
	        .history_id = stmt_int(s, 4),
	        .revealed_id = stmt_int(s, 5),
	};
}

bool seed_newest(struct view *v, int64_t instance_id, struct str name, int64_t seen, struct arena *a, struct seed *out, bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), SEED "WHERE instance_id = ? AND name = ? AND history_id <= ? ORDER BY id DESC LIMIT 1");
	int64_t until = seen ? seen : INT64_MAX;
	bind_int(s, instance_id);
	bind_text(s, name);
	bind_int(s, until);
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found)
		*out = read_seed(s, a);
	if (*found && out->revealed_id > until)
		out->revealed_id = 0;
	stmt_end(s);
	return step != DB_FAIL;
}

static bool list_seeds(struct stmt *s, struct arena *a, struct seed_list *out, struct err *err) {
	enum db_step step;
	*out = (struct seed_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct seed *)ARENA_PUSH(a, out) = read_seed(s, a);
	stmt_end(s);
	return step == DB_DONE;
}

bool seed_made(struct view *v, int64_t history_id, struct arena *a, struct seed_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), SEED "WHERE instance_id = (SELECT instance_id FROM history WHERE id = ?1) AND history_id = ?1 ORDER BY id");
	bind_int(s, history_id);
	return list_seeds(s, a, out, err);
}

bool seed_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct seed_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), SEED "WHERE instance_id = ? ORDER BY id");
	bind_int(s, instance_id);
	return list_seeds(s, a, out, err);
}

bool drawn_insert(struct tx *tx, const struct drawn *drawn, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO drawn (seed_id, instance_id, number, history_id) VALUES (?, ?, ?, ?)");
	bind_int(s, drawn->seed_id);
	bind_int(s, drawn->instance_id);
	bind_int(s, drawn->number);
	bind_int(s, drawn->history_id);
	return stmt_run(s, NULL, err);
}

bool drawn_count(struct view *v, int64_t seed_id, int64_t instance_id, int64_t seen, int64_t *count, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT count(*) FROM drawn WHERE instance_id = ? AND seed_id = ? AND history_id <= ?");
	bind_int(s, instance_id);
	bind_int(s, seed_id);
	bind_int(s, seen ? seen : INT64_MAX);
	enum db_step step = stmt_step(s, err);
	*count = step == DB_ROW ? stmt_int(s, 0) : 0;
	stmt_end(s);
	return step == DB_ROW;
}

bool drawn_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct drawn_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT seed_id, instance_id, number, history_id FROM drawn WHERE instance_id = ? ORDER BY history_id, seed_id, number");
	enum db_step step;
	bind_int(s, instance_id);
	*out = (struct drawn_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct drawn *)ARENA_PUSH(a, out) = (struct drawn){stmt_int(s, 0), stmt_int(s, 1), stmt_int(s, 2), stmt_int(s, 3)};
	stmt_end(s);
	return step == DB_DONE;
}
