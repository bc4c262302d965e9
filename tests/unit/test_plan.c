/* Who gets which slot: groups, newcomers, pauses; and through the engine, with what the children are told, and in which order. */
#include "engine/store/handle.h"
#include "engine/workflow/plan.h"

#include "workflow_fixture.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

/* ---- places */

struct bench {
	struct arena *arena;
	struct zone *zone;
	struct calendar *calendar;
	struct plan_ask ask;
	struct plan_child children[40];
	size_t count;
};

static int64_t local(const char *text) {
	int64_t out;
	assert_true(civil_parse_datetime(str_from(text), &out));
	return out;
}

static int set_up(void **state) {
	struct bench *b = calloc(1, sizeof *b);
	struct err err = {0};
	b->arena = arena_new();
	b->zone = zone_open("Europe/Copenhagen", &err);
	b->calendar = calendar_open(STR("dk"), STR(""), &err);
	assert_true(b->zone && b->calendar);
	b->ask.grid = (struct slot_grid){b->calendar, local("2024-04-02T12:00"), 10 * MINUTE, 9 * HOUR, 21 * HOUR};
	*state = b;
	return 0;
}

static int tear_down(void **state) {
	struct bench *b = *state;
	zone_close(b->zone);
	calendar_close(b->calendar);
	arena_free(b->arena);
	free(b);
	return 0;
}

/* "a b/x c=3 (d=4) e=2>12:35": names in the order of the plan, /group, =number that it has, >its end on the first day; in brackets: only among the others. */
static void children(struct bench *b, const char *text) {
	b->count = 0;
	for (struct str rest = str_from(text); rest.len > 0;) {
		struct str word = str_cut(&rest, ' ');
		struct plan_child *child = &b->children[b->count++];
		*child = (struct plan_child){.beside = str_starts(word, STR("(")), .group = STR("")};
		if (child->beside)
			word = (struct str){word.at + 1, word.len - 2};
		child->id = word.at[0];
		struct str end = word, number, name;
		number = str_cut(&end, '>');
		if (end.len > 0)
			child->end = local(arena_printf(b->arena, "2024-04-02T%.*s", STR_ARG(end)).at);
		name = str_cut(&number, '=');
		if (number.len > 0)
			assert_true(str_to_int(number, &child->number));
		str_cut(&name, '/');
		child->group = name;
	}
}

