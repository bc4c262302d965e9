#include "engine/store/instances.h"

#include "engine/store/handle.h"

enum { REFERENCE = 9, REFERENCE_TRIES = 10 };

#define INSTANCE \
	"SELECT i.id, i.reference, i.workflow, i.definition, i.state, i.data, i.version, i.parent_id, i.root_id," \
	" i.started_at, i.entered_at, i.changed_at, i.ended_at, i.erase_at, i.erased_at FROM instances i "

static void read_instance(struct stmt *s, struct arena *a, struct instance *out) {
	*out = (struct instance){
	        .id = stmt_int(s, 0),
	        .reference = stmt_text(s, 1, a),
	        .workflow = stmt_text(s, 2, a),
	        .state = stmt_text(s, 4, a),
	        .data = stmt_text(s, 5, a),
	        .version = stmt_int(s, 6),
	        .parent_id = stmt_int(s, 7),
	        .root_id = stmt_int(s, 8),
	        .started_at = stmt_int(s, 9),
	        .entered_at = stmt_int(s, 10),
	        .changed_at = stmt_int(s, 11),
	        .ended_at = stmt_int(s, 12),
	        .erase_at = stmt_int(s, 13),
	        .erased_at = stmt_int(s, 14),
	};
	stmt_bytes(s, 3, out->definition, sizeof out->definition);
}

static bool end_instance(struct stmt *s, struct arena *a, struct instance *out, struct err *err) {
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		read_instance(s, a, out);
	stmt_end(s);
	return row_found(step, "instance", err);
}

bool instance_load(struct view *v, int64_t id, struct arena *a, struct instance *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), INSTANCE "WHERE i.id = ?");
	bind_int(s, id);
	return end_instance(s, a, out, err);
}

bool instance_by_reference(struct view *v, struct str reference, struct arena *a, struct instance *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), INSTANCE "WHERE i.reference = ?");
	bind_text(s, reference);
	return end_instance(s, a, out, err);
}

bool instance_latest(struct view *v, struct str workflow, struct arena *a, struct instance *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), INSTANCE "WHERE i.workflow = ? ORDER BY i.id DESC LIMIT 1");
	bind_text(s, workflow);
	return end_instance(s, a, out, err);
}

bool instance_next(struct view *v, int64_t after, struct arena *a, struct instance *out, bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), INSTANCE "WHERE i.id > ? ORDER BY i.id LIMIT 1");
	bind_int(s, after);
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found)
		read_instance(s, a, out);
	stmt_end(s);
	return step != DB_FAIL;
}

