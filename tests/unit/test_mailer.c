#include "mailer/mailer.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/store/access.h"
#include "tests/peers/peer.h"
#include "tests/unit/store_fixture.h"

#include <time.h>

#define MIN INT64_C(60000)
static const int64_t NOW = 1772445600000; /* 2026-03-02T10:00Z */

/* A whole site without packages: the messages are the product's own log-in codes. */
struct house {
	struct fixture *f;
	struct site_config config;
	struct site *site;
	struct engine *engine;
	struct writer *writer;
	struct mailer *mailer;
	struct peer relay, gateway;
	char relay_url[64], gateway_url[64], gateway_path[256], code[9];
	unsigned char login[SECRET_ID];
	int made;
	int64_t priority; /* of what is put */
	bool patient;
};

static int64_t allowed[] = {45};
static struct str languages[] = {{"da", 2}, {"en", 2}};

/* A description of the site's own. */
static struct str own_gateway(struct house *h, const char *body) {
	snprintf(h->gateway_path, sizeof h->gateway_path, "%s/gateway.yaml", h->f->folder);
	FILE *out = fopen(h->gateway_path, "w");
	assert_non_null(out);
	fprintf(out, "url: %s\nbody: '%s'\n", h->gateway_url, body);
	fclose(out);
	return str_from(h->gateway_path);
}

static void house_config(struct house *h) {
	snprintf(h->relay_url, sizeof h->relay_url, "smtp://127.0.0.1:%d", h->relay.port);
	snprintf(h->gateway_url, sizeof h->gateway_url, "http://127.0.0.1:%d/", h->gateway.port);
	h->config = (struct site_config){
	        .folder = h->f->folder, .name = STR("Skolen"), .base_url = STR("http://127.0.0.1:8080"), .zone = STR("Europe/Copenhagen"),
	        .holidays = STR("dk"), .closed_days_file = STR(""), .languages = languages, .language_count = 2,
	        .key_file = str_from(h->f->key_path), .listen = STR(""), .data_file = str_from(h->f->path),
	        .mail = {.from_name = STR("Skolen"), .from_address = STR("noreply@skole.example"), .relay = str_from(h->relay_url),
	                 .tls = TLS_OFF, .connections = 4, .per_connection = 100, .idle_seconds = 20},
	        .sms = {.gateway = own_gateway(h, "to={{digits}}&text={{text}}&ref={{reference}}"), .country = STR("45"), .allowed = allowed, .allowed_count = 1, .per_day = 10, .per_number = 4},
	};
}

/* What a test wants done in a transaction, by the writer. */
struct deed {
	struct job job;
	struct house *house;
	struct outbox_row row;
	void (*with)(struct deed *deed, struct tx *tx, int64_t now, struct err *err);
};

static bool deed_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	(void)engine;
	struct deed *d = (struct deed *)job;
	if (d->with) {
		*err = (struct err){0};
		d->with(d, tx, now, err);
		return err->kind == ERR_NONE;
	}
	return outbox_put(tx, &d->row, err);
}

static void deed_do(struct house *h, struct deed *d) {
	struct fixture *f = h->f;
	d->job.run = deed_run;
	d->house = h;
	OK(writer_run(h->writer, &d->job, &f->err));
}

static void keep_login(struct deed *d, struct tx *tx, int64_t now, struct err *err) {
	struct login login = {.digits = 4, .key_id = keyring_current(d->house->f->keys), .address = STR("ida@example.dk"), .created_at = now,
	                      .expires_at = now + 15 * MIN, .max_tries = 5};
	secret_random(login.id, sizeof login.id);
	memcpy(d->house->login, login.id, sizeof login.id);
	if (login_insert(tx, &login, err))
		assert_true(code_make(d->house->f->keys, login.key_id, login.id, login.address, 4, d->house->code));
}

