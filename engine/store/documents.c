#include "engine/store/documents.h"

#include "engine/base/log.h"
#include "engine/store/handle.h"

#include <stdio.h>

enum { STATES = DOCUMENT_FAILED + 1 };
static const char *const names[STATES] = {"waiting", "drawing", "ready", "failed"};

#define TO(state) (1u << (state))

/* The diagram of the header as a table. */
static const unsigned allowed[STATES] = {
        [DOCUMENT_WAITING] = TO(DOCUMENT_DRAWING) | TO(DOCUMENT_FAILED),
        [DOCUMENT_DRAWING] = TO(DOCUMENT_WAITING) | TO(DOCUMENT_READY) | TO(DOCUMENT_FAILED),
        [DOCUMENT_FAILED] = TO(DOCUMENT_WAITING),
};

const char *document_state_name(enum document_state state) {
	BUG_IF((unsigned)state >= STATES);
	return names[state];
}

bool document_role_sees(const struct document *d, struct str role) {
	struct str rest = d->roles;
	if (rest.len == 0)
		return true;
	while (rest.len > 0)
		if (str_equal(str_cut(&rest, '\x1f'), role) && role.len > 0)
			return true;
	return false;
}

void document_digest(const struct document *d, const struct document_sheet *sheet, unsigned char out[SECRET_HASH]) {
	char numbers[100];
	snprintf(numbers, sizeof numbers, "%lld %lld %lld %lld", (long long)d->instance_id, (long long)d->version, (long long)d->addendum, (long long)d->at);
	struct str parts[] = {
	        str_from(numbers), d->name, {(const char *)d->template_hash, sizeof d->template_hash}, d->roles, d->language, d->title, d->file,
	        sheet->markdown, sheet->site, sheet->reference, sheet->date, sheet->pages, sheet->colour, sheet->logo,
	};
	secret_hash(out, parts, sizeof parts / sizeof *parts);
}

bool document_seal(const struct keyring *keys, int64_t key_id, const unsigned char digest[SECRET_HASH], struct str pdf, unsigned char out[SECRET_HASH]) {
	struct str parts[] = {{(const char *)digest, SECRET_HASH}, pdf};
	return secret_mac(keys, key_id, "document", parts, 2, out);
}

/* --- writing --- */

static bool keep_logo(struct db *db, struct str logo, unsigned char hash[SECRET_HASH], struct err *err) {
	secret_hash(hash, &logo, 1);
	struct stmt *s = db_query(db, "INSERT INTO document_logos (hash, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING");
	bind_blob(s, hash, SECRET_HASH);
	bind_blob(s, logo.at, logo.len);
	return stmt_run(s, NULL, err);
}

