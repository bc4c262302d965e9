#include "engine/workflow/data.h"

#include "engine/workflow/draw.h"
#include "engine/workflow/register_cache.h"
#include "engine/workflow/sealed.h"
#include "engine/workflow/upload.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* One JSON node as a value of a scalar kind. */
static bool scalar_from_json(enum kind kind, const json_t *node, struct arena *a, struct value *out) {
	struct str text = {json_string_value(node), json_string_length(node)};
	int64_t number;
	switch (kind) {
	case KIND_BOOL:
		*out = value_bool(json_is_true(node));
		return json_is_boolean(node);
	case KIND_INT:
		*out = value_int(json_integer_value(node));
		return json_is_integer(node);
	case KIND_DOUBLE:
		*out = value_double(json_number_value(node));
		return json_is_number(node);
	case KIND_STRING:
		*out = value_string(json_is_string(node) ? arena_str(a, text) : STR(""));
		return json_is_string(node);
	case KIND_DATE:
		if (!json_is_string(node) || !civil_parse_date(text, &number))
			return false;
		*out = value_date(number);
		return true;
	case KIND_SEALED:
		node = json_object_get(node, "sealed");
		text = (struct str){json_string_value(node), json_string_length(node)};
		*out = (struct value){.kind = KIND_SEALED, .string = arena_str(a, text)};
		return json_is_string(node);
	case KIND_DATETIME:
		if (!json_is_string(node) || !civil_parse_datetime(text, &number))
			return false;
		*out = value_datetime(number);
		return true;
	default:
		return false;
	}
}

static bool wrong(const struct field *field, struct err *err) {
	return err_set(err, ERR_PERMANENT, "error.internal", "stored value of field %.*s does not fit its type", STR_ARG(field->name));
}

static bool ref_from_json(const struct field *field, const json_t *node, const struct register_port *port, struct arena *a,
                          struct value *out, struct err *err) {
	const json_t *key = json_object_get(node, "key"), *version = json_object_get(node, "version");
	int64_t number = 0;
	if (!json_is_string(key) || (version && !json_is_string(version)))
		return wrong(field, err);
	if (version && !str_to_int(str_from(json_string_value(version)), &number))
		return wrong(field, err);
	return port->row(port->context, field->reg, (struct str){json_string_value(key), json_string_length(key)}, number, a, out, err);
}

static bool matrix_from_json(const struct field *field, json_t *node, struct arena *a, struct value *out, struct err *err) {
	size_t count = json_object_size(node), i = 0;
	struct value *items = ARENA_ARRAY(a, count, struct value);
	struct str *keys = ARENA_ARRAY(a, count, struct str);
	const char *key;
	json_t *level;
	json_object_foreach(node, key, level) {
		if (!json_is_integer(level))
			return wrong(field, err);
		keys[i] = arena_str(a, str_from(key));
		items[i++] = value_int(json_integer_value(level));
	}
	*out = (struct value){.kind = KIND_MAP, .list = {items, keys, count}};
	return json_is_object(node) || wrong(field, err);
}

static bool file_from_json(const struct field *field, const json_t *node, struct arena *a, struct value *out, struct err *err) {
	const json_t *name = json_object_get(node, "name"), *type = json_object_get(node, "type");
	struct upload upload = {json_integer_value(json_object_get(node, "id")), json_integer_value(json_object_get(node, "size")),
	                        {json_string_value(name), json_string_length(name)}, {json_string_value(type), json_string_length(type)}};
	if (upload.id < 1 || upload.size < 1 || !json_is_string(name) || !json_is_string(type))
		return wrong(field, err);
	*out = upload_value(a, &upload);
	return true;
}

static bool item_from_json(const struct field *field, json_t *node, const struct register_port *port, struct arena *a, struct value *out, struct err *err);

struct list_change {
	size_t at, drop;
	json_t *put;
};

