/* stafet replay, of people: who had a role behind an entry, by the fields that it left or by the register as it was then. */
#include "engine/base/address.h"
#include "engine/workflow/engine_replay.h"
#include "engine/workflow/grants.h"

#include <stdlib.h>
#include <string.h>

enum { KNOWN_MOST = 64 };

/* A rule's rows on one day, by scope. */
struct past_grant {
	struct str scope;
	struct had_role who;
};
struct past_rule {
	unsigned char hash[SECRET_HASH];
	int64_t changed, day;
	struct past_grant *rows;
	size_t count;
};
struct past_grants {
	struct arena *a; /* its own */
	struct past_rule *items;
	size_t count, cap;
};

void past_grants_free(struct past_grants *past) {
	if (!past)
		return;
	arena_free(past->a);
	free(past);
}

static struct past_grants *grants_of(struct replay *p) {
	if (!p->sum->grants) {
		p->sum->grants = calloc(1, sizeof *p->sum->grants);
		BUG_IF(!p->sum->grants);
		p->sum->grants->a = arena_new();
	}
	if (p->sum->grants->count > KNOWN_MOST) {
		arena_reset(p->sum->grants->a);
		*p->sum->grants = (struct past_grants){.a = p->sum->grants->a};
	}
	return p->sum->grants;
}

static int by_scope(const void *a, const void *b) {
	return str_compare(((const struct past_grant *)a)->scope, ((const struct past_grant *)b)->scope);
}

static struct str text_of(const struct value *row, size_t column) {
	const struct value *cell = column == SIZE_MAX ? NULL : &row->record.members[column];
	return cell && cell->kind == KIND_STRING ? cell->string : STR("");
}

static bool read_rule(struct replay *p, const struct grant_rule *rule, struct past_grants *past, struct past_rule *out, struct err *err) {
	struct value rows;
	if (!p->then.rows(p->then.context, rule->reg, out->day, p->run.a, &rows, err))
		return false;
	out->rows = ARENA_ARRAY(past->a, rows.list.count, struct past_grant);
	for (size_t i = 0; i < rows.list.count; i++) {
		const struct value *row = &rows.list.items[i];
		struct str address, scope = grants_row_scope(p->definition, rule, row, past->a);
		if (scope.len == 0 || !grants_row_address(p->run.engine->site, rule, row, past->a, &address))
			continue;
		out->rows[out->count++] = (struct past_grant){scope, {.key = address_key(past->a, address), .name = arena_str(past->a, text_of(row, rule->person))}};
	}
	if (out->count > 1)
		qsort(out->rows, out->count, sizeof *out->rows, by_scope);
	return true;
}

static bool find_rule(struct replay *p, const struct grant_rule *rule, const struct past_rule **found, struct err *err) {
	struct past_grants *past = grants_of(p);
	struct past_rule wanted = {.day = site_day(p->run.engine->site, p->entry->at)};
	memcpy(wanted.hash, rule->hash, sizeof wanted.hash);
	if (!register_changed(p->run.view, rule->reg->full_name, p->told.read_at, &wanted.changed, err))
		return false;
	for (size_t i = 0; i < past->count; i++) {
		*found = &past->items[i];
		if ((*found)->changed == wanted.changed && (*found)->day == wanted.day && memcmp((*found)->hash, wanted.hash, sizeof wanted.hash) == 0)
			return true;
	}
	if (!read_rule(p, rule, past, &wanted, err))
		return false;
	struct past_rule *kept = ARENA_PUSH(past->a, past);
	*kept = wanted;
	*found = kept;
	return true;
}

static void add(struct replay *p, struct had_roles *out, struct had_role who) {
	bool again = false;
	for (size_t i = 0; i < out->count; i++)
		again = again || str_equal(out->items[i].key, who.key);
	out->people += !again;
	*(struct had_role *)ARENA_PUSH(p->run.a, out) = who;
}

/* Whose row has the scope of the case. Two rows may name one person. */
static bool granted(struct replay *p, const struct loaded *l, const struct role *role, struct had_roles *out, struct err *err) {
	struct form_world world = engine_world(p->run.engine, p->definition, &l->instance, &p->now, p->run.now, p->run.a);
	struct environment env = form_environment(&world, l->values, p->run.a);
	struct past_grant wanted = {.scope = grants_scope(role->grants, &env, p->run.a)};
	const struct past_rule *rule;
	if (wanted.scope.len == 0)
		return true;
	if (!find_rule(p, role->grants, &rule, err))
		return false;
	const struct past_grant *at = rule->count ? bsearch(&wanted, rule->rows, rule->count, sizeof *rule->rows, by_scope) : NULL;
	while (at && at > rule->rows && str_equal(at[-1].scope, wanted.scope))
		at--;
	for (; at && at < rule->rows + rule->count && str_equal(at->scope, wanted.scope); at++)
		add(p, out, at->who);
	return true;
}

bool replay_had_role(struct replay *p, const struct loaded *l, const struct role *role, struct had_roles *out, struct err *err) {
	*out = (struct had_roles){0};
	out->channel = CHANNEL_MAIL;
	if (role->grants ? role->grants->reg->kinds[role->grants->contact] == FIELD_PHONE : role->contact->kind == FIELD_PHONE)
		out->channel = CHANNEL_SMS;
	if (role->grants)
		return granted(p, l, role, out, err);
	struct addresses list = run_addresses(&p->run, role, l->values);
	struct str name = role->person && l->values[role->person->slot].kind == KIND_STRING ? l->values[role->person->slot].string : STR("");
	for (size_t i = 0; i < list.count; i++)
		add(p, out, (struct had_role){.key = address_key(p->run.a, list.items[i]), .name = name});
	return true;
}
