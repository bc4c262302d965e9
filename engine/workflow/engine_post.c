/* What the post brings. A message that did not reach its recipient, or that was answered, becomes an event of its instance; it waits in the mailbox of signals, so
 * that what follows is decided apart from the sending and receiving. What answers nothing may start an instance, as a form does. */
#include "engine/workflow/engine_run.h"

#include "engine/base/log.h"
#include "engine/store/mailbox.h"
#include "engine/store/people.h"

static struct signal_row signal_of(const struct outbox_row *row, const struct instance *instance, int64_t now) {
	return (struct signal_row){.instance_id = row->instance_id, .root_id = instance->root_id, .role = row->role, .actor = row->recipient, .at = now};
}

static bool put_lost(struct tx *tx, int64_t now, const struct outbox_row *row, struct err *err) {
	struct instance instance;
	if (row->instance_id == 0 || row->role.len == 0)
		return true;
	struct arena *a = arena_new();
	bool ok = instance_load(tx_view(tx), row->instance_id, a, &instance, err);
	struct signal_row lost = signal_of(row, &instance, now);
	ok = ok && mailbox_put(tx, &lost, err);
	arena_free(a);
	return ok;
}

bool engine_undelivered(struct tx *tx, int64_t now, const struct outbox_row *row, bool dead, struct err *err) {
	if (dead && row->contact_id != 0 && !contact_bounced(tx, row->contact_id, now, err))
		return false;
	return put_lost(tx, now, row, err);
}

/* *here: the address still has the role. *left: somebody with the role has an address that is not known to be dead. */
static bool look_at_role(struct view *v, int64_t instance_id, int64_t day, struct str role, struct str address, struct arena *a, bool *here, bool *left, struct err *err) {
	struct participation_list people = {0};
	*here = *left = false;
	if (!participation_list(v, instance_id, day, a, &people, err))
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

/* What an answer to that message would be an event of. rule NULL: of nothing. */
struct awaiting {
	struct instance instance;
	const struct definition *definition;
	const struct event_rule *rule;
};

static bool look_for_reply(struct engine *e, struct view *v, int64_t now, const struct outbox_row *row, struct arena *a, struct awaiting *out, struct err *err) {
	bool here, left;
	*out = (struct awaiting){0};
	if (row->instance_id == 0 || row->role.len == 0)
		return true;
	if (!instance_load(v, row->instance_id, a, &out->instance, err) || !look_at_role(v, row->instance_id, site_day(e->site, now), row->role, row->recipient, a, &here, &left, err))
		return false;
	struct err unread; /* a definition that cannot be read waits for nothing */
	out->definition = here ? site_definition(e->site, v, out->instance.definition, &unread) : NULL;
	const struct state *state = out->definition ? definition_state(out->definition, out->instance.state) : NULL;
	out->rule = state ? rule_of(state, row->role, true, true) : NULL;
	return true;
}

bool engine_awaits_reply(struct engine *e, struct view *v, int64_t now, const struct outbox_row *row, struct arena *a, bool *awaits, struct err *err) {
	struct awaiting found;
	bool ok = look_for_reply(e, v, now, row, a, &found, err);
	*awaits = ok && found.rule;
	return ok;
}

bool engine_replied(struct engine *e, struct tx *tx, int64_t now, const struct outbox_row *row, const struct reply *reply, struct arena *a, struct str *told, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct awaiting found;
	struct loaded l;
	*told = STR("");
	if (!look_for_reply(e, tx_view(tx), now, row, a, &found, err))
		return false;
	const struct field *files = found.rule ? found.rule->files : NULL;
	if (files && reply->file_count > 0 && !run_load(&r, row->instance_id, &l, err))
		return false;
	const struct value *held = files && reply->file_count > 0 ? &l.values[files->slot] : NULL;
	struct signal_row answer = signal_of(row, &found.instance, now);
	answer.data = reply->text;
	if (!run_keep_reply(tx, now, files, held, reply, &answer, a, told, err))
		return false;
	bool nothing = reply->text.len == 0 && (!files || reply->file_count == 0);
	return nothing || row->instance_id == 0 || row->role.len == 0 || mailbox_put(tx, &answer, err);
}

/* What no state asks about, and what concerns an address that was replaced meanwhile, is over. */
bool run_post(struct run *r, const struct signal_row *row, const struct err *why, struct err *err) {
	struct loaded l;
	struct decision decision;
	bool here, left;
	if (!run_load(r, row->instance_id, &l, err) || !look_at_role(r->view, row->instance_id, site_day(r->engine->site, r->now), row->role, row->actor, r->a, &here, &left, err))
		return false;
	bool answer = signal_is_answer(row);
	const struct event_rule *rule = here ? rule_of(l.state, row->role, answer, left) : NULL;
	if (!rule)
		return run_drop_reply(r, row, err) && mailbox_remove(r->tx, row->id, err);
	struct said said = run_said(r, row);
	const struct value *values = run_add_reply(r, &l, rule->files, row);
	struct event event = {.kind = EVENT_SIGNAL, .name = rule->name, .actor = row->actor, .said = answer ? &said : NULL, .values = values ? values : l.values};
	struct cause cause = {.kind = "signal"};
	if (why)
		decision = run_refusal(r, &l, &event, why);
	else if (!run_decide(r, &l, &event, &decision, err))
		return false;
	return run_apply_or_refuse(r, &l, &event, &decision, &cause, err) && run_drop_reply(r, row, err) && mailbox_remove(r->tx, row->id, err);
}

/* At most as long as the field takes: a subject is not worth a refusal. */
static struct str cut_subject(struct arena *a, const struct field *field, struct str subject) {
	size_t most = field->has_max ? (size_t)field->max : 200, at = 0, count = 0;
	while (at < subject.len && count++ < most)
		(void)str_utf8_next(subject, &at);
	return arena_str(a, (struct str){subject.at, at});
}

static void post_key(const struct start_post *post, unsigned char key[SECRET_HASH]) {
	bool named = post->id.len > 0;
	const struct str parts[] = {STR("post"), post->workflow, post->from, named ? post->id : post->subject, named ? STR("") : post->text};
	secret_hash(key, parts, sizeof parts / sizeof *parts);
}

bool engine_start_post(struct engine *e, struct tx *tx, int64_t now, const struct start_post *post, struct arena *a, struct form_problems *problems,
                       struct receipt *out, struct err *err) {
	const struct package *package = site_package(e->site, post->workflow);
	const struct start_way *way = package ? definition_way(package->definition, post->channel) : NULL;
	struct answers answers = {0};
	if (!way)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "'%.*s' is not started so", STR_ARG(post->workflow));
	answers_put(&answers, a, way->by->contact->name, post->from);
	answers_put(&answers, a, way->text->name, post->text);
	if (way->subject)
		answers_put(&answers, a, way->subject->name, cut_subject(a, way->subject, post->subject));
	struct start_request request = {.workflow = post->workflow, .answers = &answers, .channel = post->channel};
	post_key(post, request.key);
	return engine_start(e, tx, now, &request, a, problems, out, err);
}
