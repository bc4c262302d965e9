#include "mailer/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR INT64_C(3600000)
static const int64_t NOW = 1772445600000; /* 2026-03-02T10:00Z */

struct bench {
	struct arena *arena;
	struct mail_config config;
	struct composed message;
	struct str raw;
	struct mime_parts parts;
	struct err err;
};

static int set_up(void **state) {
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	assert_true(secret_init(&b->err));
	b->arena = arena_new();
	b->config = (struct mail_config){.from_name = STR("Nordby Kommune"), .from_address = STR("svar@nordby.example")};
	b->message = (struct composed){
	        .channel = CHANNEL_MAIL,
	        .to = STR("ida@firma.example"),
	        .to_name = STR("Ida Hansen"),
	        .subject = STR("Svar senest fredag"),
	        .text = STR("Hej\n\nhttps://svar.nordby.example/l/abc=def\n"),
	        .html = STR("<p>Hej</p>\n"),
	        .message_id = STR("<m1@nordby.example>"),
	        .thread = STR("<K7QF-3MXP@nordby.example>"),
	        .language = STR("da"),
	};
	*state = b;
	return 0;
}

static int tear_down(void **state) {
	struct bench *b = *state;
	arena_free(b->arena);
	free(b);
	return 0;
}

static void assert_lines(struct str raw) {
	size_t line = 0;
	for (size_t i = 0; i < raw.len; i++) {
		assert_true((unsigned char)raw.at[i] < 0x80 && raw.at[i] != '\0');
		assert_true(raw.at[i] != '\n' || (i > 0 && raw.at[i - 1] == '\r'));
		assert_true(raw.at[i] != '\r' || (i + 1 < raw.len && raw.at[i + 1] == '\n'));
		line = raw.at[i] == '\n' ? 0 : line + 1;
		assert_true(line <= 998);
	}
	assert_true(str_ends(raw, STR("\r\n")));
}

static void build(struct bench *b) {
	if (!mime_build(&b->config, &b->message, NOW, NOW + HOUR, b->arena, &b->raw, &b->err))
		fail_msg("%s", b->err.text);
	assert_lines(b->raw);
	if (!mime_parse(b->raw, b->arena, &b->parts, &b->err))
		fail_msg("%s", b->err.text);
}

static bool raw_has(const struct bench *b, const char *text) {
	return memmem(b->raw.at, b->raw.len, text, strlen(text)) != NULL;
}

static struct str header(const struct bench *b, const char *name) {
	struct str found = {NULL, 0};
	for (size_t i = 0; i < b->parts.header_count; i++) {
		if (!str_is(b->parts.headers[i].name, name))
			continue;
		assert_null(found.at);
		found = b->parts.headers[i].value;
	}
	return found;
}

#define assert_str(value, z)                                                     \
	do {                                                                     \
		struct str is_ = (value);                                        \
		if (!str_is(is_, (z)))                                           \
			fail_msg("'%.*s' is not '%s'", STR_ARG(is_), (z));       \
	} while (0)
#define assert_header(b, name, z) assert_str(header((b), (name)), (z))

static void every_header_is_there_once(void **state) {
	struct bench *b = *state;
	build(b);
	assert_header(b, "Date", "Mon, 2 Mar 2026 11:00:00 +0100");
	assert_header(b, "From", "Nordby Kommune <svar@nordby.example>");
	assert_header(b, "To", "Ida Hansen <ida@firma.example>");
	assert_header(b, "Subject", "Svar senest fredag");
	assert_header(b, "Message-ID", "<m1@nordby.example>");
	assert_header(b, "In-Reply-To", "<K7QF-3MXP@nordby.example>");
	assert_header(b, "References", "<K7QF-3MXP@nordby.example>");
	assert_header(b, "MIME-Version", "1.0");
	assert_header(b, "Auto-Submitted", "auto-generated");
	assert_header(b, "X-Auto-Response-Suppress", "All");
	assert_header(b, "Content-Language", "da");
	assert_null(header(b, "Reply-To").at);
	assert_true(str_starts(header(b, "Content-Type"), STR("multipart/alternative;")));
	assert_str(b->parts.text, "Hej\n\nhttps://svar.nordby.example/l/abc=def\n");
	assert_str(b->parts.html, "<p>Hej</p>\n");
}

