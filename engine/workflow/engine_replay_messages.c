/* stafet replay, of messages: each entry queued those that it decided, to whoever had the role then, and they stand in the outbox as they were queued. What became of them since, and
 * the words that they were sent with, nobody decided. */
#include "engine/base/address.h"
#include "engine/workflow/engine_replay.h"

#include <string.h>

/* Of the entry: what its links and people follow from. */
struct sent {
	struct replay *p;
	const struct loaded *after;
	struct cause cause;
};

/* The entry's next: they were written in the order of the entries, and copies of them behind. */
static struct outbox_row *next_row(struct sent *s) {
	struct replay_messages *m = &s->p->messages;
	for (size_t i = m->from; i < m->all.count; i++) {
		if (m->all.items[i].history_id != s->p->entry->id)
			continue;
		m->from = i + 1;
		m->met[i] = true;
		return &m->all.items[i];
	}
	return NULL;
}

/* By a person at the command line, who may give it another time; or its documents, a relay or a report put it off. */
static bool was_tried_again(const struct outbox_row *is) {
	return !is->patient && (is->next_at > is->created_at || is->attempts > 0);
}

/* Quiet hours are the site's, and may be others today: until they were over is known to some days. */
static bool is_of_quiet_hours(const struct outbox_row *is) {
	const int64_t most = INT64_C(14) * 24 * 3600 * 1000, from = is->created_at + OUTBOX_LIFETIME_MS;
	return is->patient && is->deadline_at >= from && is->deadline_at <= from + most;
}

static const char *compare_deadline(const struct outbox_row *is, const struct outbox_row *decided, bool own_deadline) {
	if (is->limit_at != decided->limit_at)
		return "says something that holds until another time";
	if (was_tried_again(is))
		return NULL;
	if (is->patient != decided->patient)
		return "is held back in quiet hours, or not";
	if (is->deadline_at == decided->deadline_at || (!own_deadline && is_of_quiet_hours(is) && (decided->deadline_at == 0 || is->deadline_at < decided->deadline_at)))
		return NULL;
	return "goes until another time";
}

static bool carried_before(const struct sent *s, const struct outbox_row *is) {
	for (const struct outbox_row *row = s->p->messages.all.items; row < is; row++)
		if (row->has_link && memcmp(row->link_id, is->link_id, sizeof is->link_id) == 0)
			return true;
	return false;
}

/* The link that it carries, also until when it is good, if it was made for this message. */
static bool compare_link(struct sent *s, const struct effect *effect, const struct participation *to, const struct outbox_row *is, struct outbox_row *decided, const char **other,
                         struct err *err) {
	struct wanted_link wanted = run_wanted_link(effect, to);
	struct link link;
	struct err gone = {0};
	if (effect->action->link.len == 0 || !is->has_link) {
		*other = (effect->action->link.len > 0) != is->has_link ? "has a link, or none" : NULL;
		return true;
	}
	if (!link_load(s->p->run.view, is->link_id, s->p->run.a, &link, &gone)) {
		*other = "has a link that is not there";
		return gone.kind != ERR_TRANSIENT || (*err = gone, false);
	}
	run_carry(decided, &link);
	if (link.kind != wanted.kind || !str_equal(link.task, wanted.task) || !str_equal(link.role, wanted.role) || link.contact_id != is->contact_id ||
	    link.instance_id != s->p->instance->id || !str_equal(link.workflow, s->p->definition->name))
		*other = "has a link for something else";
	else if (link.created_at == s->p->entry->at && !carried_before(s, is) && link.expires_at != run_link_end(&s->p->run, s->after, &wanted))
		*other = "has a link that is good until another time";
	return true;
}

static bool same_documents(struct sent *s, const struct sending *sending, const struct outbox_row *is, bool *same, struct err *err) {
	struct attachments carried = {0};
	*same = true;
	if (sending->effect->action->attach.count == 0)
		return true;
	if (!attachments_of_message(s->p->run.view, is->id, s->p->run.a, &carried, err))
		return false;
	for (size_t i = 0; i < carried.count; i++) {
		bool wanted = false;
		for (size_t k = 0; k < sending->documents.count; k++)
			wanted = wanted || sending->documents.items[k] == carried.items[i];
		*same = *same && wanted;
	}
	*same = *same && carried.count == (is->channel == CHANNEL_MAIL ? sending->documents.count : 0);
	return true;
}

/* "<REFERENCE@": the rest is the site's domain. */
static bool same_thread(struct str is, struct str decided) {
	struct str one = str_cut(&is, '@'), other = str_cut(&decided, '@');
	return str_equal(one, other) && is.len > 0;
}

static bool compare_row(struct sent *s, const struct sending *sending, const struct participation *to, const struct outbox_row *is, struct err *err) {
	struct outbox_row decided;
	struct contact contact;
	const char *other = NULL;
	bool documents;
	run_message(&s->p->run, s->after, sending, to, &decided);
	bool own_deadline = decided.deadline_at != 0;
	if (!compare_link(s, sending->effect, to, is, &decided, &other, err) || !same_documents(s, sending, is, &documents, err) ||
	    !contact_load(s->p->run.view, is->contact_id, s->p->run.a, &contact, err))
		return false;
	if (other)
		;
	else if (contact.value.len > 0 && (!str_equal(contact.key, to->contact.key) || contact.channel != is->channel))
		other = "goes to another contact";
	else if (!str_equal(is->recipient_name, decided.recipient_name))
		other = "goes to somebody of another name";
	else if (!str_equal(is->workflow, decided.workflow) || !same_thread(is->thread, decided.thread))
		other = "is of another workflow or case";
	else if (!str_equal(is->data, decided.data))
		other = "says something else";
	else if (is->task != decided.task || is->priority != decided.priority)
		other = "has another priority";
	else if (is->created_at != decided.created_at)
		other = "was queued at another time";
	else if (!documents)
		other = "carries other documents";
	else
		other = compare_deadline(is, &decided, own_deadline);
	if (other)
		replay_fault(s->p, "message %lld ('%.*s' to '%.*s') %s", (long long)is->id, STR_ARG(is->message), STR_ARG(is->role), other);
	return true;
}

