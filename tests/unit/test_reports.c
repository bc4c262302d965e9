#include "engine/store/reports.h"
#include "tests/unit/store_fixture.h"

static int set_up(void **state) {
	struct fixture *f = fixture_files();
	fixture_open(f, f->path);
	*state = f;
	return 0;
}

static int tear_down(void **state) {
	fixture_tear_down(state);
	return 0;
}

static int64_t put(struct fixture *f) {
	static int made;
	struct outbox_row row = {.channel = CHANNEL_SMS, .recipient = STR("+4520123456"), .recipient_name = STR(""), .role = STR(""), .language = STR("da"), .workflow = STR(""),
	                         .message = STR("act-code"), .data = STR("{}"), .thread = STR(""), .created_at = 1000, .next_at = 1000};
	row.message_id = arena_printf(f->arena, "<%d@x>", ++made);
	OK(outbox_put(f->tx, &row, &f->err));
	return row.id;
}

static struct outbox_row load(struct fixture *f, int64_t id) {
	struct outbox_row row = {0};
	OK(outbox_load(tx_view(f->tx), id, f->arena, &row, &f->err));
	return row;
}

static struct str token_of(struct fixture *f, int64_t id) {
	char token[SECRET_TOKEN + 1];
	assert_true(report_token(f->keys, id, token));
	return arena_str(f->arena, str_from(token));
}

static void a_token_is_for_one_message(void **state) {
	struct fixture *f = *state;
	int64_t id = 0;
	struct str token = token_of(f, 4711);
	assert_int_equal(token.len, SECRET_TOKEN);
	assert_true(report_token_read(f->keys, token, &id));
	assert_int_equal(id, 4711);
	for (size_t i = 0; i < token.len; i++) {
		char *changed = arena_z(f->arena, token);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_false(report_token_read(f->keys, str_from(changed), &id));
	}
	/* the same id signed for another purpose */
	unsigned char bytes[SECRET_ID], mac[SECRET_MAC];
	char other[SECRET_TOKEN + 1];
	assert_true(token_split(token, bytes, mac));
	assert_true(token_make(f->keys, keyring_current(f->keys), "link", bytes, other));
	assert_false(report_token_read(f->keys, str_from(other), &id));
	assert_false(report_token_read(f->keys, STR(""), &id));
	assert_false(report_token_read(f->keys, (struct str){token.at, token.len - 1}, &id));
}

/* Stores a report, and reads it as saying so. */
static void tell(struct fixture *f, int64_t outbox_id, enum delivery delivery, const char *reason) {
	struct report report = {.outbox_id = outbox_id, .at = 5000, .query = STR("status=1"), .type = STR(""), .body = STR("")};
	struct report_list list;
	OK(report_put(f->tx, &report, &f->err));
	OK(reports_unread(tx_view(f->tx), 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 1);
	OK(report_read(f->tx, &list.items[0], delivery, str_from(reason), 6000, &f->err));
	OK(report_read(f->tx, &list.items[0], DELIVERY_FAILED, STR("twice"), 6000, &f->err)); /* once is enough */
}

static int64_t lease(struct fixture *f) {
	struct outbox_list rows = {0};
	OK(outbox_lease(f->tx, (struct outbox_lane){.channel = CHANNEL_SMS, .most = OUTBOX_OTHER, .line = STR("")}, STR("a"), 2000, 900000, 1, f->arena, &rows, &f->err));
	assert_int_equal(rows.count, 1);
	return rows.items[0].fence;
}

static int64_t send(struct fixture *f, int64_t parts, enum outbox_state end) {
	int64_t id = put(f), fence = lease(f);
	OK(outbox_begin(f->tx, id, fence, 2000, &f->err));
	OK(delivery_begin(f->tx, id, parts, &f->err));
	OK(outbox_settle(f->tx, id, fence, end, 9999999, STR("answer"), 3000, &f->err));
	return id;
}

static void reports_move_what_was_sent(void **state) {
	struct fixture *f = *state;
	fixture_begin(f);
	int64_t id = send(f, 1, OUTBOX_SENT);
	tell(f, id, DELIVERY_NONE, "nonsense");
	assert_int_equal(load(f, id).delivery, DELIVERY_NONE);
	tell(f, id, DELIVERY_FAILED, "off");
	struct outbox_row row = load(f, id);
	assert_int_equal(row.delivery, DELIVERY_FAILED);
	assert_int_equal(row.delivery_at, 5000);
	assert_str(row.delivery_reason, "off");
	struct outbox_list lost;
	OK(outbox_undelivered(tx_view(f->tx), 0, 10, f->arena, &lost, &f->err));
	assert_int_equal(lost.count, 1);
	tell(f, id, DELIVERY_DELIVERED, "");
	tell(f, id, DELIVERY_ON_WAY, "");
	tell(f, id, DELIVERY_FAILED, "late");
	row = load(f, id);
	assert_int_equal(row.delivery, DELIVERY_DELIVERED);
	assert_str(row.delivery_reason, "");
	assert_int_equal(row.state, OUTBOX_SENT);
	assert_int_equal(row.sent_at, 3000);
	OK(outbox_undelivered(tx_view(f->tx), 0, 10, f->arena, &lost, &f->err));
	assert_int_equal(lost.count, 0);
	id = send(f, 2, OUTBOX_SENT);
	tell(f, id, DELIVERY_DELIVERED, "");
	tell(f, id, DELIVERY_FAILED, "");
	tell(f, id, DELIVERY_DELIVERED, "");
	assert_int_equal(load(f, id).delivery, DELIVERY_FAILED);
	struct report_list all;
	OK(reports_of(tx_view(f->tx), id, f->arena, &all, &f->err));
	assert_int_equal(all.count, 3);
	assert_str(all.items[0].query, "status=1");
	fixture_commit(f);
}

/* What somebody does about it: once more, as if nothing had been reported. */
static void what_did_not_arrive_can_be_sent_again(void **state) {
	struct fixture *f = *state;
	fixture_begin(f);
	int64_t id = send(f, 1, OUTBOX_SENT);
	REFUSED(ERR_CONFLICT, outbox_retry(f->tx, id, 7000, 90000, &f->err)); /* as far as anybody knows it arrived */
	tell(f, id, DELIVERY_ON_WAY, "");
	REFUSED(ERR_CONFLICT, outbox_retry(f->tx, id, 7000, 90000, &f->err));
	tell(f, id, DELIVERY_EXPIRED, "off");
	REFUSED(ERR_CONFLICT, outbox_drop(f->tx, id, &f->err));
	OK(outbox_retry(f->tx, id, 7000, 90000, &f->err));
	struct outbox_row row = load(f, id);
	assert_int_equal(row.state, OUTBOX_QUEUED);
	assert_int_equal(row.delivery, DELIVERY_NONE);
	assert_int_equal(row.deadline_at, 90000);
	tell(f, id, DELIVERY_DELIVERED, ""); /* the first one, late: then there is no need */
	assert_int_equal(load(f, id).state, OUTBOX_SENT);
	fixture_commit(f);
}

static void a_report_settles_what_nobody_knew(void **state) {
	struct fixture *f = *state;
	const struct {
		enum outbox_state before;
		enum delivery told;
		enum outbox_state after;
	} rows[] = {
	        {OUTBOX_UNKNOWN, DELIVERY_DELIVERED, OUTBOX_SENT}, {OUTBOX_UNKNOWN, DELIVERY_ON_WAY, OUTBOX_SENT},  {OUTBOX_UNKNOWN, DELIVERY_FAILED, OUTBOX_SENT},
	        {OUTBOX_UNKNOWN, DELIVERY_NONE, OUTBOX_UNKNOWN},   {OUTBOX_QUEUED, DELIVERY_DELIVERED, OUTBOX_SENT}, {OUTBOX_QUEUED, DELIVERY_FAILED, OUTBOX_QUEUED},
	        {OUTBOX_QUEUED, DELIVERY_EXPIRED, OUTBOX_QUEUED},  {OUTBOX_FAILED, DELIVERY_DELIVERED, OUTBOX_SENT}, {OUTBOX_EXPIRED, DELIVERY_DELIVERED, OUTBOX_SENT}, {OUTBOX_FAILED, DELIVERY_FAILED, OUTBOX_FAILED},
	        {OUTBOX_CANCELLED, DELIVERY_DELIVERED, OUTBOX_CANCELLED},
	};
	fixture_begin(f);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t id = send(f, 1, rows[i].before);
		tell(f, id, rows[i].told, "");
		struct outbox_row row = load(f, id);
		if (row.state != rows[i].after || row.delivery != rows[i].told)
			fail_msg("row %zu: %s, %s", i, outbox_state_name(row.state), delivery_name(row.delivery));
		assert_int_equal(row.sent_at, row.state == OUTBOX_SENT ? 5000 : 0);
		if (row.state == OUTBOX_QUEUED)
			OK(outbox_drop(f->tx, id, &f->err));
	}
	fixture_commit(f);
}

