#include "engine/base/address.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static int setup(void **state) {
	(void)state;
	arena = arena_new();
	return 0;
}

static int teardown(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static void test_email(void **state) {
	(void)state;
	static const char *const good[][2] = {
		{"a@b.dk", "a@b.dk"},
		{"  Anna.Hansen@Firma.DK\t", "Anna.Hansen@firma.dk"},
		{"\xC2\xA0" "a@b.dk\xE2\x80\x8B", "a@b.dk"},
		{"o'neil+tag@sub.example.co.uk", "o'neil+tag@sub.example.co.uk"},
		{"!#$%&'*+-/=?^_`{|}~@x-y.dk", "!#$%&'*+-/=?^_`{|}~@x-y.dk"},
		{"a@xn--bl-wia.dk", "a@xn--bl-wia.dk"},
		{"1@3.dk", "1@3.dk"},
		{"1234567890123456789012345678901234567890123456789012345678901234@b.dk",
	     "1234567890123456789012345678901234567890123456789012345678901234@b.dk"},
	};
	struct err err = {0};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct str normal;
		if (!address_email(arena, str_from(good[i][0]), &normal, &err) || !str_is(normal, good[i][1]))
			fail_msg("%s: %s", good[i][0], err.text);
	}
}

static void test_email_refused(void **state) {
	(void)state;
	const struct {
		struct str typed;
		const char *why;
	} bad[] = {
		{STR(""), "no address"},
		{STR("  "), "no address"},
		{STR("anna"), "no @"},
		{STR("@b.dk"), "nothing before"},
		{STR("a@"), "too many"},
		{STR("a@b"), "no dot"},
		{STR("a@localhost"), "no dot"},
		{STR("a@b@c.dk"), "more than one @"},
		{STR("a b@c.dk"), "not allowed stands before"},
		{STR("\"a b\"@c.dk"), "not allowed stands before"},
		{STR("Anna <a@b.dk>"), "not allowed stands before"},
		{STR("a@b.dk, c@d.dk"), "more than one @"},
		{STR("a@b .dk"), "not allowed stands behind"},
		{STR(".a@b.dk"), "a dot"},
		{STR("a.@b.dk"), "a dot"},
		{STR("a..b@b.dk"), "a dot"},
		{STR("a@.b.dk"), "too many"},
		{STR("a@b..dk"), "too many"},
		{STR("a@b.dk."), "too many"},
		{STR("a@-b.dk"), "hyphen"},
		{STR("a@b-.dk"), "hyphen"},
		{STR("a@b_c.dk"), "not allowed stands behind"},
		{STR("a@[192.0.2.1]"), "not allowed stands behind"},
		{STR("a@192.0.2.1"), "ends in a number"},
		{STR("a@bl\303\245.dk"), "outside a-z stands behind"},
		{STR("s\303\270ren@b.dk"), "outside a-z stands before"},
		{STR("a@b.dk\r\nRCPT TO:<x@y.dk>"), "more than one @"},
		{STR("a\r\n@b.dk"), "not allowed stands before"},
		{STR("a@b\r\n.dk"), "not allowed stands behind"},
		{STR("a\0@b.dk"), "not allowed stands before"},
		{STR("a@b\0.dk"), "not allowed stands behind"},
		{STR("a@b.dk\0"), "not allowed stands behind"},
		{STR("12345678901234567890123456789012345678901234567890123456789012345@b.dk"), "64"},
		{STR("a@1234567890123456789012345678901234567890123456789012345678901234.dk"), "63"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = {0};
		struct str normal;
		if (address_email(arena, bad[i].typed, &normal, &err))
			fail_msg("was accepted: %s", bad[i].typed.at);
		if (!strstr(err.text, bad[i].why))
			fail_msg("%s: %s", bad[i].typed.at, err.text);
		assert_true(strncmp(err.key, "field.email-", 12) == 0 || strcmp(err.key, "field.missing") == 0);
		assert_int_equal(err.kind, ERR_INPUT);
	}
}

static void test_email_length(void **state) {
	(void)state;
	struct buf text;
	buf_init(&text, 1000);
	buf_z(&text, "a@");
	for (int i = 0; i < 125; i++)
		buf_z(&text, "b.");
	struct str normal;
	struct err err = {0};
	buf_z(&text, "dk");
	assert_int_equal(text.len, 254);
	assert_true(address_email(arena, buf_text(&text), &normal, &err));
	buf_char(&text, 'x');
	assert_false(address_email(arena, buf_text(&text), &normal, &err));
	buf_free(&text);
}

static void test_key(void **state) {
	(void)state;
	assert_true(str_is(address_key(arena, STR("Anna.Hansen@firma.dk")), "anna.hansen@firma.dk"));
	assert_true(str_is(address_key(arena, STR("+4522334455")), "+4522334455"));
}

static void test_phone(void **state) {
	(void)state;
	static const struct {
		const char *typed;
		int64_t country;
		const char *normal;
	} good[] = {
		{"22334455", 45, "+4522334455"},
		{" 22 33 44 55 ", 45, "+4522334455"},
		{"22-33-44-55", 45, "+4522334455"},
		{"22.33.44.55", 45, "+4522334455"},
		{"22\xC2\xA0" "33\xE2\x80\x93" "44 55", 45, "+4522334455"},
		{"+45 22 33 44 55", 45, "+4522334455"},
		{"(+45) 22334455", 45, "+4522334455"},
		{"+45 22334455", 0, "+4522334455"},
		{"0045 22334455", 0, "+4522334455"},
		{"4522334455", 45, "+4522334455"},
		{"45223344", 45, "+4545223344"},
		{"+298 123456", 45, "+298123456"},
		{"+44 (0)20 7946 0000", 45, "+442079460000"},
		{"070-123 45 67", 46, "+46701234567"},
		{"+123456789012345", 45, "+123456789012345"},
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct str normal = STR("");
		struct err err = {0};
		if (!address_phone(arena, str_from(good[i].typed), good[i].country, &normal, &err) || !str_is(normal, good[i].normal))
			fail_msg("%s gave %.*s %s", good[i].typed, STR_ARG(normal), err.text);
	}
}

static void test_phone_refused(void **state) {
	(void)state;
	const struct {
		struct str typed;
		int64_t country;
	} bad[] = {
		{STR(""), 45},          {STR("  -"), 45},         {STR("2233445"), 45}, {STR("+4612345"), 45},      {STR("223344556"), 45},
		{STR("112"), 45},       {STR("02334455"), 45},    {STR("+45 2233445"), 45},  {STR("+45 12334455"), 45},
		{STR("+45 223344556"), 45}, {STR("22334455"), 0}, {STR("tlf. 22334455"), 45}, {STR("22334455x"), 45},
		{STR("2233+4455"), 45}, {STR("++4522334455"), 45}, {STR("+0045223344"), 45}, {STR("00"), 45},
		{STR("+1234567890123456"), 45}, {STR("12345678901234567890123456789012345678901234567890"), 45},
		{STR("2233\0" "4455"), 45}, {STR("22334455\xFF"), 45}, {STR("\xD9\xA2\xD9\xA2" "334455"), 45}, {STR("a@b.dk"), 45},
		{STR("+"), 45},         {STR("123456789012345"), 999}, {STR("2233\n4455;"), 45},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct str normal = STR("");
		struct err err = {0};
		if (address_phone(arena, bad[i].typed, bad[i].country, &normal, &err))
			fail_msg("row %zu was accepted: %s gave %.*s", i, bad[i].typed.at, STR_ARG(normal));
		assert_true(strncmp(err.key, "field.phone-", 12) == 0 || strcmp(err.key, "field.not-phone") == 0);
		assert_int_equal(err.kind, ERR_INPUT);
	}
	/* and the person is told what is wrong */
	static const char *const why[][2] = {{"call me", "digits"}, {"2233 445o", "digits"}, {"+46123", "short"}, {"2233445", "danish"}, {"12345678", "danish"},
	                                     {"+1234567890123456", "long"}};
	for (size_t i = 0; i < sizeof why / sizeof *why; i++) {
		struct str normal;
		struct err err = {0};
		assert_false(address_phone(arena, str_from(why[i][0]), 45, &normal, &err));
		if (strcmp(err.key + strlen("field.phone-"), why[i][1]) != 0)
			fail_msg("%s: %s", why[i][0], err.key);
	}
}

static void test_mask(void **state) {
	(void)state;
	static const char *const table[][2] = {
		{"anna@firma.dk", "a***@firma.dk"}, {"a@b.dk", "a***@b.dk"},   {"+4522334422", "+45 ** ** ** 22"},
		{"+298123456", "+29 ****** 56"},    {"", "***"},               {"anna", "***"},
		{"+4512", "***"},                   {"@b.dk", "***"},          {"a@", "***"},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct str mask = address_mask(arena, str_from(table[i][0]));
		if (!str_is(mask, table[i][1]))
			fail_msg("%s gave %.*s", table[i][0], STR_ARG(mask));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_email), TEST(test_email_refused), TEST(test_email_length), TEST(test_key),
		TEST(test_phone), TEST(test_phone_refused), TEST(test_mask),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
