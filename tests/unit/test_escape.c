#include "engine/base/escape.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
	struct str in;
	const char *out;
};

static void expect_rows(void (*escape)(struct buf *, struct str), const struct row *rows, size_t count) {
	for (size_t i = 0; i < count; i++) {
		struct buf out;
		buf_init(&out, 10000);
		escape(&out, rows[i].in);
		if (!str_is(buf_text(&out), rows[i].out))
			fail_msg("row %zu: expected |%s|, found |%.*s|", i, rows[i].out, STR_ARG(buf_text(&out)));
		buf_free(&out);
	}
}

#define EXPECT_ROWS(escape, rows) expect_rows(escape, rows, sizeof(rows) / sizeof *(rows))

static void test_html(void **state) {
	(void)state;
	const struct row rows[] = {
		{STR(""), ""},
		{STR("S\303\270ren & <b>\"x\" 'y'</b>"), "S\303\270ren &amp; &lt;b&gt;&quot;x&quot; &#39;y&#39;&lt;/b&gt;"},
		{STR("&amp;"), "&amp;amp;"},
		{STR("a\0b\001c\177d\tx\ny"), "abcd\tx\ny"},
		{STR("\xFF<\xC3"), "\xEF\xBF\xBD&lt;\xEF\xBF\xBD"},
		{STR("a\xE2\x80\xAE" "b\xC2\x9B" "c"), "abc"},
	};
	EXPECT_ROWS(escape_html, rows);
}

