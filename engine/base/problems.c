#include "engine/base/yaml.h"

#include <stdlib.h>
#include <string.h>

static void add(struct problems *p, struct yaml_place place, bool warning, const char *format, va_list args) {
	struct buf text;
	buf_init(&text, 2000);
	buf_vprintf(&text, format, args);
	struct problem *new = ARENA_PUSH(p->arena, p);
	*new = (struct problem){place, warning, arena_str(p->arena, buf_text(&text))};
	buf_free(&text);
	p->errors += !warning;
}

void problem_error(struct problems *p, struct yaml_place place, const char *format, ...) {
	va_list args;
	va_start(args, format);
	add(p, place, false, format, args);
	va_end(args);
}

void problem_warn(struct problems *p, struct yaml_place place, const char *format, ...) {
	va_list args;
	va_start(args, format);
	add(p, place, true, format, args);
	va_end(args);
}

static int problem_order(const void *left, const void *right) {
	const struct problem *a = *(const struct problem *const *)left, *b = *(const struct problem *const *)right;
	int order = str_compare(str_from(a->place.file), str_from(b->place.file));
	if (order == 0)
		order = (a->place.line > b->place.line) - (a->place.line < b->place.line);
	if (order == 0)
		order = (a->place.column > b->place.column) - (a->place.column < b->place.column);
	return order ? order : (a > b) - (a < b); /* else as they were found */
}

static void print_one(const struct problem *problem, struct buf *out) {
	buf_z(out, problem->place.file ? problem->place.file : "?");
	if (problem->place.line > 0)
		buf_printf(out, ":%d:%d", problem->place.line, problem->place.column);
	buf_z(out, problem->warning ? ": warning: " : ": error: ");
	buf_str(out, problem->text);
	buf_char(out, '\n');
}

void problems_print(const struct problems *p, struct buf *out) {
	if (p->count == 0)
		return;
	const struct problem **sorted = ARENA_ARRAY(p->arena, p->count, const struct problem *);
	for (size_t i = 0; i < p->count; i++)
		sorted[i] = &p->items[i];
	qsort(sorted, p->count, sizeof *sorted, problem_order);
	for (size_t i = 0; i < p->count; i++)
		print_one(sorted[i], out);
}

enum { LONGEST = 64 }; /* of the words that are compared */

static size_t least(size_t a, size_t b) {
	return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours (optimal string alignment), in bytes. */
static size_t distance(struct str a, struct str b) {
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b.len; j++)
		above[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			row[j] = least(above[j - 1] + (a.at[i - 1] != b.at[j - 1]), least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		size_t *oldest = before;
		before = above;
		above = row;
		row = oldest;
	}
	return above[b.len];
}

struct str name_nearest(struct str wanted, const struct str *names, size_t count) {
	struct str best = STR("");
	size_t best_distance = SIZE_MAX;
	for (size_t i = 0; i < count && wanted.len <= LONGEST; i++) {
		if (names[i].len > LONGEST)
			continue;
		size_t longer = wanted.len > names[i].len ? wanted.len : names[i].len;
		size_t found = distance(wanted, names[i]);
		if (found > longer / 3 || found >= best_distance)
			continue;
		best = names[i];
		best_distance = found;
	}
	return best;
}

bool name_valid(struct str s) {
	if (s.len == 0 || s.len > 40 || s.at[0] < 'a' || s.at[0] > 'z')
		return false;
	for (size_t i = 1; i < s.len; i++) {
		char c = s.at[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
			return false;
	}
	return true;
}