static void assert_places(struct bench *b, const char *expected) {
	struct err err = {0};
	struct str text = STR("");
	if (!plan_places(&b->ask, b->zone, b->children, b->count, b->arena, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < b->count; i++) {
		const struct plan_child *child = &b->children[i];
		if (!child->told)
			continue;
		struct str opens = civil_format_datetime(b->arena, child->opens), ends = civil_format_datetime(b->arena, child->ends);
		text = arena_printf(b->arena, "%.*s%s%c %lld %.*s-%.*s", STR_ARG(text), text.len ? "; " : "", (char)child->id, (long long)child->place,
		                    (int)opens.len - 8, opens.at + 8, (int)ends.len - 11, ends.at + 11);
	}
	if (!str_is(text, expected))
		fail_msg("%.*s\nnot %s", STR_ARG(text), expected);
}

static void test_anew(void **state) {
	struct bench *b = *state;
	children(b, "a b c");
	assert_places(b, "a 1 02T12:00-12:10; b 2 02T12:10-12:20; c 3 02T12:20-12:30");
	/* A group stands where its first member stands; nobody's slot is left empty by it. */
	children(b, "a b/x c d/y e/x f/y g");
	assert_places(b, "a 1 02T12:00-12:10; b 2 02T12:10-12:20; e 2 02T12:10-12:20; c 3 02T12:20-12:30; d 4 02T12:30-12:40; f 4 02T12:30-12:40; g 5 02T12:40-12:50");
	/* What somebody had does not count; the last of a day ends behind it. */
	children(b, "a=9 b=1");
	b->ask.grid.first = local("2024-04-05T21:00");
	assert_places(b, "a 1 05T21:00-21:10; b 2 08T09:00-09:10");
	children(b, "");
	assert_places(b, "");
}

static void test_keep(void **state) {
	struct bench *b = *state;
	b->ask.mode = PLAN_KEEP;
	b->ask.highest = 9;
	/* New ones open with the next behind them; behind the last each has a slot of its own, after the highest that anybody ever had. */
	children(b, "n a=1 b=3 o p c=4 q r");
	assert_places(b, "n 1 02T12:00-12:10; o 4 02T12:30-12:40; p 4 02T12:30-12:40; q 10 02T13:30-13:40; r 11 02T13:40-13:50");
	/* The empty slot of somebody who left (2) is nobody's. Who only stands among them counts, and is told nothing. */
	children(b, "a=1 n (b=3) c=4 (d)");
	assert_places(b, "n 3 02T12:20-12:30");
	/* A group shares the slot of its first member that has one. */
	children(b, "a=1 m/x b=2 l/x=7 c=5 k/x=6");
	assert_places(b, "m 7 02T13:00-13:10");
	/* It stands where the first stands whose slot it shares: behind n there is only d. */
	children(b, "a/x=1 b=2 n c/x=1 d=4");
	assert_places(b, "n 4 02T12:30-12:40");
	children(b, "a/x=1 b=2 n c/x=1");
	assert_places(b, "n 10 02T13:30-13:40");
	children(b, "a=1 m/x n l/x");
	assert_places(b, "m 10 02T13:30-13:40; l 10 02T13:30-13:40; n 11 02T13:40-13:50");
	children(b, "n m");
	b->ask.highest = 0;
	assert_places(b, "n 1 02T12:00-12:10; m 2 02T12:10-12:20");
}

static void pause_of(struct bench *b, const char *from, const char *until) {
	b->ask.mode = PLAN_PAUSE;
	b->ask.paused_from = zone_instant(b->zone, local(from));
	b->ask.paused_until = zone_instant(b->zone, local(until));
}

static void test_pause(void **state) {
	struct bench *b = *state;
	/* 25 minutes are lost; who was in the slot of 12:00 had 3 left. The next cannot open before that, so three places. */
	pause_of(b, "2024-04-02T12:07", "2024-04-02T12:32");
	children(b, "a=1 b=2 c=5");
	assert_places(b, "a 1 02T12:00-12:35; b 5 02T12:40-12:50; c 8 02T13:10-13:20");
	/* Again while the same one is still in it. */
	pause_of(b, "2024-04-02T12:33", "2024-04-02T12:36");
	children(b, "a=1>12:35 b=5 c=8");
	assert_places(b, "a 1 02T12:00-12:38");
	/* Nobody was in a slot, and none has opened: nobody is told anything. */
	pause_of(b, "2024-04-02T12:02", "2024-04-02T12:06");
	children(b, "b=2 c=5");
	assert_places(b, "");
	pause_of(b, "2024-04-02T12:02", "2024-04-02T12:10");
	assert_places(b, "");
	pause_of(b, "2024-04-02T12:02", "2024-04-02T12:11");
	assert_places(b, "b 3 02T12:20-12:30; c 6 02T12:50-13:00");
	/* At its very beginning a slot was open, at its end no more; who has none gets none; a group stays together. */
	pause_of(b, "2024-04-02T12:10", "2024-04-02T12:15");
	children(b, "a=1 n b=2 c/x=3 d/x=3");
	assert_places(b, "b 2 02T12:10-12:25; c 4 02T12:30-12:40; d 4 02T12:30-12:40");
	/* Over the end of the day, and a weekend. */
	pause_of(b, "2024-04-02T20:55", "2024-04-03T09:17");
	children(b, "a=54 b=55 c=56");
	assert_places(b, "a 54 02T20:50-09:22; b 59 03T09:30-09:40; c 60 03T09:40-09:50");
	pause_of(b, "2024-04-05T15:00", "2024-04-08T09:00");
	children(b, "a=274");
	assert_places(b, "a 275 08T09:00-09:10");
	/* A pause that is none. */
	pause_of(b, "2024-04-02T12:07", "2024-04-02T12:07");
	children(b, "a=1 b=2");
	assert_places(b, "");
}

static void test_too_many(void **state) {
	struct bench *b = *state;
	struct err err = {0};
	b->ask.mode = PLAN_KEEP;
	b->ask.highest = INT64_C(1) << 40;
	children(b, "a");
	assert_false(plan_places(&b->ask, b->zone, b->children, b->count, b->arena, &err));
	assert_int_equal(err.kind, ERR_INPUT);
}

/* ---- through the engine */

static const char queue[] =
        "workflow: queue\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail}}\n"
        "data: {mail: {type: email}, first: {type: datetime}, day_from: {type: text, default: \"'09:00'\"}, held_at: {type: datetime}, who: {type: text, many: 1..9}}\n"
        "forms: {ask: {fields: [mail, first]}}\n"
        "initial: open\n"
        "states:\n"
        "  open:\n"
        "    after: [{in: 900d, target: shut}]\n"
        "    on:\n"
        "      add: {actions: [{start: {workflow: waiter, each: who, data: {mail: mail, name: item}}}]}\n"
        "      order:\n"
        "        actions:\n"
        "          - plan: {children: waiter, states: waits, except: early, order: [number, born], group: pair, event: slotted, data: {shop: mail},\n"
        "                   slots: {first: first, step: 10min, from: day_from, until: \"21:00\"}, fields: {number: no, start: opens_at, end: ends_at}}\n"
        "      newcomers:\n"
        "        actions:\n"
        "          - plan: {children: waiter, states: [waits, late], among: [gone], order: [number, born], event: slotted, keep: true,\n"
        "                   slots: {first: first, step: 10min, from: \"09:00\", until: \"21:00\"}, fields: {number: no, start: opens_at, end: ends_at}}\n"
        "      hold: {actions: [{set: {held_at: datetime(now)}}]}\n"
        "      resume:\n"
        "        actions:\n"
        "          - plan: {children: waiter, order: [number], event: moved, pause: {from: held_at},\n"
        "                   slots: {first: first, step: 10min, from: \"09:00\", until: \"21:00\"}, fields: {number: no, start: opens_at, end: ends_at}}\n"
        "  shut: {final: true}\n";
static const char waiter[] =
        "workflow: waiter\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  name: {type: text}\n"
        "  number: {type: int}\n"
        "  born: {type: date}\n"
        "  pair: {type: text}\n"
        "  early: {type: bool}\n"
        "  no: {type: int}\n"
        "  opens_at: {type: datetime}\n"
        "  ends_at: {type: datetime}\n"
        "  shop: {type: email}\n"
        "forms: {ask: {fields: [mail, name]}}\n"
        "initial: waits\n"
        "states:\n"
        "  waits:\n"
        "    after: [{in: 800d, target: gone}]\n"
        "    on:\n"
        "      is: {actions: []}\n"
        "      slotted: {actions: []}\n"
        "      moved: {actions: []}\n"
        "      leave: {target: gone}\n"
        "      choose: {target: chosen}\n"
        "  late: {after: [{in: 800d, target: gone}], on: {slotted: {actions: []}, moved: {actions: []}}}\n"
        "  chosen: {after: [{in: 800d, target: late}]}\n"
        "  gone: {final: true}\n";

static struct fixture *open_queue(int64_t *id) {
	struct fixture *f = fixture_new();
	package_write(f, waiter, NULL, NULL);
	package_write(f, queue, NULL, NULL);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2024-03-20T10:00"), 0);
	*id = start(f, "queue", "{\"mail\":\"ida@example.dk\",\"first\":\"2024-04-02T12:00\"}");
	return f;
}

static int64_t child(struct fixture *f, int64_t id, const char *name) {
	struct instance_list list;
	struct instance_query query = {.parent_id = id};
	struct view *v = store_view(f->store, &f->err);
	OK(v && instance_query(v, &query, f->arena, &list, NULL, &f->err));
	view_close(v);
	for (size_t i = 0; i < list.count; i++)
		if (str_is(field_of(f, list.items[i].id, "name"), name))
			return list.items[i].id;
	fail_msg("no child %s", name);
	return 0;
}

static void add(struct fixture *f, int64_t id, const char *name, const char *data) {
	OK(send_signal(f, id, "add", arena_printf(f->arena, "{\"who\":[\"%s\"]}", name).at));
	OK(send_signal(f, child(f, id, name), "is", data));
}

/* "a 1 02T12:00-12:10" of each name, a letter; "a" without a slot. */
static void assert_slots(struct fixture *f, int64_t id, const char *names, const char *expected) {
	struct str text = STR("");
	for (; *names; names++) {
		int64_t one = child(f, id, (char[]){*names, '\0'});
		text = arena_printf(f->arena, "%.*s%s%c", STR_ARG(text), text.len ? "; " : "", *names);
		struct str no = field_of(f, one, "no"), opens = field_of(f, one, "opens_at"), ends = field_of(f, one, "ends_at");
		if (!str_is(no, "unset"))
			text = arena_printf(f->arena, "%.*s %.*s %.*s-%.*s", STR_ARG(text), STR_ARG(no), (int)opens.len - 8, opens.at + 8, (int)ends.len - 11, ends.at + 11);
	}
	if (!str_is(text, expected))
		fail_msg("%.*s\nnot %s", STR_ARG(text), expected);
}

/* Had a another number, the plans would be others: that is seen when they are made again. */
static void assert_planned_so(struct fixture *f, int64_t id) {
	struct replay_sum sum = {0};
	struct buf out;
	buf_init(&out, 1 << 16);
	tx_open(f);
	OK(db_script(tx_db(f->tx), "UPDATE history_payloads SET payload = replace(payload, '\"number\":9}', '\"number\":950}')", &f->err));
	OK(engine_replay(f->engine, tx_view(f->tx), id, &out, NULL, &sum, &f->err));
	replay_end(&sum);
	store_rollback(f->tx);
	f->tx = NULL;
	assert_true(sum.faults > 0);
	assert_non_null(strstr(out.at, "(signal order), decided again, gives other slots"));
	buf_free(&out);
}

static void test_engine(void **state) {
	int64_t id;
	(void)state;
	struct fixture *f = open_queue(&id);
	/* In the order of number, then of birth, then of their start; without a number last; e is early, and y and z are a pair. */
	add(f, id, "d", "{\"born\":\"1990-01-01\"}");
	add(f, id, "c", "{\"number\":\"10\",\"born\":\"1991-01-01\"}");
	add(f, id, "b", "{\"number\":\"10\",\"born\":\"1990-12-31\"}");
	add(f, id, "a", "{\"number\":\"9\"}");
	add(f, id, "e", "{\"number\":\"1\",\"early\":\"true\"}");
	add(f, id, "z", "{\"number\":\"11\",\"pair\":\"p\"}");
	add(f, id, "y", "{\"number\":\"200\",\"pair\":\"p\"}");
	add(f, id, "x", "{\"number\":\"2\"}");
	OK(send_signal(f, child(f, id, "x"), "leave", "{}"));
	OK(send_signal(f, id, "order", "{}"));
	assert_slots(f, id, "abczydex", "a 1 02T12:00-12:10; b 2 02T12:10-12:20; c 3 02T12:20-12:30; z 4 02T12:30-12:40; y 4 02T12:30-12:40; d 5 02T12:40-12:50; e; x");
	assert_str(field_of(f, child(f, id, "a"), "shop"), "ida@example.dk");
	/* What was read, as of which version, and what came of it. */
	struct history_list entries = history_of(f, id);
	struct str payload = entries.items[entries.count - 1].payload, first = arena_printf(f->arena, "\"plan waiter %lld:2:1 %lld:2:2 ", (long long)child(f, id, "a"), (long long)child(f, id, "b"));
	assert_non_null(memmem(payload.at, payload.len, first.at, first.len));
	assert_null(memmem(payload.at, payload.len, "\"child ", 7)); /* no expression names `children`: they are not loaded */

	/* Who has chosen is out; who comes later opens with the next one, who may be late; nobody moves. */
	OK(send_signal(f, child(f, id, "c"), "leave", "{}"));
	add(f, id, "n", "{\"number\":\"9\"}");
	add(f, id, "m", "{\"number\":\"900\",\"born\":\"1990-01-01\"}");
	OK(send_signal(f, child(f, id, "e"), "choose", "{}"));
	OK(send_signal(f, id, "newcomers", "{}"));
	assert_slots(f, id, "anbczymde", "a 1 02T12:00-12:10; n 2 02T12:10-12:20; b 2 02T12:10-12:20; c 3 02T12:20-12:30; z 4 02T12:30-12:40; y 4 02T12:30-12:40; m 5 02T12:40-12:50; d 5 02T12:40-12:50; e");
	size_t told = history_of(f, child(f, id, "a")).count;
	assert_int_equal(told, 3); /* start, is, slotted */

	/* A pause from within a's slot. */
	advance_to(f, "2024-04-02T12:05");
	OK(send_signal(f, id, "hold", "{}"));
	advance_to(f, "2024-04-02T12:20");
	OK(send_signal(f, id, "resume", "{}"));
	assert_slots(f, id, "anbczyde", "a 1 02T12:00-12:25; n 4 02T12:30-12:40; b 4 02T12:30-12:40; c 3 02T12:20-12:30; z 6 02T12:50-13:00; y 6 02T12:50-13:00; d 7 02T13:00-13:10; e");
	assert_sound(f);
	assert_planned_so(f, id);
	fixture_close(f);
}

/* What cannot be computed refuses the event, and tells nobody anything. */
static void test_engine_refuses(void **state) {
	int64_t id;
	(void)state;
	struct fixture *f = open_queue(&id);
	add(f, id, "a", "{\"number\":\"9\"}");
	OK(send_signal(f, id, "order", "{\"day_from\":\"noon\"}"));
	OK(send_signal(f, id, "order", "{\"day_from\":\"22:00\"}"));
	OK(send_signal(f, id, "order", "{\"first\":\"2024-04-02T22:00\"}"));
	OK(send_signal(f, id, "resume", "{}")); /* held_at is unset */
	assert_slots(f, id, "a", "a");
	struct history_list entries = history_of(f, id);
	for (size_t i = 1; i <= 4; i++)
		assert_true(entries.items[entries.count - i].refused);
	OK(send_signal(f, id, "order", "{}"));
	assert_slots(f, id, "a", "a 1 02T12:00-12:10");
	assert_sound(f);
	fixture_close(f);
}

/* More than one day has room for, and than a page of instances. */
static void test_many(void **state) {
	int64_t id;
	(void)state;
	struct fixture *f = open_queue(&id);
	enum { MANY = 1000 };
	tx_open(f);
	for (int i = 0; i < MANY; i++) {
		struct answers answers = answers_of(f, "{\"mail\":\"ida@example.dk\",\"name\":\"w\"}");
		struct start_request request = {.workflow = STR("waiter"), .answers = &answers, .parent_id = id};
		OK(engine_start(f->engine, f->tx, clock_now(), &request, f->arena, &f->refused, &f->receipt, &f->err));
	}
	OK(tx_end(f, true));
	OK(send_signal(f, id, "order", "{}"));
	assert_str(field_of(f, f->receipt.instance_id, "no"), "1000");
	assert_str(field_of(f, f->receipt.instance_id, "opens_at"), "2024-04-19T20:20");
	fixture_close(f);
}

/* What a plan names must be the children's. */
static void test_checked(void **state) {
	static const struct {
		const char *find, *replace, *told;
	} table[] = {
	        {"children: waiter, states: waits", "children: waiters, states: waits", "no package in this site has a workflow 'waiters'"},
	        {"states: waits", "states: wait", "workflow 'waiter' has no state 'wait'"},
	        {"among: [gone]", "among: [gone, lost]", "workflow 'waiter' has no state 'lost'"},
	        {"order: [number, born]", "order: [nummer]", "'order' of the plan: workflow 'waiter' has no field 'nummer'"},
	        {"group: pair", "group: early", "'group' of the plan: field 'early' of workflow 'waiter' is bool, expected a single value"},
	        {"except: early", "except: pair", "'except' of the plan: field 'pair' of workflow 'waiter' is text, expected bool"},
	        {"fields: {number: no,", "fields: {number: born,", "'number' of the plan: field 'born' of workflow 'waiter' is date, expected int"},
	        {"end: ends_at", "end: no", "'end' of the plan: field 'no' of workflow 'waiter' is int, expected datetime"},
	        {"event: slotted", "event: slots", "workflow 'waiter' has no signal 'slots', by which the plan tells of a slot"},
	        {"data: {shop: mail}", "data: {market: mail}", "workflow 'waiter' has no field 'market'"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct fixture *f = fixture_new();
		const char *at = strstr(queue, table[i].find);
		assert_non_null(at);
		struct str text = arena_printf(f->arena, "%.*s%s%s", (int)(at - queue), queue, table[i].replace, at + strlen(table[i].find));
		package_write(f, waiter, NULL, NULL);
		package_write(f, text.at, NULL, NULL);
		f->site = site_open(&f->config, &f->problems, &f->err);
		assert_null(f->site);
		bool told = false;
		for (size_t k = 0; k < f->problems.count; k++)
			told = told || (!f->problems.items[k].warning && str_is(f->problems.items[k].text, table[i].told));
		if (f->problems.errors != 1 || !told) {
			print_problems(&f->problems);
			fail_msg("%s", table[i].told);
		}
		char command[100];
		snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
		assert_int_equal(system(command), 0);
		arena_free(f->arena);
		free(f);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(test_anew), TEST(test_keep), TEST(test_pause), TEST(test_too_many), cmocka_unit_test(test_engine), cmocka_unit_test(test_engine_refuses),
	        cmocka_unit_test(test_many), cmocka_unit_test(test_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