static void test_markdown(void **state) {
	(void)state;
	const struct row rows[] = {
		{STR("plain \303\246"), "plain \303\246"},
		{STR("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
	     "\\!\\\"\\#\\$\\%\\&\\'\\(\\)\\*\\+\\,\\-\\.\\/\\:\\;\\<\\=\\>\\?\\@\\[\\\\\\]\\^\\_\\`\\{\\|\\}\\~"},
		{STR("a\nb\r\nc\rd"), "a\\\nb\\\nc\\\nd"},
		{STR("a\n\nb"), "a\\\n\\\nb"},
		{STR("  \n    code\n\n"), "code"},
		{STR("29.3.2026"), "29\\.3\\.2026"},
		{STR("a\tb\0c\033[1m"), "a bc\\[1m"},
		{STR("{{secret}}"), "\\{\\{secret\\}\\}"},
		{STR("a\xE2\x80\xA8" "b\xFF"), "ab\xEF\xBF\xBD"},
	};
	EXPECT_ROWS(escape_markdown, rows);
	const struct row cells[] = {{STR("a\r\nb|c\n"), "a&#10;b\\|c"}};
	EXPECT_ROWS(escape_markdown_cell, cells);
}

static void test_uri(void **state) {
	(void)state;
	const struct row rows[] = {
		{STR("https://x.dk/a?b=c&d=%C3#e"), "https://x.dk/a?b=c&d=%C3#e"},
		{STR("mailto:a@x.dk?subject=(')\\\303\245 \0\n<>\""), "mailto:a@x.dk?subject=%28%27%29%5C%C3%A5%20%00%0A%3C%3E%22"},
	};
	EXPECT_ROWS(escape_uri, rows);
}

static void test_print(void **state) {
	(void)state;
	const struct row rows[] = {
		{STR("\303\246\ta\nb\xE2\x80\xA9" "c\r\n"), "\303\246 a\nb\nc \n"},
		{STR("a\0\001\177\xC2\x9F\xE2\x80\xAE\xE2\x81\xA6\xE2\x80\x8F\xEF\xBB\xBF\xEF\xB7\x90\xEF\xBF\xBF\xF3\xA0\x81\x81" "b"), "ab"},
		{STR("a\xFF"), "a\xEF\xBF\xBD"},
		{STR("e\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81z\xCC\x81"), "e\xCC\x81\xCC\x81\xCC\x81\xCC\x81z\xCC\x81"},
	};
	EXPECT_ROWS(escape_print, rows);
}

static void test_url(void **state) {
	(void)state;
	const struct row rows[] = {
		{STR("aZ09-._~"), "aZ09-._~"},
		{STR("a b&c=d/e?f#g%+"), "a%20b%26c%3Dd%2Fe%3Ff%23g%25%2B"},
		{STR("\303\245\0\n"), "%C3%A5%00%0A"},
	};
	EXPECT_ROWS(escape_url, rows);
}

static void test_json(void **state) {
	(void)state;
	const struct row rows[] = {
		{STR(""), "\"\""},
		{STR("a\"b\\c\n\r\t\b\0\177"), "\"a\\\"b\\\\c\\n\\r\\t\\u0008\\u0000\\u007f\""},
		{STR("</script>&"), "\"\\u003c/script\\u003e\\u0026\""},
		{STR("\xE2\x80\xA8\xE2\x80\xA9\xF0\x9F\x98\x80\xFF"), "\"\\u2028\\u2029\xF0\x9F\x98\x80\xEF\xBF\xBD\""},
	};
	EXPECT_ROWS(escape_json, rows);
}

static void test_csv(void **state) {
	(void)state;
	const struct row rows[] = {
		{STR(""), ""},
		{STR("plain"), "plain"},
		{STR("a,b"), "\"a,b\""},
		{STR("a;b"), "\"a;b\""},
		{STR("say \"hi\""), "\"say \"\"hi\"\"\""},
		{STR("two\r\nlines"), "\"two\r\nlines\""},
		{STR("=1+1"), "\"'=1+1\""},
		{STR("+45"), "+45"},
		{STR("-5"), "-5"},
		{STR("-12,5"), "\"-12,5\""},
		{STR("+45 20 12 34 56"), "+45 20 12 34 56"},
		{STR("-1+1"), "\"'-1+1\""},
		{STR("+45-20"), "\"'+45-20\""},
		{STR("- "), "\"'- \""},
		{STR("-A1"), "\"'-A1\""},
		{STR("\"=1"), "\"'\"\"=1\""},
		{STR(" '\"@x"), "\"' '\"\"@x\""},
		{STR("@SUM(A1)"), "\"'@SUM(A1)\""},
		{STR("\t=1"), "\"'\t=1\""},
		{STR("\r=1"), "\"'\r=1\""},
		{STR("  =1"), "\"'  =1\""},
		{STR("\xEF\xBC\x9D" "1"), "\"'\xEF\xBC\x9D" "1\""},
		{STR("a=1"), "a=1"},
		{STR("a\0b\001"), "ab"},
		/* What is dropped guards nothing. */
		{STR("\1=1+1"), "\"'=1+1\""},
		{STR("\xEF\xBB\xBF=1+1"), "\"'\xEF\xBB\xBF=1+1\""},
		{STR("\xE2\x80\x8B \xC2\xA0@x"), "\"'\xE2\x80\x8B \xC2\xA0@x\""},
		{STR("\x7F\"\x02-1+1"), "\"'\"\"-1+1\""},
		{STR("\xE2\x80\x93 nej"), "\xE2\x80\x93 nej"},
		{STR(" "), "\" \""},
	};
	EXPECT_ROWS(escape_csv, rows);
}

static void test_sms(void **state) {
	(void)state;
	const struct row rows[] = {
		{STR("\xE2\x80\x9Chej\xE2\x80\x9D \xE2\x80\x98y\xE2\x80\x99 \xC2\xBBz\xC2\xAB"), "\"hej\" 'y' \"z\""},
		{STR("1\xE2\x80\x93" "2\xE2\x80\x94" "3\xE2\x80\xA6"), "1-2-3..."},
		{STR("kl.\xC2\xA0" "12\xE2\x80\xAF" "00"), "kl. 12 00"},
		{STR("a\r\nb\tc\001\0\177"), "a\nb c"},
		{STR("bl\303\245b\303\246r\xC2\xAD" "gr\303\270d"), "bl\303\245b\303\246rgr\303\270d"},
		{STR("\xE2\x80\xAEx\xFF"), "x\xEF\xBF\xBD"},
	};
	EXPECT_ROWS(escape_sms, rows);
}

static void test_url_decode(void **state) {
	(void)state;
	struct arena *a = arena_new();
	const struct row good[] = {
		{STR(""), ""},
		{STR("a+b%20c%2B"), "a b c+"},
		{STR("S%C3%B8ren%c3%b8"), "S\303\270ren\303\270"},
		{STR("%0D%0a"), "\r\n"},
	};
	struct str out;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(escape_url_decode(a, good[i].in, &out));
		if (!str_is(out, good[i].out))
			fail_msg("row %zu: found %.*s", i, STR_ARG(out));
	}
	const struct str bad[] = {STR("%"),      STR("%4"),     STR("a%4"), STR("%GG"),      STR("%4G"), STR("%00"), STR("a\0b"),
	                                 STR("%C3"),    STR("%FF"),    STR("\xFF"), STR("%C0%80"),  STR("%-1"), STR("%ED%A0%80")};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (escape_url_decode(a, bad[i], &out))
			fail_msg("row %zu was accepted", i);
	/* what escape_url writes comes back */
	char all[255];
	for (size_t i = 0; i < 127; i++)
		all[i] = (char)(i + 1);
	struct buf url;
	buf_init(&url, 1000);
	escape_url(&url, (struct str){all, 127});
	assert_true(escape_url_decode(a, buf_text(&url), &out));
	assert_true(str_equal(out, (struct str){all, 127}));
	buf_free(&url);
	arena_free(a);
}

