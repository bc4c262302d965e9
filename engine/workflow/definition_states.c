#include "engine/workflow/definition_reader.h"

static const struct span no_span = {0};

static const struct state *find_state(struct reader *r, const struct yaml *name) {
	return reader_find(r, NAMED("state", r->d->states), name);
}

/* The ways out: `cases`, or guard, actions and target beside the other keys. */
static void read_case(struct reader *r, const struct yaml *node, struct transition_list *out) {
	const struct yaml *guard = yaml_get(node, "guard");
	struct transition *t = ARENA_PUSH(r->arena, out);
	t->id = r->d->transition_count++;
	t->place = guard ? guard->place : node->place;
	t->guard = reader_guard(r, guard);
	if (t->guard)
		*(const struct expression **)ARENA_PUSH(r->arena, &r->d->guards) = t->guard;
	read_actions(r, yaml_get(node, "actions"), &t->actions);
	t->target = find_state(r, yaml_get(node, "target"));
}

static void read_cases(struct reader *r, const struct yaml *node, const char *what, struct str name, struct transition_list *out) {
	static const char *const alone[] = {"guard", "actions", "target", NULL};
	const struct yaml *cases = yaml_get(node, "cases");
	if (!cases) {
		read_case(r, node, out);
		return;
	}
	for (size_t i = 0; alone[i]; i++)
		if (yaml_get(node, alone[i]))
			problem_error(r->problems, yaml_get(node, alone[i])->key->place, "key '%s' in %s '%.*s': with 'cases' it belongs in one of them", alone[i], what, STR_ARG(name));
	for (size_t i = 0; i < cases->count; i++) {
		read_case(r, cases->items[i], out);
		if (!yaml_get(cases->items[i], "guard") && i + 1 < cases->count)
			problem_error(r->problems, cases->items[i + 1]->place, "the cases from here on can never count: the one before has no guard");
	}
}

static bool is_time(const struct expression *e) {
	const struct type *type = expression_type(e);
	return type->kind == KIND_DATE || type->kind == KIND_DATETIME || type->kind == KIND_INSTANT;
}

/* What moves with the clock would open always or never; and a page that is looked at does not load the children. */
static void read_opens(struct reader *r, const struct yaml *opens, struct event_rule *event) {
	event->opens = reader_expression(r, opens, &r->d->scope, NULL);
	if (opens && event->by.count == 0)
		problem_error(r->problems, opens->key->place, "key 'opens' in event '%.*s': a signal is not waited for by people", STR_ARG(event->name));
	if (event->opens && !is_time(event->opens))
		problem_error(r->problems, opens->place, "'opens' of event '%.*s' is a %.*s, expected a date, datetime or instant", STR_ARG(event->name),
		              STR_ARG(type_name(r->arena, expression_type(event->opens))));
	if (event->opens && expression_asks(event->opens))
		problem_error(r->problems, opens->place, "'opens' of event '%.*s' cannot ask a pool or a group", STR_ARG(event->name));
	static const struct {
		size_t slot;
		const char *name;
	} never[] = {{SLOT_NOW, "now"}, {SLOT_TODAY, "today"}, {SLOT_CHILDREN, "children"}, {SLOT_ACTOR, "actor"}, {SLOT_REPLY, "reply_text"}, {SLOT_REFUSED, "reply_refused"}};
	for (size_t i = 0; event->opens && i < sizeof never / sizeof *never; i++)
		if (expression_reads(event->opens, r->d->fields.count + never[i].slot))
			problem_error(r->problems, opens->place, "'opens' of event '%.*s' cannot read '%s'", STR_ARG(event->name), never[i].name);
	if (event->opens && definition_reads_rows(r->d, event->opens))
		problem_error(r->problems, opens->place, "'opens' of event '%.*s' cannot read 'rows()'", STR_ARG(event->name));
}

static bool asks_for(const struct form *form, const struct field *field) {
	for (size_t p = 0; form && p < form->pages.count; p++)
		for (size_t i = 0; i < form->pages.items[p].items.count; i++)
			if (form->pages.items[p].items.items[i].field == field)
				return true;
	return false;
}