/* Of a list with so many items. */
static bool change_from_json(const json_t *node, size_t count, struct list_change *out) {
	json_int_t at = json_integer_value(json_object_get(node, PAYLOAD_LIST_AT)), drop = json_integer_value(json_object_get(node, PAYLOAD_LIST_DROP));
	out->put = json_object_get(node, PAYLOAD_LIST_PUT);
	if (!json_is_array(out->put) || at < 0 || drop < 0 || (size_t)at > count || (size_t)drop > count - (size_t)at)
		return false;
	out->at = (size_t)at;
	out->drop = (size_t)drop;
	return true;
}

/* A field that the group got later is unset. */
static bool group_from_json(const struct field *field, json_t *node, const struct register_port *port, struct arena *a, struct value *out, struct err *err) {
	struct value *members = ARENA_ARRAY(a, field->fields.count, struct value);
	if (!json_is_object(node))
		return wrong(field, err);
	for (size_t i = 0; i < field->fields.count; i++) {
		const struct field *member = &field->fields.items[i];
		json_t *part = json_object_get(node, arena_z(a, member->name));
		if (part && !json_is_null(part) && !item_from_json(member, part, port, a, &members[i], err))
			return false;
	}
	*out = (struct value){.kind = KIND_RECORD, .record = {field->type.item->record, members, STR("")}};
	return true;
}

static bool item_from_json(const struct field *field, json_t *node, const struct register_port *port, struct arena *a,
                           struct value *out, struct err *err) {
	if (field->kind == FIELD_REF)
		return ref_from_json(field, node, port, a, out, err);
	if (field->kind == FIELD_MATRIX)
		return matrix_from_json(field, node, a, out, err);
	if (field->kind == FIELD_FILE)
		return file_from_json(field, node, a, out, err);
	if (field->kind == FIELD_GROUP)
		return group_from_json(field, node, port, a, out, err);
	enum kind kind = field->many ? field->type.item->kind : field->type.kind;
	return scalar_from_json(kind, node, a, out) || wrong(field, err);
}

/* *out is the list before. */
static bool changed_from_json(const struct field *field, json_t *node, const struct register_port *port, struct arena *a, struct value *out, struct err *err) {
	size_t before = out->kind == KIND_LIST ? out->list.count : 0, put, count = 0;
	struct list_change change;
	if (!change_from_json(node, before, &change))
		return wrong(field, err);
	put = json_array_size(change.put);
	struct value *items = ARENA_ARRAY(a, before - change.drop + put, struct value);
	for (size_t i = 0; i < change.at; i++)
		items[count++] = out->list.items[i];
	for (size_t i = 0; i < put; i++)
		if (!item_from_json(field, json_array_get(change.put, i), port, a, &items[count++], err))
			return false;
	for (size_t i = change.at + change.drop; i < before; i++)
		items[count++] = out->list.items[i];
	*out = (struct value){.kind = KIND_LIST, .list = {items, NULL, count}};
	return true;
}

static bool field_from_json(const struct field *field, json_t *node, const struct register_port *port, struct arena *a,
                            struct value *out, struct err *err) {
	if (json_is_null(node)) {
		*out = VALUE_UNSET;
		return true;
	}
	if (!field->many)
		return item_from_json(field, node, port, a, out, err);
	if (json_is_object(node))
		return changed_from_json(field, node, port, a, out, err);
	if (!json_is_array(node))
		return wrong(field, err);
	size_t count = json_array_size(node);
	struct value *items = ARENA_ARRAY(a, count, struct value);
	for (size_t i = 0; i < count; i++)
		if (!item_from_json(field, json_array_get(node, i), port, a, &items[i], err))
			return false;
	*out = (struct value){.kind = KIND_LIST, .list = {items, NULL, count}};
	return true;
}

