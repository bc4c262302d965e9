/* Starts that begin from a case of another workflow: which cases fit, what is taken from one, and what has changed by the time that the form is sent. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/links.h"

static const char loan[] =
        "workflow: loan\n"
        "start: {by: member, form: ask}\n"
        "roles: {member: {contact: mail}, friend: {contact: other}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  other: {type: email}\n"
        "  thing: {type: ref, register: things}\n"
        "  days: {type: int}\n"
        "forms: {ask: {fields: [mail, other, thing, {field: days, optional: true}]}}\n"
        "initial: out\n"
        "states:\n"
        "  out: {on: {end: {target: back}, days: {actions: [{set: {days: '3'}}]}, pass: {actions: [{set: {mail: \"'new@x.dk'\"}}]}}}\n"
        "  back: {final: true}\n";
static const char things[] = "things: {key: id, label: name, columns: {id: text, name: text}}\n";

static const char damage[] =
        "workflow: damage\n"
        "start: {by: member, form: tell, from: {workflow: loan, when: state == 'out', take: [thing, days]}}\n"
        "roles: {member: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  thing: {type: ref, register: things}\n"
        "  days: {type: int, max: 5}\n"
        "  what: {type: text}\n"
        "forms: {tell: {show: [thing], fields: [what]}}\n"
        "initial: told\n"
        "states: {told: {after: [{in: 1d, target: over}]}, over: {final: true}}\n";
static const char shared[] = "things: {from: loan, key: id, label: name, columns: {id: text, name: text}}\n";

static void take_things(struct fixture *f, const char *csv) {
	load_register(f, site_package(f->site, STR("loan")), definition_register(definition_of(f, "loan"), STR("things")), csv);
}

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, loan, things, NULL);
	package_write(f, damage, shared, NULL);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	take_things(f, "id,name\nsaw,Saw\ndrill,Drill\n");
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static int64_t lend(struct fixture *f, const char *thing, const char *days) {
	char json[200];
	snprintf(json, sizeof json, "{\"mail\":\"ida@x.dk\",\"other\":\"bo@x.dk\",\"thing\":\"%s\",\"days\":\"%s\"}", thing, days);
	return start(f, "loan", json);
}

static int64_t contact_of(struct fixture *f, const char *address) {
	struct contact contact;
	struct view *v = store_view(f->store, &f->err);
	OK(v && contact_find(v, CHANNEL_MAIL, str_from(address), f->arena, &contact, &f->err));
	view_close(v);
	return contact.id;
}

/* The cases that fit, newest first, by the thing that each is about. */
static struct str cases_of(struct fixture *f, const char *address) {
	struct start_look look = {f->engine, store_view(f->store, &f->err), clock_now(), definition_of(f, "damage"), 0, NULL, f->arena};
	struct start_cases cases;
	struct str out = STR("");
	look.contact_id = contact_of(f, address);
	OK(engine_start_cases(&look, &cases, &f->err));
	for (size_t i = 0; i < cases.count; i++)
		out = arena_printf(f->arena, "%.*s%s%.*s", STR_ARG(out), i ? " " : "", STR_ARG(value_text(f->arena, &cases.items[i].values[1].record.members[0])));
	view_close(look.view);
	return out;
}

static struct link begin_from(struct fixture *f, int64_t from_id) {
	struct link link;
	int64_t ida = contact_of(f, "ida@x.dk");
	tx_open(f);
	OK(tx_end(f, engine_start_link_for(f->engine, f->tx, clock_now(), STR("damage"), ida, from_id, &link, &f->err)));
	return link;
}

static struct link_view look(struct fixture *f, const struct link *link) {
	struct link_view out;
	struct view *v = store_view(f->store, &f->err);
	OK(engine_look(f->engine, v, clock_now(), engine_token(f->engine, link, f->arena), f->arena, &out, &f->err));
	view_close(v);
	return out;
}

