#include "engine/store/erasure.h"

#include "engine/store/handle.h"

enum { HELD_UP_MS = 3600000 };

/* What names a message goes before it, and what lies in a case before the case. ?1: the instance. */
static const char *const of_instance[] = {
        "DELETE FROM captured WHERE outbox_id IN (SELECT id FROM outbox WHERE instance_id = ?1)",
        "DELETE FROM reports WHERE outbox_id IN (SELECT id FROM outbox WHERE instance_id = ?1)",
        "DELETE FROM attachments WHERE outbox_id IN (SELECT id FROM outbox WHERE instance_id = ?1)",
        /* A mail's number and Message-ID stay, by which it is known again. */
        "UPDATE arrivals SET kind = 'gone', sender = '', subject = '', text = '', files = '', outbox_id = NULL, instance_id = NULL"
        " WHERE instance_id = ?1 OR outbox_id IN (SELECT id FROM outbox WHERE instance_id = ?1)",
        "DELETE FROM outbox WHERE instance_id = ?1",
        "DELETE FROM documents WHERE instance_id = ?1",
        "DELETE FROM blobs WHERE instance_id = ?1",
        "DELETE FROM drafts WHERE link_id IN (SELECT id FROM links WHERE instance_id = ?1)",
        "UPDATE links SET state = 'withdrawn' WHERE instance_id = ?1 AND state = 'live'",
        "DELETE FROM facts WHERE instance_id = ?1",
        "DELETE FROM timers WHERE instance_id = ?1",
        "UPDATE mailbox SET from_instance_id = NULL WHERE from_instance_id = ?1",
        "DELETE FROM mailbox WHERE instance_id = ?1",
        "DELETE FROM overdue WHERE instance_id = ?1",
        /* What it shares goes with the last that shares it. */
        "DELETE FROM group_records WHERE id IN (SELECT r.id FROM group_members m JOIN group_records r ON r.workflow = m.workflow AND r.name = m.name AND r.value = m.value"
        " WHERE m.instance_id = ?1 AND NOT EXISTS (SELECT 1 FROM group_members o WHERE o.workflow = m.workflow AND o.name = m.name AND o.value = m.value AND o.instance_id <> ?1))",
        "DELETE FROM group_members WHERE instance_id = ?1",
        "DELETE FROM wishes WHERE instance_id = ?1",
        /* What runs would never give back what it holds. What has ended held it for good: others decided by that, and it names nobody. */
        "UPDATE claims SET released_id = (SELECT max(id) FROM history) WHERE holder_id = ?1 AND released_id IS NULL"
        " AND EXISTS (SELECT 1 FROM instances WHERE id = ?1 AND ended_at IS NULL)",
        "UPDATE listings SET fields = '', search_text = '' WHERE instance_id = ?1",
        "DELETE FROM history_payloads WHERE history_id IN (SELECT id FROM history WHERE instance_id = ?1)",
        "DELETE FROM participations WHERE instance_id = ?1",
        "DELETE FROM scopes WHERE instance_id = ?1",
};

static const char *const of_contact[] = {
        "DELETE FROM captured WHERE outbox_id IN (SELECT id FROM outbox WHERE contact_id = ?1 AND instance_id IS NULL)",
        "DELETE FROM reports WHERE outbox_id IN (SELECT id FROM outbox WHERE contact_id = ?1 AND instance_id IS NULL)",
        "UPDATE arrivals SET kind = 'gone', sender = '', subject = '', text = '', files = '', outbox_id = NULL WHERE outbox_id IN"
        " (SELECT id FROM outbox WHERE contact_id = ?1 AND instance_id IS NULL)",
        "DELETE FROM outbox WHERE contact_id = ?1 AND instance_id IS NULL",
        "DELETE FROM sessions WHERE contact_id = ?1",
        "DELETE FROM browsers WHERE contact_id = ?1",
        "DELETE FROM logins WHERE contact_id = ?1",
        "UPDATE contacts SET value = '', key = 'erased-' || id, language = '', verified_at = NULL, bounced_at = NULL WHERE id = ?1",
};

static bool run_each(struct db *db, const char *const *changes, size_t count, int64_t id, struct err *err) {
	for (size_t i = 0; i < count; i++) {
		struct stmt *s = db_query(db, changes[i]);
		bind_int(s, id);
		if (!stmt_run(s, NULL, err))
			return false;
	}
	return true;
}

static bool ask(struct stmt *s, bool *is, struct err *err) {
	enum db_step step = stmt_step(s, err);
	*is = step == DB_ROW && stmt_int(s, 0) != 0;
	stmt_end(s);
	return step == DB_ROW;
}

/* Whoever has it in hand would write its end to a row that is gone. */
static bool check_idle(struct db *db, int64_t instance_id, struct err *err) {
	bool busy;
	struct stmt *s = db_query(db, "SELECT EXISTS (SELECT 1 FROM outbox WHERE instance_id = ?1 AND state IN ('leased', 'begun'))"
	                              " OR EXISTS (SELECT 1 FROM documents WHERE instance_id = ?1 AND state = 'drawing')");
	bind_int(s, instance_id);
	if (!ask(s, &busy, err))
		return false;
	return !busy || err_set(err, ERR_CONFLICT, "error.busy", "a message of it is being sent, or a document drawn; try again in a minute");
}

