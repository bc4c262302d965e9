/* Numbers, strings, lists, comparing, conversions. */
#include "engine/workflow/expression_functions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN(name) bool name(const struct node *n, struct machine *m, struct value *out)

bool run_one(const struct node *n, struct machine *m, struct value *a) {
	return node_run(n->args[0], m, a);
}

bool run_two(const struct node *n, struct machine *m, struct value *a, struct value *b) {
	return node_run(n->args[0], m, a) && node_run(n->args[1], m, b);
}

bool run_overflow(const struct node *n, struct machine *m) {
	return run_error(m, n, "the number becomes too large");
}

/* ---- arithmetic */

RUN(run_add_int) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = value_int(0);
	return !__builtin_add_overflow(a.integer, b.integer, &out->integer) || run_overflow(n, m);
}

RUN(run_sub_int) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = value_int(0);
	return !__builtin_sub_overflow(a.integer, b.integer, &out->integer) || run_overflow(n, m);
}

RUN(run_mul_int) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = value_int(0);
	return !__builtin_mul_overflow(a.integer, b.integer, &out->integer) || run_overflow(n, m);
}

RUN(run_div_int) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	if (b.integer == 0)
		return run_error(m, n, "division by zero");
	if (a.integer == INT64_MIN && b.integer == -1)
		return run_overflow(n, m);
	*out = value_int(a.integer / b.integer);
	return true;
}

RUN(run_mod_int) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	if (b.integer == 0)
		return run_error(m, n, "division by zero");
	*out = value_int(b.integer == -1 ? 0 : a.integer % b.integer);
	return true;
}

RUN(run_neg_int) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	if (a.integer == INT64_MIN)
		return run_overflow(n, m);
	*out = value_int(-a.integer);
	return true;
}

RUN(run_add_double) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = value_double(a.decimal + b.decimal);
	return true;
}

RUN(run_sub_double) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = value_double(a.decimal - b.decimal);
	return true;
}

RUN(run_mul_double) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = value_double(a.decimal * b.decimal);
	return true;
}

RUN(run_div_double) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	/* IEEE 754 as CEL has it: inf and nan are values. */
	*out = value_double(a.decimal / b.decimal);
	return true;
}

RUN(run_neg_double) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	*out = value_double(-a.decimal);
	return true;
}

RUN(run_not) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	*out = value_bool(!a.boolean);
	return true;
}

/* ---- strings and lists */

RUN(run_add_string) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	size_t len = a.string.len + b.string.len;
	if (len > EXPRESSION_STRING)
		return run_error(m, n, "the text becomes too long");
	char *text = run_alloc(n, m, len + 1, 1);
	if (!text)
		return false;
	if (a.string.len > 0)
		memcpy(text, a.string.at, a.string.len);
	if (b.string.len > 0)
		memcpy(text + a.string.len, b.string.at, b.string.len);
	*out = value_string((struct str){text, len});
	return true;
}

RUN(run_add_list) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	size_t count = a.list.count + b.list.count;
	if (count > EXPRESSION_ITEMS)
		return run_error(m, n, "the list becomes too long");
	struct value *items = run_alloc(n, m, count, sizeof *items);
	if (!items)
		return false;
	if (a.list.count > 0)
		memcpy(items, a.list.items, a.list.count * sizeof *items);
	if (b.list.count > 0)
		memcpy(items + a.list.count, b.list.items, b.list.count * sizeof *items);
	*out = (struct value){.kind = KIND_LIST, .list = {items, NULL, count}};
	return true;
}

RUN(run_size_string) {
	struct value a;
	if (!run_one(n, m, &a) || !run_charge(n, m, a.string.len))
		return false;
	*out = value_int((int64_t)str_utf8_count(a.string));
	return true;
}

RUN(run_size_list) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	*out = value_int((int64_t)a.list.count);
	return true;
}

RUN(run_starts) {
	struct value a, b;
	if (!run_two(n, m, &a, &b) || !run_charge(n, m, b.string.len))
		return false;
	*out = value_bool(str_starts(a.string, b.string));
	return true;
}

RUN(run_ends) {
	struct value a, b;
	if (!run_two(n, m, &a, &b) || !run_charge(n, m, b.string.len))
		return false;
	*out = value_bool(str_ends(a.string, b.string));
	return true;
}

RUN(run_contains) {
	struct value a, b;
	if (!run_two(n, m, &a, &b) || !run_charge(n, m, a.string.len))
		return false;
	*out = value_bool(b.string.len == 0 || memmem(a.string.at, a.string.len, b.string.at, b.string.len) != NULL);
	return true;
}

