/* The words of the product: both languages whole, dates and numbers, choice by header, a site's own files. */
#include "engine/base/language.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct arena *arena;
static struct languages *languages;
static const struct language *danish, *english;
static struct err err;
static char folder[64];

static int setup(void **state) {
	(void)state;
	arena = arena_new();
	languages = languages_open(NULL, &err);
	if (!languages) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	danish = language_get(languages, STR("da"));
	english = language_get(languages, STR("en"));
	snprintf(folder, sizeof folder, "/tmp/test_language.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
	(void)state;
	languages_close(languages);
	arena_free(arena);
	return rmdir(folder);
}

static void assert_text(struct str got, const char *expected) {
	assert_string_equal(arena_z(arena, got), expected);
}

static void test_dates(void **state) {
	(void)state;
	int64_t day = civil_day(2024, 4, 2), local = day * CIVIL_DAY_MS + (12 * 60 + 10) * INT64_C(60000) + 59999;
	assert_text(language_date(danish, arena, day), "tirsdag den 2. april 2024");
	assert_text(language_datetime(danish, arena, local), "tirsdag den 2. april 2024 kl. 12.10");
	assert_text(language_date_short(danish, arena, day), "02-04-24");
	assert_text(language_date(english, arena, day), "Tuesday 2 April 2024");
	assert_text(language_datetime(english, arena, local), "Tuesday 2 April 2024 at 12:10");
	assert_text(language_date_short(english, arena, day), "2 April 2024");
	assert_text(language_date(danish, arena, civil_day(2026, 12, 27)), "s\xC3\xB8ndag den 27. december 2026");
	assert_text(language_datetime(danish, arena, 0), "torsdag den 1. januar 1970 kl. 00.00");
}

static void test_typed_dates(void **state) {
	(void)state;
	static const char *const good[] = {"5. maj 2026", "5 maj 2026", "5.maj 2026", " 05. Maj 2026 ", "5. maj 26", "tirsdag den 5. maj 2026", "den 5. maj 2026", "5 May 2026", "May 5, 2026",
	                                   "Tuesday 5 May 2026", "5/5 2026", "5/5-2026", "05-05-2026", "5.5.2026", "050526", "2026-05-05"};
	static const char *const wrong[] = {"", "maj", "5. maj", "maj 2026", "31. april 2026", "5. ma 2026", "5. majs 2026", "5. 5. maj 2026", "5. maj maj 2026", "2026 maj 5", "i dag", "5. maj 20266",
	                                    "5. maj 2026 tirsdag", "\xC3\xB8 5. maj 2026", "5. abcdefghijklmnopqrstuvwxyzabcdefghijklmnop 2026"};
	int64_t day;
	for (size_t i = 0; i < COUNT(good); i++)
		if (!language_parse_date(languages, str_from(good[i]), &day) || day != civil_day(2026, 5, 5))
			fail_msg("'%s' is the 5th of May", good[i]);
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (language_parse_date(languages, str_from(wrong[i]), &day))
			fail_msg("'%s' is no date", wrong[i]);
	assert_true(language_parse_date(languages, STR("1. jun. 2026"), &day) && day == civil_day(2026, 6, 1));
	assert_true(language_parse_date(languages, STR("1. juli 2026"), &day) && day == civil_day(2026, 7, 1));
}

static void test_numbers(void **state) {
	(void)state;
	static const struct {
		int64_t value;
		const char *danish, *english;
	} whole[] = {{0, "0", "0"}, {999, "999", "999"}, {1350, "1.350", "1,350"}, {-1350, "-1.350", "-1,350"}, {-999, "-999", "-999"}, {1234567, "1.234.567", "1,234,567"},
	             {INT64_MIN, "-9.223.372.036.854.775.808", "-9,223,372,036,854,775,808"}};
	for (size_t i = 0; i < COUNT(whole); i++) {
		assert_text(language_int(danish, arena, whole[i].value), whole[i].danish);
		assert_text(language_int(english, arena, whole[i].value), whole[i].english);
	}
	assert_text(language_decimal(danish, arena, 12.5), "12,5");
	assert_text(language_decimal(danish, arena, 1350.25), "1.350,25");
	assert_text(language_decimal(english, arena, -1350.25), "-1,350.25");
	assert_text(language_decimal(danish, arena, 3), "3");
	assert_text(language_decimal(danish, arena, 1e30), "1e+30");
}

static void test_texts(void **state) {
	(void)state;
	assert_text(language_text(danish, arena, "field.too-long", STR("80"), STR("")), "Skriv h\xC3\xB8jst 80 tegn");
	assert_text(language_text(english, arena, "form.step", STR("2"), STR("{{0}}")), "Step 2 of {{0}}"); /* a value is no template */
	assert_text(language_word(danish, "form.yes"), "Ja");
	assert_text(language_word(english, "form.no"), "No");
	assert_text(language_name(danish), "Dansk");
	assert_text(language_code(english), "en");
	assert_text(language_word(danish, "no.such-key"), "no.such-key");
	assert_text(language_word(danish, "form"), "form");
	assert_text(language_word(danish, ""), "");
	assert_int_equal(languages_count(languages), 2);
	assert_ptr_equal(language_at(languages, 0), danish);
}

/* The keys that the brief of the product names; the C code asks for them. */
static void test_named_keys_exist(void **state) {
	(void)state;
	static const char *const keys[] = {
	        "form.continue", "form.back", "form.check-answers", "form.change", "form.optional", "form.not-given", "form.error-title", "form.error-prefix", "form.yes", "form.no",
	        "form.choose", "field.missing", "field.too-long", "field.too-short", "field.email-at", "field.email-two", "field.email-before", "field.email-end", "field.email-dots", "field.email-letter", "field.email-character", "field.email-long", "field.not-phone", "field.phone-digits", "field.phone-short", "field.phone-long", "field.phone-danish", "field.phone-country", "field.not-date", "field.not-datetime", "field.not-int",
	        "field.not-decimal", "field.not-digits", "field.checksum", "field.not-choice", "field.choose", "field.too-small", "field.too-large", "field.too-early", "field.too-late",
	        "field.must-accept", "field.row-missing", "field.too-many", "field.too-few", "field.control", "link.unknown", "link.expired", "link.used", "link.withdrawn",
	        "link.not-now", "link.done-title", "receipt.reference", "receipt.title", "list.empty", "list.search", "list.reference", "list.state", "list.started_at",
	        "list.changed_at", "list.open", "page.not-ready", "login.title", "login.address", "login.send", "login.code", "login.code-hint", "login.wrong", "login.too-many",
	        "login.sent-text", "login.logout", "mail.code-subject", "mail.code-text", "error.not-found", "error.too-large", "error.busy", "error.method", "error.cross-site",
	        "error.too-often", "error.internal", "front.title", "front.none", "front.help", "page.skip", "page.language", "demo.inbox", "demo.clock"};
	for (size_t i = 0; i < COUNT(keys); i++)
		for (size_t l = 0; l < languages_count(languages); l++) {
			struct str word = language_word(language_at(languages, l), keys[i]);
			if (str_is(word, keys[i]) || word.len == 0)
				fail_msg("%s is missing", keys[i]);
		}
}

static void test_choice(void **state) {
	(void)state;
	static const char *const rows[][2] = {
	        {"", "da"}, {"en", "en"}, {"en-GB,en;q=0.9,da;q=0.8", "en"}, {"da-DK,da;q=0.9,en;q=0.8", "da"}, {"EN-us", "en"}, {"fr,de", "da"}, {"fr, en;q=0.1", "en"},
	        {"en;q=0.5, da;q=0.7", "da"}, {"en;q=0, *", "da"}, {"da;q=0, *", "en"}, {"da;q=0.1, *;q=0.5", "en"}, {"en;q=1.000,da", "en"}, {"*", "da"}, {"en, *", "en"}, {"en;q=2, da;q=0.1", "da"},
	        {"en;q=abc", "da"}, {"en;q=1.5", "da"}, {"en;q=0.12345", "da"}, {";;;,,,q=", "da"}, {"e", "da"}, {"english", "da"}, {"-en", "da"}, {"en-", "en"}, {"en ; q=0.4 , da;q=0.3", "en"}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str code = language_code(language_accept(languages, str_from(rows[i][0])));
		if (!str_is(code, rows[i][1]))
			fail_msg("'%s' gave %.*s", rows[i][0], STR_ARG(code));
	}
	assert_ptr_equal(language_get(languages, STR("da-DK")), danish);
	assert_ptr_equal(language_get(languages, STR("EN")), english);
	assert_ptr_equal(language_get(languages, STR("xx")), danish);
	assert_true(language_known(languages, STR("en-GB")));
	assert_false(language_known(languages, STR("xx")));
	assert_false(language_known(languages, STR("")));
	char many[5000];
	memset(many, ',', sizeof many);
	assert_ptr_equal(language_accept(languages, (struct str){many, sizeof many}), danish);
}

/* A site's folder with one file; NULL text: as it is. */
static struct languages *open_with(const char *name, const char *text) {
	char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	err = (struct err){0};
	struct languages *l = languages_open(folder, &err);
	unlink(path);
	return l;
}

static void test_own_folder(void **state) {
	(void)state;
	struct languages *l = open_with("da.yaml", "form: {continue: Videre}\n");
	assert_non_null(l);
	assert_text(language_word(language_get(l, STR("da")), "form.continue"), "Videre");
	assert_text(language_word(language_get(l, STR("da")), "form.back"), "Tilbage");
	assert_int_equal(languages_count(l), 2);
	languages_close(l);
	l = open_with("README.md", "no language");
	assert_non_null(l);
	languages_close(l);
	l = languages_open("/nonexistent/languages", &err);
	assert_non_null(l);
	languages_close(l);
	FILE *f = fopen("languages/en.yaml", "r"); /* tests run in the repository's root */
	static char text[1 << 16];
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	l = open_with("sv.yaml", text);
	assert_non_null(l);
	assert_int_equal(languages_count(l), 3);
	assert_text(language_code(language_get(l, STR("sv-SE"))), "sv");
	languages_close(l);
	*strstr(text, "\n  continue:") = '\0'; /* all that follows is missing */
	assert_null(open_with("sv.yaml", text));
	assert_non_null(strstr(err.text, "sv.yaml:"));
	assert_non_null(strstr(err.text, " is missing"));
}

static void test_own_folder_refusals(void **state) {
	(void)state;
	static const char *const rows[][3] = {
	        {"da.yaml", "form: {contnue: x}", "da.yaml:1:17: no text is called form.contnue, did you mean form.continue"},
	        {"da.yaml", "field: {too-long: x}", "expected the same {{0}} and {{1}} as in"},
	        {"da.yaml", "form: {back: 'x {{0}}'}", "expected the same"},
	        {"da.yaml", "form: {back: 'x {{name}}'}", "{{name}} is not known"},
	        {"da.yaml", "formats: {date: '{{weekdag}}'}", "{{weekdag}} is not known"},
	        {"da.yaml", "months: [a, b, c, d, e, f, g, h, i, j, k, l, m]", "months.13"},
	        {"da.yaml", "form: {back: }", "form.back has no text"},
	        {"da.yaml", "form: Videre", "no text is called form"},
	        {"da.yaml", "- a", "must be a map"},
	        {"da.yaml", "form: [a\n", "da.yaml:2:1: "},
	        {"x.yaml", "name: x", "named by its code"},
	        {"da_DK.yaml", "name: x", "named by its code"},
	        {"sv.yaml", "name: Svenska", "is missing"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_null(open_with(rows[i][0], rows[i][1]));
		if (!strstr(err.text, rows[i][2]))
			fail_msg("'%s' gave '%s'", rows[i][1], err.text);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_dates),  cmocka_unit_test(test_numbers),    cmocka_unit_test(test_texts),
	        cmocka_unit_test(test_choice), cmocka_unit_test(test_own_folder), cmocka_unit_test(test_own_folder_refusals),
	        cmocka_unit_test(test_named_keys_exist), cmocka_unit_test(test_typed_dates),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
