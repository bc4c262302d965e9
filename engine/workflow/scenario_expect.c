/* What a scenario expects: state, fields, and the messages that were sent. */
#include "engine/base/address.h"
#include "engine/base/clock.h"
#include "engine/store/children.h"
#include "engine/workflow/scenario_run.h"
#include "engine/workflow/upload.h"

#include <stdlib.h>
#include <string.h>

enum { LEASE_MS = 60000, MOST_AT_ONCE = 1000 };

static bool deliver_row(struct scenario *s, const struct yaml *at, struct tx *tx, const struct outbox_row *row) {
	struct err err = {0};
	int64_t now = clock_now();
	struct sent *sent = ARENA_PUSH(s->a, &s->sent);
	sent->row = *row;
	if (!scenario_attached(s, at, tx_view(tx), row->id, &sent->attached))
		return false;
	if (s->options->render && !s->options->render(s->options->context, s->engine, s->options->site, tx_view(tx), row, s->brief, &sent->text, &err))
		return scenario_fail(s, at, "message '%.*s' to %.*s cannot be rendered: %s", STR_ARG(row->message), STR_ARG(row->recipient), err.text);
	sent->text = arena_str(s->a, sent->text);
	arena_reset(s->brief);
	if (s->options->keep && !s->options->keep(s->options->context, s->engine, s->options->site, tx_view(tx), row, &err))
		return scenario_fail(s, at, "message '%.*s' to %.*s cannot be kept: %s", STR_ARG(row->message), STR_ARG(row->recipient), err.text);
	return (outbox_begin(tx, row->id, row->fence, now, &err) && outbox_settle(tx, row->id, row->fence, OUTBOX_SENT, now, STR("recorded"), now, &err)) ||
	       scenario_fail(s, at, "%s", err.text);
}

static int by_id(const void *a, const void *b) {
	const struct outbox_row *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

static bool is_known(const struct outbox_list *list, int64_t id) {
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].id == id)
			return true;
	return false;
}

/* What waited longer than it is of use, as the mailer finds it. */
static bool expire(struct scenario *s, const struct yaml *at, struct tx *tx) {
	struct outbox_list all;
	struct err err = {0};
	int64_t count;
	if (!outbox_expire(tx, clock_now(), MOST_AT_ONCE, &count, &err) ||
	    (count > 0 && !outbox_list(tx_view(tx), 1u << OUTBOX_EXPIRED, 0, INT64_MAX, s->a, &all, &err)))
		return scenario_fail(s, at, "%s", err.text);
	for (size_t i = 0; count > 0 && i < all.count; i++)
		if (!is_known(&s->expired, all.items[i].id))
			*(struct outbox_row *)ARENA_PUSH(s->a, &s->expired) = all.items[i];
	return true;
}

/* All channels together, in the order in which the workflow's actions sent them. */
static bool deliver_all(struct scenario *s, const struct yaml *at, struct tx *tx) {
	struct outbox_list mails = {0}, texts = {0};
	struct err err;
	int64_t now = clock_now();
	if (!outbox_lease(tx, (struct outbox_lane){.channel = CHANNEL_MAIL, .most = OUTBOX_OTHER}, STR("scenario"), now, now + LEASE_MS, MOST_AT_ONCE, s->a, &mails, &err) ||
	    !outbox_lease(tx, (struct outbox_lane){.channel = CHANNEL_SMS, .most = OUTBOX_OTHER}, STR("scenario"), now, now + LEASE_MS, MOST_AT_ONCE, s->a, &texts, &err))
		return scenario_fail(s, at, "%s", err.text);
	for (size_t i = 0; i < texts.count; i++)
		*(struct outbox_row *)ARENA_PUSH(s->a, &mails) = texts.items[i];
	if (mails.count > 1)
		qsort(mails.items, mails.count, sizeof *mails.items, by_id);
	for (size_t i = 0; i < mails.count; i++)
		if (!deliver_row(s, at, tx, &mails.items[i]))
			return false;
	return true;
}

bool scenario_deliver(struct scenario *s, const struct yaml *at) {
	struct tx *tx;
	struct err err = {0};
	if (s->held)
		return true;
	if (!scenario_begin(s, at, &tx))
		return false;
	int64_t began = clock_processor();
	bool drawn = scenario_draw(s, at, tx);
	int64_t written = clock_processor();
	bool ok = drawn && expire(s, at, tx) && deliver_all(s, at, tx);
	s->drawn_ms += written - began;
	s->written_ms += clock_processor() - written;
	if (ok)
		return scenario_end(s, at, tx, true, &err);
	store_rollback(tx);
	return false;
}

