#include "engine/store/claims.h"

#include "engine/store/handle.h"

#define CLAIM "SELECT id, owner_id, pool, row_key, place, hold, holder_id, at, history_id, released_id FROM claims "

static void bind_pool(struct stmt *s, const struct claim_pool *pool) {
	bind_int(s, pool->owner_id);
	bind_text(s, pool->name);
}

/* Of a query for numbers in use, ascending: the lowest that is not. */
static bool first_free(struct stmt *s, int64_t *free_number, struct err *err) {
	enum db_step step;
	*free_number = 0;
	while ((step = stmt_step(s, err)) == DB_ROW && stmt_int(s, 0) == *free_number)
		++*free_number;
	stmt_end(s);
	return step != DB_FAIL;
}

static bool find_place(struct db *db, struct claim *claim, int64_t capacity, struct err *err) {
	struct stmt *s = db_query(db, "SELECT place FROM claims WHERE owner_id = ? AND pool = ? AND row_key = ? AND released_id IS NULL ORDER BY place");
	bind_pool(s, &claim->pool);
	bind_text(s, claim->row);
	return first_free(s, &claim->place, err) &&
	       (claim->place < capacity || err_set(err, ERR_CONFLICT, "event.taken", "row %.*s of %.*s has no place left", STR_ARG(claim->row), STR_ARG(claim->pool.name)));
}

static bool find_hold(struct db *db, struct claim *claim, int64_t each, struct err *err) {
	struct stmt *s = db_query(db, "SELECT hold FROM claims WHERE holder_id = ? AND owner_id = ? AND pool = ? AND released_id IS NULL ORDER BY hold");
	bind_int(s, claim->holder_id);
	bind_pool(s, &claim->pool);
	return first_free(s, &claim->hold, err) &&
	       (each == 0 || claim->hold < each || err_set(err, ERR_CONFLICT, "event.enough", "the holder has all of %.*s that it may have", STR_ARG(claim->pool.name)));
}