/* Whoever had the role, whom the row names. NULL: nobody whom no other row names. */
static struct had_role *find_person(struct sent *s, struct had_roles *people, const struct outbox_row *is) {
	struct str key = address_key(s->p->run.a, is->recipient);
	struct had_role *found = NULL;
	for (size_t i = 0; i < people->count; i++) {
		struct had_role *who = &people->items[i];
		if (str_equal(who->key, key) && !who->met && (!found || str_equal(who->name, is->recipient_name)))
			found = who;
	}
	for (size_t i = 0; found && i < people->count; i++)
		people->items[i].met = people->items[i].met || str_equal(people->items[i].key, key);
	return found;
}

static bool compare_role(struct sent *s, const struct sending *sending, const struct role *role, bool *same, struct err *err) {
	const struct action *action = sending->effect->action;
	struct had_roles people;
	if (!replay_had_role(s->p, s->after, role, &people, err))
		return false;
	for (size_t i = 0; *same && run_takes_channel(action, people.channel) && i < people.people; i++) {
		const struct outbox_row *is = next_row(s);
		struct had_role *who = is && str_equal(is->message, action->message) && str_equal(is->role, role->name) && is->channel == people.channel ? find_person(s, &people, is) : NULL;
		*same = who != NULL;
		if (!who) {
			replay_fault(s->p, "queues '%.*s' for %zu people in the role '%.*s', but of these messages %zu stand in the outbox", STR_ARG(action->message), people.people,
			             STR_ARG(role->name), i);
			return true;
		}
		struct participation to = {.contact_id = is->contact_id, .role = role->name, .name = who->name, .contact = {.channel = people.channel, .value = is->recipient, .key = who->key}};
		if (!compare_row(s, sending, &to, is, err))
			return false;
	}
	return true;
}

/* As attachments_of_series had them: the newest version up to this entry, with its addenda. */
static bool find_documents(struct replay *p, const struct action *action, struct attachments *out, struct err *err) {
	struct document_list all = {0};
	if (action->attach.count > 0 && !document_of_instance(p->run.view, p->instance->id, p->run.a, &all, err))
		return false;
	for (size_t k = 0; k < action->attach.count; k++) {
		int64_t version = 0;
		for (size_t i = 0; i < all.count; i++)
			if (all.items[i].history_id <= p->entry->id && str_equal(all.items[i].name, action->attach.items[k]) && all.items[i].version > version)
				version = all.items[i].version;
		for (size_t i = 0; i < all.count; i++)
			if (all.items[i].history_id <= p->entry->id && str_equal(all.items[i].name, action->attach.items[k]) && all.items[i].version == version)
				*(int64_t *)ARENA_PUSH(p->run.a, out) = all.items[i].id;
	}
	return true;
}

bool replay_messages(struct replay *p, const struct loaded *after, const struct decision *again, struct err *err) {
	struct sent s = {.p = p, .after = after, .cause = {.kind = arena_z(p->run.a, p->entry->kind), .contact_id = p->entry->contact_id, .role = p->entry->role}};
	struct sending sending = {.cause = &s.cause};
	const struct value *written = NULL;
	bool same = true;
	for (size_t i = 0; same && i < again->effects.count; i++) {
		sending.effect = &again->effects.items[i];
		if (sending.effect->kind != EFFECT_SEND)
			continue;
		if (sending.effect->values != written && !run_data(&p->run, p->definition, sending.effect->values, &sending.data, err))
			return false;
		written = sending.effect->values;
		sending.documents = (struct attachments){0};
		if (!find_documents(p, sending.effect->action, &sending.documents, err))
			return false;
		for (size_t k = 0; same && k < sending.effect->action->to.count; k++)
			if (!compare_role(&s, &sending, sending.effect->action->to.items[k], &same, err))
				return false;
	}
	*(int64_t *)ARENA_PUSH(p->a, &p->messages.decided) = same ? p->entry->id : 0;
	return true;
}

/* Sent once more since, by hand or because a link was renewed. */
static bool is_copy(const struct outbox_list *all, const struct outbox_row *is) {
	for (const struct outbox_row *row = all->items; row < is; row++)
		if (row->history_id == is->history_id && str_equal(row->message, is->message) && str_equal(row->role, is->role) && row->contact_id == is->contact_id && str_equal(row->data, is->data))
			return true;
	return false;
}

bool replay_messages_begin(struct replay *p, struct err *err) {
	if (!outbox_of_instance(p->run.view, p->instance->id, p->a, &p->messages.all, err))
		return false;
	p->messages.met = ARENA_ARRAY(p->a, p->messages.all.count, bool);
	return true;
}

void replay_messages_left(struct replay *p) {
	for (size_t i = 0; i < p->messages.all.count; i++) {
		const struct outbox_row *is = &p->messages.all.items[i];
		bool decided = false;
		for (size_t k = 0; k < p->messages.decided.count && !p->messages.met[i] && !decided; k++)
			decided = p->messages.decided.items[k] == is->history_id;
		if (decided && !is_copy(&p->messages.all, is))
			replay_fault_of_all(p, "message %lld ('%.*s' to '%.*s') was queued by no decision", (long long)is->id, STR_ARG(is->message), STR_ARG(is->role));
	}
}
