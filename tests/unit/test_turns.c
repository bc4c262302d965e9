#include "mailer/turns.h"

#include "tests/unit/store_fixture.h"

static const int64_t NOW = 1772445600000; /* 2026-03-02T10:00Z */
static struct mail_config config;
static const struct turns all = {.mail = &config, .lane = {.channel = CHANNEL_MAIL, .most = OUTBOX_OTHER}, .owner = {"s", 1}};

static int set_up(void **state) {
	config = (struct mail_config){0};
	return fixture_set_up(state);
}

static int64_t put(struct fixture *f, const char *to, int64_t priority) {
	static int64_t made;
	struct outbox_row row = {.channel = CHANNEL_MAIL, .recipient = str_from(to), .data = STR("{}"), .priority = priority, .created_at = NOW, .next_at = NOW + made++ % 1000 - 1000};
	OK(outbox_put(f->tx, &row, &f->err));
	return row.id;
}

static struct outbox_list lease(struct fixture *f, int64_t now, int64_t limit) {
	struct outbox_list list;
	bool more;
	enum way way;
	do
		OK(turns_lease(f->tx, &all, now, now + 100000, limit, f->arena, &list, &way, &more, &f->err));
	while (more && list.count == 0);
	return list;
}

static struct learned learn(struct fixture *f, enum lesson lesson, const char *to, int64_t now) {
	struct learned learned;
	OK(turns_learn(f->tx, CHANNEL_MAIL, WAY_FIRST, lesson, str_from(to), STR("421 4.7.0 slow down"), now, &learned, &f->err));
	return learned;
}

static int64_t next_at(struct fixture *f, int64_t now) {
	int64_t at;
	OK(turns_next(tx_view(f->tx), &all, now, f->arena, &at, &f->err));
	return at;
}

/* Thousands that wait are moved once; then they are neither leased, nor written, nor stepped over. */
static void a_paused_domain_waits_and_others_go_on(void **state) {
	struct fixture *f = *state;
	enum { MANY = 3000 };
	for (int i = 0; i < MANY; i++)
		put(f, i % 2 ? "ida@BUSY.dk" : "bo@busy.dk", OUTBOX_OTHER);
	int64_t other = put(f, "ida@other.dk", OUTBOX_OTHER), code = put(f, "eva@busy.dk", OUTBOX_CODE);
	assert_int_equal(learn(f, LESSON_BUSY, "ida@busy.dk", NOW).what, LEARNED_SLOWED);
	assert_int_equal(learn(f, LESSON_BUSY, "ida@busy.dk", NOW).what, LEARNED_NOTHING);
	bool went = false, told = false;
	for (int i = 0; i < 5; i++) {
		struct outbox_list list = lease(f, NOW, 8);
		for (size_t k = 0; k < list.count; k++) {
			assert_true(list.items[k].id == other || list.items[k].id == code);
			went = went || list.items[k].id == other;
			told = told || list.items[k].id == code;
		}
	}
	assert_true(went && told);
	for (int i = 0; i < 3; i++) {
		tx_mark(f->tx);
		assert_int_equal(lease(f, NOW + 29999, 8).count, 0);
		assert_false(tx_dirty(f->tx));
	}
	assert_int_equal(next_at(f, NOW), NOW + 30000);
	/* Then one, and the next two seconds later; with each that is taken it goes faster. */
	assert_int_equal(lease(f, NOW + 30000, 8).count, 1);
	assert_int_equal(lease(f, NOW + 30000, 8).count, 0);
	assert_int_equal(next_at(f, NOW + 30000), NOW + 32000);
	learn(f, LESSON_SENT, "bo@busy.dk", NOW + 30000);
	int64_t now = NOW + 30000;
	int sent = 1;
	struct learned last = {0};
	while (last.what != LEARNED_EASED && sent < 100) {
		now = next_at(f, now) > now ? next_at(f, now) : now;
		struct outbox_list list = lease(f, now, 8);
		assert_int_equal(list.count, 1);
		assert_int_equal(list.items[0].attempts, 1);
		last = learn(f, LESSON_SENT, "bo@busy.dk", now);
		sent++;
	}
	assert_in_range(sent, 15, 25);
	assert_int_equal(lease(f, now, 8).count, 8);
	int64_t left = MANY - sent - 8;
	for (struct outbox_list list; (list = lease(f, now, 8)).count > 0;)
		left -= (int64_t)list.count;
	assert_int_equal(left, 0);
}

