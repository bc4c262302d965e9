/* groups: records that instances of one workflow share, and who shares them. A change adds a row, so that what an entry of history read can be read again. A record
 * lives as long as an instance has its value. */
#ifndef ENGINE_STORE_GROUPS_H
#define ENGINE_STORE_GROUPS_H

#include "engine/base/secret.h"
#include "engine/store/store.h"

struct group_place {
	struct str workflow, name; /* of the group */
	struct str value;          /* that its members have in common */
};
struct group_record {
	struct group_place place;
	int64_t history_id;        /* that wrote it */
	struct str data;           /* JSON object */
	int64_t since;             /* of a member's: the entry by which it got that value */
};
struct group_record_list {
	struct group_record *items;
	size_t count, cap;
};

/* The newest, or the newest that was written before that entry (before 0: any). */
bool group_load(struct view *v, const struct group_place *place, int64_t before, struct arena *a, struct group_record *out, bool *found, struct err *err);
bool group_put(struct tx *tx, const struct group_record *record, struct err *err);
/* All that entries of the instance wrote. */
bool group_written(struct view *v, int64_t instance_id, struct arena *a, struct group_record_list *out, struct err *err);

/* The instance has that value from that entry on; empty: none. The record that it leaves goes when nobody has its value any more. */
bool group_join(struct tx *tx, int64_t instance_id, const struct group_place *place, int64_t history_id, struct err *err);
/* The groups that the instance is in, each with its newest record (empty: none). */
bool group_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct group_record_list *out, struct err *err);
/* Who else has the value and has not ended, oldest first. */
struct group_member {
	int64_t instance_id, root_id;
	unsigned char definition[SECRET_HASH];
};
struct group_member_list {
	struct group_member *items;
	size_t count, cap;
};
bool group_members(struct view *v, const struct group_place *place, int64_t except_id, struct arena *a, struct group_member_list *out, struct err *err);

#endif
