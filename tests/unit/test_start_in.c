/* Mails and texts that start an instance. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/arrivals.h"
#include "engine/store/suppressions.h"
#include "engine/store/texts_in.h"
#include "engine/workflow/definition_check.h"
#include "mailer/compose.h"
#include "mailer/start_in.h"
#include "mailer/text_reader.h"

static const char asking[] =
        "workflow: asking\n"
        "start:\n"
        "  by: asker\n"
        "  form: ask\n"
        "  public: true\n"
        "  mail: {subject: topic, text: question}\n"
        "  sms: {by: texter, text: question}\n"
        "roles:\n"
        "  asker: {contact: email}\n"
        "  texter: {contact: phone}\n"
        "  office: {contact: office_email}\n"
        "data:\n"
        "  email: {type: email}\n"
        "  phone: {type: phone}\n"
        "  topic: {type: text, max: 10}\n"
        "  question: {type: longtext, min: 3, max: 40}\n"
        "  office: {type: ref, register: offices, default: \"'main'\"}\n"
        "  office_email: {type: email, default: office.mail}\n"
        "forms:\n"
        "  ask: {fields: [email, {field: topic, optional: true}, question]}\n"
        "initial: asked\n"
        "states:\n"
        "  asked:\n"
        "    entry:\n"
        "      - send: {to: [asker, texter], message: received}\n"
        "      - send: {to: office, message: question}\n"
        "    after: [{in: 30d, target: over}]\n"
        "    on:\n"
        "      answered: {replied: office, target: over}\n"
        "  over: {final: true}\n";
static const char registers[] = "offices: {key: id, label: id, columns: {id: text, mail: text}}\n";

static struct str addresses[] = {{"spoerg@skole.example", 20}}, words[] = {{"sp\xC3\xB8rg", 6}}, workflows[] = {{"asking", 6}};

static int open_with(void **state, bool file) {
	struct fixture *f = fixture_new();
	package_write(f, asking, registers, NULL);
	f->config.inbox.starts = (struct start_names){addresses, workflows, 1};
	f->config.sms.starts = (struct start_names){words, workflows, 1};
	fixture_open(f, file);
	load_register(f, site_package(f->site, STR("asking")), definition_register(definition_of(f, "asking"), STR("offices")), "id,mail\nmain,kontor@skole.example\n");
	*state = f;
	return 0;
}

static int set_up(void **state) {
	return open_with(state, false);
}

static int set_up_file(void **state) {
	return open_with(state, true);
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static struct arrival mail_of(struct fixture *f, const char *id, const char *from, const char *text) {
	struct arrival mail = {.kind = ARRIVAL_PERSON, .message_id = str_from(id), .from = str_from(from), .subject = STR("\xC3\x85" "bningstider om sommeren"), .text = str_from(text), .words = str_from(text)};
	*(struct str *)ARENA_PUSH(f->arena, &mail.to) = STR("kopi@skole.example");
	*(struct str *)ARENA_PUSH(f->arena, &mail.to) = STR("Spoerg@Skole.example");
	return mail;
}

static struct arrival_row by_mail(struct fixture *f, const struct arrival *mail) {
	struct arrival_row row = {.outcome = STR("noted")};
	tx_open(f);
	OK(tx_end(f, start_in_mail(f->engine, f->tx, f->site, mail, clock_now(), f->arena, &row, &f->err)));
	return row;
}

static struct arrival_row write_us(struct fixture *f, const char *id, const char *from, const char *text) {
	struct arrival mail = mail_of(f, id, from, text);
	return by_mail(f, &mail);
}

static struct outbox_list outbox(struct fixture *f) {
	struct outbox_list list = {0};
	struct view *v = store_view(f->store, &f->err);
	OK(outbox_list(v, 1u << OUTBOX_QUEUED, 0, 1000, f->arena, &list, &f->err));
	view_close(v);
	return list;
}

static void a_mail_starts_one(void **state) {
	struct fixture *f = *state;
	struct arrival_row row = write_us(f, "<1@x>", "Ida@x.example", "Har I \xC3\xA5" "bent?");
	assert_str(row.outcome, "started");
	assert_str(field_of(f, row.instance_id, "email"), "Ida@x.example");
	assert_str(field_of(f, row.instance_id, "question"), "Har I \xC3\xA5" "bent?");
	assert_str(field_of(f, row.instance_id, "topic"), "\xC3\x85" "bningstid");
	assert_str(messages_of(f, row.instance_id), "received>Ida@x.example queued; question>kontor@skole.example queued");
	/* read again: killed before it was noted, or delivered twice */
	struct arrival_row again = write_us(f, "<1@x>", "Ida@x.example", "Har I \xC3\xA5" "bent?");
	assert_str(again.outcome, "seen-before");
	assert_int_equal(again.instance_id, row.instance_id);
	assert_str(write_us(f, "<2@x>", "Ida@x.example", "Har I \xC3\xA5" "bent?").outcome, "started");
	/* without an id what it says must do */
	assert_str(write_us(f, "", "Bo@x.example", "Hej med jer").outcome, "started");
	assert_str(write_us(f, "", "Bo@x.example", "Hej med jer").outcome, "seen-before");
	assert_str(write_us(f, "", "Bo@x.example", "Hej med dig").outcome, "started");
	assert_sound(f);
}