bool data_from_json(const struct definition *d, struct str json, const struct register_port *port, struct arena *a,
                    struct value *values, struct err *err) {
	for (size_t i = 0; i < d->fields.count; i++)
		values[i] = VALUE_UNSET;
	json_error_t where;
	json_t *root = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(err, ERR_PERMANENT, "error.internal", "stored data is no JSON object");
	}
	bool ok = true;
	const char *key;
	json_t *node;
	json_object_foreach(root, key, node) {
		const struct field *field = definition_field(d, str_from(key));
		if (!field)
			ok = ok && err_set(err, ERR_INPUT, "error.input", "%.*s has no field '%s'", STR_ARG(d->name), key);
		ok = ok && field_from_json(field, node, port, a, &values[field->slot], err);
	}
	json_decref(root);
	return ok;
}

/* As changed_from_json, before it is read: of what follows each other only the end counts. */
static bool change_last(json_t *last, const char *key, json_t *node) {
	json_t *before = json_object_get(last, key), *list = json_array();
	struct list_change change;
	bool ok = change_from_json(node, json_array_size(before), &change);
	for (size_t i = 0; ok && i < change.at; i++)
		json_array_append(list, json_array_get(before, i));
	if (ok)
		json_array_extend(list, change.put);
	for (size_t i = ok ? change.at + change.drop : 0; ok && i < json_array_size(before); i++)
		json_array_append(list, json_array_get(before, i));
	return json_object_set_new(last, key, list) == 0 && ok;
}

static bool follow(const struct definition *d, json_t *last, json_t *set) {
	const char *key;
	json_t *node;
	bool ok = true;
	json_object_foreach(set, key, node) {
		const struct field *field = definition_field(d, str_from(key));
		bool changed = field && field->many && json_is_object(node);
		ok = ok && (changed ? change_last(last, key, node) : json_object_set(last, key, node) == 0);
	}
	return ok;
}

bool data_replay(const struct definition *d, const struct str *payloads, size_t count, const struct register_port *port, struct arena *a,
                 struct value *values, struct err *err) {
	json_t *last = json_object();
	json_error_t where;
	bool ok = true;
	for (size_t i = 0; ok && i < count; i++) {
		json_t *payload = json_loadb(payloads[i].at, payloads[i].len, 0, &where);
		json_t *set = json_object_get(payload, "set");
		ok = (json_is_object(payload) && follow(d, last, set)) ||
		     err_set(err, ERR_PERMANENT, "error.internal", "entry %zu has no readable payload", i + 1);
		json_decref(payload);
	}
	for (size_t i = 0; i < d->fields.count; i++) {
		const struct field *field = &d->fields.items[i];
		json_t *node = json_object_get(last, arena_z(a, field->name));
		values[field->slot] = VALUE_UNSET;
		ok = ok && (!node || field_from_json(field, node, port, a, &values[field->slot], err));
	}
	json_decref(last);
	return ok;
}

bool data_apply(const struct definition *d, struct str payload, const char *member, const struct register_port *port, struct arena *a, struct value *values, struct err *err) {
	json_error_t where;
	json_t *root = json_loadb(payload.at, payload.len, 0, &where), *node;
	const char *key;
	bool ok = json_is_object(root) || err_set(err, ERR_PERMANENT, "error.internal", "its payload cannot be read");
	json_object_foreach(json_object_get(root, member), key, node) {
		const struct field *field = definition_field(d, str_from(key));
		ok = ok && (!field || field_from_json(field, node, port, a, &values[field->slot], err));
	}
	json_decref(root);
	return ok;
}

static bool date_storable(int64_t day) {
	int64_t year;
	int month, day_of_month;
	civil_split(day, &year, &month, &day_of_month);
	return year >= 1900 && year <= 2200;
}

bool data_storable(const struct value *v, struct err *err) {
	switch (v->kind) {
	case KIND_DOUBLE:
		return v->decimal - v->decimal == 0.0 || err_set(err, ERR_INPUT, "error.input", "the number is not finite");
	case KIND_DATE:
		return date_storable(v->integer) || err_set(err, ERR_INPUT, "error.input", "the date does not lie in the years 1900 to 2200");
	case KIND_DATETIME:
		return date_storable(civil_day_of(v->integer)) || err_set(err, ERR_INPUT, "error.input", "the time does not lie in the years 1900 to 2200");
	case KIND_STRING:
		return (str_utf8_valid(v->string) && (v->string.len == 0 || !memchr(v->string.at, '\0', v->string.len))) ||
		       err_set(err, ERR_INPUT, "error.input", "the text has a NUL or is no UTF-8");
	case KIND_LIST:
		for (size_t i = 0; i < v->list.count; i++)
			if (!data_storable(&v->list.items[i], err))
				return false;
		return true;
	case KIND_RECORD:
		for (size_t i = 0; i < v->record.type->count; i++)
			if (!data_storable(&v->record.members[i], err))
				return false;
		return true;
	default:
		return true;
	}
}

