/* dialog: one mail's share of an SMTP connection (RFC 5321): MAIL, RCPT, DATA, the message, the final dot. The connection itself (greeting, EHLO, TLS,
 * AUTH) stands already. With PIPELINING (RFC 2920) the three commands travel together, and behind the final dot of the mail before (its section 3.1), so that a mail
 * costs one wait. After a refusal the connection is kept: RSET goes in front of the next.
 * Pure but for the two functions that carry bytes. One thread. */
#ifndef MAILER_DIALOG_H
#define MAILER_DIALOG_H

#include "mailer/transport.h"
#include "mailer/verdict.h"

struct dialog_wire {
	bool (*send)(void *context, struct str bytes);                     /* all of it, or false */
	size_t (*receive)(void *context, char *out, size_t cap);           /* what has come, at least one byte; 0: closed, or nothing came in time */
	void *context;
};

struct dialog {
	struct dialog_wire wire;
	bool pipelining; /* the relay offers it */
	bool offered;    /* the envelope of the mail to come is on its way */
	bool reset;      /* what was begun before must be forgotten first */
	bool broken;     /* nothing more can be said on this connection */
	bool heard;      /* the relay has answered in this mail's share */
	bool dotted;     /* the final dot may have been sent */
	enum stage stage; /* that the last answer is about */
	int64_t code;     /* of the last answer; 0: none */
	char line[512];   /* its last line */
	char in[2048];
	size_t in_len, in_at;
};

void dialog_open(struct dialog *d, const struct dialog_wire *wire, bool pipelining);
/* Says MAIL, RCPT and DATA without waiting for the answers; nothing where the relay takes one command at a time. Both addresses are ASCII that was checked. */
void dialog_offer(struct dialog *d, const struct envelope *e);
/* Offers, unless that was done, and sends the message; CRLF is its only line end, so that no lone CR or LF ends it early. next: offered behind it (NULL: none).
 * True: it was accepted. Else stage, code and line say what was refused (code 400 to 599), or `broken` that the connection ended; if `dotted` then too, nobody
 * can know. */
bool dialog_send(struct dialog *d, const struct envelope *e, struct str message, const struct envelope *next);
/* Names a sender and takes that back. True: it was accepted; line says with which words, or why not. */
bool dialog_try_sender(struct dialog *d, struct str from);
void dialog_quit(struct dialog *d);

#endif
