/* Lists whose exhaustion is an event. Whoever takes the last place of a row looks at the lists on which it stands, and at no others. */
#include "engine/store/mailbox.h"
#include "engine/store/wishes.h"
#include "engine/workflow/engine_run.h"

#include <stdlib.h>

/* Keys of a list that are read at first; the order of keys has nothing to do with what is taken, so mostly one of the first is left. */
enum { KEYS_AT_ONCE = 8 };

/* ---- what others watch */

static bool any_left(struct run *r, const struct loaded *l, const struct pool *pool, const struct wish_list *list, bool *left, struct err *err) {
	struct str after = STR("");
	int64_t limit = KEYS_AT_ONCE;
	for (;;) {
		struct wished_rows keys;
		if (!wish_keys(r->view, list, after, limit, r->a, &keys, err))
			return false;
		for (size_t i = 0; i < keys.count; i++) {
			int64_t places;
			if (!ledger_places(l->ledger, pool, keys.items[i], &places, err))
				return false;
			*left = places > 0;
			if (*left)
				return true;
		}
		*left = false;
		if ((int64_t)keys.count < limit)
			return true;
		after = keys.items[keys.count - 1];
		limit *= 4;
	}
}

static struct str short_name(struct str pool) {
	str_cut(&pool, '.');
	return pool;
}

/* The event by which the instance hears of it; NULL: its state has none. */
static bool find_event(struct run *r, const struct wish_list *list, const struct event_rule **event, struct err *err) {
	struct instance instance;
	struct err unread; /* a definition that cannot be read waits for nothing */
	*event = NULL;
	if (!instance_load(r->view, list->instance_id, r->a, &instance, err))
		return false;
	const struct definition *d = site_definition(r->engine->site, r->view, instance.definition, &unread);
	const struct state *state = d ? definition_state(d, instance.state) : NULL;
	for (size_t i = 0; state && i < state->on.count; i++)
		if (event_exhausts(&state->on.items[i], list->field, short_name(list->pool.name)))
			*event = &state->on.items[i];
	return true;
}

static bool tell(struct run *r, const struct loaded *l, const struct wish_list *list, struct err *err) {
	const struct event_rule *event;
	if (!find_event(r, list, &event, err))
		return false;
	if (!event)
		return true;
	struct signal_row row = {
	        .instance_id = list->instance_id,
	        .root_id = list->root_id,
	        .from_instance_id = l->instance.id,
	        .event = watch_exhausted(r->a, event),
	        .data = STR("{}"),
	        .at = r->now,
	        .hops = r->hops,
	};
	run_stir(r, row.root_id);
	return mailbox_put(r->tx, &row, err) && wish_watch(r->tx, list, NULL, 0, err);
}

/* Whose they are is read of those lists alone that have nothing left: that happens to a list once, but it is looked at as often as one of its rows is taken. */
static bool look_at_lists(struct run *r, const struct loaded *l, const struct pool *pool, struct str row, struct err *err) {
	struct claim_pool stored;
	struct wish_lists lists;
	if (!pool_stored(l->ledger, pool, &stored, err) || !wish_holders(r->view, &stored, row, l->instance.id, r->a, &lists, err))
		return false;
	for (size_t i = 0; i < lists.count; i++) {
		bool left;
		if (!any_left(r, l, pool, &lists.items[i], &left, err) || (!left && !tell(r, l, &lists.items[i], err)))
			return false;
	}
	return true;
}

static bool tell_others(struct run *r, const struct loaded *l, const struct decision *decision, struct err *err) {
	for (size_t i = 0; i < decision->effects.count; i++) {
		const struct effect *effect = &decision->effects.items[i];
		int64_t places;
		if (effect->kind != EFFECT_CLAIM)
			continue;
		if (!ledger_places(l->ledger, effect->action->pool, effect->row, &places, err) || (places <= 0 && !look_at_lists(r, l, effect->action->pool, effect->row, err)))
			return false;
	}
	return true;
}

/* ---- what the instance itself watches */

