/* What the post brings back: a message that did not reach its recipient, or that was answered, becomes an event of its instance. It waits in the mailbox of signals, so
 * that what follows is decided apart from the sending and receiving. */
#include "engine/workflow/engine_run.h"

#include "engine/base/log.h"
#include "engine/store/mailbox.h"
#include "engine/store/people.h"

static bool put(struct tx *tx, int64_t now, const struct outbox_row *row, struct str text, struct err *err) {
	struct instance instance = {0};
	if (row->instance_id == 0 || row->role.len == 0)
		return true;
	struct arena *a = arena_new();
	bool ok = instance_load(tx_view(tx), row->instance_id, a, &instance, err);
	struct signal_row back = {.instance_id = row->instance_id, .root_id = instance.root_id, .role = row->role, .actor = row->recipient, .data = text, .at = now};
	ok = ok && mailbox_put(tx, &back, err);
	arena_free(a);
	return ok;
}

bool engine_undelivered(struct tx *tx, int64_t now, const struct outbox_row *row, bool dead, struct err *err) {
	if (dead && row->contact_id != 0 && !contact_bounced(tx, row->contact_id, now, err))
		return false;
	return put(tx, now, row, STR(""), err);
}

bool engine_replied(struct tx *tx, int64_t now, const struct outbox_row *row, struct str text, struct err *err) {
	return text.len == 0 || put(tx, now, row, text, err);
}

/* *here: the address still has the role. *left: somebody with the role has an address that is not known to be dead. */
static bool look_at_role(struct view *v, int64_t instance_id, struct str role, struct str address, struct arena *a, bool *here, bool *left, struct err *err) {
	struct participation_list people = {0};
	*here = *left = false;
	if (!participation_list(v, instance_id, a, &people, err))
		return false;
	for (size_t i = 0; i < people.count; i++) {
		const struct participation *p = &people.items[i];
		if (!str_equal(p->role, role))
			continue;
		*here = *here || str_equal(p->contact.value, address);
		*left = *left || p->contact.bounced_at == 0;
	}
	return true;
}

static const struct event_rule *rule_of(const struct state *state, struct str role, bool replied, bool left) {
	const struct event_rule *bounced = NULL;
	for (size_t i = 0; i < state->on.count; i++) {
		const struct event_rule *rule = &state->on.items[i];
		if (replied && rule->replied && str_equal(rule->replied->name, role))
			return rule;
		if (replied)
			continue;
		if (!left && rule->unreachable && str_equal(rule->unreachable->name, role))
			return rule;
		if (rule->bounced && str_equal(rule->bounced->name, role))
			bounced = rule;
	}
	return bounced;
}

bool engine_awaits_reply(struct engine *e, struct view *v, const struct outbox_row *row, struct arena *a, bool *awaits, struct err *err) {
	struct instance instance;
	bool left;
	*awaits = false;
	if (row->instance_id == 0 || row->role.len == 0)
		return true;
	if (!instance_load(v, row->instance_id, a, &instance, err) || !look_at_role(v, row->instance_id, row->role, row->recipient, a, awaits, &left, err))
		return false;
	struct err unread; /* a definition that cannot be read waits for nothing */
	const struct definition *d = *awaits ? site_definition(e->site, v, instance.definition, &unread) : NULL;
	const struct state *state = d ? definition_state(d, instance.state) : NULL;
	*awaits = state && rule_of(state, row->role, true, true);
	return true;
}

/* What no state asks about, and what concerns an address that was replaced meanwhile, is over. */
bool run_post(struct run *r, const struct signal_row *row, const struct err *why, struct err *err) {
	struct loaded l;
	struct decision decision;
	bool here, left;
	if (!run_load(r, row->instance_id, &l, err) || !look_at_role(r->view, row->instance_id, row->role, row->actor, r->a, &here, &left, err))
		return false;
	const struct event_rule *rule = here ? rule_of(l.state, row->role, row->data.len > 0, left) : NULL;
	if (!rule)
		return mailbox_remove(r->tx, row->id, err);
	struct event event = {.kind = EVENT_SIGNAL, .name = rule->name, .actor = row->actor, .reply = row->data};
	struct cause cause = {.kind = "signal"};
	if (why)
		decision = run_refusal(r, &l, &event, why);
	else
		run_decide(r, &l, &event, &decision);
	return run_apply_or_refuse(r, &l, &event, &decision, &cause, err) && mailbox_remove(r->tx, row->id, err);
}
