/* smtp_parts: what the files of a connection to a relay share: smtp_connect.c makes and ends it, smtp.c sends on it, smtp_look.c only looks. Private to them. */
#ifndef MAILER_SMTP_PARTS_H
#define MAILER_SMTP_PARTS_H

#include "mailer/dialog.h"
#include "mailer/transport.h"

#include <curl/curl.h>
#include <stdatomic.h>

enum {
	REPLY_SECONDS = 60, /* for any one answer, so for the one after the final dot too */
	TOTAL_SECONDS = 120,
	ADDRESS_MAX = 254 /* RFC 5321 section 4.5.3.1 and its erratum 1690 */
};

struct smtp {
	const struct mail_config *config;
	CURL *curl;     /* NULL: no connection */
	bool connected; /* it stands, TLS and login included */
	int sends;      /* on it */
	struct dialog dialog;
	char from[ADDRESS_MAX + 1], to[ADDRESS_MAX + 1]; /* that were offered */
	bool behind;       /* right behind a final dot */
	bool silent;       /* no answer came in time */
	bool step_by_step; /* this relay does not hear what is said behind a dot */
	int64_t reply_ms, total_at; /* how long one answer may take; until when all of it (monotonic) */
	bool pipelining; /* offered in the last EHLO's answer */
	struct smtp_seen *seen; /* of a look; NULL: none */
	char line[512]; /* the server's last line while the connection was made */
	char fault[CURL_ERROR_SIZE];
	atomic_bool aborted;
};

/* An address that needs no quoting, in an envelope where quoting is a door: RFC 5321 dot-string @ domain, ASCII. */
bool smtp_address(struct str address, struct err *err);
/* Greeting, EHLO, TLS, login. False: *result says why. */
bool smtp_connect(struct smtp *s, struct transport_result *result);
/* The connection as a dialog wants it; context is the struct smtp. */
bool smtp_wire_send(void *context, struct str bytes);
size_t smtp_wire_receive(void *context, char *out, size_t cap);

#endif
