#include "engine/workflow/grants.h"

#include "engine/base/address.h"
#include "engine/base/log.h"
#include "engine/store/instances.h"
#include "engine/store/people.h"

#include <string.h>

enum { SCOPE_BYTES = 16 << 10 };

static void add_part(struct buf *out, const struct value *part) {
	const struct value *value = part->kind == KIND_RECORD ? &part->record.members[part->record.type->key] : part;
	buf_z(out, out->len > 1 ? "," : "");
	value_to_json(value, out);
}

static struct str take_parts(struct buf *parts, bool whole, struct arena *a) {
	buf_char(parts, ']');
	whole = whole && !parts->overflow;
	struct str scope = whole ? arena_str(a, buf_text(parts)) : STR("");
	buf_free(parts);
	return scope;
}

struct str grants_scope(const struct grant_rule *rule, const struct environment *env, struct arena *a) {
	struct buf parts;
	bool whole = true;
	buf_init(&parts, SCOPE_BYTES);
	buf_char(&parts, '[');
	for (size_t i = 0; whole && i < rule->scope_count; i++) {
		struct value value;
		struct err unset;
		whole = expression_evaluate(rule->scope[i].value, env, a, &value, &unset) && value.kind != KIND_UNSET;
		if (whole)
			add_part(&parts, &value);
	}
	return take_parts(&parts, whole, a);
}

static bool fits(const struct definition *d, const struct grant_rule *rule, const struct value *row, struct arena *a) {
	size_t count = d->fields.count + SLOT_EXTRA_COUNT;
	struct value *slots = ARENA_ARRAY(a, count, struct value);
	struct err unset;
	slots[d->fields.count + SLOT_ROW] = *row;
	struct environment env = {.slots = slots, .slot_count = count};
	return !rule->where || expression_holds(rule->where, &env, a, &unset);
}

struct str grants_row_scope(const struct definition *d, const struct grant_rule *rule, const struct value *row, struct arena *a) {
	struct buf parts;
	bool whole = fits(d, rule, row, a);
	buf_init(&parts, SCOPE_BYTES);
	buf_char(&parts, '[');
	for (size_t i = 0; whole && i < rule->scope_count; i++) {
		const struct value *cell = &row->record.members[rule->scope[i].column];
		whole = cell->kind != KIND_UNSET;
		if (whole)
			add_part(&parts, cell);
	}
	return take_parts(&parts, whole, a);
}

bool grants_row_address(const struct site *site, const struct grant_rule *rule, const struct value *row, struct arena *a, struct str *address) {
	const struct value *cell = &row->record.members[rule->contact];
	struct err err;
	if (cell->kind != KIND_STRING)
		return false;
	if (rule->reg->kinds[rule->contact] == FIELD_PHONE)
		return address_phone(a, cell->string, site_country(site), address, &err);
	return address_email(a, cell->string, address, &err);
}

/* A rule, as its rows are read. */
struct filling {
	struct site *site;
	struct tx *tx;
	const struct definition *d;
	const struct grant_rule *rule;
	int64_t rule_id, now;
};

static int64_t day_of(const struct value *row, size_t column, int64_t open) {
	const struct value *cell = column == SIZE_MAX ? NULL : &row->record.members[column];
	return cell && cell->kind == KIND_DATE ? cell->integer : open;
}

/* What the row gives; false: nothing. The contact is left to whoever asks, by its address. In arena. */
static bool read_row(const struct filling *f, const struct register_row *stored, struct arena *a, struct grant *grant, struct str *address) {
	const struct grant_rule *rule = f->rule;
	const struct value *person;
	struct value row;
	struct err unread;
	*grant = (struct grant){.rule_id = f->rule_id, .row = stored->key, .version = stored->version};
	if (!data_row_from_json(rule->reg, stored->key, stored->version, stored->data, a, &row, &unread)) {
		log_event(LOG_WARN, "grant-unread", "register=%.*s row=%.*s text=\"%s\"", STR_ARG(rule->reg->full_name), STR_ARG(stored->key), unread.text);
		return false;
	}
	grant->scope = grants_row_scope(f->d, rule, &row, a);
	if (grant->scope.len == 0 || !grants_row_address(f->site, rule, &row, a, address))
		return false;
	person = rule->person == SIZE_MAX ? NULL : &row.record.members[rule->person];
	grant->name = person && person->kind == KIND_STRING ? person->string : STR("");
	grant->from_day = day_of(&row, rule->reg->valid_from, INT64_MIN);
	grant->until_day = day_of(&row, rule->reg->valid_until, INT64_MAX);
	return true;
}

