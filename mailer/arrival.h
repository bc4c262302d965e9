/* arrival: what a mail that came in is, and says. Its bytes are anybody's: libetpan takes them apart in a child process (child.h), which may die of them.
 *
 * REPORT     a delivery status notification (RFC 3464, in a multipart/report of RFC 6522), or what a mail server says without that form
 * AUTOMATIC  sent by a program (RFC 3834): an absence note, a receipt, a list; never to be answered
 * PERSON     the rest */
#ifndef MAILER_ARRIVAL_H
#define MAILER_ARRIVAL_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

#define ARRIVAL_CHILD "arrival-child"

enum {
	ARRIVAL_BYTES = 25 << 20, /* of a mail */
	ARRIVAL_TEXT = 64 << 10,  /* of its text that is kept */
	ARRIVAL_FILES = 20,       /* whose bytes are handed on */
	ARRIVAL_LIST = 100        /* recipients, reports, references, files that are looked at */
};

enum arrival_kind { ARRIVAL_PERSON, ARRIVAL_AUTOMATIC, ARRIVAL_REPORT };
const char *arrival_kind_name(enum arrival_kind kind); /* "person" ... as in SQL and logs */

/* What became of one recipient. */
struct arrival_report {
	struct str recipient; /* Final-Recipient, else Original-Recipient; empty: not said */
	struct str action;    /* failed, delayed, delivered, relayed, expanded; in lower case */
	struct str status;    /* "5.1.1" */
	struct str answer;    /* Diagnostic-Code, one line */
};
struct arrival_reports {
	struct arrival_report *items;
	size_t count, cap;
};
struct arrival_words {
	struct str *items;
	size_t count, cap;
};

struct arrival_file {
	enum arrival_fate {
		ARRIVAL_FILE_SENT,
		ARRIVAL_FILE_SHOWN, /* a picture of the text: a logo, a smiley; without content */
		ARRIVAL_FILE_MANY   /* behind ARRIVAL_FILES others; without content */
	} fate;
	struct str name; /* as it was given, one line; may be empty */
	struct str type; /* as it was declared: "application/pdf" */
	struct str content; /* any bytes; of text in UTF-8, where its charset is known */
};
struct arrival_files {
	struct arrival_file *items;
	size_t count, cap;
};

/* Texts are UTF-8 without control characters, but for line ends in `text`. */
struct arrival {
	enum arrival_kind kind;
	struct str message_id; /* "<...>"; empty: none */
	struct str from;       /* the first address */
	struct str subject, text;
	struct str words;      /* PERSON: of the text what they wrote, without what they quote */
	struct str original_id;        /* REPORT: Message-ID of the mail that came back */
	struct arrival_words to;       /* all it was for, in any header, in normal form */
	struct arrival_words refers;   /* In-Reply-To and References */
	struct arrival_reports reports;
	struct arrival_files files;    /* PERSON */
};

/* In a child. INPUT: it cannot be read (the child's end is told); TRANSIENT: there was no process for it. Any thread. */
bool arrival_read(struct arena *a, struct str raw, struct arrival *out, struct err *err);
/* The child's whole life; for main() when its first argument is ARRIVAL_CHILD. */
int arrival_child(void);

/* Stars in our memory for the token of every link that the text has: whoever reads what we kept must not be able to act. */
void arrival_mask(struct str text);
/* UTF-8 without control characters and marks of direction, with line ends or as one line; trimmed, at most so many bytes. In arena. */
struct str arrival_clean(struct arena *a, struct str text, bool lines, size_t most);

/* Inside the child, and for fuzzing. False: it is no mail. */
bool arrival_parse(struct arena *a, struct str raw, struct arrival *out);
void arrival_write(struct buf *out, const struct arrival *arrival);
bool arrival_unwrite(struct arena *a, struct str bytes, struct arrival *out); /* borrowed from bytes */

#endif