void data_to_json(const struct definition *d, const struct value *values, struct buf *out) {
	bool first = true;
	buf_char(out, '{');
	for (size_t i = 0; i < d->fields.count; i++) {
		if (values[i].kind == KIND_UNSET)
			continue;
		buf_z(out, first ? "\"" : ",\"");
		buf_str(out, d->fields.items[i].name);
		buf_z(out, "\":");
		value_to_json(&values[i], out);
		first = false;
	}
	buf_char(out, '}');
}

bool data_text(struct str json, const char *name, struct arena *a, struct str *out) {
	json_error_t where;
	json_t *root = json_loadb(json.at, json.len, 0, &where);
	const json_t *node = json_object_get(root, name);
	bool is = json_is_string(node);
	if (is)
		*out = arena_str(a, (struct str){json_string_value(node), json_string_length(node)});
	json_decref(root);
	return is;
}

/* keys NULL: masks. */
static struct str data_told(struct str json, const struct keyring *keys, struct arena *a) {
	json_error_t where;
	json_t *root = json_loadb(json.at, json.len, 0, &where), *node;
	const char *key;
	json_object_foreach(root, key, node) {
		const char *sealed = json_string_value(json_object_get(node, "sealed"));
		struct str told = str_from(sealed), plain;
		if (!sealed)
			continue;
		told = keys && sealed_open(keys, told, a, &plain) ? plain : sealed_mask(told);
		json_object_set_new(root, key, json_stringn(told.at, told.len));
	}
	char *text = json_dumps(root, JSON_COMPACT);
	struct str out = text ? arena_str(a, str_from(text)) : STR("");
	free(text);
	json_decref(root);
	return out;
}

struct str data_masked(struct str json, struct arena *a) {
	return data_told(json, NULL, a);
}

struct str data_unsealed(struct str json, const struct keyring *keys, struct arena *a) {
	return data_told(json, keys, a);
}

bool data_shared_from_json(const struct group_rule *group, struct str json, const struct register_port *port, struct arena *a, struct value *members, struct err *err) {
	json_error_t where;
	json_t *root = json_loadb(json.at, json.len, 0, &where);
	bool ok = true;
	for (size_t i = 0; ok && i < group->fields.count; i++) {
		const struct field *field = &group->fields.items[i];
		struct err why = {0};
		json_t *node = json_object_get(root, arena_z(a, field->name));
		members[i] = VALUE_UNSET;
		if (!node || field_from_json(field, node, port, a, &members[i], &why))
			continue;
		members[i] = VALUE_UNSET;
		ok = why.kind == ERR_PERMANENT || why.kind == ERR_NOT_FOUND;
		if (!ok)
			*err = why;
	}
	json_decref(root);
	return ok;
}

struct str data_shared_to_json(const struct group_rule *group, struct str before, const struct value *members, struct arena *a) {
	json_error_t where;
	json_t *root = json_loadb(before.at ? before.at : "", before.len, 0, &where);
	if (!json_is_object(root)) {
		json_decref(root);
		root = json_object();
	}
	for (size_t i = 0; i < group->fields.count; i++) {
		const char *name = arena_z(a, group->fields.items[i].name);
		struct buf text;
		buf_init(&text, 1 << 20);
		value_to_json(&members[i], &text);
		if (members[i].kind == KIND_UNSET)
			json_object_del(root, name);
		else
			json_object_set_new(root, name, json_loadb(text.at, text.len, JSON_DECODE_ANY, &where));
		buf_free(&text);
	}
	char *text = json_dumps(root, JSON_COMPACT);
	struct str out = text ? arena_str(a, str_from(text)) : STR("");
	free(text);
	json_decref(root);
	return out;
}

