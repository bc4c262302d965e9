/* Exhausted lists: who is told when the last row of a list is taken, when, how often, and at what cost. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/erasure.h"
#include "engine/store/handle.h"
#include "engine/store/wishes.h"

static const char evening[] =
        "workflow: evening\n"
        "start: {by: host, form: ask}\n"
        "roles: {host: {contact: mail}}\n"
        "data: {mail: {type: email}, guests: {type: email, many: 1..9}}\n"
        "pools: {seats: {capacity: places}}\n"
        "forms: {ask: {fields: [mail, guests]}}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    entry: [{start: {workflow: guest, each: guests, data: {mail: item}}}]\n"
        "    on:\n"
        "      take: {actions: [{claim: {pool: seats, row: \"'p'\"}}]}\n"
        "      end: {target: b}\n"
        "  b: {final: true}\n";
static const char guest[] =
        "workflow: guest\n"
        "start: {by: person, form: begin}\n"
        "roles: {person: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  list: {type: ref, register: seats, many: 1..100}\n"
        "  other: {type: ref, register: seats, many: 1..100}\n"
        "  seat: {type: ref, register: seats}\n"
        "  one: {type: text}\n"
        "  two: {type: text}\n"
        "  told: {type: int}\n"
        "pools: {seats: {of: parent}}\n"
        "forms: {begin: {fields: [mail]}}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    on:\n"
        "      like: {actions: []}\n"
        "      gone: {exhausted: list, pool: seats, actions: [{set: {told: \"has(told) ? told + 1 : 1\"}}]}\n"
        "      take: {actions: [{claim: {pool: seats, row: one}}]}\n"
        "      both: {actions: [{claim: {pool: seats, row: one}}, {claim: {pool: seats, row: two}}]}\n"
        "      swap: {actions: [{claim: {pool: seats, row: one}}, {release: {pool: seats, row: one}}]}\n"
        "      fail: {actions: [{claim: {pool: seats, row: one}}, {set: {told: 1 / 0}}]}\n"
        "      give: {actions: [{release: {pool: seats}}]}\n"
        "      rest: {target: b}\n"
        "      end: {target: c}\n"
        "  b:\n"
        "    on:\n"
        "      back: {target: a}\n"
        "      take: {actions: [{claim: {pool: seats, row: one}}]}\n"
        "  c: {final: true}\n";
static const char registers[] = "seats: {key: id, label: name, columns: {id: text, name: text, places: int}, sample: rows.csv}\n";
static const char shared[] = "seats: {from: evening, key: id, label: name, columns: {id: text, name: text, places: int}}\n";
static const char rows[] = "id,name,places\np,P,1\nq,Q,2\nr,R,1\ns,S,1\n";

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, evening, registers, rows);
	package_write(f, guest, shared, NULL);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	load_register(f, site_package_at(f->site, 0), &site_package_at(f->site, 0)->definition->registers.items[0], rows);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

/* The guests of a new evening. */
struct table {
	int64_t evening, a, b, c, d;
};

static struct table sit_down(struct fixture *f) {
	struct instance_list list;
	struct table t = {.evening = start(f, "evening", "{\"mail\":\"h@x.dk\",\"guests\":[\"a@x.dk\",\"b@x.dk\",\"c@x.dk\",\"d@x.dk\"]}")};
	struct instance_query query = {.parent_id = t.evening, .limit = 10};
	struct view *v = store_view(f->store, &f->err);
	OK(v && instance_query(v, &query, f->arena, &list, NULL, &f->err));
	view_close(v);
	assert_int_equal(list.count, 4);
	t.a = list.items[0].id, t.b = list.items[1].id, t.c = list.items[2].id, t.d = list.items[3].id;
	return t;
}

static void like(struct fixture *f, int64_t id, const char *keys) {
	OK(send_signal(f, id, "like", arena_printf(f->arena, "{\"list\":[%s]}", keys).at));
}

static void take(struct fixture *f, int64_t id, const char *row) {
	OK(send_signal(f, id, "take", arena_printf(f->arena, "{\"one\":\"%s\"}", row).at));
}

static struct str told(struct fixture *f, int64_t id) {
	return field_of(f, id, "told");
}

