#include "engine/store/handle.h"

struct db *tx_db(struct tx *tx) {
	BUG_IF(!tx->open);
	return tx->db;
}

struct db *view_db(struct view *v) {
	return v->db;
}

bool row_found(enum db_step step, const char *what, struct err *err) {
	if (step == DB_DONE) {
		err_set(err, ERR_NOT_FOUND, "store.not_found", "no such %s", what);
		err_arg(err, 0, str_from(what));
	}
	return step == DB_ROW;
}

bool row_changed(struct stmt *s, const char *what, struct err *err) {
	int64_t changes;
	if (!stmt_run(s, &changes, err))
		return false;
	BUG_IF(changes > 1);
	return changes == 1 || err_set(err, ERR_CONFLICT, "store.conflict", "%s: too late", what);
}
