/* definition_shape: the grammar of workflow.yaml and registers.yaml as constant tables, and the walk that compares a file with
 * them: unknown and missing keys, wrong kinds, badly written scalars. What passed needs no look at its form again, so the readers of
 * definition_*.c only ask what it means. docs/workflow.schema.json is written from the same tables. Internal to the definition's files;
 * any thread. */
#ifndef ENGINE_WORKFLOW_DEFINITION_SHAPE_H
#define ENGINE_WORKFLOW_DEFINITION_SHAPE_H

#include "engine/base/civil.h"
#include "engine/base/yaml.h"

enum shape_kind {
	SHAPE_TEXT,       /* any scalar that is not empty */
	SHAPE_NAME,       /* [a-z][a-z0-9_-]{0,39} */
	SHAPE_WORD,       /* a name that expressions read: without - */
	SHAPE_OPTION,     /* [A-Za-z0-9_-]{1,40} */
	SHAPE_NAMES,      /* one name, or a list of them */
	SHAPE_TRUTH,      /* true, false */
	SHAPE_WHOLE,      /* 0 ... 1,000,000,000 */
	SHAPE_RANGE,      /* 0..3 */
	SHAPE_SPAN,       /* a duration of more than nothing */
	SHAPE_TIME,       /* "09:00" */
	SHAPE_EXPRESSION,
	SHAPE_ASSIGNED,   /* an expression, or null */
	SHAPE_ONE_OF,     /* one of words */
	SHAPE_LIST,       /* of each */
	SHAPE_NAMED,      /* a map of names that the author chooses, to each */
	SHAPE_MAP,        /* a map with these keys */
	SHAPE_NAME_OR_MAP /* a word, or a map with these keys */
};

struct shape_key {
	const char *key; /* NULL ends the table */
	const struct shape *shape;
	bool needed;
	unsigned need;   /* needed for these words of the map's `choose` key, though not only there */
	bool one;        /* exactly one of the keys marked so is there */
	unsigned only;   /* there only for these words of the map's `choose` key, a bit each; 0: for all */
	const char *help;
};

struct shape {
	enum shape_kind kind;
	const char *what;             /* "state": in messages, and its name in the schema */
	const struct shape_key *keys; /* MAP, NAME_OR_MAP */
	const char *choose;           /* MAP: the key, a ONE_OF, that decides which others there are */
	const struct shape *each;     /* LIST, NAMED */
	const char *const *words;     /* ONE_OF; NULL ends it */
	bool filled;                  /* LIST, NAMED: not empty */
	bool words_only;              /* NAMED: the names are for expressions, without - */
};

extern const struct shape shape_workflow, shape_registers;
extern const char *const shape_field_types[]; /* in the order of enum field_kind */

/* Tells every difference. False when there was one. */
bool shape_check(const struct shape *shape, const struct yaml *node, struct problems *problems);
/* What a scalar of that kind looks like, for people: "a duration such as 7d, 90min or 3 workdays"; NULL: no scalar. */
const char *shape_expected(enum shape_kind kind);

/* Scalars that passed the walk; node NULL gives the second argument. */
bool shape_truth(const struct yaml *node, bool absent);
int64_t shape_whole(const struct yaml *node, int64_t absent);
struct span shape_span(const struct yaml *node, struct span absent);
struct str shape_text(const struct yaml *node);
bool shape_range(struct str text, int64_t *from, int64_t *to);

#endif
