#include "engine/workflow/engine.h"
#include "mailer/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MIN INT64_C(60000)
static const int64_t NOW = 1700000000000;

static void waits_grow_and_jitter_stays_within_a_fifth(void **state) {
	(void)state;
	static const int64_t minutes[] = {1, 1, 5, 15, 30, 60, 120, 240, 240};
	for (int64_t attempt = 0; attempt < 9; attempt++) {
		int64_t wait = minutes[attempt] * MIN;
		assert_int_equal(retry_next_at(NOW, attempt, 0) - NOW, wait * 8 / 10);
		assert_int_equal(retry_next_at(NOW, attempt, UINT32_MAX) - NOW, wait * 12 / 10);
		assert_in_range(retry_next_at(NOW, attempt, UINT32_MAX / 2) - NOW, wait - 1, wait);
	}
	assert_int_equal(retry_next_at(NOW, INT64_MAX, 0) - NOW, 240 * MIN * 8 / 10);
}

static void the_deadline_is_the_rows_or_three_days(void **state) {
	(void)state;
	struct outbox_row row = {.created_at = NOW};
	assert_int_equal(outbox_deadline(&row), NOW + 3 * 24 * 60 * MIN);
	row.deadline_at = NOW + 7;
	assert_int_equal(outbox_deadline(&row), NOW + 7);
}

static void outcomes_settle_rows(void **state) {
	(void)state;
	struct outbox_row document = {.created_at = NOW, .workflow = STR("w"), .priority = OUTBOX_TASK};
	struct outbox_row link = document, task = document, code = document, notice = document, again;
	link.has_link = true;
	task.task = true;
	code.workflow = STR("");
	code.priority = OUTBOX_CODE;
	notice.workflow = STR(""); /* the product's own, too, and told once */
	notice.priority = OUTBOX_OTHER;
	again = link;
	again.answer = STR("unknown: the connection died");
	const struct {
		const struct outbox_row *row;
		enum outcome outcome;
		int64_t attempt, after;
		enum outbox_state state;
		bool again;
	} table[] = {
		{&document, OUTCOME_SENT, 1, 0, OUTBOX_SENT, false},
		{&document, OUTCOME_NEVER, 1, 0, OUTBOX_FAILED, false},
		{&document, OUTCOME_LATER, 1, 0, OUTBOX_QUEUED, false},
		{&document, OUTCOME_LATER, 9, 3 * 24 * 60 * MIN - 300 * MIN, OUTBOX_QUEUED, false},
		{&document, OUTCOME_LATER, 9, 3 * 24 * 60 * MIN - 100 * MIN, OUTBOX_EXPIRED, false},
		{&document, OUTCOME_UNKNOWN, 1, 0, OUTBOX_UNKNOWN, false},
		{&link, OUTCOME_UNKNOWN, 1, 0, OUTBOX_UNKNOWN, true},
		{&task, OUTCOME_UNKNOWN, 1, 0, OUTBOX_UNKNOWN, true},
		{&code, OUTCOME_UNKNOWN, 1, 0, OUTBOX_UNKNOWN, true},
		{&notice, OUTCOME_UNKNOWN, 1, 0, OUTBOX_UNKNOWN, false},
		{&link, OUTCOME_UNKNOWN, 4, 0, OUTBOX_UNKNOWN, true},
		{&again, OUTCOME_UNKNOWN, 2, 0, OUTBOX_UNKNOWN, false},
		{&again, OUTCOME_LATER, 2, 0, OUTBOX_QUEUED, false},
		{&link, OUTCOME_UNKNOWN, 1, 3 * 24 * 60 * MIN - 14 * MIN, OUTBOX_UNKNOWN, false},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		int64_t now = NOW + table[i].after;
		struct outbox_row row = *table[i].row;
		row.attempts = table[i].attempt;
		struct settlement s = retry_settle(&row, table[i].outcome, now, UINT32_MAX / 2);
		assert_int_equal(s.state, table[i].state);
		assert_int_equal(s.again, table[i].again);
		if (table[i].again)
			assert_int_equal(s.next_at, now + (row.priority == OUTBOX_CODE ? 1 : 15) * MIN);
		if (s.state == OUTBOX_QUEUED)
			assert_int_equal(s.next_at, retry_next_at(now, table[i].attempt, UINT32_MAX / 2));
	}
}

static void by_hand_there_is_a_day_more(void **state) {
	(void)state;
	const int64_t day = 24 * 60 * MIN;
	struct outbox_row row = {.created_at = NOW, .workflow = STR("w")};
	assert_int_equal(engine_resend_until(&row, NOW, 0), NOW + 3 * day);
	assert_int_equal(engine_resend_until(&row, NOW + 9 * day, 0), NOW + 10 * day);
	assert_int_equal(engine_resend_until(&row, NOW + 9 * day, NOW + 9 * day + 1), NOW + 9 * day + 1);
	assert_int_equal(engine_resend_until(&row, NOW + 9 * day, NOW + 9 * day), 0);
	/* nor is what was true until its deadline */
	struct outbox_row bounded = {.created_at = NOW, .workflow = STR("w"), .deadline_at = NOW + 10 * MIN, .limit_at = NOW + 10 * MIN};
	assert_int_equal(engine_resend_until(&bounded, NOW + MIN, 0), NOW + 10 * MIN);
	assert_int_equal(engine_resend_until(&bounded, NOW + MIN, NOW + 5 * MIN), NOW + 5 * MIN);
	assert_int_equal(engine_resend_until(&bounded, NOW + 10 * MIN, 0), 0);
	/* a code is of no use after its time */
	struct outbox_row code = {.created_at = NOW, .deadline_at = NOW + 10 * MIN};
	assert_int_equal(engine_resend_until(&code, NOW + MIN, 0), NOW + 10 * MIN);
	assert_int_equal(engine_resend_until(&code, NOW + 10 * MIN, 0), 0);
}

static void answers_are_cleaned_and_masked(void **state) {
	(void)state;
	struct transport_result r = {0};
	transport_answer(&r, STR("  550 5.1.1 no\tsuch\x1b[2J \xC2\x85user \xff\r\n"));
	assert_string_equal(r.answer, "550 5.1.1 no such [2J  user  ");
	char many[600];
	for (size_t i = 0; i + 1 < sizeof many; i += 2)
		many[i] = (char)0xC3, many[i + 1] = (char)0xA6;
	transport_answer(&r, (struct str){many, sizeof many});
	assert_int_equal(str_from(r.answer).len, 254);
	assert_true(str_utf8_valid(str_from(r.answer)));

	transport_answer(&r, STR("refused: https://x.dk/l/abcdefghijklmnopqrstuvwxyz code 0471, Hej 45"));
	transport_mask(&r, STR("Hej 45! Din kode er 0471. https://x.dk/l/abcdefghijklmnopqrstuvwxyz"));
	assert_string_equal(r.answer, "refused: https://x.dk/l/************************** code ****, Hej 45");
	transport_mask(&r, STR(""));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_and_jitter_stays_within_a_fifth),
		cmocka_unit_test(the_deadline_is_the_rows_or_three_days),
		cmocka_unit_test(outcomes_settle_rows),
		cmocka_unit_test(by_hand_there_is_a_day_more),
		cmocka_unit_test(answers_are_cleaned_and_masked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