/* Of the characters from the first number on, up to before the second: text.substring(0, 6). */
RUN(run_substring) {
	struct value a, from, to = value_int(INT64_MAX);
	size_t at = 0, begin = 0;
	int64_t count = 0;
	if (!node_run(n->args[0], m, &a) || !node_run(n->args[1], m, &from) || (n->count > 2 && !node_run(n->args[2], m, &to)) || !run_charge(n, m, a.string.len))
		return false;
	for (; at < a.string.len && count < to.integer; count++) {
		if (count == from.integer)
			begin = at;
		str_utf8_next(a.string, &at);
	}
	if (from.integer < 0 || from.integer > count || (n->count > 2 && to.integer != count) || to.integer < from.integer)
		return run_error(m, n, "substring() reaches beyond a text of %zu characters", str_utf8_count(a.string));
	begin = from.integer == count ? at : begin;
	*out = value_string((struct str){a.string.at + begin, at - begin});
	return true;
}

/* ASCII and the Latin-1 letters, Danish ones among them. */
RUN(run_lower) {
	struct value a;
	struct buf text;
	if (!run_one(n, m, &a) || !run_steps(n, m, 1) || !run_charge(n, m, a.string.len))
		return false;
	buf_init(&text, EXPRESSION_STRING);
	for (size_t at = 0; at < a.string.len;) {
		uint32_t c = str_utf8_next(a.string, &at);
		bool upper = (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7);
		buf_utf8(&text, c == UINT32_MAX ? 0xFFFD : upper ? c + 0x20 : c);
	}
	*out = value_string(arena_str(m->a, buf_text(&text)));
	buf_free(&text);
	return true;
}

/* How long comparing it may take, in bytes, or a little over `most`. What stands in many places counts in each: a list may hold one list many times. */
static size_t weigh(const struct value *v, size_t most) {
	bool record = v->kind == KIND_RECORD, map = v->kind == KIND_MAP;
	if (v->kind == KIND_STRING)
		return 1 + v->string.len / 16;
	if (!record && !map && v->kind != KIND_LIST)
		return 1;
	const struct value *items = record ? v->record.members : v->list.items;
	size_t count = record ? v->record.type->count : v->list.count, sum = 4 + (map ? count * count : 0);
	for (size_t i = 0; i < count && sum <= most; i++)
		sum += weigh(&items[i], most - sum);
	return sum;
}

static bool charge_compare(const struct node *n, struct machine *m, const struct value *v) {
	return run_charge(n, m, weigh(v, (size_t)EXPRESSION_STEPS * EXPRESSION_STEP_BYTES));
}

RUN(run_in_list) {
	struct value a, b;
	if (!run_two(n, m, &a, &b) || !charge_compare(n, m, &b))
		return false;
	*out = value_bool(false);
	for (size_t i = 0; i < b.list.count && !out->boolean; i++)
		out->boolean = value_equal(&a, &b.list.items[i]);
	return true;
}

/* The first of equal ones stays. */
RUN(run_distinct) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	struct value *kept = ARENA_ARRAY(m->a, a.list.count, struct value);
	size_t count = 0;
	for (size_t i = 0; i < a.list.count; i++) {
		bool seen = false;
		if (!charge_compare(n, m, &a))
			return false;
		for (size_t k = 0; k < count && !seen; k++)
			seen = value_equal(&kept[k], &a.list.items[i]);
		if (!seen)
			kept[count++] = a.list.items[i];
	}
	*out = (struct value){.kind = KIND_LIST, .list = {kept, NULL, count}};
	return true;
}

RUN(run_in_map) {
	struct value a, b;
	if (!run_two(n, m, &a, &b) || !run_charge(n, m, b.list.count))
		return false;
	*out = value_bool(value_at(&b, a.string) != NULL);
	return true;
}

/* ---- comparing */

RUN(run_equal) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	bool large = a.kind == KIND_STRING || a.kind >= KIND_LIST;
	if (large && !charge_compare(n, m, &a))
		return false;
	*out = value_bool(value_equal(&a, &b) == str_is(n->name, "=="));
	return true;
}

/* A ref against a string: its key. */
RUN(run_equal_key) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	const struct value *record = a.kind == KIND_RECORD ? &a : &b, *text = a.kind == KIND_RECORD ? &b : &a;
	bool same = value_equal(&record->record.members[record->record.type->key], text);
	*out = value_bool(same == str_is(n->name, "=="));
	return true;
}

