/* "Send me a new link": the message that carried the old one, once more, with one that can be used. */
#include "engine/base/log.h"
#include "engine/workflow/engine_run.h"

/* Recipient and language as they are now; what the message says of the case as it was. */
static bool put_again(struct run *r, const struct outbox_row *original, const struct participation *p, const struct link *link, struct err *err) {
	struct outbox_row row = *original;
	row.channel = p->contact.channel;
	row.recipient = p->contact.value;
	row.recipient_name = p->name;
	if (p->contact.language.len > 0)
		row.language = p->contact.language;
	row.message_id = run_message_id(r);
	row.created_at = row.next_at = r->now;
	row.deadline_at = row.limit_at = 0; /* the page at which it was asked for says what is so now */
	row.patient = false; /* somebody waits for it */
	run_carry(&row, link);
	struct attachments documents = {0};
	return attachments_of_message(r->view, original->id, r->a, &documents, err) && attachment_put(r->tx, &row, &documents, err);
}

bool engine_renew(struct engine *e, struct tx *tx, int64_t now, const struct link *link, struct arena *a, bool *sent, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct link_view look;
	struct loaded l;
	struct outbox_row original;
	struct link fresh;
	bool found;
	*sent = false;
	if (!engine_look(e, r.view, now, engine_token(e, link, a), a, &look, err))
		return false;
	if (!engine_renewable(&look))
		return true;
	if (!outbox_of_link(r.view, look.instance.id, look.link.id, a, &original, &found, err) || !run_load(&r, look.instance.id, &l, err))
		return false;
	if (!found) {
		log_event(LOG_WARN, "link-not-renewed", "instance=%.*s task=%.*s text=\"no message carried it\"", STR_ARG(look.instance.reference), STR_ARG(look.link.task));
		return true;
	}
	struct wanted_link wanted = {look.link.kind, look.link.task, look.link.role, look.link.contact_id, l.state};
	if (!run_link(&r, &l, &wanted, &fresh, err) || !put_again(&r, &original, engine_look_part(&look), &fresh, err))
		return false;
	log_event(LOG_INFO, "link-renewed", "instance=%.*s task=%.*s", STR_ARG(look.instance.reference), STR_ARG(look.link.task));
	*sent = true;
	return true;
}
