/* Messages that wait while their instance goes on: what their task has become decides whether they still go. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/handle.h"

static const char visit[] =
        "workflow: visit\n"
        "start: {by: guest, form: ask}\n"
        "roles:\n"
        "  guest: {contact: mail}\n"
        "  host: {contact: hosts}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  hosts: {type: email, many: 1..3}\n"
        "  ok: {type: bool, accept: true}\n"
        "  soon: {type: datetime, default: \"datetime('2026-03-03T10:00')\"}\n"
        "  maybe: {type: datetime}\n"
        "  afterwards: {type: datetime, default: \"datetime('2026-03-04T10:00')\"}\n"
        "forms:\n"
        "  ask: {fields: [mail, hosts]}\n"
        "  sure: {fields: [ok], check: false}\n"
        "  pass-on: {fields: [hosts], check: false}\n"
        "initial: open\n"
        "states:\n"
        "  open:\n"
        "    entry:\n"
        "      - send: {to: host, message: now, link: choose}\n"
        "      - send: {to: host, message: help, link: help}\n"
        "      - send: {to: guest, message: seen, link: one}\n"
        "    after: [{in: 7d, name: nudge, actions: [{send: {to: host, message: reminder, link: choose}}]}]\n"
        "    on:\n"
        "      choose: {by: host, form: sure, target: chosen}\n"
        "      help: {by: host, form: sure, optional: true, also: [pass-on]}\n"
        "      pass-on: {by: host, form: pass-on, target: helped}\n"
        "      on: {target: late}\n"
        "      again: {target: open}\n"
        "      back: {target: reminded}\n"
        "      wait: {target: waiting}\n"
        "      wait-long: {target: far}\n"
        "      others: {target: of-guest}\n"
        "      timed: {target: timed}\n"
        "      end: {target: over}\n"
        "  late: {on: {choose: {by: host, form: sure, target: chosen}, end: {target: over}}}\n"
        "  reminded:\n"
        "    entry: [{send: {to: host, message: reminder, link: choose}}]\n"
        "    on: {choose: {by: host, form: sure, target: chosen}}\n"
        "  waiting: {on: {choose: {by: host, form: sure, opens: soon, target: chosen}, far: {target: far}}}\n"
        "  far: {on: {choose: {by: host, form: sure, opens: afterwards, target: chosen}, near: {target: waiting}}}\n"
        "  of-guest: {on: {choose: {by: guest, form: sure, target: chosen}}}\n"
        "  helped: {on: {help: {by: host, form: sure, target: chosen}}}\n"
        "  chosen: {on: {end: {target: over}}}\n"
        "  timed:\n"
        "    entry:\n"
        "      - send: {to: guest, message: until, deadline: soon}\n"
        "      - send: {to: guest, message: within, deadline: 90min}\n"
        "      - set: {soon: soon + 1d}\n"
        "      - send: {to: guest, message: longer, deadline: instant(soon)}\n"
        "      - send: {to: guest, message: lost, deadline: maybe}\n"
        "    on: {end: {target: over}}\n"
        "  over: {final: true}\n"
        "views:\n"
        "  one: {kind: page, for: guest, fields: [hosts]}\n";

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, visit, NULL, NULL);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static int64_t begin(struct fixture *f) {
	return start(f, "visit", "{\"mail\":\"ida@x.dk\",\"hosts\":[\"bo@x.dk\",\"eva@x.dk\"]}");
}

/* Now, all of them queued, the instance hears the signal; `choose` and `help` are then those messages' states. */
static int64_t after(struct fixture *f, const char *signal) {
	int64_t id = begin(f);
	OK(send_signal(f, id, signal, "{}"));
	return id;
}

static void assert_messages(struct fixture *f, int64_t id, const char *choose, const char *help, const char *later) {
	char text[400];
	snprintf(text, sizeof text, "now>bo@x.dk %s; now>eva@x.dk %s; help>bo@x.dk %s; help>eva@x.dk %s; seen>ida@x.dk queued%s", choose, choose, help, help, later);
	assert_str(messages_of(f, id), text);
	assert_sound(f);
}

/* The state that is entered takes the one task and not the other; a way to a page is no task. */
static void what_can_still_be_done_is_still_sent(void **state) {
	struct fixture *f = *state;
	int64_t id = after(f, "on");
	assert_str(state_of(f, id), "late");
	assert_messages(f, id, "queued", "cancelled", "");
	OK(act(f, id, "eva@x.dk", "choose", "{\"ok\":true}"));
	assert_messages(f, id, "cancelled", "cancelled", ""); /* Bo's too: it is done */
}

static void an_end_ends_all_tasks(void **state) {
	struct fixture *f = *state;
	int64_t id = after(f, "on");
	OK(send_signal(f, id, "end", "{}"));
	assert_messages(f, id, "cancelled", "cancelled", "");
}

/* Sent anew, by the same message or by another one with the same link: nobody gets two. */
static void what_comes_anew_comes_once(void **state) {
	struct fixture *f = *state;
	int64_t id = after(f, "again");
	assert_messages(f, id, "cancelled", "cancelled", "; now>bo@x.dk queued; now>eva@x.dk queued; help>bo@x.dk queued; help>eva@x.dk queued; seen>ida@x.dk queued");
	id = after(f, "back");
	assert_messages(f, id, "cancelled", "cancelled", "; reminder>bo@x.dk queued; reminder>eva@x.dk queued");
}