bool claim_insert(struct tx *tx, struct claim *claim, int64_t capacity, int64_t each, struct err *err) {
	struct db *db = tx_db(tx);
	if (!find_place(db, claim, capacity, err) || !find_hold(db, claim, each, err))
		return false;
	struct stmt *s = db_query(db, "INSERT INTO claims (owner_id, pool, row_key, place, hold, holder_id, at, history_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
	bind_pool(s, &claim->pool);
	bind_text(s, claim->row);
	bind_int(s, claim->place);
	bind_int(s, claim->hold);
	bind_int(s, claim->holder_id);
	bind_int(s, claim->at);
	bind_int(s, claim->history_id);
	if (!stmt_run(s, NULL, err))
		return false;
	claim->id = db_last_id(db);
	return true;
}

bool claim_release(struct tx *tx, const struct claim_pool *pool, struct str row, int64_t holder_id, int64_t history_id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE claims SET released_id = ? WHERE holder_id = ? AND owner_id = ? AND pool = ? AND row_key = ? AND released_id IS NULL");
	bind_int(s, history_id);
	bind_int(s, holder_id);
	bind_pool(s, pool);
	bind_text(s, row);
	return row_changed(s, "claim", err);
}

static bool one_int(struct stmt *s, int64_t *out, struct err *err) {
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*out = stmt_int(s, 0);
	stmt_end(s);
	return step == DB_ROW;
}

bool claim_count(struct view *v, const struct claim_pool *pool, struct str row, int64_t seen, int64_t *count, struct err *err) {
	struct db *db = view_db(v);
	struct stmt *s = seen ? db_query(db, "SELECT count(*) FROM claims WHERE owner_id = ? AND pool = ? AND row_key = ? AND history_id <= ?"
	                                     " AND (released_id IS NULL OR released_id > ?)")
	                      : db_query(db, "SELECT count(*) FROM claims WHERE owner_id = ? AND pool = ? AND row_key = ? AND released_id IS NULL");
	bind_pool(s, pool);
	bind_text(s, row);
	if (seen) {
		bind_int(s, seen);
		bind_int(s, seen);
	}
	return one_int(s, count, err);
}

static bool read_claims(struct stmt *s, struct arena *a, struct claim_list *out, struct err *err) {
	enum db_step step;
	*out = (struct claim_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct claim *)ARENA_PUSH(a, out) = (struct claim){
		        .id = stmt_int(s, 0),
		        .pool = {stmt_int(s, 1), stmt_text(s, 2, a)},
		        .row = stmt_text(s, 3, a),
		        .place = stmt_int(s, 4),
		        .hold = stmt_int(s, 5),
		        .holder_id = stmt_int(s, 6),
		        .at = stmt_int(s, 7),
		        .history_id = stmt_int(s, 8),
		        .released_id = stmt_int(s, 9),
		};
	stmt_end(s);
	return step == DB_DONE;
}

bool claim_held(struct view *v, const struct claim_pool *pool, int64_t holder_id, int64_t seen, struct arena *a, struct claim_list *out, struct err *err) {
	struct db *db = view_db(v);
	struct stmt *s = seen ? db_query(db, CLAIM "WHERE holder_id = ? AND owner_id = ? AND pool = ? AND history_id <= ? AND (released_id IS NULL OR released_id > ?) ORDER BY id")
	                      : db_query(db, CLAIM "WHERE holder_id = ? AND owner_id = ? AND pool = ? AND released_id IS NULL ORDER BY id");
	bind_int(s, holder_id);
	bind_pool(s, pool);
	if (seen) {
		bind_int(s, seen);
		bind_int(s, seen);
	}
	return read_claims(s, a, out, err);
}

bool claim_spans(struct view *v, const struct claim_pool *pool, int64_t limit, struct arena *a, struct claim_spans *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT row_key, history_id, released_id FROM claims WHERE owner_id = ? AND pool = ? ORDER BY row_key, history_id LIMIT ?");
	enum db_step step;
	bind_pool(s, pool);
	bind_int(s, limit);
	*out = (struct claim_spans){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct claim_span *)ARENA_PUSH(a, out) = (struct claim_span){stmt_text(s, 0, a), stmt_int(s, 1), stmt_int(s, 2)};
	stmt_end(s);
	return step == DB_DONE;
}

bool claim_of_holder(struct view *v, int64_t holder_id, struct arena *a, struct claim_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), CLAIM "WHERE holder_id = ? ORDER BY id");
	bind_int(s, holder_id);
	return read_claims(s, a, out, err);
}

#define IN_USE " AND id < ? AND (released_id IS NULL OR released_id > ?) "

bool claim_numbers(struct view *v, const struct claim *claim, bool same_entry, int64_t *place, int64_t *hold, struct err *err) {
	int64_t behind = claim->history_id - !same_entry;
	struct stmt *s = db_query(view_db(v), "SELECT place FROM claims WHERE owner_id = ? AND pool = ? AND row_key = ?" IN_USE "ORDER BY place");
	bind_pool(s, &claim->pool);
	bind_text(s, claim->row);
	bind_int(s, claim->id);
	bind_int(s, behind);
	if (!first_free(s, place, err))
		return false;
	s = db_query(view_db(v), "SELECT hold FROM claims WHERE holder_id = ? AND owner_id = ? AND pool = ?" IN_USE "ORDER BY hold");
	bind_int(s, claim->holder_id);
	bind_pool(s, &claim->pool);
	bind_int(s, claim->id);
	bind_int(s, behind);
	return first_free(s, hold, err);
}

bool claim_entries(struct view *v, const struct claim_pool *pool, struct str row, int64_t after_id, struct arena *a, struct claim_entries *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT history_id FROM claims WHERE owner_id = ? AND pool = ? AND row_key = ? AND history_id > ? ORDER BY history_id DESC");
	enum db_step step;
	bind_pool(s, pool);
	bind_text(s, row);
	bind_int(s, after_id);
	*out = (struct claim_entries){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(int64_t *)ARENA_PUSH(a, out) = stmt_int(s, 0);
	stmt_end(s);
	return step == DB_DONE;
}
