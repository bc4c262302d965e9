/* grants: roles whose people are rows of a register (docs/workflow-language.md, "roles"). What engine/store/grants.h knows of them follows the registers, in the
 * transaction that changes one, and the cases, in each of their transitions. Writer's thread, or a scenario's. */
#ifndef ENGINE_WORKFLOW_GRANTS_H
#define ENGINE_WORKFLOW_GRANTS_H

#include "engine/store/grants.h"
#include "engine/workflow/site.h"

/* Other rows for a register, and with them who has which roles from now on. */
bool grants_import(struct site *site, struct tx *tx, struct str reg, const struct register_rows *rows, int64_t now, struct register_change *change, struct err *err);
/* What the store has of them is what the registers say now. A line a fault to out, which *faults counts. */
bool grants_verify(struct site *site, struct view *v, struct buf *out, int64_t *faults, struct err *err);
/* The rule's id in the store; a new one is filled with the rows that fit it. */
bool grants_rule(struct site *site, struct tx *tx, const struct definition *d, const struct role *role, int64_t now, int64_t *id, struct err *err);
/* What a row must have to be of this case, as text in arena; empty: it cannot be told, so nobody has the role. */
struct str grants_scope(const struct grant_rule *rule, const struct environment *env, struct arena *a);
/* Likewise what a row has; empty: it is of no case. */
struct str grants_row_scope(const struct definition *d, const struct grant_rule *rule, const struct value *row, struct arena *a);
/* The address or number that a row names, as contacts are compared; false: none. */
bool grants_row_address(const struct site *site, const struct grant_rule *rule, const struct value *row, struct arena *a, struct str *address);

#endif
