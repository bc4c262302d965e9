/* Roles whose people are rows of a register: who they are is asked anew in each act, list and message; what was decided stays proved. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/erasure.h"
#include "engine/store/handle.h"
#include "engine/store/listings.h"

static const char desk[] =
        "workflow: desk\n"
        "start: {by: guest, form: ask}\n"
        "roles:\n"
        "  guest: {contact: mail}\n"
        "  clerk: {grants: staff, contact: address, name: name, where: row.level > 1, scope: {town: town, big: size > 10}}\n"
        "  boss:  {grants: staff, contact: address, where: row.level == 9}\n"
        "  phone: {grants: staff, contact: mobile, scope: {town: town}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  town: {type: text}\n"
        "  size: {type: int}\n"
        "  words: {type: text}\n"
        "forms: {ask: {fields: [mail, {field: town, optional: true}, size]}, answer: {fields: [words]}, turn: {fields: [{field: town, optional: true}]}}\n"
        "initial: open\n"
        "states:\n"
        "  open:\n"
        "    entry: [{send: {to: [clerk, phone], message: hello, link: answer}}]\n"
        "    after: [{in: 90d, target: lost}]\n"
        "    on:\n"
        "      answer: {by: [clerk, phone], form: answer, target: done}\n"
        "      turn: {by: guest, form: turn, actions: [{send: {to: clerk, message: hello, link: answer}}]}\n"
        "      call: {actions: [{send: {to: [clerk, guest], message: again, link: one}}]}\n"
        "  done: {final: true}\n"
        "  lost: {final: true}\n"
        "views:\n"
        "  one: {kind: page, for: [guest, clerk, boss], fields: [town, words], acts: [turn]}\n"
        "  all: {kind: list, for: [clerk, boss], columns: [town, state], search: [town], filters: [state], page: one, login: true}\n";
static const char registers[] =
        "staff:\n"
        "  key: id\n"
        "  label: name\n"
        "  columns: {id: text, name: text, address: email, mobile: phone, town: text, big: bool, level: int, since: date, until: date}\n"
        "  valid: {from: since, until: until}\n"
        "  sample: rows.csv\n";
#define HEAD "id;name;address;mobile;town;big;level;since;until\n"
#define ROWS                                              \
	"a;Ann;ann@x.dk;20202020;odense;false;2;;\n"      \
	"b;Bo;bo@x.dk;;odense;false;2;2026-03-04;\n"      \
	"c;Cy;cy@x.dk;;odense;true;2;;\n"                 \
	"d;Di;di@x.dk;;ribe;false;2;;\n"                  \
	"e;Eva;Eva@x.dk;;odense;false;9;;2026-03-04\n"    \
	"f;Eva;eva@x.dk;;odense;false;9;;2026-03-04\n"    \
	"g;No;;30303030;odense;false;2;;\n"               \
	"h;Low;low@x.dk;;odense;false;1;;\n"              \
	"i;Any;any@x.dk;;;false;2;;\n"

static void import(struct fixture *f, const char *csv) {
	const struct package *package = site_package(f->site, STR("desk"));
	load_register(f, package, definition_register(package->definition, STR("staff")), csv);
}

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, desk, registers, HEAD ROWS);
	fixture_open(f, true);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	import(f, HEAD ROWS);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	clock_simulate(0, 0);
	return 0;
}

static int64_t begin(struct fixture *f, const char *town) {
	return start(f, "desk", arena_printf(f->arena, "{\"mail\":\"me@x.dk\",\"town\":\"%s\",\"size\":\"3\"}", town).at);
}

/* "role:name ..." */
static struct str people_of(struct fixture *f, int64_t id) {
	struct participation_list people;
	struct str out = STR("");
	struct view *v = store_view(f->store, &f->err);
	OK(v && participation_list(v, id, site_day(f->site, clock_now()), f->arena, &people, &f->err));
	for (size_t i = 0; i < people.count; i++)
		out = arena_printf(f->arena, "%.*s%s%.*s:%.*s", STR_ARG(out), i ? " " : "", STR_ARG(people.items[i].role), STR_ARG(people.items[i].contact.key));
	view_close(v);
	return out;
}