static void what_is_not_for_it_starts_nothing(void **state) {
	struct fixture *f = *state;
	struct arrival mail = mail_of(f, "<1@x>", "ida@x.example", "Hej med jer");
	mail.to.count = 1;
	assert_str(by_mail(f, &mail).outcome, "noted");
	assert_str(write_us(f, "<2@x>", "", "Hej med jer").outcome, "noted");
	/* what we write to ourselves, and what somebody passed on */
	assert_str(write_us(f, "<3@x>", "stafet@stafet.example", "Hej med jer").outcome, "our-own");
	assert_str(write_us(f, "<4@x>", "spoerg@skole.example", "Hej med jer").outcome, "our-own");
	assert_int_equal(outbox(f).count, 0);
	assert_str(write_us(f, "<5@x>", "ida@x.example", "Hej med jer").outcome, "started");
	assert_str(write_us(f, outbox(f).items[0].message_id.at, "bo@x.example", "Hej med jer").outcome, "our-own");
	assert_int_equal(outbox(f).count, 2);
}

static void no_more_than_so_many(void **state) {
	struct fixture *f = *state;
	for (int i = 0; i < 10; i++)
		assert_str(write_us(f, arena_printf(f->arena, "<%d@x>", i).at, i % 2 ? "IDA@x.example" : "ida@x.example", "Hej med jer").outcome, "started");
	assert_str(write_us(f, "<10@x>", "ida@x.example", "Hej med jer").outcome, "too-many");
	assert_int_equal(outbox(f).count, 20);
	for (int i = 10; i < 500; i++)
		assert_str(write_us(f, arena_printf(f->arena, "<%d@y>", i).at, arena_printf(f->arena, "p%d@x.example", i).at, "Hej med jer").outcome, "started");
	assert_str(write_us(f, "<500@y>", "bo@x.example", "Hej med jer").outcome, "too-many");
	clock_simulate(clock_now() + INT64_C(25) * 3600000, 0);
	assert_str(write_us(f, "<501@y>", "ida@x.example", "Hej med jer").outcome, "started");
}

static struct composed composed(struct fixture *f, const struct outbox_row *row) {
	struct composed out;
	struct view *v = store_view(f->store, &f->err);
	OK(compose_message(f->engine, f->site, v, row, f->arena, &out, &f->err));
	view_close(v);
	return out;
}

