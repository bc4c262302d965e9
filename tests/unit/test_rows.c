/* Registers as lists in expressions, and registers of another workflow: a club that asks each of its members for the fee. */
#include "tests/unit/workflow_fixture.h"

static const char dues[] =
        "workflow: dues\n"
        "start: {by: treasurer, form: ask}\n"
        "roles: {treasurer: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  year: {type: int}\n"
        "  names: {type: text, many: 1..1000}\n"
        "  captain: {type: ref, register: teams}\n"
        "let:\n"
        "  grown: rows(members).filter(m, m.fee >= 100)\n"
        "forms: {ask: {fields: [mail, year]}}\n"
        "initial: preparing\n"
        "states:\n"
        "  preparing:\n"
        "    entry: [{set: {names: 'rows(members).sortBy(m, m.team, -m.fee).map(m, m.name)'}}]\n"
        "    on:\n"
        "      ask: {cases: [{guard: 'size(grown) > 1', target: asking}, {target: alone}]}\n"
        "      look: {actions: [{set: {captain: \"rows(teams).filter(t, t.open)[0]\"}}]}\n"
        "      idle: {actions: [{set: {year: year + 1}}]}\n"
        "  asking:\n"
        "    entry:\n"
        "      - start: {workflow: due, each: rows(members), data: {mail: item.mail, fee: item.fee, team: item.team}}\n"
        "    after: [{in: 30d, target: done}]\n"
        "    on: {count: {cases: [{guard: \"size(children) == 10001 && children.all(c, c.ended)\", target: done}]}}\n"
        "  alone: {final: true}\n"
        "  done: {final: true}\n";
static const char dues_registers[] =
        "members: {key: id, label: name, columns: {id: text, name: text, mail: text, fee: int, team: text, joined: date, left: date}, valid: {from: joined, until: left}}\n"
        "teams: {key: id, label: name, columns: {id: text, name: text, open: bool}}\n";

static const char due[] =
        "workflow: due\n"
        "start: {by: member, form: begin}\n"
        "roles: {member: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  fee: {type: int}\n"
        "  team: {type: ref, register: teams, where: row.open}\n"
        "  mates: {type: int, default: size(rows(teams))}\n"
        "forms: {begin: {fields: [mail, fee, {field: team, optional: true}]}}\n"
        "initial: open\n"
        "states:\n"
        "  open: {after: [{in: 20d, target: lost}]}\n"
        "  lost: {final: true}\n";
static const char due_registers[] = "teams: {from: dues, key: id, label: name, columns: {id: text, name: text, open: bool}}\n";

static const char watch[] =
        "workflow: guard\n"
        "start: {by: keeper, form: begin}\n"
        "roles: {keeper: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  who: {type: ref, register: members}\n"
        "  captain: {type: ref, register: members, default: \"'a'\"}\n"
        "forms: {begin: {fields: [mail, who]}}\n"
        "initial: open\n"
        "states:\n"
        "  open: {after: [{in: 20d, target: lost}]}\n"
        "  lost: {final: true}\n";
static const char watch_registers[] = "members: {from: dues, key: id, label: name, columns: {id: text, name: text, joined: date, left: date}, valid: {from: joined, until: left}}\n";

#define MEMBERS "id;name;mail;fee;team;joined;left\nb;Bo;bo@example.dk;200;reds;;\na;Ida;ida@example.dk;50;blues;2020-01-01;\nc;Eva;eva@example.dk;300;reds;;2026-03-02\nd;Old;old@example.dk;400;reds;2019-01-01;2026-03-01\ne;New;new@example.dk;500;reds;2026-03-03;\n"
#define TEAMS "id,name,open\ngreens,The greens,false\nblues,The blues,true\nreds,The reds,true\n"

static void import(struct fixture *f, const char *name, const char *csv) {
	const struct package *package = site_package(f->site, STR("dues"));
	load_register(f, package, definition_register(package->definition, str_from(name)), csv);
}

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, dues, dues_registers, NULL);
	package_write(f, due, due_registers, NULL);
	package_write(f, watch, watch_registers, NULL);
	fixture_open(f, true);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	import(f, "members", MEMBERS);
	import(f, "teams", TEAMS);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static int64_t prepared(struct fixture *f) {
	return start(f, "dues", "{\"mail\":\"kim@example.dk\",\"year\":2026}");
}

static struct instance_list children_of(struct fixture *f, int64_t id) {
	struct instance_list list = {0};
	struct view *v = store_view(f->store, &f->err);
	OK(instance_query(v, &(struct instance_query){.parent_id = id, .limit = 20000}, f->arena, &list, NULL, &f->err));
	view_close(v);
	return list;
}

static size_t count_in(struct fixture *f, int64_t id, const char *state) {
	struct instance_list children = children_of(f, id);
	size_t count = 0;
	for (size_t i = 0; i < children.count; i++)
		count += str_is(children.items[i].state, state);
	return count;
}

static bool payload_has(struct fixture *f, int64_t id, const char *text) {
	struct history_list list = history_of(f, id);
	struct str payload = list.items[list.count - 1].payload;
	return memmem(payload.at, payload.len, text, strlen(text)) != NULL;
}