static bool insert(struct db *db, const struct document *d, const struct document_sheet *sheet, const unsigned char *logo, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO documents (instance_id, history_id, at, name, version, addendum, roles, language, title, file, template_hash,"
	                              " digest, state, next_at, answer, markdown, site, reference, day, pages, colour, logo)"
	                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	bind_int(s, d->instance_id);
	bind_int(s, d->history_id);
	bind_int(s, d->at);
	bind_text(s, d->name);
	bind_int(s, d->version);
	bind_int(s, d->addendum);
	bind_text(s, d->roles);
	bind_text(s, d->language);
	bind_text(s, d->title);
	bind_text(s, d->file);
	bind_blob(s, d->template_hash, SECRET_HASH);
	bind_blob(s, d->digest, SECRET_HASH);
	bind_text(s, str_from(names[d->state]));
	bind_int(s, d->at);
	bind_text(s, d->answer);
	bind_text(s, sheet->markdown);
	bind_text(s, sheet->site);
	bind_text(s, sheet->reference);
	bind_text(s, sheet->date);
	bind_text(s, sheet->pages);
	bind_text(s, sheet->colour);
	if (logo)
		bind_blob(s, logo, SECRET_HASH);
	else
		bind_null(s);
	return stmt_run(s, NULL, err);
}

bool document_put(struct tx *tx, struct document *d, const struct document_sheet *sheet, struct err *err) {
	unsigned char logo[SECRET_HASH];
	d->state = d->answer.len > 0 ? DOCUMENT_FAILED : DOCUMENT_WAITING;
	if ((sheet->logo.len > 0 && !keep_logo(tx_db(tx), sheet->logo, logo, err)) || !insert(tx_db(tx), d, sheet, sheet->logo.len > 0 ? logo : NULL, err))
		return false;
	d->id = db_last_id(tx_db(tx));
	return true;
}

/* --- reading --- */

#define ROW \
	"SELECT d.id, d.instance_id, d.history_id, d.at, d.name, d.version, d.addendum, d.roles, d.language, d.title, d.file, d.template_hash, d.digest," \
	" d.state, d.next_at, d.tries, d.answer, d.blob_id, b.size, d.key_id, d.seal FROM documents d LEFT JOIN blobs b ON b.id = d.blob_id "

static enum document_state state_of(struct stmt *s, int column, struct arena *a) {
	struct str name = stmt_text(s, column, a);
	unsigned state = 0;
	while (state < DOCUMENT_FAILED && !str_is(name, names[state]))
		state++;
	return (enum document_state)state;
}

static void read_row(struct stmt *s, struct arena *a, struct document *out) {
	*out = (struct document){
	        .id = stmt_int(s, 0),
	        .instance_id = stmt_int(s, 1),
	        .history_id = stmt_int(s, 2),
	        .at = stmt_int(s, 3),
	        .name = stmt_text(s, 4, a),
	        .version = stmt_int(s, 5),
	        .addendum = stmt_int(s, 6),
	        .roles = stmt_text(s, 7, a),
	        .language = stmt_text(s, 8, a),
	        .title = stmt_text(s, 9, a),
	        .file = stmt_text(s, 10, a),
	        .state = state_of(s, 13, a),
	        .next_at = stmt_int(s, 14),
	        .tries = stmt_int(s, 15),
	        .answer = stmt_text(s, 16, a),
	        .blob_id = stmt_int(s, 17),
	        .size = stmt_int(s, 18),
	        .key_id = stmt_int(s, 19),
	};
	stmt_bytes(s, 11, out->template_hash, SECRET_HASH);
	stmt_bytes(s, 12, out->digest, SECRET_HASH);
	stmt_bytes(s, 20, out->seal, SECRET_HASH);
}

static enum db_step end_row(struct stmt *s, struct arena *a, struct document *out, struct err *err) {
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		read_row(s, a, out);
	stmt_end(s);
	return step;
}

static bool end_rows(struct stmt *s, struct arena *a, struct document_list *out, struct err *err) {
	enum db_step step;
	*out = (struct document_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_row(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

bool document_newest(struct view *v, int64_t instance_id, struct str name, int64_t *version, int64_t *addenda, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT version, addendum FROM documents WHERE instance_id = ? AND name = ? ORDER BY version DESC, addendum DESC LIMIT 1");
	bind_int(s, instance_id);
	bind_text(s, name);
	enum db_step step = stmt_step(s, err);
	*version = step == DB_ROW ? stmt_int(s, 0) : 0;
	*addenda = step == DB_ROW ? stmt_int(s, 1) : 0;
	stmt_end(s);
	return step != DB_FAIL;
}

bool document_load(struct view *v, int64_t id, struct arena *a, struct document *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), ROW "WHERE d.id = ?");
	bind_int(s, id);
	return row_found(end_row(s, a, out, err), "document", err);
}

bool document_sheet_load(struct view *v, int64_t id, struct arena *a, struct document_sheet *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT d.markdown, d.site, d.reference, d.day, d.pages, d.colour, l.bytes FROM documents d"
	                                      " LEFT JOIN document_logos l ON l.hash = d.logo WHERE d.id = ?");
	bind_int(s, id);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*out = (struct document_sheet){stmt_text(s, 0, a), stmt_text(s, 1, a), stmt_text(s, 2, a), stmt_text(s, 3, a),
		                               stmt_text(s, 4, a), stmt_text(s, 5, a), stmt_is_null(s, 6) ? STR("") : stmt_blob(s, 6, a)};
	stmt_end(s);
	return row_found(step, "document", err);
}

bool document_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct document_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), ROW "WHERE d.instance_id = ? ORDER BY d.id");
	bind_int(s, instance_id);
	return end_rows(s, a, out, err);
}

bool document_rows(struct view *v, unsigned states, int64_t after, int64_t limit, struct arena *a, struct document_list *out, struct err *err) {
	/* Nearly all are ready; the others have an index of their own. */
	struct stmt *s = states & TO(DOCUMENT_READY)
	                         ? db_query(view_db(v), ROW "WHERE d.state IN (?, ?, ?, ?) AND d.id > ? ORDER BY d.id LIMIT ?")
	                         : db_query(view_db(v), ROW "WHERE d.state <> 'ready' AND d.state IN (?, ?, ?, ?) AND d.id > ? ORDER BY d.id LIMIT ?");
	for (unsigned state = 0; state < STATES; state++)
		bind_text(s, str_from(states & TO(state) ? names[state] : ""));
	bind_int(s, after);
	bind_int(s, limit);
	return end_rows(s, a, out, err);
}

