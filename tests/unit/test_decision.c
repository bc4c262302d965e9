/* Decisions: the order of things in a transition, cases, refusals, `set`, and when timers are due. Pure: no store, only a definition and a clock. */
#include "tests/unit/workflow_fixture.h"

#include "engine/workflow/decision.h"

static const char head[] =
        "workflow: w\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail}, boss: {contact: boss}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  boss: {type: email}\n"
        "  log: {type: text, default: \"''\"}\n"
        "  n: {type: int, default: '0'}\n"
        "  day: {type: date}\n"
        "  moment: {type: datetime}\n"
        "  share: {type: decimal}\n"
        "  yes: {type: bool}\n"
        "forms:\n"
        "  ask: {fields: [mail, boss]}\n"
        "  say: {fields: [yes, {field: n, optional: true}]}\n"
        "initial: a\n"
        "states:\n";

struct bench {
	char folder[40];
	struct arena *arena;
	struct problems problems;
	struct definition *definition;
	struct zone *zone;
	struct calendar *calendar;
	struct decision_world world;
	struct snapshot snapshot;
	struct value *values;
	struct decision out;
};

static int set_up(void **state) {
	struct bench *b = calloc(1, sizeof *b);
	struct err err = {0};
	b->arena = arena_new();
	b->problems.arena = b->arena;
	b->zone = zone_open("Europe/Copenhagen", &err);
	b->calendar = calendar_open(STR("dk"), STR(""), &err);
	assert_true(b->zone && b->calendar);
	snprintf(b->folder, sizeof b->folder, "/tmp/stafet-bench-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	*state = b;
	return 0;
}

static int tear_down(void **state) {
	struct bench *b = *state;
	char path[80];
	definition_free(b->definition);
	zone_close(b->zone);
	calendar_close(b->calendar);
	arena_free(b->arena);
	snprintf(path, sizeof path, "%s/workflow.yaml", b->folder);
	unlink(path);
	rmdir(b->folder);
	free(b);
	return 0;
}

static int64_t at(struct bench *b, const char *text) {
	int64_t local;
	assert_true(civil_parse_datetime(str_from(text), &local));
	return zone_instant(b->zone, local);
}

static struct value *field(struct bench *b, const char *name) {
	const struct field *f = definition_field(b->definition, str_from(name));
	assert_non_null(f);
	return &b->values[f->slot];
}

/* A machine with these states, standing in `a` since 2026-03-02T10:00. */
static void machine(struct bench *b, const char *states) {
	struct str text = arena_printf(b->arena, "%s%s", head, states);
	write_file(b->folder, "workflow.yaml", text);
	b->definition = definition_load(b->folder, &b->problems);
	if (!b->definition || b->problems.errors > 0) {
		print_problems(&b->problems);
		fail_msg("the machine does not load");
	}
	b->values = ARENA_ARRAY(b->arena, b->definition->fields.count, struct value);
	*field(b, "log") = value_string(STR(""));
	*field(b, "n") = value_int(0);
	b->world = (struct decision_world){.zone = b->zone, .calendar = b->calendar, .now = at(b, "2026-03-02T10:00")};
	b->snapshot = (struct snapshot){.definition = b->definition, .state = definition_state(b->definition, STR("a")), .values = b->values,
	                                .reference = STR("K7QF-3MXP"), .started_at = b->world.now, .entered_at = b->world.now};
}

static void take(struct bench *b, enum event_kind kind, const char *name, const struct value *values, int64_t fired) {
	struct event event = {.kind = kind, .name = str_from(name), .role = STR("boss"), .values = values, .fired = fired};
	decision_take(&b->world, &b->snapshot, &event, b->arena, &b->out);
}

static void form(struct bench *b, const char *name) {
	take(b, EVENT_FORM, name, NULL, 0);
}

static void fire(struct bench *b, const char *name, const char *when, int64_t fired) {
	b->world.now = at(b, when);
	take(b, EVENT_TIMER, name, NULL, fired);
}

static const struct value *after(struct bench *b, const char *name) {
	return &b->out.values[definition_field(b->definition, str_from(name))->slot];
}

/* "name 2026-03-05T10:00/fired" of the timers set, "name off" of those cancelled. */
static struct str timers(struct bench *b) {
	struct buf out;
	buf_init(&out, 4000);
	for (size_t i = 0; i < b->out.timers.count; i++) {
		const struct timer_effect *t = &b->out.timers.items[i];
		buf_printf(&out, "%s%.*s ", i ? "; " : "", STR_ARG(t->rule->name));
		if (t->what == TIMER_REORDERED)
			buf_z(&out, "stays");
		else if (t->what == TIMER_SET)
			buf_printf(&out, "%.*s/%lld", STR_ARG(civil_format_datetime(b->arena, zone_local(b->zone, t->due_at))), (long long)t->fired);
		else
			buf_z(&out, "off");
		if (t->rule->order)
			buf_printf(&out, "#%lld", (long long)t->order);
	}
	struct str text = arena_str(b->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

#define LOG(word) "{set: {log: \"log + '" word " '\"}}"

static void test_order(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    exit: [" LOG("exit") ", {send: {to: boss, message: bye}}]\n"
	           "    on:\n"
	           "      go: {by: boss, form: say, cases: [{guard: 'n == 5', actions: [" LOG("case") ", {send: {to: boss, message: mid}}], target: b}]}\n"
	           "  b: {final: true, entry: [" LOG("entry") ", {set: {n: n + 1}}, {send: {to: boss, message: hi}}]}\n");
	/* The guard sees the form's values, not the instance's. */
	struct value *typed = ARENA_ARRAY(b->arena, b->definition->fields.count, struct value);
	memcpy(typed, b->values, b->definition->fields.count * sizeof *typed);
	typed[definition_field(b->definition, STR("n"))->slot] = value_int(5);
	take(b, EVENT_FORM, "go", typed, 0);
	assert_int_equal(b->out.outcome, DECISION_TAKEN);
	assert_true(b->out.moved && b->out.timers_all);
	assert_str(b->out.target->name, "b");
	assert_str(after(b, "log")->string, "exit case entry ");
	assert_int_equal(after(b, "n")->integer, 6);
	assert_int_equal(b->out.effects.count, 3);
	static const char *const messages[] = {"bye", "mid", "hi"}, *const logs[] = {"exit ", "exit case ", "exit case entry "};
	for (size_t i = 0; i < 3; i++) {
		const struct effect *effect = &b->out.effects.items[i];
		assert_str(effect->action->message, messages[i]);
		/* What is sent is frozen at its place. */
		assert_str(effect->values[definition_field(b->definition, STR("log"))->slot].string, logs[i]);
		assert_str(effect->state->name, i < 2 ? "a" : "b");
	}
	assert_int_equal(b->out.guards.count, 1);
	form(b, "go");
	assert_int_equal(b->out.outcome, DECISION_REFUSED);
	assert_int_equal(b->out.effects.count, 0);
	assert_ptr_equal(b->out.values, b->values);
	assert_false(b->out.guards.items[0].held);
}

static void test_start(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    entry: [" LOG("in") "]\n"
	           "    after: [{in: 3d, target: b}]\n"
	           "  b: {final: true}\n");
	b->snapshot.state = NULL;
	take(b, EVENT_START, "start", b->values, 0);
	assert_int_equal(b->out.outcome, DECISION_TAKEN);
	assert_true(b->out.moved);
	assert_null(b->out.transition);
	assert_str(after(b, "log")->string, "in ");
	assert_str(timers(b), "after-1 2026-03-05T10:00/0");
}

static void test_cases(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    on:\n"
	           "      go:\n"
	           "        cases:\n"
	           "          - {guard: 'n > 10', target: b}\n"
	           "          - {guard: 'day > date(''2026-01-01'')', target: c}\n"
	           "          - {guard: 'n > 1', target: d}\n"
	           "          - {guard: 'n > 2', target: b}\n"
	           "  b: {final: true}\n  c: {final: true}\n  d: {final: true}\n");
	static const struct {
		int64_t n;
		const char *target; /* NULL: refused */
		size_t asked;
	} table[] = {{11, "b", 1}, {5, "d", 3}, {2, "d", 3}, {1, NULL, 4}};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		*field(b, "n") = value_int(table[i].n);
		take(b, EVENT_SIGNAL, "go", NULL, 0);
		assert_int_equal(b->out.outcome, table[i].target ? DECISION_TAKEN : DECISION_REFUSED);
		assert_str(b->out.target->name, table[i].target ? table[i].target : "a");
		assert_int_equal(b->out.guards.count, table[i].asked);
		/* The unset date is an error, which is "no", and is told. */
		assert_int_equal(b->out.guard_err.kind == ERR_NONE, table[i].n == 11);
	}
	*field(b, "day") = value_date(civil_day(2026, 3, 1));
	take(b, EVENT_SIGNAL, "go", NULL, 0);
	assert_str(b->out.target->name, "c");
}

