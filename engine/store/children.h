/* children: what several instances with one parent say in a few of their fields, without reading each. Names of fields are those of the language. */
#ifndef ENGINE_STORE_CHILDREN_H
#define ENGINE_STORE_CHILDREN_H

#include "engine/store/store.h"

enum { CHILDREN_ORDER = 5 };
struct child_query {
	int64_t parent_id;
	struct str workflow;
	struct str states;                /* " waiting open ": each between blanks; empty: all that have not ended */
	struct str among;                 /* likewise: those in these states too, marked `beside`; empty: none */
	struct str except;                /* a bool: who has it is left out; empty: nobody */
	struct str order[CHILDREN_ORDER]; /* in turn; empty: no more. Without a value they come last; what is equal is ordered by id */
	struct str group, number, end;    /* text, int and datetime to read; empty: none */
	struct str then; /* the children as they were, as JSON: [{"id":1,"version":2,"state":"a","ended_at":null,"data":{...}}]; empty: as they are now */
};
struct child_row {
	int64_t id, version;
	struct str group, end; /* empty: unset */
	int64_t number;        /* 0: unset */
	bool beside;
};
struct child_list {
	struct child_row *items;
	size_t count, cap;
};
bool children_in_order(struct view *v, const struct child_query *query, struct arena *a, struct child_list *out, struct err *err);
/* The highest value of query->number of all children of that workflow, whatever their state; 0: none has one. */
bool children_highest(struct view *v, const struct child_query *query, struct arena *a, int64_t *number, struct err *err);

/* By id, whether they have ended or not. workflow empty: of any. */
struct child_state {
	int64_t id, version;
	struct str workflow, state;
	bool ended;
};
struct child_states {
	struct child_state *items;
	size_t count, cap;
};
bool children_states(struct view *v, int64_t parent_id, struct str workflow, struct arena *a, struct child_states *out, struct err *err);

/* All children of an instance, oldest first: with the entry that each began with, the newest that moved it, and whether it has ended. For replay. */
struct child_span {
	int64_t id, first_id, moved_id; /* 0: it has no history */
	struct str workflow;
	bool ended;
};
struct child_spans {
	struct child_span *items;
	size_t count, cap;
};
bool children_spans(struct view *v, int64_t parent_id, struct arena *a, struct child_spans *out, struct err *err);

#endif
