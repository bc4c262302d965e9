/* stafet replay: each decision of an instance is taken again, from what its entry of history says that it was decided by, with the machine that the instance is pinned
 * to; it must come out the same, byte by byte, and what it left in the store must be what it decided. */
#include "engine/workflow/engine_replay.h"

#include "engine/base/escape.h"
#include "engine/store/people.h"
#include "engine/workflow/lots.h"
#include "engine/workflow/past.h"

#include <string.h>

static void tell(struct replay *p, const char *format, va_list args) {
	buf_vprintf(p->out, format, args);
	buf_char(p->out, '\n');
	p->sum->faults++;
}

void replay_fault(struct replay *p, const char *format, ...) {
	va_list args;
	va_start(args, format);
	buf_printf(p->out, "%.*s: entry %lld (%.*s %.*s), decided again, ", STR_ARG(p->instance->reference), (long long)p->entry->seq, STR_ARG(p->entry->kind), STR_ARG(p->entry->event));
	tell(p, format, args);
	va_end(args);
}

void replay_fault_of_all(struct replay *p, const char *format, ...) {
	va_list args;
	va_start(args, format);
	buf_printf(p->out, "%.*s: ", STR_ARG(p->instance->reference));
	tell(p, format, args);
	va_end(args);
}

static const struct value *copy_values(struct replay *p, const struct value *values, struct value **copy) {
	size_t count = p->definition->fields.count;
	*copy = ARENA_ARRAY(p->a, count, struct value);
	for (size_t i = 0; i < count; i++)
		(*copy)[i] = values[i];
	return *copy;
}

/* "child ID VERSION", as it was noted: workflow, state, ended. */
static bool past_child(struct replay *p, struct str note, struct value *out, struct err *err) {
	struct str rest = note, state;
	struct instance child;
	struct err gone = {0};
	int64_t id, version;
	(void)str_cut(&rest, ' ');
	rest.len -= rest.len > 0; /* the quote */
	if (!str_to_int(str_cut(&rest, ' '), &id) || !str_to_int(rest, &version))
		return err_set(err, ERR_PERMANENT, "error.internal", "no note of a child: %.*s", STR_ARG(note));
	if (!instance_load(p->run.view, id, p->run.a, &child, err) || !history_state(p->run.view, id, version, p->run.a, &state, err))
		return false;
	const struct definition *d = site_definition(p->run.engine->site, p->run.view, child.definition, &gone);
	const struct state *in = d ? definition_state(d, state) : NULL;
	struct value *members = ARENA_ARRAY(p->run.a, p->definition->child_record->count, struct value);
	members[0] = value_string(child.workflow);
	members[1] = value_string(state);
	members[2] = value_bool(in && in->final);
	*out = (struct value){.kind = KIND_RECORD, .record = {p->definition->child_record, members, STR("")}};
	return true;
}

static bool past_children(struct replay *p, struct value *out, struct err *err) {
	*out = (struct value){.kind = KIND_LIST};
	if (!p->definition->reads_children)
		return true;
	struct value *items = ARENA_ARRAY(p->run.a, p->reads.count, struct value);
	size_t count = 0;
	for (size_t i = 0; i < p->reads.count; i++)
		if (str_starts(p->reads.items[i], STR("\"child ")) && !past_child(p, p->reads.items[i], &items[count++], err))
			return false;
	*out = (struct value){.kind = KIND_LIST, .list = {items, NULL, count}};
	return true;
}

/* The instance as it was when the event came; before the first entry there was none. */
static bool load_then(struct replay *p, struct loaded *l, struct err *err) {
	bool starts = !p->state;
	p->registers->generation = p->told.read_at;
	*l = (struct loaded){.definition = p->definition, .state = p->state, .values = p->values, .port = p->then, .seen = p->told.seen, .read_at = p->told.read_at};
	l->instance = (struct instance){.id = starts ? 0 : p->instance->id, .reference = p->instance->reference, .parent_id = p->instance->parent_id, .root_id = p->instance->root_id};
	if (!starts) {
		l->instance.started_at = p->started_at;
		l->instance.entered_at = p->entered_at;
	}
	l->ledger = pool_ledger(&(struct pool_desk){.engine = p->run.engine, .view = p->run.view, .a = p->run.a, .definition = p->definition, .instance_id = l->instance.id,
	                                            .parent_id = l->instance.parent_id, .seen = p->told.seen, .now = p->entry->at, .registers = &p->then, .books = p->sum->claims});
	l->urn = urn_open(&(struct urn_desk){.engine = p->run.engine, .view = p->run.view, .a = p->run.a, .definition = p->definition, .instance_id = l->instance.id,
	                                     .parent_id = l->instance.parent_id, .reference = l->instance.reference, .seen = p->told.seen, .history_id = p->entry->id, .tells = p->lots != NULL});
	l->board = group_board(&(struct group_desk){.view = p->run.view, .a = p->run.a, .definition = p->definition, .registers = &p->now, .payload = &p->entry->payload});
	return past_children(p, &l->children, err);
}

