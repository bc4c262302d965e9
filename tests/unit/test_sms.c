#include "mailer/sms_template.h"
#include "mailer/transport.h"
#include "tests/peers/peer.h"

#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

static struct peer gateway;
static char url[128], token_path[128];
static int64_t allowed[] = {45, 298, 299};

static int start(void **state) {
	(void)state;
	if (!peer_possible())
		return 0;
	if (!peer_start(&gateway, "sms_peer.py", NULL))
		return -1;
	snprintf(url, sizeof url, "http://127.0.0.1:%d/send", gateway.port);
	snprintf(token_path, sizeof token_path, "%s/token", gateway.folder);
	FILE *out = fopen(token_path, "w");
	if (!out)
		return -1;
	fputs("t0p-secret\n", out);
	fclose(out);
	return chmod(token_path, 0600);
}

static int stop(void **state) {
	(void)state;
	peer_stop(&gateway);
	return 0;
}

static void need_peer(void) {
	if (gateway.pid > 0)
		return;
	print_message("skipped: /usr/bin/python3 is missing\n");
	skip();
}

/* What a site says, and the description that it names, which a test may change. */
struct described {
	struct sms_config config;
	struct gateway gateway;
};

static struct sms_config site(const char *gateway_name) {
	return (struct sms_config){.gateway = str_from(gateway_name), .url = str_from(url), .from = STR("Skolen"), .user = STR("stafet"),
	                           .token_file = str_from(token_path), .allowed = allowed, .allowed_count = 3};
}

static struct described describe(const char *gateway_name) {
	static struct arena *kept; /* until the program ends */
	kept = kept ? kept : arena_new();
	struct described d = {.config = site(gateway_name)};
	struct err err = {0};
	struct gateway *g = gateway_open(kept, &d.config, &err);
	if (!g)
		fail_msg("%s", err.text);
	d.gateway = *g;
	return d;
}

static struct described config_json(void) {
	return describe("gatewayapi");
}

static struct transport_result send_once(struct described d, const char *to, const char *text) {
	struct err err = {0};
	struct sms *s = sms_open(&d.config, &d.gateway, &err);
	if (!s)
		fail_msg("%s", err.text);
	struct transport_result r;
	sms_send(s, &(struct sms_message){str_from(to), str_from(text), STR("ref-7"), STR("https://x.dk/report/a"), 601}, &r);
	sms_close(s);
	return r;
}

static json_t *last_request(void) {
	char *text = peer_read(&gateway, peer_count(&gateway));
	json_t *row = json_loads(text, 0, NULL);
	assert_non_null(row);
	free(text);
	return row;
}

static void assert_field(json_t *row, const char *group, const char *name, const char *value) {
	assert_string_equal(json_string_value(json_object_get(json_object_get(row, group), name)), value);
}

static const char hard[] = "R\xC3\xB8" "d & \"gr\xC3\xB8" "d\"\\ \xE2\x82\xAC 100%+{}=\nkode 0471";

static void a_json_gateway_gets_what_was_said(void **state) {
	(void)state;
	need_peer();
	struct transport_result r = send_once(config_json(), "+4512345678", hard);
	assert_int_equal(r.outcome, OUTCOME_SENT);
	assert_int_equal(r.code, 200);
	assert_non_null(strstr(r.answer, "\"ids\": ["));
	json_t *row = last_request();
	assert_string_equal(json_string_value(json_object_get(row, "method")), "POST");
	assert_string_equal(json_string_value(json_object_get(row, "number")), "4512345678");
	assert_field(row, "fields", "message", hard);
	assert_field(row, "fields", "sender", "Skolen");
	assert_field(row, "fields", "userref", "ref-7");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(row, "fields"), "validity_period")), 601);
	assert_field(row, "headers", "Authorization", "Token t0p-secret");
	assert_field(row, "headers", "Content-Type", "application/json");
	assert_field(row, "fields", "encoding", "UTF8");
	json_decref(row);
}