static void test_not_here(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    after: [{in: 3d, target: b}]\n"
	           "    on:\n"
	           "      go: {by: boss, form: say, target: b}\n"
	           "      sig: {target: b}\n"
	           "  b: {final: true}\n");
	form(b, "nothing");
	assert_int_equal(b->out.outcome, DECISION_NOT_HERE);
	form(b, "sig"); /* a person cannot cause a signal, nor a signal what people do */
	assert_int_equal(b->out.outcome, DECISION_NOT_HERE);
	take(b, EVENT_SIGNAL, "go", NULL, 0);
	assert_int_equal(b->out.outcome, DECISION_NOT_HERE);
	take(b, EVENT_TIMER, "other", NULL, 0);
	assert_int_equal(b->out.outcome, DECISION_NOT_HERE);
	assert_str(b->out.target->name, "a");
	struct event event = {.kind = EVENT_FORM, .name = STR("go"), .role = STR("owner")};
	decision_take(&b->world, &b->snapshot, &event, b->arena, &b->out);
	assert_int_equal(b->out.outcome, DECISION_NOT_HERE);
}

static void test_stay_and_restart(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    entry: [" LOG("in") "]\n"
	           "    exit: [" LOG("out") "]\n"
	           "    after: [{in: 3d, name: t, target: b}]\n"
	           "    on:\n"
	           "      stay: {actions: [" LOG("stay") "]}\n"
	           "      again: {actions: [" LOG("again") "], target: a}\n"
	           "  b: {final: true}\n");
	b->world.now = at(b, "2026-03-04T12:00");
	take(b, EVENT_SIGNAL, "stay", NULL, 0);
	assert_false(b->out.moved || b->out.timers_all);
	assert_str(timers(b), "");
	assert_str(after(b, "log")->string, "stay ");
	take(b, EVENT_SIGNAL, "again", NULL, 0);
	assert_true(b->out.moved && b->out.timers_all);
	assert_str(timers(b), "t 2026-03-07T12:00/0");
	assert_str(after(b, "log")->string, "out again in ");
}

