/* The reader of multipart bodies: what browsers send in pieces of every size, and what is broken. */
#include "otp-portal/multipart.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

static struct buf log_of;

static bool part(void *context, struct str name, bool file, struct str filename) {
	(void)context;
	buf_printf(&log_of, "[%.*s%s", STR_ARG(name), file ? "=" : "");
	buf_str(&log_of, filename);
	buf_char(&log_of, ']');
	return true;
}

static bool data(void *context, const char *bytes, size_t len) {
	(void)context;
	buf_add(&log_of, bytes, len);
	return true;
}

static bool read_body(struct str body, size_t piece) {
	struct multipart *m = multipart_open(STR("xyz"), (struct multipart_sink){NULL, part, data});
	bool good = true;
	buf_init(&log_of, 1 << 20);
	for (size_t at = 0; at < body.len; at += piece)
		good = multipart_feed(m, body.at + at, body.len - at < piece ? body.len - at : piece);
	good = good && multipart_whole(m);
	multipart_close(m);
	return good;
}

#define PART(disposition, content) "--xyz\r\nContent-Disposition: " disposition "\r\n\r\n" content "\r\n"
#define FIELD(name, content) PART("form-data; name=\"" name "\"", content)
#define END "--xyz--\r\n"

static void pieces_of_every_size_give_the_same(void **state) {
	static const char body[] = FIELD("step", "2") PART("form-data; name=\"f\"; filename=\"a b.pdf\"\r\nContent-Type: application/pdf", "\r\n--xy\r\n--xyq\r\r\n-")
	        PART("form-data; name=\"g\"; filename=\"\"", "") END;
	(void)state;
	for (size_t piece = 1; piece < sizeof body; piece++) {
		assert_true(read_body((struct str){body, sizeof body - 1}, piece));
		assert_string_equal(log_of.at, "[step]2[f=a b.pdf]\r\n--xy\r\n--xyq\r\r\n-[g=]");
		buf_free(&log_of);
	}
}

static void much_passes_through(void **state) {
	struct buf body;
	(void)state;
	buf_init(&body, 1 << 20);
	buf_z(&body, "--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n");
	for (int i = 0; i < 30000; i++)
		buf_printf(&body, "\r\n--x%d", i);
	buf_z(&body, "\r\n" END);
	static const size_t sizes[] = {1, 7, 4095, 4096, 16384, 16385, 1 << 20};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_true(read_body(buf_text(&body), sizes[i]));
		assert_true(str_ends(buf_text(&log_of), STR("\r\n--x29999")));
		buf_free(&log_of);
	}
	buf_free(&body);
}

static void what_is_broken_is_refused(void **state) {
	static const char *const cases[] = {
	        "", "--xyz", "--xyz\r\n", "--xyz--x", FIELD("a", "1"), FIELD("a", "1") "--xyz-", "x" FIELD("a", "1") END, FIELD("a", "1") END "x",
	        "\r\n" FIELD("a", "1") END, "--xyz \r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n" END,
	        PART("form-data; name=a", "") END, PART("form-data", "") END, PART("attachment; name=\"a\"", "") END, PART("form-data; name=\"\"", "") END,
	        PART("form-data; name=\"a", "") END, PART("form-data; name=\"a\" x", "") END, PART("form-data; name=\"a\"; name=\"b\"", "") END,
	        PART("form-data; name=\"a\"; filename=\"b\"; filename=\"c\"", "") END, PART("form-data; name=\"a\"; filename*=UTF-8''b", "") END,
	        PART("form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"", "") END, PART("form-data; name=\"a\"\r\n folded: x", "") END,
	        PART("form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64", "") END, PART("form-data; name=\"a\"\r\nno colon", "") END,
	        "--xyz\r\n\r\nbody\r\n" END, "--xyz\nContent-Disposition: form-data; name=\"a\"\n\n\n" END, PART("form-data; name=\"a\nb\"", "") END,
	        PART("form-data; name=\"\xff\"", "") END,
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool whole = read_body(str_from(cases[i]), 1000);
		buf_free(&log_of);
		if (read_body(str_from(cases[i]), 1) || whole)
			fail_msg("case %zu was read: %s", i, cases[i]);
		buf_free(&log_of);
	}
}

static void boundaries_are_plain(void **state) {
	struct str boundary;
	static const char *const wrong[] = {"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a b\"", "multipart/mixed; boundary=a",
	                                    "multipart/form-data; boundary=a; boundary=b", "text/plain; boundary=a", "multipart/form-data; boundary=a\"b"};
	(void)state;
	assert_true(multipart_boundary(STR("Multipart/Form-Data; charset=utf-8; Boundary=\"----a=b\""), &boundary));
	assert_true(str_is(boundary, "----a=b"));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(multipart_boundary(str_from(wrong[i]), &boundary));
	char text[200];
	for (int len = 69; len < 73; len++) {
		int used = snprintf(text, sizeof text, "multipart/form-data; boundary=%0*d", len, 1);
		assert_true(multipart_boundary((struct str){text, (size_t)used}, &boundary) == (len <= 70));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(pieces_of_every_size_give_the_same),
	        cmocka_unit_test(much_passes_through),
	        cmocka_unit_test(what_is_broken_is_refused),
	        cmocka_unit_test(boundaries_are_plain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
