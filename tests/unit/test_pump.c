/* Long answers: pieces in order, sleepers woken, what fails is cut off, what is dropped is let go. */
#include "otp-portal/pump.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct source {
	struct pour pour;
	int made, pieces;    /* how many it makes */
	int fails_at;        /* for good; 0: never */
	int busy;            /* so often it is not the time */
	atomic_int hold;     /* does not come back while set */
	atomic_int held;     /* and has come that far */
	atomic_int asleep, gone;
};

static bool more(struct pour *pour, struct buf *out, struct err *err) {
	struct source *s = (struct source *)pour;
	if (atomic_load(&s->hold))
		buf_z(out, "half ");
	while (atomic_load(&s->hold)) {
		atomic_store(&s->held, 1);
		usleep(1000);
	}
	if (s->fails_at && s->made + 1 == s->fails_at)
		return err_set(err, ERR_PERMANENT, "error.internal", "a test");
	if (s->busy > 0) {
		s->busy--;
		buf_z(out, "half a piece");
		return err_set(err, ERR_TRANSIENT, "error.busy", "a test");
	}
	if (s->made < s->pieces)
		buf_printf(out, "piece %d,", ++s->made);
	return true;
}

static void go_to_sleep(struct pour *pour) {
	atomic_store(&((struct source *)pour)->asleep, 1);
}

static void wake(struct pour *pour) {
	atomic_store(&((struct source *)pour)->asleep, 0);
}

static void gone(struct pour *pour) {
	atomic_fetch_add(&((struct source *)pour)->gone, 1);
}

static void begin(struct source *s, int pieces) {
	*s = (struct source){.pour = {.more = more, .sleep = go_to_sleep, .wake = wake, .gone = gone}, .pieces = pieces};
	pump_init(&s->pour, 1000);
}

static void wait_until_held(struct source *s) {
	for (int i = 0; i < 5000 && !atomic_load(&s->held); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&s->held), 1);
}

static void end(struct pump *p, struct source *s) {
	pump_drop(p, &s->pour);
	for (int i = 0; i < 5000 && !atomic_load(&s->gone); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&s->gone), 1);
	buf_free(&s->pour.ready);
	buf_free(&s->pour.piece);
}

/* As the web server does: takes, and when nothing is ready sleeps until it is woken. */
static int64_t drain(struct pump *p, struct source *s, struct buf *out, size_t at_once) {
	char bytes[64];
	int64_t count;
	while ((count = pump_take(p, &s->pour, bytes, at_once)) >= 0) {
		for (int i = 0; count == 0 && i < 5000 && atomic_load(&s->asleep); i++)
			usleep(1000);
		buf_add(out, bytes, (size_t)count);
	}
	return count;
}

static void test_pieces_come_in_order(void **state) {
	struct pump *p = pump_open();
	struct source s;
	struct buf out;
	(void)state;
	for (size_t at_once = 1; at_once < 20; at_once += 6) {
		begin(&s, 4);
		s.busy = 2;
		buf_init(&out, 1000);
		assert_int_equal(drain(p, &s, &out, at_once), PUMP_END);
		assert_string_equal(out.at, "piece 1,piece 2,piece 3,piece 4,");
		buf_free(&out);
		end(p, &s);
	}
	begin(&s, 0);
	buf_init(&out, 1000);
	assert_int_equal(drain(p, &s, &out, 64), PUMP_END);
	assert_int_equal(out.len, 0);
	buf_free(&out);
	end(p, &s);
	pump_close(p);
}

static void test_failures_cut_it_off(void **state) {
	struct pump *p = pump_open();
	struct source s;
	struct buf out;
	(void)state;
	begin(&s, 9);
	s.fails_at = 2;
	buf_init(&out, 1000);
	assert_int_equal(drain(p, &s, &out, 64), PUMP_FAILED);
	assert_string_equal(out.at, "piece 1,");
	buf_free(&out);
	end(p, &s);
	pump_close(p);
}

static void test_two_pieces_are_made_and_no_more(void **state) {
	struct pump *p = pump_open();
	struct source s;
	char bytes[4];
	(void)state;
	begin(&s, 100000);
	for (int i = 0; i < 1000 && pump_take(p, &s.pour, bytes, 4) == 0; i++)
		usleep(1000);
	usleep(20000);
	pump_drop(p, &s.pour);
	usleep(20000);
	assert_in_range(s.made, 1, 3);
	assert_int_equal(atomic_load(&s.gone), 1);
	buf_free(&s.pour.ready);
	buf_free(&s.pour.piece);
	pump_close(p);
}

static void test_a_piece_is_not_taken_while_it_is_made(void **state) {
	struct pump *p = pump_open();
	struct source s;
	struct buf out;
	char bytes[20];
	(void)state;
	begin(&s, 1);
	atomic_store(&s.hold, 1);
	assert_int_equal(pump_take(p, &s.pour, bytes, 20), 0);
	wait_until_held(&s);
	assert_int_equal(pump_take(p, &s.pour, bytes, 20), 0);
	atomic_store(&s.hold, 0);
	buf_init(&out, 1000);
	assert_int_equal(drain(p, &s, &out, 20), PUMP_END);
	assert_string_equal(out.at, "half piece 1,");
	buf_free(&out);
	end(p, &s);
	pump_close(p);
}

static void test_one_does_not_wait_for_another_that_is_dropped(void **state) {
	struct pump *p = pump_open();
	struct source slow, other;
	char bytes[4];
	(void)state;
	begin(&slow, 5);
	begin(&other, 1);
	atomic_store(&slow.hold, 1);
	assert_int_equal(pump_take(p, &slow.pour, bytes, 4), 0);
	assert_int_equal(pump_take(p, &other.pour, bytes, 4), 0);
	wait_until_held(&slow);
	pump_drop(p, &slow.pour); /* while its piece is made: gone only afterwards */
	assert_int_equal(atomic_load(&slow.gone), 0);
	end(p, &other); /* while it waits for its turn */
	atomic_store(&slow.hold, 0);
	for (int i = 0; i < 5000 && !atomic_load(&slow.gone); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&slow.gone), 1);
	buf_free(&slow.pour.ready);
	buf_free(&slow.pour.piece);
	pump_close(p);
}

static void test_stopping_wakes_everybody(void **state) {
	struct pump *p = pump_open();
	struct source first, second, late;
	char bytes[8];
	(void)state;
	begin(&first, 3);
	begin(&second, 3);
	begin(&late, 3);
	atomic_store(&first.hold, 1);
	assert_int_equal(pump_take(p, &first.pour, bytes, 8), 0);
	wait_until_held(&first);
	assert_int_equal(pump_take(p, &second.pour, bytes, 8), 0);
	pump_stop(p);
	assert_int_equal(atomic_load(&second.asleep), 0);
	assert_int_equal(pump_take(p, &second.pour, bytes, 8), PUMP_FAILED);
	assert_int_equal(pump_take(p, &late.pour, bytes, 8), PUMP_FAILED);
	atomic_store(&first.hold, 0);
	for (int i = 0; i < 5000 && atomic_load(&first.asleep); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&first.asleep), 0);
	end(p, &first);
	end(p, &second);
	end(p, &late);
	pump_close(p);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pieces_come_in_order),
	        cmocka_unit_test(test_failures_cut_it_off),
	        cmocka_unit_test(test_two_pieces_are_made_and_no_more),
	        cmocka_unit_test(test_a_piece_is_not_taken_while_it_is_made),
	        cmocka_unit_test(test_one_does_not_wait_for_another_that_is_dropped),
	        cmocka_unit_test(test_stopping_wakes_everybody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