static void test_lists(void **state) {
	struct fixture *f = *state;
	int64_t id = prepared(f);
	assert_str(field_of(f, id, "names"), "[\"Ida\",\"Eva\",\"Bo\"]");
	OK(send_signal(f, id, "look", "{}"));
	assert_str(field_of(f, id, "captain"), "{\"key\":\"blues\",\"version\":\"1\"}");
	assert_true(payload_has(f, id, "\"reads\":[\"rows dues.teams"));
	OK(send_signal(f, id, "idle", "{}"));
	assert_false(payload_has(f, id, "rows dues.")); /* what no expression of the event asks for is not read */
}

static void test_each(void **state) {
	struct fixture *f = *state;
	int64_t id = prepared(f);
	OK(send_signal(f, id, "ask", "{}"));
	assert_str(state_of(f, id), "asking");
	assert_true(payload_has(f, id, "\"reads\":[\"rows dues.members\"]")); /* by the guard and the action, noted once */
	struct instance_list children = children_of(f, id);
	assert_int_equal(children.count, 3);
	int64_t fees = 0;
	for (size_t i = 0; i < children.count; i++) {
		int64_t fee;
		assert_true(str_to_int(field_of(f, children.items[i].id, "fee"), &fee));
		assert_str(field_of(f, children.items[i].id, "mates"), "3");
		fees += fee;
	}
	assert_int_equal(fees, 550);
}

/* Dates count in the site's zone, the last day included; what was chosen stays. */
static void test_validity(void **state) {
	struct fixture *f = *state;
	clock_simulate(instant_at(f, "2026-03-02T23:59"), 0);
	assert_str(field_of(f, prepared(f), "names"), "[\"Ida\",\"Eva\",\"Bo\"]");
	clock_simulate(instant_at(f, "2026-03-03T00:00"), 0);
	assert_str(field_of(f, prepared(f), "names"), "[\"Ida\",\"New\",\"Bo\"]");
	clock_simulate(instant_at(f, "2019-06-01T12:00"), 0); /* the day goes back, too */
	assert_str(field_of(f, prepared(f), "names"), "[\"Old\",\"Eva\",\"Bo\"]");
}

static void test_choices_are_valid(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "guard", "{\"mail\":\"kim@example.dk\",\"who\":\"c\"}");
	assert_str(field_of(f, id, "who"), "{\"key\":\"c\",\"version\":\"1\"}");
	assert_false(try_start(f, "guard", "{\"mail\":\"kim@example.dk\",\"who\":\"d\"}"));
	clock_simulate(instant_at(f, "2026-03-03T10:00"), 0);
	assert_str(field_of(f, id, "who"), "{\"key\":\"c\",\"version\":\"1\"}");
	assert_false(try_start(f, "guard", "{\"mail\":\"kim@example.dk\",\"who\":\"c\"}"));
	assert_string_equal(f->refused.items[0].key, "field.not-choice");
	clock_simulate(instant_at(f, "2020-01-01T00:00"), 0);
	assert_true(try_start(f, "guard", "{\"mail\":\"kim@example.dk\",\"who\":\"a\"}"));
	clock_simulate(instant_at(f, "2019-12-31T23:59"), 0); /* whom the default names has not joined */
	assert_false(try_start(f, "guard", "{\"mail\":\"kim@example.dk\",\"who\":\"b\"}"));
	assert_non_null(strstr(f->err.text, "default of field captain: the row is not valid today"));
}

/* What is imported afterwards counts for the next decision, and a chosen row keeps its version. */
static void test_import_between(void **state) {
	struct fixture *f = *state;
	int64_t id = prepared(f);
	OK(send_signal(f, id, "look", "{}"));
	import(f, "teams", "id,name,open\ngreens,The greens,true\nblues,The old blues,true\n");
	import(f, "members", "id,name,mail,fee,team,joined,left\nb,Bo,bo@example.dk,200,greens,,\n");
	assert_str(field_of(f, id, "captain"), "{\"key\":\"blues\",\"version\":\"1\"}");
	OK(send_signal(f, id, "ask", "{}"));
	assert_str(state_of(f, id), "alone");
	int64_t other = prepared(f);
	OK(send_signal(f, other, "look", "{}"));
	assert_str(field_of(f, other, "captain"), "{\"key\":\"greens\",\"version\":\"2\"}");
}

/* The answer of a child is judged by the rows of the register that both share. */
static void test_shared(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "due", "{\"mail\":\"bo@example.dk\",\"fee\":\"1\",\"team\":\"reds\"}");
	assert_str(field_of(f, id, "team"), "{\"key\":\"reds\",\"version\":\"1\"}");
	assert_false(try_start(f, "due", "{\"mail\":\"bo@example.dk\",\"fee\":\"1\",\"team\":\"greens\"}"));
	assert_string_equal(f->refused.items[0].key, "field.not-choice");
}

