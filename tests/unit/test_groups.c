/* Groups through the engine: expressions over their items, rules, roles filled from them, children for each item, signals, what overviews find, words and placeholders. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/handle.h"
#include "engine/store/listings.h"

static const char trip[] =
        "workflow: trip\n"
        "start: {by: leader, form: ask}\n"
        "roles:\n"
        "  leader: {contact: mail}\n"
        "  helper: {contact: helper_mails}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  guests:\n"
        "    type: group\n"
        "    many: 1..5\n"
        "    fields:\n"
        "      name: {type: text}\n"
        "      mail: {type: email, optional: true}\n"
        "      age: {type: int}\n"
        "      since: {type: date, optional: true}\n"
        "      thing: {type: ref, register: things, optional: true}\n"
        "  helper_mails: {type: email, many: 1..5}\n"
        "  names: {type: text, many: 1..9}\n"
        "  facts: {type: text}\n"
        "  old: {type: int}\n"
        "let:\n"
        "  adults: guests.filter(g, g.age >= 18)\n"
        "forms:\n"
        "  ask: {fields: [mail, guests]}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    entry:\n"
        "      - set: {helper_mails: 'guests.map(g, has(g.mail), g.mail)', names: 'adults.map(g, g.name)', old: size(adults)}\n"
        "      - send: {to: helper, message: hello, link: one}\n"
        "    on:\n"
        "      go: {target: b}\n"
        "      count: {cases: [{guard: \"guests[0].name == 'Ida' && guests.all(g, g.age > 3) && guests.exists(g, has(g.thing) && g.thing.name == 'Axe') && size(guests) == 3\",\n"
        "                       actions: [{set: {facts: \"guests[1].name + ' ' + string(guests[2].age)\"}}]}]}\n"
        "      unsure: {cases: [{guard: \"guests[1].mail == 'x'\", target: c}]}\n"
        "      same: {cases: [{guard: 'guests[0] == guests[2] && guests[0] in guests && size(distinct(guests)) == 2', target: b}]}\n"
        "      drop: {actions: [{set: {guests: \"guests.filter(g, g.name != 'Bo')\"}}]}\n"
        "      clear: {actions: [{set: {guests: null}}]}\n"
        "      change: {}\n"
        "  b:\n"
        "    entry:\n"
        "      - start: {workflow: guest, each: guests, data: {mail: mail, name: item.name, born: \"2026 - item.age\"}}\n"
        "      - start: {workflow: guest, data: {mail: mail, name: \"'all'\", guests: guests}}\n"
        "    on: {change: {}, end: {target: c}}\n"
        "  c: {final: true}\n"
        "views:\n"
        "  one: {kind: page, for: [helper, leader], fields: [guests]}\n"
        "  list: {kind: list, for: leader, columns: [guests], search: [guests]}\n";

static const char guest[] =
        "workflow: guest\n"
        "start: {by: owner, form: begin}\n"
        "roles: {owner: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  name: {type: text}\n"
        "  born: {type: int}\n"
        "  guests: {type: group, many: 1..9, fields: {name: {type: text}, thing: {type: ref, register: things, optional: true}, since: {type: date, optional: true}}}\n"
        "forms: {begin: {fields: [mail, name, {field: born, optional: true}, {field: guests, optional: true}]}}\n"
        "initial: a\n"
        "states:\n"
        "  a: {on: {go: {target: b}}}\n"
        "  b: {final: true}\n";
static const char registers[] = "things: {key: id, label: name, columns: {id: text, name: text}, sample: rows.csv}\n";
static const char rows[] = "id,name\na,Axe\nb,Bat\n";

#define IDA "{\"name\":\"Ida\",\"mail\":\"ida@x.dk\",\"age\":40,\"thing\":\"a\"}"
#define BO "{\"name\":\"Bo\",\"age\":7,\"since\":\"2026-01-02\"}"
#define ASK "{\"mail\":\"lea@x.dk\",\"guests\":[" IDA "," BO "," IDA "]}"

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, trip, registers, rows);
	package_write(f, guest, registers, rows);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	for (size_t i = 0; i < 2; i++) {
		const struct package *package = site_package_at(f->site, i);
		load_register(f, package, &package->definition->registers.items[0], rows);
	}
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static void signal_now(struct fixture *f, int64_t id, const char *event, const char *json) {
	OK(send_signal(f, id, event, json));
	OK(run_due(f));
}

static void test_expressions(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "trip", ASK);
	assert_str(field_of(f, id, "helper_mails"), "[\"ida@x.dk\",\"ida@x.dk\"]");
	assert_str(field_of(f, id, "names"), "[\"Ida\",\"Ida\"]");
	assert_str(field_of(f, id, "old"), "2");
	assert_str(messages_of(f, id), "hello>ida@x.dk queued"); /* a role's contacts */
	signal_now(f, id, "count", "{}");
	assert_str(field_of(f, id, "facts"), "Bo 40");
	signal_now(f, id, "unsure", "{}"); /* what is not given is an error: the guard is not passed */
	assert_str(state_of(f, id), "a");
	signal_now(f, id, "drop", "{}");
	assert_str(field_of(f, id, "guests"), "[{\"name\":\"Ida\",\"mail\":\"ida@x.dk\",\"age\":40,\"since\":null,\"thing\":{\"key\":\"a\",\"version\":\"1\"}},"
	                                      "{\"name\":\"Ida\",\"mail\":\"ida@x.dk\",\"age\":40,\"since\":null,\"thing\":{\"key\":\"a\",\"version\":\"1\"}}]");
	signal_now(f, id, "clear", "{}");
	assert_str(field_of(f, id, "guests"), "unset");
}

