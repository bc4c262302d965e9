#include "engine/workflow/data_members.h"
#include "mailer/gateway.h"
#include "mailer/gateway_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state) {
	(void)state;
	arena = arena_new();
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static struct gateway *parse(const char *text) {
	struct err err = {0};
	struct gateway *g = gateway_parse(arena, "g.yaml", str_from(text), &err);
	if (!g)
		fail_msg("%s", err.text);
	return g;
}

static void all_that_are_built_in_can_be_read(void **state) {
	(void)state;
	struct gateway_file file;
	size_t count = 0;
	for (; gateway_file_at(count, &file); count++) {
		struct sms_config config = {.gateway = str_from(file.name), .url = STR("https://sms.example/")};
		struct err err = {0};
		struct gateway *g = gateway_open(arena, &config, &err);
		if (!g)
			fail_msg("%s: %s", file.name, err.text);
		assert_string_equal(g->url.at, "https://sms.example/");
	}
	assert_int_equal(count, 2);
}

static void wrong_descriptions_say_where(void **state) {
	(void)state;
	static const char *const rows[][2] = {
	        {"", "g.yaml:"},
	        {"- a", "g.yaml:1:1: expected a map"},
	        {"url: https://x.dk/\n", "where the text goes is missing"},
	        {"quary: a=b\n", "g.yaml:1:1: unknown key 'quary', did you mean query"},
	        {"query: [a]\n", "query: expected a text"},
	        {"query: \"a\\nb\"\n", "query: "},
	        {"query: a\nheaders: X\n", "headers: expected a list"},
	        {"query: a\nheaders: ['X Y']\n", "headers: expected a header"},
	        {"query: a\nurl: ftp://x\n", "url: expected an address"},
	        {"query: a\nsuccess: {member: a, begins: [b]}\n", "success: either begins or member"},
	        {"query: a\nreport: {delivered: [1]}\n", "report: the key status is missing"},
	        {"query: a\nreport: {status: s, delivered: [1], failed: [2, 1]}\n", "report: '1' stands there twice"},
	        {"query: a\nreport: {status: s, failed: [1], no_number: [1]}\n", "report: '1' stands there twice"},
	        {"query: a\nreport: {status: {a: b}}\n", "status: expected a text"},
	        {"query: a\nreport: {status: }\n", "status: expected a text"},
	        {"query: a\nquery: b\n", "g.yaml:2:"},
	        {"query: a\nrefusal: {member: code}\n", "refusal: barred or no_number is needed"},
	        {"query: a\nrefusal: {member: code, bared: [1]}\n", "unknown key 'bared', did you mean barred"},
	        {"query: a\ninbound: {from: f}\n", "inbound: the keys from and text are needed"},
	        {"query: a\ninbound: {text: f}\n", "inbound: the keys from and text are needed"},
	        {"query: a\ninbound: {from: f, text: t, form: f}\n", "unknown key 'form', did you mean from"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = {0};
		if (gateway_parse(arena, "g.yaml", str_from(rows[i][0]), &err) || !strstr(err.text, rows[i][1]))
			fail_msg("%s: %s", rows[i][0], err.text);
	}
}

static void an_unknown_name_tells_the_known(void **state) {
	(void)state;
	struct err err = {0};
	assert_null(gateway_open(arena, &(struct sms_config){.gateway = STR("gatewapi")}, &err));
	assert_non_null(strstr(err.text, "expected gatewayapi, kannel, or a file"));
	assert_null(gateway_open(arena, &(struct sms_config){.gateway = STR("kannel")}, &err));
	assert_non_null(strstr(err.text, "sms.url is missing"));
	assert_null(gateway_open(arena, &(struct sms_config){.gateway = STR("/nowhere/g.yaml")}, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static const char described[] = "query: a\nreport: {status: status, delivered: [1, DELIVERED], failed: [2, 16], no_number: [GONE], expired: [EXPIRED], on_way: [4, 8], reason: [error, code]}\n";

static void reports_are_read_however_they_come(void **state) {
	(void)state;
	const struct {
		const char *query, *type, *body;
		enum delivery delivery;
		const char *status, *reason;
	} rows[] = {
	        {"status=1&answer=x", "", "", DELIVERY_DELIVERED, "1", ""},
	        {"status=16&error=No%20such%20n%C3%BAmber", "", "", DELIVERY_FAILED, "16", "No such n\xC3\xBAmber"},
	        {"error=%FF&status=2", "", "", DELIVERY_FAILED, "2", ""},
	        {"", "application/x-www-form-urlencoded", "status=8", DELIVERY_ON_WAY, "8", ""},
	        {"", "application/json", "{\"id\": 1, \"status\": \"DELIVERED\", \"error\": null, \"code\": \"0x1\"}", DELIVERY_DELIVERED, "DELIVERED", "0x1"},
	        {"", "text/plain", " {\"status\": 1}", DELIVERY_DELIVERED, "1", ""},
	        {"", "application/json", "{\"status\": \"EXPIRED\", \"error\": \"a\\nb\\u001b[31m\"}", DELIVERY_EXPIRED, "EXPIRED", "a b [31m"},
	        {"", "application/json", "{\"status\": [1]}", DELIVERY_NONE, "", ""},
	        {"", "application/json", "{\"status\": \"DELIVERED\"", DELIVERY_NONE, "", ""},
	        {"", "application/json", "{\"status\": \"DELIVERED\", \"status\": \"EXPIRED\"}", DELIVERY_NONE, "", ""},
	        {"status=GONE", "", "", DELIVERY_FAILED, "GONE", ""},
	        {"status=delivered", "", "", DELIVERY_NONE, "delivered", ""},
	        {"status=11", "", "", DELIVERY_NONE, "11", ""},
	        {"status=", "", "", DELIVERY_NONE, "", ""},
	        {"", "", "", DELIVERY_NONE, "", ""},
	        {"status=2&status=1", "", "", DELIVERY_FAILED, "2", ""}, /* the first holds, and what is in the query before what is in the body */
	        {"status=2", "application/json", "{\"status\": 1}", DELIVERY_FAILED, "2", ""},
	};
	struct gateway *g = parse(described);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct report_text report = {str_from(rows[i].query), str_from(rows[i].type), str_from(rows[i].body)};
		struct str status, reason;
		bool dead;
		enum delivery d = gateway_report(g, &report, arena, &dead, &status, &reason);
		if (d != rows[i].delivery || dead != str_is(status, "GONE") || !str_is(status, rows[i].status) || !str_is(reason, rows[i].reason))
			fail_msg("row %zu: %s '%.*s' '%.*s'", i, delivery_name(d), STR_ARG(status), STR_ARG(reason));
	}
	g = parse("query: a\n");
	struct str status, reason;
	bool dead;
	assert_int_equal(gateway_report(g, &(struct report_text){.query = STR("=1&status=1")}, arena, &dead, &status, &reason), DELIVERY_NONE);
}

static void texts_are_read_however_they_come(void **state) {
	(void)state;
	const struct {
		const char *query, *type, *body;
		const char *from, *text, *id; /* from NULL: not understood */
	} rows[] = {
	        {"from=45&text=Ja%20tak%0D%0A%C3%A6&id=7", "", "", "45", "Ja tak\n\xC3\xA6", "7"},
	        {"from=%2B45&text=+a+", "", "", "+45", "a", ""},
	        {"", "application/x-www-form-urlencoded", "text=a&from=45", "45", "a", ""},
	        {"", "application/json", "{\"from\": 45, \"text\": \"a\\u001b\", \"id\": 1}", "45", "a", "1"},
	        {"from=45&text=%00%48%04%16&charset=UTF-16BE", "", "", "45", "H\xD0\x96", ""},
	        {"charset=UCS-2", "", "from=45&text=%00%48", "45", "H", ""},
	        {"from=45&text=%48%69&charset=GSM", "", "", "45", "Hi", ""},
	        {"from=45&text=a&text=b&from=46", "", "", "45", "a", ""},
	        {"from=a%0Ab&text=c", "", "", "a b", "c", ""},
	        {"from=45", "", "", NULL, "", ""},
	        {"text=45", "", "", NULL, "", ""},
	        {"from=45&text=", "", "", NULL, "", ""},
	        {"from=45&text=%20%00", "", "", NULL, "", ""},
	        {"from=45&text=%FF", "", "", NULL, "", ""},
	        {"charset=UTF-16BE", "application/json", "{\"from\": 45, \"text\": \"a\"}", NULL, "", ""},
	        {"", "", "", NULL, "", ""},
	};
	struct gateway *g = parse("query: a\ninbound: {from: from, text: text, id: id, charset: charset}\n");
	struct inbound in;
	struct str names;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct report_text came = {str_from(rows[i].query), str_from(rows[i].type), str_from(rows[i].body)};
		bool read = gateway_inbound(g, &came, arena, &in, &names);
		if (read != (rows[i].from != NULL) || (read && (!str_is(in.from, rows[i].from) || !str_is(in.text, rows[i].text) || !str_is(in.id, rows[i].id))))
			fail_msg("row %zu: %d '%.*s' '%.*s' '%.*s'", i, read, STR_ARG(in.from), STR_ARG(in.text), STR_ARG(in.id));
	}
	struct report_text came = {STR("from=45&text=a&=x"), STR(""), STR("")};
	assert_true(gateway_inbound(g, &came, arena, &in, &names) && str_is(names, "from text"));
	assert_false(gateway_inbound(parse("query: a\n"), &came, arena, &in, &names));
}

/* Every order of every set of reports ends the same. */
static void the_order_of_reports_does_not_matter(void **state) {
	(void)state;
	static const enum delivery all[] = {DELIVERY_ON_WAY, DELIVERY_DELIVERED, DELIVERY_FAILED};
	for (int64_t parts = 1; parts <= 2; parts++)
		for (int set = 0; set < 27; set++) {
			enum delivery a = all[set % 3], b = all[set / 3 % 3], c = all[set / 9];
			enum delivery one = delivery_after(delivery_after(delivery_after(DELIVERY_NONE, a, parts), b, parts), c, parts);
			enum delivery two = delivery_after(delivery_after(delivery_after(DELIVERY_NONE, c, parts), b, parts), a, parts);
			assert_int_equal(one, two);
			assert_int_equal(delivery_after(one, a, parts), one);
		}
	assert_int_equal(delivery_after(DELIVERY_FAILED, DELIVERY_DELIVERED, 1), DELIVERY_DELIVERED);
	assert_int_equal(delivery_after(DELIVERY_DELIVERED, DELIVERY_FAILED, 1), DELIVERY_DELIVERED);
	assert_int_equal(delivery_after(DELIVERY_DELIVERED, DELIVERY_FAILED, 2), DELIVERY_FAILED);
	assert_int_equal(delivery_after(DELIVERY_FAILED, DELIVERY_DELIVERED, 2), DELIVERY_FAILED);
	assert_int_equal(delivery_after(DELIVERY_EXPIRED, DELIVERY_FAILED, 1), DELIVERY_EXPIRED);
	for (int i = 0; i < DELIVERIES; i++)
		assert_int_equal(delivery_after((enum delivery)i, DELIVERY_NONE, 1), i);
}

static void json_is_made_flat(void **state) {
	(void)state;
	struct members m;
	struct err err;
	struct str json = STR("{\"ids\": [7, {\"a\": true}], \"usage\": {\"total\": 0.5, \"none\": null}, \"empty\": [], \"\": \"x\"}");
	assert_true(members_from_json(json, arena, &m, &err));
	assert_int_equal(m.count, 4);
	assert_true(str_is(members_get(&m, STR("ids.0")), "7") && str_is(members_get(&m, STR("ids.1.a")), "true") && str_is(members_get(&m, STR("usage.total")), "0.5"));
	assert_true(members_from_json(STR("[1]"), arena, &m, &err) && str_is(members_get(&m, STR("0")), "1"));
	static const char *const bad[] = {"", "1", "\"a\"", "{", "{} {}", "{\"a\": 1, \"a\": 2}", "{\"a\": \"\\u0000\"}", "[[[[[[[[[[1]]]]]]]]]]", "<html>", "\xEF\xBB\xBF{}", "{\"a\": \"\xFF\"}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (members_from_json(str_from(bad[i]), arena, &m, &err))
			fail_msg("%s was read", bad[i]);
	struct buf many;
	buf_init(&many, 10000);
	for (int i = 0; i <= 501; i++)
		buf_z(&many, i == 0 ? "[1" : ",1");
	buf_z(&many, "]");
	assert_false(members_from_json(buf_text(&many), arena, &m, &err));
	buf_free(&many);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_that_are_built_in_can_be_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_descriptions_say_where, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_unknown_name_tells_the_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reports_are_read_however_they_come, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(texts_are_read_however_they_come, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_order_of_reports_does_not_matter, set_up, tear_down),
		cmocka_unit_test_setup_teardown(json_is_made_flat, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
