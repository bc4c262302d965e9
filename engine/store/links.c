#include "engine/store/links.h"

#include "engine/base/log.h"
#include "engine/store/handle.h"

enum { STATES = LINK_SUPERSEDED + 1, KINDS = LINK_START + 1 };

static const char *const state_names[STATES] = {"live", "used", "withdrawn", "superseded"};
static const char *const kind_names[KINDS] = {"task", "view", "start"};

#define TO(state) (1u << (state))

static const unsigned allowed[STATES] = {
        [LINK_LIVE] = TO(LINK_USED) | TO(LINK_WITHDRAWN) | TO(LINK_SUPERSEDED),
};

#define LINK \
	"SELECT id, key_id, kind, state, workflow, task, instance_id, contact_id, role, created_at, expires_at, used_at," \
	" history_id, from_id FROM links "

static unsigned name_index(struct str name, const char *const *names, unsigned count) {
	unsigned i = 0;
	while (i + 1 < count && !str_is(name, names[i]))
		i++;
	return i; /* the schema knows no other names */
}

static void read_link(struct stmt *s, struct arena *a, struct link *out) {
	*out = (struct link){
	        .key_id = stmt_int(s, 1),
	        .kind = (enum link_kind)name_index(stmt_text(s, 2, a), kind_names, KINDS),
	        .state = (enum link_state)name_index(stmt_text(s, 3, a), state_names, STATES),
	        .workflow = stmt_text(s, 4, a),
	        .task = stmt_text(s, 5, a),
	        .instance_id = stmt_int(s, 6),
	        .contact_id = stmt_int(s, 7),
	        .role = stmt_text(s, 8, a),
	        .created_at = stmt_int(s, 9),
	        .expires_at = stmt_int(s, 10),
	        .used_at = stmt_int(s, 11),
	        .history_id = stmt_int(s, 12),
	        .from_id = stmt_int(s, 13),
	};
	stmt_bytes(s, 0, out->id, sizeof out->id);
}

static void bind_id(struct stmt *s, int64_t id) {
	bind_int_or_null(s, id, id != 0);
}

bool link_insert(struct tx *tx, const struct link *link, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO links (id, key_id, kind, state, workflow, task, instance_id, contact_id, role,"
	                                     " created_at, expires_at, from_id) VALUES (?, ?, ?, 'live', ?, ?, ?, ?, ?, ?, ?, ?)");
	BUG_IF(link->state != LINK_LIVE);
	bind_blob(s, link->id, sizeof link->id);
	bind_int(s, link->key_id);
	bind_text(s, str_from(kind_names[link->kind]));
	bind_text(s, link->workflow);
	bind_text(s, link->task);
	bind_id(s, link->instance_id);
	bind_id(s, link->contact_id);
	bind_text(s, link->role);
	bind_int(s, link->created_at);
	bind_id(s, link->expires_at);
	bind_id(s, link->from_id);
	return stmt_run(s, NULL, err);
}

bool link_load(struct view *v, const unsigned char id[SECRET_ID], struct arena *a, struct link *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), LINK "WHERE id = ?");
	bind_blob(s, id, SECRET_ID);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		read_link(s, a, out);
	stmt_end(s);
	return row_found(step, "link", err);
}

bool link_find(struct view *v, int64_t instance_id, int64_t contact_id, struct str role, struct str task, struct arena *a, struct link *out, bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), LINK "WHERE instance_id = ? AND contact_id = ? AND task = ? AND state = 'live' AND role = ?"
	                                           " ORDER BY number DESC LIMIT 1");
	bind_int(s, instance_id);
	bind_int(s, contact_id);
	bind_text(s, task);
	bind_text(s, role);
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found)
		read_link(s, a, out);
	stmt_end(s);
	return step != DB_FAIL;
}

/* A move as it will stand in the row; 0 leaves a column as it is. */
struct move {
	enum link_state to;
	int64_t instance_id, history_id, at;
};

/* The only place where a link's state changes. The row is told by its number; false with CONFLICT when another
 * one was faster or the table does not list the move. */
static bool link_move(struct db *db, int64_t number, enum link_state from, const struct move *m, struct err *err) {
	if (!(allowed[from] & TO(m->to)))
		return err_set(err, ERR_CONFLICT, "link.used", "a link may not go from %s to %s", state_names[from], state_names[m->to]);
	struct stmt *s = db_query(db, "UPDATE links SET state = ?, instance_id = coalesce(?, instance_id), history_id = ?, used_at = ?"
	                              " WHERE number = ? AND state = ?");
	bind_text(s, str_from(state_names[m->to]));
	bind_id(s, m->instance_id);
	bind_id(s, m->history_id);
	bind_id(s, m->at);
	bind_int(s, number);
	bind_text(s, str_from(state_names[from]));
	if (!row_changed(s, "link", err))
		return false;
	log_event(LOG_DEBUG, "link-moved", "number=%lld from=%s to=%s", (long long)number, state_names[from], state_names[m->to]);
	return true;
}

