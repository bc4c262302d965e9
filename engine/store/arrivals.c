#include "engine/store/arrivals.h"

#include "engine/store/handle.h"

bool arrival_last(struct view *v, int64_t validity, int64_t *uid, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT coalesce((SELECT max(uid) FROM arrivals WHERE validity = ?),"
	                                     " (SELECT 0 FROM arrivals WHERE validity <> 0 LIMIT 1), -1)");
	bind_int(s, validity);
	enum db_step step = stmt_step(s, err);
	*uid = step == DB_ROW ? stmt_int(s, 0) : -1;
	stmt_end(s);
	return step == DB_ROW;
}

bool arrival_begun(struct view *v, int64_t *validity, int64_t *at, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT validity, at FROM arrivals WHERE kind = 'start' ORDER BY id LIMIT 1"); /* among the first */
	enum db_step step = stmt_step(s, err);
	*validity = step == DB_ROW ? stmt_int(s, 0) : 0;
	*at = step == DB_ROW ? stmt_int(s, 1) : 0;
	stmt_end(s);
	return step != DB_FAIL;
}

static bool is_known(struct db *db, const struct arrival_row *row, bool *known, struct err *err) {
	struct stmt *s = db_query(db, "SELECT 1 FROM arrivals WHERE (validity = ? AND uid = ?)"
	                              " UNION ALL SELECT 1 FROM arrivals WHERE message_id <> '' AND message_id = ? AND (sender = ? OR kind = 'gone') AND (validity <> ? OR validity = 0 OR kind = 'person') LIMIT 1");
	bind_int(s, row->validity);
	bind_int(s, row->uid);
	bind_text(s, row->message_id);
	bind_text(s, row->sender);
	bind_int(s, row->validity);
	enum db_step step = stmt_step(s, err);
	*known = step == DB_ROW;
	stmt_end(s);
	return step != DB_FAIL;
}

bool arrival_note(struct tx *tx, struct arrival_row *row, bool *fresh, struct err *err) {
	bool known;
	if (!is_known(tx_db(tx), row, &known, err))
		return false;
	*fresh = !known;
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO arrivals (at, validity, uid, kind, message_id, sender, subject, text, outcome)"
	                                     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
	bind_int(s, row->at);
	bind_int(s, row->validity);
	bind_int(s, row->uid);
	bind_text(s, row->kind);
	bind_text(s, row->message_id);
	bind_text(s, row->sender);
	bind_text(s, row->subject);
	bind_text(s, row->text);
	bind_text(s, known ? STR("seen-before") : row->outcome);
	if (!stmt_run(s, NULL, err))
		return false;
	row->id = db_last_id(tx_db(tx));
	return true;
}

bool arrival_done(struct tx *tx, const struct arrival_row *row, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE arrivals SET outbox_id = ?, instance_id = ?, files = ?, outcome = ? WHERE id = ?");
	bind_int_or_null(s, row->outbox_id, row->outbox_id != 0);
	bind_int_or_null(s, row->instance_id, row->instance_id != 0);
	bind_text(s, row->files);
	bind_text(s, row->outcome);
	bind_int(s, row->id);
	return row_changed(s, "mail", err);
}

bool arrival_list(struct view *v, int64_t after, int64_t limit, struct arena *a, struct arrival_rows *out, struct err *err) {
	enum db_step step;
	struct stmt *s = db_query(view_db(v), "SELECT id, at, validity, uid, kind, message_id, sender, subject, text, outbox_id, outcome, files, instance_id FROM arrivals"
	                                      " WHERE id > ? AND kind NOT IN ('start', 'gone') ORDER BY id LIMIT ?");
	bind_int(s, after);
	bind_int(s, limit);
	*out = (struct arrival_rows){0};
	while ((step = stmt_step(s, err)) == DB_ROW) {
		struct arrival_row *row = ARENA_PUSH(a, out);
		*row = (struct arrival_row){
		        .id = stmt_int(s, 0),
		        .at = stmt_int(s, 1),
		        .validity = stmt_int(s, 2),
		        .uid = stmt_int(s, 3),
		        .kind = stmt_text(s, 4, a),
		        .message_id = stmt_text(s, 5, a),
		        .sender = stmt_text(s, 6, a),
		        .subject = stmt_text(s, 7, a),
		        .text = stmt_text(s, 8, a),
		        .outbox_id = stmt_int(s, 9),
		        .outcome = stmt_text(s, 10, a),
		        .files = stmt_text(s, 11, a),
		        .instance_id = stmt_int(s, 12),
		};
	}
	stmt_end(s);
	return step == DB_DONE;
}

/* An arrival of no case is over when it came. */
#define OLD " IN (SELECT a.id FROM arrivals a LEFT JOIN outbox o ON o.id = a.outbox_id LEFT JOIN instances i ON i.id = coalesce(a.instance_id, o.instance_id)" \
            " WHERE a.at <= ?1 AND a.kind NOT IN ('start', 'gone') AND (i.id IS NULL OR i.ended_at <= ?1) ORDER BY a.at LIMIT ?2)"

bool arrival_sweep(struct tx *tx, int64_t before, int64_t limit, struct err *err) {
	static const char *const changes[] = {"DELETE FROM arrivals WHERE +validity = 0 AND id" OLD,
	                                      "UPDATE arrivals SET kind = 'gone', sender = '', subject = '', text = '', files = '', outbox_id = NULL, instance_id = NULL WHERE validity <> 0 AND id" OLD};
	for (size_t i = 0; i < 2; i++) {
		struct stmt *s = db_query(tx_db(tx), changes[i]);
		bind_int(s, before);
		bind_int(s, limit);
		if (!stmt_run(s, NULL, err))
			return false;
	}
	return true;
}