static void a_rate_of_the_relay_holds_for_all_but_codes(void **state) {
	struct fixture *f = *state;
	config.per_minute = 30;
	for (int i = 0; i < 50; i++)
		put(f, "ida@a.dk", OUTBOX_OTHER);
	int leased = 0;
	for (int64_t now = NOW; now < NOW + 60000; now += 100)
		leased += (int)lease(f, now, 8).count;
	assert_in_range(leased, 28, 30);
	for (int i = 0; i < 4; i++)
		put(f, "ida@a.dk", OUTBOX_CODE);
	int64_t now = NOW + 60000;
	assert_int_equal(lease(f, now, 8).count + lease(f, now, 8).count + lease(f, now, 8).count + lease(f, now, 8).count, 4);
	assert_int_equal(lease(f, now + 4000, 8).count, 0); /* they were counted */
	assert_true(next_at(f, now) > now + 4000);
}

static void a_domain_has_its_rate(void **state) {
	struct fixture *f = *state;
	struct str domains[] = {STR("slow.dk")};
	int64_t rates[] = {6};
	config.per_domain = (struct mail_rates){domains, rates, 1, 0};
	for (int i = 0; i < 20; i++) {
		put(f, "ida@slow.dk", OUTBOX_OTHER);
		put(f, "ida@fast.dk", OUTBOX_OTHER);
	}
	int slow = 0, fast = 0;
	for (int64_t now = NOW; now < NOW + 60000; now += 100) {
		struct outbox_list list = lease(f, now, 8);
		for (size_t i = 0; i < list.count; i++)
			*(str_is(list.items[i].recipient, "ida@slow.dk") ? &slow : &fast) += 1;
	}
	assert_int_equal(slow, 6);
	assert_int_equal(fast, 20);
	/* What is more urgent goes first there too; a code does not wait, but counts. */
	int64_t task = put(f, "eva@slow.dk", OUTBOX_TASK), code = put(f, "bo@slow.dk", OUTBOX_CODE);
	struct outbox_list list = lease(f, NOW + 60001, 8);
	assert_int_equal(list.count, 2);
	assert_true(list.items[0].id == code && list.items[1].id == task);
	assert_true(next_at(f, NOW + 60001) >= NOW + 80000);
}

static void a_relay_that_fails_rests_and_is_probed_by_one(void **state) {
	struct fixture *f = *state;
	for (int i = 0; i < 20; i++)
		put(f, "ida@a.dk", i % 2 ? OUTBOX_CODE : OUTBOX_OTHER);
	assert_int_equal(learn(f, LESSON_DOWN, "ida@a.dk", NOW).what, LEARNED_FAILED);
	assert_int_equal(learn(f, LESSON_ANSWERED, "ida@a.dk", NOW).what, LEARNED_NOTHING);
	learn(f, LESSON_DOWN, "ida@a.dk", NOW);
	learn(f, LESSON_DOWN, "ida@a.dk", NOW);
	assert_int_equal(learn(f, LESSON_DOWN, "ida@a.dk", NOW).what, LEARNED_DOWN);
	assert_int_equal(lease(f, NOW, 8).count, 0);
	assert_int_equal(next_at(f, NOW), NOW + 1000);
	struct outbox_list probe = lease(f, NOW + 1000, 8);
	assert_int_equal(probe.count, 1);
	assert_int_equal(probe.items[0].priority, OUTBOX_CODE);
	assert_int_equal(lease(f, NOW + 1000, 8).count, 0); /* before the probe has ended */
	OK(outbox_release(f->tx, probe.items[0].id, probe.items[0].fence, &f->err));
	assert_int_equal(learn(f, LESSON_DOWN, "ida@a.dk", NOW + 1000).what, LEARNED_NOTHING);
	assert_int_equal(lease(f, NOW + 2999, 8).count, 0);
	/* Another process asks at once. */
	OK(turns_start(f->tx, &f->err));
	probe = lease(f, NOW + 2000, 8);
	assert_int_equal(probe.count, 1);
	assert_int_equal(probe.items[0].attempts, 1);
	assert_int_equal(lease(f, NOW + 2000, 8).count, 0);
	/* It had expired, so the relay never heard of it: the next one asks, and nobody waits for an answer that does not come. */
	assert_int_equal(learn(f, LESSON_UNASKED, "ida@a.dk", NOW + 2000).what, LEARNED_NOTHING);
	assert_int_equal(lease(f, NOW + 2000, 8).count, 1);
	assert_int_equal(learn(f, LESSON_SENT, "ida@a.dk", NOW + 2000).what, LEARNED_UP);
	assert_int_equal(lease(f, NOW + 2000, 8).count, 8);
}

