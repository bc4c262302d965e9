#include "mailer/dialog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A relay that says what it was told to, some bytes at a time, and ends. */
struct relay {
	const char *says;
	size_t said, piece;
	char heard[40000];
	size_t len;
	size_t deaf_after; /* takes no more bytes than these; 0: all */
};

static bool hear(void *context, struct str bytes) {
	struct relay *r = context;
	if (r->deaf_after && r->len + bytes.len > r->deaf_after)
		return false;
	assert_true(r->len + bytes.len < sizeof r->heard);
	memcpy(r->heard + r->len, bytes.at, bytes.len);
	r->len += bytes.len;
	r->heard[r->len] = '\0';
	return true;
}

static size_t speak(void *context, char *out, size_t cap) {
	struct relay *r = context;
	size_t left = strlen(r->says) - r->said, len = left < r->piece ? left : r->piece;
	len = len < cap ? len : cap;
	memcpy(out, r->says + r->said, len);
	r->said += len;
	return len;
}

static void open_to(struct dialog *d, struct relay *r, const char *says, size_t piece, bool pipelining) {
	*r = (struct relay){.says = says, .piece = piece};
	dialog_open(d, &(struct dialog_wire){hear, speak, r}, pipelining);
}

static const struct envelope TO_IDA = {{"a@skole.example", 15}, {"ida@example.dk", 14}}, TO_BO = {{"a@skole.example", 15}, {"bo@example.dk", 13}};

static bool send(struct dialog *d, const char *message) {
	return dialog_send(d, &TO_IDA, str_from(message), NULL);
}

#define ENVELOPE "MAIL FROM:<a@skole.example>\r\nRCPT TO:<ida@example.dk>\r\nDATA\r\n"
#define GOOD "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go\r\n"