bool link_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct link_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), LINK "WHERE instance_id = ? ORDER BY created_at, id");
	enum db_step step;
	bind_int(s, instance_id);
	*out = (struct link_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_link(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

bool link_open_of_contact(struct view *v, int64_t contact_id, int64_t limit, struct arena *a, struct link_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), LINK "WHERE contact_id = ? AND state = 'live' AND kind = 'task' ORDER BY number DESC LIMIT ?");
	enum db_step step;
	bind_int(s, contact_id);
	bind_int(s, limit);
	*out = (struct link_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_link(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

bool link_use(struct tx *tx, const unsigned char id[SECRET_ID], int64_t instance_id, int64_t history_id, int64_t now, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "SELECT number, state, instance_id FROM links WHERE id = ?");
	bind_blob(s, id, SECRET_ID);
	enum db_step step = stmt_step(s, err);
	int64_t number = 0, own_instance = 0;
	enum link_state state = LINK_LIVE;
	struct arena *a = arena_new();
	if (step == DB_ROW) {
		number = stmt_int(s, 0);
		state = (enum link_state)name_index(stmt_text(s, 1, a), state_names, STATES);
		own_instance = stmt_int(s, 2);
	}
	stmt_end(s);
	arena_free(a);
	if (!row_found(step, "link", err))
		return false;
	if (own_instance && own_instance != instance_id)
		return err_set(err, ERR_CONFLICT, "link.used", "the link belongs to instance %lld", (long long)own_instance);
	return link_move(tx_db(tx), number, state, &(struct move){LINK_USED, instance_id, history_id, now}, err);
}

static enum db_step end_number(struct stmt *s, int64_t *number, struct err *err) {
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*number = stmt_int(s, 0);
	stmt_end(s);
	return step;
}

static enum db_step next_of_task(struct db *db, int64_t instance_id, struct str task, int64_t *number, struct err *err) {
	struct stmt *s = db_query(db, "SELECT number FROM links WHERE instance_id = ? AND state = 'live' AND kind = 'task' AND task = ? LIMIT 1");
	bind_int(s, instance_id);
	bind_text(s, task);
	return end_number(s, number, err);
}

bool link_close_task(struct tx *tx, int64_t instance_id, struct str task, int64_t history_id, int64_t now, struct err *err) {
	int64_t number;
	enum db_step step;
	while ((step = next_of_task(tx_db(tx), instance_id, task, &number, err)) == DB_ROW)
		if (!link_move(tx_db(tx), number, LINK_LIVE, &(struct move){LINK_USED, 0, history_id, now}, err))
			return false;
	return step == DB_DONE;
}

static enum db_step next_task(struct db *db, int64_t instance_id, int64_t *number, struct err *err) {
	struct stmt *s = db_query(db, "SELECT number FROM links WHERE instance_id = ? AND state = 'live' AND kind = 'task' LIMIT 1");
	bind_int(s, instance_id);
	return end_number(s, number, err);
}

bool link_withdraw_tasks(struct tx *tx, int64_t instance_id, struct err *err) {
	int64_t number;
	enum db_step step;
	while ((step = next_task(tx_db(tx), instance_id, &number, err)) == DB_ROW)
		if (!link_move(tx_db(tx), number, LINK_LIVE, &(struct move){.to = LINK_WITHDRAWN}, err))
			return false;
	return step == DB_DONE;
}

static enum db_step next_same(struct db *db, const struct link *like, int64_t *number, struct err *err) {
	struct stmt *s = db_query(db, "SELECT number FROM links WHERE instance_id = ? AND contact_id = ? AND task = ? AND state = 'live' AND role = ? LIMIT 1");
	bind_int(s, like->instance_id);
	bind_int(s, like->contact_id);
	bind_text(s, like->task);
	bind_text(s, like->role);
	return end_number(s, number, err);
}

bool link_supersede(struct tx *tx, int64_t instance_id, int64_t contact_id, struct str role, struct str task, int64_t now, struct err *err) {
	struct link like = {.instance_id = instance_id, .contact_id = contact_id, .role = role, .task = task};
	int64_t number;
	enum db_step step;
	while ((step = next_same(tx_db(tx), &like, &number, err)) == DB_ROW)
		if (!link_move(tx_db(tx), number, LINK_LIVE, &(struct move){.to = LINK_SUPERSEDED, .at = now}, err))
			return false;
	return step == DB_DONE;
}

static enum db_step next_of_contact(struct db *db, int64_t instance_id, struct str role, int64_t contact_id, int64_t *number, struct err *err) {
	struct stmt *s = db_query(db, "SELECT number FROM links WHERE instance_id = ? AND contact_id = ? AND state = 'live' AND role = ? LIMIT 1");
	bind_int(s, instance_id);
	bind_int(s, contact_id);
	bind_text(s, role);
	return end_number(s, number, err);
}

bool link_withdraw_contact(struct tx *tx, int64_t instance_id, struct str role, int64_t contact_id, struct err *err) {
	int64_t number;
	enum db_step step;
	while ((step = next_of_contact(tx_db(tx), instance_id, role, contact_id, &number, err)) == DB_ROW)
		if (!link_move(tx_db(tx), number, LINK_LIVE, &(struct move){.to = LINK_WITHDRAWN}, err))
			return false;
	return step == DB_DONE;
}
