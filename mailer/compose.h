/* compose: an outbox row and its texts become a finished message: subject, text, HTML, links derived at this moment (design.md promise 3).
 * Pure but for reading a store view. */
#ifndef MAILER_COMPOSE_H
#define MAILER_COMPOSE_H

#include "engine/workflow/engine.h"

struct composed {
	enum channel channel;
	struct str to, to_name;      /* address or number */
	struct str subject, text, html; /* mail; SMS uses text alone */
	struct str message_id, thread, language;
	struct str url;              /* the link in it; empty: none */
	struct attached {
		struct str name, type, bytes;
	} *attached;                 /* mail */
	size_t attached_count;
};
enum { COMPOSE_ATTACHED = 10 << 20 }; /* bytes of all its documents; more is refused by many mail servers */
/* The message of the product's own that a stranger's text is answered with. */
#define COMPOSE_STRANGER "nobody-reads"
/* And one that tells why what somebody wrote could not start anything; its data: "workflow", "field", "problem" (a key) and its arguments "first", "second". */
#define COMPOSE_NOT_TAKEN "not-taken"
/* PERMANENT when the template is gone or cannot be rendered, or the documents are too large; TRANSIENT: a document is not ready; INPUT when an address or header
 * does not pass the gate. In arena. */
bool compose_message(struct engine *engine, struct site *site, struct view *v, const struct outbox_row *row, struct arena *a,
                     struct composed *out, struct err *err);

#endif
