/* Pools: claims of rows, by people and by children of one parent, and what makes it impossible that one is held too often. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/claims.h"
#include "engine/store/erasure.h"
#include "engine/store/handle.h"

static const char evening[] =
        "workflow: evening\n"
        "start: {by: host, form: ask}\n"
        "roles: {host: {contact: mail}}\n"
        "data: {mail: {type: email}, guests: {type: email, many: 1..9}, seen: {type: int}}\n"
        "pools: {seats: {capacity: places, each: 2}}\n"
        "forms: {ask: {fields: [mail, guests]}}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    entry: [{start: {workflow: guest, each: guests, data: {mail: item}}}]\n"
        "    on:\n"
        "      look: {actions: [{set: {seen: \"places(seats, 'q')\"}}]}\n"
        "      end: {target: b}\n"
        "  b: {final: true}\n";
static const char guest[] =
        "workflow: guest\n"
        "start: {by: person, form: begin}\n"
        "roles: {person: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  seat: {type: ref, register: seats, where: \"available(seats, row)\"}\n"
        "  any: {type: ref, register: seats}\n"
        "  note: {type: text}\n"
        "  left: {type: int}\n"
        "  first: {type: text}\n"
        "  yes: {type: bool}\n"
        "pools: {seats: {of: parent}}\n"
        "forms:\n"
        "  begin: {fields: [mail]}\n"
        "  choose: {fields: [seat, note]}\n"
        "  grab: {fields: [any, note]}\n"
        "  plain: {fields: [yes]}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    entry: [{send: {to: person, message: hello, link: choose}}, {send: {to: person, message: hello, link: grab}}]\n"
        "    on:\n"
        "      choose: {by: person, form: choose, actions: [{claim: {pool: seats, row: seat}}, {set: {left: \"places(seats, seat)\", first: \"claimed(seats)[0]\"}}], target: b}\n"
        "      grab: {by: person, form: grab, actions: [{claim: {pool: seats, row: any}}], target: b}\n"
        "      have: {actions: [{claim: {pool: seats, row: \"'p'\"}}]}\n"
        "      have-more: {actions: [{claim: {pool: seats, row: \"'q'\"}}]}\n"
        "      end: {target: c}\n"
        "  b:\n"
        "    on:\n"
        "      more: {actions: [{claim: {pool: seats, row: \"'q'\"}}, {set: {left: size(claimed(seats))}}]}\n"
        "      twice: {actions: [{set: {note: \"'gone'\"}}, {claim: {pool: seats, row: \"'q'\"}}, {claim: {pool: seats, row: \"'r'\"}}]}\n"
        "      change: {cases: [{guard: \"holds(seats, 'p')\", actions: [{release: {pool: seats, row: \"'p'\"}}, {set: {left: \"places(seats, 'p')\"}}, {claim: {pool: seats, row: \"'p'\"}}]}]}\n"
        "      back: {actions: [{release: {pool: seats}}, {set: {left: size(claimed(seats))}}]}\n"
        "      give: {actions: [{release: {pool: seats, row: \"'q'\"}}]}\n"
        "      end: {target: c}\n"
        "  c: {final: true}\n";
static const char registers[] = "seats: {key: id, label: name, columns: {id: text, name: text, places: int, until: date}, valid: {until: until}, sample: rows.csv}\n";
static const char shared[] = "seats: {from: evening, key: id, label: name, columns: {id: text, name: text, places: int, until: date}, valid: {until: until}}\n";
static const char rows[] = "id,name,places,until\np,P,1,\nq,Q,3,\nr,R,2,\n";

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

static int64_t begin(struct fixture *f) {
	return start(f, "evening", "{\"mail\":\"h@x.dk\",\"guests\":[\"a@x.dk\",\"b@x.dk\",\"c@x.dk\",\"d@x.dk\"]}");
}

static int64_t child(struct fixture *f, int64_t parent, size_t index) {
	struct instance_list list;
	struct instance_query query = {.parent_id = parent, .limit = 10};
	struct view *v = store_view(f->store, &f->err);
	OK(v && instance_query(v, &query, f->arena, &list, NULL, &f->err));
	view_close(v);
	assert_true(index < list.count);
	return list.items[index].id;
}

static void signal_now(struct fixture *f, int64_t id, const char *event) {
	OK(send_signal(f, id, event, "{}"));
	OK(run_due(f));
}

/* "pool:row/place holder;" of what is held now. */
static struct str held_now(struct fixture *f, int64_t id) {
	struct claim_list claims;
	struct str out = STR("");
	struct view *v = store_view(f->store, &f->err);
	OK(v && claim_of_holder(v, id, f->arena, &claims, &f->err));
	view_close(v);
	for (size_t i = 0; i < claims.count; i++)
		if (claims.items[i].released_id == 0)
			out = arena_printf(f->arena, "%.*s%.*s:%.*s/%lld ", STR_ARG(out), STR_ARG(claims.items[i].pool.name), STR_ARG(claims.items[i].row), (long long)claims.items[i].place);
	return out;
}

