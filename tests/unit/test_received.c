/* What came in is kept while its case goes on, and some time after; then it goes. */
#include "engine/store/arrivals.h"
#include "engine/store/reports.h"
#include "engine/store/texts_in.h"
#include "tests/unit/store_fixture.h"

enum { EARLY = 1000, CAME = 2000, ENDED = 5000 };

static int64_t put_message(struct fixture *f, int64_t instance_id) {
	static int made;
	struct outbox_row row = {.instance_id = instance_id, .channel = CHANNEL_MAIL, .recipient = STR("ann@example.org"), .recipient_name = STR(""), .role = STR(""), .language = STR("da"),
	                         .workflow = STR("case"), .message = STR("ask"), .data = STR("{}"), .thread = STR(""), .created_at = EARLY, .next_at = EARLY};
	row.message_id = arena_printf(f->arena, "<%d@x>", ++made);
	OK(outbox_put(f->tx, &row, &f->err));
	return row.id;
}

static bool note(struct fixture *f, int64_t validity, int64_t uid, const char *kind, const char *message_id, int64_t outbox_id) {
	struct arrival_row row = {.at = CAME, .validity = validity, .uid = uid, .kind = str_from(kind), .message_id = str_from(message_id), .sender = STR("ann@example.org"),
	                          .subject = STR("Sv: Sp\xC3\xB8rgsm\xC3\xA5l"), .text = STR("Ja tak"), .outcome = STR("answer")};
	bool fresh;
	OK(arrival_note(f->tx, &row, &fresh, &f->err));
	row.outbox_id = outbox_id;
	if (outbox_id != 0)
		OK(arrival_done(f->tx, &row, &f->err));
	return fresh;
}

static void report(struct fixture *f, int64_t outbox_id) {
	struct report row = {.outbox_id = outbox_id, .at = CAME, .query = STR("status=1"), .type = STR(""), .body = STR("")};
	OK(report_put(f->tx, &row, &f->err));
}

static size_t reports(struct fixture *f, int64_t outbox_id) {
	struct report_list list;
	OK(reports_of(tx_view(f->tx), outbox_id, f->arena, &list, &f->err));
	return list.count;
}

static size_t arrivals(struct fixture *f, struct arrival_rows *rows) {
	OK(arrival_list(tx_view(f->tx), 0, 100, f->arena, rows, &f->err));
	return rows->count;
}

static void sweep(struct fixture *f, int64_t before) {
	OK(report_sweep(f->tx, before, 100, &f->err));
	OK(text_in_sweep(f->tx, before, 100, &f->err));
	OK(arrival_sweep(f->tx, before, 100, &f->err));
}

static void note_start(struct fixture *f, int64_t uid, int64_t instance_id) {
	struct arrival_row row = {.at = CAME, .validity = 7, .uid = uid, .kind = STR("person"), .message_id = STR(""), .sender = STR("ann@example.org"), .subject = STR(""), .text = STR("Hej")};
	bool fresh;
	OK(arrival_note(f->tx, &row, &fresh, &f->err));
	row.instance_id = instance_id;
	row.outcome = STR("started");
	OK(arrival_done(f->tx, &row, &f->err));
}

static void what_started_a_case_goes_with_it(void **state) {
	struct fixture *f = *state;
	struct instance ended = fixture_instance(f, 0);
	struct arrival_rows rows;
	ended.version++, ended.ended_at = ENDED;
	OK(instance_update(f->tx, &ended, &f->err));
	note_start(f, 1, f->instance);
	note_start(f, 2, ended.id);
	sweep(f, ENDED - 1);
	assert_int_equal(arrivals(f, &rows), 2);
	assert_int_equal(rows.items[1].instance_id, ended.id);
	sweep(f, ENDED);
	assert_int_equal(arrivals(f, &rows), 1);
	assert_int_equal(rows.items[0].instance_id, f->instance);
}

