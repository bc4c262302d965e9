/* Deciding again: what an entry keeps is enough, whatever happened to registers, people and children since; and what does not come out the same is told. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/handle.h"

static const char shop[] =
        "workflow: shop\n"
        "start: {by: buyer, form: ask}\n"
        "roles: {buyer: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  wanted: {type: ref, register: things}\n"
        "  note: {type: text}\n"
        "  first: {type: text}\n"
        "  number: {type: int, default: size(rows(things))}\n"
        "  said: {type: longtext}\n"
        "  gone: {type: email}\n"
        "  open: {type: int}\n"
        "  words: {type: text, many: 1..9}\n"
        "pools: {things: {capacity: places}}\n"
        "forms:\n"
        "  ask: {fields: [mail]}\n"
        "  pick: {fields: [wanted, note]}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    entry: [{send: {to: buyer, message: hello, link: pick}}, {send: {to: buyer, message: hello, link: again}}]\n"
        "    on:\n"
        "      pick: {by: buyer, form: pick, cases: [{guard: \"note == 'mine' && row_left > 0\", actions: [{claim: {pool: things, row: wanted}}, {set: {note: \"'kept'\"}}], target: b}]}\n"
        "      again: {by: buyer, form: pick, actions: [{send: {to: buyer, message: hello, link: again}}]}\n"
        "      look: {actions: [{set: {first: \"rows(things)[0].name\", number: \"places(things, 'p')\"}}]}\n"
        "      tell: {guard: \"note == 'yes'\", actions: [{set: {note: null}}]}\n"
        "      list: {actions: []}\n"
        "      both: {actions: [{start: {workflow: helper, data: {mail: mail}}}, {start: {workflow: helper, data: {mail: mail}}}]}\n"
        "      count: {actions: [{set: {open: \"size(children.filter(c, !c.ended))\"}}]}\n"
        "      wrong: {actions: [{start: {workflow: helper, data: {mail: \"'no address'\"}}}]}\n"
        "      lost: {bounced: buyer, actions: [{set: {gone: actor}}]}\n"
        "      answer: {replied: buyer, actions: [{set: {said: reply_text + '!'}}]}\n"
        "    after: [{in: 3d, name: nudge, actions: [{set: {first: \"rows(things)[0].name\"}}]}]\n"
        "  b:\n"
        "    on: {look: {actions: [{set: {first: \"rows(things)[0].name\"}}]}, end: {target: c}}\n"
        "  c: {final: true}\n"
        "let: {row_left: \"places(things, wanted)\"}\n";
static const char helper[] =
        "workflow: helper\n"
        "start: {by: person, form: begin}\n"
        "roles: {person: {contact: mail}}\n"
        "data: {mail: {type: email}}\n"
        "forms: {begin: {fields: [mail]}}\n"
        "initial: a\n"
        "states: {a: {on: {end: {target: b}}}, b: {final: true}}\n";
static const char registers[] = "things: {key: id, label: name, columns: {id: text, name: text, places: int, until: date}, valid: {until: until}, sample: rows.csv}\n";
static const char rows[] = "id,name,places,until\np,P,1,\nq,Q,2,2026-03-03\nr,R,1,\n";

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, shop, registers, rows);
	package_write(f, helper, NULL, NULL);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	load_register(f, site_package_at(f->site, 0), &site_package_at(f->site, 0)->definition->registers.items[0], rows);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static void import(struct fixture *f, const char *csv) {
	load_register(f, site_package_at(f->site, 0), &site_package_at(f->site, 0)->definition->registers.items[0], csv);
}

static void signal_now(struct fixture *f, int64_t id, const char *event, const char *data) {
	OK(send_signal(f, id, event, data));
	OK(run_due(f));
}

static int64_t begin(struct fixture *f) {
	return start(f, "shop", "{\"mail\":\"a@x.dk\"}");
}

static struct replay_sum replayed(struct fixture *f, int64_t id, struct buf *out) {
	struct replay_sum sum = {0};
	struct view *v = store_view(f->store, &f->err);
	OK(v && engine_replay(f->engine, v, id, out, NULL, &sum, &f->err));
	replay_end(&sum);
	view_close(v);
	return sum;
}

/* Each entry is decided again, and nothing is told. */
static void assert_again(struct fixture *f, int64_t id, int64_t entries) {
	struct buf out;
	buf_init(&out, 1 << 16);
	struct replay_sum sum = replayed(f, id, &out);
	if (sum.faults > 0)
		fail_msg("%s", out.at);
	assert_int_equal(sum.entries, entries);
	assert_int_equal(sum.decided, entries);
	buf_free(&out);
	assert_sound(f);
}

