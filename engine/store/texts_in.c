#include "engine/store/texts_in.h"

#include "engine/store/access.h"
#include "engine/store/handle.h"

#include <string.h>

static const int64_t HOUR_MS = INT64_C(3600) * 1000;

/* It names its key, and nothing else. */
static void id_of_key(int64_t key, unsigned char id[SECRET_ID]) {
	memset(id, 0, SECRET_ID);
	for (int i = 0; i < 8; i++)
		id[8 + i] = (unsigned char)((uint64_t)key >> (56 - 8 * i));
}

bool inbound_token(const struct keyring *keys, char out[SECRET_TOKEN + 1]) {
	unsigned char id[SECRET_ID];
	int64_t key = keyring_current(keys);
	id_of_key(key, id);
	return token_make(keys, key, "inbound", id, out);
}

bool inbound_token_read(const struct keyring *keys, struct str token) {
	unsigned char id[SECRET_ID], mac[SECRET_MAC];
	uint64_t key = 0;
	if (!token_split(token, id, mac))
		return false;
	for (int i = 0; i < SECRET_ID; i++)
		key = key << 8 | id[i]; /* what is before the last eight bytes falls out; the MAC is over all of them */
	return token_verify(keys, (int64_t)key, "inbound", id, mac);
}

bool text_in_put(struct tx *tx, struct text_in *text, struct err *err) {
	int64_t count;
	BUG_IF(text->query.len + text->body.len > TEXT_IN_BYTES);
	if (!counter_read(tx_view(tx), STR("texts-in"), STR(""), text->at, HOUR_MS, &count, err))
		return false;
	if (count >= TEXTS_IN_AN_HOUR)
		return err_set(err, ERR_DENIED, "error.too-often", "%d texts came in this hour already", TEXTS_IN_AN_HOUR);
	if (!counter_add(tx, STR("texts-in"), STR(""), text->at, HOUR_MS, &count, err))
		return false;
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO texts_in (at, query, type, body) VALUES (?, ?, ?, ?)");
	bind_int(s, text->at);
	bind_blob(s, text->query.at, text->query.len);
	bind_blob(s, text->type.at, text->type.len);
	bind_blob(s, text->body.at, text->body.len);
	if (!stmt_run(s, NULL, err))
		return false;
	text->id = db_last_id(tx_db(tx));
	return true;
}

bool texts_in_oldest(struct view *v, int64_t limit, struct arena *a, struct text_in_list *out, struct err *err) {
	enum db_step step;
	struct stmt *s = db_query(view_db(v), "SELECT id, at, query, type, body FROM texts_in ORDER BY id LIMIT ?");
	bind_int(s, limit);
	*out = (struct text_in_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct text_in *)ARENA_PUSH(a, out) = (struct text_in){
		        .id = stmt_int(s, 0),
		        .at = stmt_int(s, 1),
		        .query = stmt_blob(s, 2, a),
		        .type = stmt_blob(s, 3, a),
		        .body = stmt_blob(s, 4, a),
		};
	stmt_end(s);
	return step == DB_DONE;
}

bool text_in_take(struct tx *tx, int64_t id, bool *found, struct err *err) {
	int64_t changes;
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM texts_in WHERE id = ?");
	bind_int(s, id);
	bool ok = stmt_run(s, &changes, err);
	*found = ok && changes == 1;
	return ok;
}

bool text_in_sweep(struct tx *tx, int64_t before, int64_t limit, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM texts_in WHERE id IN (SELECT id FROM texts_in WHERE at <= ? ORDER BY id LIMIT ?)");
	bind_int(s, before);
	bind_int(s, limit);
	return stmt_run(s, NULL, err);
}
