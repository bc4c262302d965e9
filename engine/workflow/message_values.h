/* message_values: what the names in a message or document stand for: the fields as they were frozen when it was sent or made, and what every message has
 * (link, recipient, reference...). Plain data, borrowed by a rendering. */
#ifndef ENGINE_WORKFLOW_MESSAGE_VALUES_H
#define ENGINE_WORKFLOW_MESSAGE_VALUES_H

#include "engine/store/instances.h"
#include "engine/workflow/site.h"

struct message_values {
	const struct site *site;
	const struct texts *texts;
	const struct definition *definition;  /* that the instance is pinned to */
	const struct language *language;      /* of the message, so of its values */
	struct str role, recipient;           /* empty in a document, which is nobody's own */
	const struct instance *instance;
	const struct value *fields;           /* by slot */
	const struct register_port *registers;
	struct str url;                       /* empty: no link */
	int64_t link_expires_at;              /* 0: the link has no end */
};
/* The lookup of a struct template_source whose context is a struct message_values. */
struct template_value message_value(void *context, struct str name, struct arena *a);

#endif
