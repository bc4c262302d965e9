/* Groups: what several instances share, who shares it, who is told, and how it ends. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/erasure.h"
#include "engine/store/groups.h"
#include "engine/store/handle.h"

static const char house[] =
        "workflow: house\n"
        "start: {by: host, form: ask}\n"
        "roles: {host: {contact: mail}}\n"
        "data: {mail: {type: email}, couples: {type: text, many: 1..9}}\n"
        "forms: {ask: {fields: [mail, couples]}}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    entry: [{start: {workflow: guest, each: couples, data: {mail: mail, couple: \"item.substring(0, 2)\"}}}]\n"
        "    on: {end: {target: b}}\n"
        "  b: {final: true}\n";
static const char guest[] =
        "workflow: guest\n"
        "start: {by: person, form: begin}\n"
        "roles: {person: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  couple: {type: text, max: 40}\n"
        "  wanted: {type: ref, register: rooms, where: near(row)}\n"
        "  room: {type: ref, register: rooms}\n"
        "  count: {type: int}\n"
        "  heard: {type: int}\n"
        "groups:\n"
        "  pair: {by: couple, fields: {anchor: {type: ref, register: rooms}, number: {type: int}, by_name: {type: text}}}\n"
        "rules: {near: {row: rooms, is: \"!has(pair.anchor) || pair.anchor.floor == row.floor\"}}\n"
        "let: {bound: has(pair.anchor)}\n"
        "forms:\n"
        "  begin: {fields: [mail, {field: couple, optional: true}]}\n"
        "  choose: {fields: [wanted]}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    entry: [{send: {to: person, message: hello, link: choose}}]\n"
        "    on:\n"
        "      choose:\n"
        "        by: person\n"
        "        form: choose\n"
        "        actions: [{if: \"!bound\", share: {pair: {anchor: wanted, number: 1}}}, {set: {room: wanted}}]\n"
        "        target: b\n"
        "      told: {shared: pair, actions: [{set: {heard: \"has(pair.number) ? pair.number : 0\"}}]}\n"
        "      again: {actions: [{share: {pair: {number: \"has(pair.number) ? pair.number : 0\"}}}]}\n"
        "      add: {actions: [{share: {pair: {number: \"has(pair.number) ? pair.number + 1 : 1\"}}}, {share: {pair: {number: pair.number * 10}}}, {set: {count: pair.number}}]}\n"
        "      clear: {actions: [{share: {pair: {number: null}}}, {set: {count: \"has(pair.number) ? 1 : 0\"}}]}\n"
        "      half: {actions: [{share: {pair: {number: 7}}}, {set: {count: 1 / 0}}]}\n"
        "      switch: {actions: [{share: {pair: {number: 5}}}, {set: {couple: \"'k9'\"}}, {set: {count: \"has(pair.number) ? pair.number : 0\"}}, {share: {pair: {number: 6}}}]}\n"
        "      single: {actions: [{set: {couple: null}}]}\n"
        "      end: {target: c}\n"
        "  b:\n"
        "    on:\n"
        "      echo: {shared: pair, actions: [{share: {pair: {number: \"has(pair.number) ? pair.number + 1 : 0\"}}}]}\n"
        "      end: {target: c}\n"
        "  c: {final: true}\n";
static const char registers[] = "rooms: {key: id, label: name, columns: {id: text, name: text, floor: int}, sample: rows.csv}\n";
static const char rows[] = "id,name,floor\np,P,1\nq,Q,1\nr,R,2\n";

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, house, NULL, NULL);
	package_write(f, guest, registers, rows);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	load_register(f, site_package(f->site, STR("guest")), &definition_of(f, "guest")->registers.items[0], rows);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static int64_t enter(struct fixture *f, const char *mail, const char *couple) {
	return start(f, "guest", arena_printf(f->arena, "{\"mail\":\"%s\",\"couple\":\"%s\"}", mail, couple).at);
}

/* The newest record of that value; empty: none. */
static struct str record_of(struct fixture *f, const char *value) {
	struct group_place place = {STR("guest"), STR("pair"), str_from(value)};
	struct group_record record = {0};
	bool found;
	struct view *v = store_view(f->store, &f->err);
	OK(v && group_load(v, &place, 0, f->arena, &record, &found, &f->err));
	view_close(v);
	return found ? record.data : STR("");
}