/* "You can do it now" is not true where one can only later; what was announced for a day is true until it is put off. */
static void what_opens_later_is_not_sent(void **state) {
	struct fixture *f = *state;
	int64_t id = after(f, "wait");
	assert_messages(f, id, "cancelled", "cancelled", "");
	id = after(f, "wait-long");
	assert_messages(f, id, "cancelled", "cancelled", "");
}

static int64_t in_state(struct fixture *f, const char *signal, const char *sql) {
	int64_t id = after(f, signal);
	tx_open(f);
	OK(tx_end(f, db_script(tx_db(f->tx), sql, &f->err)));
	return id;
}

static void what_was_announced_holds_until_it_is_put_off(void **state) {
	struct fixture *f = *state;
	static const char anew[] = "UPDATE outbox SET state = 'queued' WHERE message = 'now'";
	int64_t id = in_state(f, "wait-long", anew);
	OK(send_signal(f, id, "near", "{}")); /* it opens earlier */
	assert_messages(f, id, "queued", "cancelled", "");
	OK(send_signal(f, id, "far", "{}"));
	assert_messages(f, id, "cancelled", "cancelled", "");
	id = in_state(f, "wait", anew);
	advance_to(f, "2026-03-05T10:00"); /* both have opened */
	OK(send_signal(f, id, "far", "{}"));
	assert_messages(f, id, "queued", "cancelled", "");
}

static void what_another_role_does_is_another_task(void **state) {
	struct fixture *f = *state;
	assert_messages(f, after(f, "others"), "cancelled", "cancelled", "");
}

/* Done through one link, though the state stays: the doer's own reminder goes no more, the other's does. */
static void who_has_done_it_is_not_asked_again(void **state) {
	struct fixture *f = *state;
	int64_t id = begin(f);
	OK(act(f, id, "eva@x.dk", "help", "{\"ok\":true}"));
	assert_str(messages_of(f, id), "now>bo@x.dk queued; now>eva@x.dk queued; help>bo@x.dk queued; help>eva@x.dk cancelled; seen>ida@x.dk queued");
	assert_sound(f);
}

/* Eva does what the page of `help` offers beside: her link is used; Bo can still help, and is still asked to. */
static void a_way_beside_the_task_uses_its_link(void **state) {
	struct fixture *f = *state;
	int64_t id = begin(f);
	struct link link = link_to(f, id, "eva@x.dk", "help");
	struct answers answers = answers_of(f, "{\"hosts\":[\"bo@x.dk\",\"eva@x.dk\"]}");
	struct act_request request = {.link = &link, .event = STR("pass-on"), .version = instance_of(f, id).version, .answers = &answers};
	tx_open(f);
	OK(tx_end(f, engine_act(f->engine, f->tx, clock_now(), &request, f->arena, &f->refused, &f->receipt, &f->err)));
	assert_str(state_of(f, id), "helped");
	assert_str(messages_of(f, id), "now>bo@x.dk cancelled; now>eva@x.dk cancelled; help>bo@x.dk queued; help>eva@x.dk cancelled; seen>ida@x.dk queued");
	assert_sound(f);
}

/* Told as the fields are where the message is sent; by hand neither is it sent later; without a time that can be computed it goes as any other. */
static void what_would_come_too_late_expires(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *message, *deadline;
	} timed[] = {{"until", "2026-03-03T10:00"}, {"within", "2026-03-02T11:30"}, {"longer", "2026-03-04T10:00"}, {"lost", NULL}};
	int64_t id = after(f, "timed"), count;
	struct outbox_list rows;
	tx_open(f);
	OK(outbox_of_instance(tx_view(f->tx), id, f->arena, &rows, &f->err));
	assert_int_equal(rows.count, 5 + 4);
	for (size_t i = 0; i < 4; i++) {
		const struct outbox_row *row = &rows.items[5 + i];
		int64_t deadline = timed[i].deadline ? instant_at(f, timed[i].deadline) : 0;
		assert_str(row->message, timed[i].message);
		assert_int_equal(row->deadline_at, deadline);
		assert_int_equal(row->limit_at, deadline);
	}
	OK(outbox_expire(f->tx, instant_at(f, "2026-03-03T10:00"), 10, &count, &f->err));
	assert_int_equal(count, 1);
	OK(outbox_expire(f->tx, instant_at(f, "2026-03-03T10:00") + 1, 10, &count, &f->err));
	assert_int_equal(count, 1);
	REFUSED(ERR_CONFLICT, "store.conflict", engine_resend(f->engine, f->tx, instant_at(f, "2026-03-03T11:00"), rows.items[5].id, f->arena, &count, &f->err));
	OK(engine_resend(f->engine, f->tx, instant_at(f, "2026-03-03T11:00"), rows.items[7].id, f->arena, &count, &f->err));
	OK(tx_end(f, true));
	assert_messages(f, id, "cancelled", "cancelled", "; until>ida@x.dk expired; within>ida@x.dk expired; longer>ida@x.dk queued; lost>ida@x.dk queued");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(what_can_still_be_done_is_still_sent),
	        TEST(an_end_ends_all_tasks),
	        TEST(what_comes_anew_comes_once),
	        TEST(what_opens_later_is_not_sent),
	        TEST(what_was_announced_holds_until_it_is_put_off),
	        TEST(what_another_role_does_is_another_task),
	        TEST(who_has_done_it_is_not_asked_again),
	        TEST(a_way_beside_the_task_uses_its_link),
	        TEST(what_would_come_too_late_expires),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
