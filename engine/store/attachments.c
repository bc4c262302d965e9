#include "engine/store/attachments.h"

#include "engine/store/handle.h"

bool attachment_waits(struct view *v, int64_t outbox_id, bool *waits, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT 1 FROM attachments a JOIN documents d ON d.id = a.document_id WHERE a.outbox_id = ? AND d.state <> 'ready' LIMIT 1");
	bind_int(s, outbox_id);
	enum db_step step = stmt_step(s, err);
	*waits = step == DB_ROW;
	stmt_end(s);
	return step != DB_FAIL;
}

/* Until its deadline; without one as long as any message is tried. */
static bool hold(struct tx *tx, const struct outbox_row *row, struct err *err) {
	static const int64_t most = INT64_C(3) * 24 * 3600 * 1000;
	bool waits;
	if (!attachment_waits(tx_view(tx), row->id, &waits, err))
		return false;
	if (!waits)
		return true;
	struct stmt *s = db_query(tx_db(tx), "UPDATE outbox SET next_at = ? WHERE id = ? AND state = 'queued'");
	bind_int(s, row->deadline_at != 0 ? row->deadline_at : row->created_at + most);
	bind_int(s, row->id);
	return stmt_run(s, NULL, err);
}

bool attachment_put(struct tx *tx, const struct outbox_row *row, struct str series, struct err *err) {
	int64_t version, addenda;
	if (!document_newest(tx_view(tx), row->instance_id, series, &version, &addenda, err))
		return false;
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO attachments (outbox_id, document_id, due_at) SELECT ?, id, ? FROM documents"
	                                     " WHERE instance_id = ? AND name = ? AND version = ? ON CONFLICT DO NOTHING");
	bind_int(s, row->id);
	bind_int(s, row->next_at);
	bind_int(s, row->instance_id);
	bind_text(s, series);
	bind_int(s, version);
	return stmt_run(s, NULL, err) && hold(tx, row, err);
}

bool attachment_copy(struct tx *tx, int64_t from_outbox_id, const struct outbox_row *row, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO attachments (outbox_id, document_id, due_at) SELECT ?, document_id, ? FROM attachments WHERE outbox_id = ?");
	bind_int(s, row->id);
	bind_int(s, row->next_at);
	bind_int(s, from_outbox_id);
	return stmt_run(s, NULL, err) && hold(tx, row, err);
}

bool attachment_list(struct view *v, int64_t outbox_id, struct arena *a, struct document_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT document_id FROM attachments WHERE outbox_id = ? ORDER BY document_id");
	struct {
		int64_t *items;
		size_t count, cap;
	} ids = {0};
	enum db_step step;
	bind_int(s, outbox_id);
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(int64_t *)ARENA_PUSH(a, &ids) = stmt_int(s, 0);
	stmt_end(s);
	*out = (struct document_list){0};
	bool ok = step == DB_DONE;
	for (size_t i = 0; ok && i < ids.count; i++)
		ok = document_load(v, ids.items[i], a, ARENA_PUSH(a, out), err);
	return ok;
}

bool attachment_release(struct tx *tx, int64_t document_id, int64_t now, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE outbox SET next_at = max(?, (SELECT due_at FROM attachments WHERE outbox_id = outbox.id AND document_id = ?))"
	                                     " WHERE id IN (SELECT outbox_id FROM attachments WHERE document_id = ?) AND state = 'queued' AND NOT EXISTS"
	                                     " (SELECT 1 FROM attachments a JOIN documents d ON d.id = a.document_id WHERE a.outbox_id = outbox.id AND d.state <> 'ready')");
	bind_int(s, now);
	bind_int(s, document_id);
	bind_int(s, document_id);
	return stmt_run(s, NULL, err);
}
