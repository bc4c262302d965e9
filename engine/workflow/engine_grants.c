/* Roles that registers give, in the transitions of a case: its scope for each of them, and by which row somebody acts. */
#include "engine/base/escape.h"
#include "engine/store/grants.h"
#include "engine/workflow/engine_run.h"
#include "engine/workflow/grants.h"

static bool write_scope(struct run *r, const struct loaded *l, const struct role *role, const struct environment *before, const struct environment *after, struct err *err) {
	struct str scope = grants_scope(role->grants, after, r->a);
	int64_t rule_id;
	if (before && str_equal(grants_scope(role->grants, before, r->a), scope))
		return true;
	return grants_rule(r->engine->site, r->tx, l->definition, role, r->now, &rule_id, err) &&
	       grant_scope_put(r->tx, l->instance.id, role->name, rule_id, scope, err);
}

bool run_scopes(struct run *r, struct loaded *l, const struct value *before, const struct value *after, struct err *err) {
	struct form_world world = run_form_world(r, l);
	for (size_t i = 0; i < l->definition->roles.count; i++) {
		const struct role *role = &l->definition->roles.items[i];
		if (!role->grants)
			continue;
		struct environment now = form_environment(&world, after, r->a), then = before ? form_environment(&world, before, r->a) : now;
		if (!write_scope(r, l, role, before ? &then : NULL, &now, err))
			return false;
	}
	return true;
}

bool run_granted(struct run *r, const struct loaded *l, const struct link *link, struct str *by, struct err *err) {
	const struct role *role = definition_role(l->definition, link->role);
	struct grant grant;
	bool found;
	*by = STR("");
	if (!role || !role->grants)
		return true;
	if (!grant_held(r->view, l->instance.id, role->name, link->contact_id, site_day(r->engine->site, r->now), r->a, &grant, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_CONFLICT, "link.withdrawn", "the register gives them the role '%.*s' no more", STR_ARG(role->name));
	*by = arena_printf(r->a, "%lld %.*s", (long long)grant.version, STR_ARG(grant.row));
	return true;
}

bool engine_has_role(struct engine *e, struct view *v, int64_t instance_id, struct str role, int64_t contact_id, int64_t now, struct arena *a, bool *has, struct err *err) {
	struct participation_list people;
	*has = false;
	if (!participation_list(v, instance_id, site_day(e->site, now), a, &people, err))
		return false;
	for (size_t i = 0; i < people.count; i++)
		*has = *has || (people.items[i].contact_id == contact_id && str_equal(people.items[i].role, role));
	return true;
}