static void test_gate(void **state) {
	(void)state;
	struct err err = {0};
	assert_true(escape_gate(STR(""), 10, "subject", &err));
	assert_true(escape_gate(STR("S\303\270ren \xF0\x9F\x98\x80"), 20, "subject", &err));
	assert_true(escape_gate(STR("1234567890"), 10, "subject", &err));
	assert_false(escape_gate(STR("12345678901"), 10, "subject", &err));
	assert_string_equal(err.key, "text.too-long");
	assert_string_equal(err.arg[0], "subject");
	const struct str bad[] = {
		STR("a\r\nBcc: x@y.dk"), STR("a\nb"), STR("a\rb"), STR("a\tb"), STR("a\0b"), STR("a\033b"), STR("a\177b"),
		STR("a\xC2\x85" "b"), STR("a\xE2\x80\xAE" "b"), STR("a\xE2\x81\xA6" "b"), STR("a\xE2\x80\xA8" "b"), STR("a\xFF"), STR("\xC3"),
		STR("\xC0\x8A"), STR("\xED\xA0\x80"),
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err = (struct err){0};
		if (escape_gate(bad[i], 100, "address", &err))
			fail_msg("row %zu passed", i);
		assert_int_equal(err.kind, ERR_INPUT);
		assert_string_equal(err.key, "text.character");
	}
}

