#include "engine/store/lines.h"

#include "engine/store/outbox_sql.h"

/* The first row of that line with a higher number of priority than *priority, up to the lane's; the first of a priority is its earliest. */
static enum db_step next_head(struct db *db, struct outbox_lane lane, int64_t *priority, int64_t *next_at, struct err *err) {
	struct stmt *s = db_query(db, "SELECT priority, next_at FROM outbox WHERE " OUTBOX_LINE " AND priority > ? AND priority <= ?" OUTBOX_TAKEN
	                              " ORDER BY priority, next_at LIMIT 1");
	bind_line(s, lane);
	bind_int(s, *priority);
	bind_int(s, lane.most);
	bind_taken(s, lane);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW) {
		*priority = stmt_int(s, 0);
		*next_at = stmt_int(s, 1);
	}
	stmt_end(s);
	return step;
}

static bool read_head(struct db *db, struct outbox_lane lane, int64_t now, struct line *out, struct err *err) {
	int64_t priority = INT64_MIN, next_at;
	enum db_step step = DB_ROW;
	lane.line = out->name;
	out->next_at = INT64_MAX;
	while (!out->due && (step = next_head(db, lane, &priority, &next_at, err)) == DB_ROW) {
		out->due = next_at <= now;
		if (out->due || next_at < out->next_at) {
			out->priority = priority;
			out->next_at = next_at;
		}
	}
	return step != DB_FAIL;
}

static enum db_step next_line(struct db *db, struct outbox_lane lane, struct str after, struct arena *a, struct str *out, struct err *err) {
	struct stmt *s = db_query(db, "SELECT line FROM outbox WHERE state = 'queued' AND channel = ? AND line > ? ORDER BY line LIMIT 1");
	bind_int(s, lane.channel);
	bind_text(s, after);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW)
		*out = stmt_text(s, 0, a);
	stmt_end(s);
	return step;
}

bool line_list(struct view *v, struct outbox_lane lane, int64_t now, struct arena *a, struct line_list *out, struct err *err) {
	struct db *db = view_db(v);
	struct str name = STR("");
	enum db_step step = DB_ROW;
	*out = (struct line_list){0};
	do {
		struct line line = {.name = name};
		if (!read_head(db, lane, now, &line, err))
			return false;
		if (name.len == 0 || line.next_at < INT64_MAX)
			*(struct line *)ARENA_PUSH(a, out) = line;
	} while ((step = next_line(db, lane, name, a, &name, err)) == DB_ROW);
	return step == DB_DONE;
}

/* Priority by priority, as they are leased. */
bool line_first(struct view *v, struct outbox_lane lane, int64_t above, int64_t now, int64_t limit, struct arena *a, struct line_rows *out, struct err *err) {
	struct db *db = view_db(v);
	int64_t priority = above, next_at;
	enum db_step step = DB_ROW;
	lane.line = STR("");
	*out = (struct line_rows){0};
	while ((int64_t)out->count < limit && (step = next_head(db, lane, &priority, &next_at, err)) == DB_ROW) {
		struct stmt *s = db_query(db, "SELECT id, lower(substr(recipient, instr(recipient, '@') + 1)) FROM outbox WHERE " OUTBOX_LINE
		                              " AND priority = ? AND next_at <= ?" OUTBOX_TAKEN " ORDER BY next_at, id LIMIT ?");
		bind_line(s, lane);
		bind_int(s, priority);
		bind_int(s, now);
		bind_taken(s, lane);
		bind_int(s, limit - (int64_t)out->count);
		while ((step = stmt_step(s, err)) == DB_ROW)
			*(struct line_row *)ARENA_PUSH(a, out) = (struct line_row){stmt_int(s, 0), stmt_text(s, 1, a)};
		stmt_end(s);
		if (step == DB_FAIL)
			return false;
	}
	return step != DB_FAIL;
}

bool line_move(struct tx *tx, int64_t id, struct str line, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "UPDATE outbox SET line = ? WHERE id = ? AND state = 'queued'");
	bind_text(s, line);
	bind_int(s, id);
	return row_changed(s, "message", err);
}