static struct contact contact_of(struct fixture *f, const char *address) {
	struct contact contact;
	struct view *v = store_view(f->store, &f->err);
	OK(v && contact_find(v, CHANNEL_MAIL, str_from(address), f->arena, &contact, &f->err));
	view_close(v);
	return contact;
}

/* How many of the cases somebody's list shows, by each way of asking. */
static int64_t listed(struct fixture *f, const char *address, const char *role) {
	struct str roles[] = {str_from(role)};
	struct listing_query q = {.contact_id = contact_of(f, address).id, .roles = roles, .role_count = 1, .workflow = STR("desk"), .searched = STR("all"),
	                          .now = clock_now(), .day = site_day(f->site, clock_now())};
	struct listed_list all, pieces;
	struct listing_values states;
	int64_t total, overdue, walked = 0, before = INT64_MAX;
	bool any;
	struct view *v = store_view(f->store, &f->err);
	OK(v && listing_count(v, &q, f->arena, &total, &overdue, &f->err) && listing_query(v, &q, f->arena, &all, &f->err) && listing_any(v, &q, f->arena, &any, &f->err) &&
	   listing_values(v, &q, STR("state"), f->arena, &states, &f->err));
	q.limit = 2;
	do {
		OK(listing_before(v, &q, before, f->arena, &pieces, &f->err));
		for (size_t i = 0; i < pieces.count; i++) {
			assert_true(pieces.items[i].instance_id < before);
			before = pieces.items[i].instance_id;
			walked++;
		}
	} while (pieces.count > 0);
	view_close(v);
	assert_int_equal(total, all.count);
	assert_int_equal(total, walked);
	assert_int_equal(total > 0, any);
	return total;
}

static void test_people(void **state) {
	struct fixture *f = *state;
	int64_t odense = begin(f, "odense"), ribe = begin(f, "ribe");
	assert_str(people_of(f, odense), "guest:me@x.dk boss:eva@x.dk clerk:ann@x.dk clerk:eva@x.dk phone:+4520202020 phone:+4530303030");
	assert_str(people_of(f, ribe), "guest:me@x.dk boss:eva@x.dk clerk:di@x.dk");
	assert_str(messages_of(f, odense), "hello>ann@x.dk queued; hello>Eva@x.dk queued; hello>+4520202020 queued; hello>+4530303030 queued");
	advance_to(f, "2026-03-05T10:00");
	assert_str(people_of(f, odense), "guest:me@x.dk clerk:ann@x.dk clerk:bo@x.dk phone:+4520202020 phone:+4530303030");
	/* Whose town is not known are nobody's. */
	OK(send_signal(f, odense, "call", "{}"));
	int64_t nowhere = start(f, "desk", "{\"mail\":\"me@x.dk\",\"size\":\"3\"}");
	assert_str(people_of(f, nowhere), "guest:me@x.dk");
	assert_sound(f);
}

static void test_acts(void **state) {
	struct fixture *f = *state;
	int64_t id = begin(f, "odense");
	struct link ann = link_to(f, id, "ann@x.dk", "answer"), phone = link_to(f, id, "+4520202020", "answer");
	import(f, HEAD "a;Ann;ann@x.dk;20202020;ribe;false;2;;\nb;Bo;bo@x.dk;;odense;false;2;;\n");
	int64_t version = instance_of(f, id).version;
	REFUSED(ERR_CONFLICT, "link.withdrawn", act_through(f, &ann, version, "{\"words\":\"no\"}"));
	REFUSED(ERR_CONFLICT, "link.withdrawn", act_through(f, &phone, version, "{\"words\":\"no\"}"));
	assert_str(state_of(f, id), "open");
	/* The case goes to another town: other people, and the old link is good again. */
	OK(send_signal(f, id, "call", "{}"));
	import(f, HEAD "a;Ann;ann@x.dk;20202020;odense;false;2;;\n");
	OK(act_through(f, &ann, instance_of(f, id).version, "{\"words\":\"yes\"}"));
	struct history_list entries = history_of(f, id);
	assert_non_null(strstr(arena_z(f->arena, entries.items[entries.count - 1].payload), "\"granted-by\":\"3 a\""));
	assert_sound(f);
}