static struct str last_payload(struct fixture *f, int64_t id) {
	struct history_list list = history_of(f, id);
	return list.items[list.count - 1].payload;
}

static void signal_now(struct fixture *f, int64_t id, const char *event) {
	OK(send_signal(f, id, event, "{}"));
}

static int64_t waiting(struct fixture *f) {
	struct view *v = store_view(f->store, &f->err);
	struct signal_row row;
	bool found;
	OK(v && mailbox_next(v, 0, f->arena, &row, &found, &f->err));
	view_close(v);
	return found;
}

#define FIRST "{\"anchor\":{\"key\":\"p\",\"version\":\"1\"},\"number\":1}"

static void test_first_decides(void **state) {
	struct fixture *f = *state;
	int64_t a = enter(f, "a@x.dk", "k1"), b = enter(f, "b@x.dk", "k1"), c = enter(f, "c@x.dk", "k2");
	OK(act(f, a, "a@x.dk", "choose", "{\"wanted\":\"p\"}"));
	assert_str(record_of(f, "k1"), FIRST);
	assert_non_null(strstr(last_payload(f, a).at, "\"shared-records\":[{\"group\":\"pair\",\"of\":\"k1\",\"data\":" FIRST "}]"));
	assert_null(strstr(last_payload(f, a).at, "read-records"));
	/* Whoever comes second is told on the form; what is near is taken. */
	REFUSED(ERR_INPUT, "form.problems", act(f, b, "b@x.dk", "choose", "{\"wanted\":\"r\"}"));
	assert_string_equal(f->refused.items[0].key, "field.not-choice");
	OK(act(f, b, "b@x.dk", "choose", "{\"wanted\":\"q\"}"));
	assert_str(record_of(f, "k1"), FIRST);
	assert_non_null(strstr(last_payload(f, b).at, "\"read-records\":[{\"group\":\"pair\",\"of\":\"k1\",\"data\":" FIRST "}]"));
	assert_null(strstr(last_payload(f, b).at, "shared-records"));
	OK(act(f, c, "c@x.dk", "choose", "{\"wanted\":\"r\"}"));
	assert_sound(f);
	/* It outlives those who wrote it, as long as somebody has the value. */
	signal_now(f, a, "end");
	signal_now(f, b, "end");
	int64_t next = enter(f, "d@x.dk", "k1");
	REFUSED(ERR_INPUT, "form.problems", act(f, next, "d@x.dk", "choose", "{\"wanted\":\"r\"}"));
	assert_sound(f);
}

static void test_nobody_beside(void **state) {
	struct fixture *f = *state;
	int64_t a = enter(f, "a@x.dk", ""), b = enter(f, "b@x.dk", "");
	OK(act(f, a, "a@x.dk", "choose", "{\"wanted\":\"p\"}"));
	assert_str(state_of(f, a), "b");
	assert_str(record_of(f, ""), "");
	OK(act(f, b, "b@x.dk", "choose", "{\"wanted\":\"r\"}"));
	assert_sound(f);
}

/* Within a transition what was shared is read at once, and is written once. */
static void test_in_one_transition(void **state) {
	struct fixture *f = *state;
	int64_t a = enter(f, "a@x.dk", "k1");
	signal_now(f, a, "add");
	assert_str(field_of(f, a, "count"), "10");
	assert_str(record_of(f, "k1"), "{\"number\":10}");
	signal_now(f, a, "clear");
	assert_str(field_of(f, a, "count"), "0");
	assert_str(record_of(f, "k1"), "{}");
	/* What is refused leaves nothing behind, and what changes nothing is not written. */
	signal_now(f, a, "add");
	signal_now(f, a, "half");
	assert_str(record_of(f, "k1"), "{\"number\":10}");
	signal_now(f, a, "again");
	assert_null(strstr(last_payload(f, a).at, "shared-records"));
	assert_sound(f);
}