static void what_does_not_fit_is_told_once(void **state) {
	struct fixture *f = *state;
	assert_str(write_us(f, "<1@x>", "ida@x.example", "").outcome, "does-not-fit-told");
	assert_str(write_us(f, "<2@x>", "Ida@x.example", "x").outcome, "does-not-fit");
	assert_str(write_us(f, "<3@x>", "bo@x.example", "12345678901234567890123456789012345678901").outcome, "does-not-fit-told");
	struct outbox_list list = outbox(f);
	assert_int_equal(list.count, 2);
	struct composed empty = composed(f, &list.items[0]), longer = composed(f, &list.items[1]);
	assert_str(empty.to, "ida@x.example");
	assert_str(empty.url, "https://stafet.example/start/asking");
	assert_non_null(strstr(empty.text.at, "There was no text in your message"));
	assert_non_null(strstr(longer.text.at, "A field: Enter 40 characters or fewer"));
	/* who wants no messages, and who comes twenty-first */
	struct suppression no = {.channel = CHANNEL_MAIL, .address = STR("liv@x.example"), .reason = STR("x"), .at = clock_now()};
	bool fresh;
	tx_open(f);
	OK(tx_end(f, suppression_add(f->tx, &no, &fresh, &f->err)));
	assert_str(write_us(f, "<4@x>", "liv@x.example", "").outcome, "does-not-fit");
	for (int i = 0; i < 20; i++)
		assert_str(write_us(f, arena_printf(f->arena, "<%d@y>", i).at, arena_printf(f->arena, "p%d@x.example", i).at, "").outcome, i < 18 ? "does-not-fit-told" : "does-not-fit");
	/* that it did not fit keeps nobody from writing again */
	assert_str(write_us(f, "<5@x>", "ida@x.example", "Har I \xC3\xA5" "bent?").outcome, "started");
}

static void a_text_starts_one(void **state) {
	struct fixture *f = *state;
	struct arrival_row row = {0};
	const struct start_post post = {.channel = CHANNEL_SMS, .workflow = STR("asking"), .from = STR("+4522334455"), .text = STR("Har I lukket?"), .id = STR("g1")};
	tx_open(f);
	OK(tx_end(f, start_in_apply(f->engine, f->tx, f->site, &post, clock_now(), f->arena, &row, &f->err)));
	assert_str(row.outcome, "started");
	assert_str(messages_of(f, row.instance_id), "received>+4522334455 queued; question>kontor@skole.example queued");
	assert_sound(f);
	const struct start_post empty = {.channel = CHANNEL_SMS, .workflow = STR("asking"), .from = STR("+4522334455"), .text = STR(""), .id = STR("g2")};
	tx_open(f);
	OK(tx_end(f, start_in_apply(f->engine, f->tx, f->site, &empty, clock_now(), f->arena, &row, &f->err)));
	assert_str(row.outcome, "does-not-fit-told");
	struct outbox_list list = outbox(f);
	assert_str(composed(f, &list.items[list.count - 1]).text, "Test: We could not take your text. There was no text in your message that we could read. Write it as plain text.");
}

static void a_row_that_is_gone_refuses(void **state) {
	struct fixture *f = *state;
	struct register_change change;
	struct arrival mail = mail_of(f, "<1@x>", "ida@x.example", "Hej med jer");
	struct arrival_row row = {0};
	tx_open(f);
	OK(tx_end(f, register_replace(f->tx, STR("asking.offices"), NULL, 0, clock_now(), &change, &f->err)));
	tx_open(f);
	bool ok = start_in_mail(f->engine, f->tx, f->site, &mail, clock_now(), f->arena, &row, &f->err);
	assert_false(tx_end(f, ok));
	assert_non_null(strstr(f->err.text, "default of field office"));
}

static void put_text(struct fixture *f, const char *body) {
	struct text_in text = {.query = STR(""), .type = STR("application/json"), .body = str_from(body), .at = clock_now()};
	tx_open(f);
	OK(tx_end(f, text_in_put(f->tx, &text, &f->err)));
}