static void what_came_in_outlives_its_case_by_some_time(void **state) {
	struct fixture *f = *state;
	struct instance ended = fixture_instance(f, 0);
	ended.version++, ended.ended_at = ENDED;
	OK(instance_update(f->tx, &ended, &f->err));
	int64_t open = put_message(f, f->instance), over = put_message(f, ended.id), none = put_message(f, 0);
	struct arrival_rows rows;
	struct text_in text = {.at = CAME, .query = STR("from=1&text=x"), .type = STR(""), .body = STR("")};
	struct text_in_list texts;
	report(f, open);
	report(f, over);
	report(f, none);
	OK(text_in_put(f->tx, &text, &f->err));
	note(f, 7, 0, "start", "", 0);
	note(f, 7, 1, "person", "<open@x>", open);
	note(f, 7, 2, "person", "<over@x>", over);
	note(f, 7, 3, "automatic", "<none@x>", 0);
	note(f, 0, 1, "text", "<text@x>", over);
	sweep(f, CAME - 1);
	assert_int_equal(arrivals(f, &rows), 4);
	assert_int_equal(reports(f, over) + reports(f, none) + reports(f, open), 3);
	sweep(f, ENDED - 1); /* what belongs to no case was over when it came */
	assert_int_equal(arrivals(f, &rows), 3);
	assert_int_equal(reports(f, none), 0);
	assert_int_equal(reports(f, over), 1);
	OK(texts_in_oldest(tx_view(f->tx), 10, f->arena, &texts, &f->err));
	assert_int_equal(texts.count, 0);
	sweep(f, ENDED);
	sweep(f, ENDED + 1000000);
	assert_int_equal(arrivals(f, &rows), 1);
	assert_str(rows.items[0].message_id, "<open@x>");
	assert_int_equal(reports(f, over), 0);
	assert_int_equal(reports(f, open), 1);
}

/* A mailbox that is numbered anew still has the mail. */
static void a_swept_mail_does_not_count_again(void **state) {
	struct fixture *f = *state;
	int64_t last;
	assert_true(note(f, 7, 5, "person", "<a@x>", 0));
	assert_true(note(f, 0, 1, "text", "<t@x>", 0));
	sweep(f, CAME);
	OK(arrival_last(tx_view(f->tx), 7, &last, &f->err));
	assert_int_equal(last, 5);
	assert_false(note(f, 7, 5, "person", "<a@x>", 0));
	assert_false(note(f, 8, 1, "person", "<a@x>", 0));
	assert_true(note(f, 8, 2, "person", "<b@x>", 0));
}

static void a_mail_that_comes_twice_counts_once(void **state) {
	struct fixture *f = *state;
	assert_true(note(f, 7, 5, "person", "<a@x>", 0));
	assert_false(note(f, 7, 6, "person", "<a@x>", 0));
	assert_true(note(f, 7, 7, "report", "<r@x>", 0)); /* some mail servers give all of theirs the same */
	assert_true(note(f, 7, 8, "report", "<r@x>", 0));
	assert_true(note(f, 7, 9, "person", "", 0));
	assert_true(note(f, 7, 10, "person", "", 0));
}

static void a_sweep_has_an_end(void **state) {
	struct fixture *f = *state;
	struct arrival_rows rows;
	for (int i = 1; i <= 10; i++)
		note(f, 7, i, "person", "", 0);
	OK(arrival_sweep(f->tx, CAME, 4, &f->err));
	assert_int_equal(arrivals(f, &rows), 6);
}

/* Of a text nothing stays, however many there are. */
static void texts_go_whole(void **state) {
	struct fixture *f = *state;
	struct arrival_row row = {.at = CAME, .kind = STR("text"), .message_id = STR("x"), .sender = STR("+4522334455"), .outcome = STR("noted")};
	bool fresh;
	for (row.uid = 1; row.uid <= 10; row.uid++)
		OK(arrival_note(f->tx, &row, &fresh, &f->err));
	for (int i = 0; i < 5; i++)
		OK(arrival_sweep(f->tx, CAME, 4, &f->err));
	assert_true(note(f, 0, 1, "text", "x", 0));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_came_in_outlives_its_case_by_some_time, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(what_started_a_case_goes_with_it, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_swept_mail_does_not_count_again, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_mail_that_comes_twice_counts_once, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_sweep_has_an_end, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(texts_go_whole, fixture_set_up, fixture_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
