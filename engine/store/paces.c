#include "engine/store/paces.h"

#include "engine/store/handle.h"

#define PACE "SELECT name, open_at, free_at, interval_ms, strikes, answer FROM paces "

static void read_pace(struct stmt *s, struct arena *a, struct pace *out) {
	*out = (struct pace){
	        .name = stmt_text(s, 0, a),
	        .open_at = stmt_int(s, 1),
	        .free_at = stmt_int(s, 2),
	        .interval_ms = stmt_int(s, 3),
	        .strikes = stmt_int(s, 4),
	        .answer = stmt_text(s, 5, a),
	};
}

bool pace_load(struct view *v, struct str name, struct arena *a, struct pace *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), PACE "WHERE name = ?");
	bind_text(s, name);
	*out = (struct pace){.name = name};
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		read_pace(s, a, out);
	stmt_end(s);
	return step != DB_FAIL;
}

bool pace_save(struct tx *tx, const struct pace *pace, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO paces (name, open_at, free_at, interval_ms, strikes, answer) VALUES (?, ?, ?, ?, ?, ?)"
	                                     " ON CONFLICT (name) DO UPDATE SET open_at = excluded.open_at, free_at = excluded.free_at,"
	                                     " interval_ms = excluded.interval_ms, strikes = excluded.strikes, answer = excluded.answer");
	bind_text(s, pace->name);
	bind_int(s, pace->open_at);
	bind_int(s, pace->free_at);
	bind_int(s, pace->interval_ms);
	bind_int(s, pace->strikes);
	bind_text(s, pace->answer);
	return stmt_run(s, NULL, err);
}

bool pace_list(struct view *v, struct arena *a, struct pace_list *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), PACE "ORDER BY name");
	enum db_step step;
	*out = (struct pace_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		read_pace(s, a, ARENA_PUSH(a, out));
	stmt_end(s);
	return step == DB_DONE;
}

bool pace_sweep(struct tx *tx, int64_t now, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "DELETE FROM paces WHERE strikes = 0 AND interval_ms = 0 AND open_at <= ? AND free_at <= ?");
	bind_int(s, now);
	bind_int(s, now);
	return stmt_run(s, NULL, err);
}
