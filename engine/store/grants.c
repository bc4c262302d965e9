#include "engine/store/grants.h"

#include "engine/store/handle.h"

bool grant_rule_find(struct view *v, const unsigned char hash[SECRET_HASH], int64_t *id, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT id FROM grant_rules WHERE hash = ?");
	bind_blob(s, hash, SECRET_HASH);
	enum db_step step = stmt_step(s, err);
	*id = step == DB_ROW ? stmt_int(s, 0) : 0;
	stmt_end(s);
	return step != DB_FAIL;
}

bool grant_rule_add(struct tx *tx, const struct grant_rule_row *row, int64_t *id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO grant_rules (hash, register, definition, role) VALUES (?, ?, ?, ?)");
	bind_blob(s, row->hash, SECRET_HASH);
	bind_text(s, row->reg);
	bind_blob(s, row->definition, SECRET_HASH);
	bind_text(s, row->role);
	if (!stmt_run(s, NULL, err))
		return false;
	*id = db_last_id(tx_db(tx));
	return true;
}

bool grant_rules_of(struct view *v, struct str reg, struct arena *a, struct grant_rule_rows *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT id, register, definition, role, hash FROM grant_rules WHERE ?1 = '' OR register = ?1 ORDER BY id");
	enum db_step step;
	bind_text(s, reg);
	*out = (struct grant_rule_rows){0};
	while ((step = stmt_step(s, err)) == DB_ROW) {
		struct grant_rule_row *row = ARENA_PUSH(a, out);
		*row = (struct grant_rule_row){.id = stmt_int(s, 0), .reg = stmt_text(s, 1, a), .role = stmt_text(s, 3, a)};
		(void)stmt_bytes(s, 2, row->definition, SECRET_HASH);
		(void)stmt_bytes(s, 4, row->hash, SECRET_HASH);
	}
	stmt_end(s);
	return step == DB_DONE;
}

bool grant_add(struct tx *tx, const struct grant *g, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO grants (rule_id, scope, contact_id, row_key, version, name, from_day, until_day) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
	bind_int(s, g->rule_id);
	bind_text(s, g->scope);
	bind_int(s, g->contact_id);
	bind_text(s, g->row);
	bind_int(s, g->version);
	bind_text(s, g->name);
	bind_int(s, g->from_day);
	bind_int(s, g->until_day);
	return stmt_run(s, NULL, err);
}

bool grant_clear(struct tx *tx, int64_t rule_id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM grants WHERE rule_id = ?");
	bind_int(s, rule_id);
	return stmt_run(s, NULL, err);
}

static bool ask_grant(struct stmt *s, bool *is, struct err *err) {
	enum db_step step = stmt_step(s, err);
	*is = step == DB_ROW;
	stmt_end(s);
	return step != DB_FAIL;
}

bool grant_prune(struct tx *tx, int64_t rule_id, struct str reg, bool *left, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM grants WHERE rule_id = ?1 AND NOT EXISTS (SELECT 1 FROM register_rows r WHERE r.name = ?2 AND r.key = grants.row_key"
	                                     " AND r.version = grants.version AND r.valid_until IS NULL)");
	bind_int(s, rule_id);
	bind_text(s, reg);
	if (!stmt_run(s, NULL, err))
		return false;
	s = db_query(tx_db(tx), "SELECT 1 FROM grants WHERE rule_id = ? LIMIT 1");
	bind_int(s, rule_id);
	return ask_grant(s, left, err);
}

bool grant_of_row(struct view *v, int64_t rule_id, struct str row, int64_t version, bool *is, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT 1 FROM grants WHERE rule_id = ? AND row_key = ? AND version = ? LIMIT 1");
	bind_int(s, rule_id);
	bind_text(s, row);
	bind_int(s, version);
	return ask_grant(s, is, err);
}

/* The first eight columns. */
static struct grant read_grant(struct stmt *s, struct arena *a) {
	return (struct grant){
	        .rule_id = stmt_int(s, 0),
	        .contact_id = stmt_int(s, 1),
	        .scope = stmt_text(s, 2, a),
	        .name = stmt_text(s, 3, a),
	        .row = stmt_text(s, 4, a),
	        .version = stmt_int(s, 5),
	        .from_day = stmt_int(s, 6),
	        .until_day = stmt_int(s, 7),
	};
}

