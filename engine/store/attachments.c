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

static bool end_documents(struct stmt *s, struct arena *a, struct attachments *out, struct err *err) {
	enum db_step step;
	while ((step = stmt_step(s, err)) == DB_ROW) {
		*(int64_t *)ARENA_PUSH(a, out) = stmt_int(s, 0);
		out->waits = out->waits || stmt_int(s, 1) != 0;
	}
	stmt_end(s);
	return step == DB_DONE;
}

bool attachments_of_series(struct view *v, int64_t instance_id, struct str series, struct arena *a, struct attachments *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT id, state <> 'ready' FROM documents WHERE instance_id = ?1 AND name = ?2 AND version ="
	                                      " (SELECT max(version) FROM documents WHERE instance_id = ?1 AND name = ?2) ORDER BY addendum");
	bind_int(s, instance_id);
	bind_text(s, series);
	return end_documents(s, a, out, err);
}

bool attachments_of_message(struct view *v, int64_t outbox_id, struct arena *a, struct attachments *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT d.id, d.state <> 'ready' FROM attachments a JOIN documents d ON d.id = a.document_id WHERE a.outbox_id = ? ORDER BY d.id");
	bind_int(s, outbox_id);
	return end_documents(s, a, out, err);
}

static bool insert(struct db *db, int64_t outbox_id, int64_t document_id, int64_t due_at, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO attachments (outbox_id, document_id, due_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
	bind_int(s, outbox_id);
	bind_int(s, document_id);
	bind_int(s, due_at);
	return stmt_run(s, NULL, err);
}

/* It waits until its deadline; without one as long as any message is tried. */
bool attachment_put(struct tx *tx, struct outbox_row *row, const struct attachments *documents, struct err *err) {
	static const int64_t most = INT64_C(3) * 24 * 3600 * 1000;
	int64_t due_at = row->next_at;
	if (documents->waits)
		row->next_at = row->deadline_at != 0 ? row->deadline_at : row->created_at + most;
	bool ok = outbox_put(tx, row, err);
	for (size_t i = 0; ok && i < documents->count; i++)
		ok = insert(tx_db(tx), row->id, documents->items[i], due_at, err);
	return ok;
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
