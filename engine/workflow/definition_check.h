/* definition_check: what cannot be seen while reading one key: reachability, exits, waiting states without a timeout, undetermined timer ties,
 * public starts that would mail strangers, texts and messages that are missing or use fields that some path leaves unset,
 * SMS that leave GSM 7-bit or one part. Pure. */
#ifndef ENGINE_WORKFLOW_DEFINITION_CHECK_H
#define ENGINE_WORKFLOW_DEFINITION_CHECK_H

#include "engine/workflow/definition.h"

struct texts;
/* Adds problems (errors and warnings). texts NULL: only the machine is checked. */
void definition_check(const struct definition *d, const struct texts *texts, struct problems *problems);

/* For each state, which fields are set on every path to it (bit by field slot); in arena. */
const bool *definition_always_set(const struct definition *d, struct arena *a, const struct state *state);

/* A register of another workflow (`from`): what is declared again here must be what its owner says. owner NULL: no package has that workflow. */
void definition_check_shared(const struct register_type *reg, const struct definition *owner, struct problems *problems);
/* Of an action `plan`, and the workflow of the children that it names. */
void definition_check_plan(const struct action *action, const struct definition *children, struct problems *problems);
/* Of a start that begins from a case of that workflow. */
void definition_check_from(const struct start_from *from, const struct definition *other, struct problems *problems);

#endif
