/* Who takes part follows from the roles' contact fields: new addresses join, those that left lose links and unsent messages. */
#include "engine/base/address.h"
#include "engine/base/log.h"
#include "engine/store/people.h"
#include "engine/workflow/engine_run.h"

#include <string.h>

/* `set` may have put a register's text into the field, so each address passes the gate here too. */
static void add_wanted(struct run *r, const struct role *role, struct addresses *list, const struct value *v) {
	struct str address;
	struct err err;
	for (size_t i = 0; v->kind == KIND_LIST && i < v->list.count; i++)
		add_wanted(r, role, list, &v->list.items[i]);
	if (v->kind != KIND_STRING)
		return;
	bool phone = role->contact->kind == FIELD_PHONE;
	if (phone ? address_phone(r->a, v->string, site_country(r->engine->site), &address, &err) : address_email(r->a, v->string, &address, &err))
		*(struct str *)ARENA_PUSH(r->a, list) = address;
	else if (r->tx)
		log_event(LOG_WARN, "address-refused", "role=%.*s text=\"%s\"", STR_ARG(role->name), err.text);
}

struct addresses run_addresses(struct run *r, const struct role *role, const struct value *values) {
	struct addresses list = {0};
	add_wanted(r, role, &list, &values[role->contact->slot]);
	return list;
}

static bool join(struct run *r, const struct loaded *l, const struct role *role, struct str address, bool fresh, const struct cause *cause, struct err *err) {
	bool starter = strcmp(cause->kind, "start") == 0 && str_equal(role->name, cause->role);
	enum channel channel = role->contact->kind == FIELD_PHONE ? CHANNEL_SMS : CHANNEL_MAIL;
	struct str name = role->person && l->values[role->person->slot].kind == KIND_STRING ? l->values[role->person->slot].string : STR("");
	struct str language = starter ? cause->language : STR("");
	int64_t contact_id;
	return contact_ensure(r->tx, channel, address, address_key(r->a, address), language, r->now, &contact_id, err) &&
	       participation_add(r->tx, l->instance.id, role->name, contact_id, name, err) && (!fresh || contact_reached(r->tx, contact_id, err));
}

static bool leave(struct run *r, const struct loaded *l, const struct participation *p, struct err *err) {
	return participation_remove(r->tx, l->instance.id, p->role, p->contact_id, err) &&
	       link_withdraw_contact(r->tx, l->instance.id, p->role, p->contact_id, err) &&
	       outbox_cancel_contact(r->tx, l->instance.id, p->role, p->contact_id, err);
}

static bool role_changed(const struct loaded *l, const struct role *role, const struct value *before) {
	if (!before)
		return true;
	size_t contact = role->contact->slot;
	return !value_equal(&before[contact], &l->values[contact]) ||
	       (role->person && !value_equal(&before[role->person->slot], &l->values[role->person->slot]));
}

static bool has_role(const struct participation_list *people, const struct role *role, struct str key) {
	for (size_t i = 0; i < people->count; i++)
		if (str_equal(people->items[i].role, role->name) && str_equal(people->items[i].contact.key, key))
			return true;
	return false;
}

static bool sync_role(struct run *r, const struct loaded *l, const struct role *role, const struct participation_list *people,
                      const struct cause *cause, struct err *err) {
	struct addresses wanted = run_addresses(r, role, l->values);
	for (size_t i = 0; i < people->count; i++) {
		const struct participation *p = &people->items[i];
		bool stays = false;
		for (size_t k = 0; k < wanted.count; k++)
			stays = stays || str_equal(address_key(r->a, wanted.items[k]), p->contact.key);
		if (str_equal(p->role, role->name) && !stays && !leave(r, l, p, err))
			return false;
	}
	for (size_t i = 0; i < wanted.count; i++)
		if (!join(r, l, role, wanted.items[i], !has_role(people, role, address_key(r->a, wanted.items[i])), cause, err))
			return false;
	return true;
}

bool run_people(struct run *r, const struct loaded *l, const struct value *before, const struct cause *cause, struct err *err) {
	struct participation_list people = {0};
	bool read = false;
	/* Whoever acted through a mailed link has shown that the address is theirs. */
	if (cause->contact_id != 0 && (!contact_verify(r->tx, cause->contact_id, r->now, err) || !contact_reached(r->tx, cause->contact_id, err) ||
	                               (cause->language.len > 0 && !contact_set_language(r->tx, cause->contact_id, cause->language, err))))
		return false;
	for (size_t i = 0; i < l->definition->roles.count; i++) {
		const struct role *role = &l->definition->roles.items[i];
		if (role->grants || !role_changed(l, role, before))
			continue;
		if (!read && !participation_list(r->view, l->instance.id, site_day(r->engine->site, r->now), r->a, &people, err))
			return false;
		read = true;
		if (!sync_role(r, l, role, &people, cause, err))
			return false;
	}
	return true;
}