struct ids {
	int64_t *items;
	size_t count, cap;
};

static bool read_ids(struct stmt *s, struct arena *a, struct ids *out, struct err *err) {
	enum db_step step;
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(int64_t *)ARENA_PUSH(a, out) = stmt_int(s, 0);
	stmt_end(s);
	return step == DB_DONE;
}

/* Before its rows go. */
static bool contacts_of(struct db *db, int64_t instance_id, struct arena *a, struct ids *out, struct err *err) {
	struct stmt *s = db_query(db, "SELECT contact_id FROM participations WHERE instance_id = ?1 UNION SELECT contact_id FROM history WHERE instance_id = ?1 AND contact_id IS NOT NULL"
	                              " UNION SELECT contact_id FROM links WHERE instance_id = ?1 AND contact_id IS NOT NULL");
	bind_int(s, instance_id);
	return read_ids(s, a, out, err);
}

bool erasure_of_contact(struct tx *tx, int64_t contact_id, bool *gone, struct err *err) {
	struct db *db = tx_db(tx);
	bool named;
	struct stmt *s = db_query(db, "SELECT EXISTS (SELECT 1 FROM participations WHERE contact_id = ?1) OR EXISTS (SELECT 1 FROM grants WHERE contact_id = ?1)"
	                              " OR EXISTS (SELECT 1 FROM links WHERE contact_id = ?1 AND state = 'live')"
	                              " OR EXISTS (SELECT 1 FROM outbox WHERE contact_id = ?1 AND state <> 'sent' AND state IN ('queued', 'leased', 'begun'))"); /* outbox_open */
	bind_int(s, contact_id);
	if (!ask(s, &named, err))
		return false;
	*gone = !named;
	return named || run_each(db, of_contact, sizeof of_contact / sizeof *of_contact, contact_id, err);
}

static bool mark_erased(struct db *db, int64_t instance_id, int64_t now, struct err *err) {
	struct stmt *s = db_query(db, "UPDATE instances SET data = '{}', erase_at = NULL, erased_at = ?2, ended_at = coalesce(ended_at, ?2) WHERE id = ?1");
	bind_int(s, instance_id);
	bind_int(s, now);
	return row_changed(s, "instance", err);
}

bool erasure_of_instance(struct tx *tx, int64_t instance_id, int64_t now, struct err *err) {
	struct db *db = tx_db(tx);
	struct arena *a = arena_new();
	struct ids contacts = {0};
	bool gone;
	bool ok = check_idle(db, instance_id, err) && contacts_of(db, instance_id, a, &contacts, err) &&
	          run_each(db, of_instance, sizeof of_instance / sizeof *of_instance, instance_id, err) && mark_erased(db, instance_id, now, err);
	for (size_t i = 0; ok && i < contacts.count; i++)
		ok = erasure_of_contact(tx, contacts.items[i], &gone, err);
	arena_free(a);
	return ok;
}

static bool put_off(struct db *db, int64_t instance_id, int64_t now, struct err *err) {
	struct stmt *s = db_query(db, "UPDATE instances SET erase_at = ? WHERE id = ?");
	bind_int(s, now + HELD_UP_MS);
	bind_int(s, instance_id);
	return stmt_run(s, NULL, err);
}

bool erasure_due(struct tx *tx, int64_t now, int64_t *id, struct err *err) {
	struct db *db = tx_db(tx);
	struct err busy = {0};
	struct stmt *s = db_query(db, "SELECT id FROM instances WHERE erase_at <= ? ORDER BY erase_at LIMIT 1");
	bind_int(s, now);
	enum db_step step = stmt_step(s, err);
	*id = step == DB_ROW ? stmt_int(s, 0) : 0;
	stmt_end(s);
	if (step == DB_FAIL || *id == 0 || erasure_of_instance(tx, *id, now, &busy))
		return step != DB_FAIL;
	if (busy.kind == ERR_CONFLICT)
		return put_off(db, *id, now, err);
	*err = busy;
	return false;
}

bool erasure_family(struct view *v, int64_t instance_id, struct arena *a, struct instance_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "WITH RECURSIVE family (id) AS (SELECT ?1 UNION SELECT i.id FROM instances i JOIN family f ON i.parent_id = f.id) SELECT id FROM family ORDER BY id");
	struct ids ids = {0};
	bind_int(s, instance_id);
	bool ok = read_ids(s, a, &ids, err);
	for (size_t i = 0; ok && i < ids.count; i++)
		ok = instance_load(v, ids.items[i], a, ARENA_PUSH(a, out), err);
	return ok;
}

bool erasure_parts(struct view *v, int64_t contact_id, struct arena *a, struct part_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT instance_id, role FROM participations WHERE contact_id = ? ORDER BY instance_id, role");
	enum db_step step;
	bind_int(s, contact_id);
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct part *)ARENA_PUSH(a, out) = (struct part){stmt_int(s, 0), stmt_text(s, 1, a)};
	stmt_end(s);
	return step == DB_DONE;
}
