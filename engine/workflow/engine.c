#include "engine/workflow/engine_run.h"

#include "engine/base/log.h"
#include "engine/store/children.h"

#include <stdlib.h>
#include <string.h>

struct engine *engine_open(struct site *site) {
	struct engine *e = calloc(1, sizeof *e);
	BUG_IF(e == NULL);
	e->site = site;
	return e;
}

void engine_close(struct engine *e) {
	free(e);
}

void engine_alone(struct engine *e, bool on) {
	e->alone = on;
}

void engine_rehearse(struct engine *e, const char *text) {
	e->rehearsal = text;
}

void engine_counts(const struct engine *e, int64_t *timers, int64_t *signals) {
	*timers = e->timers;
	*signals = e->signals;
}

void engine_watch(struct engine *e, struct engine_watch watch) {
	e->watch = watch;
}

struct run run_open(struct engine *e, struct tx *tx, int64_t now, struct arena *a) {
	return (struct run){.engine = e, .tx = tx, .view = tx_view(tx), .now = now, .a = a, .lasting = a, .books = {.a = a}};
}

static void note(struct read_log *log, struct str what) {
	*(struct str *)ARENA_PUSH(log->a, &log->reads) = what;
}

/* Several guards ask for the same rows. */
static void note_once(struct read_log *log, struct str what) {
	for (size_t i = 0; i < log->reads.count; i++)
		if (str_equal(log->reads.items[i], what))
			return;
	note(log, what);
}

static bool logged_rows(void *context, const struct register_type *reg, int64_t today, struct arena *a, struct value *rows, struct err *err) {
	struct read_log *log = context;
	note_once(log, arena_printf(log->a, "rows %.*s", STR_ARG(reg->full_name)));
	if (log->inner.rows(log->inner.context, reg, today, a, rows, err))
		return true;
	log->failed = *err;
	return false;
}

/* Not noted: a row that was read stands in the fields, with its version, and the entry says which registers there were. */
static bool logged_row(void *context, const struct register_type *reg, struct str key, int64_t version, struct arena *a, struct value *out, struct err *err) {
	struct read_log *log = context;
	return log->inner.row(log->inner.context, reg, key, version, a, out, err);
}

struct register_port read_log_port(struct read_log *log, struct view *v, struct arena *a) {
	*log = (struct read_log){.inner = data_store_port(v), .a = a};
	return (struct register_port){.context = log, .view = v, .rows = logged_rows, .row = logged_row};
}

struct decision_world run_world(const struct run *r, const struct loaded *l) {
	return (struct decision_world){
	        .zone = site_zone(r->engine->site), .calendar = site_calendar(r->engine->site), .now = r->now, .registers = &l->port, .ledger = l->ledger, .urn = l->urn, .board = l->board};
}

struct snapshot loaded_snapshot(const struct loaded *l) {
	return (struct snapshot){
	        .definition = l->definition,
	        .state = l->state,
	        .values = l->values,
	        .reference = l->instance.id ? l->instance.reference : STR(""),
	        .started_at = l->instance.started_at,
	        .entered_at = l->instance.entered_at,
	        .children = &l->children,
	};
}

struct form_world run_form_world(struct run *r, struct loaded *l) {
	struct form_world world = engine_world(r->engine, l->definition, l->instance.id ? &l->instance : NULL, &l->port, r->now, r->a);
	world.ledger = l->ledger;
	world.board = l->board;
	world.whose = l->instance.reference;
	return world;
}

struct form_world engine_world(struct engine *e, const struct definition *d, const struct instance *instance, const struct register_port *registers, int64_t now,
                               struct arena *a) {
	struct pool_desk desk = {.engine = e, .view = registers ? registers->view : NULL, .a = a, .now = now, .definition = d};
	struct form_world world = {
	        .definition = d,
	        .keys = site_keys(e->site),
	        .registers = registers,
	        .zone = site_zone(e->site),
	        .calendar = site_calendar(e->site),
	        .now = now,
	        .languages = site_languages(e->site),
	        .country = site_country(e->site),
	        .sms = &site_config(e->site)->sms,
	};
	if (instance) {
		world.state = instance->state;
		world.reference = world.whose = instance->reference;
		desk.instance_id = instance->id;
		desk.parent_id = instance->parent_id;
		world.started_at = instance->started_at;
		world.entered_at = instance->entered_at;
	}
	world.ledger = pool_ledger(&desk);
	world.board = group_board(&(struct group_desk){.view = desk.view, .a = a, .definition = d, .registers = registers});
	return world;
}

