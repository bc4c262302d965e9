#include "engine/workflow/form.h"

#include "engine/workflow/form_field.h"
#include "engine/workflow/group.h"
#include "engine/workflow/sealed.h"

#include <string.h>

struct environment form_environment(const struct form_world *world, const struct value *values, struct arena *a) {
	size_t count = world->definition->fields.count;
	struct value *slots = ARENA_ARRAY(a, definition_slots(world->definition), struct value);
	if (count > 0)
		memcpy(slots, values, count * sizeof *slots);
	int64_t local = zone_local(world->zone, world->now);
	slots[count + SLOT_NOW] = value_instant(world->now);
	slots[count + SLOT_TODAY] = value_date(civil_day_of(local));
	if (world->state.len > 0)
		slots[count + SLOT_STATE] = value_string(world->state);
	if (world->reference.len > 0)
		slots[count + SLOT_REFERENCE] = value_string(world->reference);
	if (world->actor.len > 0)
		slots[count + SLOT_ACTOR] = value_string(world->actor);
	if (world->started_at > 0)
		slots[count + SLOT_STARTED_AT] = value_instant(world->started_at);
	if (world->entered_at > 0)
		slots[count + SLOT_ENTERED_AT] = value_instant(world->entered_at);
	if (world->item)
		slots[count + SLOT_ITEM] = *world->item;
	board_fill(world->board, slots);
	return (struct environment){
	        .slots = slots,
	        .slot_count = definition_slots(world->definition),
	        .zone = world->zone,
	        .calendar = world->calendar,
	        .rows = data_row_source(world->definition, world->registers, civil_day_of(local), a),
	        .ledger = world->ledger,
	};
}

bool form_asked(const struct form_world *world, const struct form_item *item, const struct value *values, struct arena *a) {
	if (!item->when)
		return true;
	struct environment env = form_environment(world, values, a);
	struct err unset;
	return expression_holds(item->when, &env, a, &unset);
}

static int64_t today(const struct form_world *world) {
	return civil_day_of(zone_local(world->zone, world->now));
}

static bool set_default(const struct form_world *world, const struct field *field, struct arena *a, struct value *values, struct err *err) {
	struct value *out = &values[field->slot];
	if (!field->initial)
		return true;
	struct environment env = form_environment(world, values, a);
	bool ok = expression_evaluate(field->initial, &env, a, out, err);
	if (ok && field->kind == FIELD_REF && out->kind == KIND_STRING)
		ok = world->registers->row(world->registers->context, field->reg, out->string, 0, a, out, err) &&
		     (data_row_is_valid(field->reg, out, today(world)) || err_set(err, ERR_NOT_FOUND, "error.not-found", "the row is not valid today"));
	ok = ok && data_storable(out, err);
	if (!ok)
		err_context(err, "default of field %.*s", STR_ARG(field->name));
	return ok;
}

bool form_defaults(const struct form_world *world, struct arena *a, struct value *values, struct err *err) {
	for (size_t i = 0; i < world->definition->fields.count; i++)
		if (!set_default(world, &world->definition->fields.items[i], a, values, err))
			return false;
	return true;
}

/* What a `where` asked of pools and groups could not be read. */
static bool asked_in_vain(const struct form_world *world, struct err *err) {
	const struct err *failed = world->ledger && world->ledger->failed.kind != ERR_NONE ? &world->ledger->failed : world->board ? &world->board->failed : NULL;
	if (!failed || failed->kind == ERR_NONE)
		return false;
	*err = *failed;
	return true;
}

bool form_rows(const struct form_world *world, const struct field *field, const struct value *values, struct arena *a,
               const struct value **rows, size_t *count, struct err *err) {
	struct value all;
	if (!world->registers->rows(world->registers->context, field->reg, today(world), a, &all, err))
		return false;
	*rows = all.list.items;
	*count = all.list.count;
	if (!field->where)
		return true;
	struct environment env = form_environment(world, values, a);
	struct value *row_slot = (struct value *)&env.slots[world->definition->fields.count + SLOT_ROW];
	struct value *kept = ARENA_ARRAY(a, all.list.count, struct value);
	size_t kept_count = 0;
	for (size_t i = 0; i < all.list.count; i++) {
		struct err unset;
		*row_slot = all.list.items[i];
		if (expression_holds(field->where, &env, a, &unset))
			kept[kept_count++] = all.list.items[i];
	}
	*rows = kept;
	*count = kept_count;
	return !asked_in_vain(world, err);
}

