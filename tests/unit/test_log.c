/* What the log shows, and what it hides. */
#include "engine/base/clock.h"
#include "engine/base/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char seen[1 << 18];
static int kept = -1;
static FILE *file;

static void capture(void) {
	file = tmpfile();
	assert_non_null(file);
	kept = dup(STDERR_FILENO);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
}

static void release(void) {
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(file);
	seen[fread(seen, 1, sizeof seen - 1, file)] = '\0';
	fclose(file);
}

static void assert_pairs(const char *pairs, const char *expected) {
	char line[9000];
	capture();
	log_event(LOG_INFO, "sent", "%s", pairs);
	release();
	snprintf(line, sizeof line, "event=sent%s%s level=info at=2026-03-29T01:00:00.000Z\n", expected[0] ? " " : "", expected);
	assert_string_equal(seen, line);
}

static void test_masks(void **state) {
	(void)state;
	clock_simulate(INT64_C(1774746000000), 0);
	static const char *const rows[][2] = {
	        {"", ""},
	        {"instance=17", "instance=17"},
	        {"to=ida.holm@example.dk", "to=i***@example.dk"},
	        {"to=x@example.dk,y.z@example.dk n=2", "to=x***@example.dk,y***@example.dk n=2"},
	        {"to=\"Ida <ida+tag@example.dk>\"", "to=\"Ida <i***@example.dk>\""},
	        {"to=\xC3\xB8re@example.dk", "to=\xC3\xB8***@example.dk"},
	        {"to=a=b@example.dk", "to=a***@example.dk"},
	        {"error=\"550 a=b@example.dk\"", "error=\"550 a***@example.dk\""},
	        {"a@b@c.dk", "a***@b***@c.dk"},
	        {"path=/x?mail=ida%40example.dk", "path=/***%40example.dk"},
	        {"text=\"smtp: <ida@example.dk>: no\"", "text=\"smtp: <i***@example.dk>: no\""},
	        {"url=http://127.0.0.1:8080", "url=http://127.0.0.1:8080"},
	        {"path=/l/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-AbCdE status=200", "path=/l/AbCdEf*** status=200"},
	        {"path=/l/AbCdE", "path=/l/AbCdE"},
	        {"path=/l/AbCdEfG/x", "path=/l/AbCdEf***/x"},
	        {"token=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-AbCdE", "token=AbCdEf***"},
	        {"hash=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "hash=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
	        {"to=+4520373422 tries=1", "to=+452***22 tries=1"},
	        {"to=+29812345678", "to=+298***78"},
	        {"to=+12345678", "to=+123***78"},
	        {"offset=+1234567", "offset=+1234567"},
	        {"line\nevent=forged\r\t\x1b[31m \x7f", "line?event=forged???[31m ?"},
	        {"bad=\xFF\xC3 end=\xE2\x80\xAEtxt \xC2\x85", "bad=?? end=?txt ?"},
	        {"@", "@"},
	        {"=@x", "=@x"},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_pairs(rows[i][0], rows[i][1]);
}

static void test_long_lines_are_cut(void **state) {
	(void)state;
	static char pairs[100000];
	for (size_t i = 0; i + 2 < sizeof pairs; i += 2)
		memcpy(pairs + i, "a@", 2);
	capture();
	log_event(LOG_WARN, "long", "%s", pairs);
	release();
	assert_true(strlen(seen) < 17000);
	assert_non_null(strstr(seen, " level=warn at="));
	assert_int_equal(seen[strlen(seen) - 1], '\n');
}

static void test_levels_and_err(void **state) {
	(void)state;
	struct err err;
	err_set(&err, ERR_NOT_FOUND, "link.unknown", "no link of \"ida@example.dk\"");
	capture();
	log_event(LOG_DEBUG, "quiet", "n=1");
	log_err(LOG_ERROR, "refused", &err);
	log_set_level(LOG_DEBUG);
	log_event(LOG_DEBUG, "loud", "n=%d", 2);
	log_set_level(LOG_INFO);
	release();
	assert_string_equal(seen, "event=refused kind=not_found text=\"no link of 'i***@example.dk'\" level=error at=2026-03-29T01:00:00.000Z\n"
	                          "event=loud n=2 level=debug at=2026-03-29T01:00:00.000Z\n");
}

static void *talk(void *unused) {
	for (int i = 0; i < 200; i++)
		log_event(LOG_INFO, "talk", "n=%03d", i);
	return unused;
}

static void test_lines_stay_whole(void **state) {
	(void)state;
	pthread_t threads[4];
	capture();
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_create(&threads[i], NULL, talk, NULL);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	release();
	size_t lines = 0;
	for (char *at = seen; *at; lines++) {
		char *end = strchr(at, '\n');
		assert_non_null(end);
		assert_int_equal(end - at, (int)strlen("event=talk n=000 level=info at=2026-03-29T01:00:00.000Z"));
		at = end + 1;
	}
	assert_int_equal(lines, 800);
}

static void test_clock(void **state) {
	(void)state;
	clock_simulate(1000, 0);
	assert_true(clock_is_simulated());
	assert_int_equal(clock_now(), 1000);
	clock_advance(500);
	assert_int_equal(clock_now(), 1500);
	clock_simulate(5000, 1);
	int64_t start = clock_monotonic();
	usleep(5000);
	assert_in_range(clock_now() - 5000, 4, 2000);
	assert_in_range(clock_monotonic() - start, 4, 2000);
	clock_advance(60000);
	assert_in_range(clock_now() - 65000, 4, 2000);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_masks),           cmocka_unit_test(test_long_lines_are_cut), cmocka_unit_test(test_levels_and_err),
	        cmocka_unit_test(test_lines_stay_whole), cmocka_unit_test(test_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