static struct str payload_of(struct fixture *f, int64_t id, size_t entry) {
	struct history_list list = history_of(f, id);
	assert_true(list.count >= entry);
	return list.items[entry - 1].payload;
}

static void assert_told(struct fixture *f, int64_t id, size_t entry, const char *text) {
	struct str payload = payload_of(f, id, entry);
	if (!strstr(arena_z(f->arena, payload), text))
		fail_msg("'%s' is not in %.*s", text, STR_ARG(payload));
}

/* All in one instant: what was imported when is known by counting, not by the clock. */
static void test_registers(void **state) {
	struct fixture *f = *state;
	int64_t one = begin(f);
	signal_now(f, one, "look", "{}");
	assert_str(field_of(f, one, "first"), "P");
	import(f, "id,name,places,until\nr,R,1,\nq,Q,2,2026-03-03\np,P,4,\n"); /* another order, other places */
	signal_now(f, one, "look", "{}");
	assert_str(field_of(f, one, "first"), "R");
	assert_str(field_of(f, one, "number"), "4");
	import(f, "id,name,places,until\nq,Other,2,2026-03-03\ns,S,1,\n"); /* rows gone, one renamed, one new */
	signal_now(f, one, "look", "{}");
	assert_str(field_of(f, one, "first"), "Other");
	assert_str(field_of(f, one, "number"), "0");
	import(f, "id,name,places,until\nr,R,1,\nq,Other,2,2026-03-03\ns,S,1,\n");
	signal_now(f, one, "look", "{}");
	import(f, "id,name,places,until\ns,S,1,\nq,Other,2,2026-03-03\nr,R,1,\n"); /* moved to and fro */
	signal_now(f, one, "look", "{}");
	import(f, "id,name,places,until\nr,R,1,\nq,Other,2,2026-03-03\ns,S,1,\n");
	signal_now(f, one, "look", "{}");
	assert_str(field_of(f, one, "first"), "R");
	assert_again(f, one, 7);
	/* A row that is over: known by the day of then. */
	import(f, "id,name,places,until\nq,Q,2,2026-03-03\nr,R,1,\n");
	signal_now(f, one, "look", "{}");
	assert_str(field_of(f, one, "first"), "Q");
	advance_to(f, "2026-03-06T10:00");
	assert_str(field_of(f, one, "first"), "R");
	assert_again(f, one, 9);
	int64_t two = begin(f);
	assert_str(field_of(f, two, "number"), "1");
	import(f, rows);
	assert_again(f, two, 1);
}

/* What the form brought, and an action wrote over; rows that somebody else has claimed since. */
static void test_given(void **state) {
	struct fixture *f = *state;
	int64_t one = begin(f);
	OK(act(f, one, "a@x.dk", "pick", "{\"wanted\":\"p\",\"note\":\"mine\"}"));
	assert_str(state_of(f, one), "b");
	assert_str(field_of(f, one, "note"), "kept");
	signal_now(f, one, "look", "{}");
	import(f, "id,name,places,until\nr,R,1,\n");
	assert_again(f, one, 3);
	/* A signal that is refused brought something, too. */
	int64_t two = begin(f);
	signal_now(f, two, "tell", "{\"note\":\"no\"}");
	signal_now(f, two, "tell", "{\"note\":\"yes\"}");
	assert_str(path_of(f, two), "start start >a; signal tell a>!; signal tell a>");
	assert_again(f, two, 3);
}

/* The same row, of which there is a new version by now. */
static void test_version(void **state) {
	struct fixture *f = *state;
	int64_t one = begin(f);
	OK(act(f, one, "a@x.dk", "again", "{\"wanted\":\"p\",\"note\":\"x\"}"));
	import(f, "id,name,places,until\np,New,1,\n");
	OK(act(f, one, "a@x.dk", "again", "{\"wanted\":\"p\",\"note\":\"x\"}"));
	assert_str(field_of(f, one, "wanted"), "{\"key\":\"p\",\"version\":\"2\"}");
	assert_told(f, one, 3, "\"version\":\"2\"}},\"reads\":[],"); /* the field says which row it was */
	assert_again(f, one, 3);
}

