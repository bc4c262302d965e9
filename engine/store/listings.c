#include "engine/store/listings.h"

#include "engine/store/handle.h"

#include <stdlib.h>

/* Stands before, between and behind the values, and in none of them: "<mark>kind=big<mark>part=k1<mark>". */
#define MARK '\x1f'

static void add_without_marks(struct buf *out, struct str s) {
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] != MARK)
			buf_char(out, s.at[i]);
}

void listing_field(struct buf *fields, struct str name, struct str value) {
	if (fields->len == 0)
		buf_char(fields, MARK);
	buf_str(fields, name);
	buf_char(fields, '=');
	add_without_marks(fields, value);
	buf_char(fields, MARK);
}

bool listing_put(struct tx *tx, const struct listing *l, struct err *err) {
	struct stmt *s = db_query(tx_db(tx), "INSERT INTO listings (instance_id, workflow, state, started_at, changed_at, fields, search_text)"
	                                     " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (instance_id) DO UPDATE SET state = excluded.state,"
	                                     " changed_at = excluded.changed_at, fields = excluded.fields, search_text = excluded.search_text");
	bind_int(s, l->instance_id);
	bind_text(s, l->workflow);
	bind_text(s, l->state);
	bind_int(s, l->started_at);
	bind_int(s, l->changed_at);
	bind_text(s, l->fields);
	bind_text(s, l->search_text);
	return stmt_run(s, NULL, err);
}

bool listing_overdue(struct tx *tx, int64_t instance_id, struct str view, int64_t at, struct err *err) {
	struct stmt *s = at == INT64_MAX ? db_query(tx_db(tx), "DELETE FROM overdue WHERE instance_id = ? AND view = ?")
	                                 : db_query(tx_db(tx), "INSERT INTO overdue (instance_id, view, at) VALUES (?, ?, ?)"
	                                                       " ON CONFLICT (instance_id, view) DO UPDATE SET at = excluded.at");
	bind_int(s, instance_id);
	bind_text(s, view);
	if (at != INT64_MAX)
		bind_int(s, at);
	return stmt_run(s, NULL, err);
}

/* What the view ?22 searches. */
#define BEHIND "substr(l.search_text, instr(l.search_text, ?22) + length(?22))"
#define SOUGHT "substr(" BEHIND ", 1, instr(" BEHIND ", char(31)) - 1)"
/* The whole text first, which lets few pass: taking it apart costs more. */
#define HAS(word) "l.search_text LIKE " word " ESCAPE '\\'"
#define SEEKS(word) "(" word " = '%' OR " SOUGHT " LIKE " word " ESCAPE '\\')"

/* Every statement here takes the same 23 parameters first. What a query does not ask for is '' (or '%' or 0) and tested away before the row's
 * texts are looked at. */
#define FITS \
	" AND l.workflow = ?3 AND (?4 = '' OR l.state = ?4) AND (?5 = '' OR instr(l.fields, ?5) > 0) AND (?6 = '' OR instr(l.fields, ?6) > 0)" \
	" AND (?7 = '' OR instr(l.fields, ?7) > 0) AND (?8 = '' OR instr(l.fields, ?8) > 0) AND (?9 = '' OR instr(l.fields, ?9) > 0)" \
	" AND (?10 = '' OR instr(l.fields, ?10) > 0) AND (?11 = '%' OR (" HAS("?11") " AND " HAS("?12") " AND " HAS("?13") " AND " HAS("?14") \
	" AND " HAS("?15") " AND " HAS("?16") " AND " HAS("?17") " AND " HAS("?18") " AND instr(l.search_text, ?22) > 0 AND " SEEKS("?11") \
	" AND " SEEKS("?12") " AND " SEEKS("?13") " AND " SEEKS("?14") " AND " SEEKS("?15") " AND " SEEKS("?16") " AND " SEEKS("?17") \
	" AND " SEEKS("?18") "))" \
	" AND (?20 = 0 OR o.at IS NOT NULL)"