const bool *form_available(const struct form_world *world, const struct catalogue *c, const struct value *values, const struct value *rows, size_t count,
                           struct arena *a) {
	bool *available = ARENA_ARRAY(a, count + 1, bool);
	struct environment env = form_environment(world, values, a);
	struct value *row_slot = (struct value *)&env.slots[world->definition->fields.count + SLOT_ROW];
	for (size_t i = 0; i < count; i++) {
		struct err unset;
		*row_slot = rows[i];
		available[i] = !c->available || expression_holds(c->available, &env, a, &unset);
	}
	return available;
}

struct gate {
	const struct form_world *world;
	const struct answers *answers;
	struct arena *a;
	struct value *values;
	struct form_problems *problems;
	struct err *err;
};

static void tell(struct gate *g, struct str name, const struct field_refusal *refusal) {
	struct form_problem *p = ARENA_PUSH(g->a, g->problems);
	*p = (struct form_problem){name, refusal->key, {refusal->arg[0], refusal->arg[1]}};
}

static void tell_missing(struct gate *g, struct str name, const struct field *field) {
	const char *key = field->accept ? "field.must-accept" : field->kind == FIELD_FILE ? "field.no-file" : field->kind == FIELD_CHOICE || field->kind == FIELD_REF || field->kind == FIELD_BOOL ? "field.choose" : "field.missing";
	tell(g, name, &(struct field_refusal){.key = key});
}

/* By what the rows that are chosen are judged, one by one: of a large register few are read. */
struct offer {
	const struct catalogue *catalogue; /* which says whether a row can be chosen; NULL: each can */
	struct environment env;            /* of `where`, for all answers to the field; no slots: not made yet */
};

static bool fits(struct gate *g, const struct field *field, struct offer *offer, const struct value *row) {
	struct err unset;
	if (!field->where)
		return true;
	if (!offer->env.slots)
		offer->env = form_environment(g->world, g->values, g->a);
	((struct value *)offer->env.slots)[g->world->definition->fields.count + SLOT_ROW] = *row;
	return expression_holds(field->where, &offer->env, g->a, &unset);
}

/* *found: the register has the row today, and the field offers it. */
static bool find_row(struct gate *g, const struct field *field, struct offer *offer, struct str key, struct value *out, bool *found) {
	const struct register_port *port = g->world->registers;
	struct err none = {0};
	*found = false;
	if (!port->row(port->context, field->reg, key, 0, g->a, out, &none)) {
		if (none.kind != ERR_NOT_FOUND)
			*g->err = none;
		return none.kind == ERR_NOT_FOUND;
	}
	*found = data_row_is_valid(field->reg, out, today(g->world)) && fits(g, field, offer, out);
	return !asked_in_vain(g->world, g->err);
}

/* Somebody was faster. */
static bool is_taken(struct gate *g, const struct field *field, const struct offer *offer, const struct value *row, struct field_refusal *refusal) {
	const struct value *label = &row->record.members[field->reg->label];
	if (!offer->catalogue || *form_available(g->world, offer->catalogue, g->values, row, 1, g->a))
		return false;
	*refusal = (struct field_refusal){"field.taken", {value_text(g->a, label), STR("")}};
	return true;
}

/* A row that shall be claimed may not be offered because it has no place left. */
static void was_taken(struct gate *g, const struct field *field, struct str key, struct field_refusal *refusal) {
	const struct definition *d = g->world->definition;
	struct value row;
	bool taken = false, claims = g->world->ledger && field->where && expression_asks(field->where) && definition_claims(d, g->world->state, g->world->event);
	for (size_t i = 0; claims && i < d->pools.count && !taken; i++) {
		const struct pool *pool = &d->pools.items[i];
		struct err none;
		int64_t left;
		taken = pool->reg == field->reg &&
		        g->world->registers->row(g->world->registers->context, field->reg, key, 0, g->a, &row, &none) &&
		        ledger_places(g->world->ledger, pool, key, &left, &none) && left <= 0;
	}
	if (taken)
		*refusal = (struct field_refusal){"field.taken", {value_text(g->a, &row.record.members[field->reg->label]), STR("")}};
}

