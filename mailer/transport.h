/* transport: how one message leaves: SMTP, an SMS gateway, or capture. Answers in four ways, never with errno. */
#ifndef MAILER_TRANSPORT_H
#define MAILER_TRANSPORT_H

#include "engine/base/config.h"
#include "mailer/compose.h"
#include "mailer/gateway.h"
#include "mailer/verdict.h"

enum outcome {
	OUTCOME_SENT,   /* accepted by relay or gateway */
	OUTCOME_LATER,  /* 4xx, connection refused, timeout before the end: try again */
	OUTCOME_NEVER,  /* 5xx at this message */
	OUTCOME_UNKNOWN /* the connection died after the final dot, or after a gateway's request was sent */
};
struct transport_result {
	enum outcome outcome;
	int64_t code;        /* SMTP or HTTP status; 0: none */
	enum fault fault;    /* of an SMS only ADDRESS and POLICY: the number itself was refused */
	bool configuration;  /* TLS, authentication, our own address: not this message's fault, an operator must look */
	bool early;          /* it ended before anything of this message was judged: every other would meet the same */
	char answer[256];    /* last line of relay or gateway */
};

/* Fills result->answer: one line, without control characters and broken UTF-8. */
void transport_answer(struct transport_result *result, struct str line);
/* Stars in the answer for a secret, wherever it stands. */
void transport_hide(struct transport_result *result, struct str secret);
/* Stars in the answer for every word of text that could be a token or a code (some relays repeat what they were given). */
void transport_mask(struct transport_result *result, struct str text);

struct smtp; /* one connection, reused; one thread */
bool smtp_init(struct err *err); /* curl's one-time set-up, for sms too; before any thread */
/* NULL: the relay, its password or certificates cannot be used as configured. config is borrowed; caller closes. */
struct smtp *smtp_open(const struct mail_config *config, struct err *err);
void smtp_close(struct smtp *s);
/* Says good-bye and ends the connection, if there is one; the next send makes a new one. */
void smtp_hang_up(struct smtp *s);
bool smtp_connected(const struct smtp *s);
/* Who writes to whom: RFC 5321 section 3.3. */
struct envelope {
	struct str from, to;
};
/* Says an envelope already, where the relay lets us, while the message is still being begun; smtp_send with the same one hears the answer, with another it
 * begins anew. */
void smtp_offer(struct smtp *s, const struct envelope *e);
void smtp_withdraw(struct smtp *s); /* it is not sent after all: ends the connection if it was offered */
/* next: the envelope of the message after this one, offered right behind this one's final dot; NULL: none is known. */
void smtp_send(struct smtp *s, const struct envelope *e, struct str mime, const struct envelope *next, struct transport_result *result);
void smtp_abort(struct smtp *s); /* any thread: a send under way, and each later one, ends within about a second */

/* What a look at the relay found, where nothing is sent. */
struct smtp_seen {
	enum smtp_trouble { SMTP_WELL, SMTP_NO_NAME, SMTP_NO_CONNECTION, SMTP_SILENT, SMTP_NO_TLS, SMTP_CERTIFICATE, SMTP_LOGIN, SMTP_OTHER } trouble;
	char fault[256];           /* of trouble: as the relay or curl tells it */
	char address[64];          /* of the relay, in digits; empty: not reached */
	bool starttls;             /* offered before anything was encrypted */
	int64_t size;              /* of a message at most, as announced; 0: not announced */
	int64_t certificate_until; /* ms UTC; 0: none seen */
	bool sender_taken;         /* MAIL FROM was accepted, and taken back */
	char sender_answer[256];
};
/* Connects and logs in as for a mail, names the sender, takes that back. seconds: at most, for each of the three commands. Before anything is sent on s. */
void smtp_look(struct smtp *s, struct str from, int seconds, struct smtp_seen *out);

struct sms; /* one HTTP client; one thread */
/* NULL: the gateway cannot be used as described. Both are borrowed; caller closes. */
struct sms *sms_open(const struct sms_config *config, const struct gateway *gateway, struct err *err);
void sms_close(struct sms *s);
struct sms_message {
	struct str to, text, reference, report_url;
	int64_t seconds; /* how long it is of use: a code that comes too late is worse than none */
};
void sms_send(struct sms *s, const struct sms_message *message, struct transport_result *result);
void sms_abort(struct sms *s);

#endif