bool grant_held(struct view *v, int64_t instance_id, struct str role, int64_t contact_id, int64_t day, struct arena *a, struct grant *out, bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT g.rule_id, g.contact_id, g.scope, g.name, g.row_key, g.version, g.from_day, g.until_day FROM scopes s"
	                                      " JOIN grants g ON g.rule_id = s.rule_id AND g.scope = s.scope"
	                                      " WHERE s.instance_id = ? AND s.role = ? AND g.contact_id = ? AND ? BETWEEN g.from_day AND g.until_day ORDER BY g.id LIMIT 1");
	bind_int(s, instance_id);
	bind_text(s, role);
	bind_int(s, contact_id);
	bind_int(s, day);
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found)
		*out = read_grant(s, a);
	stmt_end(s);
	return step != DB_FAIL;
}

bool grant_of_contact(struct view *v, int64_t contact_id, struct arena *a, struct given_roles *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT DISTINCT r.register, r.role, g.row_key, g.name, g.from_day, g.until_day FROM grants g JOIN grant_rules r ON r.id = g.rule_id"
	                                      " WHERE g.contact_id = ? ORDER BY r.register, g.row_key, r.role");
	enum db_step step;
	bind_int(s, contact_id);
	*out = (struct given_roles){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct given_role *)ARENA_PUSH(a, out) = (struct given_role){
		        .reg = stmt_text(s, 0, a),
		        .role = stmt_text(s, 1, a),
		        .row = stmt_text(s, 2, a),
		        .name = stmt_text(s, 3, a),
		        .from_day = stmt_int(s, 4),
		        .until_day = stmt_int(s, 5),
		};
	stmt_end(s);
	return step == DB_DONE;
}

bool grant_lost(struct view *v, int64_t instance_id, struct str role, int64_t contact_id, int64_t day, bool *lost, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT NOT EXISTS (SELECT 1 FROM grants g WHERE g.rule_id = s.rule_id AND g.scope = s.scope AND g.contact_id = ?3"
	                                      " AND ?4 BETWEEN g.from_day AND g.until_day) FROM scopes s WHERE s.instance_id = ?1 AND s.role = ?2");
	bind_int(s, instance_id);
	bind_text(s, role);
	bind_int(s, contact_id);
	bind_int(s, day);
	enum db_step step = stmt_step(s, err);
	*lost = step == DB_ROW && stmt_int(s, 0) != 0;
	stmt_end(s);
	return step != DB_FAIL;
}

bool grant_scope_put(struct tx *tx, int64_t instance_id, struct str role, int64_t rule_id, struct str scope, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO scopes (instance_id, role, rule_id, scope) VALUES (?, ?, ?, ?)"
	                                     " ON CONFLICT (instance_id, role) DO UPDATE SET rule_id = excluded.rule_id, scope = excluded.scope");
	bind_int(s, instance_id);
	bind_text(s, role);
	bind_int(s, rule_id);
	bind_text(s, scope);
	return stmt_run(s, NULL, err);
}

bool grant_scope_find(struct view *v, int64_t instance_id, struct str role, struct arena *a, struct str *scope, unsigned char hash[SECRET_HASH], bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT s.scope, r.hash FROM scopes s JOIN grant_rules r ON r.id = s.rule_id WHERE s.instance_id = ? AND s.role = ?");
	bind_int(s, instance_id);
	bind_text(s, role);
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found) {
		*scope = stmt_text(s, 0, a);
		(void)stmt_bytes(s, 1, hash, SECRET_HASH);
	}
	stmt_end(s);
	return step != DB_FAIL;
}

bool grants_of_rule(struct view *v, int64_t rule_id, struct arena *a, struct kept_grants *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT g.rule_id, g.contact_id, g.scope, g.name, g.row_key, g.version, g.from_day, g.until_day, c.key, c.channel FROM grants g"
	                                      " JOIN contacts c ON c.id = g.contact_id WHERE g.rule_id = ? ORDER BY g.row_key, g.version");
	enum db_step step;
	bind_int(s, rule_id);
	*out = (struct kept_grants){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct kept_grant *)ARENA_PUSH(a, out) = (struct kept_grant){read_grant(s, a), stmt_text(s, 8, a), stmt_int(s, 9)};
	stmt_end(s);
	return step == DB_DONE;
}
