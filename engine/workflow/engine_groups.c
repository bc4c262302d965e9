/* Records that instances share: read for a decision, noted in its entry, written, and told to the others. */
#include "engine/base/escape.h"
#include "engine/store/groups.h"
#include "engine/store/mailbox.h"
#include "engine/workflow/engine_run.h"

struct reading {
	struct group_desk desk;
	struct board board;
	struct told_records told; /* of the payload */
};

static struct group_place place_of(const struct definition *d, const struct group_rule *group, struct str value) {
	return (struct group_place){d->name, group->name, value};
}

static bool port_read(void *context, const struct group_rule *group, struct str key, struct arena *a, struct str *json, struct err *err) {
	struct reading *reading = context;
	struct group_place place = place_of(reading->desk.definition, group, key);
	struct group_record record;
	bool found;
	*json = STR("");
	if (reading->desk.payload) {
		*json = told_record(&reading->told, group->name, key);
		return true;
	}
	if (!group_load(reading->desk.view, &place, 0, a, &record, &found, err))
		return false;
	if (found)
		*json = record.data;
	return true;
}

struct board *group_board(const struct group_desk *desk) {
	if (desk->definition->groups.count == 0 || !desk->view)
		return NULL;
	struct reading *reading = ARENA_NEW(desk->a, struct reading);
	*reading = (struct reading){.desk = *desk, .board = {.port = {reading, port_read, desk->registers}, .definition = desk->definition, .a = desk->a}};
	if (desk->payload)
		reading->told = data_told_records(*desk->payload, RUN_READ_RECORDS, desk->a);
	return &reading->board;
}

static void tell_record(struct buf *out, bool first, const char *list, struct str group, struct str key, struct str json) {
	if (first)
		buf_printf(out, ",\"%s\":[", list);
	else
		buf_char(out, ',');
	buf_printf(out, "{\"group\":\"%.*s\",\"of\":", STR_ARG(group));
	escape_json(out, key);
	buf_printf(out, ",\"data\":%.*s}", STR_ARG(json));
}

/* Whether the effect is the last of the decision on its record. */
static bool is_last(const struct decision *decision, size_t at) {
	const struct effect *effect = &decision->effects.items[at];
	for (size_t i = at + 1; i < decision->effects.count; i++) {
		const struct effect *other = &decision->effects.items[i];
		if (other->kind == EFFECT_SHARE && other->action->group == effect->action->group && str_equal(other->row, effect->row))
			return false;
	}
	return true;
}

/* The records that the decision leaves changed, as JSON. */
static bool next_change(const struct loaded *l, const struct decision *decision, size_t *at, const struct shared_record **record, struct str *json) {
	for (; *at < decision->effects.count; ++*at) {
		const struct effect *effect = &decision->effects.items[*at];
		if (effect->kind != EFFECT_SHARE || !is_last(decision, *at))
			continue;
		*record = board_find(l->board, effect->action->group, effect->row);
		*json = data_shared_to_json((*record)->group, (*record)->json, (*record)->members, l->board->a);
		++*at;
		return true;
	}
	return false;
}

void run_groups_read(const struct loaded *l, struct buf *out) {
	size_t count = 0;
	for (size_t i = 0; l->board && i < l->board->records.count; i++) {
		const struct shared_record *record = &l->board->records.items[i];
		if (record->json.len > 0)
			tell_record(out, count++ == 0, RUN_READ_RECORDS, record->group->name, record->key, record->json);
	}
	buf_z(out, count > 0 ? "]" : "");
}

void run_groups_payload(const struct loaded *l, const struct decision *decision, struct buf *out) {
	const struct shared_record *record;
	struct str json;
	size_t count = 0, at = 0;
	for (; l->board && next_change(l, decision, &at, &record, &json); count++)
		tell_record(out, count == 0, RUN_SHARED_RECORDS, record->group->name, record->key, json);
	buf_z(out, count > 0 ? "]" : "");
}

static bool listens(const struct definition *d, struct str mark) {
	for (size_t i = 0; i < d->states.count; i++)
		if (state_watch(&d->states.items[i], mark))
			return true;
	return false;
}

/* Those that run an older machine may not ask about it. */
static bool tell_others(struct run *r, const struct loaded *l, const struct group_rule *group, const struct group_place *place, struct err *err) {
	struct group_member_list others;
	struct str mark = watch_shared(r->a, group);
	if (!group_members(r->view, place, l->instance.id, r->a, &others, err))
		return false;
	for (size_t i = 0; i < others.count; i++) {
		const struct group_member *other = &others.items[i];
		struct err unread = {0};
		const struct definition *d = site_definition(r->engine->site, r->view, other->definition, &unread);
		if (!d || !listens(d, mark))
			continue;
		struct signal_row row = {.instance_id = other->instance_id, .root_id = other->root_id, .from_instance_id = l->instance.id, .event = mark, .data = STR("{}"), .at = r->now, .hops = r->hops};
		run_stir(r, other->root_id);
		if (!mailbox_put(r->tx, &row, err))
			return false;
	}
	return true;
}

static bool write_records(struct run *r, const struct loaded *l, const struct decision *decision, int64_t history_id, struct err *err) {
	const struct shared_record *record;
	struct str json;
	for (size_t at = 0; next_change(l, decision, &at, &record, &json);) {
		struct group_record row = {.place = place_of(l->definition, record->group, record->key), .history_id = history_id, .data = json};
		if (!group_put(r->tx, &row, err) || !tell_others(r, l, record->group, &row.place, err))
			return false;
	}
	return true;
}

bool run_groups(struct run *r, const struct loaded *l, const struct value *before, const struct decision *decision, int64_t history_id, struct err *err) {
	const struct definition *d = l->definition;
	if (!l->board || !write_records(r, l, decision, history_id, err))
		return !l->board;
	for (size_t i = 0; i < d->groups.count; i++) {
		const struct group_rule *group = &d->groups.items[i];
		struct str was = before ? board_key(group, before, r->a) : STR(""), is = board_key(group, decision->values, r->a);
		struct group_place place = place_of(d, group, is);
		if (!str_equal(was, is) && !group_join(r->tx, l->instance.id, &place, history_id, err))
			return false;
	}
	return true;
}