/* Whoever gets another value leaves one record and shares the other; a record that nobody shares goes. */
static void test_another_value(void **state) {
	struct fixture *f = *state;
	int64_t a = enter(f, "a@x.dk", "k1"), b = enter(f, "b@x.dk", "k1"), c = enter(f, "c@x.dk", "k9");
	signal_now(f, c, "add");
	signal_now(f, a, "switch");
	assert_str(field_of(f, a, "count"), "10");
	assert_str(record_of(f, "k1"), "{\"number\":5}");
	assert_str(record_of(f, "k9"), "{\"number\":6}");
	assert_str(field_of(f, b, "heard"), "5");
	assert_str(field_of(f, c, "heard"), "6");
	assert_sound(f);
	signal_now(f, b, "single");
	assert_str(record_of(f, "k1"), "");
	signal_now(f, a, "single");
	assert_str(record_of(f, "k9"), "{\"number\":6}");
	assert_sound(f);
	/* It begins anew with the next one. */
	int64_t d = enter(f, "d@x.dk", "k1");
	signal_now(f, d, "add");
	assert_str(record_of(f, "k1"), "{\"number\":10}");
	assert_sound(f);
}

/* In the transaction that changed it: other roots too; nobody who has ended, asks about nothing, or changed it. */
static void test_who_is_told(void **state) {
	struct fixture *f = *state;
	int64_t a = enter(f, "a@x.dk", "k1"), b = enter(f, "b@x.dk", "k1"), c = enter(f, "c@x.dk", "k1"), other = enter(f, "d@x.dk", "k2");
	signal_now(f, c, "end");
	signal_now(f, a, "add");
	assert_str(path_of(f, b), "start start >a; signal told a>");
	assert_str(path_of(f, a), "start start >a; signal add a>");
	assert_str(path_of(f, c), "start start >a; signal end a>c");
	assert_str(path_of(f, other), "start start >a");
	signal_now(f, a, "again");
	assert_str(path_of(f, b), "start start >a; signal told a>");
	assert_int_equal(waiting(f), 0);
	assert_sound(f);
}

static void test_children(void **state) {
	struct fixture *f = *state;
	struct instance_list list;
	int64_t parent = start(f, "house", "{\"mail\":\"h@x.dk\",\"couples\":[\"k1a\",\"k1b\",\"k2a\"]}");
	struct instance_query query = {.parent_id = parent, .limit = 10};
	struct view *v = store_view(f->store, &f->err);
	OK(v && instance_query(v, &query, f->arena, &list, NULL, &f->err));
	view_close(v);
	assert_int_equal(list.count, 3);
	signal_now(f, list.items[0].id, "add");
	assert_str(field_of(f, list.items[1].id, "heard"), "10");
	assert_str(field_of(f, list.items[2].id, "heard"), "unset");
	assert_sound(f);
}

/* Two that answer each other stop. */
static void test_echo(void **state) {
	struct fixture *f = *state;
	int64_t a = enter(f, "a@x.dk", "k1"), b = enter(f, "b@x.dk", "k1"), c = enter(f, "c@x.dk", "k1");
	OK(act(f, a, "a@x.dk", "choose", "{\"wanted\":\"p\"}"));
	OK(act(f, b, "b@x.dk", "choose", "{\"wanted\":\"p\"}"));
	signal_now(f, c, "add");
	OK(run_due(f));
	assert_int_equal(waiting(f), 0);
	assert_in_range(history_of(f, a).count, 40, 110);
	assert_sound(f);
}

/* ---- verify */

static void change_store(struct fixture *f, const char *sql) {
	tx_open(f);
	OK(db_script(tx_db(f->tx), sql, &f->err));
	tx_end(f, true);
}