static void form_and_query_gateways_too(void **state) {
	(void)state;
	need_peer();
	struct described form = config_json();
	form.gateway.content_type = STR("");
	form.gateway.body = STR("to={{to}}&message={{ text }}&from={{from}}");
	form.gateway.success.member = STR("");
	assert_int_equal(send_once(form, "+4512345678", hard).outcome, OUTCOME_SENT);
	json_t *row = last_request();
	assert_field(row, "fields", "to", "+4512345678");
	assert_field(row, "fields", "message", hard);
	json_decref(row);

	struct described kannel = describe("kannel");
	assert_int_equal(send_once(kannel, "+4512345202", hard).outcome, OUTCOME_SENT);
	row = last_request();
	assert_string_equal(json_string_value(json_object_get(row, "method")), "GET");
	assert_field(row, "fields", "to", "4512345202");
	assert_field(row, "fields", "text", hard);
	assert_field(row, "fields", "coding", "0");
	assert_field(row, "fields", "validity", "10");
	assert_field(row, "fields", "username", "stafet");
	assert_field(row, "fields", "password", "t0p-secret");
	json_decref(row);
	/* one foreign letter makes the whole text UCS-2 */
	assert_int_equal(send_once(kannel, "+4512345202", "Hej Jos\xC3\xA1, hvorn\xC3\xA1r?").outcome, OUTCOME_SENT);
	row = last_request();
	assert_field(row, "fields", "coding", "2");
	json_decref(row);
}

static void each_answer_has_its_outcome(void **state) {
	(void)state;
	need_peer();
	const struct {
		const char *to;
		enum outcome outcome;
		int code;
		bool configuration;
	} table[] = {
		{"+4510000400", OUTCOME_NEVER, 400, false},  {"+4510000401", OUTCOME_LATER, 401, true},    {"+4510000403", OUTCOME_LATER, 403, true},
		{"+4510000404", OUTCOME_LATER, 404, true},   {"+4510000429", OUTCOME_LATER, 429, false},   {"+4510000500", OUTCOME_LATER, 500, false},
		{"+4510000503", OUTCOME_LATER, 503, false},  {"+4510000502", OUTCOME_UNKNOWN, 502, false}, {"+4510000504", OUTCOME_UNKNOWN, 504, false},
		{"+4510000996", OUTCOME_UNKNOWN, 200, false}, {"+4510000999", OUTCOME_NEVER, 200, false},  {"+298100200", OUTCOME_SENT, 200, false},
		/* nonsense is never "sent" */
		{"+4510000301", OUTCOME_LATER, 302, true},    {"+4510000990", OUTCOME_UNKNOWN, 200, false}, {"+4510000991", OUTCOME_UNKNOWN, 200, false},
		{"+4510000992", OUTCOME_UNKNOWN, 200, false}, {"+4510000993", OUTCOME_UNKNOWN, 200, false}, {"+4510000994", OUTCOME_UNKNOWN, 200, false},
		{"+4510000988", OUTCOME_NEVER, 200, false},   {"+4510000989", OUTCOME_UNKNOWN, 201, false},
		{"+4510000998", OUTCOME_UNKNOWN, 0, false}, /* right after a good one: a kept connection would be tried again */
	};
	struct described d = config_json();
	struct err err;
	struct sms *s = sms_open(&d.config, &d.gateway, &err);
	assert_non_null(s);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		int before = peer_count(&gateway);
		struct transport_result r;
		sms_send(s, &(struct sms_message){str_from(table[i].to), STR("Hej"), STR("r"), STR(""), 600}, &r);
		if (r.outcome != table[i].outcome || r.code != table[i].code || r.configuration != table[i].configuration)
			fail_msg("%s: outcome %d code %d \"%s\"", table[i].to, (int)r.outcome, (int)r.code, r.answer);
		assert_int_equal(peer_count(&gateway) - before, 1); /* and never twice by itself */
	}
	sms_close(s);
}

static void nobody_there_means_later(void **state) {
	(void)state;
	need_peer();
	struct described d = config_json();
	d.gateway.url = STR("http://127.0.0.1:1/");
	struct transport_result r = send_once(d, "+4512345678", "Hej");
	assert_int_equal(r.outcome, OUTCOME_LATER);
	assert_int_equal(r.code, 0);
}

static void wrong_numbers_and_texts_are_not_sent(void **state) {
	(void)state;
	need_peer();
	static const char *const numbers[] = {"", "+", "4512345678", "+45", "+45 12345678", "+4512345678\r\nX: y", "+4612345678", "+1900555123", "+451234567890123456", "+45123a5678"};
	int before = peer_count(&gateway);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		assert_int_equal(send_once(config_json(), numbers[i], "Hej").outcome, OUTCOME_NEVER);
	assert_int_equal(send_once(config_json(), "+4512345678", "").outcome, OUTCOME_NEVER);
	assert_int_equal(send_once(config_json(), "+4512345678", "\xff").outcome, OUTCOME_NEVER);
	assert_int_equal(peer_count(&gateway), before);
}