static struct str list_sent(struct scenario *s) {
	struct buf text;
	buf_init(&text, 4000);
	for (size_t i = s->seen; i < s->sent.count; i++)
		buf_printf(&text, "%s%.*s to %.*s", i > s->seen ? ", " : "", STR_ARG(s->sent.items[i].row.message), STR_ARG(s->sent.items[i].row.recipient));
	struct str out = arena_str(s->a, text.len ? buf_text(&text) : STR("nothing"));
	buf_free(&text);
	return out;
}

/* Runs of white space as one blank: where a mail's lines break is no matter of a scenario. */
static struct str unwrapped(struct arena *a, struct str text) {
	char *out = arena_alloc(a, text.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		bool blank = text.at[i] == ' ' || text.at[i] == '\n' || text.at[i] == '\t' || text.at[i] == '\r';
		if (!blank)
			out[len++] = text.at[i];
		else if (len > 0 && out[len - 1] != ' ')
			out[len++] = ' ';
	}
	return (struct str){out, len};
}

bool scenario_contains(struct arena *a, struct str text, struct str wanted) {
	text = unwrapped(a, text);
	wanted = str_trim(unwrapped(a, wanted));
	return wanted.len == 0 || memmem(text.at, text.len, wanted.at, wanted.len) != NULL;
}

static bool expect_sent(struct scenario *s, const struct yaml *list) {
	static const char *const keys[] = {"to", "message", "contains", "attach", NULL};
	size_t count = s->sent.count - s->seen;
	if (list->kind == YAML_SCALAR && str_is(list->text, "any")) {
		s->seen = s->sent.count;
		return true;
	}
	if (list->kind != YAML_LIST)
		return scenario_fail(s, list, "`sent` is a list of {to, message, contains, attach}, or any");
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml *wanted = list->items[i];
		if (!scenario_keys(s, wanted, keys))
			return false;
		struct str to = scenario_text(wanted, "to"), message = scenario_text(wanted, "message");
		if (i >= count)
			return scenario_fail(s, wanted, "'%.*s' to %.*s was not sent; sent was: %.*s", STR_ARG(message), STR_ARG(to), STR_ARG(list_sent(s)));
		const struct sent *sent = &s->sent.items[s->seen + i];
		if (!str_equal(address_key(s->a, to), address_key(s->a, sent->row.recipient)) || !str_equal(message, sent->row.message))
			return scenario_fail(s, wanted, "'%.*s' to %.*s is expected here; sent was: %.*s", STR_ARG(message), STR_ARG(to), STR_ARG(list_sent(s)));
		if (s->options->render && !scenario_contains(s->a, sent->text, scenario_text(wanted, "contains")))
			return scenario_fail(s, wanted, "the message does not contain '%.*s'; it reads: %.*s", STR_ARG(scenario_text(wanted, "contains")), STR_ARG(sent->text));
		const struct yaml *attach = yaml_get(wanted, "attach");
		if (attach && !str_equal(scenario_words(s, attach), sent->attached))
			return scenario_fail(s, attach, "it carries '%.*s', not '%.*s'", STR_ARG(sent->attached), STR_ARG(scenario_words(s, attach)));
	}
	if (count > list->count)
		return scenario_fail(s, list, "%zu messages are expected; sent was: %.*s", list->count, STR_ARG(list_sent(s)));
	s->seen = s->sent.count;
	return true;
}

static bool is_row(struct scenario *s, const struct yaml *wanted, const struct outbox_row *row) {
	return str_equal(address_key(s->a, scenario_text(wanted, "to")), address_key(s->a, row->recipient)) && str_equal(scenario_text(wanted, "message"), row->message);
}

/* What was not sent, because it would have come too late. */
static bool expect_expired(struct scenario *s, const struct yaml *list) {
	static const char *const keys[] = {"to", "message", NULL};
	size_t count = s->expired.count - s->expired_seen;
	struct buf text;
	if (list->kind != YAML_LIST)
		return scenario_fail(s, list, "`expired` is a list of {to, message}");
	bool same = list->count == count;
	for (size_t i = 0; i < list->count; i++) {
		if (!scenario_keys(s, list->items[i], keys))
			return false;
		same = same && is_row(s, list->items[i], &s->expired.items[s->expired_seen + i]);
	}
	buf_init(&text, 4000);
	for (size_t i = s->expired_seen; i < s->expired.count; i++)
		buf_printf(&text, "%s%.*s to %.*s", i > s->expired_seen ? ", " : "", STR_ARG(s->expired.items[i].message), STR_ARG(s->expired.items[i].recipient));
	if (!same)
		scenario_fail(s, list, "expired was: %s", count > 0 ? text.at : "nothing");
	buf_free(&text);
	s->expired_seen = s->expired.count;
	return same;
}

