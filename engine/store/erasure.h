/* erasure: takes what a case says about people out of the store (design.md promise 6). Its skeleton stays: reference, workflow, states, when which event was, in which role, and the
 * chain of hashes over it, which is still verified. Contacts that nothing else names lose their address. */
#ifndef ENGINE_STORE_ERASURE_H
#define ENGINE_STORE_ERASURE_H

#include "engine/store/instances.h"
#include "engine/store/people.h"

/* The case ends by it if it still runs. CONFLICT: a message is being sent, or a document drawn, right now. Nothing was written then. */
bool erasure_of_instance(struct tx *tx, int64_t instance_id, int64_t now, struct err *err);
/* One of those whose time to be kept is over (instance.erase_at); *id 0: there is none. What is held up now comes again an hour later. */
bool erasure_due(struct tx *tx, int64_t now, int64_t *id, struct err *err);
/* The case and all that it started, and they started: ids rising. */
bool erasure_family(struct view *v, int64_t instance_id, struct arena *a, struct instance_list *out, struct err *err);
/* The cases in which the contact takes part, with its role in each. */
struct part {
	int64_t instance_id;
	struct str role;
};
struct part_list {
	struct part *items;
	size_t count, cap;
};
bool erasure_parts(struct view *v, int64_t contact_id, struct arena *a, struct part_list *out, struct err *err);
/* A contact that takes part in nothing: its address, log-ins and codes. *gone false: it takes part in something still. */
bool erasure_of_contact(struct tx *tx, int64_t contact_id, bool *gone, struct err *err);

#endif