#define NOT_CLAIMED(problem, call)                                    \
	do {                                                          \
		REFUSED(ERR_INPUT, "form.problems", call);            \
		assert_int_equal(f->refused.count, 1);                \
		assert_string_equal(f->refused.items[0].key, problem); \
	} while (0)
#define TAKEN(call) NOT_CLAIMED("field.taken", call)

static void test_one_wins(void **state) {
	struct fixture *f = *state;
	int64_t evening_id = begin(f), a = child(f, evening_id, 0), b = child(f, evening_id, 1);
	OK(act(f, a, "a@x.dk", "choose", "{\"seat\":\"p\",\"note\":\"mine\"}"));
	assert_str(state_of(f, a), "b");
	assert_str(field_of(f, a, "left"), "0");
	assert_str(field_of(f, a, "first"), "p");
	assert_str(held_now(f, a), "evening.seats:p/0 ");
	int64_t version = instance_of(f, b).version;
	TAKEN(act(f, b, "b@x.dk", "choose", "{\"seat\":\"p\",\"note\":\"mine\"}"));
	assert_str(f->refused.items[0].name, "seat");
	assert_str(f->refused.items[0].arg[0], "P");
	/* A row that is not of the register is not one that was taken. */
	REFUSED(ERR_INPUT, "form.problems", act(f, b, "b@x.dk", "choose", "{\"seat\":\"x\",\"note\":\"mine\"}"));
	assert_string_equal(f->refused.items[0].key, "field.not-choice");
	assert_int_equal(instance_of(f, b).version, version);
	assert_str(field_of(f, b, "note"), "unset");
	OK(act(f, b, "b@x.dk", "choose", "{\"seat\":\"q\",\"note\":\"mine\"}"));
	assert_str(field_of(f, b, "left"), "2");
	/* Another evening has its own. */
	int64_t other = child(f, begin(f), 0);
	OK(act(f, other, "a@x.dk", "choose", "{\"seat\":\"p\",\"note\":\"mine\"}"));
	assert_sound(f);
}

/* Where the form does not look, the claim does; it says so where the row was chosen. */
static void test_claim_refuses(void **state) {
	struct fixture *f = *state;
	int64_t evening_id = begin(f), a = child(f, evening_id, 0), b = child(f, evening_id, 1);
	OK(act(f, a, "a@x.dk", "grab", "{\"any\":\"p\",\"note\":\"mine\"}"));
	TAKEN(act(f, b, "b@x.dk", "grab", "{\"any\":\"p\",\"note\":\"mine\"}"));
	assert_str(f->refused.items[0].name, "any");
	assert_str(state_of(f, b), "a");
	assert_str(held_now(f, b), "");
	assert_sound(f);
}

/* Nobody was faster, so nobody is said to have been. */
static void test_what_is_no_loss_is_not_called_one(void **state) {
	struct fixture *f = *state;
	int64_t evening_id = begin(f), a = child(f, evening_id, 0), b = child(f, evening_id, 1);
	signal_now(f, a, "have");
	NOT_CLAIMED("field.held", act(f, a, "a@x.dk", "grab", "{\"any\":\"p\",\"note\":\"mine\"}"));
	assert_str(f->refused.items[0].arg[0], "P");
	TAKEN(act(f, b, "b@x.dk", "grab", "{\"any\":\"p\",\"note\":\"mine\"}"));
	signal_now(f, a, "have-more");
	NOT_CLAIMED("field.enough", act(f, a, "a@x.dk", "grab", "{\"any\":\"r\",\"note\":\"mine\"}"));
	assert_str(f->refused.items[0].arg[0], "R");
	assert_sound(f);
}

