/* One table of operators and functions: chosen by name and argument kinds when an expression is compiled. */
#include "engine/workflow/expression_functions.h"

#include <string.h>

const struct function expression_functions[] = {
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
        {"min", false, "PP", 'P', run_min_max_span},
        {"max", false, "PP", 'P', run_min_max_span},
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
        {"distinct", false, "L", '0', run_distinct},
        {"startsWith", true, "ss", 'b', run_starts},
        {"endsWith", true, "ss", 'b', run_ends},
        {"contains", true, "ss", 'b', run_contains},
        {"substring", true, "si", 's', run_substring},
        {"substring", true, "sii", 's', run_substring},
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
        {"distance_km", false, "dddd", 'd', run_distance_km},
        {"slot", false, "iTPss", 'T', run_slot_of},
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
enum { FUNCTIONS = sizeof expression_functions / sizeof expression_functions[0] };
const size_t expression_function_count = FUNCTIONS;

static const struct {
	char letter;
	enum kind kind;
	const char *words; /* for messages */
} letters[] = {{'b', KIND_BOOL, "bool"}, {'i', KIND_INT, "int"}, {'d', KIND_DOUBLE, "double"}, {'s', KIND_STRING, "string"}, {'D', KIND_DATE, "date"},
               {'T', KIND_DATETIME, "datetime"}, {'I', KIND_INSTANT, "instant"}, {'P', KIND_DURATION, "duration"}, {'L', KIND_LIST, "a list"},
               {'M', KIND_MAP, "a map"}, {'R', KIND_RECORD, "a row with a key"}, {'=', KIND_UNSET, "the same type"}, {'*', KIND_UNSET, "any type"},
               {'e', KIND_UNSET, "an item"}, {'o', KIND_UNSET, "an ordered type"}, {'c', KIND_UNSET, "a single value"}};
enum { LETTERS = sizeof letters / sizeof letters[0] };

static enum kind kind_of(char letter) {
	for (size_t i = 0; i < LETTERS; i++)
		if (letters[i].letter == letter)
			return letters[i].kind;
	return KIND_UNSET;
}

bool expression_is_call(struct str name) {
	for (size_t i = 0; i < FUNCTIONS; i++)
		if (str_is(name, expression_functions[i].name))
			return true;
	return str_is(name, "has") || str_is(name, "rows") || str_is(name, "draw");
}

bool expression_is_ordered(enum kind kind) {
	return kind == KIND_BOOL || kind == KIND_INT || kind == KIND_DOUBLE || kind == KIND_STRING || kind == KIND_DATE || kind == KIND_DATETIME || kind == KIND_INSTANT;
}

static bool fits(char letter, const struct node *n, size_t i) {
	const struct type *type = &n->args[i]->type;
	switch (letter) {
	case '*': return true;
	case '=': return type_equal(&n->args[i - 1]->type, type);
	case 'e': return n->args[i + 1]->type.kind == KIND_LIST && (!n->args[i + 1]->type.item || type_equal(type, n->args[i + 1]->type.item));
	case 'o': return expression_is_ordered(type->kind);
	case 'c': return type->kind >= KIND_BOOL && type->kind <= KIND_DURATION;
	case 'R': return type->kind == KIND_RECORD && type->record->key != SIZE_MAX;
	default: return type->kind == kind_of(letter);
	}
}

static bool named(const struct function *f, const struct node *n) {
	return f->method == (n->kind == NODE_METHOD) && str_is(n->name, f->name);
}

static bool matches(const struct function *f, const struct node *n) {
	if (!named(f, n) || strlen(f->args) != n->count)
		return false;
	for (size_t i = 0; i < n->count; i++)
		if (!fits(f->args[i], n, i))
			return false;
	return true;
}

static bool no_such_function(struct checking *c, const struct node *n) {
	struct str names[FUNCTIONS];
	size_t count = 0;
	bool method = n->kind == NODE_METHOD;
	for (size_t i = 0; i < FUNCTIONS; i++)
		if (expression_functions[i].method == method && expression_functions[i].name[0] >= 'a')
			names[count++] = str_from(expression_functions[i].name);
	struct str near = name_nearest(n->name, names, count);
	return check_error(c, n, "there is no %s '%.*s'%s%.*s%s", method ? "method" : "function", STR_ARG(n->name), near.len ? "; did you mean '" : "", STR_ARG(near), near.len ? "'?" : "");
}

static void write_args(const struct function *f, struct buf *out) {
	for (size_t i = 0; f->args[i]; i++) {
		buf_z(out, i ? " and " : "");
		for (size_t k = 0; k < LETTERS; k++)
			if (letters[k].letter == f->args[i])
				buf_z(out, letters[k].words);
	}
}

/* Whether an argument is one that the function takes, so that it may be meant. */
static bool near_miss(const struct function *f, const struct node *n) {
	if (strlen(f->args) != n->count)
		return false;
	for (size_t i = 0; i < n->count; i++)
		if (strchr("=e", f->args[i]) == NULL && fits(f->args[i], n, i))
			return true;
	return false;
}

/* What the function takes: what is near to its arguments, else all that it takes. */
static void write_expected(const struct node *n, struct buf *out) {
	bool any = false;
	for (size_t i = 0; i < FUNCTIONS; i++)
		any = any || (named(&expression_functions[i], n) && near_miss(&expression_functions[i], n));
	const char *between = "";
	for (size_t i = 0; i < FUNCTIONS; i++) {
		if (!named(&expression_functions[i], n) || (any && !near_miss(&expression_functions[i], n)))
			continue;
		buf_z(out, between);
		write_args(&expression_functions[i], out);
		between = ", or ";
	}
}

static bool no_fit(struct checking *c, const struct node *n) {
	struct buf found, expected;
	buf_init(&found, 1000);
	buf_init(&expected, 1000);
	for (size_t i = 0; i < n->count; i++) {
		buf_z(&found, i ? " and " : "");
		buf_str(&found, type_name(c->a, &n->args[i]->type));
	}
	write_expected(n, &expected);
	bool operator = n->kind == NODE_BINARY || n->kind == NODE_UNARY;
	const char *what = operator ? "" : n->kind == NODE_METHOD ? "the method " : "the function ";
	const char *types = found.len > 0 ? found.at : found.overflow ? "so much" : "nothing";
	check_error(c, n, "%s'%.*s' takes %s, not %s", what, STR_ARG(n->name), expected.len > 0 ? expected.at : "other arguments", types);
	buf_free(&found);
	buf_free(&expected);
	return false;
}

bool expression_bind(struct checking *c, struct node *n) {
	bool known = false;
	for (size_t i = 0; i < FUNCTIONS; i++) {
		known = known || named(&expression_functions[i], n);
		if (!matches(&expression_functions[i], n))
			continue;
		n->run = expression_functions[i].run;
		n->type = (struct type){.kind = kind_of(expression_functions[i].result)};
		if (expression_functions[i].result == '0')
			n->type = n->args[0]->type;
		/* The first argument's type; [] + [1] has the item type of the side which has one. */
		return expression_functions[i].result != '1' || type_join(c->a, &n->args[0]->type, &n->args[1]->type, &n->type);
	}
	return known ? no_fit(c, n) : no_such_function(c, n);
}
