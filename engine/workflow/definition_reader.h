/* definition_reader: what the readers of a definition's parts share. They run after the walk over the tables of definition_shape.h, so
 * every key, kind and scalar is known to be well formed; they tell what names mean nothing and what contradicts. After an error they go
 * on with NULL in that place, so that one run tells everything. Internal to definition_*.c. */
#ifndef ENGINE_WORKFLOW_DEFINITION_READER_H
#define ENGINE_WORKFLOW_DEFINITION_READER_H

#include "engine/workflow/definition.h"
#include "engine/workflow/definition_shape.h"

struct reader {
	struct definition *d;
	struct arena *arena; /* the definition's */
	struct problems *problems;
};

/* The parts of a definition whose first member is their name. */
struct named {
	const char *what; /* "field" */
	const void *items;
	size_t count, size;
};
#define NAMED(label, list) ((struct named){(label), (list).items, (list).count, sizeof *(list).items})
const void *named_find(struct named list, struct str name); /* NULL: none */
/* Tells an unknown name, with the nearest one. NULL then, and when name is NULL. */
const void *reader_find(struct reader *r, struct named list, const struct yaml *name);
/* A name or a list of names as a plain list of nodes; node NULL: empty. */
struct yaml_nodes {
	const struct yaml **items;
	size_t count, cap;
};
struct yaml_nodes reader_names(struct reader *r, const struct yaml *node);

/* Expressions; node NULL gives NULL. Kept with their place in the definition's list of uses. */
const struct expression *reader_expression(struct reader *r, const struct yaml *node, const struct scope *scope, const struct type *want);
const struct expression *reader_guard(struct reader *r, const struct yaml *node); /* bool, in the definition's scope */
/* The same, and it may draw: only what is written down at once, and once, can be drawn. */
const struct expression *reader_drawing(struct reader *r, const struct yaml *node, const struct scope *scope, const struct type *want);

/* An array of exactly count items, so that pointers into it last. */
#define READER_FIX(r, list, n)                                                                             \
	do {                                                                                               \
		(list)->items = arena_array((r)->arena, (n), sizeof *(list)->items);                       \
		(list)->count = (list)->cap = (n);                                                         \
	} while (0)

/* In this order; each takes the file's root. */
void read_registers(struct reader *r, const struct yaml *registers); /* NULL: none */
void read_pools(struct reader *r, const struct yaml *pools);         /* NULL: none */
void read_fields(struct reader *r, const struct yaml *data);         /* names and types */
void read_groups(struct reader *r, const struct yaml *groups);       /* NULL: none */
void reader_reserved(struct reader *r, const struct yaml *key, const char *what); /* tells a name that has a meaning of its own */
struct type reader_type(struct reader *r, const struct field *f);    /* in expressions */
/* The definition's scope and one name more. */
struct scope reader_scope_with(struct reader *r, const char *name, struct type type, size_t slot);
void read_scope(struct reader *r, const struct yaml *rules, const struct yaml *lets); /* NULL: none */          /* NULL: none */
void read_field_expressions(struct reader *r, const struct yaml *data);
void read_catalogues(struct reader *r, const struct yaml *catalogues); /* NULL: none */
void read_roles(struct reader *r, const struct yaml *roles);
const struct grant_rule *read_grants(struct reader *r, const struct yaml *role); /* NULL: told */
void read_forms(struct reader *r, const struct yaml *forms);         /* NULL: none */
void read_states(struct reader *r, const struct yaml *states, const struct yaml *common /* NULL: none */, const struct yaml *initial);
void read_actions(struct reader *r, const struct yaml *actions, struct action_list *out); /* NULL: none */
/* Of another workflow's instances (own false): each an assignment of the action. */
void read_assignments(struct reader *r, const struct yaml *data, bool own, const struct scope *scope, struct action *action);
void read_plan(struct reader *r, const struct yaml *node, struct action *action);
void read_claim(struct reader *r, const struct yaml *node, enum action_kind kind, struct action *action);
void read_seed(struct reader *r, const struct yaml *node, enum action_kind kind, struct action *action);
void read_draws(struct reader *r); /* once the states are read */
void read_share(struct reader *r, const struct yaml *node, struct action *action);
void read_views(struct reader *r, const struct yaml *views);         /* NULL: none */
void read_acts(struct reader *r, const struct yaml *views);          /* of pages, once the states are read; NULL: none */
void read_start(struct reader *r, const struct yaml *start);

#endif