/* What its sender says comes first; then the report that came meanwhile keeps it from being sent again. */
static void a_report_waits_while_its_message_is_being_sent(void **state) {
	struct fixture *f = *state;
	struct report_list list;
	fixture_begin(f);
	int64_t id = put(f), fence = lease(f);
	OK(outbox_begin(f->tx, id, fence, 2000, &f->err));
	OK(delivery_begin(f->tx, id, 1, &f->err));
	OK(report_put(f->tx, &(struct report){.outbox_id = id, .at = 2500, .query = STR("a"), .type = STR(""), .body = STR("")}, &f->err));
	OK(reports_unread(tx_view(f->tx), 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 0);
	OK(outbox_settle(f->tx, id, fence, OUTBOX_UNKNOWN, 0, STR("unknown: "), 3000, &f->err));
	OK(outbox_requeue(f->tx, id, 999999, &f->err));
	OK(reports_unread(tx_view(f->tx), 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 1);
	OK(report_read(f->tx, &list.items[0], DELIVERY_DELIVERED, STR(""), 6000, &f->err));
	assert_int_equal(load(f, id).state, OUTBOX_SENT);
	/* another try forgets what was reported of the first */
	OK(delivery_begin(f->tx, id, 3, &f->err));
	assert_int_equal(load(f, id).delivery, DELIVERY_NONE);
	assert_int_equal(load(f, id).parts, 3);
	fixture_commit(f);
}

static void there_is_an_end_to_reports(void **state) {
	struct fixture *f = *state;
	fixture_begin(f);
	struct report report = {.outbox_id = send(f, 1, OUTBOX_SENT), .at = 1, .query = STR(""), .type = STR(""), .body = STR("\x00\xFF{")};
	for (int i = 0; i < REPORTS_OF_ONE; i++)
		OK(report_put(f->tx, &report, &f->err));
	REFUSED(ERR_CONFLICT, report_put(f->tx, &report, &f->err));
	report.outbox_id = 12345;
	REFUSED(ERR_NOT_FOUND, report_put(f->tx, &report, &f->err));
	struct report_list list;
	OK(reports_unread(tx_view(f->tx), 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 10);
	assert_true(str_equal(list.items[0].body, report.body));
	fixture_commit(f);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_token_is_for_one_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reports_move_what_was_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_did_not_arrive_can_be_sent_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_report_settles_what_nobody_knew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_report_waits_while_its_message_is_being_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(there_is_an_end_to_reports, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