static enum event_kind kind_of(const struct history *entry) {
	return str_is(entry->kind, "start") ? EVENT_START : str_is(entry->kind, "timer") ? EVENT_TIMER : str_is(entry->kind, "form") ? EVENT_FORM : EVENT_SIGNAL;
}

/* What came, with the fields that it brought: those that the entry left, but for those that it then changed. */
static bool load_event(struct replay *p, struct said *said, struct event *event, struct err *err) {
	struct value *given;
	struct contact contact;
	*event = (struct event){.kind = kind_of(p->entry), .name = p->entry->event, .role = p->entry->role, .actor = p->told.said_by};
	if (event->kind == EVENT_TIMER) {
		replay_timer_fires(p, event);
		return true;
	}
	event->values = copy_values(p, p->after, &given);
	if (!data_apply(p->definition, p->entry->payload, PAYLOAD_GIVEN, &p->now, p->a, given, err))
		return false;
	if (p->told.refused.kind == KIND_LIST) {
		*said = (struct said){p->told.said, p->told.refused};
		event->said = said;
	}
	if (event->kind != EVENT_FORM)
		return true;
	if (!contact_load(p->run.view, p->entry->contact_id, p->run.a, &contact, err))
		return false;
	event->actor = contact.value;
	return contact.value.len > 0 || err_set(err, ERR_NOT_FOUND, RUN_ERASED, "whoever acted is erased");
}

static void compare_fields(struct replay *p, const struct value *again) {
	for (size_t i = 0; i < p->definition->fields.count; i++)
		if (!value_identical(&p->after[i], &again[i]))
			replay_fault(p, "leaves another '%.*s'", STR_ARG(p->definition->fields.items[i].name));
}

static void compare_state(struct replay *p, const struct decision *again) {
	bool refused = again->outcome != DECISION_TAKEN;
	struct str to = again->moved ? again->target->name : STR("");
	if (refused && !p->entry->refused)
		replay_fault(p, "is refused");
	else if (refused != p->entry->refused || !str_equal(to, p->entry->to))
		replay_fault(p, "goes to '%.*s', not to '%.*s'", STR_ARG(to), STR_ARG(p->entry->to));
}

/* Who gets which slot, by the children as they were. */
static bool compare_plans(struct replay *p, struct loaded *l, const struct decision *again, struct prepared_plans *plans, struct err *err) {
	struct past_children past = {p->run.engine, p->run.view, p->instance->id, p->entry->id};
	size_t next = 0;
	l->past = &past;
	l->log.a = p->run.a;
	if (again->outcome != DECISION_TAKEN)
		return true;
	if (!run_prepare_plans(&p->run, l, again, plans, err))
		return false;
	for (size_t i = 0; i < l->log.reads.count; i++) {
		struct str wanted = arena_printf(p->run.a, "\"%.*s\"", STR_ARG(l->log.reads.items[i]));
		while (next < p->reads.count && !str_starts(p->reads.items[next], STR("\"plan ")))
			next++;
		if (next == p->reads.count || !str_equal(p->reads.items[next++], wanted)) {
			replay_fault(p, "gives other slots");
			return true;
		}
	}
	return true;
}

static bool compare(struct replay *p, const struct loaded *l, const struct decision *again, struct err *err) {
	struct buf decided;
	int64_t faults = p->sum->faults;
	buf_init(&decided, RUN_DATA);
	bool ok = run_payload_decided(l, again, &decided, err);
	compare_state(p, again);
	compare_fields(p, again->values);
	if (ok && p->sum->faults == faults && !str_starts(p->decided, buf_text(&decided)))
		replay_fault(p, "claims, draws, shares or refuses otherwise");
	buf_free(&decided);
	return ok;
}