bool document_next(struct view *v, int64_t *next_at, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT next_at FROM documents WHERE state = 'waiting' ORDER BY next_at LIMIT 1");
	enum db_step step = stmt_step(s, err);
	*next_at = step == DB_ROW ? stmt_int(s, 0) : INT64_MAX;
	stmt_end(s);
	return step != DB_FAIL;
}

/* --- moving --- */

/* The only place where a row's state changes. */
static bool move(struct db *db, const struct document *was, const struct document *is, struct err *err) {
	if (!(allowed[was->state] & TO(is->state)))
		return err_set(err, ERR_CONFLICT, "store.conflict", "document %lld may not go from %s to %s", (long long)was->id, names[was->state], names[is->state]);
	struct stmt *s = db_query(db, "UPDATE documents SET state = ?, next_at = ?, tries = ?, answer = ?, blob_id = ?, key_id = ?, seal = ?"
	                              " WHERE id = ? AND state = ? AND tries = ?");
	bool ready = is->state == DOCUMENT_READY;
	bind_text(s, str_from(names[is->state]));
	bind_int(s, is->next_at);
	bind_int(s, is->tries);
	bind_text(s, is->answer);
	bind_int_or_null(s, is->blob_id, ready);
	bind_int_or_null(s, is->key_id, ready);
	if (ready)
		bind_blob(s, is->seal, SECRET_HASH);
	else
		bind_null(s);
	bind_int(s, was->id);
	bind_text(s, str_from(names[was->state]));
	bind_int(s, was->tries);
	if (!row_changed(s, "document", err))
		return false;
	log_event(LOG_DEBUG, "document-moved", "id=%lld from=%s to=%s tries=%lld", (long long)was->id, names[was->state], names[is->state], (long long)is->tries);
	return true;
}

bool document_take(struct tx *tx, int64_t now, struct arena *a, struct document *out, bool *found, struct err *err) {
	struct document was;
	struct stmt *s = db_query(tx_db(tx), ROW "WHERE d.state = 'waiting' AND d.next_at <= ? ORDER BY d.next_at, d.id LIMIT 1");
	bind_int(s, now);
	enum db_step step = end_row(s, a, &was, err);
	*found = step == DB_ROW;
	if (step != DB_ROW)
		return step == DB_DONE;
	*out = was;
	out->state = DOCUMENT_DRAWING;
	out->tries++;
	return move(tx_db(tx), &was, out, err);
}

bool document_ready(struct tx *tx, const struct document *d, struct err *err) {
	struct document was = *d, is = *d;
	was.state = DOCUMENT_DRAWING;
	is.state = DOCUMENT_READY;
	is.answer = STR("");
	return move(tx_db(tx), &was, &is, err);
}

bool document_settle(struct tx *tx, const struct document *d, enum document_state state, int64_t next_at, struct str answer, struct err *err) {
	struct document was = *d, is = *d;
	was.state = DOCUMENT_DRAWING;
	is.state = state;
	is.next_at = next_at;
	is.answer = answer;
	return move(tx_db(tx), &was, &is, err);
}

bool document_reclaim(struct tx *tx, int64_t now, int64_t *failed, struct err *err) {
	struct arena *a = arena_new();
	struct document_list list;
	bool ok = document_rows(tx_view(tx), TO(DOCUMENT_DRAWING), 0, INT64_MAX, a, &list, err);
	*failed = 0;
	for (size_t i = 0; ok && i < list.count; i++) {
		struct document is = list.items[i];
		is.state = is.tries >= DOCUMENT_TRIES ? DOCUMENT_FAILED : DOCUMENT_WAITING;
		is.next_at = now;
		is.answer = STR("the process ended while it was drawn");
		*failed += is.state == DOCUMENT_FAILED;
		ok = move(tx_db(tx), &list.items[i], &is, err);
	}
	arena_free(a);
	return ok;
}

bool document_retry(struct tx *tx, int64_t id, int64_t now, struct err *err) {
	struct arena *a = arena_new();
	struct document was;
	bool ok = document_load(tx_view(tx), id, a, &was, err);
	struct document is = was;
	is.state = DOCUMENT_WAITING;
	is.tries = 0;
	is.next_at = now;
	is.answer = STR("");
	if (ok && was.state != DOCUMENT_FAILED)
		ok = err_set(err, ERR_CONFLICT, "store.conflict", "document %lld is %s", (long long)id, names[was.state]);
	if (ok && was.tries == 0)
		ok = err_set(err, ERR_CONFLICT, "store.conflict", "document %lld has nothing that could be drawn: %.*s", (long long)id, STR_ARG(was.answer));
	ok = ok && move(tx_db(tx), &was, &is, err);
	arena_free(a);
	return ok;
}
