#include "engine/store/facts.h"

#include "engine/store/handle.h"

static bool insert_chunk(struct db *db, int64_t blob_id, int64_t number, struct str bytes, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO blob_chunks (blob_id, number, bytes) VALUES (?, ?, ?)");
	bind_int(s, blob_id);
	bind_int(s, number);
	bind_blob(s, bytes.at, bytes.len);
	return stmt_run(s, NULL, err);
}

static bool insert_blob(struct db *db, int64_t instance_id, struct str name, struct str type, size_t size, int64_t now, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO blobs (instance_id, name, type, size, at) VALUES (?, ?, ?, ?, ?)");
	bind_int_or_null(s, instance_id, instance_id != 0);
	bind_text(s, name);
	bind_text(s, type);
	bind_int(s, (int64_t)size);
	bind_int(s, now);
	return stmt_run(s, NULL, err);
}

bool blob_put(struct tx *tx, int64_t instance_id, struct str name, struct str type, struct str bytes, int64_t now, int64_t *id, struct err *err) {
	struct db *db = tx_db(tx);
	if (!insert_blob(db, instance_id, name, type, bytes.len, now, err))
		return false;
	*id = db_last_id(db);
	int64_t number = 0;
	for (size_t at = 0; at < bytes.len; at += BLOB_CHUNK, number++) {
		size_t len = bytes.len - at < BLOB_CHUNK ? bytes.len - at : BLOB_CHUNK;
		if (!insert_chunk(db, *id, number, (struct str){bytes.at + at, len}, err))
			return false;
	}
	return true;
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

bool blob_info(struct view *v, int64_t id, struct arena *a, struct str *name, struct str *type, int64_t *size, int64_t *instance_id, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT name, type, size, instance_id FROM blobs WHERE id = ?");
	bind_int(s, id);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW) {
		*name = stmt_text(s, 0, a);
		*type = stmt_text(s, 1, a);
		*size = stmt_int(s, 2);
		*instance_id = stmt_int(s, 3);
	}
	stmt_end(s);
	return row_found(step, "file", err);
}