static enum channel channel_of(const struct grant_rule *rule) {
	return rule->reg->kinds[rule->contact] == FIELD_PHONE ? CHANNEL_SMS : CHANNEL_MAIL;
}

static bool add_row(const struct filling *f, const struct register_row *stored, struct arena *a, struct err *err) {
	struct str address;
	struct grant grant;
	if (!read_row(f, stored, a, &grant, &address))
		return true;
	return contact_ensure(f->tx, channel_of(f->rule), address, address_key(a, address), STR(""), f->now, &grant.contact_id, err) && grant_add(f->tx, &grant, err);
}

/* With the rows that stand there since then. */
static bool fill(const struct filling *f, int64_t since, struct err *err) {
	struct arena *all = arena_new(), *one = arena_new();
	struct register_rows rows;
	bool ok = register_rows_since(tx_view(f->tx), f->rule->reg->full_name, since, all, &rows, err), there = false;
	for (size_t i = 0; ok && i < rows.count; i++) {
		arena_reset(one);
		ok = since == INT64_MIN || grant_of_row(tx_view(f->tx), f->rule_id, rows.items[i].key, rows.items[i].version, &there, err);
		ok = ok && (there || add_row(f, &rows.items[i], one, err));
	}
	arena_free(one);
	arena_free(all);
	return ok;
}

bool grants_rule(struct site *site, struct tx *tx, const struct definition *d, const struct role *role, int64_t now, int64_t *id, struct err *err) {
	if (!grant_rule_find(tx_view(tx), role->grants->hash, id, err))
		return false;
	if (*id != 0)
		return true;
	struct grant_rule_row row = {.reg = role->grants->reg->full_name, .role = role->name};
	memcpy(row.hash, role->grants->hash, sizeof row.hash);
	memcpy(row.definition, d->hash, sizeof row.definition);
	if (!grant_rule_add(tx, &row, id, err))
		return false;
	return fill(&(struct filling){site, tx, d, role->grants, *id, now}, INT64_MIN, err);
}

/* Of a definition that cannot be read nobody has the role: better than somebody who should not. */
static bool refill(struct site *site, struct tx *tx, const struct grant_rule_row *row, int64_t now, struct err *err) {
	struct err unread = {0};
	const struct definition *d = site_definition(site, tx_view(tx), row->definition, &unread);
	const struct role *role = d ? definition_role(d, row->role) : NULL;
	bool left;
	if (!role || !role->grants) {
		log_event(LOG_ERROR, "grants-lost", "register=%.*s role=%.*s text=\"%s\"", STR_ARG(row->reg), STR_ARG(row->role), unread.text);
		return grant_clear(tx, row->id, err);
	}
	return grant_prune(tx, row->id, row->reg, &left, err) && fill(&(struct filling){site, tx, d, role->grants, row->id, now}, left ? now : INT64_MIN, err);
}

bool grants_import(struct site *site, struct tx *tx, struct str reg, const struct register_rows *rows, int64_t now, struct register_change *change, struct err *err) {
	struct arena *a = arena_new();
	struct grant_rule_rows rules;
	bool ok = register_replace(tx, reg, rows->items, rows->count, now, change, err) && grant_rules_of(tx_view(tx), reg, a, &rules, err);
	for (size_t i = 0; ok && i < rules.count; i++)
		ok = refill(site, tx, &rules.items[i], now, err);
	arena_free(a);
	return ok;
}

/* ---- verify */