static int nibble(char c) {
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Q-words and folds undone (RFC 2047 section 6.2: blanks between two words do not count). */
static void decode(struct buf *out, struct str s) {
	bool after_word = true; /* a fold at the start belongs to the field name */
	for (size_t i = 0; i < s.len;) {
		struct str here = {s.at + i, s.len - i};
		if (after_word && str_starts(here, STR("\r\n =?"))) {
			i += 3;
			continue;
		}
		if (str_starts(here, STR("\r\n "))) {
			i += 2;
			continue;
		}
		after_word = str_starts(here, STR("=?UTF-8?Q?"));
		if (!after_word) {
			buf_char(out, s.at[i++]);
			continue;
		}
		size_t start = i;
		struct buf word;
		buf_init(&word, 100);
		for (i += 10; s.at[i] != '?'; i++) {
			if (s.at[i] == '=') {
				buf_char(&word, (char)(nibble(s.at[i + 1]) * 16 + nibble(s.at[i + 2])));
				i += 2;
			} else {
				buf_char(&word, s.at[i] == '_' ? ' ' : s.at[i]);
			}
		}
		i += 2;
		assert_in_range(i - start, 13, 75);
		assert_true(str_utf8_valid(buf_text(&word)));
		buf_str(out, buf_text(&word));
		buf_free(&word);
	}
}

static void expect_lines(struct str text, size_t used, size_t longest) {
	for (size_t column = used; text.len > 0; column = 0) {
		struct str line = str_cut(&text, '\n');
		if (text.len > 0)
			assert_int_equal(line.at[line.len - 1], '\r');
		assert_in_range(column + line.len - (text.len > 0), 0, longest);
	}
}

static void expect_round_trip(struct str in, const char *expected, size_t used) {
	struct buf out, back;
	buf_init(&out, 100000);
	buf_init(&back, 100000);
	escape_rfc2047(&out, in, used);
	for (size_t i = 0; i < out.len; i++)
		assert_true((unsigned char)out.at[i] < 0x7F);
	expect_lines(buf_text(&out), used, strstr(out.at, "=?") ? 76 : 78);
	decode(&back, buf_text(&out));
	if (!str_is(buf_text(&back), expected))
		fail_msg("expected |%s|, found |%s| from |%s|", expected, back.at, out.at);
	buf_free(&out);
	buf_free(&back);
}

static void test_rfc2047(void **state) {
	(void)state;
	static const char *const texts[] = {
		"Bekr\303\246ft m\303\270detid",
		"R\303\270dgr\303\270d med fl\303\270de \xE2\x80\x93 \xC3\x86\xC3\x98\xC3\x85 \303\246\303\270\303\245, k\303\270b 100 % = \"godt\"; _ ? (x)",
		"\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246"
		"\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246\303\246",
		"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80",
		"=?UTF-8?Q?evil?=", "two  blanks", " at the ends ",
		"Plain words that go on for so long that the line has to be folded at a blank, once and then again a second time",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		for (size_t used = 0; used < 76; used++)
			if (used < 70 || i < 4)
				expect_round_trip(str_from(texts[i]), texts[i], used);
	/* CR LF never comes back, TAB becomes a blank, broken bytes are shown as such */
	expect_round_trip(STR("\303\246\r\nBcc: x\ty\0z"), "\303\246Bcc: x yz", 9);
	expect_round_trip(STR("a\r\nBcc: x"), "aBcc: x", 9);
	expect_round_trip(STR("\303\246\xFF"), "\303\246\xEF\xBF\xBD", 9);
}

static void test_rfc2047_forms(void **state) {
	(void)state;
	struct buf out;
	buf_init(&out, 10000);
	escape_rfc2047(&out, STR("Plain subject, with punctuation: 100 %?"), 9);
	assert_string_equal(out.at, "Plain subject, with punctuation: 100 %?");
	buf_clear(&out);
	escape_rfc2047(&out, STR("S\303\270ren"), 9);
	assert_string_equal(out.at, "=?UTF-8?Q?S=C3=B8ren?=");
	buf_clear(&out);
	char run[2000];
	memset(run, 'x', sizeof run);
	escape_rfc2047(&out, (struct str){run, sizeof run}, 9);
	expect_lines(buf_text(&out), 9, 76);
	buf_free(&out);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_html),       cmocka_unit_test(test_markdown), cmocka_unit_test(test_uri), cmocka_unit_test(test_print), cmocka_unit_test(test_url),
		cmocka_unit_test(test_json),       cmocka_unit_test(test_csv),      cmocka_unit_test(test_sms),
		cmocka_unit_test(test_url_decode), cmocka_unit_test(test_gate),     cmocka_unit_test(test_rfc2047),
		cmocka_unit_test(test_rfc2047_forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