static void documents_go_along(void **state) {
	struct bench *b = *state;
	char bytes[1000];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7);
	struct attached files[] = {
	        {STR("Erklæring \"Ærø\"; side\\1, en meget lang titel som ikke får plads på en linje alene.pdf"), STR("application/pdf"), {bytes, sizeof bytes}},
	        {STR("to.pdf"), STR("application/pdf"), STR("%PDF-\n--=_x--\r\n.\r\n")},
	        {STR("tom.pdf"), STR("application/pdf"), STR("")},
	};
	b->message.attached = files;
	b->message.attached_count = 3;
	for (size_t len = 997; len <= 1000; len++) { /* each way in which base64 may end */
		files[0].bytes.len = len;
		build(b);
		assert_true(str_starts(header(b, "Content-Type"), STR("multipart/mixed;")));
		assert_str(b->parts.text, "Hej\n\nhttps://svar.nordby.example/l/abc=def\n");
		assert_str(b->parts.html, "<p>Hej</p>\n");
		assert_int_equal(b->parts.attached_count, 3);
		for (size_t i = 0; i < 3; i++) {
			assert_true(str_equal(b->parts.attached[i].name, files[i].name));
			assert_str(b->parts.attached[i].type, "application/pdf");
			assert_true(str_equal(b->parts.attached[i].bytes, files[i].bytes));
		}
	}
	assert_true(raw_has(b, ";\r\n filename=\"Erklaering _Aeroe_; side_1, en"));
	assert_true(raw_has(b, "Content-Disposition: attachment;\r\n filename*0*=UTF-8''Erkl%C3%A6ring%20%22"));
	for (struct str rest = b->raw; rest.len > 0;) {
		struct str line = str_cut(&rest, '\n');
		assert_true(line.len <= 130); /* the fallback alone is longer than 78 */
	}
}

static void what_is_not_known_is_left_out(void **state) {
	struct bench *b = *state;
	b->message.to_name = STR("");
	b->message.thread = b->message.message_id;
	b->config.reply_to = STR("hjaelp@nordby.example");
	build(b);
	assert_header(b, "To", "<ida@firma.example>");
	assert_null(header(b, "References").at);
	assert_null(header(b, "In-Reply-To").at);
	assert_header(b, "Reply-To", "<hjaelp@nordby.example>");
	b->message.thread = STR("");
	build(b);
	assert_null(header(b, "References").at);
}

static void the_date_has_the_offset_of_its_zone(void **state) {
	struct bench *b = *state;
	assert_true(mime_build(&b->config, &b->message, NOW, NOW - 9 * HOUR - HOUR / 2, b->arena, &b->raw, &b->err));
	assert_true(raw_has(b, "Date: Mon, 2 Mar 2026 00:30:00 -0930\r\n"));
	int64_t summer = NOW + 120 * 24 * HOUR;
	assert_true(mime_build(&b->config, &b->message, summer, summer + 2 * HOUR, b->arena, &b->raw, &b->err));
	assert_true(raw_has(b, "Date: Tue, 30 Jun 2026 12:00:00 +0200\r\n"));
}

