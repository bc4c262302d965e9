#include "engine/store/history.h"

#include "engine/store/handle.h"

#include <string.h>

#define ENTRY \
	"SELECT h.id, h.instance_id, h.seq, h.at, h.kind, h.event, h.from_state, h.to_state, h.refused, h.contact_id, h.role," \
	" h.key, h.key_id, h.digest, h.mac, p.salt, p.payload FROM history h" \
	" LEFT JOIN history_payloads p ON p.history_id = h.id "

static void read_entry(struct stmt *s, struct arena *a, struct history *out) {
	*out = (struct history){
	        .id = stmt_int(s, 0),
	        .instance_id = stmt_int(s, 1),
	        .seq = stmt_int(s, 2),
	        .at = stmt_int(s, 3),
	        .kind = stmt_text(s, 4, a),
	        .event = stmt_text(s, 5, a),
	        .from = stmt_text(s, 6, a),
	        .to = stmt_text(s, 7, a),
	        .refused = stmt_int(s, 8) != 0,
	        .contact_id = stmt_int(s, 9),
	        .role = stmt_text(s, 10, a),
	        .key_id = stmt_int(s, 12),
	        .payload = stmt_text(s, 16, a),
	        .erased = stmt_is_null(s, 15) && stmt_is_null(s, 16),
	};
	stmt_bytes(s, 11, out->key, sizeof out->key);
	stmt_bytes(s, 13, out->digest, sizeof out->digest);
	stmt_bytes(s, 14, out->mac, sizeof out->mac);
	stmt_bytes(s, 15, out->salt, sizeof out->salt);
}

static struct str bytes(const unsigned char *at, size_t len) {
	return (struct str){(const char *)at, len};
}

static void make_digest(const struct history *h, unsigned char out[SECRET_HASH]) {
	struct str parts[] = {bytes(h->salt, sizeof h->salt), h->payload};
	secret_hash(out, parts, 2);
}

enum { NUMBERS = 11 };

/* The numbers, and the lengths of the texts that follow them, as 8 bytes each, lowest first: no two entries
 * have the same canonical form. */
static void pack_numbers(const struct history *h, unsigned char out[NUMBERS * 8]) {
	const int64_t numbers[NUMBERS] = {
	        h->instance_id, h->seq, h->at, h->refused, h->contact_id, h->key_id, (int64_t)h->kind.len,
	        (int64_t)h->event.len, (int64_t)h->from.len, (int64_t)h->to.len, (int64_t)h->role.len,
	};
	for (size_t i = 0; i < (size_t)NUMBERS * 8; i++)
		out[i] = (unsigned char)((uint64_t)numbers[i / 8] >> (i % 8 * 8));
}

static bool make_mac(const struct keyring *keys, const struct history *h, const unsigned char previous[SECRET_HASH],
                     unsigned char out[SECRET_HASH]) {
	unsigned char numbers[NUMBERS * 8];
	pack_numbers(h, numbers);
	struct str parts[] = {
	        bytes(previous, SECRET_HASH), bytes(numbers, sizeof numbers), h->kind, h->event, h->from, h->to, h->role,
	        bytes(h->key, sizeof h->key), bytes(h->digest, sizeof h->digest),
	};
	return secret_mac(keys, h->key_id, "history", parts, sizeof parts / sizeof *parts, out);
}

/* All zero before the first entry. */
static bool previous_mac(struct db *db, const struct history *h, unsigned char out[SECRET_HASH], struct err *err) {
	memset(out, 0, SECRET_HASH);
	if (h->seq == 1)
		return true;
	struct stmt *s = db_query(db, "SELECT mac FROM history WHERE instance_id = ? AND seq = ?");
	bind_int(s, h->instance_id);
	bind_int(s, h->seq - 1);
	enum db_step step = stmt_step(s, err);
	bool found = step == DB_ROW && stmt_bytes(s, 0, out, SECRET_HASH);
	stmt_end(s);
	if (step == DB_FAIL)
		return false;
	return found || err_set(err, ERR_PERMANENT, "store.broken", "instance %lld has no history entry %lld",
	                        (long long)h->instance_id, (long long)(h->seq - 1));
}

static bool is_zero(const unsigned char *at, size_t len) {
	unsigned char any = 0;
	for (size_t i = 0; i < len; i++)
		any |= at[i];
	return any == 0;
}