#define OVERDUE " LEFT JOIN overdue o ON o.instance_id = l.instance_id AND o.view = ?19 AND o.at <= ?21"
#define OF_CONTACT "p.contact_id = ?1 AND instr(?2, ' ' || p.role || ' ') > 0"
/* By the rows of registers that name the contact, on the day ?23. */
#define GRANTED "g.contact_id = ?1 AND ?23 BETWEEN g.from_day AND g.until_day"
#define IN_SCOPE "s.rule_id = g.rule_id AND s.scope = g.scope AND instr(?2, ' ' || s.role || ' ') > 0"
#define FROM \
	" FROM listings l" OVERDUE \
	" WHERE l.instance_id IN (SELECT p.instance_id FROM participations p WHERE " OF_CONTACT \
	" UNION ALL SELECT s.instance_id FROM grants g JOIN scopes s ON " IN_SCOPE " WHERE " GRANTED ")" FITS
#define SORT_KEY \
	" ORDER BY ?24 = 2 AND instr(l.fields, ?25) = 0, CASE ?24 WHEN 0 THEN l.changed_at WHEN 1 THEN l.started_at" \
	" ELSE substr(l.fields, nullif(instr(l.fields, ?25), 0), 80) END "
#define LISTED "SELECT l.instance_id, o.at IS NOT NULL"

static struct str like_pattern(struct arena *a, struct str word) {
	struct buf b;
	buf_init(&b, 2 * word.len + 2);
	buf_char(&b, '%');
	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] == '%' || word.at[i] == '_' || word.at[i] == '\\')
			buf_char(&b, '\\');
		buf_char(&b, word.at[i]);
	}
	buf_char(&b, '%');
	struct str pattern = arena_str(a, buf_text(&b));
	buf_free(&b);
	return pattern;
}

struct patterns {
	struct str roles;                   /* " role role " */
	struct str filters[LISTING_FILTERS]; /* as they stand in the fields; empty: none */
	struct str words[LISTING_WORDS];    /* LIKE patterns; "%": none */
	struct str searched;                /* as it stands in the search text, before the folded words */
};

/* As it stands in the fields, before the value. */
static struct str field_mark(struct arena *a, struct str name) {
	return arena_printf(a, "%c%.*s=", MARK, STR_ARG(name));
}

static struct str filter_pattern(struct arena *a, struct str field, struct str value) {
	struct buf b;
	buf_init(&b, 4096);
	listing_field(&b, field, value);
	struct str pattern = arena_str(a, buf_text(&b));
	buf_free(&b);
	return pattern;
}

static bool patterns_make(const struct listing_query *q, struct arena *a, struct patterns *p, struct err *err) {
	struct str rest = q->search;
	size_t count = 0;
	BUG_IF(q->filter_count > LISTING_FILTERS);
	*p = (struct patterns){.roles = STR(" ")};
	for (size_t i = 0; i < q->role_count; i++)
		p->roles = arena_printf(a, "%.*s%.*s ", STR_ARG(p->roles), STR_ARG(q->roles[i]));
	for (size_t i = 0; i < q->filter_count; i++)
		p->filters[i] = filter_pattern(a, q->filters[i].field, q->filters[i].value);
	p->searched = field_mark(a, q->searched);
	while (rest.len > 0) {
		struct str word = str_trim(str_cut(&rest, ' '));
		if (word.len == 0)
			continue;
		if (count == LISTING_WORDS)
			return err_set(err, ERR_INPUT, "search.words", "more than %d words to search for", LISTING_WORDS);
		p->words[count++] = like_pattern(a, word);
	}
	while (count < LISTING_WORDS)
		p->words[count++] = STR("%");
	return true;
}

