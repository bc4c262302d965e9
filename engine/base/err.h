/* err: what went wrong, for a caller who can do something about it.
 *
 * A function that can be refused or fail returns bool and takes a struct err from its
 * caller's stack: true leaves it alone, so calls chain with && and ||. A bug is none of
 * these: it aborts (BUG_IF, always on). Any thread. */
#ifndef ENGINE_BASE_ERR_H
#define ENGINE_BASE_ERR_H

#include "engine/base/str.h"

/* The kind says what to do. */
enum err_kind {
	ERR_NONE = 0,
	ERR_INPUT,     /* the sender must change what was sent: 400/422, exit 1 */
	ERR_NOT_FOUND, /* no such thing: 404 */
	ERR_DENIED,    /* not allowed, or too often: 403/429 */
	ERR_CONFLICT,  /* too late, or somebody was faster: 409 */
	ERR_TRANSIENT, /* try again later: 503 */
	ERR_PERMANENT  /* an operator must act: 500 */
};

struct err {
	enum err_kind kind;
	const char *key; /* message key in languages/<lang>.yaml, a literal: "link.used" */
	char arg[2][128]; /* {{0}} and {{1}} of that message */
	char text[400];   /* the same in English, for log and command line */
};

/* Fills *err and returns false, so that a function can say `return err_set(...)`. Truncates. */
__attribute__((format(printf, 4, 5))) bool err_set(struct err *err, enum err_kind kind, const char *key,
                                                   const char *format, ...);
/* Sets argument 0 or 1 of the message. */
void err_arg(struct err *err, int index, struct str value);
/* Puts "context: " before the English text. */
__attribute__((format(printf, 2, 3))) void err_context(struct err *err, const char *format, ...);

/* A bug: logs place and reason, aborts. All state is in committed transactions, so it is safe. */
_Noreturn void bug(const char *file, int line, const char *what);
#define BUG_IF(condition)                              \
	do {                                           \
		if (condition)                         \
			bug(__FILE__, __LINE__, #condition); \
	} while (0)

#endif
