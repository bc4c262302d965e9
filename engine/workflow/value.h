/* value: what a field holds and what an expression computes, with its type. Plain data, borrowed
 * from the arena it was made in. Any thread. */
#ifndef ENGINE_WORKFLOW_VALUE_H
#define ENGINE_WORKFLOW_VALUE_H

#include "engine/base/civil.h"

enum kind {
	KIND_UNSET = 0, /* a field without a value; null in JSON */
	KIND_BOOL,
	KIND_INT,
	KIND_DOUBLE,
	KIND_STRING,
	KIND_DATE,     /* int: day */
	KIND_DATETIME, /* int: local ms */
	KIND_INSTANT,  /* int: UTC ms */
	KIND_DURATION, /* span */
	KIND_LIST,
	KIND_RECORD, /* a register's row, a child instance: named members, fixed by the type */
	KIND_MAP,    /* string -> item: a matrix */
	KIND_SEALED  /* string: of a sensitive field, see sealed.h */
};

/* Static type. Types are compared by structure. */
struct type {
	enum kind kind;
	const struct type *item;             /* LIST, MAP: of the items; NULL in the type of [] only */
	const struct record_type *record;    /* RECORD */
};

struct record_type {
	struct str name; /* for messages: "goals" */
	struct record_member {
		struct str name;
		struct type type;
		bool optional; /* may be unset: reading it unguarded is a warning */
	} *members;
	size_t count;
	size_t key; /* index of the member a ref is compared and stored by; SIZE_MAX if none */
};

struct value {
	enum kind kind;
	union {
		bool boolean;
		int64_t integer; /* INT, DATE, DATETIME, INSTANT */
		double decimal;
		struct str string;
		struct span span;
		struct {
			const struct value *items;
			const struct str *keys; /* MAP: count keys; LIST: NULL */
			size_t count;
			struct str digest; /* LIST: of all its items, as draws tell it (draw.h); empty: nobody has worked it out */
		} list; /* LIST, MAP */
		struct {
			const struct record_type *type;
			const struct value *members; /* type->count of them */
			struct str version;          /* of a register's row; else empty */
		} record;
	};
};

#define VALUE_UNSET ((struct value){.kind = KIND_UNSET})
struct value value_bool(bool b);
struct value value_int(int64_t i);
struct value value_double(double d);
struct value value_string(struct str s);
struct value value_date(int64_t day);
struct value value_datetime(int64_t local);
struct value value_instant(int64_t instant);

bool type_equal(const struct type *a, const struct type *b);
/* The one type of values of both, in arena: like type_equal, but what is open in one ([] has no item type) is taken from the other. */
bool type_join(struct arena *arena, const struct type *a, const struct type *b, struct type *out);
struct str type_name(struct arena *a, const struct type *t); /* "list of string" */
/* Deep equality. A RECORD with a key equals another of the same type when their keys are equal. Doubles by ==. */
bool value_equal(const struct value *a, const struct value *b);
/* Equal, and written as the same JSON: rows of one version too, no 0.0 for -0.0. */
bool value_identical(const struct value *a, const struct value *b);
const struct value *value_member(const struct value *record, struct str name); /* NULL: no such member */
const struct value *value_at(const struct value *map, struct str key);          /* NULL: no such key */

/* JSON, canonical (members in the given order, no blanks): true, 12, 1.5 (doubles always with . or e), "text",
 * dates as their ISO text, duration as text, LIST array, MAP object, RECORD with key: {"key":...,"version":...},
 * other RECORD: object, SEALED {"sealed":...}, UNSET null. */
void value_to_json(const struct value *v, struct buf *out);
/* For people on the command line and in logs: as JSON, but strings without quotes at the top, and of what is sealed the mask. */
struct str value_text(struct arena *a, const struct value *v);

/* Parsed JSON (jansson), read by type: a RECORD with key becomes KIND_RECORD only through `row`, see data.h. */

#endif