static int set_up(void **state) {
	struct house *h = calloc(1, sizeof *h);
	assert_non_null(h);
	*state = h;
	if (!peer_possible())
		return 0;
	clock_simulate(NOW, 0);
	log_set_level(LOG_ERROR);
	struct fixture *f = h->f = fixture_files();
	fixture_open(f, f->path);
	assert_true(peer_start(&h->relay, "smtp_peer.py", NULL) && peer_start(&h->gateway, "sms_peer.py", NULL));
	house_config(h);
	struct problems problems = {.arena = f->arena};
	h->site = site_open(&h->config, &problems, &f->err);
	if (!h->site)
		fail_msg("%s", f->err.text);
	h->engine = engine_open(h->site);
	h->writer = writer_open(f->store, h->engine, &f->err);
	assert_non_null(h->writer);
	struct deed login = {.with = keep_login};
	deed_do(h, &login);
	return 0;
}

static int tear_down(void **state) {
	struct house *h = *state;
	if (h->f) {
		mailer_close(h->mailer);
		writer_close(h->writer);
		engine_close(h->engine);
		site_close(h->site);
		peer_stop(&h->relay);
		peer_stop(&h->gateway);
		void *fixture = h->f;
		fixture_tear_down(&fixture);
	}
	free(h);
	return 0;
}

static struct house *need(void **state) {
	struct house *h = *state;
	if (h->f)
		return h;
	print_message("skipped: /usr/bin/python3 with aiosmtpd (package python3-aiosmtpd) is missing\n");
	skip();
	return NULL;
}

static void open_mailer(struct house *h, bool capture) {
	struct mailer_options options = {.site = h->site, .store = h->f->store, .engine = h->engine, .writer = h->writer, .capture = capture};
	h->mailer = mailer_open(&options, &h->f->err);
	if (!h->mailer)
		fail_msg("%s", h->f->err.text);
}

static int64_t put(struct house *h, const char *to, const char *message, int64_t deadline_at) {
	char id[64];
	snprintf(id, sizeof id, "<m%d@skole.example>", ++h->made);
	struct deed d = {.row = {.channel = to[0] == '+' ? CHANNEL_SMS : CHANNEL_MAIL, .recipient = str_from(to), .recipient_name = STR(""),
	                         .role = STR(""), .language = STR("da"), .workflow = STR(""), .message = str_from(message),
	                         .data = STR("{}"), .has_link = true, .message_id = str_from(id), .thread = STR(""), .priority = h->priority, .patient = h->patient,
	                         .created_at = clock_now(), .next_at = clock_now(), .deadline_at = deadline_at}};
	memcpy(d.row.link_id, h->login, sizeof d.row.link_id);
	deed_do(h, &d);
	return d.row.id;
}

static struct outbox_row load(struct house *h, int64_t id) {
	struct fixture *f = h->f;
	struct outbox_row row;
	struct view *v = store_view(f->store, &f->err);
	OK(v != NULL && outbox_load(v, id, f->arena, &row, &f->err));
	view_close(v);
	return row;
}