static void test_limits_and_release(void **state) {
	struct fixture *f = *state;
	int64_t evening_id = begin(f), a = child(f, evening_id, 0);
	OK(act(f, a, "a@x.dk", "choose", "{\"seat\":\"p\",\"note\":\"n\"}"));
	signal_now(f, a, "more");
	assert_str(held_now(f, a), "evening.seats:p/0 evening.seats:q/0 ");
	signal_now(f, a, "more"); /* it has that row */
	assert_str(path_of(f, a), "start start >a; form choose a>b; signal more b>; signal more b>!");
	signal_now(f, a, "give");
	signal_now(f, a, "give"); /* it has not */
	assert_str(held_now(f, a), "evening.seats:p/0 ");
	/* q would do, r would be one too many: neither, and nothing else of the event. */
	signal_now(f, a, "twice");
	assert_str(held_now(f, a), "evening.seats:p/0 ");
	assert_str(field_of(f, a, "note"), "n");
	/* What it gives back it can have again at once. */
	signal_now(f, a, "change");
	assert_str(field_of(f, a, "left"), "1");
	assert_str(held_now(f, a), "evening.seats:p/0 ");
	signal_now(f, a, "back");
	assert_str(field_of(f, a, "left"), "0");
	assert_str(held_now(f, a), "");
	signal_now(f, a, "back");
	signal_now(f, evening_id, "look");
	assert_str(field_of(f, evening_id, "seen"), "3");
	assert_sound(f);
}

/* What a register does not have any more can be held, but not be claimed; fewer places take nothing away. */
static void test_register_changes(void **state) {
	struct fixture *f = *state;
	int64_t evening_id = begin(f), a = child(f, evening_id, 0), b = child(f, evening_id, 1);
	const struct package *owner = site_package_at(f->site, 0);
	OK(act(f, a, "a@x.dk", "grab", "{\"any\":\"p\",\"note\":\"n\"}"));
	signal_now(f, a, "more");
	load_register(f, owner, &owner->definition->registers.items[0], "id,name,places,until\nq,Q,1,\nr,R,1,\n");
	assert_str(held_now(f, a), "evening.seats:p/0 evening.seats:q/0 ");
	TAKEN(act(f, b, "b@x.dk", "grab", "{\"any\":\"q\",\"note\":\"n\"}"));
	signal_now(f, evening_id, "look");
	assert_str(field_of(f, evening_id, "seen"), "0");
	signal_now(f, a, "back");
	REFUSED(ERR_INPUT, "form.problems", act(f, b, "b@x.dk", "grab", "{\"any\":\"p\",\"note\":\"n\"}"));
	assert_string_equal(f->refused.items[0].key, "field.not-choice");
	OK(act(f, b, "b@x.dk", "grab", "{\"any\":\"q\",\"note\":\"n\"}"));
	assert_sound(f);
}

/* A row whose last day is over is as one that is not there. */
static void test_row_is_over(void **state) {
	struct fixture *f = *state;
	int64_t evening_id = begin(f), a = child(f, evening_id, 0), b = child(f, evening_id, 1);
	const struct package *owner = site_package_at(f->site, 0);
	load_register(f, owner, &owner->definition->registers.items[0], "id,name,places,until\nq,Q,3,2026-03-02\nr,R,2,\n");
	OK(act(f, a, "a@x.dk", "grab", "{\"any\":\"r\",\"note\":\"n\"}"));
	signal_now(f, evening_id, "look");
	assert_str(field_of(f, evening_id, "seen"), "3");
	clock_simulate(instant_at(f, "2026-03-03T00:00"), 0);
	signal_now(f, evening_id, "look");
	assert_str(field_of(f, evening_id, "seen"), "0");
	signal_now(f, a, "more"); /* q, which it had not */
	assert_str(held_now(f, a), "evening.seats:r/0 ");
	REFUSED(ERR_INPUT, "form.problems", act(f, b, "b@x.dk", "choose", "{\"seat\":\"q\",\"note\":\"n\"}"));
	assert_sound(f);
}