static int64_t watched(struct fixture *f, int64_t id) {
	struct wishes wishes;
	struct view *v = store_view(f->store, &f->err);
	OK(v && wish_of_instance(v, id, f->arena, &wishes, &f->err));
	view_close(v);
	return (int64_t)wishes.count;
}

static void test_last_one(void **state) {
	struct fixture *f = *state;
	struct table t = sit_down(f), other = sit_down(f);
	like(f, t.a, "\"p\",\"r\"");
	like(f, t.b, "\"p\"");
	like(f, t.c, "\"s\"");
	like(f, t.d, "\"p\"");
	like(f, other.a, "\"p\"");
	take(f, t.d, "p");
	/* In the transaction of the claim; a list with something left is not exhausted, nor one without the row, nor one of another evening; nor is the claimer told. */
	assert_str(told(f, t.a), "unset");
	assert_str(told(f, t.b), "1");
	assert_str(path_of(f, t.b), "start start >a; signal like a>; signal gone a>");
	assert_str(told(f, t.c), "unset");
	assert_str(told(f, t.d), "unset");
	assert_str(told(f, other.a), "unset");
	assert_sound(f);
	take(f, t.c, "r");
	assert_str(told(f, t.a), "1");
	assert_sound(f);
}

static void test_places(void **state) {
	struct fixture *f = *state;
	struct table t = sit_down(f);
	like(f, t.a, "\"q\"");
	take(f, t.b, "q");
	assert_str(told(f, t.a), "unset");
	take(f, t.c, "q");
	assert_str(told(f, t.a), "1");
	/* What cannot be had is refused, and tells nobody anything. */
	like(f, t.a, "\"q\",\"p\"");
	take(f, t.d, "q");
	OK(send_signal(f, t.d, "fail", "{\"one\":\"p\"}"));
	assert_str(told(f, t.a), "1");
	assert_sound(f);
}

static void test_several_at_once(void **state) {
	struct fixture *f = *state;
	struct table t = sit_down(f);
	like(f, t.a, "\"p\",\"r\"");
	like(f, t.b, "\"r\"");
	OK(send_signal(f, t.c, "swap", "{\"one\":\"p\"}"));
	assert_str(told(f, t.a), "unset");
	OK(send_signal(f, t.c, "both", "{\"one\":\"p\",\"two\":\"r\"}"));
	assert_str(told(f, t.a), "1");
	assert_str(told(f, t.b), "1");
	assert_sound(f);
	/* By whoever: here the evening itself. */
	OK(send_signal(f, t.c, "give", "{}"));
	like(f, t.a, "\"p\"");
	OK(send_signal(f, t.evening, "take", "{}"));
	assert_str(told(f, t.a), "2");
	assert_sound(f);
}

/* What comes back and goes again is no news; a list that changed is looked at anew, were it only its order. */
static void test_once(void **state) {
	struct fixture *f = *state;
	struct table t = sit_down(f);
	like(f, t.a, "\"p\",\"r\"");
	take(f, t.b, "r");
	take(f, t.c, "p");
	assert_str(told(f, t.a), "1");
	assert_int_equal(watched(f, t.a), 0);
	OK(send_signal(f, t.c, "give", "{}"));
	take(f, t.d, "p");
	assert_str(told(f, t.a), "1");
	OK(send_signal(f, t.d, "give", "{}"));
	like(f, t.a, "\"r\",\"p\"");
	assert_int_equal(watched(f, t.a), 2);
	take(f, t.d, "p");
	assert_str(told(f, t.a), "2");
	/* What comes back before the list is exhausted counts as left. */
	like(f, t.a, "\"q\",\"s\"");
	take(f, t.b, "s");
	OK(send_signal(f, t.b, "give", "{}"));
	take(f, t.b, "q");
	take(f, t.c, "q");
	assert_str(told(f, t.a), "2");
	assert_sound(f);
}

static void test_states(void **state) {
	struct fixture *f = *state;
	struct table t = sit_down(f);
	like(f, t.a, "\"p\"");
	like(f, t.b, "\"p\"");
	OK(send_signal(f, t.a, "rest", "{}"));
	OK(send_signal(f, t.b, "end", "{}"));
	assert_int_equal(watched(f, t.b), 0);
	take(f, t.c, "p");
	assert_str(told(f, t.a), "unset");
	/* It was not told, so it is when it happens again in a state that asks. */
	OK(send_signal(f, t.a, "back", "{}"));
	assert_str(told(f, t.a), "unset");
	OK(send_signal(f, t.c, "give", "{}"));
	take(f, t.c, "p");
	assert_str(told(f, t.a), "1");
	assert_sound(f);
}

