#include "engine/base/secret.h"
#include "engine/store/texts_in.h"
#include "mailer/text_in.h"
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

static void words_that_end_it_stand_alone(void **state) {
	(void)state;
	static const struct {
		const char *text;
		enum text_word word;
	} rows[] = {
	        {"STOP", TEXT_STOP}, {"stop", TEXT_STOP}, {" Stop. ", TEXT_STOP}, {"\"STOP\"!!\n", TEXT_STOP}, {"Stopp", TEXT_STOP}, {"afmeld", TEXT_STOP}, {"Unsubscribe", TEXT_STOP},
	        {"\xE2\x80\x9Cstop\xE2\x80\x9D\xC2\xA0", TEXT_STOP}, {"START", TEXT_START}, {"tilmeld", TEXT_START}, {"(Start)", TEXT_START},
	        {"", TEXT_OTHER}, {".", TEXT_OTHER}, {"stop nu", TEXT_OTHER}, {"s top", TEXT_OTHER}, {"S.T.O.P", TEXT_OTHER}, {"stop stop", TEXT_OTHER}, {"stopper", TEXT_OTHER},
	        {"stop 1", TEXT_OTHER}, {"1", TEXT_OTHER}, {"st\xC3\xB8p", TEXT_OTHER}, {"sto", TEXT_OTHER}, {"stop\xFF", TEXT_OTHER}, {"\xC3\xA6stop", TEXT_OTHER},
	        {"stop \xF0\x9F\x91\x8D", TEXT_OTHER}, {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", TEXT_OTHER}, {"st\xCF\x8Fp", TEXT_OTHER},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (text_word(str_from(rows[i].text)) != rows[i].word)
			fail_msg("%s: %d", rows[i].text, text_word(str_from(rows[i].text)));
}

static void words_that_start_come_first(void **state) {
	(void)state;
	static const struct {
		const char *text, *word, *rest; /* NULL: it does not begin with it */
	} rows[] = {
	        {"SP\xC3\x98RG Har I \xC3\xA5" "bent?", "sp\xC3\xB8rg", "Har I \xC3\xA5" "bent?"}, {"spoerg: hvorn\xC3\xA5r", "sp\xC3\xB8rg", "hvorn\xC3\xA5r"}, {" \"Nordby\" - hej. ", "nordby", "hej."},
	        {"nordby", "nordby", ""}, {"Nordby?\nHej\n", "nordby", "Hej"}, {"2026 hej", "2026", "hej"},
	        {"", "nordby", NULL}, {"nordbys hej", "nordby", NULL}, {"hej nordby", "nordby", NULL}, {"nord by", "nordby", NULL}, {"nordby\xC3\xA6 hej", "nordby", NULL}, {"?", "nordby", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str rest;
		bool begins = text_begins(str_from(rows[i].text), str_from(rows[i].word), &rest);
		if (begins != (rows[i].rest != NULL) || (begins && !str_is(rest, rows[i].rest)))
			fail_msg("%s: %d '%.*s'", rows[i].text, begins, STR_ARG(rest));
	}
}

static void senders_become_numbers(void **state) {
	struct fixture *f = *state;
	static const char *const rows[][2] = {
	        {"4520123456", "+4520123456"}, {"+4520123456", "+4520123456"}, {"004520123456", "+4520123456"}, {"20123456", "+4520123456"}, {" +45 20 12 34 56 ", "+4520123456"},
	        {"298123456", "+298123456"}, {"299123456", "+299123456"}, {"4915112345678", "+4915112345678"},
	        {"1204", NULL}, {"", NULL}, {"Skolen", NULL}, {"0", NULL}, {"4520123456789012", NULL}, {"45201234x6", NULL}, {"12345678", NULL}, {"+", NULL}, {"\xFF", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str number = STR("");
		bool known = text_sender(f->arena, str_from(rows[i][0]), 45, &number);
		if (known != (rows[i][1] != NULL) || (known && !str_is(number, rows[i][1])))
			fail_msg("%s: %d %.*s", rows[i][0], known, STR_ARG(number));
	}
}

static void utf16_is_read_whatever_it_is(void **state) {
	struct fixture *f = *state;
	static const struct {
		struct str bytes;
		const char *text;
	} rows[] = {
	        {{"\0H\0e\0j", 6}, "Hej"}, {{"\x04\x16\0\xE6", 4}, "\xD0\x96\xC3\xA6"}, {{"\xD8\x3C\xDF\x89", 4}, "\xF0\x9F\x8E\x89"},
	        {{"\xD8\x3C", 2}, "\xEF\xBF\xBD"}, {{"\xDF\x89\0a", 4}, "\xEF\xBF\xBD" "a"}, {{"\xD8\x3C\0a", 4}, "\xEF\xBF\xBD" "a"}, {{"\0a\0", 3}, "a\xEF\xBF\xBD"}, {{"", 0}, ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str text = text_from_utf16(f->arena, rows[i].bytes);
		if (!str_is(text, rows[i].text))
			fail_msg("row %zu: %.*s", i, STR_ARG(text));
	}
}

static void the_address_is_ours_alone(void **state) {
	struct fixture *f = *state;
	char token[SECRET_TOKEN + 1], other[SECRET_TOKEN + 1];
	unsigned char id[SECRET_ID], mac[SECRET_MAC];
	assert_true(inbound_token(f->keys, token) && inbound_token_read(f->keys, str_from(token)));
	for (size_t i = 0; i < SECRET_TOKEN; i++) {
		char *changed = arena_z(f->arena, str_from(token));
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_false(inbound_token_read(f->keys, str_from(changed)));
	}
	/* the same id for another purpose */
	assert_true(token_split(str_from(token), id, mac) && token_make(f->keys, keyring_current(f->keys), "report", id, other));
	assert_false(inbound_token_read(f->keys, str_from(other)));
	assert_false(inbound_token_read(f->keys, STR("")));
}

static void each_is_taken_once_and_there_is_an_end(void **state) {
	struct fixture *f = *state;
	struct text_in text = {.query = STR("from=1"), .type = STR(""), .body = STR("\xFF"), .at = 1000};
	struct text_in_list list;
	bool found;
	for (int i = 0; i < TEXTS_IN_AN_HOUR; i++)
		OK(text_in_put(f->tx, &text, &f->err));
	REFUSED(ERR_DENIED, text_in_put(f->tx, &text, &f->err));
	OK(texts_in_oldest(tx_view(f->tx), 2, f->arena, &list, &f->err));
	assert_true(list.count == 2 && str_equal(list.items[0].body, text.body) && str_is(list.items[0].query, "from=1"));
	int64_t last = text.id;
	for (int64_t id = last; id > last - TEXTS_IN_AN_HOUR; id--)
		OK(text_in_take(f->tx, id, &found, &f->err));
	assert_true(found);
	OK(text_in_take(f->tx, last, &found, &f->err));
	assert_false(found);
	text.at += INT64_C(2) * 3600 * 1000;
	OK(text_in_put(f->tx, &text, &f->err));
	assert_true(text.id > last); /* no number twice */
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(words_that_end_it_stand_alone, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(words_that_start_come_first, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(senders_become_numbers, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(utf16_is_read_whatever_it_is, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(the_address_is_ours_alone, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(each_is_taken_once_and_there_is_an_end, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