/* One typed text as one value; *taken false: refused and told. */
static bool take_one(struct gate *g, const struct field *field, struct offer *offer, struct str text, struct value *out, bool *taken) {
	struct field_refusal refusal = {.key = "field.not-choice"};
	bool ref = field->kind == FIELD_REF;
	if (ref && !find_row(g, field, offer, str_trim(text), out, taken))
		return false;
	*taken = ref ? *taken && !is_taken(g, field, offer, out, &refusal) : field_parse(g->world, field, text, g->values, g->a, out, &refusal);
	if (*taken)
		return true;
	*out = VALUE_UNSET; /* nothing reads what was refused */
	if (ref)
		was_taken(g, field, str_trim(text), &refusal);
	tell(g, field->name, &refusal);
	return true;
}

static bool take_matrix(struct gate *g, const struct field *field, bool optional, struct value *out) {
	const struct value *rows;
	size_t count, set = 0;
	if (!form_rows(g->world, field, g->values, g->a, &rows, &count, g->err))
		return false;
	struct value *items = ARENA_ARRAY(g->a, count, struct value);
	struct str *keys = ARENA_ARRAY(g->a, count, struct str);
	for (size_t i = 0; i < count; i++) {
		struct str key = rows[i].record.members[field->reg->record.key].string;
		struct str name = arena_printf(g->a, "%.*s.%.*s", STR_ARG(field->name), STR_ARG(key));
		const struct value *label = &rows[i].record.members[field->reg->label];
		struct str label_text = label->kind == KIND_STRING ? label->string : key;
		const struct answer *answer = answers_get(g->answers, name);
		struct str text = answer && answer->texts.count == 1 ? str_trim(answer->texts.items[0]) : STR("");
		int64_t level;
		if (text.len == 0 && optional)
			continue;
		if (!str_to_int(text, &level) || level < field->scale_min || level > field->scale_max) {
			tell(g, name, &(struct field_refusal){.key = "field.row-missing", .arg = {label_text}});
			continue;
		}
		keys[set] = key;
		items[set++] = value_int(level);
	}
	/* Where no row is offered, the needed answer is an empty one: else nobody could go on, or what reads the field would find it unset. */
	bool unset = set == 0 && (optional || count > 0);
	*out = unset ? VALUE_UNSET : (struct value){.kind = KIND_MAP, .list = {items, keys, set}};
	return true;
}

/* Which of a list's items there are: places by a hash of their text, so that a long list is not gone through for each. */
struct known {
	size_t *places; /* of items, counted from 1; 0: free */
	size_t size;    /* a power of two, at least twice as many as there can be */
};

static struct known known_of(struct gate *g, size_t most) {
	struct known known = {.size = 8};
	while (known.size < 2 * most)
		known.size *= 2;
	known.places = ARENA_ARRAY(g->a, known.size, size_t);
	return known;
}

static size_t hash_of(struct str text) {
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.at[i]) * 1099511628211u;
	return (size_t)hash;
}

/* The item behind the others is one that they do not have. */
static bool is_new(struct gate *g, struct known *known, const struct value *items, size_t count) {
	const struct value *v = &items[count], *text = v->kind == KIND_RECORD && v->record.type->key != SIZE_MAX ? &v->record.members[v->record.type->key] : v;
	size_t at = hash_of(value_text(g->a, text)) & (known->size - 1);
	for (; known->places[at] != 0; at = (at + 1) & (known->size - 1))
		if (value_equal(&items[known->places[at] - 1], v))
			return false;
	known->places[at] = count + 1;
	return true;
}

static struct str number_text(struct gate *g, int64_t number) {
	return arena_printf(g->a, "%lld", (long long)number);
}

/* The items as a list, if there are as many as there may be. told: how many problems there were before them. */
static struct value as_list(struct gate *g, const struct field *field, const struct value *items, size_t count, bool flood, bool optional, size_t told) {
	bool too_many = flood || count > (size_t)field->many_max;
	if (g->problems->count == told) {
		if (count == 0 && !optional)
			tell_missing(g, field->name, field);
		else if (count > 0 && (int64_t)count < field->many_min)
			tell(g, field->name, &(struct field_refusal){"field.too-few", {number_text(g, field->many_min)}});
		else if (too_many)
			tell(g, field->name, &(struct field_refusal){"field.too-many", {number_text(g, field->many_max)}});
	}
	return count == 0 || too_many ? VALUE_UNSET : (struct value){.kind = KIND_LIST, .list = {items, NULL, count}};
}