/* What it would start can be started no more; who wants no texts any more must be heard all the same. */
static void a_text_that_can_never_be_done_keeps_none_waiting(void **state) {
	struct fixture *f = *state;
	struct register_change change;
	struct arrival_rows rows;
	struct text_in_list left;
	struct suppression stop;
	bool found;
	tx_open(f);
	OK(tx_end(f, register_replace(f->tx, STR("asking.offices"), NULL, 0, clock_now(), &change, &f->err)));
	put_text(f, "{\"msisdn\": 4522334455, \"message\": \"Sp\xC3\xB8rg Har I lukket?\", \"id\": 1}");
	put_text(f, "{\"msisdn\": 4566778899, \"message\": \"STOP\", \"id\": 2}");
	struct gateway *gateway = gateway_open(f->arena, &(struct sms_config){.gateway = STR("gatewayapi")}, &f->err);
	assert_non_null(gateway);
	struct mailer_options options = {.site = f->site, .store = f->store, .engine = f->engine, .writer = writer_open(f->store, f->engine, &f->err)};
	assert_non_null(options.writer);
	OK(texts_read(&options, gateway, &f->err));
	writer_close(options.writer);
	struct view *v = store_view(f->store, &f->err);
	OK(suppression_load(v, CHANNEL_SMS, STR("+4566778899"), f->arena, &stop, &found, &f->err));
	OK(texts_in_oldest(v, 10, f->arena, &left, &f->err));
	OK(arrival_list(v, 0, 10, f->arena, &rows, &f->err));
	view_close(v);
	assert_true(found);
	assert_int_equal(left.count, 0);
	assert_int_equal(rows.count, 2);
	assert_str(rows.items[0].kind, "text");
	assert_str(rows.items[0].outcome, "set-aside");
	assert_str(rows.items[0].text, "Sp\xC3\xB8rg Har I lukket?");
	assert_str(rows.items[1].outcome, "stop");
}

/* What the check tells of the package with one thing changed; empty: nothing. In the fixture's arena. */
static struct str told_of(struct fixture *f, const char *find, const char *replace) {
	struct problems problems = {.arena = f->arena};
	const char *at = strstr(asking, find);
	assert_non_null(at);
	struct str text = arena_printf(f->arena, "%.*s%s%s", (int)(at - asking), asking, replace, at + strlen(find));
	write_file(f->folder, "workflow.yaml", text);
	write_file(f->folder, "registers.yaml", str_from(registers));
	struct definition *d = definition_load(f->folder, &problems);
	if (d)
		definition_check(d, NULL, &problems);
	definition_free(d);
	return problems.count > 0 ? problems.items[0].text : STR("");
}

static void strangers_reach_only_the_site(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *find, *replace, *told; /* NULL: nothing */
	} rows[] = {
	        {"", "", NULL},
	        {"  public: true\n", "", NULL},
	        {"default: office.mail", "default: \"'kontor@skole.example'\"", NULL},
	        {"- send: {to: office,", "- set: {office_email: office.mail}\n      - send: {to: office,", NULL},
	        {"- send: {to: office,", "- set: {office_email: email}\n      - send: {to: office,", "start by strangers: 'office' would get this message before"},
	        {"- send: {to: office,", "- {if: has(topic), set: {office_email: topic}}\n      - send: {to: office,", "start by strangers: 'office' would get this message before"},
	        {"answered: {replied: office, target: over}", "answered: {replied: office, actions: [{set: {office_email: reply_text}}]}", "start by strangers: 'office' would get this message before"},
	        {"question]}\n", "question]}\n  other: {fields: [office_email]}\n", "start by strangers: 'office' would get this message before"},
	        {"{fields: [email,", "{fields: [email, {field: phone, optional: true},", "must not ask for 'phone'"},
	        {"default: \"'main'\"", "default: 1", "string is expected"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str told = told_of(f, rows[i].find, rows[i].replace);
		if (rows[i].told ? !told.len || !strstr(told.at, rows[i].told) : told.len > 0)
			fail_msg("%s: %.*s", rows[i].replace, STR_ARG(told));
	}
}

/* Who may start what stands in the site's configuration; that the workflow takes it is known at load. */
static void what_starts_must_be_there(void **state) {
	struct fixture *f = *state;
	static struct str nowhere[] = {{"nowhere", 7}};
	struct problems problems = {.arena = f->arena};
	struct site_config wrong = f->config;
	wrong.sms.starts.workflows = nowhere;
	assert_null(site_open(&wrong, &problems, &f->err));
	assert_non_null(strstr(problems.items[0].text.at, "sms.starts: no package in this site has a workflow 'nowhere'"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_mail_starts_one, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_is_not_for_it_starts_nothing, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(no_more_than_so_many, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_does_not_fit_is_told_once, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_text_starts_one, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_row_that_is_gone_refuses, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_text_that_can_never_be_done_keeps_none_waiting, set_up_file, tear_down),
	        cmocka_unit_test_setup_teardown(strangers_reach_only_the_site, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_starts_must_be_there, set_up, tear_down),
	};
	clock_simulate(INT64_C(1772442000000), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
