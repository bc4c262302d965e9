#include "otp-portal/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void one_network_leaves_room_for_others(void **state) {
	struct share *s = share_open(4, 2);
	struct str a = STR("192.0.2.1"), b = STR("2001:db8::/64"), c = STR("192.0.2.10");
	(void)state;
	assert_true(share_take(s, a));
	assert_true(share_take(s, a));
	assert_false(share_take(s, a));
	assert_true(share_take(s, b));
	assert_true(share_take(s, c));
	assert_false(share_take(s, c)); /* all are taken */
	share_give(s, a);
	assert_false(share_take(s, (struct str){a.at, 0}) && share_take(s, c));
	share_give(s, STR(""));
	assert_true(share_take(s, a));
	assert_false(share_take(s, a));
	share_give(s, a);
	share_give(s, a);
	share_give(s, b);
	share_give(s, c);
	for (int i = 0; i < 2; i++)
		assert_true(share_take(s, b));
	share_close(s);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_network_leaves_room_for_others)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