/* Files are told by their names. */
static struct str typed_name(const struct value *list, size_t i, struct str typed) {
	return list->kind == KIND_LIST && upload_is(&list->list.items[i]) ? upload_of(&list->list.items[i]).name : typed;
}

/* How a person would have typed the value, to compare with what the scenario says. */
static struct str value_as_typed(struct scenario *s, const struct field *field, const struct value *v) {
	struct buf text;
	struct answers answers = {0};
	if (v->kind != KIND_LIST && v->kind != KIND_RECORD)
		return value_text(s->a, v);
	if (upload_is(v))
		return upload_of(v).name;
	form_answers_of(field, v, s->a, &answers);
	buf_init(&text, 64 << 10);
	for (size_t i = 0; answers.count > 0 && i < answers.items[0].texts.count; i++)
		buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(typed_name(v, i, answers.items[0].texts.items[i])));
	struct str out = arena_str(s->a, buf_text(&text));
	buf_free(&text);
	return out;
}

struct str scenario_words(struct scenario *s, const struct yaml *node) {
	struct buf text;
	if (node->kind == YAML_SCALAR)
		return node->text;
	buf_init(&text, 64 << 10);
	for (size_t i = 0; i < node->count; i++)
		buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(node->items[i]->text));
	struct str out = arena_str(s->a, buf_text(&text));
	buf_free(&text);
	return out;
}

static bool expect_member(struct scenario *s, const struct yaml *wanted, const struct value *map, struct str key) {
	const struct value *level = value_at(map, key);
	struct str is = level ? value_text(s->a, level) : STR("unset");
	return str_equal(is, wanted->text) || scenario_fail(s, wanted, "%.*s is %.*s, not %.*s", STR_ARG(key), STR_ARG(is), STR_ARG(wanted->text));
}

static bool expect_value(struct scenario *s, const struct yaml *wanted, const struct field *field, const struct value *value) {
	struct str is = value->kind == KIND_UNSET ? STR("unset") : value_as_typed(s, field, value);
	struct str should = yaml_is_null(wanted) ? STR("unset") : scenario_words(s, wanted);
	return str_equal(is, should) || scenario_fail(s, wanted, "%.*s is '%.*s', not '%.*s'", STR_ARG(field->name), STR_ARG(is), STR_ARG(should));
}

/* Each item by the fields that are named. */
static bool expect_items(struct scenario *s, const struct yaml *wanted, const struct field *group, const struct value *list) {
	size_t count = list->kind == KIND_LIST ? list->list.count : 0;
	if (wanted->count != count)
		return scenario_fail(s, wanted, "%.*s has %zu items, not %zu", STR_ARG(group->name), count, wanted->count);
	for (size_t i = 0; i < count; i++) {
		const struct yaml *item = wanted->items[i];
		if (item->kind != YAML_MAP)
			return scenario_fail(s, item, "an item of '%.*s' is a map of its fields", STR_ARG(group->name));
		for (size_t k = 0; k < item->count; k++) {
			const struct field *member = field_member(group, item->items[k]->key->text);
			if (!member)
				return scenario_fail(s, item->items[k]->key, "an item of '%.*s' has no field '%.*s'", STR_ARG(group->name), STR_ARG(item->items[k]->key->text));
			if (!expect_value(s, item->items[k], member, &list->list.items[i].record.members[member->slot]))
				return false;
		}
	}
	return true;
}

static bool expect_field(struct scenario *s, const struct yaml *wanted, const struct definition *d, const struct value *values) {
	const struct field *field = definition_field(d, wanted->key->text);
	if (!field)
		return scenario_fail(s, wanted->key, "there is no field '%.*s'", STR_ARG(wanted->key->text));
	const struct value *value = &values[field->slot];
	if (wanted->kind == YAML_MAP && value->kind == KIND_MAP) {
		for (size_t i = 0; i < wanted->count; i++)
			if (!expect_member(s, wanted->items[i], value, wanted->items[i]->key->text))
				return false;
		return true;
	}
	if (field->kind == FIELD_GROUP && wanted->kind == YAML_LIST)
		return expect_items(s, wanted, field, value);
	return expect_value(s, wanted, field, value);
}