static struct value child_value(const struct definition *d, const struct child_state *child, struct arena *a) {
	struct value *members = ARENA_ARRAY(a, d->child_record->count, struct value);
	members[0] = value_string(child->workflow);
	members[1] = value_string(child->state);
	members[2] = value_bool(child->ended);
	return (struct value){.kind = KIND_RECORD, .record = {d->child_record, members, STR("")}};
}

static bool load_children(struct run *r, struct loaded *l, struct err *err) {
	struct child_states children;
	l->children = (struct value){.kind = KIND_LIST};
	if (!l->definition->reads_children)
		return true;
	if (!children_states(r->view, l->instance.id, STR(""), r->a, &children, err))
		return false;
	struct value *items = ARENA_ARRAY(r->a, children.count, struct value);
	for (size_t i = 0; i < children.count; i++) {
		items[i] = child_value(l->definition, &children.items[i], r->a);
		note(&l->log, arena_printf(r->a, "child %lld %lld", (long long)children.items[i].id, (long long)children.items[i].version));
	}
	l->children = (struct value){.kind = KIND_LIST, .list = {items, NULL, children.count}};
	return true;
}

/* What it shares with others: pools, and records of groups. */
static void open_shared(struct run *r, struct loaded *l, const struct loaded *parent) {
	l->board = group_board(&(struct group_desk){.view = r->view, .a = r->a, .definition = l->definition, .registers = &l->log.inner});
	l->ledger = pool_ledger(&(struct pool_desk){
	        .engine = r->engine,
	        .view = r->view,
	        .a = r->a,
	        .now = r->now,
	        .definition = l->definition,
	        .instance_id = l->instance.id,
	        .parent_id = l->instance.parent_id,
	        .parent = parent,
	        .books = &r->books,
	});
	l->urn = urn_open(&(struct urn_desk){
	        .engine = r->engine,
	        .view = r->view,
	        .a = r->a,
	        .definition = l->definition,
	        .instance_id = l->instance.id,
	        .parent_id = l->instance.parent_id,
	        .reference = l->instance.reference,
	});
}

bool run_load(struct run *r, int64_t instance_id, struct loaded *l, struct err *err) {
	*l = (struct loaded){0};
	l->port = read_log_port(&l->log, r->view, r->a);
	if (!instance_load(r->view, instance_id, r->a, &l->instance, err))
		return false;
	l->definition = site_definition(r->engine->site, r->view, l->instance.definition, err);
	if (!l->definition)
		return false;
	l->state = definition_state(l->definition, l->instance.state);
	if (!l->state)
		return err_set(err, ERR_PERMANENT, "error.internal", "instance %.*s is in a state that its definition does not have", STR_ARG(l->instance.reference));
	l->values = ARENA_ARRAY(r->a, l->definition->fields.count, struct value);
	open_shared(r, l, NULL);
	return data_from_json(l->definition, l->instance.data, &l->port, r->a, l->values, err) && load_children(r, l, err);
}

/* Whoever has a share in a parent's pool starts as its child. */
static bool check_parent(const struct definition *d, bool child, struct err *err) {
	for (size_t i = 0; i < d->pools.count; i++)
		if (d->pools.items[i].scope == POOL_PARENT && !child)
			return err_set(err, ERR_INPUT, "error.input", "workflow '%.*s' has the pool '%.*s' of its parent, so only another workflow can start it", STR_ARG(d->name),
			               STR_ARG(d->pools.items[i].name));
	return child || d->parent_seed.len == 0 ||
	       err_set(err, ERR_INPUT, "error.input", "workflow '%.*s' draws with the seed '%.*s' of its parent, so only another workflow can start it", STR_ARG(d->name),
	               STR_ARG(d->parent_seed));
}