/* A `set` that cannot be computed, or whose value could never be read back, refuses all of it. */
static void test_set_errors(void **state) {
	struct bench *b = *state;
	static const struct {
		const char *set, *told;
	} table[] = {
	        {"{n: 1 / (n - n)}", "division by zero"},
	        {"{day: day + 1d}", "'day' is not set"},
	        {"{n: 9223372036854775807 + n + 1}", "too large"},
	        {"{share: 1.0 / 0.0}", "not finite"},
	        {"{share: 0.0 / 0.0}", "not finite"},
	        {"{day: today + 300 years}", "1900 to 2200"},
	        {"{day: today - 200 years}", "1900 to 2200"},
	        {"{moment: \"at(today + 300 years, '12:00')\"}", "1900 to 2200"},
	        {"{log: \"'a\\\\u0000b'\"}", "NUL"},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		machine(b, arena_printf(b->arena,
		                        "  a:\n"
		                        "    exit: [{send: {to: boss, message: bye}}]\n"
		                        "    on: {go: {target: b}}\n"
		                        "  b: {final: true, entry: [" LOG("in") ", {set: %s}, " LOG("on") "]}\n",
		                        table[i].set)
		                   .at);
		take(b, EVENT_SIGNAL, "go", NULL, 0);
		if (b->out.outcome != DECISION_REFUSED || !strstr(b->out.guard_err.text, table[i].told))
			fail_msg("%s: outcome %d, %s", table[i].set, (int)b->out.outcome, b->out.guard_err.text);
		assert_int_equal(b->out.effects.count, 0);
		assert_false(b->out.moved || b->out.timers_all);
		assert_str(b->out.target->name, "a");
		assert_ptr_equal(b->out.values, b->values);
		definition_free(b->definition);
		b->definition = NULL;
	}
}