/* A list is kept as it changes: only what differs is written. */
static void test_kept(void **state) {
	struct fixture *f = *state;
	struct table t = sit_down(f);
	like(f, t.a, "\"p\",\"q\"");
	assert_int_equal(watched(f, t.a), 2);
	like(f, t.a, "\"s\",\"q\",\"r\"");
	assert_int_equal(watched(f, t.a), 3);
	take(f, t.b, "p");
	take(f, t.b, "s");
	take(f, t.b, "q");
	take(f, t.c, "q");
	assert_str(told(f, t.a), "unset");
	take(f, t.c, "r");
	assert_str(told(f, t.a), "1");
	OK(send_signal(f, t.a, "like", "{\"list\":[]}"));
	assert_int_equal(watched(f, t.a), 0);
	assert_sound(f);
}

/* Longer than what is read at once, with what is left at its end. */
static void test_long_list(void **state) {
	enum { ROWS = 90 };
	struct fixture *f = *state;
	const struct package *owner = site_package_at(f->site, 0);
	struct str csv = STR("id,name,places\n"), keys = STR("");
	for (int i = 0; i < ROWS; i++) {
		csv = arena_printf(f->arena, "%.*sk%02d,K,1\n", STR_ARG(csv), i);
		keys = arena_printf(f->arena, "%.*s%s\"k%02d\"", STR_ARG(keys), i ? "," : "", i);
	}
	load_register(f, owner, &owner->definition->registers.items[0], csv.at);
	struct table t = sit_down(f);
	like(f, t.a, keys.at);
	like(f, t.b, "\"k05\",\"k89\"");
	for (int i = 0; i < ROWS; i++) {
		assert_str(told(f, t.a), "unset");
		take(f, t.c, arena_printf(f->arena, "k%02d", i).at);
	}
	assert_str(told(f, t.a), "1");
	assert_str(told(f, t.b), "1");
	assert_sound(f);
}

/* However many lists there are: those that hold the row are found by it, and the rows of a list by the list. */
static void test_by_index(void **state) {
	struct fixture *f = *state;
	tx_open(f);
	struct stmt *s = db_query(tx_db(f->tx), "EXPLAIN QUERY PLAN SELECT instance_id, root_id, field FROM wishes WHERE owner_id = ? AND pool = ? AND row_key = ? AND instance_id <> ?"
	                                        " ORDER BY instance_id, field");
	assert_int_equal(stmt_step(s, &f->err), DB_ROW);
	assert_non_null(strstr(stmt_text(s, 3, f->arena).at, "PRIMARY KEY (owner_id=? AND pool=? AND row_key=?)"));
	stmt_end(s);
	s = db_query(tx_db(f->tx), "EXPLAIN QUERY PLAN SELECT row_key FROM wishes WHERE instance_id = ? AND field = ? AND owner_id = ? AND pool = ? AND row_key > ? ORDER BY row_key LIMIT ?");
	assert_int_equal(stmt_step(s, &f->err), DB_ROW);
	assert_non_null(strstr(stmt_text(s, 3, f->arena).at, "wishes_list (instance_id=? AND field=? AND owner_id=? AND pool=? AND row_key>?)"));
	stmt_end(s);
	tx_end(f, true);
}

static void change_store(struct fixture *f, const char *sql) {
	tx_open(f);
	OK(db_script(tx_db(f->tx), sql, &f->err));
	tx_end(f, true);
}