static struct str json_text(const json_t *node, struct arena *a) {
	return arena_str(a, (struct str){json_string_value(node), json_string_length(node)});
}

bool data_payload_told(struct str payload, struct arena *a, struct payload_told *out) {
	json_error_t where;
	json_t *root = json_loadb(payload.at, payload.len, 0, &where), *refused = json_object_get(root, PAYLOAD_SAID_REFUSED);
	struct value *names = ARENA_ARRAY(a, json_array_size(refused), struct value);
	for (size_t i = 0; i < json_array_size(refused); i++)
		names[i] = value_string(json_text(json_array_get(refused, i), a));
	*out = (struct payload_told){
	        .again = json_object_get(root, PAYLOAD_READ_AT) != NULL,
	        .read_at = json_integer_value(json_object_get(root, PAYLOAD_READ_AT)),
	        .seen = json_integer_value(json_object_get(root, PAYLOAD_SEEN)),
	        .aside = json_object_get(root, PAYLOAD_ASIDE) != NULL,
	        .said_by = json_text(json_object_get(root, PAYLOAD_SAID_BY), a),
	        .said = json_text(json_object_get(root, PAYLOAD_SAID), a),
	};
	if (refused)
		out->refused = (struct value){.kind = KIND_LIST, .list = {names, NULL, json_array_size(refused)}};
	bool ok = json_is_object(root);
	json_decref(root);
	return ok;
}

struct told_records data_told_records(struct str payload, const char *name, struct arena *a) {
	struct told_records out = {0};
	json_error_t where;
	if (payload.len == 0 || !memmem(payload.at, payload.len, name, strlen(name)))
		return out;
	json_t *root = json_loadb(payload.at, payload.len, 0, &where), *list = json_object_get(root, name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *node = json_array_get(list, i);
		char *data = json_dumps(json_object_get(node, "data"), JSON_COMPACT);
		*(struct told_record *)ARENA_PUSH(a, &out) =
		        (struct told_record){json_text(json_object_get(node, "group"), a), json_text(json_object_get(node, "of"), a), data ? arena_str(a, str_from(data)) : STR("")};
		free(data);
	}
	json_decref(root);
	return out;
}

struct str told_record(const struct told_records *told, struct str group, struct str of) {
	for (size_t i = 0; i < told->count; i++)
		if (str_equal(told->items[i].group, group) && str_equal(told->items[i].of, of))
			return told->items[i].data;
	return STR("");
}

bool data_row_from_json(const struct register_type *reg, struct str key, int64_t version, struct str json, struct arena *a,
                        struct value *out, struct err *err) {
	json_error_t where;
	json_t *root = json_loadb(json.at, json.len, 0, &where);
	struct value *members = ARENA_ARRAY(a, reg->record.count, struct value);
	bool ok = json_is_object(root);
	for (size_t i = 0; ok && i < reg->record.count; i++) {
		const struct record_member *column = &reg->record.members[i];
		const json_t *node = json_object_get(root, arena_z(a, column->name));
		/* A column added after the row was imported is unset, not a fault. */
		if (node && !json_is_null(node))
			ok = scalar_from_json(column->type.kind, node, a, &members[i]);
	}
	json_decref(root);
	if (!ok)
		return err_set(err, ERR_PERMANENT, "error.internal", "row %.*s of register %.*s does not fit its columns", STR_ARG(key), STR_ARG(reg->full_name));
	*out = (struct value){.kind = KIND_RECORD,
	                      .record = {&reg->record, members, arena_printf(a, "%lld", (long long)version)}};
	return true;
}