static void test_lists(void **state) {
	struct fixture *f = *state;
	for (int i = 0; i < 5; i++)
		begin(f, "odense");
	begin(f, "ribe");
	assert_int_equal(listed(f, "ann@x.dk", "clerk"), 5);
	assert_int_equal(listed(f, "di@x.dk", "clerk"), 1);
	assert_int_equal(listed(f, "eva@x.dk", "clerk"), 5);
	assert_int_equal(listed(f, "eva@x.dk", "boss"), 6);
	assert_int_equal(listed(f, "bo@x.dk", "clerk"), 0);
	assert_int_equal(listed(f, "cy@x.dk", "clerk"), 0);
	assert_int_equal(listed(f, "ann@x.dk", "phone"), 0);
	assert_int_equal(listed(f, "me@x.dk", "guest"), 6);
	/* Two towns, and a part of her own in one of the cases. */
	import(f, HEAD "a;Ann;ann@x.dk;;odense;false;2;;\nb;Ann;ann@x.dk;;ribe;false;2;;\nc;Me;me@x.dk;;odense;false;9;;\n");
	assert_int_equal(listed(f, "ann@x.dk", "clerk"), 6);
	assert_int_equal(listed(f, "me@x.dk", "clerk"), 5);
	assert_int_equal(listed(f, "eva@x.dk", "boss"), 0);
}

/* What was written to whoever has left is not sent. */
static void test_lost(void **state) {
	struct fixture *f = *state;
	int64_t id = begin(f, "odense"), day = site_day(f->site, clock_now());
	struct contact ann = contact_of(f, "ann@x.dk"), me = contact_of(f, "me@x.dk");
	bool lost = true;
	tx_open(f);
	OK(grant_lost(tx_view(f->tx), id, STR("clerk"), ann.id, day, &lost, &f->err) && !lost);
	OK(grant_lost(tx_view(f->tx), id, STR("guest"), me.id, day, &lost, &f->err) && !lost);
	OK(grant_lost(tx_view(f->tx), id, STR("clerk"), me.id, day, &lost, &f->err) && lost);
	OK(tx_end(f, true));
	import(f, HEAD);
	tx_open(f);
	OK(grant_lost(tx_view(f->tx), id, STR("clerk"), ann.id, day, &lost, &f->err) && lost);
	OK(tx_end(f, true));
}

static bool cancel_tasks(struct fixture *f, int64_t id) {
	struct outbox_tasks tasks;
	bool ok = outbox_tasks(tx_view(f->tx), id, f->arena, &tasks, &f->err);
	for (size_t i = 0; ok && i < tasks.count; i++)
		ok = outbox_cancel(f->tx, tasks.items[i].id, &f->err);
	return ok;
}

/* Somebody whom a register names keeps the address, and the log-in, when a case is erased. */
static void test_erased(void **state) {
	struct fixture *f = *state;
	int64_t id = begin(f, "odense");
	tx_open(f);
	OK(tx_end(f, cancel_tasks(f, id) && erasure_of_instance(f->tx, id, clock_now(), &f->err)));
	assert_str(people_of(f, id), "");
	(void)contact_of(f, "ann@x.dk");
	struct contact gone;
	struct view *v = store_view(f->store, &f->err);
	assert_false(contact_find(v, CHANNEL_MAIL, STR("me@x.dk"), f->arena, &gone, &f->err));
	view_close(v);
	assert_sound(f);
}

static void change_store(struct fixture *f, const char *sql) {
	tx_open(f);
	OK(db_script(tx_db(f->tx), sql, &f->err));
	OK(db_script(tx_db(f->tx), "INSERT INTO register_replacements (name, at, added, changed, removed) VALUES ('desk.staff', 1, 0, 1, 0)", &f->err)); /* what is remembered of it is old */
	OK(tx_end(f, true));
}

