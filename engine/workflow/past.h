/* past: the fields of an instance as its history left them: what the entries set, one after the other. */
#ifndef ENGINE_WORKFLOW_PAST_H
#define ENGINE_WORKFLOW_PAST_H

#include "engine/store/history.h"
#include "engine/workflow/data.h"

/* After the first `count` entries. *values NULL: a payload among them was erased. */
bool past_replay(const struct definition *d, const struct history_list *entries, size_t count, const struct register_port *port,
                 struct arena *a, struct value **values, struct err *err);
/* After the entry with history_id; *entry: that one, in arena. NOT_FOUND. */
bool past_values(struct view *v, const struct definition *d, int64_t instance_id, int64_t history_id, const struct register_port *port,
                 struct arena *a, struct history *entry, struct value **values, struct err *err);

#endif
