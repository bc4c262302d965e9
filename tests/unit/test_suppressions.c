#include "engine/store/suppressions.h"
#include "tests/unit/store_fixture.h"

static int set_up(void **state) {
	struct fixture *f = fixture_files();
	fixture_open(f, f->path);
	fixture_begin(f);
	*state = f;
	return 0;
}

static int tear_down(void **state) {
	fixture_tear_down(state);
	return 0;
}

static bool is_there(struct fixture *f, enum channel channel, const char *address, struct suppression *out) {
	bool found;
	OK(suppression_load(tx_view(f->tx), channel, str_from(address), f->arena, out, &found, &f->err));
	return found;
}

static void each_is_kept_once_with_its_first_reason(void **state) {
	struct fixture *f = *state;
	struct suppression row = {.channel = CHANNEL_SMS, .address = STR("+4520123456"), .reason = STR("STOP"), .at = 1000}, got;
	bool fresh, found;
	assert_false(is_there(f, CHANNEL_SMS, "+4520123456", &got));
	OK(suppression_add(f->tx, &row, &fresh, &f->err));
	assert_true(fresh);
	row.reason = STR("again"), row.at = 2000;
	OK(suppression_add(f->tx, &row, &fresh, &f->err));
	assert_false(fresh);
	assert_true(is_there(f, CHANNEL_SMS, "+4520123456", &got) && str_is(got.reason, "STOP") && got.at == 1000);
	assert_false(is_there(f, CHANNEL_MAIL, "+4520123456", &got));
	assert_false(is_there(f, CHANNEL_SMS, "+452012345", &got));
	OK(suppression_remove(f->tx, CHANNEL_SMS, STR("+4520123456"), &found, &f->err));
	assert_true(found);
	OK(suppression_remove(f->tx, CHANNEL_SMS, STR("+4520123456"), &found, &f->err));
	assert_false(found || is_there(f, CHANNEL_SMS, "+4520123456", &got));
}

static void an_address_is_the_same_in_capitals(void **state) {
	struct fixture *f = *state;
	struct suppression row = {.channel = CHANNEL_MAIL, .address = STR("Ida@x.dk"), .reason = STR("asked"), .at = 1000}, got;
	struct suppression_list list;
	bool fresh;
	OK(suppression_add(f->tx, &row, &fresh, &f->err));
	assert_true(is_there(f, CHANNEL_MAIL, "ida@x.dk", &got) && str_is(got.address, "Ida@x.dk"));
	row.address = STR("ole@x.dk"), row.at = 500;
	OK(suppression_add(f->tx, &row, &fresh, &f->err));
	OK(suppression_list(tx_view(f->tx), 0, 10, f->arena, &list, &f->err));
	assert_true(list.count == 2 && str_is(list.items[0].address, "ole@x.dk") && str_is(list.items[1].address, "Ida@x.dk"));
	OK(suppression_list(tx_view(f->tx), 1, 1, f->arena, &list, &f->err));
	assert_true(list.count == 1 && str_is(list.items[0].address, "Ida@x.dk"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(each_is_kept_once_with_its_first_reason, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(an_address_is_the_same_in_capitals, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