static void test_verify_finds(void **state) {
	static const char *const changes[][2] = {
	        {"DELETE FROM wishes WHERE row_key = 'p'", "INSERT INTO wishes VALUES (1, 'evening.seats', 'p', 2, 'list', 1)"},
	        {"UPDATE wishes SET row_key = 's' WHERE row_key = 'p'", "UPDATE wishes SET row_key = 'p' WHERE row_key = 's'"},
	        {"UPDATE wishes SET owner_id = 2", "UPDATE wishes SET owner_id = 1"},
	        {"UPDATE wishes SET pool = 'evening.chairs'", "UPDATE wishes SET pool = 'evening.seats'"},
	        {"UPDATE wishes SET field = 'other'", "UPDATE wishes SET field = 'list'"},
	        {"UPDATE wishes SET root_id = 7", "UPDATE wishes SET root_id = 1"},
	};
	struct fixture *f = *state;
	struct table t = sit_down(f);
	like(f, t.a, "\"p\",\"r\"");
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

static void test_erased(void **state) {
	struct fixture *f = *state;
	struct table t = sit_down(f);
	like(f, t.a, "\"p\",\"r\"");
	tx_open(f);
	assert_true(tx_end(f, erasure_of_instance(f->tx, t.a, clock_now(), &f->err)));
	assert_int_equal(watched(f, t.a), 0);
	take(f, t.b, "p");
	take(f, t.b, "r");
	assert_sound(f);
}

static bool was_told(struct fixture *f, int64_t id) {
	struct instance instance;
	struct err err = {0};
	assert_true(instance_load(tx_view(f->tx), id, f->arena, &instance, &err));
	return strstr(instance.data.at, "told") != NULL;
}

/* Each of its statements fails once: the claim stands and is told, or waits to be told; or nothing of it is there. */
static void test_all_or_nothing(void **state) {
	struct fixture *f = *state;
	struct table t = sit_down(f);
	like(f, t.a, "\"p\"");
	bool ok = false;
	for (int64_t n = 1; !ok; n++) {
		struct answers answers = answers_of(f, "{\"one\":\"p\"}");
		assert_true(n < 400);
		tx_open(f);
		store_fail_at(f->store, n);
		ok = engine_signal(f->engine, f->tx, clock_now(), t.b, STR("take"), &answers, f->arena, &f->err);
		store_fail_at(f->store, 0);
		ok = ok && was_told(f, t.a);
		if (ok)
			tx_end(f, true);
		else
			store_rollback(f->tx);
		f->tx = NULL;
		assert_int_equal(watched(f, t.a), ok ? 0 : 1);
	}
	assert_str(told(f, t.a), "1");
	assert_sound(f);
}

static void wrong(struct fixture *f, const char *from, const char *to, const char *said) {
	assert_told_of(f, guest, from, to, "seats: {key: id, label: name, columns: {id: text, name: text, places: int}}\nrooms: {key: id, label: id, columns: {id: text}}\n", NULL, said);
}

static void test_checked(void **state) {
	struct fixture *f = *state;
	wrong(f, "exhausted: list, pool: seats", "exhausted: lst, pool: seats", "unknown field 'lst'; did you mean 'list'?");
	wrong(f, "exhausted: list, pool: seats", "exhausted: list, pool: seat", "unknown pool 'seat'; did you mean 'seats'?");
	wrong(f, "exhausted: list, pool: seats", "exhausted: list", "event 'gone' has 'exhausted' but no 'pool'");
	wrong(f, "exhausted: list, pool: seats", "pool: seats", "event 'gone' has 'pool' but no 'exhausted'");
	wrong(f, "exhausted: list, pool: seats", "exhausted: seat, pool: seats", "'seat' is no list of rows of the pool; expected a field of type ref with 'many' and 'register: seats'");
	wrong(f, "  list: {type: ref, register: seats", "  list: {type: ref, register: rooms", "'list' is no list of rows of the pool");
	wrong(f, "{seats: {of: parent}}", "{seats: {capacity: 2}}", "nobody else claims rows of 'seats', which is each instance's own; expected one with 'of: parent' or 'scope: site'");
	wrong(f, "like: {", "like: {exhausted: list, pool: seats, ", "state 'a' has two events for the exhaustion of 'list'");
	wrong(f, "exhausted: list, pool: seats", "exhausted: list, pool: seats, replied: person", "an event has one of by, bounced, unreachable, replied, shared and exhausted");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(test_last_one), TEST(test_places), TEST(test_several_at_once), TEST(test_once), TEST(test_states), TEST(test_kept), TEST(test_long_list), TEST(test_by_index),
	        TEST(test_verify_finds), TEST(test_erased), TEST(test_all_or_nothing), TEST(test_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