static void danish_comes_back_as_it_was(void **state) {
	struct bench *b = *state;
	b->message.subject = STR("Bekræft mødetid på Ærø, så vi når færgen: spørgsmål om øvelser og gågader i byen – 100 % sikkert?");
	b->message.to_name = STR("Søren Ærøskøbing-Ågård, Ålborg");
	b->message.text = STR("Kære Åse\n\nSå er det nu. = er et lighedstegn.\nFrom linjens start\n.\n..prik\nto  blanke \nslut\n");
	b->message.html = STR("<p style=\"margin:0\">Kære Åse &amp; Øjvind</p>\n");
	build(b);
	assert_str(header(b, "Subject"), b->message.subject.at);
	assert_header(b, "To", "Søren Ærøskøbing-Ågård, Ålborg <ida@firma.example>");
	assert_true(raw_has(b, "Subject: =?UTF-8?Q?Bekr=C3=A6ft_"));
	assert_str(b->parts.text, "Kære Åse\n\nSå er det nu. = er et lighedstegn.\nFrom linjens start\n.\n..prik\nto  blanke\nslut\n");
	assert_str(b->parts.html, b->message.html.at);
}

static void names_are_quoted_where_they_must_be(void **state) {
	static const struct {
		const char *name, *header;
	} table[] = {
	        {"Ida B. Hansen", "To: \"Ida B. Hansen\" <ida@firma.example>\r\n"},
	        {"Hansen, Ida", "To: \"Hansen, Ida\" <ida@firma.example>\r\n"},
	        {"Ida \"Ib\" \\o/", "To: \"Ida \\\"Ib\\\" \\\\o/\" <ida@firma.example>\r\n"},
	        {"eve@evil.example", "To: \"eve@evil.example\" <ida@firma.example>\r\n"},
	        {"Ida  Hansen", "To: \"Ida  Hansen\" <ida@firma.example>\r\n"},
	        {"O'Hara", "To: O'Hara <ida@firma.example>\r\n"},
	        {"=?UTF-8?Q?a?=", "To: =?UTF-8?Q?=3D=3FUTF-8=3FQ=3Fa=3F=3D?= <ida@firma.example>\r\n"},
	};
	struct bench *b = *state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		b->message.to_name = str_from(table[i].name);
		build(b);
		if (!raw_has(b, table[i].header))
			fail_msg("%s: %.*s", table[i].name, (int)b->raw.len, b->raw.at);
	}
}

static void long_values_are_folded(void **state) {
	struct bench *b = *state;
	struct buf name, line;
	buf_init(&name, 1000);
	buf_init(&line, 100000);
	for (int i = 0; i < 25; i++)
		buf_z(&name, "Æblegrød, \"syltetøj\" ");
	buf_z(&name, "til sidst");
	for (int i = 0; i < 3000; i++)
		buf_z(&line, "uden mellemrum æøå.");
	b->message.subject = buf_text(&name);
	b->message.text = arena_printf(b->arena, "%.*s\n", STR_ARG(buf_text(&line)));
	build(b);
	assert_true(str_equal(header(b, "Subject"), b->message.subject));
	assert_true(str_equal(b->parts.text, b->message.text));
	b->message.to_name = (struct str){name.at, 120};
	build(b);
	b->message.to_name = arena_printf(b->arena, "\"%0*d\"", 390, 0);
	build(b);
	b->message.subject = arena_printf(b->arena, "%0*d", 800, 0);
	build(b);
	assert_true(str_equal(header(b, "Subject"), b->message.subject));
	buf_free(&name);
	buf_free(&line);
}

static void a_message_may_be_empty(void **state) {
	struct bench *b = *state;
	b->message.text = b->message.html = STR("");
	build(b);
	assert_int_equal(b->parts.text.len, 0);
	b->message.text = STR("a\rb\r\rc\r\nd\r");
	build(b);
	assert_str(b->parts.text, "a\nb\n\nc\nd\n");
	b->message.text = STR("uden linjeskift");
	build(b);
	assert_str(b->parts.text, "uden linjeskift\n");
}