/* What was erased while it ran holds nothing; what it had decided, when it had ended, stays so. */
static void test_erased(void **state) {
	struct fixture *f = *state;
	int64_t evening_id = begin(f), a = child(f, evening_id, 0), b = child(f, evening_id, 1);
	OK(act(f, a, "a@x.dk", "grab", "{\"any\":\"p\",\"note\":\"n\"}"));
	TAKEN(act(f, b, "b@x.dk", "grab", "{\"any\":\"p\",\"note\":\"n\"}"));
	tx_open(f);
	OK(tx_end(f, erasure_of_instance(f->tx, a, clock_now(), &f->err)));
	assert_str(held_now(f, a), "");
	OK(act(f, b, "b@x.dk", "grab", "{\"any\":\"p\",\"note\":\"n\"}"));
	assert_sound(f);
	signal_now(f, b, "end");
	assert_str(state_of(f, b), "c");
	tx_open(f);
	OK(tx_end(f, erasure_of_instance(f->tx, b, clock_now(), &f->err)));
	assert_str(held_now(f, b), "evening.seats:p/0 ");
	assert_sound(f);
}

/* A child has its parent's pool, so it needs one. */
static void test_alone(void **state) {
	struct fixture *f = *state;
	REFUSED(ERR_INPUT, "error.input", try_start(f, "guest", "{\"mail\":\"a@x.dk\"}"));
}

static void change_store(struct fixture *f, const char *sql) {
	tx_open(f);
	OK(db_script(tx_db(f->tx), sql, &f->err));
	tx_end(f, true);
}

static void test_verify_finds(void **state) {
	static const char *const changes[][2] = {
	        {"DELETE FROM claims WHERE row_key = 'q'", "INSERT INTO claims VALUES (2, 1, 'evening.seats', 'q', 0, 2, 1, 0, 0, NULL)"},
	        {"UPDATE claims SET row_key = 'r' WHERE row_key = 'q'", "UPDATE claims SET row_key = 'q' WHERE row_key = 'r'"},
	        {"UPDATE claims SET place = 3 WHERE row_key = 'q'", "UPDATE claims SET place = 0 WHERE row_key = 'q'"},
	        {"UPDATE claims SET owner_id = 2 WHERE row_key = 'q'", "UPDATE claims SET owner_id = 1 WHERE row_key = 'q'"},
	        {"UPDATE claims SET released_id = 1 WHERE row_key = 'q'", "UPDATE claims SET released_id = NULL WHERE row_key = 'q'"},
	        {"UPDATE claims SET pool = 'evening.rooms' WHERE row_key = 'q'", "UPDATE claims SET pool = 'evening.seats' WHERE row_key = 'q'"},
	};
	struct fixture *f = *state;
	int64_t evening_id = begin(f), a = child(f, evening_id, 0);
	OK(act(f, a, "a@x.dk", "choose", "{\"seat\":\"p\",\"note\":\"n\"}"));
	signal_now(f, a, "more");
	assert_sound(f);
	for (size_t i = sizeof changes / sizeof *changes; i-- > 0;) {
		struct buf out;
		buf_init(&out, 10000);
		change_store(f, changes[i][0]);
		if (faults_of(f, a, &out) == 0)
			fail_msg("verify does not see: %s", changes[i][0]);
		buf_free(&out);
		if (i > 0)
			change_store(f, changes[i][1]);
	}
}

/* The numbers of the store alone would hold: nobody can write what the engine would refuse. */
static void test_store_refuses(void **state) {
	struct fixture *f = *state;
	int64_t evening_id = begin(f), a = child(f, evening_id, 0), b = child(f, evening_id, 1);
	OK(act(f, a, "a@x.dk", "choose", "{\"seat\":\"p\",\"note\":\"n\"}"));
	struct claim claim = {.pool = {evening_id, STR("evening.seats")}, .row = STR("p"), .holder_id = b, .at = 1, .history_id = 1};
	tx_open(f);
	REFUSED(ERR_CONFLICT, "event.taken", claim_insert(f->tx, &claim, 1, 2, &f->err));
	claim.row = STR("q");
	OK(claim_insert(f->tx, &claim, 3, 2, &f->err));
	assert_int_equal(claim.place, 0);
	assert_false(claim_insert(f->tx, &claim, 3, 2, &f->err)); /* it has that row */
	assert_int_equal(f->err.kind, ERR_CONFLICT);
	claim.row = STR("r");
	OK(claim_insert(f->tx, &claim, 3, 2, &f->err));
	assert_int_equal(claim.hold, 1);
	claim.row = STR("s");
	REFUSED(ERR_CONFLICT, "event.enough", claim_insert(f->tx, &claim, 3, 2, &f->err));
	struct stmt *s = db_query(tx_db(f->tx), "INSERT INTO claims (owner_id, pool, row_key, place, hold, holder_id, at, history_id) SELECT owner_id, pool, row_key, place, 7, 1, at,"
	                                        " history_id FROM claims WHERE row_key = 'p'");
	assert_false(stmt_run(s, NULL, &f->err));
	assert_int_equal(f->err.kind, ERR_CONFLICT);
	store_rollback(f->tx);
	f->tx = NULL;
}