static void check_code(struct reader *r, const struct event_rule *event, const struct yaml *node) {
	if (event->code && event->by.count == 0)
		problem_error(r->problems, node->key->place, "key 'code' in event '%.*s': a signal is not sent by people", STR_ARG(event->name));
	for (size_t i = 0; event->code && i < event->by.count; i++) {
		const struct role *role = event->by.items[i];
		if (role && !role->code)
			problem_error(r->problems, node->place, "'code' of event '%.*s': nothing says where codes for the role '%.*s' go; give the role the key 'code'",
			              STR_ARG(event->name), STR_ARG(role->name));
		else if (role && asks_for(event->form, role->code))
			problem_error(r->problems, node->place, "'code' of event '%.*s': its form asks for '%.*s', where the code goes; whoever holds the link could choose it",
			              STR_ARG(event->name), STR_ARG(role->code->name));
	}
}

/* What makes an event of something: at most one of these. */
static void refuse_kinds(struct reader *r, const struct yaml *node, const struct yaml *one) {
	static const char *const kinds[] = {"by", "bounced", "unreachable", "replied", "shared", "exhausted"};
	size_t count = 0;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		count += yaml_get(node, kinds[i]) != NULL;
	if (count > 1)
		problem_error(r->problems, one->key->place, "key '%.*s' in event '%.*s': an event has one of by, bounced, unreachable, replied, shared and exhausted", STR_ARG(one->key->text), STR_ARG(node->key->text));
}

/* That others have changed the record. */
static const struct group_rule *read_shared(struct reader *r, const struct yaml *node, const struct state *state) {
	const struct yaml *name = yaml_get(node, "shared");
	const struct group_rule *group = reader_find(r, NAMED("group", r->d->groups), name);
	if (name)
		refuse_kinds(r, node, name);
	for (size_t i = 0; group && i < state->on.count; i++)
		if (state->on.items[i].shared == group)
			problem_error(r->problems, name->place, "state '%.*s' has two events for a change of the group '%.*s'", STR_ARG(state->name), STR_ARG(group->name));
	return group;
}

/* That somebody else took the last row of a list. */
static void read_exhausted(struct reader *r, const struct yaml *node, const struct state *state, struct event_rule *event) {
	const struct yaml *list = yaml_get(node, "exhausted"), *name = yaml_get(node, "pool");
	const struct field *field = reader_find(r, NAMED("field", r->d->fields), list);
	const struct pool *pool = reader_find(r, NAMED("pool", r->d->pools), name);
	if (!list != !name)
		problem_error(r->problems, node->key->place, "event '%.*s' has '%s' but no '%s': a list is exhausted when a pool has none of its rows left", STR_ARG(event->name),
		              list ? "exhausted" : "pool", list ? "pool" : "exhausted");
	if (list)
		refuse_kinds(r, node, list);
	if (!field || !pool || !pool->reg)
		return;
	if (field->kind != FIELD_REF || !field->many || field->reg != pool->reg)
		problem_error(r->problems, list->place, "'exhausted' of event '%.*s': '%.*s' is no list of rows of the pool; expected a field of type ref with 'many' and 'register: %.*s'",
		              STR_ARG(event->name), STR_ARG(field->name), STR_ARG(pool->reg->name));
	else if (pool->scope == POOL_OWN)
		problem_error(r->problems, name->place, "'pool' of event '%.*s': nobody else claims rows of '%.*s', which is each instance's own; expected one with 'of: parent' or 'scope: site'",
		              STR_ARG(event->name), STR_ARG(pool->name));
	for (size_t i = 0; i < state->on.count; i++)
		if (event_exhausts(&state->on.items[i], field->name, pool->name))
			problem_error(r->problems, list->place, "state '%.*s' has two events for the exhaustion of '%.*s'", STR_ARG(state->name), STR_ARG(field->name));
	event->exhausted = field;
	event->pool = pool;
}

