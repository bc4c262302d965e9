#include "engine/store/timers.h"

#include "engine/store/handle.h"

#define TIMER "SELECT id, instance_id, root_id, state, name, due_at, priority, \"order\", fired, set_at FROM timers "
#define FIRST "ORDER BY due_at, priority, \"order\", id LIMIT "

static void read_timer(struct stmt *s, struct arena *a, struct timer *out) {
	*out = (struct timer){
	        .id = stmt_int(s, 0),
	        .instance_id = stmt_int(s, 1),
	        .root_id = stmt_int(s, 2),
	        .state = stmt_text(s, 3, a),
	        .name = stmt_text(s, 4, a),
	        .due_at = stmt_int(s, 5),
	        .priority = stmt_int(s, 6),
	        .order = stmt_int(s, 7),
	        .fired = stmt_int(s, 8),
	        .set_at = stmt_int(s, 9),
	};
}

bool timer_set(struct tx *tx, const struct timer *timer, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO timers (instance_id, root_id, state, name, due_at, priority, \"order\", fired, set_at)"
	                                     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (instance_id, name) DO UPDATE SET"
	                                     " root_id = excluded.root_id, state = excluded.state, due_at = excluded.due_at,"
	                                     " priority = excluded.priority, \"order\" = excluded.\"order\", fired = excluded.fired, set_at = excluded.set_at");
	bind_int(s, timer->instance_id);
	bind_int(s, timer->root_id);
	bind_text(s, timer->state);
	bind_text(s, timer->name);
	bind_int(s, timer->due_at);
	bind_int(s, timer->priority);
	bind_int(s, timer->order);
	bind_int(s, timer->fired);
	bind_int(s, timer->set_at);
	return stmt_run(s, NULL, err);
}

bool timer_reorder(struct tx *tx, int64_t instance_id, struct str name, int64_t order, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE timers SET \"order\" = ? WHERE instance_id = ? AND name = ?");
	bind_int(s, order);
	bind_int(s, instance_id);
	bind_text(s, name);
	return stmt_run(s, NULL, err);
}

bool timer_cancel(struct tx *tx, int64_t instance_id, struct str name, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM timers WHERE instance_id = ? AND name = ?");
	bind_int(s, instance_id);
	bind_text(s, name);
	return stmt_run(s, NULL, err);
}

bool timer_cancel_all(struct tx *tx, int64_t instance_id, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM timers WHERE instance_id = ?");
	bind_int(s, instance_id);
	return stmt_run(s, NULL, err);
}

static bool end_list(struct stmt *s, struct arena *a, struct timer_list *out, struct err *err) {
	enum db_step step;
	*out = (struct timer_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_timer(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

bool timer_list(struct view *v, int64_t instance_id, struct arena *a, struct timer_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), TIMER "WHERE instance_id = ? ORDER BY name");
	bind_int(s, instance_id);
	return end_list(s, a, out, err);
}

bool timer_overdue_of_root(struct view *v, int64_t root_id, int64_t now, struct arena *a, struct timer *out, bool *found, struct err *err) {
	struct stmt *s = db_query(view_db(v), TIMER "WHERE root_id = ? AND due_at <= ? " FIRST "1");
	bind_int(s, root_id);
	bind_int(s, now);
	enum db_step step = stmt_step(s, err);
	*found = step == DB_ROW;
	if (*found)
		read_timer(s, a, out);
	stmt_end(s);
	return step != DB_FAIL;
}

bool timer_overdue(struct view *v, int64_t now, int64_t limit, struct arena *a, struct timer_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), TIMER "WHERE due_at <= ? " FIRST "?");
	bind_int(s, now);
	bind_int(s, limit);
	return end_list(s, a, out, err);
}

bool timer_next(struct view *v, int64_t *due_at, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT due_at FROM timers ORDER BY due_at LIMIT 1");
	enum db_step step = stmt_step(s, err);
	*due_at = step == DB_ROW ? stmt_int(s, 0) : INT64_MAX;
	stmt_end(s);
	return step != DB_FAIL;
}
