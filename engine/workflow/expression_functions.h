/* expression_functions: what the functions share, and the functions themselves. Private to expression*.c. */
#ifndef ENGINE_WORKFLOW_EXPRESSION_FUNCTIONS_H
#define ENGINE_WORKFLOW_EXPRESSION_FUNCTIONS_H

#include "engine/workflow/expression_tree.h"

/* The table of operators and functions. Argument kinds: b i d s D(ate) T(datetime) I(nstant) P(span) L(ist) M(ap) R(ecord with a key), '=' the same type
 * as the argument before, '*' any type, 'o' an ordered type, 'c' a single value, 'e' an item of the list that follows. Result: a kind, '0' the type of the first argument or
 * '1' the type that both arguments have. */
struct function {
	const char *name;
	bool method;
	const char *args;
	char result;
	run_function *run;
};
extern const struct function expression_functions[];
extern const size_t expression_function_count;

/* The first argument, the first two. */
bool run_one(const struct node *n, struct machine *m, struct value *a);
bool run_two(const struct node *n, struct machine *m, struct value *a, struct value *b);
bool run_overflow(const struct node *n, struct machine *m); /* always false */

/* expression_functions.c */
run_function run_add_int, run_sub_int, run_mul_int, run_div_int, run_mod_int, run_neg_int, run_add_double,
        run_sub_double, run_mul_double, run_div_double, run_neg_double, run_not, run_add_string, run_add_list,
        run_size_string, run_size_list, run_distinct, run_starts, run_ends, run_contains, run_substring, run_lower, run_in_list, run_in_map,
        run_equal, run_equal_key, run_compare, run_compare_span, run_min_max_span, run_min_max, run_same,
        run_int_from_double, run_int_from_string, run_double_from_int, run_double_from_string, run_string,
        run_bool_from_string;

/* expression_civil.c */
run_function run_neg_span, run_add_span, run_add_date, run_add_instant, run_add_datetime, run_sub_date,
        run_sub_instant, run_sub_datetime, run_date_part, run_date_from_string, run_date_from_datetime,
        run_date_from_instant, run_datetime_from_string, run_datetime_from_instant, run_instant_from_datetime,
        run_at, run_workday, run_workdays, run_slot_of;

/* expression_distance.c */
run_function run_distance_km;

#endif
