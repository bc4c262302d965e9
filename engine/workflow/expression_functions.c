/* Operators and functions: one table, chosen by name and argument kinds when an expression is compiled. */
#include "engine/workflow/expression_functions.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN(name) static bool name(const struct node *n, struct machine *m, struct value *out)

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
	*out = value_double(b.decimal == 0.0 ? (a.decimal == 0.0 || isnan(a.decimal) ? (double)NAN : copysign((double)INFINITY, a.decimal) * copysign(1.0, b.decimal)) : a.decimal / b.decimal);
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

bool run_charge(const struct node *n, struct machine *m, size_t bytes) {
	m->steps += (int64_t)(bytes / 64);
	return m->steps <= EXPRESSION_STEPS || run_error(m, n, "more than %d steps", EXPRESSION_STEPS);
}

RUN(run_add_string) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	size_t len = a.string.len + b.string.len;
	if (len > EXPRESSION_STRING)
		return run_error(m, n, "the text becomes too long");
	if (!run_charge(n, m, len))
		return false;
	char *text = arena_alloc(m->a, len + 1);
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
	if (!run_charge(n, m, count * sizeof(struct value)))
		return false;
	struct value *items = ARENA_ARRAY(m->a, count, struct value);
	if (a.list.count > 0)
		memcpy(items, a.list.items, a.list.count * sizeof *items);
	if (b.list.count > 0)
		memcpy(items + a.list.count, b.list.items, b.list.count * sizeof *items);
	*out = (struct value){.kind = KIND_LIST, .list = {items, NULL, count}};
	return true;
}

RUN(run_size_string) {
	struct value a;
	if (!run_one(n, m, &a))
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
	if (!run_two(n, m, &a, &b))
		return false;
	*out = value_bool(str_starts(a.string, b.string));
	return true;
}

RUN(run_ends) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = value_bool(str_ends(a.string, b.string));
	return true;
}

RUN(run_contains) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = value_bool(b.string.len == 0 || memmem(a.string.at, a.string.len, b.string.at, b.string.len) != NULL);
	return true;
}

/* ASCII and the Latin-1 letters, Danish ones among them. */
RUN(run_lower) {
	struct value a;
	struct buf text;
	if (!run_one(n, m, &a) || !run_charge(n, m, a.string.len))
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

RUN(run_in_list) {
	struct value a, b;
	if (!run_two(n, m, &a, &b) || !run_charge(n, m, b.list.count))
		return false;
	*out = value_bool(false);
	for (size_t i = 0; i < b.list.count && !out->boolean; i++)
		out->boolean = value_equal(&a, &b.list.items[i]);
	return true;
}

RUN(run_in_map) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	*out = value_bool(value_at(&b, a.string) != NULL);
	return true;
}

/* ---- comparing */

RUN(run_equal) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
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

/* -1, 0, 1; 2: not comparable (nan). */
static int compare(const struct value *a, const struct value *b) {
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
	if (!run_two(n, m, &a, &b))
		return false;
	*out = value_bool(decide(n, compare(&a, &b)));
	return true;
}

/* Months and workdays have no length of their own. */
static bool span_length(const struct node *n, struct machine *m, const struct span *s, int64_t *ms) {
	if (s->months != 0 || s->workdays != 0)
		return run_error(m, n, "months and workdays cannot be compared by length");
	return (!__builtin_mul_overflow(s->days, CIVIL_DAY_MS, ms) && !__builtin_add_overflow(*ms, s->ms, ms)) || run_overflow(n, m);
}

RUN(run_compare_span) {
	struct value a, b;
	int64_t x, y;
	if (!run_two(n, m, &a, &b) || !span_length(n, m, &a.span, &x) || !span_length(n, m, &b.span, &y))
		return false;
	*out = value_bool(decide(n, x < y ? -1 : x > y));
	return true;
}