static bool insert_entry(struct db *db, const struct history *h, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO history (instance_id, seq, at, kind, event, from_state, to_state, refused, contact_id,"
	                              " role, key, key_id, digest, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	bind_int(s, h->instance_id);
	bind_int(s, h->seq);
	bind_int(s, h->at);
	bind_text(s, h->kind);
	bind_text(s, h->event);
	bind_text(s, h->from);
	bind_text(s, h->to);
	bind_int(s, h->refused);
	bind_int_or_null(s, h->contact_id, h->contact_id != 0);
	bind_text(s, h->role);
	if (is_zero(h->key, sizeof h->key))
		bind_null(s);
	else
		bind_blob(s, h->key, sizeof h->key);
	bind_int(s, h->key_id);
	bind_blob(s, h->digest, sizeof h->digest);
	bind_blob(s, h->mac, sizeof h->mac);
	return stmt_run(s, NULL, err);
}

static bool insert_payload(struct db *db, const struct history *h, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO history_payloads (history_id, salt, payload) VALUES (?, ?, ?)");
	bind_int(s, h->id);
	bind_blob(s, h->salt, sizeof h->salt);
	bind_text(s, h->payload);
	return stmt_run(s, NULL, err);
}

/* The entry goes in before its payload: a repeated key is refused before anything was written. */
bool history_append(struct tx *tx, const struct keyring *keys, struct history *entry, struct err *err) {
	struct db *db = tx_db(tx);
	unsigned char previous[SECRET_HASH];
	if (!previous_mac(db, entry, previous, err))
		return false;
	entry->key_id = keyring_current(keys);
	entry->erased = false;
	secret_random(entry->salt, sizeof entry->salt);
	make_digest(entry, entry->digest);
	BUG_IF(!make_mac(keys, entry, previous, entry->mac));
	if (!insert_entry(db, entry, err))
		return false;
	entry->id = db_last_id(db);
	return insert_payload(db, entry, err);
}

bool history_list(struct view *v, int64_t instance_id, struct arena *a, struct history_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), ENTRY "WHERE h.instance_id = ? ORDER BY h.seq");
	bind_int(s, instance_id);
	enum db_step step;
	*out = (struct history_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_entry(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

static bool end_entry(struct stmt *s, struct arena *a, struct history *out, struct err *err) {
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		read_entry(s, a, out);
	stmt_end(s);
	return row_found(step, "history entry", err);
}

bool history_load(struct view *v, int64_t id, struct arena *a, struct history *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), ENTRY "WHERE h.id = ?");
	bind_int(s, id);
	return end_entry(s, a, out, err);
}

bool history_by_key(struct view *v, const unsigned char key[SECRET_HASH], struct arena *a, struct history *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), ENTRY "WHERE h.key = ?");
	bind_blob(s, key, SECRET_HASH);
	return end_entry(s, a, out, err);
}

bool history_state(struct view *v, int64_t instance_id, int64_t seq, struct arena *a, struct str *state, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT to_state FROM history WHERE instance_id = ? AND seq <= ? AND to_state <> '' ORDER BY seq DESC LIMIT 1");
	bind_int(s, instance_id);
	bind_int(s, seq);
	enum db_step step = stmt_step(s, err);
	*state = step == DB_ROW ? stmt_text(s, 0, a) : STR("");
	stmt_end(s);
	return step != DB_FAIL;
}

bool history_newest(struct view *v, int64_t *id, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT max(id) FROM history");
	enum db_step step = stmt_step(s, err);
	*id = step == DB_ROW ? stmt_int(s, 0) : 0;
	stmt_end(s);
	return step == DB_ROW;
}

bool history_acted(struct view *v, int64_t instance_id, int64_t contact_id, bool *acted, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT EXISTS (SELECT 1 FROM history WHERE instance_id = ? AND contact_id = ? AND refused = 0)");
	bind_int(s, instance_id);
	bind_int(s, contact_id);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*acted = stmt_int(s, 0) != 0;
	stmt_end(s);
	return step == DB_ROW;
}

static const char *entry_fault(const struct keyring *keys, const struct history *h, int64_t seq, int64_t instance_id,
                               const unsigned char previous[SECRET_HASH]) {
	unsigned char digest[SECRET_HASH], mac[SECRET_HASH];
	if (h->seq != seq)
		return "is missing";
	if (h->instance_id != instance_id)
		return "belongs to another instance";
	if (!h->erased) {
		make_digest(h, digest);
		if (!secret_equal(digest, h->digest, sizeof digest))
			return "has a payload that was changed";
	}
	if (!make_mac(keys, h, previous, mac))
		return "was written with an unknown key";
	return secret_equal(mac, h->mac, sizeof mac) ? NULL : "was changed, or one before it";
}

bool history_verify(const struct keyring *keys, const struct history_list *entries, struct err *err) {
	unsigned char previous[SECRET_HASH] = {0};
	for (size_t i = 0; i < entries->count; i++) {
		const struct history *h = &entries->items[i];
		int64_t seq = (int64_t)i + 1;
		const char *fault = entry_fault(keys, h, seq, entries->items[0].instance_id, previous);
		if (fault)
			return err_set(err, ERR_PERMANENT, "store.broken", "history entry %lld %s", (long long)seq, fault);
		memcpy(previous, h->mac, sizeof previous);
	}
	return true;
}