static void wait_a_little(void) {
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* Fails the test when the row is not in `state` within ten seconds. */
static struct outbox_row wait_for(struct house *h, int64_t id, enum outbox_state state) {
	struct outbox_row row = load(h, id);
	for (int i = 0; i < 500 && row.state != state; i++) {
		wait_a_little();
		row = load(h, id);
	}
	if (row.state != state)
		fail_msg("row %d is %s, not %s: %.*s", (int)id, outbox_state_name(row.state), outbox_state_name(state), STR_ARG(row.answer));
	return row;
}

/* Until its next try has been put off. */
static struct outbox_row wait_until_later(struct house *h, int64_t id) {
	for (int i = 0; i < 500 && load(h, id).next_at == NOW; i++)
		wait_a_little();
	return wait_for(h, id, OUTBOX_QUEUED);
}

static void move_clock(struct house *h, int64_t ms) {
	clock_advance(ms);
	mailer_wake(h->mailer);
}

/* How many messages at the relay hold these words. */
static int copies(struct house *h, const char *words) {
	int found = 0;
	for (int n = peer_count(&h->relay); n > 0; n--) {
		char *text = peer_read(&h->relay, n);
		found += strstr(text, words) != NULL;
		free(text);
	}
	return found;
}

static void mails_and_texts_are_sent(void **state) {
	struct house *h = need(state);
	int64_t early = put(h, "early@example.dk", "login-code", 0);
	open_mailer(h, false);
	int64_t mail = put(h, "ida@example.dk", "login-code", 0), sms = put(h, "+4512345678", "login-code", 0);
	wait_for(h, early, OUTBOX_SENT);
	struct outbox_row row = wait_for(h, mail, OUTBOX_SENT);
	assert_int_equal(row.sent_at, NOW);
	assert_int_equal(row.attempts, 1);
	assert_true(str_starts(row.answer, STR("250 2.0.0 Ok: queued as ")));
	row = wait_for(h, sms, OUTBOX_SENT);
	char *text = peer_read(&h->gateway, 1);
	assert_non_null(strstr(text, h->code));
	free(text);
	assert_int_equal(copies(h, "<m2@skole.example>"), 1);
	assert_int_equal(copies(h, "\"mail_from\": \"noreply@skole.example\""), 2);
}

static void refusals_end_and_delays_come_back(void **state) {
	struct house *h = need(state);
	open_mailer(h, false);
	int64_t nobody = put(h, "nouser@example.dk", "login-code", 0), grey = put(h, "grey-once@example.dk", "login-code", 0);
	int64_t abroad = put(h, "+4612345678", "login-code", 0), template = put(h, "ida@example.dk", "no-such-message", 0);
	struct outbox_row row = wait_for(h, nobody, OUTBOX_FAILED);
	assert_true(str_starts(row.answer, STR("550 5.1.1")));
	wait_for(h, abroad, OUTBOX_FAILED);
	row = wait_for(h, template, OUTBOX_FAILED);
	assert_true(row.answer.len > 0);
	row = wait_until_later(h, grey);
	assert_in_range(row.next_at - NOW, MIN * 8 / 10, MIN * 12 / 10);
	assert_true(str_starts(row.answer, STR("451 4.7.1")));
	assert_int_equal(peer_count(&h->relay), 0);
	move_clock(h, 2 * MIN);
	row = wait_for(h, grey, OUTBOX_SENT);
	assert_int_equal(row.attempts, 2);
	assert_int_equal(peer_count(&h->relay), 1);
}

static void a_late_message_is_not_sent(void **state) {
	struct house *h = need(state);
	int64_t late = put(h, "ida@example.dk", "login-code", NOW + 1);
	clock_advance(2);
	open_mailer(h, false);
	wait_for(h, late, OUTBOX_EXPIRED);
	assert_int_equal(peer_count(&h->relay), 0);
}

static void an_unknown_outcome_is_tried_once_more(void **state) {
	struct house *h = need(state);
	h->priority = OUTBOX_TASK;
	open_mailer(h, false);
	int64_t once = put(h, "drop-once@example.dk", "login-code", 0), always = put(h, "drop@example.dk", "login-code", 0);
	wait_until_later(h, always);
	struct outbox_row row = wait_until_later(h, once);
	assert_int_equal(row.next_at, NOW + 15 * MIN);
	assert_true(str_starts(row.answer, STR("unknown: ")));
	move_clock(h, 15 * MIN);
	wait_for(h, once, OUTBOX_SENT);
	row = wait_for(h, always, OUTBOX_UNKNOWN);
	assert_int_equal(row.attempts, 2);
	move_clock(h, 24 * 60 * MIN);
	assert_int_equal(copies(h, "<m1@skole.example>"), 2);
	assert_int_equal(copies(h, "<m2@skole.example>"), 2);
}

static void die_holding(struct deed *d, struct tx *tx, int64_t now, struct err *err) {
	(void)d;
	struct arena *a = arena_new();
	struct outbox_list rows = {0};
	if (outbox_lease(tx, (struct outbox_lane){.channel = CHANNEL_MAIL, .most = OUTBOX_OTHER}, STR("ghost"), now, now + 1000 * MIN, 2, a, &rows, err) && rows.count == 2)
		outbox_begin(tx, rows.items[0].id, rows.items[0].fence, now, err);
	arena_free(a);
}

static void in_quiet_hours_what_can_wait_waits(void **state) {
	struct house *h = need(state);
	h->config.sms.quiet = (struct quiet){9 * 60 * MIN, 12 * 60 * MIN, false}; /* it is 11 in Copenhagen */
	open_mailer(h, false);
	h->patient = true;
	int64_t waits = put(h, "+4512345671", "login-code", 0), mail = put(h, "ida@example.dk", "login-code", 0);
	h->patient = false;
	int64_t goes = put(h, "+4512345672", "login-code", 0);
	wait_for(h, goes, OUTBOX_SENT);
	wait_for(h, mail, OUTBOX_SENT); /* its own hours are not quiet */
	move_clock(h, 30 * MIN);
	for (int i = 0; i < 20; i++)
		wait_a_little();
	struct outbox_row row = load(h, waits);
	assert_true(row.state == OUTBOX_QUEUED && row.attempts == 0);
	move_clock(h, 30 * MIN);
	wait_for(h, waits, OUTBOX_SENT);
}

static void what_a_dead_process_held_is_taken_over(void **state) {
	struct house *h = need(state);
	h->priority = OUTBOX_TASK;
	int64_t begun = put(h, "begun@example.dk", "login-code", 0), leased = put(h, "leased@example.dk", "login-code", 0);
	struct deed death = {.with = die_holding};
	deed_do(h, &death);
	assert_int_equal(load(h, begun).state, OUTBOX_BEGUN);
	open_mailer(h, false);
	wait_for(h, leased, OUTBOX_SENT);
	struct outbox_row row = wait_for(h, begun, OUTBOX_QUEUED);
	assert_int_equal(row.next_at, NOW + 15 * MIN);
	move_clock(h, 15 * MIN);
	wait_for(h, begun, OUTBOX_SENT);
	assert_int_equal(peer_count(&h->relay), 2);
}

/* Nobody listens; then somebody does. No message has become older by it. */
static void a_relay_that_is_down_rests_and_messages_do_not_age(void **state) {
	struct house *h = need(state);
	h->config.mail.relay = STR("smtp://127.0.0.1:1");
	int64_t ids[20], late;
	for (int i = 0; i < 20; i++)
		ids[i] = put(h, "ida@example.dk", "login-code", 0);
	late = put(h, "ida@example.dk", "login-code", NOW + 30 * MIN);
	open_mailer(h, false);
	for (int i = 0; i < 120; i++) {
		wait_a_little();
		if (i % 10 == 0)
			move_clock(h, MIN);
	}
	for (int i = 0; i < 20; i++) {
		struct outbox_row row = load(h, ids[i]);
		assert_in_range(row.attempts, 0, 1); /* 1: it is the probe of this moment */
		assert_int_equal(row.next_at, NOW);
	}
	move_clock(h, 30 * MIN);
	wait_for(h, late, OUTBOX_EXPIRED); /* also while everything rests */
	mailer_close(h->mailer);
	h->config.mail.relay = str_from(h->relay_url);
	open_mailer(h, false);
	for (int i = 0; i < 20; i++)
		assert_int_equal(wait_for(h, ids[i], OUTBOX_SENT).attempts, 1);
	assert_int_equal(peer_count(&h->relay), 20);
}

/* One domain asks for less: what is for it waits, what is for others goes, and nothing is lost. */
static void a_busy_domain_is_left_alone(void **state) {
	struct house *h = need(state);
	int64_t busy[12], others[12];
	h->priority = OUTBOX_OTHER;
	int64_t first = put(h, "close@busy.dk", "login-code", 0);
	open_mailer(h, false);
	wait_until_later(h, first);
	for (int i = 0; i < 12; i++) {
		busy[i] = put(h, "ida@busy.dk", "login-code", 0);
		others[i] = put(h, "ida@other.dk", "login-code", 0);
	}
	for (int i = 0; i < 12; i++)
		wait_for(h, others[i], OUTBOX_SENT);
	h->priority = OUTBOX_CODE;
	wait_for(h, put(h, "eva@busy.dk", "login-code", 0), OUTBOX_SENT);
	for (int i = 0; i < 12; i++) {
		struct outbox_row row = load(h, busy[i]);
		assert_true(row.state == OUTBOX_QUEUED && row.attempts == 0);
	}
	for (int i = 0; i < 30; i++) {
		move_clock(h, 2000);
		wait_a_little();
	}
	for (int i = 0; i < 12; i++)
		assert_int_equal(wait_for(h, busy[i], OUTBOX_SENT).attempts, 1);
	assert_int_equal(peer_count(&h->relay), 25);
}

static void capture_keeps_messages_in_the_store(void **state) {
	struct house *h = need(state);
	struct fixture *f = h->f;
	open_mailer(h, true);
	int64_t mail = put(h, "nouser@example.dk", "login-code", 0), sms = put(h, "+4512345678", "login-code", 0);
	wait_for(h, mail, OUTBOX_SENT);
	wait_for(h, sms, OUTBOX_SENT);
	struct captured_list list;
	struct view *v = store_view(f->store, &f->err);
	OK(captured_list(v, 0, 10, f->arena, &list, &f->err));
	view_close(v);
	assert_int_equal(list.count, 2);
	size_t m = list.items[0].channel == CHANNEL_MAIL ? 0 : 1;
	assert_int_equal(list.items[m].outbox_id, mail);
	assert_int_equal(list.items[m].at, NOW);
	assert_str(list.items[m].to, "nouser@example.dk");
	assert_non_null(memmem(list.items[m].raw.at, list.items[m].raw.len, "<m1@skole.example>", 18));
	assert_int_equal(list.items[1 - m].outbox_id, sms);
	assert_str(list.items[1 - m].to, "+4512345678");
	assert_non_null(memmem(list.items[1 - m].raw.at, list.items[1 - m].raw.len, h->code, 4));
	assert_int_equal(peer_count(&h->relay) + peer_count(&h->gateway), 0);
}

/* A log-in code takes two parts: so a number gets two a day, whoever is paid for them, and a fault in a workflow costs five texts. */
static void texts_cost_no_more_than_allowed(void **state) {
	struct house *h = need(state);
	static const char *const numbers[] = {"+4512345671", "+4512345671", "+4512345672", "+4512345673", "+4512345674"};
	int64_t ids[5];
	open_mailer(h, false);
	for (int i = 0; i < 5; i++)
		wait_for(h, ids[i] = put(h, numbers[i], "login-code", 0), OUTBOX_SENT);
	int64_t third = put(h, numbers[0], "login-code", 0), sixth = put(h, "+4512345675", "login-code", 0);
	assert_non_null(strstr(arena_z(h->f->arena, wait_until_later(h, sixth).answer), "sms.per_day"));
	assert_int_equal(peer_count(&h->gateway), 5);
	move_clock(h, 24 * 60 * MIN + MIN);
	wait_for(h, third, OUTBOX_SENT);
	wait_for(h, sixth, OUTBOX_SENT);
	wait_for(h, put(h, numbers[0], "login-code", 0), OUTBOX_SENT);
	int64_t fourth = put(h, numbers[0], "login-code", 0);
	for (int i = 0; i < 500 && load(h, fourth).answer.len == 0; i++)
		wait_a_little();
	assert_non_null(strstr(arena_z(h->f->arena, load(h, fourth).answer), "sms.per_number"));
	assert_int_equal(peer_count(&h->gateway), 8);
}

/* Every other sender waits for a relay that thinks for five seconds after each dot. */
static void a_code_passes_a_mailing(void **state) {
	struct house *h = need(state);
	enum { MAILING = 40 };
	int64_t ids[MAILING];
	h->priority = OUTBOX_OTHER;
	for (int i = 0; i < MAILING; i++)
		ids[i] = put(h, "slow@example.dk", "login-code", 0);
	open_mailer(h, false);
	for (int i = 0; i < h->config.mail.connections; i++)
		wait_for(h, ids[i], OUTBOX_BEGUN);
	int64_t began_at = clock_monotonic();
	h->priority = OUTBOX_CODE;
	wait_for(h, put(h, "ida@example.dk", "login-code", 0), OUTBOX_SENT);
	assert_in_range(clock_monotonic() - began_at, 0, 3000);
	assert_int_not_equal(load(h, ids[MAILING - 1]).state, OUTBOX_SENT);
}

static void many_are_sent_each_once(void **state) {
	struct house *h = need(state);
	enum { MANY = 200 };
	int64_t last = 0;
	for (int i = 0; i < MANY; i++) {
		last = put(h, "ida@example.dk", "login-code", 0);
		if (i == MANY / 2)
			open_mailer(h, false);
	}
	wait_for(h, last, OUTBOX_SENT);
	for (int64_t id = 1; id < last; id++)
		wait_for(h, id, OUTBOX_SENT);
	assert_int_equal(peer_count(&h->relay), MANY);
}

static void closing_settles_what_was_sent(void **state) {
	struct house *h = need(state);
	open_mailer(h, false);
	int64_t slow = put(h, "slow@example.dk", "login-code", 0);
	wait_for(h, slow, OUTBOX_BEGUN);
	mailer_close(h->mailer);
	h->mailer = NULL;
	assert_int_equal(load(h, slow).state, OUTBOX_SENT);
}

static void a_wrong_configuration_is_told_at_once(void **state) {
	struct house *h = need(state);
	struct mailer_options options = {.site = h->site, .store = h->f->store, .engine = h->engine, .writer = h->writer};
	h->config.mail.relay = STR("mail.example.dk");
	assert_null(mailer_open(&options, &h->f->err));
	assert_non_null(strstr(h->f->err.text, "mail.relay"));
	h->config.mail.relay = str_from(h->relay_url);
	h->config.sms.gateway = own_gateway(h, "{{oops}}");
	assert_null(mailer_open(&options, &h->f->err));
	assert_non_null(strstr(h->f->err.text, "oops"));
}

#define HOUSE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	struct err err;
	if (!mailer_init(&err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(mails_and_texts_are_sent),
		HOUSE_TEST(refusals_end_and_delays_come_back),
		HOUSE_TEST(a_late_message_is_not_sent),
		HOUSE_TEST(an_unknown_outcome_is_tried_once_more), HOUSE_TEST(in_quiet_hours_what_can_wait_waits),
		HOUSE_TEST(what_a_dead_process_held_is_taken_over),
		HOUSE_TEST(a_relay_that_is_down_rests_and_messages_do_not_age),
		HOUSE_TEST(a_busy_domain_is_left_alone),
		HOUSE_TEST(capture_keeps_messages_in_the_store),
		HOUSE_TEST(texts_cost_no_more_than_allowed), HOUSE_TEST(a_code_passes_a_mailing), HOUSE_TEST(many_are_sent_each_once),
		HOUSE_TEST(closing_settles_what_was_sent),
		HOUSE_TEST(a_wrong_configuration_is_told_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
