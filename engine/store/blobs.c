#include "engine/store/blobs.h"

#include "engine/store/handle.h"

#include <stdlib.h>
#include <string.h>

static bool read_memory(void *context, int64_t at, char *out, size_t len) {
	const struct str *memory = context;
	if (at < 0 || (size_t)at > memory->len || len > memory->len - (size_t)at)
		return false;
	if (len > 0)
		memcpy(out, memory->at + at, len);
	return true;
}

struct bytes bytes_of(const struct str *memory) {
	return (struct bytes){(void *)memory, read_memory};
}

static bool insert_chunk(struct db *db, int64_t blob_id, int64_t number, struct str bytes, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO blob_chunks (blob_id, number, bytes) VALUES (?, ?, ?)");
	bind_int(s, blob_id);
	bind_int(s, number);
	bind_blob(s, bytes.at, bytes.len);
	return stmt_run(s, NULL, err);
}

static bool insert_blob(struct db *db, const struct blob *blob, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO blobs (instance_id, link_id, task, name, type, size, at) VALUES (?, ?, ?, ?, ?, ?, ?)");
	bind_int_or_null(s, blob->instance_id, blob->instance_id != 0);
	if (blob->drafted)
		bind_blob(s, blob->link_id, sizeof blob->link_id);
	else
		bind_null(s);
	bind_text_or_null(s, blob->drafted ? blob->task : STR(""));
	bind_text(s, blob->name);
	bind_text(s, blob->type);
	bind_int(s, blob->size);
	bind_int(s, blob->at);
	return stmt_run(s, NULL, err);
}

bool blob_put(struct tx *tx, const struct blob *blob, struct bytes source, int64_t *id, struct err *err) {
	struct db *db = tx_db(tx);
	if (!insert_blob(db, blob, err))
		return false;
	*id = db_last_id(db);
	char *chunk = malloc(BLOB_CHUNK);
	BUG_IF(chunk == NULL);
	bool ok = true;
	for (int64_t at = 0; ok && at < blob->size; at += BLOB_CHUNK) {
		size_t len = blob->size - at < BLOB_CHUNK ? (size_t)(blob->size - at) : BLOB_CHUNK;
		ok = (source.read(source.context, at, chunk, len) || err_set(err, ERR_TRANSIENT, "error.busy", "a file cannot be read any more")) &&
		     insert_chunk(db, *id, at / BLOB_CHUNK, (struct str){chunk, len}, err);
	}
	free(chunk);
	return ok;
}

bool blob_read(struct view *v, int64_t id, int64_t offset, struct arena *a, struct str *bytes, struct err *err) {
	BUG_IF(offset < 0);
	struct stmt *s = db_query(view_db(v), "SELECT substr(bytes, ?) FROM blob_chunks WHERE blob_id = ? AND number = ?");
	bind_int(s, offset % BLOB_CHUNK + 1);
	bind_int(s, id);
	bind_int(s, offset / BLOB_CHUNK);
	enum db_step step = stmt_step(s, err);
	*bytes = step == DB_ROW ? stmt_blob(s, 0, a) : STR("");
	stmt_end(s);
	return step != DB_FAIL;
}

bool blob_info(struct view *v, int64_t id, struct arena *a, struct blob *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT name, type, size, at, instance_id, link_id, task FROM blobs WHERE id = ?");
	bind_int(s, id);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW) {
		*out = (struct blob){.id = id, .name = stmt_text(s, 0, a), .type = stmt_text(s, 1, a), .size = stmt_int(s, 2), .at = stmt_int(s, 3)};
		out->instance_id = stmt_int(s, 4);
		out->drafted = !stmt_is_null(s, 5) && stmt_bytes(s, 5, out->link_id, sizeof out->link_id);
		out->task = stmt_text(s, 6, a);
	}
	stmt_end(s);
	return row_found(step, "file", err);
}

bool blob_of_draft(struct view *v, const unsigned char link_id[SECRET_ID], struct str task, struct arena *a, struct blob_ids *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT id FROM blobs WHERE link_id = ? AND task = ? ORDER BY id");
	enum db_step step;
	bind_blob(s, link_id, SECRET_ID);
	bind_text(s, task);
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(int64_t *)ARENA_PUSH(a, out) = stmt_int(s, 0);
	stmt_end(s);
	return step == DB_DONE;
}

bool blob_claim(struct tx *tx, int64_t id, const unsigned char link_id[SECRET_ID], int64_t instance_id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE blobs SET instance_id = ?, link_id = NULL, task = NULL WHERE id = ? AND instance_id IS NULL AND"
	                                     " (link_id IS NULL OR link_id = ?)");
	bind_int(s, instance_id);
	bind_int(s, id);
	bind_blob(s, link_id, SECRET_ID);
	return stmt_run(s, NULL, err);
}

bool blob_remove(struct tx *tx, int64_t id, const unsigned char link_id[SECRET_ID], struct str task, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM blobs WHERE id = ? AND link_id = ? AND task = ?");
	bind_int(s, id);
	bind_blob(s, link_id, SECRET_ID);
	bind_text(s, task);
	return stmt_run(s, NULL, err);
}

bool blob_drop(struct tx *tx, int64_t id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM blobs WHERE id = ? AND instance_id IS NULL AND link_id IS NULL");
	bind_int(s, id);
	return stmt_run(s, NULL, err);
}
