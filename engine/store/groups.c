#include "engine/store/groups.h"

#include "engine/store/handle.h"

static void bind_place(struct stmt *s, const struct group_place *place) {
	bind_text(s, place->workflow);
	bind_text(s, place->name);
	bind_text(s, place->value);
}

bool group_load(struct view *v, const struct group_place *place, int64_t before, struct arena *a, struct group_record *out, bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT history_id, data FROM group_records WHERE workflow = ? AND name = ? AND value = ? AND history_id < ? ORDER BY history_id DESC LIMIT 1");
	bind_place(s, place);
	bind_int(s, before ? before : INT64_MAX);
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found)
		*out = (struct group_record){.place = *place, .history_id = stmt_int(s, 0), .data = stmt_text(s, 1, a)};
	stmt_end(s);
	return step != DB_FAIL;
}

bool group_put(struct tx *tx, const struct group_record *record, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO group_records (workflow, name, value, history_id, data) VALUES (?, ?, ?, ?, ?)");
	bind_place(s, &record->place);
	bind_int(s, record->history_id);
	bind_text(s, record->data);
	return stmt_run(s, NULL, err);
}

static bool read_records(struct stmt *s, struct arena *a, struct group_record_list *out, struct err *err) {
	enum db_step step;
	*out = (struct group_record_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct group_record *)ARENA_PUSH(a, out) =
		        (struct group_record){{stmt_text(s, 0, a), stmt_text(s, 1, a), stmt_text(s, 2, a)}, stmt_int(s, 3), stmt_text(s, 4, a), stmt_int(s, 5)};
	stmt_end(s);
	return step == DB_DONE;
}

bool group_written(struct view *v, int64_t instance_id, struct arena *a, struct group_record_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT r.workflow, r.name, r.value, r.history_id, r.data, 0 FROM history h JOIN group_records r ON r.history_id = h.id WHERE h.instance_id = ?"
	                                      " ORDER BY r.id");
	bind_int(s, instance_id);
	return read_records(s, a, out, err);
}

bool group_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct group_record_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT m.workflow, m.name, m.value, coalesce(r.history_id, 0), coalesce(r.data, ''), m.history_id FROM group_members m LEFT JOIN group_records r"
	                                      " ON r.id = (SELECT n.id FROM group_records n WHERE n.workflow = m.workflow AND n.name = m.name AND n.value = m.value"
	                                      " ORDER BY n.history_id DESC LIMIT 1) WHERE m.instance_id = ? ORDER BY m.name");
	bind_int(s, instance_id);
	return read_records(s, a, out, err);
}

static bool leave(struct db *db, int64_t instance_id, struct str name, struct err *err) {
	struct stmt *s = db_query(db, "DELETE FROM group_records WHERE id IN (SELECT r.id FROM group_members m JOIN group_records r ON r.workflow = m.workflow AND r.name = m.name"
	                              " AND r.value = m.value WHERE m.instance_id = ?1 AND m.name = ?2 AND NOT EXISTS (SELECT 1 FROM group_members o WHERE o.workflow = m.workflow"
	                              " AND o.name = m.name AND o.value = m.value AND o.instance_id <> ?1))");
	bind_int(s, instance_id);
	bind_text(s, name);
	if (!stmt_run(s, NULL, err))
		return false;
	s = db_query(db, "DELETE FROM group_members WHERE instance_id = ? AND name = ?");
	bind_int(s, instance_id);
	bind_text(s, name);
	return stmt_run(s, NULL, err);
}

bool group_join(struct tx *tx, int64_t instance_id, const struct group_place *place, int64_t history_id, struct err *err) {
	if (!leave(tx_db(tx), instance_id, place->name, err))
		return false;
	if (place->value.len == 0)
		return true;
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO group_members (workflow, name, value, instance_id, history_id) VALUES (?, ?, ?, ?, ?)");
	bind_place(s, place);
	bind_int(s, instance_id);
	bind_int(s, history_id);
	return stmt_run(s, NULL, err);
}

bool group_members(struct view *v, const struct group_place *place, int64_t except_id, struct arena *a, struct group_member_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT i.id, i.root_id, i.definition FROM group_members m JOIN instances i ON i.id = m.instance_id"
	                                      " WHERE m.workflow = ? AND m.name = ? AND m.value = ? AND i.id <> ? AND i.ended_at IS NULL ORDER BY i.id");
	enum db_step step;
	bind_place(s, place);
	bind_int(s, except_id);
	*out = (struct group_member_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW) {
		struct group_member *member = ARENA_PUSH(a, out);
		*member = (struct group_member){.instance_id = stmt_int(s, 0), .root_id = stmt_int(s, 1)};
		stmt_bytes(s, 2, member->definition, sizeof member->definition);
	}
	stmt_end(s);
	return step == DB_DONE;
}