int run_order(const struct value *a, const struct value *b) {
	if (a->kind == KIND_STRING) {
		int order = str_compare(a->string, b->string);
		return order < 0 ? -1 : order > 0;
	}
	if (a->kind == KIND_DOUBLE)
		return isnan(a->decimal) || isnan(b->decimal) ? 2 : a->decimal < b->decimal ? -1 : a->decimal > b->decimal;
	if (a->kind == KIND_BOOL)
		return (int)a->boolean - (int)b->boolean;
	return a->integer < b->integer ? -1 : a->integer > b->integer;
}

static bool decide(const struct node *n, int order) {
	if (order == 2)
		return false;
	bool less = n->name.at[0] == '<', or_equal = n->name.len == 2;
	return (order == 0 && or_equal) || (order < 0 && less) || (order > 0 && !less);
}

RUN(run_compare) {
	struct value a, b;
	if (!run_two(n, m, &a, &b) || (a.kind == KIND_STRING && !charge_compare(n, m, &a)))
		return false;
	*out = value_bool(decide(n, run_order(&a, &b)));
	return true;
}

/* Months and workdays have no length of their own. */
static bool span_length(const struct node *n, struct machine *m, const struct span *s, int64_t *ms) {
	if (s->months != 0 || s->workdays != 0)
		return run_error(m, n, "months and workdays cannot be compared by length");
	return (!__builtin_mul_overflow(s->days, CIVIL_DAY_MS, ms) && !__builtin_add_overflow(*ms, s->ms, ms)) || run_overflow(n, m);
}

static bool run_two_spans(const struct node *n, struct machine *m, struct value *a, struct value *b, int *order) {
	int64_t x, y;
	if (!run_two(n, m, a, b) || !span_length(n, m, &a->span, &x) || !span_length(n, m, &b->span, &y))
		return false;
	*order = x < y ? -1 : x > y;
	return true;
}

RUN(run_compare_span) {
	struct value a, b;
	int order;
	if (!run_two_spans(n, m, &a, &b, &order))
		return false;
	*out = value_bool(decide(n, order));
	return true;
}

RUN(run_min_max_span) {
	struct value a, b;
	int order;
	if (!run_two_spans(n, m, &a, &b, &order))
		return false;
	*out = (order <= 0) == str_is(n->name, "min") ? a : b;
	return true;
}

RUN(run_min_max) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	bool first = (run_order(&a, &b) <= 0) == str_is(n->name, "min");
	*out = first ? a : b;
	return true;
}

/* ---- conversions */

RUN(run_same) {
	return run_one(n, m, out);
}

RUN(run_int_from_double) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	/* 2^63 is exactly representable; everything below it fits. */
	if (!(a.decimal > -9223372036854775808.0 && a.decimal < 9223372036854775808.0))
		return run_overflow(n, m);
	*out = value_int((int64_t)a.decimal);
	return true;
}

RUN(run_int_from_string) {
	struct value a;
	int64_t number;
	if (!run_one(n, m, &a))
		return false;
	if (!str_to_int(a.string, &number))
		return run_error(m, n, "no whole number");
	*out = value_int(number);
	return true;
}

RUN(run_double_from_int) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	*out = value_double((double)a.integer);
	return true;
}

RUN(run_double_from_string) {
	struct value a;
	char text[64], *end;
	if (!run_one(n, m, &a))
		return false;
	bool fits = a.string.len > 0 && a.string.len < sizeof text && memchr(a.string.at, '\0', a.string.len) == NULL && (unsigned char)a.string.at[0] > ' ';
	if (fits) {
		memcpy(text, a.string.at, a.string.len);
		text[a.string.len] = '\0';
		*out = value_double(strtod(text, &end));
		fits = *end == '\0';
	}
	return fits || run_error(m, n, "no number");
}

RUN(run_string) {
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	struct str text = value_text(m->a, &a);
	/* CEL writes a whole double without its point. */
	if (a.kind == KIND_DOUBLE && str_ends(text, STR(".0")))
		text.len -= 2;
	*out = value_string(text);
	return run_steps(n, m, 1) && run_charge(n, m, text.len);
}

RUN(run_bool_from_string) {
	static const char *const yes[] = {"1", "t", "true", "TRUE", "True"}, *const no[] = {"0", "f", "false", "FALSE", "False"};
	struct value a;
	if (!run_one(n, m, &a))
		return false;
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
		if (!str_is(a.string, yes[i]) && !str_is(a.string, no[i]))
			continue;
		*out = value_bool(str_is(a.string, yes[i]));
		return true;
	}
	return run_error(m, n, "neither true nor false");
}