static void test_set(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    on: {go: {actions: [{set: {n: n + 1, share: double(n)}}, {set: {n: n + 10, day: today}, if: n == 1}, {set: {log: null}, if: yes}]}}\n"
	           "    after: [{in: 1d, target: b}]\n"
	           "  b: {final: true}\n");
	take(b, EVENT_SIGNAL, "go", NULL, 0);
	assert_int_equal(b->out.outcome, DECISION_TAKEN);
	assert_int_equal(after(b, "n")->integer, 11);
	assert_true(after(b, "share")->decimal == 1.0); /* in order: each sees those before it */
	assert_int_equal(after(b, "day")->integer, civil_day(2026, 3, 2));
	assert_str(after(b, "log")->string, "");
	assert_int_equal(b->out.guard_err.kind, ERR_INPUT); /* `if` of an unset field: no, and told */
	*field(b, "yes") = value_bool(true);
	take(b, EVENT_SIGNAL, "go", NULL, 0);
	assert_int_equal(after(b, "log")->kind, KIND_UNSET);
	assert_int_equal(field(b, "n")->integer, 0); /* the snapshot is nobody's to change */
}

/* Timers of a state, entered on 2026-03-02T10:00, a Monday. */
static const struct {
	const char *rule, *due; /* "" : none */
} due_table[] = {
        {"{in: 90min, target: b}", "2026-03-02T11:30"},
        {"{in: 3d, target: b}", "2026-03-05T10:00"},
        {"{in: 3d, time: \"09:00\", target: b}", "2026-03-05T09:00"},
        {"{in: 72h, time: \"09:00\", target: b}", "2026-03-06T09:00"},
        {"{in: 72h, time: \"10:00\", target: b}", "2026-03-05T10:00"},
        {"{in: 1 month, target: b}", "2026-04-02T10:00"},
        {"{in: 5 workdays, target: b}", "2026-03-09T10:00"},
        {"{in: 23 workdays, time: \"08:00\", target: b}", "2026-04-07T08:00"}, /* over Easter */
        {"{in: 27d, target: b}", "2026-03-29T10:00"},
        {"{in: 672h, target: b}", "2026-03-30T11:00"},                            /* elapsed: an hour was skipped */
        {"{in: 27d, time: \"02:30\", target: b}", "2026-03-29T03:00"},          /* in the gap */
        {"{in: 237d, time: \"02:30\", target: b}", "2026-10-25T02:30"},         /* the first of the two */
        {"{every: 2w, times: 2, target: b}", "2026-03-16T10:00"},
        {"{at: day, target: b}", "2026-06-01T00:00"},
        {"{at: day, time: \"07:30\", target: b}", "2026-06-01T07:30"},
        {"{at: day - 1 month, target: b}", "2026-05-01T00:00"},
        {"{at: moment, target: b}", "2026-06-02T12:15"},
        {"{at: moment, time: \"09:00\", target: b}", "2026-06-03T09:00"},
        {"{at: entered_at + 36h, target: b}", "2026-03-03T22:00"},
        {"{at: now, target: b}", "2026-03-02T10:00"},
        {"{at: \"has(yes) ? day : day + 1d\", target: b}", "2026-06-02T00:00"},
        {"{at: \"yes ? day : day\", target: b}", ""},
        {"{at: \"date('2020-01-01')\", target: b}", "2020-01-01T00:00"},
};

static void test_due(void **state) {
	struct bench *b = *state;
	for (size_t i = 0; i < sizeof due_table / sizeof due_table[0]; i++) {
		machine(b, arena_printf(b->arena, "  a:\n    after: [%s]\n    on: {again: {target: a}}\n  b: {final: true}\n", due_table[i].rule).at);
		*field(b, "day") = value_date(civil_day(2026, 6, 1));
		*field(b, "moment") = value_datetime(civil_day(2026, 6, 2) * CIVIL_DAY_MS + 12 * 3600000 + 15 * 60000);
		take(b, EVENT_SIGNAL, "again", NULL, 0);
		struct str due = timers(b), wanted = *due_table[i].due ? arena_printf(b->arena, "after-1 %s/0", due_table[i].due) : STR("");
		if (!str_equal(due, wanted))
			fail_msg("%s: '%.*s', not '%.*s'", due_table[i].rule, STR_ARG(due), STR_ARG(wanted));
		int64_t due_at;
		bool is_set = decision_due(&b->world, &b->snapshot, &b->snapshot.state->after.items[0], 0, b->arena, &due_at);
		assert_int_equal(is_set, *due_table[i].due != '\0');
		if (is_set)
			assert_int_equal(due_at, b->out.timers.items[0].due_at);
		definition_free(b->definition);
		b->definition = NULL;
	}
}