static void test_verify_finds(void **state) {
	static const char *const changes[][2] = {
	        {"UPDATE scopes SET scope = '[\"ribe\",false]' WHERE role = 'clerk'", "UPDATE scopes SET scope = '[\"odense\",false]' WHERE role = 'clerk'"},
	        {"UPDATE register_rows SET data = replace(data, 'odense', 'ribe') WHERE key = 'a'", "UPDATE register_rows SET data = replace(data, 'ribe', 'odense') WHERE key = 'a'"},
	        {"UPDATE register_rows SET data = replace(data, 'ann@', 'any@') WHERE key = 'a'", "UPDATE register_rows SET data = replace(data, 'any@', 'ann@') WHERE key = 'a'"},
	        {"UPDATE register_rows SET data = replace(data, ':2', ':1') WHERE key = 'a'", "UPDATE register_rows SET data = replace(data, ':1', ':2') WHERE key = 'a'"},
	        {"UPDATE register_rows SET valid_until = 1 WHERE key = 'a'", "UPDATE register_rows SET valid_until = NULL WHERE key = 'a'"},
	        {"UPDATE register_rows SET version = 7 WHERE key = 'a'", "UPDATE register_rows SET version = 1 WHERE key = 'a'"},
	};
	struct fixture *f = *state;
	int64_t id = begin(f, "odense");
	OK(act(f, id, "ann@x.dk", "answer", "{\"words\":\"yes\"}"));
	assert_sound(f);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct buf out;
		buf_init(&out, 10000);
		change_store(f, changes[i][0]);
		if (faults_of(f, id, &out) == 0)
			fail_msg("verify does not see: %s", changes[i][0]);
		buf_free(&out);
		change_store(f, changes[i][1]);
		assert_sound(f);
	}
}

/* A row more changes nothing that a case does: what is asked goes by its scope and by the contact. */
static void test_many(void **state) {
	enum { MANY = 3000 };
	struct fixture *f = *state;
	struct buf csv;
	buf_init(&csv, 1 << 20);
	buf_z(&csv, HEAD);
	for (int i = 0; i < MANY; i++)
		buf_printf(&csv, "k%d;Name %d;m%d@x.dk;;town%d;false;2;;\n", i, i, i, i / 3);
	int64_t id = begin(f, "town7");
	import(f, csv.at);
	buf_free(&csv);
	assert_str(people_of(f, id), "guest:me@x.dk clerk:m21@x.dk clerk:m22@x.dk clerk:m23@x.dk");
	assert_int_equal(listed(f, "m22@x.dk", "clerk"), 1);
	assert_int_equal(listed(f, "m24@x.dk", "clerk"), 0);
}

static void wrong(struct fixture *f, const char *from, const char *to, const char *said) {
	assert_told_of(f, desk, from, to, registers, HEAD, said);
}

static void test_checked(void **state) {
	struct fixture *f = *state;
	wrong(f, "grants: staff, contact: address, name", "grants: stuff, contact: address, name", "unknown register 'stuff'; did you mean 'staff'?");
	wrong(f, "contact: address, name: name", "contact: adress, name: name", "unknown column 'adress'; did you mean 'address'?");
	wrong(f, "contact: address, name: name", "contact: town, name: name", "'contact' of role 'clerk': the column 'town' is of type text, expected email or phone");
	wrong(f, "name: name, where", "name: level, where", "'name' of role 'clerk': the column 'level' must be of type text");
	wrong(f, "row.level > 1", "row.level", "bool is expected, this is int");
	wrong(f, "row.level > 1", "row.level > size", "unknown name 'size'");
	wrong(f, "row.level > 1", "today > row.since", "unknown name 'today'");
	wrong(f, "scope: {town: town, big", "scope: {twon: town, big", "unknown column 'twon'; did you mean 'town'?");
	wrong(f, "scope: {town: town, big", "scope: {town: size, big", "column 'town' is string, but this is int");
	wrong(f, "scope: {town: town, big", "scope: {town: state, big", "it reads fields alone");
	wrong(f, "scope: {town: town, big", "scope: {town: \"rows(staff)[0].town\", big", "it reads fields alone");
	wrong(f, "guest: {contact: mail}", "guest: {contact: mail, scope: {town: town}}", "key 'scope' in role 'guest': it belongs to 'grants'");
	wrong(f, "guest: {contact: mail}", "guest: {contact: mail, where: true}", "key 'where' in role 'guest': it belongs to 'grants'");
	wrong(f, "start: {by: guest", "start: {by: clerk", "the people of 'clerk' are rows of a register; whoever starts a case is named by a field");
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_people, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_acts, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_lost, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_erased, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_verify_finds, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_checked, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
