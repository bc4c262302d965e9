#include "mailer/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int64_t NOW = 1700000000000;

/* Whoever sends whenever it may never exceeds the number in any sixty seconds, and comes close to it. */
static void a_rate_is_kept_in_every_minute(void **state) {
	(void)state;
	static const int64_t rates[] = {1, 2, 7, 9, 10, 11, 30, 59, 60, 100, 300, 1000};
	static int64_t sent[5000];
	for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
		struct rate rate = throttle_rate(rates[r]);
		struct pace p = {0};
		int64_t count = 0, first = 0, most = 0;
		for (int64_t now = NOW; now < NOW + 240000; now += 7)
			while (throttle_ready_at(&p, rate, now) <= now && count < 5000) {
				throttle_take(&p, rate, now);
				sent[count++] = now;
			}
		for (int64_t i = 0; i < count; i++) {
			while (sent[first] <= sent[i] - 60000)
				first++;
			most = i - first + 1 > most ? i - first + 1 : most;
		}
		assert_true(most <= rates[r]);
		assert_true(count >= rates[r] * 4 * 85 / 100);
	}
	assert_int_equal(throttle_rate(0).interval_ms, 0);
}

static void no_limit_is_no_wait(void **state) {
	(void)state;
	struct pace p = {0};
	struct rate none = {0};
	for (int i = 0; i < 10; i++) {
		assert_false(throttle_limits(&p, none, NOW));
		assert_true(throttle_ready_at(&p, none, NOW) <= NOW);
		throttle_take(&p, none, NOW);
	}
}

static void a_map_names_domains_and_the_rest(void **state) {
	(void)state;
	struct str domains[] = {STR("outlook.com")};
	int64_t rates[] = {60};
	struct mail_config c = {.per_domain = {domains, rates, 1, 6}};
	assert_int_equal(throttle_rate_of(&c, STR("outlook.com")).interval_ms, throttle_rate(60).interval_ms);
	assert_int_equal(throttle_rate_of(&c, STR("x.dk")).interval_ms, 10000);
}

static void who_asks_for_less_is_left_alone_then_slowly_sent_to(void **state) {
	(void)state;
	struct pace p = {0};
	struct rate none = {0};
	assert_true(throttle_slow(&p, STR("421 slow down"), NOW));
	assert_true(throttle_limits(&p, none, NOW));
	assert_int_equal(throttle_ready_at(&p, none, NOW), NOW + 30000);
	assert_false(throttle_slow(&p, STR("421 slow down"), NOW + 29999)); /* was on its way */
	assert_int_equal(p.strikes, 1);
	int64_t now = NOW + 30000;
	throttle_take(&p, none, now);
	assert_int_equal(throttle_ready_at(&p, none, now), now + 2000);
	assert_true(throttle_slow(&p, STR("421"), now));
	assert_int_equal(throttle_ready_at(&p, none, now), now + 60000);
	int taken = 0;
	for (now += 60000; p.strikes > 0; taken++) {
		int64_t at = throttle_ready_at(&p, none, now);
		now = at > now ? at : now;
		throttle_take(&p, none, now);
		assert_true(throttle_ease(&p));
	}
	assert_in_range(taken, 15, 25);
	assert_in_range(now - NOW, 30000 + 60000 + 8000, 30000 + 60000 + 20000);
	assert_false(throttle_limits(&p, none, now));
	assert_false(throttle_ease(&p));
	assert_int_equal(p.answer.len, 0);
	for (int i = 0; i < 100; i++)
		throttle_slow(&p, STR("421"), now = throttle_ready_at(&p, none, now));
	assert_int_equal(throttle_ready_at(&p, none, now) - now, 1800000);
	assert_int_equal(p.interval_ms, 60000);
}

/* Its own rate holds when it is slower still. */
static void the_slower_of_two_limits_holds(void **state) {
	(void)state;
	struct pace p = {.strikes = 1, .interval_ms = 2000};
	struct rate rate = throttle_rate(6);
	throttle_take(&p, rate, NOW);
	assert_int_equal(throttle_ready_at(&p, rate, NOW), NOW + 10000);
}

static void a_clock_that_went_back_stops_nothing(void **state) {
	(void)state;
	struct pace p = {.strikes = 5, .open_at = NOW + 3600001, .free_at = NOW + 3600000, .interval_ms = 2000};
	assert_true(throttle_ready_at(&p, (struct rate){0}, NOW) <= NOW);
	assert_true(breaker_ready_at(&p, NOW) <= NOW);
}

static void greylisting_is_no_call_to_slow_down(void **state) {
	(void)state;
	assert_true(throttle_is_greylisting(STR("451 4.7.1 Greylisted, try again later")));
	assert_true(throttle_is_greylisting(STR("450 4.7.1 Recipient address rejected: GREYLISTED")));
	assert_true(throttle_is_greylisting(STR("451 graylist")));
	assert_false(throttle_is_greylisting(STR("451 4.7.1 Too many connections, slow down")));
	assert_false(throttle_is_greylisting(STR("")));
}

static void a_breaker_opens_probes_and_closes(void **state) {
	(void)state;
	struct pace p = {0};
	int64_t now = NOW;
	for (int i = 1; i <= BREAKER_FAILURES; i++) {
		assert_false(breaker_is_open(&p));
		assert_true(breaker_ready_at(&p, now) <= now);
		breaker_fail(&p, STR("no"), now);
	}
	static const int64_t rests[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
		assert_true(breaker_is_open(&p));
		assert_int_equal(breaker_ready_at(&p, now), now + rests[i]);
		now += rests[i];
		assert_true(breaker_ready_at(&p, now) <= now);
		breaker_probe(&p, now);
		assert_true(breaker_ready_at(&p, now + 120000) > now + 120000); /* the longest send */
		breaker_fail(&p, STR("no"), now);
	}
	assert_true(breaker_try(&p));
	assert_true(breaker_is_open(&p) && breaker_ready_at(&p, now) <= now);
	assert_true(breaker_mend(&p));
	assert_false(breaker_is_open(&p));
	assert_false(breaker_mend(&p));
	assert_false(breaker_try(&p));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_kept_in_every_minute),
		cmocka_unit_test(no_limit_is_no_wait),
		cmocka_unit_test(a_map_names_domains_and_the_rest),
		cmocka_unit_test(who_asks_for_less_is_left_alone_then_slowly_sent_to),
		cmocka_unit_test(the_slower_of_two_limits_holds),
		cmocka_unit_test(a_clock_that_went_back_stops_nothing),
		cmocka_unit_test(greylisting_is_no_call_to_slow_down),
		cmocka_unit_test(a_breaker_opens_probes_and_closes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
