#include "engine/store/wishes.h"

#include "engine/store/handle.h"

static void bind_list(struct stmt *s, const struct wish_list *list) {
	bind_int(s, list->instance_id);
	bind_text(s, list->field);
	bind_int(s, list->pool.owner_id);
	bind_text(s, list->pool.name);
}

static bool add(struct db *db, const struct wish_list *list, struct str row, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO wishes (instance_id, field, owner_id, pool, row_key, root_id) VALUES (?, ?, ?, ?, ?, ?)");
	bind_list(s, list);
	bind_text(s, row);
	bind_int(s, list->root_id);
	return stmt_run(s, NULL, err);
}

static bool drop(struct db *db, const struct wish_list *list, struct str row, struct err *err) {
	struct stmt *s = db_query(db, "DELETE FROM wishes WHERE instance_id = ? AND field = ? AND owner_id = ? AND pool = ? AND row_key = ?");
	bind_list(s, list);
	bind_text(s, row);
	return stmt_run(s, NULL, err);
}

/* Only what differs is written: a press on a long list changes one row of it, or none. */
bool wish_watch(struct tx *tx, const struct wish_list *list, const struct str *keys, size_t count, struct err *err) {
	struct db *db = tx_db(tx);
	struct arena *a = arena_new();
	struct wished_rows old;
	bool ok = wish_keys(tx_view(tx), list, STR(""), INT64_MAX, a, &old, err);
	for (size_t i = 0, k = 0; ok && (i < old.count || k < count);) {
		int order = i == old.count ? 1 : k == count ? -1 : str_compare(old.items[i], keys[k]);
		if (order < 0)
			ok = drop(db, list, old.items[i], err);
		else if (order > 0)
			ok = add(db, list, keys[k], err);
		i += order <= 0;
		k += order >= 0;
	}
	arena_free(a);
	return ok;
}

bool wish_forget(struct tx *tx, int64_t instance_id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM wishes WHERE instance_id = ?");
	bind_int(s, instance_id);
	return stmt_run(s, NULL, err);
}

bool wish_holders(struct view *v, const struct claim_pool *pool, struct str row, int64_t except_id, struct arena *a, struct wish_lists *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT instance_id, root_id, field FROM wishes WHERE owner_id = ? AND pool = ? AND row_key = ? AND instance_id <> ? ORDER BY instance_id, field");
	enum db_step step;
	bind_int(s, pool->owner_id);
	bind_text(s, pool->name);
	bind_text(s, row);
	bind_int(s, except_id);
	*out = (struct wish_lists){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct wish_list *)ARENA_PUSH(a, out) = (struct wish_list){stmt_int(s, 0), stmt_int(s, 1), stmt_text(s, 2, a), *pool};
	stmt_end(s);
	return step == DB_DONE;
}

bool wish_keys(struct view *v, const struct wish_list *list, struct str after, int64_t limit, struct arena *a, struct wished_rows *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT row_key FROM wishes WHERE instance_id = ? AND field = ? AND owner_id = ? AND pool = ? AND row_key > ? ORDER BY row_key LIMIT ?");
	enum db_step step;
	bind_list(s, list);
	bind_text(s, after);
	bind_int(s, limit);
	*out = (struct wished_rows){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct str *)ARENA_PUSH(a, out) = stmt_text(s, 0, a);
	stmt_end(s);
	return step == DB_DONE;
}

bool wish_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct wishes *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT field, owner_id, pool, row_key, root_id FROM wishes WHERE instance_id = ? ORDER BY field, owner_id, pool, row_key");
	enum db_step step;
	bind_int(s, instance_id);
	*out = (struct wishes){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct wish *)ARENA_PUSH(a, out) = (struct wish){{instance_id, stmt_int(s, 4), stmt_text(s, 0, a), {stmt_int(s, 1), stmt_text(s, 2, a)}}, stmt_text(s, 3, a)};
	stmt_end(s);
	return step == DB_DONE;
}