static void test_dst_first_hour(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n    after: [{in: 237d, time: \"02:30\", target: b}]\n    on: {again: {target: a}}\n  b: {final: true}\n");
	take(b, EVENT_SIGNAL, "again", NULL, 0);
	assert_int_equal(b->out.timers.items[0].due_at, civil_day(2026, 10, 25) * CIVIL_DAY_MS + 30 * 60000); /* 00:30 UTC */
}

static void test_every(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    after:\n"
	           "      - {every: 7d, times: 3, name: three, actions: [{send: {to: boss, message: hi}}]}\n"
	           "      - {every: 1d, name: ever, time: \"09:00\", cases: [{guard: 'n > 0', actions: [" LOG("x") "]}]}\n"
	           "      - {every: 1s, name: fast, cases: [{guard: 'n > 0', actions: [" LOG("x") "]}]}\n"
	           "      - {in: 400d, target: b}\n"
	           "  b: {final: true}\n");
	fire(b, "three", "2026-03-09T10:00", 0);
	assert_int_equal(b->out.effects.count, 1);
	assert_str(timers(b), "three 2026-03-16T10:00/1");
	fire(b, "three", "2026-03-16T10:00", 1);
	assert_str(timers(b), "three 2026-03-23T10:00/2");
	fire(b, "three", "2026-03-23T10:00", 2);
	assert_str(timers(b), "");
	/* An outage over the second: one reminder, and the third at its time. Over all of them: one, and no more. */
	fire(b, "three", "2026-03-17T23:00", 0);
	assert_int_equal(b->out.effects.count, 1);
	assert_str(timers(b), "three 2026-03-23T10:00/2");
	fire(b, "three", "2026-05-01T10:00", 0);
	assert_str(timers(b), "");
	fire(b, "three", "2026-03-16T09:59", 0);
	assert_str(timers(b), "three 2026-03-16T10:00/1");
	/* No case lets it through: refused, but it goes on. DST: the wall clock counts. */
	fire(b, "ever", "2026-03-28T09:00", 25);
	assert_int_equal(b->out.outcome, DECISION_REFUSED);
	assert_str(timers(b), "ever 2026-03-29T09:00/26");
	fire(b, "ever", "2026-03-29T09:00", 26);
	assert_str(timers(b), "ever 2026-03-30T09:00/27");
	/* Ten years of seconds are no loop of ten years of seconds. */
	fire(b, "fast", "2036-03-02T10:00", 0);
	assert_str(timers(b), "fast 2036-03-02T10:00:01/315619200");
}

/* What cannot be carried out is recorded, and a repeating timer goes on. */
static void test_refuse(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    after:\n"
	           "      - {every: 7d, name: ever, actions: [{send: {to: boss, message: hi}}]}\n"
	           "      - {in: 400d, name: once, target: b}\n"
	           "  b: {final: true}\n");
	struct event event = {.kind = EVENT_TIMER, .name = STR("ever")};
	struct err why = {0};
	err_set(&why, ERR_PERMANENT, "error.internal", "no");
	b->world.now = at(b, "2026-03-09T10:00");
	decision_refuse(&b->world, &b->snapshot, &event, &why, b->arena, &b->out);
	assert_int_equal(b->out.outcome, DECISION_REFUSED);
	assert_string_equal(b->out.guard_err.text, "no");
	assert_int_equal(b->out.effects.count, 0);
	assert_str(timers(b), "ever 2026-03-16T10:00/1");
	event.name = STR("once");
	decision_refuse(&b->world, &b->snapshot, &event, &why, b->arena, &b->out);
	assert_str(timers(b), "");
}

