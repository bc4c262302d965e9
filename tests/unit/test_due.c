/* What is due for several at one instant: all of them have heard what was told to them before anything happens to one of them. */
#include "tests/unit/workflow_fixture.h"

static const char queue[] =
        "workflow: queue\n"
        "start: {by: keeper, form: begin}\n"
        "roles: {keeper: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  ranks: {type: int, many: 1..9}\n"
        "  served: {type: text, max: 100}\n"
        "  rank: {type: text, max: 10}\n"
        "forms: {begin: {fields: [mail, ranks]}}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    entry: [{set: {served: \"''\"}}, {start: {workflow: guest, each: ranks, data: {mail: mail, rank: item}}}]\n"
        "    on:\n"
        "      open: {actions: [{signal: {to: children, event: open}}]}\n"
        "      was: {actions: [{set: {served: served + rank}}]}\n"
        "      end: {target: b}\n"
        "  b: {final: true}\n";

static const char guest[] =
        "workflow: guest\n"
        "start: {by: keeper, form: begin}\n"
        "roles: {keeper: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  rank: {type: int}\n"
        "forms: {begin: {fields: [mail, rank]}}\n"
        "initial: shut\n"
        "states:\n"
        "  shut: {on: {open: {target: due}}}\n"
        "  due: {after: [{at: \"datetime('2026-03-01T10:00')\", name: serve, order: rank, target: served}], on: {leave: {target: gone}}}\n"
        "  gone: {final: true}\n"
        "  served: {final: true, entry: [{signal: {to: parent, event: was, data: {rank: string(rank)}}}]}\n";

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, queue, NULL, NULL);
	package_write(f, guest, NULL, NULL);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

/* Their timers had been due a day before each was told: still they come in their order, not in that in which the guests were told. */
static void test_told_before_due(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "queue", "{\"mail\":\"ida@example.dk\",\"ranks\":[3,1,2]}");
	OK(send_signal(f, id, "open", "{}"));
	assert_str(field_of(f, id, "served"), "123");
	assert_sound(f);
}

/* What comes at a later instant than that at which the timer was set comes behind it, although both wait. */
static void test_due_before_told(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "queue", "{\"mail\":\"ida@example.dk\",\"ranks\":[1]}") + 1;
	struct signal_row open = {.instance_id = id, .root_id = id - 1, .event = STR("open"), .data = STR("{}"), .at = clock_now()};
	struct signal_row leave = {.instance_id = id, .root_id = id - 1, .event = STR("leave"), .data = STR("{}"), .at = clock_now() + 1};
	tx_open(f);
	OK(tx_end(f, mailbox_put(f->tx, &open, &f->err) && mailbox_put(f->tx, &leave, &f->err)));
	OK(run_due(f));
	assert_str(path_of(f, id), "start start >shut; signal open shut>due; timer serve due>served; signal leave served>!");
}

/* One after the other, as the writer does where a hundred at once failed. The first timer of all is the other queue's, and set too late to come before the signal; this one's is not. */
static void test_order_is_of_one_tree(void **state) {
	struct fixture *f = *state;
	struct timer_list timers = {0};
	clock_simulate(instant_at(f, "2026-02-28T10:00"), 0);
	int64_t first = start(f, "queue", "{\"mail\":\"ida@example.dk\",\"ranks\":[2]}"), second = start(f, "queue", "{\"mail\":\"bo@example.dk\",\"ranks\":[1]}");
	OK(send_signal(f, first, "open", "{}") && send_signal(f, second, "open", "{}"));
	jump_to(f, "2026-03-02T10:00");
	struct signal_row leave = {.instance_id = first + 1, .root_id = first, .event = STR("leave"), .data = STR("{}"), .at = clock_now() - 1};
	tx_open(f);
	OK(timer_list(tx_view(f->tx), second + 1, f->arena, &timers, &f->err));
	assert_int_equal(timers.count, 1);
	timers.items[0].set_at = clock_now();
	OK(tx_end(f, timer_set(f->tx, &timers.items[0], &f->err) && mailbox_put(f->tx, &leave, &f->err)));
	for (bool found = true; found;) {
		tx_open(f);
		OK(tx_end(f, engine_step(f->engine, f->tx, clock_now(), f->arena, &found, &f->err)));
	}
	assert_str(path_of(f, first + 1), "start start >shut; signal open shut>due; timer serve due>served; signal leave served>!");
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_told_before_due, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_due_before_told, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_order_is_of_one_tree, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