static void an_echoed_text_is_masked(void **state) {
	(void)state;
	need_peer();
	struct transport_result r = send_once(config_json(), "+4510000995", "Kode 0471");
	assert_int_equal(r.outcome, OUTCOME_SENT);
	assert_non_null(strstr(r.answer, "0471"));
	transport_mask(&r, STR("Kode 0471"));
	assert_null(strstr(r.answer, "0471"));
}

static void bad_descriptions_are_refused(void **state) {
	(void)state;
	need_peer();
	struct described good = config_json(), bad[14];
	struct str header = STR("X-Number: {{nummer}}");
	size_t count = sizeof bad / sizeof *bad;
	for (size_t i = 0; i < count; i++)
		bad[i] = good;
	bad[0].gateway.url = STR("");
	bad[1].gateway.url = STR("http://gateway.example/send");
	bad[2].gateway.url = STR("ftp://gateway.example/");
	bad[3].gateway.url = STR("https://{{to}}.example/");
	bad[4].gateway.url = STR("https://user:pw@gateway.example/");
	bad[5].gateway.url = STR("https:///send");
	bad[6].gateway.body = STR("{\"x\": {{number}}}");
	bad[7].gateway.body = STR("{\"x\": {{text}");
	bad[8].gateway.content_type = STR("text/xml");
	bad[9].gateway.headers = (struct text_list){&header, 1};
	bad[10].config.token_file = STR("/nowhere/at/all");
	bad[11].gateway.content_type = STR("application/json\r\nX: y");
	bad[12].config.token_file = STR("");
	bad[13].config.from = STR("");
	struct err err;
	for (size_t i = 0; i < count; i++) {
		struct sms *s = sms_open(&bad[i].config, &bad[i].gateway, &err);
		if (s)
			fail_msg("description %zu was taken", i);
		assert_true(err.text[0] != '\0');
	}
	assert_string_equal(err.text, "sms.from is missing: the gateway asks for it");
}

static void templates_escape_for_where_they_stand(void **state) {
	(void)state;
	const struct sms_fields f = {.to = STR("+45"), .digits = STR("45"), .text = STR("a\"&\n"), .token = STR("x\r\ny")};
	const struct {
		enum sms_place place;
		struct str template;
		const char *expected;
	} table[] = {
		{SMS_PLACE_JSON, STR("{{text}} \"\\\"{{text}}\" {{digits}} \"{{digits}}\""), "\"a\\\"\\u0026\\n\" \"\\\"a\\\"\\u0026\\n\" 45 \"45\""},
		{SMS_PLACE_URL, STR("?t={{text}}&n={{to}}"), "?t=a%22%26%0A&n=%2B45"},
		{SMS_PLACE_FORM, STR("t={{text}}{"), "t=a%22%26%0A{"},
		{SMS_PLACE_HEADER, STR("A: {{token}}"), NULL},
		{SMS_PLACE_FORM, STR("{{}}"), NULL},
		{SMS_PLACE_FORM, STR("{{text"), NULL},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct buf out;
		struct err err;
		buf_init(&out, 1000);
		bool ok = sms_template_fill(&out, table[i].template, table[i].place, &f, &err);
		assert_int_equal(ok, table[i].expected != NULL);
		if (ok)
			assert_string_equal(out.at, table[i].expected);
		buf_free(&out);
	}
}

static void *abort_soon(void *s) {
	nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
	sms_abort(s);
	return NULL;
}

static void a_send_can_be_aborted_and_is_then_unknown(void **state) {
	(void)state;
	need_peer();
	struct described d = config_json();
	struct err err;
	struct sms *s = sms_open(&d.config, &d.gateway, &err);
	pthread_t thread;
	pthread_create(&thread, NULL, abort_soon, s);
	time_t before = time(NULL);
	struct transport_result r;
	sms_send(s, &(struct sms_message){STR("+4510000997"), STR("Hej"), STR("r"), STR(""), 600}, &r);
	assert_int_equal(r.outcome, OUTCOME_UNKNOWN);
	assert_in_range(time(NULL) - before, 0, 5);
	pthread_join(thread, NULL);
	sms_close(s);
}

int main(void) {
	struct err err;
	if (!smtp_init(&err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_json_gateway_gets_what_was_said),
		cmocka_unit_test(form_and_query_gateways_too),
		cmocka_unit_test(each_answer_has_its_outcome),
		cmocka_unit_test(nobody_there_means_later),
		cmocka_unit_test(wrong_numbers_and_texts_are_not_sent),
		cmocka_unit_test(an_echoed_text_is_masked),
		cmocka_unit_test(bad_descriptions_are_refused),
		cmocka_unit_test(templates_escape_for_where_they_stand),
		cmocka_unit_test(a_send_can_be_aborted_and_is_then_unknown),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
