/* stafet verify, of groups: who shares what follows from the fields, each record is what the entry that wrote it says, and each entry read what was there then. */
#include "engine/store/groups.h"
#include "engine/workflow/engine_run.h"

struct groups_check {
	struct view *v;
	const struct definition *d;
	struct arena *a;
	struct buf *out; /* a line a fault */
	struct group_record_list in, written;
};

static const struct group_record *find_place(const struct group_record_list *list, struct str name, struct str value) {
	for (size_t i = 0; i < list->count; i++)
		if (str_equal(list->items[i].place.name, name) && str_equal(list->items[i].place.value, value))
			return &list->items[i];
	return NULL;
}

/* Of whose record nothing went since that entry: it has had the value all the time. */
static bool shares_since(const struct groups_check *c, const struct told_record *told, int64_t history_id) {
	const struct group_record *in = find_place(&c->in, told->group, told->of);
	return in && in->since <= history_id;
}

static bool check_membership(struct groups_check *c, const struct instance *instance, struct err *err) {
	struct register_port port = data_store_port(c->v);
	struct value *values = ARENA_ARRAY(c->a, c->d->fields.count + 1, struct value);
	struct err broken = {0};
	size_t count = 0;
	if (!data_from_json(c->d, instance->data, &port, c->a, values, &broken)) {
		if (broken.kind == ERR_TRANSIENT)
			*err = broken;
		return broken.kind != ERR_TRANSIENT; /* that the data cannot be read is told elsewhere */
	}
	for (size_t i = 0; i < c->d->groups.count; i++) {
		const struct group_rule *group = &c->d->groups.items[i];
		struct str key = board_key(group, values, c->a);
		count += key.len > 0;
		if (key.len > 0 && !find_place(&c->in, group->name, key))
			buf_printf(c->out, "it is not among those who share '%.*s' by '%.*s'\n", STR_ARG(group->name), STR_ARG(group->by->name));
	}
	if (count != c->in.count)
		buf_printf(c->out, "it shares %zu records, but its fields say %zu\n", c->in.count, count);
	return true;
}

static void check_written(struct groups_check *c, const struct history_list *entries) {
	for (size_t i = 0; i < c->written.count; i++) {
		const struct group_record *record = &c->written.items[i];
		for (size_t k = 0; k < entries->count; k++) {
			const struct history *entry = &entries->items[k];
			if (entry->id != record->history_id || entry->payload.len == 0)
				continue;
			struct told_records told = data_told_records(entry->payload, RUN_SHARED_RECORDS, c->a);
			if (!str_equal(told_record(&told, record->place.name, record->place.value), record->data) || !str_equal(record->place.workflow, c->d->name))
				buf_printf(c->out, "entry %lld does not tell what it wrote to the group '%.*s'\n", (long long)entry->seq, STR_ARG(record->place.name));
		}
	}
}

/* Of a record that it still shares nothing is missing. */
static void check_told(struct groups_check *c, const struct history *entry) {
	struct told_records told = data_told_records(entry->payload, RUN_SHARED_RECORDS, c->a);
	for (size_t i = 0; i < told.count; i++) {
		bool kept = false;
		for (size_t k = 0; k < c->written.count; k++)
			kept = kept || (c->written.items[k].history_id == entry->id && str_equal(c->written.items[k].place.name, told.items[i].group) &&
			                str_equal(c->written.items[k].place.value, told.items[i].of));
		if (!kept && shares_since(c, &told.items[i], entry->id))
			buf_printf(c->out, "what entry %lld wrote to the group '%.*s' is not there\n", (long long)entry->seq, STR_ARG(told.items[i].group));
	}
}

static bool check_read(struct groups_check *c, const struct history *entry, struct err *err) {
	struct told_records told = data_told_records(entry->payload, RUN_READ_RECORDS, c->a);
	for (size_t i = 0; i < told.count; i++) {
		struct group_place place = {c->d->name, told.items[i].group, told.items[i].of};
		struct group_record record = {0};
		bool found;
		if (!shares_since(c, &told.items[i], entry->id))
			continue;
		if (!group_load(c->v, &place, entry->id, c->a, &record, &found, err))
			return false;
		if (!str_equal(record.data, told.items[i].data))
			buf_printf(c->out, "entry %lld read of the group '%.*s' what was not there\n", (long long)entry->seq, STR_ARG(place.name));
	}
	return true;
}

bool run_verify_groups(struct view *v, const struct instance *instance, const struct definition *d, const struct history_list *entries, struct buf *out, struct arena *a, struct err *err) {
	struct groups_check c = {.v = v, .d = d, .a = a, .out = out};
	if (d->groups.count == 0)
		return true;
	if (!group_of_instance(v, instance->id, a, &c.in, err) || !group_written(v, instance->id, a, &c.written, err))
		return false;
	if (instance->erased_at == 0 && !check_membership(&c, instance, err))
		return false;
	check_written(&c, entries);
	for (size_t i = 0; i < entries->count; i++) {
		if (entries->items[i].payload.len == 0)
			continue;
		check_told(&c, &entries->items[i]);
		if (!check_read(&c, &entries->items[i], err))
			return false;
	}
	return true;
}