/* Of a list that is changed a little, the entry has what changed; entries with whole lists are understood as before. */
static void test_lists(void **state) {
	struct fixture *f = *state;
	int64_t one = begin(f);
	signal_now(f, one, "list", "{\"words\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}");
	assert_told(f, one, 2, "\"words\":[\"a\",\"b\",\"c\",\"d\",\"e\"]");
	signal_now(f, one, "list", "{\"words\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}");
	assert_told(f, one, 3, "\"words\":{\"at\":5,\"drop\":0,\"put\":[\"f\"]}");
	signal_now(f, one, "list", "{\"words\":[\"a\",\"c\",\"b\",\"d\",\"e\",\"f\"]}");
	assert_told(f, one, 4, "\"words\":{\"at\":1,\"drop\":2,\"put\":[\"c\",\"b\"]}");
	signal_now(f, one, "list", "{\"words\":[\"c\",\"b\",\"d\",\"e\",\"f\"]}");
	assert_told(f, one, 5, "\"words\":{\"at\":0,\"drop\":1,\"put\":[]}");
	signal_now(f, one, "list", "{\"words\":[\"c\",\"x\",\"y\",\"z\"]}");
	assert_told(f, one, 6, "\"words\":[\"c\",\"x\",\"y\",\"z\"]");
	signal_now(f, one, "list", "{\"words\":[\"c\",\"x\",\"y\"]}");
	assert_told(f, one, 7, "\"words\":{\"at\":3,\"drop\":1,\"put\":[]}");
	assert_again(f, one, 7);
	assert_str(field_of(f, one, "words"), "[\"c\",\"x\",\"y\"]");
	/* As it was written before. */
	tx_open(f);
	OK(db_script(tx_db(f->tx), "UPDATE history_payloads SET payload = replace(payload, '{\"at\":1,\"drop\":2,\"put\":[\"c\",\"b\"]}', '[\"a\",\"c\",\"b\",\"d\",\"e\",\"f\"]')", &f->err));
	OK(tx_end(f, true));
	assert_told(f, one, 4, "\"words\":[\"a\",\"c\",\"b\",\"d\",\"e\",\"f\"]");
	struct buf out;
	buf_init(&out, 1 << 16);
	struct replay_sum sum = replayed(f, one, &out);
	if (sum.faults > 0 || sum.decided != 7)
		fail_msg("%lld: %s", (long long)sum.decided, out.len ? out.at : "");
	buf_free(&out);
	/* A change that does not fit the list before. */
	tx_open(f);
	OK(db_script(tx_db(f->tx), "UPDATE history_payloads SET payload = replace(payload, '\"at\":3,', '\"at\":5,')", &f->err));
	OK(tx_end(f, true));
	buf_init(&out, 1 << 16);
	sum = replayed(f, one, &out);
	assert_true(sum.faults > 0);
	assert_non_null(strstr(out.at, "its history cannot be followed: stored value of field words does not fit its type"));
	assert_true(faults_of(f, one, &out) > 0);
	buf_free(&out);
}

static const struct outbox_row *newest_message(struct fixture *f, int64_t id) {
	struct outbox_list *rows_of = ARENA_NEW(f->arena, struct outbox_list);
	struct view *v = store_view(f->store, &f->err);
	OK(v && outbox_of_instance(v, id, f->arena, rows_of, &f->err));
	view_close(v);
	return &rows_of->items[rows_of->count - 1];
}

/* Who was not reached, who answered what, and how the children stood. */
static void test_post_and_children(void **state) {
	struct fixture *f = *state;
	struct str told;
	int64_t one = begin(f);
	struct reply reply = {.text = STR("Hello \"you\"\nand more")};
	tx_open(f);
	OK(tx_end(f, engine_replied(f->engine, f->tx, clock_now(), newest_message(f, one), &reply, f->arena, &told, &f->err)));
	OK(run_due(f));
	tx_open(f);
	OK(tx_end(f, engine_undelivered(f->tx, clock_now(), newest_message(f, one), true, &f->err)));
	OK(run_due(f));
	assert_str(field_of(f, one, "said"), "Hello \"you\"\nand more!");
	assert_str(field_of(f, one, "gone"), "a@x.dk");
	signal_now(f, one, "both", "{}");
	signal_now(f, one, "count", "{}");
	assert_str(field_of(f, one, "open"), "2");
	signal_now(f, one + 1, "end", "{}");
	signal_now(f, one, "count", "{}");
	assert_str(field_of(f, one, "open"), "1");
	signal_now(f, one + 2, "end", "{}");
	assert_again(f, one, 6);
}

