/* stafet verify, of pools: the claims in the table are those that the histories made and released, in the pools of their owners, and no row was ever held more
 * often than it had places. */
#include "engine/base/escape.h"
#include "engine/store/claims.h"
#include "engine/workflow/engine_run.h"

#include <string.h>

/* Neither a field nor a text of one can hold the list's name in quotes. */
struct texts_of run_payload_list(struct arena *a, struct str payload, const char *name) {
	struct texts_of out = {0};
	struct str key = arena_printf(a, "\"%s\":[", name);
	const char *at = payload.len ? memmem(payload.at, payload.len, key.at, key.len) : NULL, *end = payload.at + payload.len;
	for (at = at ? at + key.len : end; at < end && *at != ']';) {
		const char *from = at++;
		while (at < end && *at != '"')
			at += *at == '\\' ? 2 : 1;
		at++;
		if (at < end)
			*(struct str *)ARENA_PUSH(a, &out) = (struct str){from, (size_t)(at - from)};
		if (at < end && *at == ',')
			at++;
	}
	return out;
}

static struct str json_of(struct arena *a, struct str text) {
	struct buf out;
	buf_init(&out, 1 << 20);
	escape_json(&out, text);
	struct str json = arena_str(a, buf_text(&out));
	buf_free(&out);
	return json;
}

static struct str short_name(const struct claim *claim) {
	struct str name = claim->pool.name;
	str_cut(&name, '.');
	return name;
}

struct claims_check {
	const struct pool_desk *desk;
	const struct claim_list *claims;
	struct buf *out; /* a line a fault */
};

/* The claim that stands there is that of the entry: "pool capacity row" claims, "pool row" releases. */
static bool is_told(struct claims_check *c, const struct claim *claim, struct str told, bool claims) {
	struct str pool = short_name(claim), rest;
	if (!claims)
		return str_equal(told, json_of(c->desk->a, arena_printf(c->desk->a, "%.*s %.*s", STR_ARG(pool), STR_ARG(claim->row))));
	int64_t capacity;
	rest = told;
	str_cut(&rest, ' ');
	if (!str_to_int(str_cut(&rest, ' '), &capacity) || capacity <= claim->place)
		return false;
	return str_equal(told, json_of(c->desk->a, arena_printf(c->desk->a, "%.*s %lld %.*s", STR_ARG(pool), (long long)capacity, STR_ARG(claim->row))));
}

static void check_list(struct claims_check *c, const struct history *entry, bool claims) {
	struct texts_of told = run_payload_list(c->desk->a, entry->payload, claims ? RUN_CLAIMED : RUN_RELEASED);
	size_t count = 0, found = 0;
	for (size_t i = 0; i < c->claims->count; i++) {
		const struct claim *claim = &c->claims->items[i];
		if ((claims ? claim->history_id : claim->released_id) != entry->id)
			continue;
		count++;
		bool same = false;
		for (size_t k = 0; k < told.count && !same; k++)
			same = is_told(c, claim, told.items[k], claims);
		found += same;
	}
	if (entry->payload.len > 0 && (count != told.count || found != count))
		buf_printf(c->out, "entry %lld %s %zu rows, but the table has %zu, of which %zu are the same\n", (long long)entry->seq, claims ? "claims" : "releases", told.count, count,
		           found);
}

static bool check_numbers(struct claims_check *c, const struct claim *claim, struct err *err) {
	int64_t place = -1, hold = -1;
	bool is_place = false, is_hold = false;
	for (int same_entry = 0; same_entry < 2; same_entry++) {
		if (!claim_numbers(c->desk->view, claim, same_entry, &place, &hold, err))
			return false;
		is_place = is_place || place == claim->place;
		is_hold = is_hold || hold == claim->hold;
	}
	if (!is_place)
		buf_printf(c->out, "claim %lld of row %.*s has another place than the lowest that was free\n", (long long)claim->id, STR_ARG(claim->row));
	if (!is_hold)
		buf_printf(c->out, "claim %lld of row %.*s is not counted among what its holder has\n", (long long)claim->id, STR_ARG(claim->row));
	return true;
}

static bool check_claim(struct claims_check *c, const struct claim *claim, const struct history_list *entries, struct err *err) {
	const struct pool *pool = definition_pool(c->desk->definition, short_name(claim));
	struct claim_pool owner = {0};
	bool erased = entries->count > 0 && entries->items[entries->count - 1].payload.len == 0; /* which released what it held, behind its last entry */
	bool own = false, released = claim->released_id == 0 || erased;
	if (!check_numbers(c, claim, err) || (pool && !pool_owner(c->desk, pool, &owner, err)))
		return false;
	for (size_t i = 0; i < entries->count; i++) {
		own = own || (entries->items[i].id == claim->history_id && entries->items[i].at == claim->at);
		released = released || entries->items[i].id == claim->released_id;
	}
	if (!own || !released)
		buf_printf(c->out, "claim %lld belongs to no entry\n", (long long)claim->id);
	if (!pool || owner.owner_id != claim->pool.owner_id || !str_equal(owner.name, claim->pool.name))
		buf_printf(c->out, "claim %lld is of a pool that the instance has no share in\n", (long long)claim->id);
	return true;
}

bool run_verify_claims(const struct pool_desk *desk, const struct history_list *entries, struct buf *out, struct err *err) {
	struct claim_list claims;
	struct claims_check c = {desk, &claims, out};
	bool ok = claim_of_holder(desk->view, desk->instance_id, desk->a, &claims, err);
	for (size_t i = 0; ok && i < claims.count; i++)
		ok = check_claim(&c, &claims.items[i], entries, err);
	for (size_t i = 0; ok && i < entries->count; i++) {
		check_list(&c, &entries->items[i], true);
		check_list(&c, &entries->items[i], false);
	}
	return ok;
}