static void test_verify_finds(void **state) {
	static const char *const changes[][2] = {
	        {"UPDATE group_records SET data = replace(data, '10', '11')", "UPDATE group_records SET data = replace(data, '11', '10')"},
	        {"UPDATE group_records SET value = 'k3'", "UPDATE group_records SET value = 'k1'"},
	        {"UPDATE group_records SET name = 'paar'", "UPDATE group_records SET name = 'pair'"},
	        {"UPDATE group_records SET workflow = 'gast'", "UPDATE group_records SET workflow = 'guest'"},
	        {"UPDATE group_records SET history_id = history_id - 1", "UPDATE group_records SET history_id = history_id + 1"},
	        {"UPDATE group_members SET value = 'k3' WHERE instance_id = 1", "UPDATE group_members SET value = 'k1' WHERE instance_id = 1"},
	        {"INSERT INTO group_members VALUES (1, 'club', 'guest', 'k1', 1)", "DELETE FROM group_members WHERE name = 'club'"},
	        {"DELETE FROM group_members WHERE instance_id = 2", "INSERT INTO group_members VALUES (2, 'pair', 'guest', 'k1', 2)"},
	        {"DELETE FROM group_records", ""},
	};
	struct fixture *f = *state;
	int64_t a = enter(f, "a@x.dk", "k1");
	enter(f, "b@x.dk", "k1");
	signal_now(f, a, "add");
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct buf out;
		assert_sound(f);
		buf_init(&out, 10000);
		change_store(f, changes[i][0]);
		if (faults_of(f, 0, &out) == 0)
			fail_msg("verify does not see: %s", changes[i][0]);
		buf_free(&out);
		change_store(f, changes[i][1]);
	}
}

/* ---- erasure */

/* In the transaction under way. */
static struct str field_in(struct fixture *f, int64_t id) {
	struct instance instance;
	OK(instance_load(tx_view(f->tx), id, f->arena, &instance, &f->err));
	return strstr(instance.data.at, "\"couple\":\"k9\"") ? STR("k9") : STR("");
}

static void erase(struct fixture *f, int64_t id) {
	tx_open(f);
	assert_true(tx_end(f, erasure_of_instance(f->tx, id, clock_now(), &f->err)));
}

static void test_erased_with_the_last(void **state) {
	struct fixture *f = *state;
	int64_t a = enter(f, "a@x.dk", "k1"), b = enter(f, "b@x.dk", "k1"), c = enter(f, "c@x.dk", "k2");
	OK(act(f, a, "a@x.dk", "choose", "{\"wanted\":\"p\"}"));
	signal_now(f, b, "add");
	signal_now(f, c, "add");
	erase(f, a);
	assert_non_null(strstr(record_of(f, "k1").at, "\"anchor\":{\"key\":\"p\""));
	assert_sound(f);
	REFUSED(ERR_INPUT, "form.problems", act(f, b, "b@x.dk", "choose", "{\"wanted\":\"r\"}"));
	erase(f, b);
	assert_str(record_of(f, "k1"), "");
	assert_str(record_of(f, "k2"), "{\"number\":10}");
	assert_sound(f);
}

/* Each of its statements fails once: all of it is there, or nothing is. */
static void test_all_or_nothing(void **state) {
	struct fixture *f = *state;
	int64_t a = enter(f, "a@x.dk", "k1"), b = enter(f, "b@x.dk", "k1");
	bool ok = false;
	for (int64_t n = 1; !ok; n++) {
		struct answers none = {0};
		assert_true(n < 400);
		tx_open(f);
		store_fail_at(f->store, n);
		ok = engine_signal(f->engine, f->tx, clock_now(), a, STR("switch"), &none, f->arena, &f->err);
		store_fail_at(f->store, 0);
		/* What follows from it may be left for later, whole. */
		ok = ok && str_equal(field_in(f, a), STR("k9"));
		if (ok)
			tx_end(f, true);
		else
			store_rollback(f->tx);
		f->tx = NULL;
		if (!ok)
			assert_str(record_of(f, "k1"), "");
	}
	OK(run_due(f));
	assert_str(record_of(f, "k1"), "{\"number\":5}");
	assert_str(field_of(f, b, "heard"), "5");
	assert_sound(f);
}

/* ---- machines that differ */

static void test_other_machine(void **state) {
	struct fixture *f = *state;
	int64_t a = enter(f, "a@x.dk", "k1");
	OK(act(f, a, "a@x.dk", "choose", "{\"wanted\":\"p\"}"));
	/* As another version of the machine may have written it: a field more, one of another type. */
	change_store(f, "UPDATE group_records SET data = '{\"anchor\":\"p\",\"later\":[1],\"number\":1}'");
	int64_t b = enter(f, "b@x.dk", "k1");
	signal_now(f, b, "add");
	assert_str(field_of(f, b, "count"), "20");
	/* The other one has heard of it, and has counted on. */
	assert_str(record_of(f, "k1"), "{\"later\":[1],\"number\":21}");
}