/* What failed while it was carried out was recorded, not decided; what was written by an older Stafet is not judged; nor is what was erased. */
static void test_not_judged(void **state) {
	struct fixture *f = *state;
	struct buf out;
	int64_t one = begin(f);
	buf_init(&out, 1 << 16);
	signal_now(f, one, "wrong", "{}");
	signal_now(f, one, "look", "{}");
	struct replay_sum sum = replayed(f, one, &out);
	assert_true(sum.entries == 3 && sum.decided == 2 && sum.aside == 1 && sum.unknown == 0 && sum.faults == 0);
	tx_open(f);
	OK(db_script(tx_db(f->tx), "UPDATE history_payloads SET payload = replace(payload, '\"read-at\"', '\"was-at\"') WHERE history_id = (SELECT max(id) FROM history)", &f->err));
	OK(tx_end(f, true));
	sum = replayed(f, one, &out);
	assert_true(sum.decided == 1 && sum.unknown == 1 && sum.faults == 0);
	tx_open(f);
	OK(db_script(tx_db(f->tx), "DELETE FROM history_payloads", &f->err));
	OK(tx_end(f, true));
	sum = replayed(f, one, &out);
	assert_true(sum.entries == 3 && sum.erased == 3 && sum.faults == 0);
	buf_free(&out);
}

/* Whoever changes what was decided, or what it was decided by. */
static void test_faults(void **state) {
	static const struct {
		const char *sql, *said;
	} changes[] = {
	        {"UPDATE history_payloads SET payload = replace(payload, '\"first\":\"P\"', '\"first\":\"Z\"')", "entry 2 (signal look), decided again, leaves another 'first'"},
	        {"UPDATE history_payloads SET payload = replace(payload, '\"things 1 p\"', '\"things 2 p\"')", "entry 3 (form pick), decided again, claims, draws, shares or refuses otherwise"},
	        {"UPDATE history_payloads SET payload = replace(payload, '\"note\":\"mine\"', '\"note\":\"none\"')", "entry 3 (form pick), decided again, is refused"},
	        {"UPDATE history SET to_state = 'c' WHERE to_state = 'b'", "entry 3 (form pick), decided again, goes to 'b', not to 'c'"},
	        {"UPDATE history_payloads SET payload = replace(payload, '\"read-at\":1', '\"read-at\":0')", "decided again,"},
	        {"UPDATE claims SET history_id = 1", "entry 3 (form pick), decided again, is refused"},
	        {"UPDATE history_payloads SET payload = replace(payload, '{\"set\":{\"wanted\"', '{\"set\": {\"wanted\"')", "entry 3 (form pick), decided again, sets other fields"},
	        {"UPDATE register_rows SET until_id = 1 WHERE key = 'p'", "decided again,"},
	};
	struct fixture *f = *state;
	int64_t one = begin(f);
	signal_now(f, one, "look", "{}");
	OK(act(f, one, "a@x.dk", "pick", "{\"wanted\":\"p\",\"note\":\"mine\"}"));
	assert_again(f, one, 3);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct buf out;
		buf_init(&out, 1 << 16);
		struct replay_sum sum = {0};
		tx_open(f);
		OK(db_script(tx_db(f->tx), changes[i].sql, &f->err));
		OK(engine_replay(f->engine, tx_view(f->tx), one, &out, NULL, &sum, &f->err));
		replay_end(&sum);
		store_rollback(f->tx);
		f->tx = NULL;
		if (sum.faults == 0 || !strstr(out.at, changes[i].said))
			fail_msg("%s: %s", changes[i].sql, out.len ? out.at : "nothing");
		buf_free(&out);
	}
	assert_again(f, one, 3);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_registers, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_given, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_version, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_post_and_children, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_not_judged, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