static bool send(struct fixture *f, struct link *link) {
	struct answers answers = answers_of(f, "{\"what\":\"It broke\"}");
	struct start_request request = {.workflow = STR("damage"), .answers = &answers, .link = link};
	engine_act_key(link, STR(""), 0, request.key);
	tx_open(f);
	return tx_end(f, engine_start(f->engine, f->tx, clock_now(), &request, f->arena, &f->refused, &f->receipt, &f->err));
}

/* Neither what somebody else's role is, nor what has ended, nor where something that is taken has no value. */
static void only_cases_that_fit(void **state) {
	struct fixture *f = *state;
	int64_t saw = lend(f, "saw", "1"), drill = lend(f, "drill", "");
	assert_str(cases_of(f, "ida@x.dk"), "saw");
	assert_str(cases_of(f, "bo@x.dk"), "");
	OK(send_signal(f, drill, "days", "{}"));
	assert_str(cases_of(f, "ida@x.dk"), "drill saw");
	OK(send_signal(f, saw, "end", "{}"));
	assert_str(cases_of(f, "ida@x.dk"), "drill");
	OK(send_signal(f, drill, "pass", "{}"));
	assert_str(cases_of(f, "ida@x.dk"), "");
	assert_str(cases_of(f, "new@x.dk"), "drill");
}

/* The case of the link, not the newest; what is taken is as it is there, also where no answer could be so: a row that is gone, a number beyond `max`. */
static void what_is_taken_is_as_it_was(void **state) {
	struct fixture *f = *state;
	int64_t saw = lend(f, "saw", "9");
	lend(f, "drill", "2");
	struct link link = begin_from(f, saw);
	take_things(f, "id,name\ndrill,Drill\n");
	assert_true(look(f, &link).open);
	OK(send(f, &link));
	assert_str(field_of(f, f->receipt.instance_id, "days"), "9");
	assert_str(field_of(f, f->receipt.instance_id, "mail"), "ida@x.dk");
	assert_sound(f);
}

/* Asked once more when it is sent, in the transaction: the case has ended, or is somebody else's. */
static void what_has_changed_meanwhile(void **state) {
	struct fixture *f = *state;
	int64_t saw = lend(f, "saw", "1"), drill = lend(f, "drill", "1");
	struct link ended = begin_from(f, saw), passed = begin_from(f, drill);
	assert_true(look(f, &ended).open);
	OK(send_signal(f, saw, "end", "{}"));
	OK(send_signal(f, drill, "pass", "{}"));
	assert_true(look(f, &ended).missing && !look(f, &ended).open);
	REFUSED(ERR_CONFLICT, "start.missing", send(f, &ended));
	REFUSED(ERR_CONFLICT, "start.missing", send(f, &passed));
	assert_int_equal(look(f, &ended).link.state, LINK_LIVE);
	assert_sound(f);
}

/* Without a log-in the answers name the person, and the newest case counts. */
static void without_a_link(void **state) {
	struct fixture *f = *state;
	REFUSED(ERR_CONFLICT, "start.missing", try_start(f, "damage", "{\"mail\":\"ida@x.dk\",\"what\":\"It broke\"}"));
	lend(f, "saw", "1");
	int64_t drill = lend(f, "drill", "1");
	int64_t id = start(f, "damage", "{\"mail\":\"Ida@x.dk\",\"what\":\"It broke\",\"thing\":\"saw\",\"days\":\"4\"}");
	assert_str(field_of(f, id, "days"), "1");
	OK(send_signal(f, drill, "end", "{}"));
	REFUSED(ERR_CONFLICT, "start.missing", try_start(f, "damage", "{\"mail\":\"bo@x.dk\",\"what\":\"It broke\"}"));
	assert_sound(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {TEST(only_cases_that_fit), TEST(what_is_taken_is_as_it_was), TEST(what_has_changed_meanwhile), TEST(without_a_link)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