RUN(run_min_max) {
	struct value a, b;
	if (!run_two(n, m, &a, &b))
		return false;
	bool first = (compare(&a, &b) <= 0) == str_is(n->name, "min");
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
	return run_charge(n, m, text.len);
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

/* Argument kinds: b i d s D(ate) T(datetime) I(nstant) P(span) L(ist) M(ap) R(ecord with a key), '=' the same type as the argument before,
 * 'e' an item of the list that follows. Result: a kind, or '1' the type of the first argument. */
static const struct function {
	const char *name;
	bool method;
	const char *args;
	char result;
	bool (*run)(const struct node *n, struct machine *m, struct value *out);
} functions[] = {
        {"+", false, "ii", 'i', run_add_int},
        {"-", false, "ii", 'i', run_sub_int},
        {"*", false, "ii", 'i', run_mul_int},
        {"/", false, "ii", 'i', run_div_int},
        {"%", false, "ii", 'i', run_mod_int},
        {"-", false, "i", 'i', run_neg_int},
        {"+", false, "dd", 'd', run_add_double},
        {"-", false, "dd", 'd', run_sub_double},
        {"*", false, "dd", 'd', run_mul_double},
        {"/", false, "dd", 'd', run_div_double},
        {"-", false, "d", 'd', run_neg_double},
        {"!", false, "b", 'b', run_not},
        {"+", false, "ss", 's', run_add_string},
        {"+", false, "L=", '1', run_add_list},
        {"+", false, "DP", 'D', run_add_date},
        {"+", false, "PD", 'D', run_add_date},
        {"-", false, "DP", 'D', run_add_date},
        {"+", false, "TP", 'T', run_add_datetime},
        {"+", false, "PT", 'T', run_add_datetime},
        {"-", false, "TP", 'T', run_add_datetime},
        {"+", false, "IP", 'I', run_add_instant},
        {"+", false, "PI", 'I', run_add_instant},
        {"-", false, "IP", 'I', run_add_instant},
        {"-", false, "DD", 'P', run_sub_date},
        {"-", false, "II", 'P', run_sub_instant},
        {"-", false, "TT", 'P', run_sub_datetime},
        {"+", false, "PP", 'P', run_add_span},
        {"-", false, "PP", 'P', run_add_span},
        {"-", false, "P", 'P', run_neg_span},
        {"==", false, "Rs", 'b', run_equal_key},
        {"==", false, "sR", 'b', run_equal_key},
        {"!=", false, "Rs", 'b', run_equal_key},
        {"!=", false, "sR", 'b', run_equal_key},
        {"==", false, "*=", 'b', run_equal},
        {"!=", false, "*=", 'b', run_equal},
        {"<", false, "PP", 'b', run_compare_span},
        {"<=", false, "PP", 'b', run_compare_span},
        {">", false, "PP", 'b', run_compare_span},
        {">=", false, "PP", 'b', run_compare_span},
        {"<", false, "o=", 'b', run_compare},
        {"<=", false, "o=", 'b', run_compare},
        {">", false, "o=", 'b', run_compare},
        {">=", false, "o=", 'b', run_compare},
        {"min", false, "o=", '1', run_min_max},
        {"max", false, "o=", '1', run_min_max},
        {"in", false, "eL", 'b', run_in_list},
        {"in", false, "sM", 'b', run_in_map},
        {"size", false, "s", 'i', run_size_string},
        {"size", false, "L", 'i', run_size_list},
        {"size", false, "M", 'i', run_size_list},
        {"size", true, "s", 'i', run_size_string},
        {"size", true, "L", 'i', run_size_list},
        {"size", true, "M", 'i', run_size_list},
        {"startsWith", true, "ss", 'b', run_starts},
        {"endsWith", true, "ss", 'b', run_ends},
        {"contains", true, "ss", 'b', run_contains},
        {"lower", true, "s", 's', run_lower},
        {"year", true, "D", 'i', run_date_part},
        {"month", true, "D", 'i', run_date_part},
        {"day", true, "D", 'i', run_date_part},
        {"weekday", true, "D", 'i', run_date_part},
        {"year", true, "T", 'i', run_date_part},
        {"month", true, "T", 'i', run_date_part},
        {"day", true, "T", 'i', run_date_part},
        {"weekday", true, "T", 'i', run_date_part},
        {"date", true, "T", 'D', run_date_from_datetime},
        {"date", false, "s", 'D', run_date_from_string},
        {"date", false, "T", 'D', run_date_from_datetime},
        {"date", false, "I", 'D', run_date_from_instant},
        {"datetime", false, "s", 'T', run_datetime_from_string},
        {"datetime", false, "I", 'T', run_datetime_from_instant},
        {"instant", false, "T", 'I', run_instant_from_datetime},
        {"at", false, "Ds", 'T', run_at},
        {"workday", false, "D", 'b', run_workday},
        {"holiday", false, "D", 'b', run_workday},
        {"workdays", false, "DD", 'i', run_workdays},
        {"int", false, "i", 'i', run_same},
        {"int", false, "d", 'i', run_int_from_double},
        {"int", false, "s", 'i', run_int_from_string},
        {"double", false, "d", 'd', run_same},
        {"double", false, "i", 'd', run_double_from_int},
        {"double", false, "s", 'd', run_double_from_string},
        {"string", false, "s", 's', run_same},
        {"string", false, "c", 's', run_string},
        {"bool", false, "b", 'b', run_same},
        {"bool", false, "s", 'b', run_bool_from_string},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

static const struct {
	char letter;
	enum kind kind;
} letters[] = {{'b', KIND_BOOL}, {'i', KIND_INT}, {'d', KIND_DOUBLE}, {'s', KIND_STRING}, {'D', KIND_DATE}, {'T', KIND_DATETIME},
               {'I', KIND_INSTANT}, {'P', KIND_DURATION}, {'L', KIND_LIST}, {'M', KIND_MAP}, {'R', KIND_RECORD}};

static enum kind kind_of(char letter) {
	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
		if (letters[i].letter == letter)
			return letters[i].kind;
	return KIND_UNSET;
}

static bool fits(char letter, const struct node *n, size_t i) {
	const struct type *type = &n->args[i]->type;
	switch (letter) {
	case '*': return true;
	case '=': return type_equal(&n->args[i - 1]->type, type);
	case 'e': return n->args[i + 1]->type.kind == KIND_LIST && (!n->args[i + 1]->type.item || type_equal(type, n->args[i + 1]->type.item));
	case 'o': return type->kind == KIND_BOOL || type->kind == KIND_INT || type->kind == KIND_DOUBLE || type->kind == KIND_STRING || type->kind == KIND_DATE || type->kind == KIND_DATETIME || type->kind == KIND_INSTANT;
	case 'c': return type->kind >= KIND_BOOL && type->kind <= KIND_DURATION;
	case 'R': return type->kind == KIND_RECORD && type->record->key != SIZE_MAX;
	default: return type->kind == kind_of(letter);
	}
}

static bool matches(const struct function *f, const struct node *n) {
	if (!str_is(n->name, f->name) || f->method != (n->kind == NODE_METHOD) || strlen(f->args) != n->count)
		return false;
	for (size_t i = 0; i < n->count; i++)
		if (!fits(f->args[i], n, i))
			return false;
	return true;
}

bool expression_is_function(struct str name, bool method) {
	for (size_t i = 0; i < FUNCTIONS; i++)
		if (str_is(name, functions[i].name) && functions[i].method == method)
			return true;
	return false;
}

static bool no_such_function(struct checking *c, const struct node *n) {
	struct str names[FUNCTIONS];
	size_t count = 0;
	bool method = n->kind == NODE_METHOD;
	for (size_t i = 0; i < FUNCTIONS; i++)
		if (functions[i].method == method && functions[i].name[0] >= 'a')
			names[count++] = str_from(functions[i].name);
	struct str near = name_nearest(n->name, names, count);
	return check_error(c, n, "there is no %s '%.*s'%s%.*s%s", method ? "method" : "function", STR_ARG(n->name), near.len ? "; did you mean '" : "", STR_ARG(near), near.len ? "'?" : "");
}

static bool no_fit(struct checking *c, const struct node *n) {
	struct buf types;
	buf_init(&types, 300);
	for (size_t i = 0; i < n->count; i++) {
		buf_z(&types, i ? " and " : "");
		buf_str(&types, type_name(c->a, &n->args[i]->type));
	}
	bool operator = n->kind == NODE_BINARY || n->kind == NODE_UNARY;
	check_error(c, n, "%s'%.*s' does not take %s", operator ? "" : "the function ", STR_ARG(n->name), types.len ? types.at : "no arguments");
	buf_free(&types);
	return false;
}

bool expression_bind(struct checking *c, struct node *n) {
	for (size_t i = 0; i < FUNCTIONS; i++) {
		if (!matches(&functions[i], n))
			continue;
		n->run = functions[i].run;
		n->type = functions[i].result == '1' ? n->args[0]->type : (struct type){.kind = kind_of(functions[i].result)};
		/* [] + [1]: the item type is that of the side which has one. */
		if (n->type.kind == KIND_LIST && !n->type.item && n->count == 2)
			n->type = n->args[1]->type;
		return true;
	}
	bool operator = n->kind == NODE_BINARY || n->kind == NODE_UNARY;
	return operator || expression_is_function(n->name, n->kind == NODE_METHOD) ? no_fit(c, n) : no_such_function(c, n);
}
