/* Sends become outbox rows in the transition's own transaction: recipient and data frozen, the link's row made, its token left to the mailer. */
#include "engine/workflow/engine_run.h"

#include <string.h>

struct str engine_token(const struct engine *e, const struct link *link, struct arena *a) {
	char token[SECRET_TOKEN + 1];
	return token_make(site_keys(e->site), link->key_id, "link", link->id, token) ? arena_str(a, str_from(token)) : STR("");
}

static struct str mail_domain(const struct run *r) {
	struct str rest = site_config(r->engine->site)->mail.from_address;
	str_cut(&rest, '@');
	return rest.len ? rest : STR("stafet.invalid");
}

struct str run_message_id(struct run *r) {
	unsigned char id[16];
	secret_id(id, r->now);
	return arena_printf(r->a, "<%.*s@%.*s>", STR_ARG(secret_hex(r->a, id, sizeof id)), STR_ARG(mail_domain(r)));
}

static int64_t ends_at(struct run *r, struct span span, int64_t from) {
	return span_is_zero(span) ? 0 : civil_add(site_zone(r->engine->site), site_calendar(r->engine->site), from, span);
}

static const struct event_rule *event_of(const struct wanted_link *w) {
	return w->kind == LINK_TASK ? state_event(w->state, w->task) : NULL;
}

static int64_t opens_at(struct run *r, const struct loaded *l, const struct wanted_link *w) {
	struct snapshot snapshot = loaded_snapshot(l);
	snapshot.state = w->state;
	return event_of(w) ? engine_opens(r->engine, &snapshot, event_of(w), r->now, r->a) : 0;
}

struct wanted_link run_wanted_link(const struct effect *effect, const struct participation *p) {
	const struct action *action = effect->action;
	return (struct wanted_link){action->link_is_view ? LINK_VIEW : LINK_TASK, action->link, p->role, p->contact_id, effect->state};
}

int64_t run_link_end(struct run *r, const struct loaded *l, const struct wanted_link *w) {
	const struct view_rule *view = w->kind == LINK_VIEW ? definition_view(l->definition, w->task) : NULL;
	int64_t opening = opens_at(r, l, w);
	if (view)
		return ends_at(r, view->expires, r->now);
	return event_of(w) ? ends_at(r, event_of(w)->expires, opening > r->now && opening != INT64_MAX ? opening : r->now) : 0;
}

static bool still_good(struct run *r, const struct loaded *l, const struct wanted_link *w, const struct link *link) {
	int64_t end = event_of(w) ? engine_link_end(r->engine, link, event_of(w), opens_at(r, l, w)) : link->expires_at;
	return end == 0 || end > r->now;
}

bool run_link(struct run *r, const struct loaded *l, const struct wanted_link *w, struct link *link, struct err *err) {
	struct link old;
	bool found;
	if (!link_find(r->view, l->instance.id, w->contact_id, w->role, w->task, r->a, &old, &found, err))
		return false;
	*link = old;
	if (found && still_good(r, l, w, &old))
		return true;
	*link = (struct link){
	        .key_id = keyring_current(site_keys(r->engine->site)),
	        .kind = w->kind,
	        .workflow = l->definition->name,
	        .task = w->task,
	        .instance_id = l->instance.id,
	        .contact_id = w->contact_id,
	        .role = w->role,
	        .created_at = r->now,
	        .expires_at = run_link_end(r, l, w),
	};
	secret_id(link->id, r->now);
	if (!found)
		return link_insert(r->tx, link, err);
	return link_supersede(r->tx, l->instance.id, w->contact_id, w->role, w->task, r->now, err) && link_insert(r->tx, link, err) &&
	       draft_move(r->tx, old.id, link->id, err);
}

void run_carry(struct outbox_row *row, const struct link *link) {
	row->has_link = true;
	row->task = link->kind == LINK_TASK;
	memcpy(row->link_id, link->id, sizeof row->link_id);
	row->priority = row->task ? OUTBOX_TASK : OUTBOX_OTHER;
	if (link->expires_at != 0 && (row->deadline_at == 0 || link->expires_at < row->deadline_at))
		row->deadline_at = link->expires_at;
}