static void a_body_cannot_end_its_part(void **state) {
	struct bench *b = *state;
	build(b);
	struct str first = header(b, "Content-Type");
	assert_true(str_starts(first, STR("multipart/alternative;  boundary=\"=_")));
	assert_int_equal(first.len, strlen("multipart/alternative;  boundary=\"=_\"") + 32);
	build(b);
	assert_false(str_equal(first, header(b, "Content-Type")));
	b->message.text = STR("--=_0\n\n--\r\nContent-Type: text/html\r\n\r\n<b>nej</b>\n");
	build(b);
	assert_str(b->parts.html, "<p>Hej</p>\n");
	assert_non_null(memmem(b->parts.text.at, b->parts.text.len, "<b>nej</b>", 10));
}

/* Each value that reaches a header, with what must not get there. */
static void nothing_is_injected(void **state) {
	static const char *const bad[] = {"x\r\nBcc: eve@evil.example", "x\nBcc: eve@evil.example", "x\rBcc: y", "x\ty", "x\177y", "x\033[2J", "\xE2\x80\xAEx", "\xC3", "x\xC2\x85y", "\xE2\x80\xA8x"};
	static const char *const bad_addresses[] = {"", "ida", "@x.example", "ida@", "a@b@c", "a b@c.example", "a@c.example>", "<a@c.example", "a@c.example,b@d.example", "a@c.example;", "\"a\"@c.example", "(x)a@c.example", "a:b@c.example", "å@c.example"};
	struct bench *b = *state;
	struct str *values[] = {&b->message.subject,  &b->message.to_name, &b->config.from_name,    &b->message.to,      &b->message.message_id,
	                        &b->message.thread,   &b->message.language, &b->config.from_address, &b->config.reply_to};
	struct str *addresses[] = {&b->message.to, &b->config.from_address, &b->config.reply_to};
	for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
		struct str good = *values[v];
		for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
			b->err = (struct err){0};
			*values[v] = str_from(bad[i]);
			if (mime_build(&b->config, &b->message, NOW, NOW, b->arena, &b->raw, &b->err))
				fail_msg("value %zu passes with %zu", v, i);
			assert_int_equal(b->err.kind, ERR_INPUT);
		}
		*values[v] = good;
	}
	for (size_t v = 0; v < sizeof addresses / sizeof *addresses; v++) {
		struct str good = *addresses[v];
		for (size_t i = v == 2; i < sizeof bad_addresses / sizeof *bad_addresses; i++) {
			*addresses[v] = str_from(bad_addresses[i]);
			if (mime_build(&b->config, &b->message, NOW, NOW, b->arena, &b->raw, &b->err))
				fail_msg("address %zu passes with '%s'", v, bad_addresses[i]);
		}
		*addresses[v] = good;
	}
	b->message.message_id = STR("m1@nordby.example");
	assert_false(mime_build(&b->config, &b->message, NOW, NOW, b->arena, &b->raw, &b->err));
	b->message.message_id = STR("<m1@nordby.example> <m2@nordby.example>");
	assert_false(mime_build(&b->config, &b->message, NOW, NOW, b->arena, &b->raw, &b->err));
}

static void what_is_no_message_is_refused(void **state) {
	static const char *const table[] = {"", "\r\n", "x", "Subject: x\r\n\r\nhej\r\n", "Content-Type: text/plain\r\n\r\n"};
	struct bench *b = *state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		assert_false(mime_parse(str_from(table[i]), b->arena, &b->parts, &b->err));
		assert_int_equal(b->err.kind, ERR_INPUT);
	}
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		BENCH_TEST(every_header_is_there_once),
		BENCH_TEST(documents_go_along),
		BENCH_TEST(what_is_not_known_is_left_out),
		BENCH_TEST(the_date_has_the_offset_of_its_zone),
		BENCH_TEST(danish_comes_back_as_it_was),
		BENCH_TEST(names_are_quoted_where_they_must_be),
		BENCH_TEST(long_values_are_folded),
		BENCH_TEST(a_message_may_be_empty),
		BENCH_TEST(a_body_cannot_end_its_part),
		BENCH_TEST(nothing_is_injected),
		BENCH_TEST(what_is_no_message_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
