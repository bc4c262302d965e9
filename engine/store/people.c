#include "engine/store/people.h"

#include "engine/store/handle.h"

#define CONTACT "c.id, c.person_id, c.channel, c.value, c.key, c.language, c.verified_at, c.bounced_at"

static void read_contact(struct stmt *s, int first, struct arena *a, struct contact *out) {
	*out = (struct contact){
	        .id = stmt_int(s, first),
	        .person_id = stmt_int(s, first + 1),
	        .channel = (enum channel)stmt_int(s, first + 2),
	        .value = stmt_text(s, first + 3, a),
	        .key = stmt_text(s, first + 4, a),
	        .language = stmt_text(s, first + 5, a),
	        .verified_at = stmt_int(s, first + 6),
	        .bounced_at = stmt_int(s, first + 7),
	};
}

static bool end_contact(struct stmt *s, struct arena *a, struct contact *out, struct err *err) {
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		read_contact(s, 0, a, out);
	stmt_end(s);
	return row_found(step, "contact", err);
}

bool contact_load(struct view *v, int64_t id, struct arena *a, struct contact *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT " CONTACT " FROM contacts c WHERE c.id = ?");
	bind_int(s, id);
	return end_contact(s, a, out, err);
}

bool contact_find(struct view *v, enum channel channel, struct str key, struct arena *a, struct contact *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT " CONTACT " FROM contacts c WHERE c.channel = ? AND c.key = ?");
	bind_int(s, channel);
	bind_text(s, key);
	return end_contact(s, a, out, err);
}

static enum db_step find_id(struct db *db, enum channel channel, struct str key, int64_t *id, struct err *err) {
	struct stmt *s = db_query(db, "SELECT id FROM contacts WHERE channel = ? AND key = ?");
	bind_int(s, channel);
	bind_text(s, key);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*id = stmt_int(s, 0);
	stmt_end(s);
	return step;
}

static bool insert_person(struct db *db, int64_t now, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO persons (created_at) VALUES (?)");
	bind_int(s, now);
	return stmt_run(s, NULL, err);
}

static bool learn_language(struct db *db, int64_t id, struct str language, struct err *err) {
	struct stmt *s = db_query(db, "UPDATE contacts SET language = ? WHERE id = ? AND language = ''");
	bind_text(s, language);
	bind_int(s, id);
	return stmt_run(s, NULL, err);
}

bool contact_ensure(struct tx *tx, enum channel channel, struct str value, struct str key, struct str language,
                    int64_t now, int64_t *id, struct err *err) {
	struct db *db = tx_db(tx);
	enum db_step step = find_id(db, channel, key, id, err);
	if (step == DB_ROW)
		return language.len == 0 || learn_language(db, *id, language, err);
	if (step == DB_FAIL)
		return false;
	if (!insert_person(db, now, err))
		return false;
	struct stmt *s = db_query(db, "INSERT INTO contacts (person_id, channel, value, key, language, created_at)"
	                              " VALUES (?, ?, ?, ?, ?, ?)");
	bind_int(s, db_last_id(db));
	bind_int(s, channel);
	bind_text(s, value);
	bind_text(s, key);
	bind_text(s, language);
	bind_int(s, now);
	if (!stmt_run(s, NULL, err))
		return false;
	*id = db_last_id(db);
	return true;
}

bool contact_verify(struct tx *tx, int64_t id, int64_t now, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE contacts SET verified_at = ? WHERE id = ? AND verified_at IS NULL");
	bind_int(s, now);
	bind_int(s, id);
	return stmt_run(s, NULL, err);
}

bool contact_bounced(struct tx *tx, int64_t id, int64_t now, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE contacts SET bounced_at = ? WHERE id = ?");
	bind_int(s, now);
	bind_int(s, id);
	return row_changed(s, "contact", err);
}

bool contact_reached(struct tx *tx, int64_t id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE contacts SET bounced_at = NULL WHERE id = ? AND bounced_at IS NOT NULL");
	bind_int(s, id);
	return stmt_run(s, NULL, err);
}

bool contact_set_language(struct tx *tx, int64_t id, struct str language, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE contacts SET language = ? WHERE id = ?");
	bind_text(s, language);
	bind_int(s, id);
	return row_changed(s, "contact", err);
}

static bool add_people(struct stmt *s, struct arena *a, struct participation_list *out, struct err *err) {
	enum db_step step;
	while ((step = stmt_step(s, err)) == DB_ROW) {
		struct participation *p = ARENA_PUSH(a, out);
		p->contact_id = stmt_int(s, 0);
		p->role = stmt_text(s, 1, a);
		p->name = stmt_text(s, 2, a);
		read_contact(s, 3, a, &p->contact);
	}
	stmt_end(s);
	return step == DB_DONE;
}

bool participation_list(struct view *v, int64_t instance_id, int64_t day, struct arena *a, struct participation_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT p.contact_id, p.role, p.name, " CONTACT
	                                      " FROM participations p JOIN contacts c ON c.id = p.contact_id"
	                                      " WHERE p.instance_id = ? ORDER BY p.id");
	bind_int(s, instance_id);
	*out = (struct participation_list){0};
	if (!add_people(s, a, out, err))
		return false;
	s = db_query(view_db(v), "SELECT g.contact_id, s.role, g.name, " CONTACT " FROM scopes s JOIN grants g ON g.rule_id = s.rule_id AND g.scope = s.scope"
	                         " JOIN contacts c ON c.id = g.contact_id WHERE s.instance_id = ?1 AND ?2 BETWEEN g.from_day AND g.until_day"
	                         " AND NOT EXISTS (SELECT 1 FROM grants o WHERE o.rule_id = g.rule_id AND o.scope = g.scope AND o.contact_id = g.contact_id"
	                         " AND ?2 BETWEEN o.from_day AND o.until_day AND o.id < g.id) ORDER BY s.role, g.id");
	bind_int(s, instance_id);
	bind_int(s, day);
	return add_people(s, a, out, err);
}

bool participation_add(struct tx *tx, int64_t instance_id, struct str role, int64_t contact_id, struct str name, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO participations (instance_id, role, contact_id, name) VALUES (?, ?, ?, ?)"
	                                     " ON CONFLICT (instance_id, role, contact_id) DO UPDATE SET name = excluded.name");
	bind_int(s, instance_id);
	bind_text(s, role);
	bind_int(s, contact_id);
	bind_text(s, name);
	return stmt_run(s, NULL, err);
}

bool participation_newest(struct view *v, int64_t contact_id, struct str workflow, int64_t day, int64_t *instance_id, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT coalesce(max(id), 0) FROM (SELECT i.id FROM participations p JOIN instances i ON i.id = p.instance_id"
	                                      " WHERE p.contact_id = ?1 AND i.workflow = ?2 UNION ALL"
	                                      " SELECT i.id FROM grants g JOIN scopes s ON s.rule_id = g.rule_id AND s.scope = g.scope JOIN instances i ON i.id = s.instance_id"
	                                      " WHERE g.contact_id = ?1 AND i.workflow = ?2 AND ?3 BETWEEN g.from_day AND g.until_day)");
	bind_int(s, contact_id);
	bind_text(s, workflow);
	bind_int(s, day);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*instance_id = stmt_int(s, 0);
	stmt_end(s);
	return step == DB_ROW;
}

bool participation_remove(struct tx *tx, int64_t instance_id, struct str role, int64_t contact_id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM participations WHERE instance_id = ? AND role = ? AND contact_id = ?");
	bind_int(s, instance_id);
	bind_text(s, role);
	bind_int(s, contact_id);
	return stmt_run(s, NULL, err);
}
