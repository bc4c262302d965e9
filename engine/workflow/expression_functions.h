/* expression_functions: what the functions share, and those that live in expression_civil.c. Private to expression*.c. */
#ifndef ENGINE_WORKFLOW_EXPRESSION_FUNCTIONS_H
#define ENGINE_WORKFLOW_EXPRESSION_FUNCTIONS_H

#include "engine/workflow/expression_tree.h"

/* The first argument, the first two. */
bool run_one(const struct node *n, struct machine *m, struct value *a);
bool run_two(const struct node *n, struct machine *m, struct value *a, struct value *b);
bool run_overflow(const struct node *n, struct machine *m); /* always false */
bool run_charge(const struct node *n, struct machine *m, size_t bytes); /* counts work against the step limit */

bool run_neg_span(const struct node *n, struct machine *m, struct value *out);
bool run_add_span(const struct node *n, struct machine *m, struct value *out);
bool run_add_date(const struct node *n, struct machine *m, struct value *out);
bool run_add_instant(const struct node *n, struct machine *m, struct value *out);
bool run_add_datetime(const struct node *n, struct machine *m, struct value *out);
bool run_sub_date(const struct node *n, struct machine *m, struct value *out);
bool run_sub_instant(const struct node *n, struct machine *m, struct value *out);
bool run_sub_datetime(const struct node *n, struct machine *m, struct value *out);
bool run_date_part(const struct node *n, struct machine *m, struct value *out);
bool run_date_from_string(const struct node *n, struct machine *m, struct value *out);
bool run_date_from_datetime(const struct node *n, struct machine *m, struct value *out);
bool run_date_from_instant(const struct node *n, struct machine *m, struct value *out);
bool run_datetime_from_string(const struct node *n, struct machine *m, struct value *out);
bool run_datetime_from_instant(const struct node *n, struct machine *m, struct value *out);
bool run_instant_from_datetime(const struct node *n, struct machine *m, struct value *out);
bool run_at(const struct node *n, struct machine *m, struct value *out);
bool run_workday(const struct node *n, struct machine *m, struct value *out);
bool run_workdays(const struct node *n, struct machine *m, struct value *out);

#endif