/* Before it is written: what is sealed is this instance's, and a draw is told by it. */
static struct str early_reference(struct run *r, const struct definition *d) {
	if (r->engine->rehearsal)
		return arena_printf(r->a, "TEST-%04lld", (long long)++r->engine->rehearsed);
	return d->sensitive || d->parent_seed.len > 0 ? instance_reference(r->a) : STR("");
}

bool run_prepare(struct run *r, const struct definition *d, const struct loaded *parent, struct loaded *l, struct err *err) {
	if (!check_parent(d, parent, err))
		return false;
	*l = (struct loaded){.definition = d, .children = {.kind = KIND_LIST}};
	l->port = read_log_port(&l->log, r->view, r->a);
	l->values = ARENA_ARRAY(r->a, d->fields.count, struct value);
	l->instance.reference = early_reference(r, d);
	if (parent) {
		l->instance.parent_id = parent->instance.id;
		l->instance.root_id = parent->instance.root_id;
	}
	open_shared(r, l, parent);
	struct form_world world = run_form_world(r, l);
	return form_defaults(&world, r->a, l->values, err);
}

bool run_starter(struct run *r, struct loaded *l, int64_t contact_id, const struct answers *answers, struct err *err) {
	const struct definition *d = l->definition;
	struct form_problems problems = {0};
	struct form_world world = run_form_world(r, l);
	struct answers known = {0};
	struct contact contact;
	if (!d->start.who)
		return true;
	if (contact_id != 0) {
		if (!contact_load(r->view, contact_id, r->a, &contact, err))
			return false;
		answers_put(&known, r->a, d->start.by->contact->name, contact.value);
		answers = &known;
	}
	return form_validate(&world, d->start.who, -1, answers, r->a, l->values, &problems, err) &&
	       (problems.count == 0 || err_set(err, ERR_INPUT, "form.problems", "the address of whoever starts is not valid: %s", problems.items[0].key));
}

static bool read_generation(struct run *r, struct loaded *l, struct err *err) {
	struct register_stamp stamp = {0};
	if (l->definition->registers.count > 0)
		stamp = register_stamp(r->view); /* mostly known already */
	l->read_at = l->definition->registers.count == 0 ? 0 : stamp.store != 0 ? stamp.generation : register_generation(r->view);
	return l->read_at >= 0 || err_set(err, ERR_TRANSIENT, "error.busy", "the registers' changes cannot be counted");
}

bool run_decide(struct run *r, struct loaded *l, const struct event *event, struct decision *out, struct err *err) {
	struct decision_world world = run_world(r, l);
	if (((l->ledger || l->urn) && !history_newest(r->view, &l->seen, err)) || !read_generation(r, l, err))
		return false;
	struct snapshot snapshot = loaded_snapshot(l);
	decision_take(&world, &snapshot, event, r->a, out);
	const struct err none = {0}, *failed[] = {&l->log.failed, l->ledger ? &l->ledger->failed : &none, l->urn ? &l->urn->failed : &none, l->board ? &l->board->failed : &none};
	for (size_t i = 0; i < sizeof failed / sizeof *failed; i++)
		if (failed[i]->kind != ERR_NONE) {
			*err = *failed[i];
			return false;
		}
	bool taken = out->guard_err.kind == ERR_CONFLICT;
	if (out->guard_err.kind != ERR_NONE)
		log_event(taken ? LOG_INFO : LOG_WARN, taken ? "not-claimed" : "expression-error", "workflow=%.*s instance=%.*s event=%.*s text=\"%s\"", STR_ARG(l->definition->name),
		          STR_ARG(l->instance.reference), STR_ARG(event->name), out->guard_err.text);
	if (r->engine->watch.decided)
		r->engine->watch.decided(r->engine->watch.context, l->definition, l->state, event, out);
	return true;
}