/* Blank ones are left out, twins count once. Nobody types more than twice what is allowed: the rest of a flood is not even looked at. */
static bool take_many(struct gate *g, const struct field *field, const struct answer *answer, bool optional, struct value *out) {
	size_t typed = answer ? answer->texts.count : 0, most = (size_t)field->many_max, count = 0, seen = 0, told = g->problems->count;
	size_t room = (typed < 2 * most ? typed : 2 * most) + 1;
	struct value *items = ARENA_ARRAY(g->a, room, struct value);
	struct known known = known_of(g, room);
	struct offer offer = {0};
	bool taken;
	for (size_t i = 0; i < typed && seen <= 2 * most; i++) {
		struct str text = str_trim(answer->texts.items[i]);
		if (text.len == 0)
			continue;
		seen++;
		if (!take_one(g, field, &offer, text, &items[count], &taken))
			return false;
		count += taken && is_new(g, &known, items, count);
	}
	*out = as_list(g, field, items, count, seen > 2 * most, optional, told);
	return true;
}

/* What was answered before, where nothing is typed over it. */
static struct str kept_text(struct gate *g, const struct field *field) {
	const struct answer *kept = answers_get(g->answers, form_sealed_name(field, g->a));
	struct str text = STR("");
	return kept && kept->texts.count == 1 && sealed_open(g->world->keys, kept->texts.items[0], g->a, &text) ? text : STR("");
}

static bool take_single(struct gate *g, const struct field *field, const struct answer *answer, bool optional, struct offer *offer, struct value *out) {
	struct str text = answer && answer->texts.count > 0 ? answer->texts.items[0] : STR("");
	if (field->sensitive && str_trim(text).len == 0)
		text = kept_text(g, field);
	*out = VALUE_UNSET;
	if (answer && answer->texts.count > 1) {
		tell(g, field->name, &(struct field_refusal){"field.too-many", {STR("1")}});
	} else if (str_trim(text).len > 0) {
		bool taken;
		return take_one(g, field, offer, text, out, &taken);
	} else if (!optional) {
		tell_missing(g, field->name, field);
	}
	return true;
}

/* Judged like a date's limits: a rule that cannot be computed (a field it reads is not set) is no rule. */
static void check_valid(struct gate *g, const struct field *field, const struct value *value) {
	struct value held;
	struct err unset;
	if (!field->valid || value->kind == KIND_UNSET)
		return;
	struct environment env = form_environment(g->world, g->values, g->a);
	if (expression_evaluate(field->valid, &env, g->a, &held, &unset) && !held.boolean)
		tell(g, field->name, &(struct field_refusal){.key = "field.invalid"});
}

static struct str text_as_typed(const struct value *value, struct arena *a) {
	struct str iso = value_text(a, value);
	return value->kind != KIND_DATE ? iso : arena_printf(a, "%.*s-%.*s-%.*s", 2, iso.at + 8, 2, iso.at + 5, 4, iso.at);
}

static struct value seal(const struct form_world *world, const struct field *field, const struct value *value, struct arena *a) {
	struct str plain = text_as_typed(value, a), whose = arena_printf(a, "%.*s/%.*s", STR_ARG(world->whose), STR_ARG(field->name));
	struct str mask = sealed_mask_of(plain, field->mask, a);
	return (struct value){.kind = KIND_SEALED, .string = sealed_make(world->keys, whose, mask, plain, a)};
}

/* The mask is that of the answer that it would be; what is none has no mask. */
void form_seal_answer(const struct form_world *world, const struct field *field, struct str whose, struct str typed, struct arena *a, struct answers *out) {
	struct field_refusal refusal;
	struct value *values = ARENA_ARRAY(a, world->definition->fields.count, struct value), value;
	struct str mask = STR("");
	if (field_parse(world, field, typed, values, a, &value, &refusal))
		mask = sealed_mask_of(text_as_typed(&value, a), field->mask, a);
	struct str own = arena_printf(a, "%.*s/%.*s", STR_ARG(whose), STR_ARG(field->name)), name = form_sealed_name(field, a);
	answers_clear(out, name);
	answers_put(out, a, name, sealed_make(world->keys, own, mask, typed, a));
}

void form_seal_answers(const struct form_world *world, struct str whose, struct answers *answers, struct arena *a) {
	for (size_t i = 0; i < world->definition->fields.count; i++) {
		const struct field *field = &world->definition->fields.items[i];
		const struct answer *typed = field->sensitive ? answers_get(answers, field->name) : NULL;
		if (!typed || typed->texts.count != 1 || str_trim(typed->texts.items[0]).len == 0)
			continue;
		struct str text = typed->texts.items[0];
		answers_clear(answers, field->name);
		form_seal_answer(world, field, whose, text, a, answers);
	}
}