bool data_row_is_valid(const struct register_type *reg, const struct value *row, int64_t day) {
	const struct value *from = reg->valid_from == SIZE_MAX ? NULL : &row->record.members[reg->valid_from];
	const struct value *until = reg->valid_until == SIZE_MAX ? NULL : &row->record.members[reg->valid_until];
	return (!from || from->kind == KIND_UNSET || from->integer <= day) && (!until || until->kind == KIND_UNSET || day <= until->integer);
}

struct value data_row_list(const struct value *rows, size_t count, struct str digest) {
	return (struct value){.kind = KIND_LIST, .list = {.items = rows, .count = count, .digest = digest}};
}

struct str data_rows_digest(const struct register_type *reg, const struct value *rows, size_t count, struct arena *a) {
	struct arena *scratch = arena_new();
	struct str *keys = ARENA_ARRAY(scratch, count, struct str);
	for (size_t i = 0; i < count; i++)
		keys[i] = value_text(scratch, &rows[i].record.members[reg->record.key]);
	struct str digest = draw_list_digest(keys, count, a);
	arena_free(scratch);
	return digest;
}

static bool store_rows(void *context, const struct register_type *reg, int64_t today, struct arena *a, struct value *rows, struct err *err) {
	const struct register_snapshot *cached;
	struct register_rows stored = {0};
	if (!register_cache_get(reg->cache, context, reg, today, a, &cached, err))
		return false;
	if (cached) {
		*rows = register_snapshot_rows(cached);
		return true;
	}
	if (!register_rows(context, reg->full_name, a, &stored, err))
		return false;
	struct value *out = ARENA_ARRAY(a, stored.count, struct value);
	size_t kept = 0;
	for (size_t i = 0; i < stored.count; i++) {
		const struct register_row *row = &stored.items[i];
		if (!data_row_from_json(reg, row->key, row->version, row->data, a, &out[kept], err))
			return false;
		kept += data_row_is_valid(reg, &out[kept], today);
	}
	*rows = data_row_list(out, kept, STR(""));
	return true;
}

/* What is not the valid row, or not that version of it, is the store's to know. */
static const struct value *cached_row(const struct register_snapshot *cached, struct str key, int64_t version) {
	int64_t has;
	const struct value *row = cached ? register_snapshot_find(cached, key) : NULL;
	return row && (version == 0 || (str_to_int(row->record.version, &has) && has == version)) ? row : NULL;
}

static bool store_row(void *context, const struct register_type *reg, struct str key, int64_t version, struct arena *a,
                      struct value *out, struct err *err) {
	const struct register_snapshot *cached;
	struct register_row row;
	if (!register_cache_get(reg->cache, context, reg, REGISTER_ANY_DAY, a, &cached, err))
		return false;
	const struct value *known = cached_row(cached, key, version);
	if (known) {
		*out = *known;
		return true;
	}
	return register_row(context, reg->full_name, key, version, a, &row, err) &&
	       data_row_from_json(reg, row.key, row.version, row.data, a, out, err);
}

struct register_port data_store_port(struct view *v) {
	return (struct register_port){.context = v, .view = v, .rows = store_rows, .row = store_row};
}

struct lists {
	struct row_source source;
	const struct definition *d;
	const struct register_port *port;
	int64_t today;
	struct arena *a;
	struct value *known; /* one a register; UNSET: not read yet */
};

static bool read_list(void *context, size_t slot, struct arena *a, struct value *list, struct err *err) {
	struct lists *lists = context;
	size_t index = slot - definition_slots(lists->d);
	struct value *known = &lists->known[index];
	(void)a;
	if (known->kind == KIND_UNSET && !lists->port->rows(lists->port->context, &lists->d->registers.items[index], lists->today, lists->a, known, err))
		return false;
	*list = *known;
	return true;
}

const struct row_source *data_row_source(const struct definition *d, const struct register_port *port, int64_t today, struct arena *a) {
	if (!d->reads_rows || !port)
		return NULL;
	struct lists *lists = ARENA_NEW(a, struct lists);
	*lists = (struct lists){{read_list, lists}, d, port, today, a, ARENA_ARRAY(a, d->registers.count, struct value)};
	return &lists->source;
}