static void what_it_says_decides(void **state) {
	(void)state;
	const struct {
		const char *says;
		bool sent, broken, dotted, reset;
		enum stage stage;
		int64_t code;
		const char *line;
	} table[] = {
	        {GOOD "250 2.0.0 Ok: queued as 1\r\n", true, false, true, false, STAGE_CONTENT, 250, "250 2.0.0 Ok: queued as 1"},
	        {"250 Ok\n250 Ok\n354 Go\n250 Ok\n", true, false, true, false, STAGE_CONTENT, 250, "250 Ok"},
	        {"250-a\r\n250 b\r\n251-will forward\r\n251 it\r\n354 Go\r\n250-c\r\n250 d\r\n", true, false, true, false, STAGE_CONTENT, 250, "250 d"},
	        {"550 5.7.1 No\r\n503 MAIL first\r\n503 RCPT first\r\n", false, false, false, true, STAGE_SENDER, 550, "550 5.7.1 No"},
	        {"250 Ok\r\n550 5.1.1 No such user\r\n554 5.5.1 No valid recipients\r\n", false, false, false, true, STAGE_RECIPIENT, 550, "550 5.1.1 No such user"},
	        {"250 Ok\r\n550 5.1.1 No such user\r\n354 Go\r\n554 5.5.1 No recipients\r\n", false, false, false, true, STAGE_RECIPIENT, 550, "550 5.1.1 No such user"},
	        {"250 Ok\r\n450 4.2.0 Later\r\n503 x\r\n", false, false, false, true, STAGE_RECIPIENT, 450, "450 4.2.0 Later"},
	        {"250 Ok\r\n250 Ok\r\n451 4.3.0 Not now\r\n", false, false, false, true, STAGE_CONTENT, 451, "451 4.3.0 Not now"},
	        {"421 4.3.2 Bye\r\n", false, true, false, true, STAGE_SENDER, 421, "421 4.3.2 Bye"},
	        {"250 Ok\r\n421 4.7.0 Slow down\r\n", false, true, false, true, STAGE_RECIPIENT, 421, "421 4.7.0 Slow down"},
	        {GOOD "554 5.7.1 Spam\r\n", false, false, true, false, STAGE_CONTENT, 554, "554 5.7.1 Spam"},
	        {GOOD "452 4.3.1 Full\r\n", false, false, true, false, STAGE_CONTENT, 452, "452 4.3.1 Full"},
	        {GOOD "421 4.3.2 Bye\r\n", false, true, true, false, STAGE_CONTENT, 421, "421 4.3.2 Bye"},
	        /* It ends, or talks nonsense: before the dot nothing was sent, after it nobody knows. */
	        {"", false, true, false, false, STAGE_SENDER, 0, ""},
	        {"250 Ok\r\n", false, true, false, false, STAGE_RECIPIENT, 0, ""},
	        {"250 Ok\r\n250 Ok\r\n", false, true, false, false, STAGE_CONTENT, 0, ""},
	        {"250 Ok\r\n250 Ok\r\n35", false, true, false, false, STAGE_CONTENT, 0, "35"},
	        {GOOD, false, true, true, false, STAGE_CONTENT, 0, ""},
	        {GOOD "250", false, true, true, false, STAGE_CONTENT, 0, "250"},
	        {GOOD "250-2.0.0 Ok\r\n", false, true, true, false, STAGE_CONTENT, 0, ""},
	        {GOOD "Ok\r\n", false, true, true, false, STAGE_CONTENT, 0, "Ok"},
	        {GOOD "2500 Ok\r\n", false, true, true, false, STAGE_CONTENT, 0, "2500 Ok"},
	        {GOOD "999 Ok\r\n", false, true, true, false, STAGE_CONTENT, 0, "999 Ok"},
	        {GOOD "354 Go on\r\n", false, true, true, false, STAGE_CONTENT, 0, "354 Go on"},
	        {"HTTP/1.1 200 OK\r\n\r\n", false, true, false, false, STAGE_SENDER, 0, "HTTP/1.1 200 OK"},
	        {"250 Ok\r\n250 Ok\r\n250 Ok\r\n250 Ok\r\n", false, true, false, true, STAGE_CONTENT, 250, "250 Ok"},
	        {"354 Go\r\n354 Go\r\n354 Go\r\n354 Go\r\n", false, true, false, true, STAGE_SENDER, 354, "354 Go"},
	};
	static struct relay r;
	static struct dialog d;
	for (size_t i = 0; i < 4 * sizeof table / sizeof *table; i++) {
		size_t k = i / 4;
		bool together = i % 2;
		open_to(&d, &r, table[k].says, i % 4 < 2 ? 1 : 5000, together);
		bool sent = send(&d, "Subject: x\r\n\r\nHej\r\n");
		/* Asked one by one, an answer that none was asked for is not read. */
		if (sent != table[k].sent || d.broken != table[k].broken || d.dotted != table[k].dotted || d.reset != table[k].reset || d.stage != table[k].stage || d.code != table[k].code)
			fail_msg("case %zu: sent %d broken %d dotted %d reset %d stage %d code %d \"%s\"", i, sent, d.broken, d.dotted, d.reset, (int)d.stage, (int)d.code, d.line);
		assert_string_equal(d.line, table[k].line);
		assert_true(strncmp(r.heard, ENVELOPE, together ? strlen(ENVELOPE) : strlen("MAIL FROM:<a@skole.example>\r\n")) == 0);
		assert_int_equal(strstr(r.heard, "Hej\r\n.\r\n") != NULL, d.dotted);
	}
}

/* After a refusal the same connection goes on, with RSET in front. */
static void a_refusal_keeps_the_connection(void **state) {
	(void)state;
	static struct relay r;
	static struct dialog d;
	for (int together = 0; together < 2; together++) {
		open_to(&d, &r, together ? "250 Ok\r\n550 5.1.1 No\r\n503 No\r\n250 Reset\r\n" GOOD "250 Ok\r\n" GOOD "250 Ok\r\n" : "250 Ok\r\n550 5.1.1 No\r\n250 Reset\r\n" GOOD "250 Ok\r\n" GOOD "250 Ok\r\n", 7, together);
		assert_false(send(&d, "x"));
		assert_true(send(&d, "x"));
		assert_true(send(&d, "x"));
		const char *reset = strstr(r.heard, "RSET\r\nMAIL");
		assert_non_null(reset);
		assert_null(strstr(reset + 1, "RSET"));
		assert_int_equal(r.said, strlen(r.says));
	}
}

