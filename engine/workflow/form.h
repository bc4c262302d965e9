/* form: the one validation gate. Whatever people typed, wherever it came from (portal, command line, scenario), becomes values here or is
 * refused with a message key at its field. Pure but for the register port. */
#ifndef ENGINE_WORKFLOW_FORM_H
#define ENGINE_WORKFLOW_FORM_H

#include "engine/base/language.h"
#include "engine/workflow/data.h"

struct form_problem {
	struct str name;   /* field, "field.row" of a matrix, "field.2.email" of a group's second item */
	const char *key;   /* message key of languages/<lang>.yaml, e.g. "field.missing" */
	struct str arg[2]; /* its arguments */
};
struct form_problems {
	struct form_problem *items;
	size_t count, cap;
};

/* What validation needs to know of the world. */
struct form_world {
	const struct definition *definition;
	const struct register_port *registers;
	const struct zone *zone;
	const struct calendar *calendar;
	int64_t now;
	const struct languages *languages; /* whose month names are read; NULL: dates in digits only */
	int64_t country; /* calling code for phone numbers without + */
	const struct sms_config *sms; /* whose calling codes a number that is texted must have; NULL: any */
	struct str state, reference;
	struct str actor; /* address of who fills in; empty: not known */
	int64_t started_at, entered_at;
	const struct keyring *keys; /* sensitive fields are sealed with; NULL: the definition has none */
	struct str whose;           /* sealed fields are then this instance's: its reference; empty: a form under way */
	struct ledger *ledger; /* of the instance; NULL: it has no pools */
	struct board *board;   /* of the instance; NULL: it has no groups */
	struct str event; /* that the form is of, "start" for the start's; empty: nobody fills it in */
	const struct value *item; /* of a group, whose fields' rules read it; NULL: none */
};

/* Validates the asked fields of one page (page < 0: all pages) over `values` (the instance's, changed in place: asked fields get their
 * value, unasked ones of these pages are cleared). False on failure of registers; problems are told, not failures. */
bool form_validate(const struct form_world *world, const struct form *form, int page, const struct answers *answers,
                   struct arena *a, struct value *values, struct form_problems *problems, struct err *err);
/* Whether the item is asked, given the values so far. */
bool form_asked(const struct form_world *world, const struct form_item *item, const struct value *values, struct arena *a);
/* Whether each of these rows of the catalogue can be chosen, given the values so far. In arena. */
const bool *form_available(const struct form_world *world, const struct catalogue *c, const struct value *values, const struct value *rows, size_t count,
                           struct arena *a);
/* The row with that key as one of a list's answers; UNSET: it is not offered, or cannot be chosen, which is told. False: failure. */
bool form_row(const struct form_world *world, const struct form_item *item, struct str key, struct value *values, struct arena *a, struct value *out,
              struct form_problems *problems, struct err *err);
/* Tells it when the field's `valid` does not hold. */
void form_check_rule(const struct form_world *world, const struct field *field, struct value *values, struct arena *a, struct form_problems *problems);
/* The rows that a ref or matrix field offers, given the values so far; RECORD values in file order. */
bool form_rows(const struct form_world *world, const struct field *field, const struct value *values, struct arena *a,
               const struct value **rows, size_t *count, struct err *err);
/* The first and the last day that a date field takes. A limit that cannot be computed (a field it reads is not set yet) is none. */
struct day_limits {
	bool has_min, has_max;
	int64_t min, max;
};
struct day_limits form_day_limits(const struct form_world *world, const struct field *field, const struct value *values, struct arena *a);
/* The answers that would give this value. */
void form_answers_of(const struct field *field, const struct value *value, struct arena *a, struct answers *out);
/* The same, to fill a form in again: yes and no are answered anew each time. */
void form_answers_again(const struct field *field, const struct value *value, struct arena *a, struct answers *out);
/* Of a sensitive field: an answer as it may be kept, under this name beside the field's own, and opened by the gate where that one is blank. whose: as sealed_make has it. */
struct str form_sealed_name(const struct field *field, struct arena *a);
/* Under this name stands that the answer goes, where it may be left out and nothing is typed. */
struct str form_cleared_name(const struct field *field, struct arena *a);
void form_seal_answer(const struct form_world *world, const struct field *field, struct str whose, struct str typed, struct arena *a, struct answers *out);
/* Answers that wait in the store: those to sensitive fields are sealed first. */
void form_seal_answers(const struct form_world *world, struct str whose, struct answers *answers, struct arena *a);
/* The name of an answer of a group: item 1 is the first. */
struct str form_item_name(const struct field *group, size_t item, const struct field *member, struct arena *a);
/* What an answer of that name is to the group: one of its fields, and *item from 1 to twice as many as it may have; NULL: nothing. */
const struct field *form_item_member(const struct field *group, struct str name, size_t *item);
/* Whether an answer or a problem of that name is the field's own, a row's or an item's. */
bool form_belongs(const struct field *field, struct str name);
/* The `default` of each field (a ref's is its row's key) becomes its value. False: one cannot be computed, or there is no such row. */
bool form_defaults(const struct form_world *world, struct arena *a, struct value *values, struct err *err);
/* slots + extras for expressions of the definition over these values; row/children unset. */
struct environment form_environment(const struct form_world *world, const struct value *values, struct arena *a);

#endif