/* Of many rows, what is left is counted as of few. */
static void test_many_rows(void **state) {
	enum { ROWS = 300 };
	struct fixture *f = *state;
	const struct package *owner = site_package_at(f->site, 0);
	struct str csv = STR("id,name,places,until\n");
	for (int i = 0; i < ROWS; i++)
		csv = arena_printf(f->arena, "%.*sk%d,K,2,\n", STR_ARG(csv), i);
	load_register(f, owner, &owner->definition->registers.items[0], csv.at);
	int64_t evening_id = begin(f);
	tx_open(f);
	for (int i = 0; i < ROWS; i += 3)
		for (int n = 0; n <= i % 2; n++) {
			struct claim claim = {.pool = {evening_id, STR("evening.seats")}, .row = arena_printf(f->arena, "k%d", i), .holder_id = child(f, evening_id, (size_t)n), .history_id = 1};
			OK(claim_insert(f->tx, &claim, 2, 0, &f->err));
		}
	tx_end(f, true);
	struct instance instance = instance_of(f, evening_id);
	struct view *v = store_view(f->store, &f->err);
	struct register_port port = data_store_port(v);
	struct form_world world = engine_world(f->engine, owner->definition, &instance, &port, clock_now(), f->arena);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < ROWS; i++) {
			int64_t left;
			OK(ledger_places(world.ledger, definition_pool(owner->definition, STR("seats")), arena_printf(f->arena, "k%d", i), &left, &f->err));
			assert_int_equal(left, i % 3 != 0 ? 2 : 1 - i % 2);
		}
	view_close(v);
}

/* ---- what is refused when it is loaded */

static void wrong(struct fixture *f, const char *from, const char *to, const char *said) {
	assert_told_of(f, guest, from, to, registers, rows, said);
}

static void test_checked(void **state) {
	struct fixture *f = *state;
	wrong(f, "available(seats, row)", "available(seat, row)", "there is no pool 'seat'; did you mean 'seats'?");
	wrong(f, "available(seats, row)", "available(seats)", "available() takes a pool and a row");
	wrong(f, "available(seats, row)", "available(seats, 3)", "takes a key or a row of seats, not int");
	wrong(f, "available(seats, row)", "available('seats', row)", "takes a pool and a row");
	wrong(f, "claim: {pool: seats, row: seat}", "claim: {pool: seats, row: yes}", "'row' is bool, expected a key or a row of seats");
	wrong(f, "claim: {pool: seats, row: seat}", "claim: {pool: chairs, row: seat}", "unknown pool 'chairs'");
	wrong(f, "claim: {pool: seats, row: seat}", "claim: {pool: seats}", "row");
	wrong(f, "{of: parent}", "{of: parent, capacity: 2}", "key 'capacity' in pool 'seats': the parent's workflow says it");
	wrong(f, "{of: parent}", "{capacity: name}", "the column 'name' must be of type int");
	wrong(f, "{of: parent}", "{capacity: 0}", "expected 1 to 1000000");
	wrong(f, "{of: parent}", "{register: chairs}", "unknown register 'chairs'");
	wrong(f, "{by: person, form: choose, ", "{by: person, form: choose, opens: \"date('2026-01-01') + (places(seats, 'p') > 0 ? 1d : 2d)\", ", "'opens' of event 'choose' cannot ask a pool");
	wrong(f, "  b:\n", "  b:\n    after: [{at: \"available(seats, 'p') ? now : entered_at\", target: c}]\n", "'at' of timer 'after-1' cannot ask a pool");
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_one_wins, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_claim_refuses, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_what_is_no_loss_is_not_called_one, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_limits_and_release, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_register_changes, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_row_is_over, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_erased, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_alone, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_verify_finds, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_store_refuses, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_many_rows, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_checked, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
