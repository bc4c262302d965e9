#include "mailer/transport.h"
#include "tests/peers/peer.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

static struct peer plain, secure, wrapped;
static char relay[3][64], authority[3][128], password[2][128];
static const char body[] = "From: <a@skole.example>\r\nSubject: x\r\n\r\nHej\r\n.\r\n..to\r\n";

static void put_file(char *path, size_t size, const char *name, const char *text) {
	snprintf(path, size, "%s/%s", plain.folder, name);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	chmod(path, 0600);
}

static int start(void **state) {
	(void)state;
	if (!peer_possible())
		return 0;
	static const char *const tls[] = {"--tls", "--auth", "wfe:secret", NULL};
	static const char *const smtps[] = {"--smtps", "--pipelining", NULL};
	static const char *const pipelining[] = {"--pipelining", NULL};
	if (!peer_start(&plain, "smtp_peer.py", pipelining) || !peer_start(&secure, "smtp_peer.py", tls) || !peer_start(&wrapped, "smtp_peer.py", smtps))
		return -1;
	const struct peer *peers[] = {&plain, &secure, &wrapped};
	for (int i = 0; i < 3; i++) {
		snprintf(relay[i], sizeof relay[i], "smtp%s://127.0.0.1:%d", i == 2 ? "s" : "", peers[i]->port);
		snprintf(authority[i], sizeof authority[i], "%s/cert.pem", peers[i]->folder);
	}
	put_file(password[0], sizeof password[0], "good", "secret\n");
	put_file(password[1], sizeof password[1], "bad", "wrong\n");
	return 0;
}

static int stop(void **state) {
	(void)state;
	peer_stop(&plain);
	peer_stop(&secure);
	peer_stop(&wrapped);
	return 0;
}

static void need_peer(void) {
	if (plain.pid > 0)
		return;
	print_message("skipped: /usr/bin/python3 with aiosmtpd (package python3-aiosmtpd) is missing\n");
	skip();
}

static struct mail_config config_plain(void) {
	return (struct mail_config){.from_address = STR("a@skole.example"), .relay = str_from(relay[0]), .tls = TLS_OFF, .per_connection = 100};
}

static struct mail_config config_secure(void) {
	return (struct mail_config){.from_address = STR("a@skole.example"), .relay = str_from(relay[1]), .tls = TLS_REQUIRED,
	                            .user = STR("wfe"), .password_file = str_from(password[0]), .ca_file = str_from(authority[1]), .per_connection = 100};
}

static struct mail_config config_wrapped(void) {
	return (struct mail_config){.from_address = STR("a@skole.example"), .relay = str_from(relay[2]), .ca_file = str_from(authority[2]), .per_connection = 100};
}

static struct smtp *open_or_fail(const struct mail_config *config) {
	struct err err = {0};
	struct smtp *s = smtp_open(config, &err);
	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static struct transport_result send_to(struct smtp *s, const char *to) {
	struct transport_result r;
	smtp_send(s, &(struct envelope){STR("bounce@skole.example"), str_from(to)}, (struct str){body, sizeof body - 1}, NULL, &r);
	return r;
}

static struct transport_result send_once(struct mail_config config, const char *to) {
	struct smtp *s = open_or_fail(&config);
	struct transport_result r = send_to(s, to);
	smtp_close(s);
	return r;
}

static void a_message_arrives_as_it_is(void **state) {
	(void)state;
	need_peer();
	int before = peer_count(&plain);
	struct transport_result r = send_once(config_plain(), "ida@example.dk");
	assert_int_equal(r.outcome, OUTCOME_SENT);
	assert_int_equal(r.code, 250);
	assert_non_null(strstr(r.answer, "250 2.0.0 Ok: queued as 0"));
	assert_false(r.configuration);
	char *text = peer_read(&plain, before + 1);
	json_t *row = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(row, "mail_from")), "bounce@skole.example");
	assert_string_equal(json_string_value(json_array_get(json_object_get(row, "rcpt_to"), 0)), "ida@example.dk");
	assert_string_equal(json_string_value(json_object_get(row, "helo")), "skole.example");
	assert_string_equal(json_string_value(json_object_get(row, "text")), body);
	json_decref(row);
	free(text);
}