/* No line of the message ends it early, whatever its line ends are; what is put in front of dots is what a relay takes away. */
static void no_line_ends_the_message(void **state) {
	(void)state;
	static const char *const bodies[][2] = {
	        {"a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"}, {".\r\n", "..\r\n.\r\n"}, {"..\r\n.", "...\r\n..\r\n.\r\n"}, {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"},
	        {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"}, {"a\r\n.\nMAIL FROM:<x>\n", "a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"}, {"a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n"},
	        {"a\r\r\n.\r\n", "a\r\n\r\n..\r\n.\r\n"}, {"", ".\r\n"}, {"\r\n", "\r\n.\r\n"}, {"a.b\r\n", "a.b\r\n.\r\n"},
	};
	static struct relay r;
	static struct dialog d;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		open_to(&d, &r, GOOD "250 Ok\r\n", 100, true);
		assert_true(send(&d, bodies[i][0]));
		assert_string_equal(r.heard + strlen(ENVELOPE), bodies[i][1]);
	}
	/* A long one goes in pieces, none of which loses a byte. */
	static char body[30001];
	memset(body, 'x', sizeof body - 1);
	for (size_t i = 0; i + 1 < sizeof body; i += 50)
		memcpy(body + i, "\r\n.", 3);
	open_to(&d, &r, GOOD "250 Ok\r\n", 100, true);
	assert_true(send(&d, body));
	assert_int_equal(r.len, strlen(ENVELOPE) + strlen(body) + (sizeof body - 1) / 50 + strlen("\r\n.\r\n"));
}

/* A connection that breaks before the piece with the dot has sent nothing; with it, nobody knows. */
static void the_dot_decides_when_the_connection_breaks(void **state) {
	(void)state;
	static struct relay r;
	static struct dialog d;
	static char body[40001];
	memset(body, 'x', sizeof body - 1);
	const struct {
		size_t len, deaf_after;
		bool dotted;
	} table[] = {{100, 1, false}, {100, sizeof ENVELOPE, true}, {30000, sizeof ENVELOPE, false}, {30000, sizeof ENVELOPE + 16384, true}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		open_to(&d, &r, GOOD "250 Ok\r\n", 100, true);
		r.deaf_after = table[i].deaf_after;
		assert_false(dialog_send(&d, &TO_IDA, (struct str){body, table[i].len}, NULL));
		assert_true(d.broken);
		assert_int_equal(d.dotted, table[i].dotted);
		assert_int_equal(d.code, 0);
	}
}

static void an_endless_answer_is_none(void **state) {
	(void)state;
	static char says[200000];
	static struct relay r;
	static struct dialog d;
	memset(says, 'x', sizeof says - 1);
	open_to(&d, &r, says, 5000, true);
	assert_false(send(&d, "x"));
	assert_true(d.broken && !d.dotted && d.code == 0);
	says[0] = '\0';
	for (size_t i = 0; i < 1000; i++)
		memcpy(says + i * 8, "250-a\r\n\n", 9);
	for (char *at = says; (at = strstr(at, "\n\n")); )
		memmove(at, at + 1, strlen(at));
	open_to(&d, &r, says, 5000, true);
	assert_false(send(&d, "x"));
	assert_true(d.broken && d.code == 0);
}

static void what_is_offered_is_said_once(void **state) {
	(void)state;
	static struct relay r;
	static struct dialog d;
	open_to(&d, &r, GOOD "250 Ok\r\n", 100, true);
	dialog_offer(&d, &TO_IDA);
	assert_string_equal(r.heard, ENVELOPE);
	assert_int_equal(r.said, 0);
	assert_true(send(&d, "x"));
	assert_string_equal(r.heard, ENVELOPE "x\r\n.\r\n");
	dialog_quit(&d);
	assert_true(d.broken);
	assert_false(send(&d, "x"));
	assert_string_equal(r.heard, ENVELOPE "x\r\n.\r\nQUIT\r\n");
	open_to(&d, &r, GOOD "250 Ok\r\n", 100, false);
	dialog_offer(&d, &TO_IDA);
	assert_int_equal(r.len, 0);
}

#define ENVELOPE_BO "MAIL FROM:<a@skole.example>\r\nRCPT TO:<bo@example.dk>\r\nDATA\r\n"

/* RFC 2920 section 3.1: the next envelope goes right behind the dot, once, and its answers are the next mail's. */
static void the_next_goes_behind_the_dot(void **state) {
	(void)state;
	static struct relay r;
	static struct dialog d;
	open_to(&d, &r, GOOD "250 Ok\r\n" GOOD "250 Ok 2\r\n", 3, true);
	assert_true(dialog_send(&d, &TO_IDA, STR("x"), &TO_BO));
	assert_string_equal(r.heard, ENVELOPE "x\r\n.\r\n" ENVELOPE_BO);
	assert_string_equal(d.line, "250 Ok");
	assert_true(d.offered && d.dotted);
	dialog_offer(&d, &TO_BO);
	assert_string_equal(d.line, "250 Ok");
	assert_true(dialog_send(&d, &TO_BO, STR("y"), NULL));
	assert_string_equal(r.heard, ENVELOPE "x\r\n.\r\n" ENVELOPE_BO "y\r\n.\r\n");
	assert_string_equal(d.line, "250 Ok 2");
	assert_int_equal(r.said, strlen(r.says));
	open_to(&d, &r, GOOD "250 Ok\r\n", 3, false);
	assert_true(dialog_send(&d, &TO_IDA, STR("x"), &TO_BO));
	assert_false(d.offered);
	assert_string_equal(r.heard, ENVELOPE "x\r\n.\r\n");
}

/* Neither mail's fate is taken for the other's: at the end of the connection the first is unknown and the second was never begun. */
static void two_that_meet_stay_two(void **state) {
	(void)state;
	static struct relay r;
	static struct dialog d;
	const struct {
		const char *says;
		bool first, second, dotted;
		int64_t code;
	} table[] = {
	        {GOOD "550 5.7.1 Spam\r\n" GOOD "250 Ok\r\n", false, true, true, 250},
	        {GOOD "250 Ok\r\n250 Ok\r\n550 5.1.1 No\r\n503 No\r\n", true, false, false, 550},
	        {GOOD "451 4.3.0 Later\r\n250 Ok\r\n550 5.1.1 No\r\n503 No\r\n", false, false, false, 550},
	        {GOOD "250 Ok\r\n421 4.3.2 Enough\r\n", true, false, false, 421},
	        {GOOD "250 Ok\r\n", true, false, false, 0},
	        {GOOD "421 4.3.2 Bye\r\n", false, false, false, 0},
	        {GOOD, false, false, false, 0},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		open_to(&d, &r, table[i].says, 1, true);
		assert_int_equal(dialog_send(&d, &TO_IDA, STR("x"), &TO_BO), table[i].first);
		assert_true(d.dotted);
		assert_int_equal(dialog_send(&d, &TO_BO, STR("y"), NULL), table[i].second);
		assert_int_equal(d.dotted, table[i].dotted);
		assert_int_equal(d.code, table[i].code);
		assert_int_equal(strstr(r.heard, "y\r\n") != NULL, table[i].dotted);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_says_decides),
		cmocka_unit_test(a_refusal_keeps_the_connection),
		cmocka_unit_test(no_line_ends_the_message),
		cmocka_unit_test(the_dot_decides_when_the_connection_breaks),
		cmocka_unit_test(an_endless_answer_is_none),
		cmocka_unit_test(what_is_offered_is_said_once),
		cmocka_unit_test(the_next_goes_behind_the_dot),
		cmocka_unit_test(two_that_meet_stay_two),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
