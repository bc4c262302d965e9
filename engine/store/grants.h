/* grants: who has a role of which cases because a register says so. A rule (a role's, by what it asks of rows) has a scope for each row that fits it and for
 * each case; a case's people in that role are those whose rows have its scope, on their days. What engine/workflow/grants.h keeps as the registers are. */
#ifndef ENGINE_STORE_GRANTS_H
#define ENGINE_STORE_GRANTS_H

#include "engine/base/secret.h"
#include "engine/store/store.h"

struct grant_rule_row {
	int64_t id;
	unsigned char hash[SECRET_HASH];
	struct str reg;                        /* its full name */
	unsigned char definition[SECRET_HASH]; /* that has the rule, as its role: */
	struct str role;
};
struct grant_rule_rows {
	struct grant_rule_row *items;
	size_t count, cap;
};
bool grant_rule_find(struct view *v, const unsigned char hash[SECRET_HASH], int64_t *id, struct err *err); /* 0: there is none */
bool grant_rule_add(struct tx *tx, const struct grant_rule_row *row, int64_t *id, struct err *err);
bool grant_rules_of(struct view *v, struct str reg /* empty: any */, struct arena *a, struct grant_rule_rows *out, struct err *err);

/* A row of a register, as a rule reads it. */
struct grant {
	int64_t rule_id, contact_id;
	struct str scope, name;
	struct str row;                   /* its key */
	int64_t version;
	int64_t from_day, until_day;      /* both included */
};
bool grant_add(struct tx *tx, const struct grant *grant, struct err *err);
bool grant_clear(struct tx *tx, int64_t rule_id, struct err *err); /* nobody has anything by it */
/* What rows gave that are not in the register any more, or not in that version, goes. *left: something else stays. */
bool grant_prune(struct tx *tx, int64_t rule_id, struct str reg, bool *left, struct err *err);
bool grant_of_row(struct view *v, int64_t rule_id, struct str row, int64_t version, bool *is, struct err *err); /* it gave something already */
/* The grant by which the contact has that role of the case on that day; *found false: none. */
bool grant_held(struct view *v, int64_t instance_id, struct str role, int64_t contact_id, int64_t day, struct arena *a, struct grant *out, bool *found, struct err *err);

/* All that a rule gives, by row and version; whose: the key of each contact, as grants have it. For verify. */
struct kept_grants {
	struct kept_grant {
		struct grant grant;
		struct str whose;
		int64_t channel;
	} *items;
	size_t count, cap;
};
bool grants_of_rule(struct view *v, int64_t rule_id, struct arena *a, struct kept_grants *out, struct err *err);

/* What registers give the contact, now or on other days, in whatever cases; by register and row. */
struct given_role {
	struct str reg, role, row, name;
	int64_t from_day, until_day; /* INT64_MIN, INT64_MAX: without such a bound */
};
struct given_roles {
	struct given_role *items;
	size_t count, cap;
};
bool grant_of_contact(struct view *v, int64_t contact_id, struct arena *a, struct given_roles *out, struct err *err);

/* *lost: a register gave such a role of the case, and does not give it to this contact on that day. */
bool grant_lost(struct view *v, int64_t instance_id, struct str role, int64_t contact_id, int64_t day, bool *lost, struct err *err);

/* Of a case: what rows must have. scope empty: nobody can have the role as things stand. */
bool grant_scope_put(struct tx *tx, int64_t instance_id, struct str role, int64_t rule_id, struct str scope, struct err *err);
/* hash: the rule's that it is asked by. */
bool grant_scope_find(struct view *v, int64_t instance_id, struct str role, struct arena *a, struct str *scope, unsigned char hash[SECRET_HASH], bool *found, struct err *err);

#endif
