#include "mailer/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void each_answer_is_somebodys(void **state) {
	(void)state;
	const struct {
		enum stage stage;
		const char *answer;
		enum fault fault;
	} table[] = {
	        {STAGE_CONTENT, "250 2.0.0 Ok: queued as 4XyZ", FAULT_NONE},
	        {STAGE_CONTENT, "250-2.0.0 first line", FAULT_NONE},
	        {STAGE_RECIPIENT, "250 2.1.5 Ok", FAULT_RELAY}, /* the connection broke after it */
	        {STAGE_CONTENT, "354 go on", FAULT_RELAY},
	        /* the recipient's address, as Postfix, Exim, Microsoft and Google say it */
	        {STAGE_RECIPIENT, "550 5.1.1 <ida@skole.example>: Recipient address rejected: User unknown in local recipient table", FAULT_ADDRESS},
	        {STAGE_RECIPIENT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", FAULT_ADDRESS},
	        {STAGE_RECIPIENT, "550-5.1.1 The email account that you tried to reach does not exist.", FAULT_ADDRESS},
	        {STAGE_RECIPIENT, "550 No such user here", FAULT_ADDRESS},
	        {STAGE_RECIPIENT, "551 User not local", FAULT_ADDRESS},
	        {STAGE_RECIPIENT, "556 5.1.10 domain does not accept mail", FAULT_ADDRESS},
	        {STAGE_CONTENT, "554 5.4.4 no mail server", FAULT_ADDRESS},
	        /* the mailbox */
	        {STAGE_RECIPIENT, "452 4.2.2 Mailbox full", FAULT_MAILBOX},
	        {STAGE_RECIPIENT, "552 5.2.2 Over quota", FAULT_MAILBOX},
	        {STAGE_RECIPIENT, "552 mailbox full", FAULT_MAILBOX},
	        {STAGE_RECIPIENT, "550 5.2.1 The account is disabled", FAULT_MAILBOX},
	        /* asked to wait */
	        {STAGE_RECIPIENT, "451 4.7.1 Greylisted, try again later", FAULT_BUSY},
	        {STAGE_RECIPIENT, "450 4.7.1 Try again", FAULT_BUSY},
	        {STAGE_RECIPIENT, "421 4.3.2 Too busy", FAULT_BUSY},
	        {STAGE_CONTENT, "454 Throttling failure: Maximum sending rate exceeded.", FAULT_BUSY},
	        {STAGE_CONTENT, "451 4.3.0 queue file write error", FAULT_BUSY},
	        {STAGE_SENDER, "452 4.3.1 Insufficient system storage", FAULT_BUSY},
	        {STAGE_CONNECT, "421 too many connections", FAULT_BUSY},
	        /* refused for what it is: the address is not given up */
	        {STAGE_CONTENT, "550 5.7.1 Message rejected due to IP reputation", FAULT_POLICY},
	        {STAGE_RECIPIENT, "550 5.7.26 This mail is unauthenticated", FAULT_POLICY},
	        {STAGE_RECIPIENT, "554 5.7.1 Relay access denied", FAULT_POLICY},
	        {STAGE_CONTENT, "554 looks like spam", FAULT_POLICY},
	        {STAGE_CONTENT, "554 5.6.0 malformed", FAULT_POLICY},
	        /* us */
	        {STAGE_SENDER, "553 5.7.1 Sender address rejected: not owned by user", FAULT_SITE},
	        {STAGE_SENDER, "550 5.1.8 sender domain not found", FAULT_SITE},
	        {STAGE_SENDER, "530 5.7.0 Must issue a STARTTLS command first", FAULT_SITE},
	        {STAGE_CONNECT, "535 5.7.8 authentication failed", FAULT_SITE},
	        {STAGE_CONNECT, "554 no service", FAULT_SITE},
	        {STAGE_RECIPIENT, "530 Authentication required", FAULT_SITE},
	        {STAGE_RECIPIENT, "550 5.1.8 sender rejected", FAULT_SITE},
	        /* its size: told at MAIL already */
	        {STAGE_SENDER, "552 5.3.4 Message size exceeds fixed limit", FAULT_SIZE},
	        {STAGE_CONTENT, "552 too large", FAULT_SIZE},
	        {STAGE_RECIPIENT, "550 5.2.3 too large for this mailbox", FAULT_SIZE},
	        /* an enhanced code of another class, or none at all, is not believed */
	        {STAGE_RECIPIENT, "550 4.7.1 odd", FAULT_ADDRESS},
	        {STAGE_RECIPIENT, "550 5.1", FAULT_ADDRESS},
	        {STAGE_RECIPIENT, "550 5..1 x", FAULT_ADDRESS},
	        {STAGE_RECIPIENT, "550 5.9999.1 x", FAULT_ADDRESS},
	        {STAGE_RECIPIENT, "550 5.0.0 x", FAULT_ADDRESS},
	        {STAGE_RECIPIENT, "599 5.8.1 x", FAULT_OTHER},
	        {STAGE_CONTENT, "550", FAULT_OTHER},
	        /* no answer */
	        {STAGE_CONTENT, "Couldn't connect to server", FAULT_RELAY},
	        {STAGE_CONTENT, "", FAULT_RELAY},
	        {STAGE_CONTENT, "5501 x", FAULT_RELAY},
	        {STAGE_CONTENT, "-50 x", FAULT_RELAY},
	        {STAGE_CONTENT, "650 x", FAULT_RELAY},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		enum fault fault = verdict_fault(table[i].stage, str_from(table[i].answer));
		if (fault != table[i].fault)
			fail_msg("stage %d \"%s\": %s, expected %s", (int)table[i].stage, table[i].answer, fault_name(fault), fault_name(table[i].fault));
	}
}

static void the_code_stands_first(void **state) {
	(void)state;
	assert_int_equal(verdict_code(STR("451 4.7.1 wait")), 451);
	assert_int_equal(verdict_code(STR("451-more")), 451);
	assert_int_equal(verdict_code(STR("451")), 451);
	assert_int_equal(verdict_code(STR("45")), 0);
	assert_int_equal(verdict_code(STR("the relay said 451")), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_answer_is_somebodys),
	        cmocka_unit_test(the_code_stands_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