/* 40 random bits; the alphabet has 32 letters and digits, none of which is mistaken for another. */
struct str instance_reference(struct arena *a) {
	static const char alphabet[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
	unsigned char random[REFERENCE];
	char text[REFERENCE];
	secret_random(random, sizeof random);
	for (size_t i = 0; i < REFERENCE; i++)
		text[i] = i == REFERENCE / 2 ? '-' : alphabet[random[i] & 31];
	return arena_str(a, (struct str){text, REFERENCE});
}

static bool insert(struct db *db, const struct instance *instance, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO instances (reference, workflow, definition, state, data, version, parent_id, root_id,"
	                              " started_at, entered_at, changed_at, ended_at, erase_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	bind_text(s, instance->reference);
	bind_text(s, instance->workflow);
	bind_blob(s, instance->definition, sizeof instance->definition);
	bind_text(s, instance->state);
	bind_text(s, instance->data);
	bind_int(s, instance->version);
	bind_int_or_null(s, instance->parent_id, instance->parent_id != 0);
	bind_int(s, instance->root_id);
	bind_int(s, instance->started_at);
	bind_int(s, instance->entered_at);
	bind_int(s, instance->changed_at);
	bind_int_or_null(s, instance->ended_at, instance->ended_at != 0);
	bind_int_or_null(s, instance->erase_at, instance->erase_at != 0);
	return stmt_run(s, NULL, err);
}

static bool set_own_root(struct db *db, int64_t id, struct err *err) {
	struct stmt *s = db_query(db, "UPDATE instances SET root_id = id WHERE id = ?");
	bind_int(s, id);
	return row_changed(s, "instance", err);
}

static bool root_of(struct db *db, int64_t parent_id, int64_t *root_id, struct err *err) {
	struct stmt *s = db_query(db, "SELECT root_id FROM instances WHERE id = ?");
	bind_int(s, parent_id);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*root_id = stmt_int(s, 0);
	stmt_end(s);
	return row_found(step, "parent instance", err);
}

bool instance_insert(struct tx *tx, struct arena *a, struct instance *instance, struct err *err) {
	struct db *db = tx_db(tx);
	instance->root_id = 0;
	if (instance->parent_id && !root_of(db, instance->parent_id, &instance->root_id, err))
		return false;
	struct err clash = {0};
	bool named = instance->reference.len > 0;
	for (int tries = 0; tries < (named ? 1 : REFERENCE_TRIES); tries++) {
		if (!named)
			instance->reference = instance_reference(a);
		if (insert(db, instance, &clash)) {
			instance->id = db_last_id(db);
			if (instance->root_id)
				return true;
			instance->root_id = instance->id;
			return set_own_root(db, instance->id, err);
		}
		if (clash.kind != ERR_CONFLICT)
			break;
	}
	*err = clash;
	return false;
}

bool instance_update(struct tx *tx, const struct instance *instance, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE instances SET state = ?, data = ?, version = ?, entered_at = ?, changed_at = ?,"
	                                     " ended_at = ?, erase_at = ? WHERE id = ? AND version = ?");
	bind_text(s, instance->state);
	bind_text(s, instance->data);
	bind_int(s, instance->version);
	bind_int(s, instance->entered_at);
	bind_int(s, instance->changed_at);
	bind_int_or_null(s, instance->ended_at, instance->ended_at != 0);
	bind_int_or_null(s, instance->erase_at, instance->erase_at != 0);
	bind_int(s, instance->id);
	bind_int(s, instance->version - 1);
	return row_changed(s, "instance", err);
}

/* What a query narrows by index comes first in each statement. */
#define REST " (?1 = '' OR i.workflow = ?1) AND (?2 = '' OR i.state = ?2) AND (?3 = 0 OR i.parent_id = ?3)"
#define BY_PARENT "WHERE i.parent_id = ?3 AND"
#define BY_STATE "WHERE i.workflow = ?1 AND i.state = ?2 AND"
#define BY_WORKFLOW "WHERE i.workflow = ?1 AND"
#define NEWEST " ORDER BY i.changed_at DESC, i.id DESC LIMIT ?4 OFFSET ?5"
#define BY_ID " ORDER BY i.id LIMIT ?4 OFFSET ?5"
#define COUNT "SELECT count(*) FROM instances i "

static struct stmt *query_rows(struct db *db, const struct instance_query *q) {
	if (q->parent_id)
		return db_query(db, INSTANCE BY_PARENT REST BY_ID);
	if (q->workflow.len && q->state.len)
		return db_query(db, INSTANCE BY_STATE REST NEWEST);
	if (q->workflow.len)
		return db_query(db, INSTANCE BY_WORKFLOW REST NEWEST);
	return db_query(db, INSTANCE "WHERE" REST NEWEST);
}

static struct stmt *query_count(struct db *db, const struct instance_query *q) {
	if (q->parent_id)
		return db_query(db, COUNT BY_PARENT REST);
	if (q->workflow.len && q->state.len)
		return db_query(db, COUNT BY_STATE REST);
	if (q->workflow.len)
		return db_query(db, COUNT BY_WORKFLOW REST);
	return db_query(db, COUNT "WHERE" REST);
}

static void bind_query(struct stmt *s, const struct instance_query *q) {
	bind_text(s, q->workflow);
	bind_text(s, q->state);
	bind_int(s, q->parent_id);
}

static bool count_all(struct db *db, const struct instance_query *q, int64_t *total, struct err *err) {
	struct stmt *s = query_count(db, q);
	bind_query(s, q);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*total = stmt_int(s, 0);
	stmt_end(s);
	return step == DB_ROW;
}

bool instance_query(struct view *v, const struct instance_query *query, struct arena *a, struct instance_list *out, int64_t *total, struct err *err) {
	*out = (struct instance_list){0};
	if (total && !count_all(view_db(v), query, total, err))
		return false;
	struct stmt *s = query_rows(view_db(v), query);
	bind_query(s, query);
	bind_int(s, query->limit ? query->limit : -1);
	bind_int(s, query->offset);
	enum db_step step;
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_instance(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

bool instance_count_by_state(struct view *v, struct arena *a, struct buf *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT workflow, state, count(*) FROM instances GROUP BY workflow, state ORDER BY workflow, state");
	enum db_step step;
	while ((step = stmt_step(s, err)) == DB_ROW) {
		struct str workflow = stmt_text(s, 0, a), state = stmt_text(s, 1, a);
		buf_printf(out, "%.*s %.*s %lld\n", STR_ARG(workflow), STR_ARG(state), (long long)stmt_int(s, 2));
	}
	stmt_end(s);
	return step == DB_DONE;
}