/* The commands of one mail travel together where the relay says that they may (plain, wrapped), else one by one (secure); in the first half of the rounds behind
 * the final dot of the mail before, too. */
static void each_answer_has_its_outcome(void **state) {
	(void)state;
	need_peer();
	const struct {
		const char *to;
		enum outcome outcome;
		int code;
		bool stored;
		const char *answer;
		enum fault fault;
	} table[] = {
		{"nouser@example.dk", OUTCOME_NEVER, 550, false, "550 5.1.1", FAULT_ADDRESS},
		{"full@example.dk", OUTCOME_LATER, 452, false, "452 4.2.2", FAULT_MAILBOX},
		{"grey@example.dk", OUTCOME_LATER, 451, false, "451 4.7.1", FAULT_BUSY},
		{"close@example.dk", OUTCOME_LATER, 421, false, "421 4.3.2", FAULT_BUSY},
		{"spam@example.dk", OUTCOME_NEVER, 554, false, "554 5.7.1", FAULT_POLICY},
		{"cut@example.dk", OUTCOME_LATER, 0, false, "", FAULT_RELAY},
		{"drop@example.dk", OUTCOME_UNKNOWN, 0, true, "", FAULT_RELAY},
		{"per@example.dk", OUTCOME_SENT, 250, true, "250 2.0.0", FAULT_NONE},
		{"ida@example.dk", OUTCOME_SENT, 250, true, "250 2.0.0", FAULT_NONE},
		{"nouser@example.dk", OUTCOME_NEVER, 550, false, "550 5.1.1", FAULT_ADDRESS},
		{"bo@example.dk", OUTCOME_SENT, 250, true, "250 2.0.0", FAULT_NONE},
	};
	struct mail_config configs[] = {config_plain(), config_secure(), config_wrapped()};
	const struct peer *peers[] = {&plain, &secure, &wrapped};
	struct smtp *s = NULL;
	enum { ROWS = sizeof table / sizeof *table };
	for (size_t k = 0; k < 6 * ROWS; k++) {
		size_t i = k % ROWS;
		const struct peer *peer = peers[k / ROWS % 3];
		if (i == 0) {
			smtp_close(s);
			s = open_or_fail(&configs[k / ROWS % 3]);
		}
		int before = peer_count(peer);
		const struct envelope e = {STR("bounce@skole.example"), str_from(table[i].to)}, next = {e.from, str_from(table[(i + 1) % ROWS].to)};
		struct transport_result r;
		smtp_offer(s, &e);
		smtp_send(s, &e, (struct str){body, sizeof body - 1}, k / ROWS < 3 && i + 1 < ROWS ? &next : NULL, &r);
		if (r.outcome != table[i].outcome || r.code != table[i].code || r.fault != table[i].fault)
			fail_msg("%s: outcome %d code %d \"%s\"", table[i].to, (int)r.outcome, (int)r.code, r.answer);
		assert_memory_equal(r.answer, table[i].answer, strlen(table[i].answer));
		assert_true(r.answer[0] != '\0');
		assert_false(r.configuration);
		assert_int_equal(peer_count(peer) - before, table[i].stored);
	}
	smtp_close(s);
}

/* A refusal of our own address must not cost thousands of messages their life; nor may it be tried with each of them. */
static void a_sender_refused_is_nobodys_message(void **state) {
	(void)state;
	need_peer();
	const struct {
		const char *from;
		enum outcome outcome;
		enum fault fault;
		bool configuration, early;
	} table[] = {
	        {"refused@skole.example", OUTCOME_LATER, FAULT_SITE, true, true},
	        {"busy@skole.example", OUTCOME_LATER, FAULT_BUSY, false, true},
	        {"large@skole.example", OUTCOME_NEVER, FAULT_SIZE, false, false}, /* of this message's size */
	        {"a@skole.example", OUTCOME_SENT, FAULT_NONE, false, false},
	};
	struct mail_config config = config_plain();
	struct smtp *s = open_or_fail(&config);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct transport_result r;
		smtp_send(s, &(struct envelope){str_from(table[i].from), STR("ida@example.dk")}, (struct str){body, sizeof body - 1}, NULL, &r);
		if (r.outcome != table[i].outcome || r.fault != table[i].fault || r.configuration != table[i].configuration || r.early != table[i].early)
			fail_msg("%s: outcome %d fault %s \"%s\"", table[i].from, (int)r.outcome, fault_name(r.fault), r.answer);
	}
	smtp_close(s);
}