/* Their digests stand in the entry, and are what verify compares; which there are is decided. */
static bool compare_documents(struct replay *p, const struct decision *again, struct err *err) {
	struct document_list all = {0};
	size_t next = 0, count = 0;
	bool same = true;
	for (size_t i = 0; i < again->effects.count; i++)
		count += again->effects.items[i].kind == EFFECT_DOCUMENT;
	if ((count > 0 || memmem(p->entry->payload.at, p->entry->payload.len, RUN_DOCUMENTS, strlen(RUN_DOCUMENTS))) &&
	    !document_of_instance(p->run.view, p->instance->id, p->run.a, &all, err))
		return false;
	for (size_t i = 0; i < again->effects.count; i++) {
		const struct action *action = again->effects.items[i].action;
		if (again->effects.items[i].kind != EFFECT_DOCUMENT)
			continue;
		while (next < all.count && all.items[next].history_id != p->entry->id)
			next++;
		const struct document *is = next < all.count ? &all.items[next++] : NULL;
		same = same && is && str_equal(is->name, action->document) && (action->addendum || is->addendum == 0) && is->at == p->entry->at &&
		       str_equal(is->roles, run_who_sees(&p->run, action));
	}
	while (next < all.count)
		same = same && all.items[next++].history_id != p->entry->id;
	if (!same)
		replay_fault(p, "makes other documents");
	return true;
}

static void tell_lots(struct replay *p, const struct loaded *l) {
	size_t count = l->urn ? l->urn->lots.count : 0;
	p->sum->lots += (int64_t)count;
	for (size_t i = 0; p->lots && i < count; i++)
		lots_tell(p->lots, &l->urn->lots.items[i]);
}

/* As its effects find it. */
static struct loaded as_left(const struct replay *p, const struct loaded *l, struct decision *again) {
	struct loaded after = *l;
	after.values = again->values;
	after.instance.id = p->instance->id;
	after.instance.state = again->target->name;
	after.instance.started_at = p->started_at;
	after.instance.entered_at = again->moved ? p->entry->at : p->entered_at;
	return after;
}

static bool decide_again(struct replay *p, struct err *err) {
	struct loaded l;
	struct event event;
	struct said said;
	struct decision again;
	struct prepared_plans plans = {0};
	if (!load_then(p, &l, err) || !load_event(p, &said, &event, err))
		return false;
	struct decision_world world = run_world(&p->run, &l);
	struct snapshot snapshot = loaded_snapshot(&l);
	decision_take(&world, &snapshot, &event, p->run.a, &again);
	const struct err none = {0}, *failed[] = {l.ledger ? &l.ledger->failed : &none, l.urn ? &l.urn->failed : &none, l.board ? &l.board->failed : &none};
	for (size_t i = 0; i < sizeof failed / sizeof *failed; i++)
		if (failed[i]->kind != ERR_NONE) {
			*err = *failed[i];
			return false;
		}
	if (again.outcome == DECISION_TAKEN)
		tell_lots(p, &l);
	replay_timers(p, &event, &again);
	if (!compare(p, &l, &again, err) || !compare_plans(p, &l, &again, &plans, err))
		return false;
	struct loaded after = as_left(p, &l, &again);
	if (!replay_messages(p, &after, &again, err) || !compare_documents(p, &again, err) || !replay_posts(p, &again, &plans, err))
		return false;
	replay_takes(p, event.values);
	return true;
}

/* Nothing was decided; a timer that repeats goes on all the same. */
static void take_aside(struct replay *p) {
	struct loaded l = {.definition = p->definition, .state = p->state, .values = p->values, .instance = {.id = p->instance->id, .reference = p->instance->reference}};
	struct event event = {.kind = kind_of(p->entry), .name = p->entry->event};
	struct decision_world world = run_world(&p->run, &l);
	struct decision again;
	const struct err why = {.kind = ERR_PERMANENT};
	l.instance.started_at = p->started_at;
	l.instance.entered_at = p->entered_at;
	l.children = (struct value){.kind = KIND_LIST};
	l.port = p->then;
	p->registers->generation = p->told.read_at;
	struct snapshot snapshot = loaded_snapshot(&l);
	if (event.kind == EVENT_TIMER)
		replay_timer_fires(p, &event);
	decision_refuse(&world, &snapshot, &event, &why, p->run.a, &again);
	replay_timers(p, &event, &again);
	p->sum->aside++;
}

/* The entry's reads, and what it decided, behind the fields that it set: they are written as they would be now, or somebody else wrote them. */
static bool find_parts(struct replay *p) {
	static const struct str name = {"\"reads\":[", sizeof "\"reads\":[" - 1};
	struct str kept = p->entry->payload;
	bool same = false;
	size_t from = 0;
	for (int whole = 0; whole < 2 && !same; whole++) {
		struct buf set;
		buf_init(&set, RUN_DATA);
		run_payload_set(p->definition, p->state ? p->values : NULL, p->after, whole, &set);
		same = str_starts(kept, buf_text(&set));
		from = set.len;
		buf_free(&set);
	}
	if (!same || from >= kept.len)
		return false;
	p->reads = run_payload_list(p->run.a, (struct str){kept.at + from - name.len, kept.len - from + name.len}, "reads");
	if (p->reads.count > 0)
		from = (size_t)(p->reads.items[p->reads.count - 1].at - kept.at) + p->reads.items[p->reads.count - 1].len;
	p->decided = (struct str){kept.at + from + 1, kept.len - from - 1};
	return true;
}

