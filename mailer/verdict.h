/* verdict: whose fault an answer of a relay is, so that the one who can do something about it is told. Pure.
 *
 * From the command that it answered, the code (RFC 5321 section 4.2) and, where the relay gives one, the enhanced code (RFC 3463; 5.7.x says nothing
 * about the address, which must not be given up for it). */
#ifndef MAILER_VERDICT_H
#define MAILER_VERDICT_H

#include "engine/base/err.h"

enum stage {
	STAGE_CONNECT,   /* greeting, EHLO, TLS, AUTH */
	STAGE_SENDER,    /* MAIL */
	STAGE_RECIPIENT, /* RCPT */
	STAGE_CONTENT    /* DATA and what follows */
};

enum fault {
	FAULT_NONE,    /* accepted */
	FAULT_RELAY,   /* not reached, no answer, or in trouble of its own */
	FAULT_SITE,    /* it does not take mail from us: login, TLS, sender's address; an operator must look */
	FAULT_BUSY,    /* it asks to come back later */
	FAULT_ADDRESS, /* no such mailbox or domain: somebody must correct it */
	FAULT_MAILBOX, /* the mailbox is full, or takes nothing now */
	FAULT_SIZE,    /* the message is too large */
	FAULT_POLICY,  /* refused for what it says or whom it comes from */
	FAULT_OTHER    /* refused, and nobody says why */
};
const char *fault_name(enum fault fault); /* "none" ... as in logs */

/* answer: "451 4.7.1 Try again later"; one without a code is no answer of a relay's. */
enum fault verdict_fault(enum stage stage, struct str answer);
/* 451 of that answer; 0: none. */
int64_t verdict_code(struct str answer);

#endif