/* The connection on which the nth message came. */
static void read_peer(int n, char out[64]) {
	char *text = peer_read(&plain, n);
	json_t *row = json_loads(text, 0, NULL);
	snprintf(out, 64, "%s", json_string_value(json_object_get(row, "peer")));
	json_decref(row);
	free(text);
}

/* Over a refusal too, of the recipient or after the dot; until it has taken as many as it may, or was idle. */
static void a_connection_is_kept(void **state) {
	(void)state;
	need_peer();
	int before = peer_count(&plain);
	struct mail_config config = config_plain();
	config.per_connection = 4;
	struct smtp *s = open_or_fail(&config);
	char peers[4][64];
	assert_false(smtp_connected(s));
	static const char *const to[] = {"ida@example.dk", "spam@example.dk", "nouser@example.dk", "ida@example.dk", "ida@example.dk", "ida@example.dk"};
	for (int i = 0; i < 6; i++) {
		assert_int_equal(send_to(s, to[i]).outcome, i == 1 || i == 2 ? OUTCOME_NEVER : OUTCOME_SENT);
		assert_int_equal(smtp_connected(s), i != 3);
		if (i == 4)
			smtp_hang_up(s);
	}
	for (int i = 0; i < 4; i++)
		read_peer(before + 1 + i, peers[i]);
	assert_string_equal(peers[0], peers[1]);
	assert_string_not_equal(peers[1], peers[2]);
	assert_string_not_equal(peers[2], peers[3]);
	smtp_close(s);
}

/* Nobody hears of a connection that the relay ended while it was idle: a new one is made, whether commands come together or not. */
static void a_connection_that_has_ended_is_replaced(void **state) {
	(void)state;
	need_peer();
	for (int together = 0; together < 2; together++) {
		struct peer sleepy;
		const char *const options[] = {"--idle", "0.3", together ? "--pipelining" : NULL, NULL};
		char url[64];
		assert_true(peer_start(&sleepy, "smtp_peer.py", options));
		snprintf(url, sizeof url, "smtp://127.0.0.1:%d", sleepy.port);
		struct mail_config config = config_plain();
		config.relay = str_from(url);
		struct smtp *s = open_or_fail(&config);
		for (int i = 0; i < 3; i++) {
			struct transport_result r = send_to(s, "ida@example.dk");
			if (r.outcome != OUTCOME_SENT)
				fail_msg("mail %d: %s", i, r.answer);
			nanosleep(&(struct timespec){.tv_nsec = 700000000}, NULL);
			if (i == 1)
				smtp_offer(s, &(struct envelope){STR("bounce@skole.example"), STR("ida@example.dk")});
		}
		assert_int_equal(peer_count(&sleepy), 3);
		smtp_close(s);
		peer_stop(&sleepy);
	}
}