/* A register that cannot be read decides nothing: neither the guard's "no" nor anything else is written. */
static void test_broken_row(void **state) {
	struct fixture *f = *state;
	int64_t id = prepared(f);
	struct register_row broken = {.key = STR("x"), .data = STR("{\"id\":\"x\",\"fee\":\"much\"}"), .position = 1};
	struct register_change change;
	tx_open(f);
	OK(register_replace(f->tx, STR("dues.members"), &broken, 1, clock_now(), &change, &f->err));
	OK(tx_end(f, true));
	size_t before = history_of(f, id).count;
	(void)send_signal(f, id, "ask", "{}");
	assert_str(state_of(f, id), "preparing");
	assert_int_equal(history_of(f, id).count, before);
}

static void test_a_whole_round(void **state) {
	enum { MANY = 10001 }; /* more than is taken in one go of anything */
	struct fixture *f = *state;
	struct buf csv;
	buf_init(&csv, 4 << 20);
	buf_z(&csv, "id;name;mail;fee;team;joined;left\n");
	for (int i = 0; i < MANY; i++)
		buf_printf(&csv, "m%d;Member %d;m%d@example.dk;%d;reds;;\n", i, i, i, i % 7 * 50);
	import(f, "members", "id;name;mail;fee;team;joined;left\n");
	int64_t id = prepared(f);
	import(f, "members", csv.at);
	OK(send_signal(f, id, "ask", "{}"));
	assert_str(state_of(f, id), "asking");
	assert_int_equal(children_of(f, id).count, MANY);
	buf_free(&csv);
	/* All that is due at one instant in one round leaves room for others: the writer looks at its queue between. */
	bool more;
	clock_simulate(clock_now() + 20 * (int64_t)86400000, 0);
	tx_open(f);
	OK(tx_end(f, engine_tick(f->engine, f->tx, clock_now(), 100, f->arena, &more, &f->err)));
	assert_true(more);
	assert_int_equal(count_in(f, id, "lost"), 100);
	OK(run_due(f));
	assert_int_equal(count_in(f, id, "lost"), MANY);
	OK(send_signal(f, id, "count", "{}"));
	assert_str(state_of(f, id), "done");
}

/* What is declared again must be what the owner says. */
static void test_declared_again(void **state) {
	static const struct {
		const char *registers, *told, *place;
	} table[] = {
	        {"teams: {from: dues, key: id, label: id, columns: {id: text, open: bool}}\n", NULL, NULL}, /* fewer columns will do */
	        {"teams: {from: dues, key: id, label: name, columns: {id: text, open: bool,\n  name: int}}\n", "column 'name' is int here, but text in register 'dues.teams'", "registers.yaml:2:3"},
	        {"teams: {from: dues, key: id, label: name, columns: {id: text, name: text, opne: bool, open: bool}}\n", "register 'dues.teams' has no column 'opne'; did you mean 'open'?", "registers.yaml:1:75"},
	        {"teams: {from: dues, key: name, label: name, columns: {name: text, open: bool}}\n", "the key of register 'dues.teams' is 'id', not 'name'", "registers.yaml:1:55"},
	        {"teams: {from: dues, key: id, label: id, columns: {id: text, open: bool}}\nmembers: {from: dues, key: id, label: id, columns: {id: text, left: date}, valid: {until: left}}\n",
	         "'valid' of register 'members' does not say what workflow 'dues' says of it", "registers.yaml:2:17"},
	        {"teams: {from: elsewhere, key: id, label: id, columns: {id: text, open: bool}}\n", "no package in this site has the workflow 'elsewhere'", "registers.yaml:1:15"},
	        {"teams: {from: dues, key: id, label: id, columns: {id: text, open: bool}}\ngames: {from: dues, key: id, label: id, columns: {id: text}}\n", "workflow 'dues' has no register 'games'", "registers.yaml:2:15"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct fixture *f = fixture_new();
		struct buf out;
		package_write(f, dues, dues_registers, NULL);
		package_write(f, due, table[i].registers, NULL);
		f->site = site_open(&f->config, &f->problems, &f->err);
		buf_init(&out, 10000);
		problems_print(&f->problems, &out);
		bool told = table[i].told && out.len > 0 && strstr(out.at, table[i].told) && strstr(out.at, table[i].place);
		if (table[i].told ? f->site || !told : !f->site)
			fail_msg("%s: %s is expected, not %s", table[i].registers, table[i].told ? table[i].told : "nothing", out.len > 0 ? out.at : "nothing");
		buf_free(&out);
		if (!f->site) { /* the fixture closes a whole one */
			f->problems = (struct problems){.arena = f->arena};
			f->config.package_count = 0;
			f->site = site_open(&f->config, &f->problems, &f->err);
		}
		store_start(f, false);
		f->engine = engine_open(f->site);
		fixture_close(f);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),   cmocka_unit_test_setup_teardown(test_each, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_validity, set_up, tear_down), cmocka_unit_test_setup_teardown(test_choices_are_valid, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_import_between, set_up, tear_down), cmocka_unit_test_setup_teardown(test_shared, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_broken_row, set_up, tear_down), cmocka_unit_test_setup_teardown(test_a_whole_round, set_up, tear_down),
	        cmocka_unit_test(test_declared_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
