/* stafet replay, of wishes: a list whose rows nobody watches was exhausted since it changed last, and so was told of. */
#include "engine/workflow/engine_replay.h"

/* Behind that entry no row of the list had a place. *was also when the entry is erased: then nobody knows. */
static bool was_exhausted(struct replay *p, const struct event_rule *event, const struct wished_rows *keys, int64_t history_id, bool *was, struct err *err) {
	struct history entry;
	struct payload_told told;
	if (!history_load(p->run.view, history_id, p->run.a, &entry, err))
		return false;
	*was = true;
	if (!data_payload_told(entry.payload, p->run.a, &told) || !told.again)
		return true;
	p->registers->generation = told.read_at;
	struct ledger *ledger = pool_ledger(&(struct pool_desk){.engine = p->run.engine, .view = p->run.view, .a = p->run.a, .definition = p->definition, .instance_id = p->instance->id,
	                                                        .parent_id = p->instance->parent_id, .seen = history_id, .now = entry.at, .registers = &p->then, .books = p->sum->claims});
	for (size_t i = 0; *was && i < keys->count; i++) {
		int64_t places;
		if (!ledger_places(ledger, event->pool, keys->items[i], &places, err))
			return false;
		*was = places <= 0;
	}
	return true;
}

/* It was by whoever took one of its rows. */
static bool check_list(struct replay *p, const struct event_rule *event, const struct wished_rows *keys, struct err *err) {
	struct pool_desk desk = {.engine = p->run.engine, .view = p->run.view, .a = p->run.a, .definition = p->definition, .instance_id = p->instance->id, .parent_id = p->instance->parent_id};
	struct claim_pool pool;
	bool was = false;
	if (!pool_owner(&desk, event->pool, &pool, err))
		return false;
	for (size_t i = 0; !was && i < keys->count; i++) {
		struct claim_entries entries;
		if (!claim_entries(p->run.view, &pool, keys->items[i], p->changed[event->exhausted->slot], p->run.a, &entries, err))
			return false;
		for (size_t k = 0; !was && k < entries.count; k++)
			if (!was_exhausted(p, event, keys, entries.items[k], &was, err))
				return false;
	}
	if (!was)
		replay_fault_of_all(p, "none of the rows in '%.*s' is watched, though somebody can still have one", STR_ARG(event->exhausted->name));
	return true;
}

bool replay_wishes_left(struct replay *p, struct err *err) {
	struct watched watched = run_watched(p->definition, p->run.a);
	struct wishes wishes;
	if (watched.count == 0 || !p->state || p->state->final)
		return true;
	if (!wish_of_instance(p->run.view, p->instance->id, p->run.a, &wishes, err))
		return false;
	for (size_t i = 0; i < watched.count; i++) {
		struct wished_rows keys = run_list_keys(&p->values[watched.items[i]->exhausted->slot], p->run.a);
		bool some = false;
		for (size_t k = 0; k < wishes.count; k++)
			some = some || str_equal(wishes.items[k].list.field, watched.items[i]->exhausted->name);
		if (!some && keys.count > 0 && !check_list(p, watched.items[i], &keys, err))
			return false;
	}
	return true;
}