static const char *difference(const struct grant_rule *rule, const struct kept_grant *kept, const struct grant *given, struct str address, struct arena *a) {
	if (kept->grant.version != given->version)
		return "as it was before";
	if (kept->channel != (int64_t)channel_of(rule) || !str_equal(kept->whose, address_key(a, address)))
		return "to somebody else";
	if (!str_equal(kept->grant.scope, given->scope))
		return "for other cases";
	if (kept->grant.from_day != given->from_day || kept->grant.until_day != given->until_day)
		return "for other days";
	return str_equal(kept->grant.name, given->name) ? NULL : "under another name";
}

struct grants_check {
	const struct grant_rule_row *rule;
	struct kept_grants kept;
	bool *met;
	struct buf *out;
	int64_t *faults;
};

static void tell(struct grants_check *c, struct str row, const char *text) {
	buf_printf(c->out, "register %.*s: row '%.*s' gives the role '%.*s' %s\n", STR_ARG(c->rule->reg), STR_ARG(row), STR_ARG(c->rule->role), text);
	++*c->faults;
}

static size_t find_kept(const struct grants_check *c, struct str row) {
	size_t from = 0, until = c->kept.count;
	while (from < until) {
		size_t middle = from + (until - from) / 2;
		if (str_compare(c->kept.items[middle].grant.row, row) < 0)
			from = middle + 1;
		else
			until = middle;
	}
	return from < c->kept.count && str_equal(c->kept.items[from].grant.row, row) ? from : SIZE_MAX;
}

static bool check_rows(struct grants_check *c, const struct filling *f, struct view *v, struct arena *a, struct err *err) {
	struct register_rows rows;
	struct arena *one = arena_new();
	bool ok = register_rows(v, f->rule->reg->full_name, a, &rows, err);
	for (size_t i = 0; ok && i < rows.count; i++) {
		struct grant given;
		struct str address;
		arena_reset(one);
		if (!read_row(f, &rows.items[i], one, &given, &address))
			continue;
		size_t at = find_kept(c, given.row);
		const char *other = at == SIZE_MAX ? "to nobody, though it names somebody" : difference(f->rule, &c->kept.items[at], &given, address, one);
		if (at != SIZE_MAX)
			c->met[at] = true;
		if (other)
			tell(c, given.row, other);
	}
	arena_free(one);
	return ok;
}

/* Of a rule that cannot be read, nothing is given. */
static bool check_rule(struct site *site, struct view *v, struct grants_check *c, struct arena *a, struct err *err) {
	struct err unread = {0};
	const struct definition *d = site_definition(site, v, c->rule->definition, &unread);
	const struct role *role = d ? definition_role(d, c->rule->role) : NULL;
	if (unread.kind == ERR_TRANSIENT) {
		*err = unread;
		return false;
	}
	if (!grants_of_rule(v, c->rule->id, a, &c->kept, err))
		return false;
	c->met = ARENA_ARRAY(a, c->kept.count, bool);
	bool known = role && role->grants;
	if (known && (memcmp(c->rule->hash, role->grants->hash, SECRET_HASH) != 0 || !str_equal(c->rule->reg, role->grants->reg->full_name))) {
		buf_printf(c->out, "register %.*s: the rule of the role '%.*s' is not that of its workflow\n", STR_ARG(c->rule->reg), STR_ARG(c->rule->role));
		++*c->faults;
	} else if (known && !check_rows(c, &(struct filling){.site = site, .d = d, .rule = role->grants, .rule_id = c->rule->id}, v, a, err)) {
		return false;
	} else {
		for (size_t i = 0; i < c->kept.count; i++)
			if (!c->met[i])
				tell(c, c->kept.items[i].grant.row, "to somebody, which it does not say");
	}
	return true;
}

bool grants_verify(struct site *site, struct view *v, struct buf *out, int64_t *faults, struct err *err) {
	struct arena *all = arena_new(), *a = arena_new();
	struct grant_rule_rows rules;
	bool ok = grant_rules_of(v, STR(""), all, &rules, err);
	for (size_t i = 0; ok && i < rules.count; i++) {
		struct grants_check c = {.rule = &rules.items[i], .out = out, .faults = faults};
		arena_reset(a);
		ok = check_rule(site, v, &c, a, err);
	}
	arena_free(a);
	arena_free(all);
	return ok;
}
