/* What browsers call themselves. */
#include "otp-portal/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_agents(void **state) {
	static const struct {
		const char *agent, *browser, *system;
	} cases[] = {
	        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge", "Windows"},
	        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Chrome", "Windows"},
	        {"Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", "Samsung Internet", "Android"},
	        {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome", "iPhone"},
	        {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "Safari", "Mac"},
	        {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Linux"},
	        {"curl/8.0 <script>alert(1)</script>", "", ""},
	        {"", "", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(str_is(agent_browser(str_from(cases[i].agent)), cases[i].browser));
		assert_true(str_is(agent_system(str_from(cases[i].agent)), cases[i].system));
	}
	assert_int_equal(agent_browser((struct str){0}).len, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_agents)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