/* While the relay rests its fallback is used, but not for what the relay may have taken; the relay is asked again by one at a time. */
static void a_fallback_takes_over(void **state) {
	struct fixture *f = *state;
	struct mail_config second = {.relay = STR("smtp://second")};
	struct outbox_list list;
	struct learned learned;
	enum way way;
	bool more;
	config.fallback = &second;
	int64_t unknown = put(f, "eva@a.dk", OUTBOX_CODE);
	list = lease(f, NOW, 1);
	assert_int_equal(list.items[0].id, unknown);
	OK(outbox_begin(f->tx, unknown, list.items[0].fence, NOW, &f->err));
	OK(outbox_settle(f->tx, unknown, list.items[0].fence, OUTBOX_UNKNOWN, 0, STR("unknown: gone"), NOW, &f->err));
	OK(outbox_requeue(f->tx, unknown, NOW, &f->err));
	for (int i = 0; i < 5; i++)
		put(f, "ida@a.dk", OUTBOX_TASK);
	for (int i = 0; i < BREAKER_FAILURES; i++)
		learn(f, LESSON_DOWN, "ida@a.dk", NOW);
	OK(turns_lease(f->tx, &all, NOW, NOW + 100000, 2, f->arena, &list, &way, &more, &f->err));
	assert_int_equal(way, WAY_SECOND);
	assert_int_equal(list.count, 2);
	assert_true(list.items[0].id != unknown && list.items[1].id != unknown);
	OK(turns_learn(f->tx, CHANNEL_MAIL, WAY_SECOND, LESSON_SENT, STR("ida@a.dk"), STR("250"), NOW, &learned, &f->err));
	assert_int_equal(learned.what, LEARNED_NOTHING); /* nothing about the first */
	OK(turns_lease(f->tx, &all, NOW, NOW + 100000, 8, f->arena, &list, &way, &more, &f->err));
	assert_int_equal(list.count, 3);
	assert_int_equal(next_at(f, NOW), NOW + 1000);
	OK(turns_lease(f->tx, &all, NOW + 1000, NOW + 100000, 8, f->arena, &list, &way, &more, &f->err));
	assert_int_equal(way, WAY_FIRST);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].id, unknown);
	/* Both rest: nothing goes. */
	put(f, "ida@a.dk", OUTBOX_TASK);
	for (int i = 0; i < BREAKER_FAILURES; i++)
		OK(turns_learn(f->tx, CHANNEL_MAIL, WAY_SECOND, LESSON_DOWN, STR("ida@a.dk"), STR("no"), NOW + 1000, &learned, &f->err));
	assert_int_equal(learned.what, LEARNED_DOWN);
	assert_int_equal(lease(f, NOW + 1000, 8).count, 0);
	assert_int_equal(next_at(f, NOW + 1000), NOW + 2000);
}

static void what_is_captured_has_no_limits(void **state) {
	struct fixture *f = *state;
	struct turns captured = all;
	struct outbox_list list;
	bool more;
	enum way way;
	captured.mail = NULL;
	config.per_minute = 1;
	for (int i = 0; i < 5; i++)
		put(f, "ida@a.dk", OUTBOX_OTHER);
	OK(turns_lease(f->tx, &captured, NOW, NOW + 1000, 8, f->arena, &list, &way, &more, &f->err));
	assert_int_equal(list.count, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(a_paused_domain_waits_and_others_go_on),
	        TEST(a_rate_of_the_relay_holds_for_all_but_codes),
	        TEST(a_domain_has_its_rate),
	        TEST(a_relay_that_fails_rests_and_is_probed_by_one),
	        TEST(a_fallback_takes_over),
	        TEST(what_is_captured_has_no_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
