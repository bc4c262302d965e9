#include "engine/workflow/group.h"

#include <string.h>

struct str board_key(const struct group_rule *group, const struct value *fields, struct arena *a) {
	const struct value *by = &fields[group->by->slot];
	if (by->kind == KIND_RECORD)
		by = &by->record.members[by->record.type->key];
	return by->kind == KIND_UNSET ? STR("") : value_text(a, by);
}

static struct shared_record *find(const struct board *b, const struct group_rule *group, struct str key) {
	for (size_t i = 0; i < b->records.count; i++)
		if (b->records.items[i].group == group && str_equal(b->records.items[i].key, key))
			return &b->records.items[i];
	return NULL;
}

const struct shared_record *board_find(const struct board *b, const struct group_rule *group, struct str key) {
	return find(b, group, key);
}

static struct shared_record *ask(struct board *b, const struct group_rule *group, struct str key) {
	struct shared_record *record = find(b, group, key);
	struct err err = {0};
	if (record)
		return record;
	record = ARENA_PUSH(b->a, &b->records);
	*record = (struct shared_record){.group = group, .key = key, .members = ARENA_ARRAY(b->a, group->fields.count, struct value)};
	bool ok = b->port.read(b->port.context, group, key, b->a, &record->json, &err) &&
	          (record->json.len == 0 || data_shared_from_json(group, record->json, b->port.registers, b->a, record->members, &err));
	if (!ok && b->failed.kind == ERR_NONE)
		b->failed = err;
	return record;
}

void board_fill(struct board *b, struct value *slots) {
	for (size_t i = 0; b && i < b->definition->groups.count; i++) {
		const struct group_rule *group = &b->definition->groups.items[i];
		struct str key = board_key(group, slots, b->a);
		const struct value *members = key.len > 0 ? ask(b, group, key)->members : ARENA_ARRAY(b->a, group->fields.count, struct value);
		slots[definition_group_slot(b->definition, i)] = (struct value){.kind = KIND_RECORD, .record = {group->record, members, STR("")}};
	}
}

bool board_set(struct board *b, const struct group_rule *group, const struct value *fields, size_t member, const struct value *value) {
	struct str key = board_key(group, fields, b->a);
	struct shared_record *record = key.len > 0 ? ask(b, group, key) : NULL;
	if (!record || value_equal(&record->members[member], value))
		return false;
	struct value *members = ARENA_ARRAY(b->a, group->fields.count, struct value);
	memcpy(members, record->members, group->fields.count * sizeof *members);
	members[member] = *value;
	record->members = members;
	return true;
}