/* What cannot be read again is a fault of this entry alone. */
static void take_entry(struct replay *p) {
	struct err err = {0};
	int64_t decided = p->sum->decided + p->sum->aside, before_aside = p->sum->aside;
	p->sum->entries++;
	p->run.now = p->entry->at;
	if (!data_payload_told(p->entry->payload, p->run.a, &p->told) || !p->told.again)
		p->sum->unknown++;
	else if ((kind_of(p->entry) == EVENT_START) != !p->state)
		replay_fault(p, "is no start, or starts again");
	else if (p->told.aside && p->state)
		take_aside(p);
	else if (!find_parts(p))
		replay_fault(p, "sets other fields");
	else if (decide_again(p, &err))
		p->sum->decided++;
	else if (str_is(str_from(err.key), RUN_ERASED))
		p->sum->erased++;
	else
		replay_fault(p, "cannot be: %s", err.text);
	if (p->sum->decided + p->sum->aside == decided)
		p->timers.unsure = p->unsure = true;
	if (p->sum->decided + before_aside == decided)
		replay_takes(p, NULL);
}

static bool take_entries(struct replay *p, const struct history_list *entries, struct err *err) {
	bool ok = replay_messages_begin(p, err);
	p->started_at = entries->count ? entries->items[0].at : 0;
	for (size_t i = 0; ok && i < entries->count; i++) {
		struct value *after;
		p->entry = &entries->items[i];
		p->next_id = i + 1 < entries->count ? entries->items[i + 1].id : INT64_MAX;
		if (p->entry->payload.len == 0) {
			p->sum->entries += (int64_t)(entries->count - i);
			p->sum->erased += (int64_t)(entries->count - i);
			p->timers.unsure = p->erased = true;
			return true;
		}
		copy_values(p, p->values, &after);
		ok = data_apply(p->definition, p->entry->payload, "set", &p->now, p->a, after, err);
		if (!ok)
			break;
		p->after = after;
		take_entry(p);
		arena_reset(p->run.a);
		for (size_t k = 0; k < p->definition->fields.count; k++)
			if (i == 0 || !value_equal(&p->values[k], &after[k]))
				p->changed[k] = p->entry->id;
		p->values = after;
		if (p->entry->to.len > 0) {
			p->state = definition_state(p->definition, p->entry->to);
			p->entered_at = p->entry->at;
			ok = p->state || err_set(err, ERR_PERMANENT, "error.internal", "its history enters a state that its definition does not have");
		}
	}
	return ok;
}

static bool compare_left(struct replay *p, struct err *err) {
	replay_messages_left(p);
	return replay_timers_left(p, err) && (p->erased || (replay_wishes_left(p, err) && replay_posts_left(p, err)));
}

bool engine_replay(struct engine *e, struct view *v, int64_t instance_id, struct buf *out, struct lots *lots, struct replay_sum *sum, struct err *err) {
	struct arena *a = arena_new(), *entry = arena_new();
	struct instance instance;
	struct history_list entries;
	struct err broken = {0};
	struct replay p = {.run = {.engine = e, .view = v, .a = entry}, .a = a, .instance = &instance, .registers = sum->registers, .sum = sum, .out = out, .lots = lots};
	if (!sum->registers)
		p.registers = sum->registers = past_registers_new();
	if (!sum->claims)
		sum->claims = claim_books_new();
	past_registers_begin(p.registers, v);
	p.then = past_registers_port(p.registers);
	p.now = data_store_port(v);
	bool ok = instance_load(v, instance_id, a, &instance, err) && history_list(v, instance_id, a, &entries, err);
	if (ok) {
		sum->instances++;
		p.definition = site_definition(e->site, v, instance.definition, &broken);
		p.values = p.definition ? ARENA_ARRAY(a, p.definition->fields.count, struct value) : NULL;
		p.changed = p.definition ? ARENA_ARRAY(a, p.definition->fields.count, int64_t) : NULL;
		if (!p.definition || !take_entries(&p, &entries, &broken) || !compare_left(&p, &broken)) {
			buf_printf(out, "%.*s: its history cannot be followed: %s\n", STR_ARG(instance.reference), broken.text);
			sum->faults++;
		}
	}
	arena_free(entry);
	arena_free(a);
	return ok;
}

void replay_end(struct replay_sum *sum) {
	past_registers_free(sum->registers);
	claim_books_free(sum->claims);
	past_grants_free(sum->grants);
	replay_posts_free(sum->posts);
	sum->posts = NULL;
	sum->grants = NULL;
	sum->registers = NULL;
	sum->claims = NULL;
}
