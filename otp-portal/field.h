/* field: one field of a form: label, hint, message, input. Names of inputs are what filling_typed reads back: the field's, repeated for
 * each value of a list, "field.rowkey" in a matrix, "field.2.email" in the second item of a group. */
#ifndef OTP_PORTAL_FIELD_H
#define OTP_PORTAL_FIELD_H

#include "otp-portal/filling.h"

struct field_view {
	const struct filling *filling;
	const struct form_item *item;
	struct str id;                         /* of its inputs, behind "f-" */
	const struct answers *shown;           /* what stands in the inputs */
	const struct form_problems *problems;
	const struct value *rows;              /* of a ref or matrix */
	size_t row_count;
	const struct field_view *members;      /* of a group: its fields, as group_member makes them those of an item */
	int64_t example;                       /* of a date: a day that would do */
	bool fresh;                            /* asked because of what was just posted: it was not on the page */
	bool focus;                            /* its first input has the focus when the page opens */
	bool more;                             /* a list: one more input than there are values */
	struct response *out;
};

/* Reads what the field offers: the rows of a ref or matrix, a day that a date field takes. Sets id. */
bool field_open(struct field_view *v, const struct value *values, struct err *err);
void field_write(const struct field_view *v);
/* Id of the input where this problem is mended; empty when it is not of this field. */
struct str field_anchor(const struct field_view *v, struct str problem);
/* Label of the matrix's row that this problem is of; empty: of no row. */
struct str field_row(const struct field_view *v, struct str problem);
/* The label as text, with "(optional)" where it is. */
void field_write_label(const struct field_view *v);
/* One text input; index: of a list. */
void field_write_input(const struct field_view *v, size_t index, bool focus);
/* aria-describedby of its inputs or fieldset. */
void field_write_description(const struct field_view *v);
struct str field_problem_text(const struct field_view *v, const struct form_problem *problem);
/* What the problem is about, where the text does not say it: the label; "Contact 2, E-mail". */
struct str field_problem_subject(const struct field_view *v, const struct form_problem *problem);

#endif
