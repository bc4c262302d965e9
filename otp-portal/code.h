/* code: log-in by a one-time code that is safe with four digits by what stands round it: it works only with
 * the cookie that asked for it, for 10 minutes, three tries that are counted before they are compared; and an address with ten
 * failures in 30 days, or everybody after 50 in a day, gets a link instead of a code.
 *
 * A log-in is a row; its code is derived from the row's id, so sending again repeats the same code. The cookie "pre" is
 * base64url(row id || 16 random bytes). These are jobs of the writer. */
#ifndef OTP_PORTAL_CODE_H
#define OTP_PORTAL_CODE_H

#include "engine/store/access.h"
#include "otp-portal/response.h"

enum { CODE_TRIES = 3 };
#define BROWSER_LIFE_MS (365 * 24 * 60 * INT64_C(60000))
#define CODE_LIFE_MS (10 * INT64_C(60000))

struct code_ask {
	const struct portal_world *world;
	struct str address;  /* normal */
	struct str language, network;
	struct str cookie;   /* of an earlier ask by this browser, or empty */
	struct str new_cookie; /* made by code_cookie() */
	struct str browser;  /* the cookie that this browser got at an earlier log-in, or empty */
	bool again;          /* "send again": to the address of the cookie's log-in */
	struct str set_cookie; /* out: the one that counts now; in the change's arena */
	bool lost;           /* out: again, but the cookie is of no log-in: nothing was sent */
};
/* A fresh cookie text. In arena. */
struct str code_cookie(struct arena *a);
/* Writes the log-in, and the message when the address takes part in something that a log-in shows. Says nothing about it. */
bool code_ask(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err);

struct code_try {
	const struct portal_world *world;
	struct str cookie, typed;     /* the code; or with `token` the address */
	struct str token;             /* of a log-in link; empty: a code was typed */
	struct str network, language;
	struct str browser;           /* the cookie that this browser got at an earlier log-in, or a new code_cookie() */
	struct str agent;             /* what it calls itself */
	bool has_session;             /* the one to end: */
	unsigned char old_session[SECRET_HASH];
	struct str set_cookie;        /* out: of the session; empty: not let in */
};
/* Counts, compares, opens the session; tells the address of a log-in from a browser that is new to it. Wrong is no failure: it must be committed. DENIED: too many failures from this network. */
bool code_try(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err);

/* Whether somebody typed this log-in's code; blanks, hyphens and words are no part of one. Takes as long when it is wrong. */
bool code_same(const struct portal_world *world, const struct login *login, struct str typed);

/* Does a list view with `login` of any workflow show this contact something? *digits: of the longest code that one of them asks for; 0: none. */
bool code_welcomes(const struct portal_world *world, struct view *v, int64_t contact_id, int64_t now, struct arena *a, int *digits, struct err *err);

#endif