static void bind_query(struct stmt *s, const struct listing_query *q, const struct patterns *p) {
	bind_int(s, q->contact_id);
	bind_text(s, p->roles);
	bind_text(s, q->workflow);
	bind_text(s, q->state);
	for (size_t i = 0; i < LISTING_FILTERS; i++)
		bind_text(s, p->filters[i]);
	for (size_t i = 0; i < LISTING_WORDS; i++)
		bind_text(s, p->words[i]);
	bind_text(s, q->view);
	bind_int(s, q->overdue);
	bind_int(s, q->now);
	bind_text(s, p->searched);
	bind_int(s, q->day);
}

static bool take_listed(struct stmt *s, struct arena *a, struct listed_list *out, struct err *err) {
	enum db_step step;
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct listed *)ARENA_PUSH(a, out) = (struct listed){stmt_int(s, 0), stmt_int(s, 1) != 0};
	stmt_end(s);
	return step == DB_DONE;
}

bool listing_query(struct view *v, const struct listing_query *q, struct arena *a, struct listed_list *out, struct err *err) {
	struct patterns p;
	*out = (struct listed_list){0};
	if (!patterns_make(q, a, &p, err))
		return false;
	struct stmt *s = q->ascending ? db_query(view_db(v), LISTED FROM SORT_KEY "ASC, l.instance_id ASC LIMIT ?26 OFFSET ?27")
	                              : db_query(view_db(v), LISTED FROM SORT_KEY "DESC, l.instance_id DESC LIMIT ?26 OFFSET ?27");
	struct str mark = field_mark(a, q->order_field);
	bind_query(s, q, &p);
	bind_int(s, q->order);
	bind_text(s, mark);
	bind_int(s, q->limit ? q->limit : -1);
	bind_int(s, q->offset);
	return take_listed(s, a, out, err);
}

bool listing_count(struct view *v, const struct listing_query *q, struct arena *a, int64_t *total, int64_t *overdue, struct err *err) {
	struct patterns p;
	if (!patterns_make(q, a, &p, err))
		return false;
	struct stmt *s = db_query(view_db(v), "SELECT count(*), count(o.at)" FROM);
	bind_query(s, q, &p);
	enum db_step step = stmt_step(s, err);
	if (step == DB_ROW) {
		*total = stmt_int(s, 0);
		*overdue = stmt_int(s, 1);
	}
	stmt_end(s);
	return step == DB_ROW;
}

bool listing_any(struct view *v, const struct listing_query *q, struct arena *a, bool *any, struct err *err) {
	struct listing_query open = {.roles = q->roles, .role_count = q->role_count};
	struct patterns p;
	if (!patterns_make(&open, a, &p, err))
		return false;
	struct stmt *s = db_query(view_db(v), "SELECT 1 FROM participations p JOIN instances i ON i.id = p.instance_id WHERE p.contact_id = ?1"
	                                      " AND instr(?2, ' ' || p.role || ' ') > 0 AND i.workflow = ?3 UNION ALL"
	                                      " SELECT 1 FROM grants g JOIN scopes s ON " IN_SCOPE " JOIN instances i ON i.id = s.instance_id"
	                                      " WHERE g.contact_id = ?1 AND ?4 BETWEEN g.from_day AND g.until_day AND i.workflow = ?3 LIMIT 1");
	bind_int(s, q->contact_id);
	bind_text(s, p.roles);
	bind_text(s, q->workflow);
	bind_int(s, q->day);
	enum db_step step = stmt_step(s, err);
	*any = step == DB_ROW;
	stmt_end(s);
	return step != DB_FAIL;
}

/* What the contact has by itself, or by one scope of a rule. */
struct source {
	int64_t rule_id; /* 0: by itself */
	struct str scope;
};
struct sources {
	struct source *items;
	size_t count, cap;
};