static int by_text(const void *a, const void *b) {
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

struct wished_rows run_list_keys(const struct value *list, struct arena *a) {
	struct wished_rows keys = {0}, once = {0};
	for (size_t i = 0; list->kind == KIND_LIST && i < list->list.count; i++) {
		const struct value *row = &list->list.items[i];
		*(struct str *)ARENA_PUSH(a, &keys) = row->record.members[row->record.type->key].string;
	}
	if (keys.count > 1)
		qsort(keys.items, keys.count, sizeof *keys.items, by_text);
	for (size_t i = 0; i < keys.count; i++)
		if (i == 0 || !str_equal(keys.items[i], keys.items[i - 1]))
			*(struct str *)ARENA_PUSH(a, &once) = keys.items[i];
	return once;
}

struct watched run_watched(const struct definition *d, struct arena *a) {
	struct watched out = {0};
	for (size_t i = 0; i < d->states.count; i++)
		for (size_t k = 0; k < d->states.items[i].on.count; k++) {
			const struct event_rule *event = &d->states.items[i].on.items[k];
			bool known = !event->exhausted;
			for (size_t n = 0; n < out.count && !known; n++)
				known = out.items[n]->exhausted == event->exhausted && out.items[n]->pool == event->pool;
			if (!known)
				*(const struct event_rule **)ARENA_PUSH(a, &out) = event;
		}
	return out;
}

static bool keep_list(struct run *r, const struct loaded *l, const struct event_rule *event, const struct value *values, struct err *err) {
	struct wish_list list = {l->instance.id, l->instance.root_id, event->exhausted->name, {0}};
	struct wished_rows keys = run_list_keys(&values[event->exhausted->slot], r->a);
	return pool_stored(l->ledger, event->pool, &list.pool, err) && wish_watch(r->tx, &list, keys.items, keys.count, err);
}

bool run_wishes(struct run *r, const struct loaded *l, const struct value *before, const struct decision *decision, struct err *err) {
	if (!l->ledger)
		return true;
	struct watched watched = run_watched(l->definition, r->a);
	if (!tell_others(r, l, decision, err))
		return false;
	if (watched.count > 0 && decision->moved && decision->target->final)
		return wish_forget(r->tx, l->instance.id, err);
	for (size_t i = 0; i < watched.count; i++) {
		const struct event_rule *event = watched.items[i];
		bool same = before && value_equal(&before[event->exhausted->slot], &decision->values[event->exhausted->slot]);
		if (!same && !keep_list(r, l, event, decision->values, err))
			return false;
	}
	return true;
}

/* ---- verify */

static bool is_on_list(const struct pool_desk *desk, const struct event_rule *event, const struct value *values, const struct wish *wish, bool *is, struct err *err) {
	struct claim_pool pool;
	*is = false;
	if (!str_equal(event->exhausted->name, wish->list.field) || !str_equal(event->pool->name, short_name(wish->list.pool.name)))
		return true;
	if (!pool_owner(desk, event->pool, &pool, err))
		return false;
	struct wished_rows keys = run_list_keys(&values[event->exhausted->slot], desk->a);
	for (size_t i = 0; i < keys.count && !*is; i++)
		*is = str_equal(keys.items[i], wish->row) && pool.owner_id == wish->list.pool.owner_id && str_equal(pool.name, wish->list.pool.name);
	return true;
}

/* Of each list all its rows are watched, or none. */
static void check_whole(const struct pool_desk *desk, const struct watched *watched, const struct value *values, const struct wishes *wishes, struct buf *out) {
	for (size_t i = 0; i < watched->count; i++) {
		const struct event_rule *event = watched->items[i];
		size_t count = 0, all = run_list_keys(&values[event->exhausted->slot], desk->a).count;
		for (size_t k = 0; k < wishes->count; k++)
			count += event_exhausts(event, wishes->items[k].list.field, short_name(wishes->items[k].list.pool.name));
		if (count != 0 && count != all)
			buf_printf(out, "of %zu rows in '%.*s' %zu are watched\n", all, STR_ARG(event->exhausted->name), count);
	}
}

bool run_verify_wishes(const struct pool_desk *desk, const struct instance *instance, struct buf *out, struct err *err) {
	struct register_port port = data_store_port(desk->view);
	struct value *values = ARENA_ARRAY(desk->a, desk->definition->fields.count + 1, struct value);
	struct watched watched = run_watched(desk->definition, desk->a);
	struct wishes wishes;
	struct err broken = {0};
	const struct state *state = definition_state(desk->definition, instance->state);
	if (watched.count > 0 && !wish_of_instance(desk->view, instance->id, desk->a, &wishes, err))
		return false;
	if (watched.count > 0 && wishes.count > 0 && state && state->final)
		buf_printf(out, "%zu rows are watched for it, but it has ended\n", wishes.count);
	if (watched.count == 0 || wishes.count == 0 || !data_from_json(desk->definition, instance->data, &port, desk->a, values, &broken))
		return true; /* that the data cannot be read is told elsewhere */
	for (size_t i = 0; i < wishes.count; i++) {
		bool is = false;
		for (size_t k = 0; k < watched.count && !is; k++)
			if (!is_on_list(desk, watched.items[k], values, &wishes.items[i], &is, err))
				return false;
		if (!is || wishes.items[i].list.root_id != instance->root_id)
			buf_printf(out, "row %.*s is watched, but is not on the list '%.*s'\n", STR_ARG(wishes.items[i].row), STR_ARG(wishes.items[i].list.field));
	}
	check_whole(desk, &watched, values, &wishes, out);
	return true;
}