/* {pair: {place: a}}: fields of the records that the instance shares. */
static bool expect_shared(struct scenario *s, const struct yaml *wanted, struct view *v, const struct instance *instance) {
	struct err err = {0};
	struct register_port port = data_store_port(v);
	const struct definition *d = site_definition(s->options->site, v, instance->definition, &err);
	if (!d)
		return scenario_fail(s, wanted, "%s", err.text);
	struct form_world world = engine_world(s->engine, d, instance, &port, 0, s->a);
	struct value *slots = ARENA_ARRAY(s->a, definition_slots(d), struct value);
	if (!data_from_json(d, instance->data, &port, s->a, slots, &err))
		return scenario_fail(s, wanted, "%s", err.text);
	board_fill(world.board, slots);
	for (size_t i = 0; i < wanted->count; i++) {
		const struct yaml *fields = wanted->items[i];
		const struct group_rule *group = fields->key ? definition_group(d, fields->key->text) : NULL;
		if (!group || fields->kind != YAML_MAP)
			return scenario_fail(s, fields, group ? "a map of its fields is expected" : "there is no such group");
		for (size_t k = 0; k < fields->count; k++) {
			const struct field *field = group_field(group, fields->items[k]->key->text);
			if (!field)
				return scenario_fail(s, fields->items[k]->key, "the group '%.*s' has no field '%.*s'", STR_ARG(group->name), STR_ARG(fields->items[k]->key->text));
			if (!expect_value(s, fields->items[k], field, &slots[definition_group_slot(d, (size_t)(group - d->groups.items))].record.members[field->slot]))
				return false;
		}
	}
	return true;
}

static bool expect_data(struct scenario *s, const struct yaml *body, struct view *v, const struct instance *instance) {
	const struct yaml *data = yaml_get(body, "data"), *unset = yaml_get(body, "unset");
	struct err err = {0};
	struct register_port port = data_store_port(v);
	const struct definition *d = site_definition(s->options->site, v, instance->definition, &err);
	if (!d)
		return scenario_fail(s, body, "%s", err.text);
	struct value *values = ARENA_ARRAY(s->a, d->fields.count, struct value);
	if (!data_from_json(d, instance->data, &port, s->a, values, &err))
		return scenario_fail(s, body, "%s", err.text);
	for (size_t i = 0; data && i < data->count; i++)
		if (!expect_field(s, data->items[i], d, values))
			return false;
	for (size_t i = 0; unset && i < unset->count; i++) {
		const struct field *field = definition_field(d, unset->items[i]->text);
		if (!field || values[field->slot].kind != KIND_UNSET)
			return scenario_fail(s, unset->items[i], field ? "%.*s is set" : "there is no field '%.*s'", STR_ARG(unset->items[i]->text));
	}
	return true;
}

static bool expect_instance(struct scenario *s, const struct yaml *step, const struct yaml *body, struct view *v) {
	struct instance instance;
	struct child_states children;
	struct err err;
	int64_t wanted;
	if (!scenario_instance(s, step, v, &instance))
		return false;
	const struct yaml *state = yaml_get(body, "state"), *count = yaml_get(body, "children");
	if (state && !str_equal(state->text, instance.state))
		return scenario_fail(s, state, "state is '%.*s', not '%.*s'", STR_ARG(instance.state), STR_ARG(state->text));
	if (count) {
		if (!children_states(v, instance.id, STR(""), s->a, &children, &err))
			return scenario_fail(s, count, "%s", err.text);
		if (!str_to_int(count->text, &wanted) || wanted != (int64_t)children.count)
			return scenario_fail(s, count, "%zu children, not %.*s", children.count, STR_ARG(count->text));
	}
	const struct yaml *documents = yaml_get(body, "documents"), *claimed = yaml_get(body, "claimed"), *shared = yaml_get(body, "shared"), *people = yaml_get(body, "people");
	return expect_data(s, body, v, &instance) && (!shared || expect_shared(s, shared, v, &instance)) && (!people || scenario_expect_people(s, people, v, &instance)) && (!claimed || scenario_expect_claims(s, claimed, v, &instance)) && (!documents || scenario_expect_documents(s, documents, v, &instance));
}

bool scenario_expect(struct scenario *s, const struct yaml *step, const struct yaml *body) {
	static const char *const keys[] = {"state", "sent", "data", "unset", "children", "documents", "claimed", "shared", "people", "expired", NULL};
	struct err err;
	if (!scenario_keys(s, body, keys))
		return false;
	bool about_instance = false;
	for (size_t i = 0; keys[i]; i++)
		about_instance = about_instance || (strcmp(keys[i], "sent") != 0 && strcmp(keys[i], "expired") != 0 && yaml_get(body, keys[i]));
	if (about_instance) {
		struct view *v = store_view(s->store, &err);
		if (!v)
			return scenario_fail(s, step, "%s", err.text);
		bool ok = expect_instance(s, step, body, v);
		view_close(v);
		if (!ok)
			return false;
	}
	const struct yaml *sent = yaml_get(body, "sent"), *expired = yaml_get(body, "expired");
	return (!sent || expect_sent(s, sent)) && (!expired || expect_expired(s, expired));
}
