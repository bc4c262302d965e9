/* expression: a statically typed subset of CEL with civil types (docs/workflow-language.md, "Expressions").
 * Compiled once at load; evaluation has no side effect, always ends, and costs at most a bounded number of
 * steps. A compiled expression is immutable: any thread may evaluate it. */
#ifndef ENGINE_WORKFLOW_EXPRESSION_H
#define ENGINE_WORKFLOW_EXPRESSION_H

#include "engine/base/yaml.h"
#include "engine/workflow/value.h"

struct ledger;
struct pool;
struct urn;

/* The names an expression may use. Slots number the values that the evaluator is given. */
struct scope {
	struct scope_name {
		struct str name;
		struct type type;
		size_t slot;
		bool optional;                  /* may be unset: reading it unguarded is a warning */
		const struct expression *let;   /* a named expression: evaluated in place, slot unused */
		const struct type *row;         /* let: it is a rule about a row of this type, used as name(row); NULL: it is no rule */
		bool outside;                   /* others may change it, as a group's record */
	} *items;
	size_t count, cap;
	const struct type *row; /* while a rule is compiled: what `row` is; NULL: there is none */
	bool warns; /* of members that may be unset, too */
	/* What rows() may name; their slots are none of the items'. */
	const struct scope_register {
		struct str name;
		struct type type;               /* LIST of its rows */
		size_t slot;
	} *registers;
	size_t register_count;
	const struct pool *pools;
	size_t pool_count;
};

struct expression; /* in the arena it was compiled in */

/* text stands at place in its file; problems are told with line and column inside it. want: the type needed,
 * or NULL for any. NULL on error (told in problems). Limits: 4000 bytes, 64 levels, 1000 nodes. */
const struct expression *expression_compile(struct arena *a, struct str text, struct yaml_place place,
                                            const struct scope *scope, const struct type *want,
                                            struct problems *problems);
bool expression_is_call(struct str name); /* name(...) has a meaning of its own: a function, has, rows */
const struct type *expression_type(const struct expression *e);
struct str expression_source(const struct expression *e);
/* Whether its value depends on the name (or, for a register's slot, on the rows) in this slot, directly or through a let. */
bool expression_reads(const struct expression *e, size_t slot);
/* Whether it asks a pool or reads a group's record, directly or through a let: what it says may change without the instance. */
bool expression_asks(const struct expression *e);
/* The seed that it draws with; empty: it draws nothing. */
struct str expression_seed(const struct expression *e);
/* True when the value, false counted below true, can only stay or rise while the values in these slots (clocks) rise and all others stay:
 * such a bool becomes true once. Told by the form of the expression: comparisons, && || !, sums, min and max. */
bool expression_never_falls(const struct expression *e, const size_t *clocks, size_t count);

/* Where rows() finds the rows of a register, valid now, in file order: by its slot. What is read lives as long as the arena or longer. */
struct row_source {
	bool (*read)(void *context, size_t slot, struct arena *a, struct value *list, struct err *err);
	void *context;
};

/* What an evaluation needs beside the slots. */
struct environment {
	const struct value *slots;      /* values of the names by slot; may hold KIND_UNSET */
	size_t slot_count;
	const struct zone *zone;
	const struct calendar *calendar;
	const struct row_source *rows;  /* NULL: no register can be read here */
	struct ledger *ledger;          /* NULL: no pool can be asked */
	struct urn *urn;                /* NULL: nothing can be drawn */
};

/* Result in *out, memory in arena. False: unset field, rows that cannot be read, division by zero, overflow, index out of range, step
 * limit (100,000); err->text says which and where. && and || follow CEL: an error on one side counts only when the
 * other side does not decide. */
bool expression_evaluate(const struct expression *e, const struct environment *env, struct arena *a,
                         struct value *out, struct err *err);
/* What is given to another instance: as expression_evaluate(), but a name alone, or a column of a row, that is not set is passed on as not set. */
bool expression_pass_on(const struct expression *e, const struct environment *env, struct arena *a, struct value *out, struct err *err);
bool expression_names(const struct expression *e); /* it is a name alone, or a column of a row */
/* As a guard: unset and error are "no"; *err is set on error so that it can be logged. */
bool expression_holds(const struct expression *e, const struct environment *env, struct arena *a, struct err *err);

#endif
