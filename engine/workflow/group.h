/* group: records that instances share. A board is these records as one decision, or one form, sees them: what stands in the store, asked through a port when a value of
 * `by` first comes up, and what the decision itself has written so far. One for a decision, in its arena. */
#ifndef ENGINE_WORKFLOW_GROUP_H
#define ENGINE_WORKFLOW_GROUP_H

#include "engine/workflow/data.h"

struct group_port {
	void *context;
	/* The record as JSON; empty: there is none. In arena. */
	bool (*read)(void *context, const struct group_rule *group, struct str key, struct arena *a, struct str *json, struct err *err);
	const struct register_port *registers; /* for its refs */
};

struct shared_record {
	const struct group_rule *group;
	struct str key;         /* what its members have in common, as text */
	struct str json;        /* as it was read */
	struct value *members;  /* as it is now; never changed in place */
};
struct board {
	struct group_port port;
	const struct definition *definition;
	struct arena *a;
	struct {
		struct shared_record *items;
		size_t count, cap;
	} records;              /* that were asked for */
	struct err failed;      /* the port could not be asked: nothing may be decided by it */
};

/* Empty: the instance is in no such group. In arena. */
struct str board_key(const struct group_rule *group, const struct value *fields, struct arena *a);
/* NULL: it was not asked for. */
const struct shared_record *board_find(const struct board *b, const struct group_rule *group, struct str key);
/* Puts the record of each group into its slot, by the fields that stand before it; without a value of `by` one in which nothing is set. */
void board_fill(struct board *b, struct value *slots);
/* Of the record of these fields: a member becomes the value. False: it was that already, or there is no record to write to. */
bool board_set(struct board *b, const struct group_rule *group, const struct value *fields, size_t member, const struct value *value);

#endif
