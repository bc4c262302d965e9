/* stafet verify, of roles that registers give: who acted in one had it by a row that stood in the register then, and each case is listed for those whom its data say. */
#include "engine/base/address.h"
#include "engine/workflow/engine_run.h"
#include "engine/workflow/grants.h"
#include "engine/workflow/past.h"

#include <string.h>

struct grants_check {
	struct engine *e;
	struct view *v;
	struct arena *a;
	const struct instance *instance;
	const struct definition *d;
	struct register_port port;
	struct buf *out; /* a line a fault */
};

static struct str scope_of(struct grants_check *c, const struct grant_rule *rule, const struct value *values) {
	struct form_world world = engine_world(c->e, c->d, c->instance, &c->port, 0, c->a);
	struct environment env = form_environment(&world, values, c->a);
	return grants_scope(rule, &env, c->a);
}

/* Whose the row is; somebody whose address was erased can have been anybody. */
static bool is_theirs(struct grants_check *c, const struct grant_rule *rule, const struct value *row, int64_t contact_id, bool *is, struct err *err) {
	struct contact contact;
	struct str address;
	if (!contact_load(c->v, contact_id, c->a, &contact, err))
		return false;
	*is = contact.value.len == 0 ||
	      (grants_row_address(c->e->site, rule, row, c->a, &address) && str_equal(address_key(c->a, address), contact.key));
	return true;
}

/* The row that the entry names, as it was then; *gave: it gave the role. */
static bool judge_row(struct grants_check *c, const struct role *role, const struct history *entry, struct str by, const struct value *before, bool *gave, struct err *err) {
	const struct grant_rule *rule = role->grants;
	struct value row;
	struct err gone = {0};
	struct str key = by;
	int64_t version = 0, day = site_day(c->e->site, entry->at);
	bool stood, theirs;
	*gave = false;
	if (!str_to_int(str_cut(&key, ' '), &version) || version < 1)
		return true;
	if (!register_row_stood(c->v, rule->reg->full_name, key, version, entry->at, &stood, err))
		return false;
	if (!stood || !c->port.row(c->port.context, rule->reg, key, version, c->a, &row, &gone))
		return gone.kind != ERR_TRANSIENT || (*err = gone, false);
	if (!is_theirs(c, rule, &row, entry->contact_id, &theirs, err))
		return false;
	struct str scope = grants_row_scope(c->d, rule, &row, c->a);
	*gave = theirs && scope.len > 0 && str_equal(scope, scope_of(c, rule, before)) && data_row_is_valid(rule->reg, &row, day);
	return true;
}

static bool check_entry(struct grants_check *c, const struct history_list *entries, size_t index, struct err *err) {
	const struct history *entry = &entries->items[index];
	const struct role *role = definition_role(c->d, entry->role);
	struct str by = STR("");
	struct value *before;
	struct err unread;
	bool gave;
	if (!role || !role->grants || entry->contact_id == 0 || entry->payload.len == 0 || !past_replay(c->d, entries, index, &c->port, c->a, &before, &unread) || !before)
		return true;
	(void)data_text(entry->payload, RUN_GRANTED, c->a, &by);
	if (!judge_row(c, role, entry, by, before, &gave, err))
		return false;
	if (!gave)
		buf_printf(c->out, "entry %lld was done as '%.*s', which no row of register '%.*s' gave then\n", (long long)entry->seq, STR_ARG(role->name), STR_ARG(role->grants->reg->full_name));
	return true;
}

static bool check_scope(struct grants_check *c, const struct role *role, const struct value *values, struct err *err) {
	struct str scope;
	unsigned char hash[SECRET_HASH];
	bool found;
	if (!grant_scope_find(c->v, c->instance->id, role->name, c->a, &scope, hash, &found, err))
		return false;
	if (!found || !str_equal(scope, scope_of(c, role->grants, values)) || memcmp(hash, role->grants->hash, sizeof hash) != 0)
		buf_printf(c->out, "its people as '%.*s' are not those whom its data say\n", STR_ARG(role->name));
	return true;
}

bool run_verify_grants(struct engine *e, struct view *v, const struct instance *instance, const struct definition *d, const struct history_list *entries, struct arena *a,
                       struct buf *out, struct err *err) {
	struct grants_check c = {e, v, a, instance, d, data_store_port(v), out};
	struct value *values = ARENA_ARRAY(a, d->fields.count + 1, struct value);
	struct err unread;
	bool ok = true, read = instance->erased_at == 0 && data_from_json(d, instance->data, &c.port, a, values, &unread);
	for (size_t i = 0; ok && read && i < d->roles.count; i++)
		ok = !d->roles.items[i].grants || check_scope(&c, &d->roles.items[i], values, err);
	for (size_t i = 0; ok && i < entries->count; i++)
		ok = check_entry(&c, entries, i, err);
	return ok;
}