/* What was offered and is not sent is forgotten with its connection; one that the relay has ended meanwhile is replaced unseen. */
static void an_offer_can_be_withdrawn(void **state) {
	(void)state;
	need_peer();
	int before = peer_count(&plain);
	struct mail_config config = config_plain();
	struct smtp *s = open_or_fail(&config);
	smtp_offer(s, &(struct envelope){STR("a@skole.example"), STR("other@example.dk")}); /* no connection yet: nothing is said */
	smtp_withdraw(s);
	assert_int_equal(send_to(s, "ida@example.dk").outcome, OUTCOME_SENT);
	smtp_offer(s, &(struct envelope){STR("a@skole.example"), STR("other@example.dk")});
	assert_true(smtp_connected(s));
	smtp_withdraw(s);
	assert_false(smtp_connected(s));
	assert_int_equal(send_to(s, "ida@example.dk").outcome, OUTCOME_SENT);
	smtp_offer(s, &(struct envelope){STR("another@skole.example"), STR("ida@example.dk")});
	assert_int_equal(send_to(s, "ida@example.dk").outcome, OUTCOME_SENT);
	assert_int_equal(peer_count(&plain) - before, 3);
	char *text = peer_read(&plain, before + 3);
	assert_non_null(strstr(text, "\"mail_from\": \"bounce@skole.example\""));
	free(text);
	smtp_close(s);
}

static void starttls_and_auth_work(void **state) {
	(void)state;
	need_peer();
	int before = peer_count(&secure);
	assert_int_equal(send_once(config_secure(), "ida@example.dk").outcome, OUTCOME_SENT);
	char *text = peer_read(&secure, before + 1);
	json_t *row = json_loads(text, 0, NULL);
	assert_true(json_is_true(json_object_get(row, "tls")));
	assert_string_equal(json_string_value(json_object_get(row, "user")), "wfe");
	json_decref(row);
	free(text);
	assert_int_equal(send_once(config_wrapped(), "ida@example.dk").outcome, OUTCOME_SENT);
}

static void faults_of_tls_and_auth_are_configuration(void **state) {
	(void)state;
	need_peer();
	struct mail_config wrong_password = config_secure(), no_login = config_secure(), wrong_authority = config_secure();
	struct mail_config no_starttls = config_plain(), system_authority = config_secure(), wrapped_wrong = config_secure();
	wrong_password.password_file = str_from(password[1]);
	no_login.user = STR("");
	wrong_authority.ca_file = str_from(authority[2]);
	system_authority.ca_file = STR("");
	no_starttls.tls = TLS_REQUIRED;
	wrapped_wrong.relay = str_from(relay[2]);
	const struct mail_config *all[] = {&wrong_password, &no_login, &wrong_authority, &system_authority, &no_starttls, &wrapped_wrong};
	int before = peer_count(&secure) + peer_count(&plain) + peer_count(&wrapped);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct transport_result r = send_once(*all[i], "ida@example.dk");
		if (r.outcome != OUTCOME_LATER || !r.configuration)
			fail_msg("case %zu: outcome %d code %d \"%s\"", i, (int)r.outcome, (int)r.code, r.answer);
	}
	assert_int_equal(peer_count(&secure) + peer_count(&plain) + peer_count(&wrapped), before);
}

static void nobody_there_means_later(void **state) {
	(void)state;
	struct mail_config config = {.from_address = STR("a@skole.example"), .relay = STR("smtp://127.0.0.1:1"), .tls = TLS_OFF};
	struct transport_result r = send_once(config, "ida@example.dk");
	assert_int_equal(r.outcome, OUTCOME_LATER);
	assert_int_equal(r.code, 0);
	assert_false(r.configuration);
}

