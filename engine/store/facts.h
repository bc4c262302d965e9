/* facts: (instance, item) is so, by whom, since when, on what basis. */
#ifndef ENGINE_STORE_FACTS_H
#define ENGINE_STORE_FACTS_H

#include "engine/base/secret.h"
#include "engine/store/store.h"

struct fact {
	int64_t instance_id;
	struct str item, basis; /* basis: "hand", "rule", "upload" */
	int64_t contact_id, history_id, at;
};
bool fact_put(struct tx *tx, const struct fact *fact, struct err *err); /* again: replaces */
bool fact_find(struct view *v, int64_t instance_id, struct str item, struct arena *a, struct fact *out, bool *found, struct err *err);
bool fact_remove(struct tx *tx, int64_t instance_id, struct str item, struct err *err);

#endif