/* The role that messages do not reach, or that answers them. */
static const struct role *read_lost(struct reader *r, const struct yaml *node, const char *key) {
	const struct yaml *name = yaml_get(node, key);
	if (!name)
		return NULL;
	refuse_kinds(r, node, name);
	return reader_find(r, NAMED("role", r->d->roles), name);
}

static void read_files(struct reader *r, const struct yaml *node, struct event_rule *event) {
	const struct yaml *files = yaml_get(node, "files");
	event->files = reader_find(r, NAMED("field", r->d->fields), files);
	if (files && !event->replied)
		problem_error(r->problems, files->key->place, "key 'files' in event '%.*s': only an event with 'replied' gets files by mail", STR_ARG(event->name));
	if (event->files && (event->files->kind != FIELD_FILE || !event->files->many)) {
		problem_error(r->problems, files->place, "'files' of event '%.*s': '%.*s' is no list of files; expected a field of type file with 'many'", STR_ARG(event->name), STR_ARG(event->files->name));
		event->files = NULL;
	}
}

/* What is pressed again and again: a list, kept where it is, in a state that stays. */
static void check_repeat(struct reader *r, const struct event_rule *event, const struct yaml *node) {
	const struct yaml *repeat = yaml_get(node, "repeat"), *form = yaml_get(node, "form");
	bool ranks = event->form && form_ranking(event->form), leaves = false;
	for (size_t i = 0; i < event->cases.count; i++)
		leaves = leaves || event->cases.items[i].target;
	if (event->repeat && event->form && !ranks)
		problem_error(r->problems, repeat->key->place, "key 'repeat' in event '%.*s': the form '%.*s' is no ranked list, which is a page that asks for a list of rows with 'catalogue' and for nothing else",
		              STR_ARG(event->name), STR_ARG(event->form->name));
	else if (event->repeat && (leaves || event->code))
		problem_error(r->problems, repeat->key->place, "key 'repeat' in event '%.*s': what is done again and again has no '%s'", STR_ARG(event->name), leaves ? "target" : "code");
	else if (!event->repeat && ranks)
		problem_error(r->problems, form->place, "'form' of event '%.*s': '%.*s' is a ranked list, which needs 'repeat: true'", STR_ARG(event->name), STR_ARG(form->text));
}

static void read_event(struct reader *r, const struct yaml *node, const struct state *state, struct event_rule *event) {
	const struct yaml *form = yaml_get(node, "form"), *by = yaml_get(node, "by"), *expires = yaml_get(node, "expires");
	event->name = node->key->text;
	event->place = node->key->place;
	struct yaml_nodes names = reader_names(r, by);
	for (size_t i = 0; i < names.count; i++)
		*(const struct role **)ARENA_PUSH(r->arena, &event->by) = reader_find(r, NAMED("role", r->d->roles), names.items[i]);
	event->bounced = read_lost(r, node, "bounced");
	event->unreachable = read_lost(r, node, "unreachable");
	event->replied = read_lost(r, node, "replied");
	event->shared = read_shared(r, node, state);
	read_exhausted(r, node, state, event);
	read_files(r, node, event);
	event->form = reader_find(r, NAMED("form", r->d->forms), form);
	event->expires = shape_span(expires, no_span);
	if (!by != !form)
		problem_error(r->problems, node->key->place, "event '%.*s' has '%s' but no '%s': an act of people needs both, a signal has none", STR_ARG(event->name), by ? "by" : "form", by ? "form" : "by");
	if (expires && !by)
		problem_error(r->problems, expires->key->place, "key 'expires' in event '%.*s': a signal has no link that could expire", STR_ARG(event->name));
	read_opens(r, yaml_get(node, "opens"), event);
	event->code = shape_truth(yaml_get(node, "code"), false);
	event->optional = shape_truth(yaml_get(node, "optional"), false);
	check_code(r, event, yaml_get(node, "code"));
	event->repeat = shape_truth(yaml_get(node, "repeat"), false);
	read_cases(r, node, "event", event->name, &event->cases);
	check_repeat(r, event, node);
}

static bool shares_roles(const struct event_rule *event, const struct event_rule *other) {
	for (size_t i = 0; i < event->by.count; i++)
		if (event->by.items[i] && !event_allows(other, event->by.items[i]->name))
			return false;
	return true;
}