static void test_recompute(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    after:\n"
	           "      - {at: day + 1d, name: over, target: b, priority: 60}\n"
	           "      - {in: 3d, name: soon, target: b, priority: 70}\n"
	           "      - {at: moment, name: other, actions: [" LOG("x") "]}\n"
	           "    on:\n"
	           "      later: {actions: [{set: {day: day + 1 month}}]}\n"
	           "      clear: {actions: [{set: {day: null}}]}\n"
	           "      same: {actions: [{set: {day: day, n: 4}}]}\n"
	           "  b: {final: true}\n");
	*field(b, "day") = value_date(civil_day(2026, 1, 31));
	take(b, EVENT_SIGNAL, "later", NULL, 0);
	assert_str(timers(b), "over 2026-03-01T00:00/0");
	take(b, EVENT_SIGNAL, "clear", NULL, 0);
	assert_str(timers(b), "over off");
	take(b, EVENT_SIGNAL, "same", NULL, 0);
	assert_str(timers(b), "");
}

/* A date timer that moves its own date is due again. */
static void test_recompute_own(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    after: [{at: day, name: monthly, actions: [{set: {day: day + 1 month}}]}, {in: 900d, target: b, priority: 60}]\n"
	           "  b: {final: true}\n");
	*field(b, "day") = value_date(civil_day(2026, 4, 1));
	fire(b, "monthly", "2026-04-01T00:00", 0);
	assert_str(timers(b), "monthly 2026-05-01T00:00/0");
}

/* One that moves it backwards would fire for ever. */
static void test_recompute_backwards(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    after: [{at: day, name: back, actions: [{set: {day: day - 1d}}]}, {in: 900d, target: b, priority: 60}]\n"
	           "  b: {final: true}\n");
	*field(b, "day") = value_date(civil_day(2026, 4, 1));
	fire(b, "back", "2026-04-01T00:00", 0);
	assert_str(timers(b), "");
}

static void test_priorities(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    after: [{in: 3d, name: second, target: b, priority: 60}, {at: day, name: first, target: b, priority: 5}]\n"
	           "    on: {again: {target: a}}\n"
	           "  b: {final: true}\n");
	take(b, EVENT_SIGNAL, "again", NULL, 0);
	assert_int_equal(b->out.timers.count, 1);
	assert_int_equal(b->out.timers.items[0].rule->priority, 60);
}

/* The order is computed when the timer is set, and anew with what it reads; what cannot be computed comes last. */
static void test_timer_order(void **state) {
	struct bench *b = *state;
	machine(b, "  a:\n"
	           "    after:\n"
	           "      - {at: day, name: pick, order: 10 / n, target: b, priority: 60}\n"
	           "      - {every: 1d, name: again, order: n, actions: [" LOG("x") "]}\n"
	           "    on:\n"
	           "      more: {actions: [{set: {n: n + 1}}]}\n"
	           "      both: {actions: [{set: {n: 5, day: day + 1d}}]}\n"
	           "      restart: {target: a}\n"
	           "  b: {final: true}\n");
	*field(b, "day") = value_date(civil_day(2026, 3, 9));
	take(b, EVENT_SIGNAL, "restart", NULL, 0);
	assert_str(timers(b), "pick 2026-03-09T00:00/0#9223372036854775807; again 2026-03-03T10:00/0#0");
	take(b, EVENT_SIGNAL, "more", NULL, 0);
	assert_str(timers(b), "pick stays#10; again stays#1");
	take(b, EVENT_SIGNAL, "both", NULL, 0);
	assert_str(timers(b), "pick 2026-03-10T00:00/0#2; again stays#5");
	fire(b, "again", "2026-03-03T10:00", 0);
	assert_str(timers(b), "again 2026-03-04T10:00/1#0");
}

/* ---- through the engine: priorities among equal instants, and repeats after an outage */

static const char nightly[] =
        "workflow: nightly\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  day: {type: date}\n"
        "  log: {type: text, default: \"''\"}\n"
        "forms: {ask: {fields: [mail, day]}}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    after:\n"
        "      - {at: day, name: late, priority: 90, target: b}\n"
        "      - {at: day, name: early, priority: 10, actions: [" LOG("early") "]}\n"
        "      - {at: day, name: middle, actions: [" LOG("middle") "]}\n"
        "      - {every: 1d, name: daily, time: \"02:30\", actions: [{send: {to: owner, message: hi}}]}\n"
        "    on: {move: {actions: []}}\n"
        "  b: {final: true}\n";

