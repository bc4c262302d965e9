/* What is formatted without the C library must be what the library writes, cut or whole. */
#include "engine/base/arena.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

__attribute__((format(printf, 1, 2))) static void check(const char *format, ...) {
	char theirs[400], ours[400];
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(theirs, sizeof theirs, format, args);
	va_end(args);
	for (size_t size = 0; size <= (size_t)len + 2; size++) {
		va_list each;
		va_copy(each, again);
		memset(ours, '#', sizeof ours);
		assert_int_equal(str_vformat(size > 0 ? ours : NULL, size, format, each), len);
		va_end(each);
		size_t whole = size == 0 ? 0 : size - 1 < (size_t)len ? size - 1 : (size_t)len;
		assert_memory_equal(ours, theirs, whole);
		assert_int_equal(ours[whole], size > 0 ? '\0' : '#');
		assert_int_equal(ours[whole + 1], '#');
	}
	va_end(again);
}

static void formats(void **state) {
	(void)state;
	check("%s", "");
	check("only words, Åse");
	check("100 %% of %s: %d%%", "all", 7);
	check("%.*s|%.*s|%.*s|%.*s", 3, "abcdef", 0, "abc", 9, "ab", -1, "whole");
	check("%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
	check("%lld %lld %lld %lld", 0LL, -10LL, LLONG_MAX, LLONG_MIN);
	check("%zu %zu %zu", (size_t)0, (size_t)10, SIZE_MAX);
	check("%02d:%02d", 7, 30);
	check("%02d %02d %02d %02d %02d|", 0, 9, 123, -5, -12);
	check("%s is %.15g of %-6.*s| and %s", "x", 2.5, 2, "abc", "so on");
	check("%04x %c %ld %u %.2s", 10u, 'c', -5L, 5u, "abc");
	check("<p id=\"%s%.*s\">%zu", "f-", 4, "name", (size_t)12);
}

static void a_buffer_keeps_its_limit(void **state) {
	(void)state;
	struct buf b;
	buf_init(&b, 6);
	buf_printf(&b, "%d", 1234);
	buf_printf(&b, "%s%d", "ab", 5);
	assert_true(b.overflow);
	assert_string_equal(buf_text(&b).at, "1234");
	buf_printf(&b, "%d", 7);
	assert_string_equal(buf_text(&b).at, "1234");
	buf_clear(&b);
	buf_printf(&b, "%s%d", "abcde", 6);
	assert_string_equal(buf_text(&b).at, "abcde6");
	buf_free(&b);
}

static void long_texts(void **state) {
	(void)state;
	struct arena *a = arena_new();
	struct buf b;
	char many[1000];
	memset(many, 'x', sizeof many);
	buf_init(&b, 5000);
	for (int i = 0; i < 4; i++)
		buf_printf(&b, "%.*s%d", (int)sizeof many, many, i);
	assert_int_equal(b.len, 4 * (sizeof many + 1));
	assert_int_equal(b.at[b.len - 1], '3');
	struct str text = arena_printf(a, "%.*s%d", (int)sizeof many, many, 12);
	assert_int_equal(text.len, sizeof many + 2);
	assert_string_equal(text.at + sizeof many, "12");
	buf_free(&b);
	arena_free(a);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(formats),
	        cmocka_unit_test(a_buffer_keeps_its_limit),
	        cmocka_unit_test(long_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