/* ---- what is refused when it is loaded */

static void wrong(struct fixture *f, const char *from, const char *to, const char *said) {
	assert_told_of(f, guest, from, to, registers, rows, said);
}

static void test_checked(void **state) {
	struct fixture *f = *state;
	wrong(f, "{by: couple,", "{by: cuople,", "unknown field 'cuople'; did you mean 'couple'?");
	wrong(f, "{by: couple,", "{by: room, each: 2,", "each");
	wrong(f, "couple: {type: text, max: 40}", "couple: {type: bool}", "'by' of group 'pair': 'couple' is bool, expected a single");
	wrong(f, "couple: {type: text, max: 40}", "couple: {type: text, many: 1..3}", "'couple' is text (many)");
	wrong(f, "couple: {type: text, max: 40}", "couple: {type: text, sensitive: true}", "'couple' is sensitive");
	wrong(f, "  pair: {by", "  room: {by", "'room' is both a field and a group");
	wrong(f, "  pair: {by", "  today: {by", "a group cannot be named 'today'");
	wrong(f, "let: {bound:", "let: {pair:", "'pair' is both a group and a named expression");
	wrong(f, "rules: {near:", "rules: {pair:", "'pair' is both a group and a rule");
	wrong(f, "number: {type: int}", "number: {type: file}", "file");
	wrong(f, "number: {type: int}", "number: {type: int, register: rooms}", "register");
	wrong(f, "anchor: {type: ref, register: rooms}", "anchor: {type: ref}", "register");
	wrong(f, "anchor: {type: ref, register: rooms}", "anchor: {type: ref, register: roms}", "unknown register 'roms'; did you mean 'rooms'?");
	wrong(f, "share: {pair: {anchor: wanted, number: 1}}", "share: {pai: {anchor: wanted}}", "unknown group 'pai'; did you mean 'pair'?");
	wrong(f, "share: {pair: {anchor: wanted, number: 1}}", "share: {pair: {ancor: wanted}}", "unknown shared field 'ancor'; did you mean 'anchor'?");
	wrong(f, "share: {pair: {anchor: wanted, number: 1}}", "share: {pair: {number: wanted}}", "int is expected, this is row of rooms");
	wrong(f, "share: {pair: {anchor: wanted, number: 1}}", "share: {pair: {number: 1}, other: {number: 1}}", "one 'share' is about one group");
	wrong(f, "{set: {room: wanted}}", "{set: {count: pair.number}}", "'number' may be unset here; ask has() first");
	wrong(f, "{set: {room: wanted}}", "{set: {count: pair.nummer}}", "pair has no 'nummer'; did you mean 'number'?");
	wrong(f, "{shared: pair, actions: [{set", "{shared: pairs, actions: [{set", "unknown group 'pairs'; did you mean 'pair'?");
	wrong(f, "{shared: pair, actions: [{set", "{shared: pair, bounced: person, actions: [{set", "an event has one of by, bounced, unreachable, replied, shared and exhausted");
	wrong(f, "      again: {", "      again: {shared: pair, ", "state 'a' has two events for a change of the group 'pair'");
	wrong(f, "  b:\n", "  b:\n    after: [{at: \"has(pair.number) ? now : entered_at\", target: c}]\n", "'at' of timer 'after-1' cannot ask a pool or a group");
	wrong(f, "form: choose\n", "form: choose\n        opens: \"bound ? entered_at : started_at\"\n", "'opens' of event 'choose' cannot ask a pool or a group");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(test_first_decides), TEST(test_nobody_beside), TEST(test_in_one_transition), TEST(test_another_value), TEST(test_who_is_told), TEST(test_children), TEST(test_echo),
	        TEST(test_verify_finds), TEST(test_erased_with_the_last), TEST(test_all_or_nothing), TEST(test_other_machine), TEST(test_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