/* Once all events of the state are read: `also` may name a later one. */
static void read_also(struct reader *r, const struct yaml *node, const struct state *state, struct event_rule *event) {
	const struct yaml *also = yaml_get(node, "also");
	struct yaml_nodes names = reader_names(r, also);
	if (also && event->by.count == 0)
		problem_error(r->problems, also->key->place, "key 'also' in event '%.*s': a signal has no page that could offer another event", STR_ARG(event->name));
	for (size_t i = 0; i < names.count; i++) {
		const struct yaml *name = names.items[i];
		const struct event_rule *other = reader_find(r, NAMED("event", state->on), name);
		if (!other)
			continue;
		if (other == event)
			problem_error(r->problems, name->place, "'also' of event '%.*s' names the event itself", STR_ARG(event->name));
		else if (other->by.count == 0)
			problem_error(r->problems, name->place, "'also' of event '%.*s': '%.*s' is a signal, expected an act of people", STR_ARG(event->name), STR_ARG(other->name));
		else if (!shares_roles(event, other))
			problem_error(r->problems, name->place, "'also' of event '%.*s': not everybody who may do it may do '%.*s'", STR_ARG(event->name), STR_ARG(other->name));
		*(struct str *)ARENA_PUSH(r->arena, &event->also) = other->name;
	}
}

/* A date is computed anew when a field changes, and nobody would tell when a pool or a group does. */
static void check_at(struct reader *r, const struct timer_rule *timer, const struct yaml *at) {
	if (timer->at && expression_asks(timer->at))
		problem_error(r->problems, at->place, "'at' of timer '%.*s' cannot ask a pool or a group", STR_ARG(timer->name));
	if (timer->at && !is_time(timer->at))
		problem_error(r->problems, at->place, "'at' of timer '%.*s' is a %.*s, expected a date, datetime or instant", STR_ARG(timer->name),
		              STR_ARG(type_name(r->arena, expression_type(timer->at))));
}

static void read_timer(struct reader *r, const struct yaml *node, const struct state *state, struct timer_rule *timer) {
	const struct yaml *in = yaml_get(node, "in"), *every = yaml_get(node, "every"), *at = yaml_get(node, "at");
	const struct yaml *times = yaml_get(node, "times"), *time = yaml_get(node, "time"), *name = yaml_get(node, "name");
	timer->place = node->place;
	timer->kind = in ? TIMER_IN : every ? TIMER_EVERY : TIMER_AT;
	timer->name = name ? name->text : arena_printf(r->arena, "after-%zu", (size_t)(timer - state->after.items) + 1);
	timer->span = shape_span(in ? in : every, no_span);
	timer->times = shape_whole(times, 0);
	timer->priority = shape_whole(yaml_get(node, "priority"), 50);
	timer->time_of_day = -1;
	if (time)
		(void)civil_parse_time(time->text, &timer->time_of_day);
	timer->at = reader_expression(r, at, &r->d->scope, NULL);
	check_at(r, timer, at);
	timer->order = reader_expression(r, yaml_get(node, "order"), &r->d->scope, &(struct type){.kind = KIND_INT});
	if (timer->order && expression_asks(timer->order))
		problem_error(r->problems, yaml_get(node, "order")->place, "'order' of timer '%.*s' cannot ask a pool or a group", STR_ARG(timer->name));
	if (times && (!every || timer->times == 0))
		problem_error(r->problems, times->key->place, "'times' of timer '%.*s': expected 1 or more, and only with 'every'", STR_ARG(timer->name));
	for (const struct timer_rule *other = state->after.items; other < timer; other++)
		if (str_equal(other->name, timer->name))
			problem_error(r->problems, name ? name->place : node->place, "state '%.*s' has two timers named '%.*s'", STR_ARG(state->name), STR_ARG(timer->name));
	if (!yaml_get(node, "cases") && !yaml_get(node, "actions") && !yaml_get(node, "target"))
		problem_error(r->problems, node->place, "timer '%.*s' does nothing: expected 'actions', 'target' or 'cases'", STR_ARG(timer->name));
	read_cases(r, node, "timer", timer->name, &timer->cases);
}