static void test_signals(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "trip", ASK);
	signal_now(f, id, "change", "{\"guests\":[{\"name\":\"Eva\",\"age\":5}]}");
	assert_str(field_of(f, id, "guests"), "[{\"name\":\"Eva\",\"mail\":null,\"age\":5,\"since\":null,\"thing\":null}]");
	signal_now(f, id, "change", "{\"guests\":[{\"name\":\"Nobody\"}]}"); /* refused: no age */
	assert_str(field_of(f, id, "guests"), "[{\"name\":\"Eva\",\"mail\":null,\"age\":5,\"since\":null,\"thing\":null}]");
}

static void test_children(void **state) {
	struct fixture *f = *state;
	struct instance_list list = {0};
	int64_t id = start(f, "trip", ASK);
	signal_now(f, id, "same", "{}");
	assert_str(state_of(f, id), "b");
	struct instance_query query = {.parent_id = id, .limit = 10};
	struct view *v = store_view(f->store, &f->err);
	OK(v && instance_query(v, &query, f->arena, &list, NULL, &f->err));
	view_close(v);
	assert_int_equal(list.count, 4);
	static const char *const wanted[][3] = {
	        {"Ida", "1986", "unset"},
	        {"Bo", "2019", "unset"},
	        {"Ida", "1986", "unset"},
	        {"all", "unset",
	         "[{\"name\":\"Ida\",\"thing\":{\"key\":\"a\",\"version\":\"1\"},\"since\":null},{\"name\":\"Bo\",\"thing\":null,\"since\":\"2026-01-02\"},"
	         "{\"name\":\"Ida\",\"thing\":{\"key\":\"a\",\"version\":\"1\"},\"since\":null}]"},
	};
	for (size_t i = 0; i < 4; i++) {
		int64_t child = list.items[i].id;
		assert_str(field_of(f, child, "name"), wanted[i][0]);
		assert_str(field_of(f, child, "born"), wanted[i][1]);
		assert_str(field_of(f, child, "guests"), wanted[i][2]);
	}
}

static size_t found(struct fixture *f, const char *words) {
	struct listed_list list;
	struct link link = {0};
	assert_true(find_link(f, f->receipt.instance_id, "ida@x.dk", "one", &link));
	struct str role = STR("helper");
	struct listing_query query = {.contact_id = link.contact_id, .roles = &role, .role_count = 1, .workflow = STR("trip"), .searched = STR("list"), .search = str_from(words), .limit = 10};
	struct view *v = store_view(f->store, &f->err);
	OK(v && listing_query(v, &query, f->arena, &list, &f->err));
	view_close(v);
	return list.count;
}

/* What stands in the items is found, and not what their fields are called. */
static void test_search(void **state) {
	struct fixture *f = *state;
	start(f, "trip", ASK);
	assert_int_equal(found(f, "bo"), 1);
	assert_int_equal(found(f, "axe"), 1);
	assert_int_equal(found(f, "2-1-2026"), 1);
	assert_int_equal(found(f, "since"), 0);
	assert_int_equal(found(f, "bat"), 0);
}

static void test_words(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "trip", ASK);
	struct view *v = store_view(f->store, &f->err);
	assert_non_null(v);
	struct register_port port = data_store_port(v);
	const struct package *package = site_package(f->site, STR("trip"));
	const struct definition *d = package->definition;
	struct value *values = ARENA_ARRAY(f->arena, d->fields.count, struct value);
	OK(data_from_json(d, instance_of(f, id).data, &port, f->arena, values, &f->err));
	const struct field *field = definition_field(d, STR("guests"));
	const struct language *en = language_get(site_languages(f->site), STR("en"));
	struct str text = texts_value(package->texts, d, en, site_zone(f->site), field, &values[field->slot], &port, f->arena);
	assert_str(text, "A field: Ida, A field: ida@x.dk, A field: 40, A field: Axe\nA field: Bo, A field: 7, A field: Friday 2 January 2026\nA field: Ida, A field: ida@x.dk, A field: 40, A field: Axe");
	struct template_value items = texts_items(package->texts, d, en, site_zone(f->site), field, &values[field->slot], &port, f->arena);
	assert_int_equal(items.count, 3);
	assert_str(items.text, text.at);
	assert_int_equal(items.items[1].member_count, 5);
	assert_str(items.items[1].members[0].name, "name");
	assert_str(items.items[1].members[0].value->text, "Bo");
	assert_int_equal(items.items[1].members[1].value->kind, TV_NONE);
	assert_int_equal(items.items[0].members[1].value->kind, TV_TEXT);
	view_close(v);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_expressions), TEST(test_signals), TEST(test_children), TEST(test_search), TEST(test_words)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