bool run_takes_channel(const struct action *action, enum channel channel) {
	return action->channel == 0 || action->channel == (int)channel;
}

/* Whoever has just answered, or started this, is awake and may wait for it. */
static bool is_of_actor(const struct cause *cause, const struct participation *p) {
	return cause->contact_id ? p->contact_id == cause->contact_id : strcmp(cause->kind, "start") == 0 && str_equal(p->role, cause->role);
}

void run_message(struct run *r, const struct loaded *l, const struct sending *s, const struct participation *p, struct outbox_row *row) {
	const struct action *action = s->effect->action;
	*row = (struct outbox_row){
	        .instance_id = l->instance.id,
	        .history_id = s->history_id,
	        .contact_id = p->contact_id,
	        .channel = p->contact.channel,
	        .recipient = p->contact.value,
	        .recipient_name = p->name,
	        .role = p->role,
	        .language = p->contact.language.len ? p->contact.language : site_config(r->engine->site)->languages[0],
	        .workflow = l->definition->name,
	        .message = action->message,
	        .data = s->data,
	        .thread = arena_printf(r->a, "<%.*s@%.*s>", STR_ARG(l->instance.reference), STR_ARG(mail_domain(r))),
	        .priority = OUTBOX_OTHER,
	        .patient = !action->urgent && !is_of_actor(s->cause, p),
	        .created_at = r->now,
	        .next_at = r->now,
	        .deadline_at = s->effect->deadline_at,
	        .limit_at = s->effect->deadline_at,
	};
}

static bool put_message(struct run *r, const struct loaded *l, const struct sending *s, const struct participation *p, struct err *err) {
	const struct action *action = s->effect->action;
	const struct attachments none = {0};
	struct outbox_row row;
	run_message(r, l, s, p, &row);
	row.message_id = run_message_id(r);
	int64_t quiet_until = row.patient ? site_quiet_end(r->engine->site, row.channel, r->now) : 0;
	if (quiet_until > 0 && row.deadline_at == 0)
		row.deadline_at = quiet_until + OUTBOX_LIFETIME_MS;
	if (action->link.len > 0) {
		struct wanted_link wanted = run_wanted_link(s->effect, p);
		struct link link;
		if (!run_link(r, l, &wanted, &link, err))
			return false;
		run_carry(&row, &link);
	}
	return attachment_put(r->tx, &row, row.channel == CHANNEL_MAIL ? &s->documents : &none, err);
}

static bool wanted(const struct action *action, const struct participation *p, const struct role *role) {
	return str_equal(p->role, role->name) && run_takes_channel(action, p->contact.channel);
}

static bool send_effect(struct run *r, const struct loaded *l, const struct sending *s, const struct participation_list *people, struct err *err) {
	const struct action *action = s->effect->action;
	for (size_t k = 0; k < action->to.count; k++)
		for (size_t p = 0; p < people->count; p++)
			if (wanted(action, &people->items[p], action->to.items[k]) && !put_message(r, l, s, &people->items[p], err))
				return false;
	return true;
}

bool run_messages(struct run *r, const struct loaded *l, const struct decision *decision, const struct cause *cause, int64_t history_id, struct err *err) {
	struct participation_list people = {0};
	struct sending s = {.data = l->instance.data, .cause = cause, .history_id = history_id};
	const struct value *written = decision->values; /* as s.data: most effects of a transition have the same values, and leave them so */
	for (size_t i = 0; i < decision->effects.count; i++) {
		const struct effect *effect = &decision->effects.items[i];
		if (effect->kind != EFFECT_SEND)
			continue;
		if (!s.effect && !participation_list(r->view, l->instance.id, site_day(r->engine->site, r->now), r->a, &people, err))
			return false;
		s.effect = effect;
		if (effect->values != written && !run_data(r, l->definition, effect->values, &s.data, err))
			return false;
		written = effect->values;
		s.documents = (struct attachments){0};
		for (size_t k = 0; k < effect->action->attach.count; k++)
			if (!attachments_of_series(r->view, l->instance.id, effect->action->attach.items[k], r->a, &s.documents, err))
				return false;
		if (!send_effect(r, l, &s, &people, err))
			return false;
	}
	return true;
}