static bool names_state(struct reader *r, const struct yaml *in, struct str state) {
	struct yaml_nodes names = reader_names(r, in);
	for (size_t i = 0; i < names.count; i++)
		if (str_equal(names.items[i]->text, state))
			return true;
	return false;
}

/* The state's own `on` or `after`, and those of `common` that name it. */
static struct yaml_nodes gather(struct reader *r, const struct yaml *common, const struct yaml *own, const char *key, struct str state) {
	struct yaml_nodes all = {0};
	for (size_t i = 0; own && i < own->count; i++)
		*(const struct yaml **)ARENA_PUSH(r->arena, &all) = own->items[i];
	for (size_t i = 0; common && i < common->count; i++) {
		const struct yaml *more = yaml_get(common->items[i], key);
		for (size_t k = 0; more && names_state(r, yaml_get(common->items[i], "in"), state) && k < more->count; k++)
			*(const struct yaml **)ARENA_PUSH(r->arena, &all) = more->items[k];
	}
	return all;
}

static void refuse_twins(struct reader *r, const struct state *state, const struct yaml_nodes *events) {
	for (size_t i = 0; i < events->count; i++)
		for (size_t k = 0; k < i; k++)
			if (str_equal(events->items[i]->key->text, events->items[k]->key->text))
				problem_error(r->problems, events->items[i]->key->place, "state '%.*s' has two events named '%.*s'", STR_ARG(state->name), STR_ARG(events->items[i]->key->text));
}

static void read_state(struct reader *r, const struct yaml *node, const struct yaml *common, struct state *state) {
	const struct yaml *own_on = yaml_get(node, "on"), *own_after = yaml_get(node, "after"), *exit = yaml_get(node, "exit");
	struct yaml_nodes on = gather(r, common, own_on, "on", state->name), after = gather(r, common, own_after, "after", state->name);
	state->final = shape_truth(yaml_get(node, "final"), false);
	read_actions(r, yaml_get(node, "entry"), &state->entry);
	read_actions(r, exit, &state->exit);
	READER_FIX(r, &state->after, after.count);
	for (size_t i = 0; i < after.count; i++)
		read_timer(r, after.items[i], state, &state->after.items[i]);
	refuse_twins(r, state, &on);
	READER_FIX(r, &state->on, on.count);
	for (size_t i = 0; i < on.count; i++)
		read_event(r, on.items[i], state, &state->on.items[i]);
	for (size_t i = 0; i < on.count; i++)
		read_also(r, on.items[i], state, &state->on.items[i]);
	const struct yaml *wrong = own_on && own_on->count ? own_on : own_after && own_after->count ? own_after : exit && exit->count ? exit : NULL;
	if (state->final && wrong)
		problem_error(r->problems, wrong->key->place, "key '%.*s' in state '%.*s': a final state is never left", STR_ARG(wrong->key->text), STR_ARG(state->name));
}

static void check_common(struct reader *r, const struct yaml *common) {
	for (size_t i = 0; common && i < common->count; i++) {
		struct yaml_nodes names = reader_names(r, yaml_get(common->items[i], "in"));
		for (size_t k = 0; k < names.count; k++) {
			const struct state *state = find_state(r, names.items[k]);
			if (state && state->final)
				problem_error(r->problems, names.items[k]->place, "state '%.*s' is final: it is never left", STR_ARG(state->name));
		}
	}
}

void read_states(struct reader *r, const struct yaml *states, const struct yaml *common, const struct yaml *initial) {
	READER_FIX(r, &r->d->states, states->count);
	for (size_t i = 0; i < states->count; i++) {
		struct state *state = &r->d->states.items[i];
		state->name = states->items[i]->key->text;
		state->index = i;
		state->place = states->items[i]->key->place;
	}
	for (size_t i = 0; i < states->count; i++)
		read_state(r, states->items[i], common, &r->d->states.items[i]);
	check_common(r, common);
	r->d->initial = find_state(r, initial);
}