static void bad_addresses_never_reach_the_wire(void **state) {
	(void)state;
	need_peer();
	const struct str bad[] = {
		STR("ida@example.dk>\r\nRCPT TO:<evil@example.dk"), STR("ida@example.dk\nDATA"), STR("ida\r@example.dk"), STR(""), STR("ida"), STR("@example.dk"),
		STR("ida@"), STR("ida@example.dk@evil.dk"), STR("<ida@example.dk>"), STR("ida@example.dk, evil@example.dk"), STR("ida @example.dk"),
		STR("ida@exam\0ple.dk"), STR("\"i da\"@example.dk"), STR("id\xC3\xA6@example.dk"), STR("ida@s\xC3\xB8.example"), STR("ida@example.dk\xff"), STR("ida@example.dk> NOTIFY=NEVER"),
		STR("a123456789a123456789a123456789a123456789a123456789a123456789a1234@example.dk"),
	};
	/* A relay that would answer nothing: had a byte been sent, or only a connection made, the listener would know. */
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	assert_int_equal(bind(listener, (struct sockaddr *)&at, size) + listen(listener, 4) + getsockname(listener, (struct sockaddr *)&at, &size), 0);
	char url[64];
	snprintf(url, sizeof url, "smtp://127.0.0.1:%d", ntohs(at.sin_port));
	struct mail_config config = config_plain();
	config.relay = str_from(url);
	struct smtp *s = open_or_fail(&config);
	for (size_t i = 0; i < 2 * sizeof bad / sizeof *bad; i++) {
		struct transport_result r;
		struct str one = bad[i / 2], good = STR("a@skole.example");
		smtp_send(s, &(struct envelope){i % 2 ? one : good, i % 2 ? good : one}, STR("x"), NULL, &r);
		if (r.outcome != OUTCOME_NEVER || r.code != 0)
			fail_msg("address %zu: outcome %d \"%s\"", i / 2, (int)r.outcome, r.answer);
	}
	assert_int_equal(accept(listener, NULL, NULL), -1);
	close(listener);
	smtp_close(s);
}

static void bad_configurations_are_refused(void **state) {
	(void)state;
	need_peer();
	static const char *const relays[] = {"", "127.0.0.1:25", "http://127.0.0.1", "smtp://", "smtp://user@host", "smtp://host/x", "smtp://ho\nst"};
	struct err err;
	for (size_t i = 0; i < sizeof relays / sizeof *relays; i++) {
		struct mail_config config = config_plain();
		config.relay = str_from(relays[i]);
		assert_null(smtp_open(&config, &err));
		assert_true(err.text[0] != '\0');
	}
	struct mail_config clear = config_secure(), missing = config_secure(), open_file = config_secure(), sender = config_plain();
	clear.tls = TLS_OPTIONAL;
	missing.password_file = STR("/nowhere/at/all");
	char path[128];
	put_file(path, sizeof path, "open", "secret");
	chmod(path, 0644);
	open_file.password_file = str_from(path);
	sender.from_address = STR("nobody");
	assert_null(smtp_open(&clear, &err));
	assert_null(smtp_open(&missing, &err));
	assert_null(smtp_open(&open_file, &err));
	assert_null(smtp_open(&sender, &err));
}

static void *abort_soon(void *s) {
	nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
	smtp_abort(s);
	return NULL;
}

static void a_send_can_be_aborted_and_is_then_unknown(void **state) {
	(void)state;
	need_peer();
	struct mail_config config = config_plain();
	for (int again = 0; again < 2; again++) {
		struct smtp *s = open_or_fail(&config);
		pthread_t thread;
		pthread_create(&thread, NULL, abort_soon, s);
		time_t before = time(NULL);
		assert_int_equal(send_to(s, "hang@example.dk").outcome, OUTCOME_UNKNOWN);
		pthread_join(thread, NULL);
		if (again)
			assert_int_equal(send_to(s, "ida@example.dk").outcome, OUTCOME_LATER);
		smtp_close(s); /* without waiting for an answer to QUIT */
		assert_in_range(time(NULL) - before, 0, 5);
	}
}

int main(void) {
	struct err err;
	if (!smtp_init(&err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_arrives_as_it_is),
		cmocka_unit_test(each_answer_has_its_outcome),
		cmocka_unit_test(a_sender_refused_is_nobodys_message), cmocka_unit_test(a_connection_is_kept), cmocka_unit_test(an_offer_can_be_withdrawn), cmocka_unit_test(a_connection_that_has_ended_is_replaced),
		cmocka_unit_test(starttls_and_auth_work),
		cmocka_unit_test(faults_of_tls_and_auth_are_configuration),
		cmocka_unit_test(nobody_there_means_later),
		cmocka_unit_test(bad_addresses_never_reach_the_wire),
		cmocka_unit_test(bad_configurations_are_refused),
		cmocka_unit_test(a_send_can_be_aborted_and_is_then_unknown),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
