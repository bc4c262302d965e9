#include "engine/store/children.h"

#include "engine/store/handle.h"

#define ASKED "CASE ?6 WHEN '' THEN ended_at IS NULL ELSE instr(?6, ' ' || state || ' ') > 0 END"

/* The table, or what it was: [{"id":1,"version":2,"state":"a","ended_at":null,"data":{...}}]. */
#define NOW "FROM instances WHERE parent_id = ?4 AND workflow = ?5"
#define THEN \
	"FROM (SELECT json_extract(value, '$.id') AS id, json_extract(value, '$.version') AS version, json_extract(value, '$.state') AS state," \
	" json_extract(value, '$.ended_at') AS ended_at, json_extract(value, '$.data') AS data FROM json_each(?14)) WHERE ?4 <> 0 AND ?5 <> ''"
#define IN_ORDER(from) \
	"SELECT id, version, coalesce(json_extract(data, ?), ''), coalesce(json_extract(data, ?), 0), coalesce(json_extract(data, ?), '')," \
	" NOT (" ASKED ") " from " AND (" ASKED " OR instr(?13, ' ' || state || ' ') > 0)" \
	" AND coalesce(json_extract(data, ?7), 0) = 0" \
	" ORDER BY json_extract(data, ?8) NULLS LAST, json_extract(data, ?9) NULLS LAST, json_extract(data, ?10) NULLS LAST," \
	" json_extract(data, ?11) NULLS LAST, json_extract(data, ?12) NULLS LAST, id"

/* A path that is NULL reads NULL. */
static void bind_path(struct stmt *s, struct str field, struct arena *a) {
	bind_text_or_null(s, field.len > 0 ? arena_printf(a, "$.%.*s", STR_ARG(field)) : field);
}

bool children_in_order(struct view *v, const struct child_query *query, struct arena *a, struct child_list *out, struct err *err) {
	struct stmt *s = query->then.len > 0 ? db_query(view_db(v), IN_ORDER(THEN)) : db_query(view_db(v), IN_ORDER(NOW));
	enum db_step step;
	bind_path(s, query->group, a);
	bind_path(s, query->number, a);
	bind_path(s, query->end, a);
	bind_int(s, query->parent_id);
	bind_text(s, query->workflow);
	bind_text(s, query->states);
	bind_path(s, query->except, a);
	for (size_t i = 0; i < CHILDREN_ORDER; i++)
		bind_path(s, query->order[i], a);
	bind_text(s, query->among);
	if (query->then.len > 0)
		bind_text(s, query->then);
	*out = (struct child_list){0};
	while ((step = stmt_step(s, err)) == DB_ROW) {
		struct child_row *row = ARENA_PUSH(a, out);
		*row = (struct child_row){.id = stmt_int(s, 0), .version = stmt_int(s, 1), .group = stmt_text(s, 2, a), .number = stmt_int(s, 3), .end = stmt_text(s, 4, a), .beside = stmt_int(s, 5)};
	}
	stmt_end(s);
	return step == DB_DONE;
}

bool children_highest(struct view *v, const struct child_query *query, struct arena *a, int64_t *number, struct err *err) {
	bool then = query->then.len > 0;
	struct stmt *s = then ? db_query(view_db(v), "SELECT coalesce(max(json_extract(json_extract(value, '$.data'), ?)), 0) FROM json_each(?)")
	                      : db_query(view_db(v), "SELECT coalesce(max(json_extract(data, ?)), 0) FROM instances WHERE parent_id = ? AND workflow = ?");
	bind_path(s, query->number, a);
	if (then) {
		bind_text(s, query->then);
	} else {
		bind_int(s, query->parent_id);
		bind_text(s, query->workflow);
	}
	enum db_step step = stmt_step(s, err);
	*number = step == DB_ROW ? stmt_int(s, 0) : 0;
	stmt_end(s);
	return step == DB_ROW;
}

bool children_states(struct view *v, int64_t parent_id, struct str workflow, struct arena *a, struct child_states *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT id, version, workflow, state, ended_at IS NOT NULL FROM instances WHERE parent_id = ?1 AND ?2 IN ('', workflow) ORDER BY id");
	enum db_step step;
	bind_int(s, parent_id);
	bind_text(s, workflow);
	*out = (struct child_states){0};
	while ((step = stmt_step(s, err)) == DB_ROW) {
		struct child_state *child = ARENA_PUSH(a, out);
		*child = (struct child_state){.id = stmt_int(s, 0), .version = stmt_int(s, 1), .workflow = stmt_text(s, 2, a), .state = stmt_text(s, 3, a), .ended = stmt_int(s, 4)};
	}
	stmt_end(s);
	return step == DB_DONE;
}

bool children_spans(struct view *v, int64_t parent_id, struct arena *a, struct child_spans *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT i.id, coalesce((SELECT h.id FROM history h WHERE h.instance_id = i.id AND h.seq = 1), 0),"
	                                      " coalesce((SELECT h.id FROM history h WHERE h.instance_id = i.id AND h.to_state <> '' ORDER BY h.seq DESC LIMIT 1), 0),"
	                                      " i.workflow, i.ended_at IS NOT NULL FROM instances i WHERE i.parent_id = ? ORDER BY i.id");
	enum db_step step;
	bind_int(s, parent_id);
	*out = (struct child_spans){0};
	while ((step = stmt_step(s, err)) == DB_ROW) {
		struct child_span *span = ARENA_PUSH(a, out);
		*span = (struct child_span){.id = stmt_int(s, 0), .first_id = stmt_int(s, 1), .moved_id = stmt_int(s, 2), .workflow = stmt_text(s, 3, a), .ended = stmt_int(s, 4) != 0};
	}
	stmt_end(s);
	return step == DB_DONE;
}