static bool find_sources(struct view *v, const struct listing_query *q, struct arena *a, struct sources *out, struct err *err) {
	struct stmt *s = db_query(view_db(v), "SELECT DISTINCT rule_id, scope FROM grants WHERE contact_id = ?1 AND ?2 BETWEEN from_day AND until_day");
	enum db_step step;
	bind_int(s, q->contact_id);
	bind_int(s, q->day);
	*(struct source *)ARENA_PUSH(a, out) = (struct source){0};
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct source *)ARENA_PUSH(a, out) = (struct source){stmt_int(s, 0), stmt_text(s, 1, a)};
	stmt_end(s);
	return step == DB_DONE;
}

/* CROSS JOIN: the contact's own instances are gone through in their order, until there are enough. */
static struct stmt *query_before(struct view *v, const struct source *source) {
	if (source->rule_id == 0)
		return db_query(view_db(v), "SELECT DISTINCT p.instance_id, o.at IS NOT NULL"
		                            " FROM participations p CROSS JOIN listings l ON l.instance_id = p.instance_id" OVERDUE
		                            " WHERE " OF_CONTACT " AND p.instance_id < ?24" FITS " ORDER BY p.instance_id DESC LIMIT ?25");
	return db_query(view_db(v), "SELECT DISTINCT s.instance_id, o.at IS NOT NULL"
	                            " FROM scopes s CROSS JOIN listings l ON l.instance_id = s.instance_id" OVERDUE
	                            " WHERE s.rule_id = ?26 AND s.scope = ?27 AND instr(?2, ' ' || s.role || ' ') > 0 AND s.instance_id < ?24" FITS
	                            " ORDER BY s.instance_id DESC LIMIT ?25");
}

static int newest_first(const void *a, const void *b) {
	int64_t x = ((const struct listed *)a)->instance_id, y = ((const struct listed *)b)->instance_id;
	return (x < y) - (x > y);
}

/* Each was found once by some source, or by several. */
static void merge(struct listed_list *list, int64_t limit) {
	size_t kept = 0;
	qsort(list->items, list->count, sizeof *list->items, newest_first);
	for (size_t i = 0; i < list->count && (limit == 0 || kept < (size_t)limit); i++)
		if (kept == 0 || list->items[kept - 1].instance_id != list->items[i].instance_id)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

bool listing_before(struct view *v, const struct listing_query *q, int64_t before, struct arena *a, struct listed_list *out, struct err *err) {
	struct patterns p;
	struct sources sources = {0};
	*out = (struct listed_list){0};
	if (!patterns_make(q, a, &p, err) || !find_sources(v, q, a, &sources, err))
		return false;
	for (size_t i = 0; i < sources.count; i++) {
		struct stmt *s = query_before(v, &sources.items[i]);
		bind_query(s, q, &p);
		bind_int(s, before);
		bind_int(s, q->limit ? q->limit : -1);
		if (sources.items[i].rule_id != 0) {
			bind_int(s, sources.items[i].rule_id);
			bind_text(s, sources.items[i].scope);
		}
		if (!take_listed(s, a, out, err))
			return false;
	}
	if (sources.count > 1 && out->count > 1)
		merge(out, q->limit);
	return true;
}

bool listing_values(struct view *v, const struct listing_query *q, struct str field, struct arena *a, struct listing_values *out, struct err *err) {
	struct patterns p;
	enum db_step step;
	*out = (struct listing_values){0};
	if (!patterns_make(q, a, &p, err))
		return false;
	struct stmt *s = db_query(view_db(v), "SELECT DISTINCT substr(x, 1, instr(x, char(31)) - 1) FROM (SELECT substr(l.fields, instr(l.fields, ?24)"
	                                      " + length(?24)) AS x" FROM " AND instr(l.fields, ?24) > 0) LIMIT ?25");
	struct str mark = field_mark(a, field);
	bind_query(s, q, &p);
	bind_text(s, mark);
	bind_int(s, q->limit ? q->limit : -1);
	while ((step = stmt_step(s, err)) == DB_ROW)
		*(struct str *)ARENA_PUSH(a, out) = stmt_text(s, 0, a);
	stmt_end(s);
	return step == DB_DONE;
}
