#include "engine/workflow/ranking.h"

#include "engine/base/escape.h"
#include "engine/base/secret.h"

#include <stdlib.h>

enum { MARK_BYTES = 16, TEXT_LIMIT = 1 << 20 };

static struct str key_of(const struct value *row) {
	return row->record.members[row->record.type->key].string;
}

static size_t count_of(const struct value *list) {
	return list->kind == KIND_LIST ? list->list.count : 0;
}

static struct str text_of(struct buf *text, struct arena *a) {
	struct str copy = arena_str(a, buf_text(text));
	buf_free(text);
	return copy;
}

struct str ranking_mark(const struct value *list, struct arena *a) {
	unsigned char hash[SECRET_HASH];
	struct buf text;
	buf_init(&text, TEXT_LIMIT);
	for (size_t i = 0; i < count_of(list); i++)
		escape_json(&text, key_of(&list->list.items[i]));
	struct str keys = text_of(&text, a);
	secret_hash(hash, &keys, 1);
	return secret_base64url(a, hash, MARK_BYTES);
}

struct str ranking_text(const struct ranking *ranking, struct arena *a) {
	struct buf text;
	buf_init(&text, TEXT_LIMIT);
	buf_printf(&text, "%d %.*s ", (int)ranking->press, STR_ARG(ranking->seen));
	escape_json(&text, ranking->key);
	for (size_t i = 0; i < ranking->numbers.count; i++) {
		buf_printf(&text, " %lld ", (long long)ranking->numbers.items[i].number);
		escape_json(&text, ranking->numbers.items[i].key);
	}
	return text_of(&text, a);
}

/* A row on its way to its place. */
struct place {
	struct value row;
	int64_t number; /* typed, else where it stands */
	int side;       /* of whoever stands at that number: one that goes up comes before it, one that goes down behind it */
	size_t was;
};

static int by_number(const void *a, const void *b) {
	const struct place *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->side != y->side)
		return x->side - y->side;
	return x->was < y->was ? -1 : 1;
}

static void type_number(struct place *places, size_t count, const struct ranking_number *typed) {
	for (size_t i = 0; i < count; i++) {
		int64_t is = (int64_t)i + 1;
		if (!str_equal(key_of(&places[i].row), typed->key))
			continue;
		places[i].number = typed->number;
		places[i].side = typed->number < is ? -1 : typed->number > is;
	}
}

static void put_in_order(const struct ranking *ranking, struct arena *a, struct value *rows, size_t count) {
	struct place *places = ARENA_ARRAY(a, count + 1, struct place);
	for (size_t i = 0; i < count; i++)
		places[i] = (struct place){rows[i], (int64_t)i + 1, 0, i};
	for (size_t i = 0; i < ranking->numbers.count; i++)
		type_number(places, count, &ranking->numbers.items[i]);
	qsort(places, count, sizeof *places, by_number);
	for (size_t i = 0; i < count; i++)
		rows[i] = places[i].row;
}

static size_t find(const struct value *rows, size_t count, struct str key) {
	size_t i = 0;
	while (i < count && !str_equal(key_of(&rows[i]), key))
		i++;
	return i;
}

static void swap(struct value *rows, size_t at) {
	struct value row = rows[at];
	rows[at] = rows[at + 1];
	rows[at + 1] = row;
}

/* The new row passes the gate as an answer of its own. */
static bool add(const struct form_world *world, const struct form_item *item, struct str key, struct arena *a, struct value *values, struct value *rows, size_t *count,
                struct form_problems *problems, struct err *err) {
	struct value row;
	if (find(rows, *count, key) < *count)
		return true;
	if (*count == (size_t)item->field->many_max) {
		*(struct form_problem *)ARENA_PUSH(a, problems) = (struct form_problem){item->field->name, "field.too-many", {arena_printf(a, "%zu", *count), STR("")}};
		return true;
	}
	if (!form_row(world, item, key, values, a, &row, problems, err))
		return false;
	if (row.kind == KIND_RECORD)
		rows[(*count)++] = row;
	return true;
}

static void press(const struct ranking *ranking, struct value *rows, size_t *count) {
	size_t at = find(rows, *count, ranking->key);
	if (at == *count)
		return;
	if (ranking->press == RANKING_UP && at > 0)
		swap(rows, at - 1);
	else if (ranking->press == RANKING_DOWN && at + 1 < *count)
		swap(rows, at);
	else if (ranking->press == RANKING_REMOVE)
		for ((*count)--; at < *count; at++)
			rows[at] = rows[at + 1];
}

bool ranking_apply(const struct form_world *world, const struct form_item *item, const struct ranking *ranking, struct arena *a, struct value *values, bool *changed,
                   struct form_problems *problems, struct err *err) {
	struct value *list = &values[item->field->slot], before = *list;
	size_t count = count_of(list), told = problems->count;
	bool moves = ranking->press == RANKING_UP || ranking->press == RANKING_DOWN || ranking->numbers.count > 0;
	struct str mark = ranking_mark(&before, a);
	if (moves && !str_equal(ranking->seen, mark))
		return err_set(err, ERR_CONFLICT, "ranking.other", "the list has changed since it was shown");
	struct value *rows = ARENA_ARRAY(a, count + 1, struct value);
	for (size_t i = 0; i < count; i++)
		rows[i] = before.list.items[i];
	put_in_order(ranking, a, rows, count);
	if (ranking->press != RANKING_ADD)
		press(ranking, rows, &count);
	else if (!add(world, item, ranking->key, a, values, rows, &count, problems, err))
		return false;
	*list = count == 0 ? VALUE_UNSET : (struct value){.kind = KIND_LIST, .list = {rows, NULL, count}};
	*changed = !str_equal(mark, ranking_mark(list, a));
	if (*changed && problems->count == told)
		form_check_rule(world, item->field, values, a, problems);
	return true;
}
