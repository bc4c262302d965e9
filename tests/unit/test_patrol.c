/* Deadlines: late connections are shut, late answers are given up, early ones are held. Real time, in tens of milliseconds. */
#include "engine/base/clock.h"
#include "otp-portal/patrol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static atomic_int woken;

static void count(struct waiter *w) {
	(void)w;
	atomic_fetch_add(&woken, 1);
}

static bool woken_within(int ms) {
	for (int i = 0; i < ms && atomic_load(&woken) == 0; i++)
		usleep(1000);
	return atomic_load(&woken) > 0;
}

static int setup(void **state) {
	atomic_store(&woken, 0);
	*state = patrol_open();
	return 0;
}

static int teardown(void **state) {
	patrol_close(*state);
	return 0;
}

static void test_late_visitor_is_shut(void **state) {
	struct visitor late, early;
	int a[2], b[2];
	char byte;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	patrol_enter(*state, &late, a[0], clock_monotonic() + 20);
	patrol_enter(*state, &early, b[0], clock_monotonic() + 20);
	patrol_extend(*state, &early, clock_monotonic() + 60000);
	assert_int_equal(read(a[1], &byte, 1), 0); /* waits for the end */
	assert_int_equal(recv(b[1], &byte, 1, MSG_DONTWAIT), -1);
	patrol_leave(*state, &late);
	patrol_leave(*state, &early);
	close(a[0]), close(a[1]), close(b[0]), close(b[1]);
}

static void test_answer_in_time(void **state) {
	struct waiter w = {.wake = count};
	patrol_wait(*state, &w, clock_monotonic() + 60000);
	assert_true(patrol_settle(*state, &w, 0));
	assert_int_equal(atomic_load(&woken), 1);
	assert_true(w.settled);
}

static void test_answer_too_late(void **state) {
	struct waiter w = {.wake = count};
	patrol_wait(*state, &w, clock_monotonic() + 20);
	assert_true(woken_within(2000));
	assert_false(w.settled);
	assert_false(patrol_settle(*state, &w, 0));
	assert_int_equal(atomic_load(&woken), 1);
}

static void test_early_answer_is_held(void **state) {
	struct waiter w = {.wake = count};
	int64_t begin = clock_monotonic();
	patrol_wait(*state, &w, begin + 60000);
	assert_true(patrol_settle(*state, &w, begin + 100));
	assert_int_equal(atomic_load(&woken), 0);
	assert_true(woken_within(2000));
	assert_true(clock_monotonic() - begin >= 100);
	assert_true(w.settled);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_late_visitor_is_shut, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_answer_in_time, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_answer_too_late, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_early_answer_is_held, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