void form_check_rule(const struct form_world *world, const struct field *field, struct value *values, struct arena *a, struct form_problems *problems) {
	struct gate g = {.world = world, .a = a, .values = values, .problems = problems};
	check_valid(&g, field, &values[field->slot]);
}

bool form_row(const struct form_world *world, const struct form_item *item, struct str key, struct value *values, struct arena *a, struct value *out,
              struct form_problems *problems, struct err *err) {
	struct gate g = {world, NULL, a, values, problems, err};
	struct offer offer = {.catalogue = item->catalogue};
	bool taken;
	*out = VALUE_UNSET;
	return take_one(&g, item->field, &offer, key, out, &taken);
}

/* Something was typed in this item of a group. */
static bool is_typed(struct gate *g, const struct field *group, size_t item) {
	bool typed = false;
	for (size_t i = 0; !typed && i < group->fields.count; i++) {
		const struct answer *answer = answers_get(g->answers, form_item_name(group, item, &group->fields.items[i], g->a));
		for (size_t k = 0; answer && k < answer->texts.count; k++)
			typed = typed || str_trim(answer->texts.items[k]).len > 0;
	}
	return typed;
}

/* One item: each field by the same rules as one that stands alone, told by its own name, and seeing the item so far. */
static bool take_members(struct gate *g, const struct field *group, size_t item, struct offer *offers, struct value *out) {
	struct value *members = ARENA_ARRAY(g->a, group->fields.count, struct value);
	struct form_world world = *g->world;
	struct gate inside = *g;
	*out = (struct value){.kind = KIND_RECORD, .record = {group->type.item->record, members, STR("")}};
	world.item = out;
	inside.world = &world;
	for (size_t i = 0; i < group->fields.count; i++) {
		struct field member = group->fields.items[i];
		size_t told = g->problems->count;
		member.name = form_item_name(group, item, &member, g->a);
		if (!take_single(&inside, &member, answers_get(g->answers, member.name), member.optional, &offers[i], &members[i]))
			return false;
		if (g->problems->count == told)
			check_valid(&inside, &member, &members[i]);
	}
	return true;
}

/* Blank items are left out. Two alike are two: an item stands for a thing, not for a name. */
static bool take_group(struct gate *g, const struct field *field, bool optional, struct value *out) {
	size_t most = 2 * (size_t)field->many_max, count = 0, told = g->problems->count;
	struct value *items = ARENA_ARRAY(g->a, most, struct value);
	struct offer *offers = ARENA_ARRAY(g->a, field->fields.count, struct offer);
	for (size_t i = 1; i <= most; i++)
		if (is_typed(g, field, i) && !take_members(g, field, i, offers, &items[count++]))
			return false;
	*out = as_list(g, field, items, count, false, optional, told);
	return true;
}

static bool take_item(struct gate *g, const struct form_item *item) {
	const struct field *field = item->field;
	struct value value = VALUE_UNSET;
	size_t told = g->problems->count;
	bool ok = true;
	/* Asked is judged with the values so far, so a field may depend on one above it. */
	if (form_asked(g->world, item, g->values, g->a)) {
		const struct answer *answer = answers_get(g->answers, field->name);
		if (field->kind == FIELD_MATRIX)
			ok = take_matrix(g, field, item->optional, &value);
		else if (field->kind == FIELD_GROUP)
			ok = take_group(g, field, item->optional, &value);
		else if (field->many)
			ok = take_many(g, field, answer, item->optional, &value);
		else
			ok = take_single(g, field, answer, item->optional, &(struct offer){.catalogue = item->catalogue}, &value);
	}
	g->values[field->slot] = value;
	if (ok && g->problems->count == told)
		check_valid(g, field, &value);
	/* From here on nobody but a page that reveals it sees it. */
	if (field->sensitive && value.kind != KIND_UNSET)
		g->values[field->slot] = seal(g->world, field, &value, g->a);
	return ok;
}

bool form_validate(const struct form_world *world, const struct form *form, int page, const struct answers *answers, struct arena *a,
                   struct value *values, struct form_problems *problems, struct err *err) {
	struct gate g = {world, answers, a, values, problems, err};
	for (size_t p = 0; p < form->pages.count; p++) {
		if (page >= 0 && p != (size_t)page)
			continue;
		for (size_t i = 0; i < form->pages.items[p].items.count; i++)
			if (!take_item(&g, &form->pages.items[p].items.items[i]))
				return false;
	}
	if (world->ledger && world->ledger->failed.kind != ERR_NONE) {
		*err = world->ledger->failed;
		return false;
	}
	return true;
}