static void test_engine_order(void **state) {
	(void)state;
	struct fixture *f = fixture_new();
	package_write(f, nightly, NULL, NULL);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-27T10:00"), 0);
	int64_t id = start(f, "nightly", "{\"mail\":\"ida@example.dk\",\"day\":\"2026-04-01\"}");
	assert_str(due_of(f, id, "daily"), "2026-03-28T02:30");
	advance_to(f, "2026-03-28T12:00");
	assert_str(due_of(f, id, "daily"), "2026-03-29T03:00");
	advance_to(f, "2026-03-29T12:00");
	assert_str(due_of(f, id, "daily"), "2026-03-30T02:30");
	OK(send_signal(f, id, "move", "{\"day\":\"2026-04-03\"}"));
	assert_str(due_of(f, id, "late"), "2026-04-03T00:00");
	jump_to(f, "2026-04-05T12:00");
	OK(run_due(f));
	assert_str(field_of(f, id, "log"), "early middle ");
	assert_str(path_of(f, id), "start start >a; timer daily a>; timer daily a>; signal move a>; timer daily a>; timer early a>; timer middle a>; timer late a>b");
	assert_sound(f);
	fixture_close(f);
}

/* Siblings that are due at one instant, in the order of a number of theirs and not of their start. */
static const char call[] =
        "workflow: call\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail}}\n"
        "data: {mail: {type: email}, log: {type: text, default: \"''\"}, said: {type: int}}\n"
        "forms: {ask: {fields: [mail]}}\n"
        "initial: open\n"
        "states:\n"
        "  open:\n"
        "    entry: [{start: {workflow: caller, each: \"[3, 0, 1, 2, 7]\", data: {mail: mail, place: item}}}]\n"
        "    after: [{in: 900d, target: shut}]\n"
        "    on: {called: {actions: [{set: {log: log + string(said)}}]}, swap: {actions: [{signal: {to: children, event: swap}}]}}\n"
        "  shut: {final: true}\n";
static const char caller[] =
        "workflow: caller\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail}}\n"
        "data: {mail: {type: email}, place: {type: int}}\n"
        "forms: {ask: {fields: [mail, place]}}\n"
        "initial: waits\n"
        "states:\n"
        "  waits:\n"
        "    after:\n"
        "      - {in: 1d, name: late, priority: 60, order: place, actions: [{signal: {to: parent, event: called, data: {said: place}}}], target: done}\n"
        "      - {in: 1d, name: zero, priority: 40, guard: place == 0, actions: [{signal: {to: parent, event: called, data: {said: place}}}], target: done}\n"
        "    on: {swap: {actions: [{set: {place: 'place == 7 ? 1 : place == 1 ? 7 : place'}}]}}\n"
        "  done: {final: true}\n";

static void test_engine_siblings(void **state) {
	(void)state;
	struct fixture *f = fixture_new();
	package_write(f, caller, NULL, NULL);
	package_write(f, call, NULL, NULL);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	int64_t swapped = start(f, "call", "{\"mail\":\"ida@example.dk\"}"), as_told = start(f, "call", "{\"mail\":\"ida@example.dk\"}");
	OK(send_signal(f, swapped, "swap", "{}"));
	jump_to(f, "2026-03-04T10:00");
	OK(run_due(f));
	assert_str(field_of(f, as_told, "log"), "01237");
	assert_str(field_of(f, swapped, "log"), "01237"); /* whose place is now 7 was third in the list */
	assert_sound(f);
	fixture_close(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(test_order), TEST(test_start), TEST(test_cases), TEST(test_not_here), TEST(test_stay_and_restart), TEST(test_set_errors), TEST(test_set),
	        TEST(test_due), TEST(test_dst_first_hour), TEST(test_every), TEST(test_refuse), TEST(test_recompute), TEST(test_recompute_own),
	        TEST(test_due), TEST(test_dst_first_hour), TEST(test_every), TEST(test_refuse), TEST(test_recompute), TEST(test_recompute_backwards),
	        TEST(test_priorities), TEST(test_timer_order), cmocka_unit_test(test_engine_order), cmocka_unit_test(test_engine_siblings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
