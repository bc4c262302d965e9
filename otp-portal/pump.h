/* pump: the thread that makes long answers piece by piece, in turn, so that no portal thread ever works long and no answer lies in memory whole:
 * of each there are at most two pieces. A portal thread hands on what is ready; while nothing is, the connection sleeps.
 *
 *   wanting -> filling -> full -> wanting ... -> ended | failed; dropped at any time */
#ifndef OTP_PORTAL_PUMP_H
#define OTP_PORTAL_PUMP_H

#include "engine/base/err.h"
#include "engine/base/str.h"

struct pump;

/* One long answer. Owned by the caller until `gone` was called; the functions are called without the pump's lock unless it says so. */
struct pour {
	bool (*more)(struct pour *p, struct buf *out, struct err *err); /* pump's thread: appends the next piece, nothing at the end; TRANSIENT: asked again */
	void (*sleep)(struct pour *p);  /* within pump_take, under the lock: nothing is ready */
	void (*wake)(struct pour *p);   /* after sleep: something is, or never will be */
	void (*gone)(struct pour *p);   /* after pump_drop: the pump does not touch it any more */
	/* the pump's */
	struct pour *next;
	struct buf ready, piece;
	size_t taken; /* of ready */
	int tries;
	bool begun, listed, filling, asleep, ended, failed, dropped;
};

enum { PUMP_END = -1, PUMP_FAILED = -2 };

struct pump *pump_open(void); /* caller closes; NULL: no thread could be started. The next two take NULL too */
void pump_stop(struct pump *p);  /* what is under way fails: sleepers are woken, nothing is made any more */
void pump_close(struct pump *p); /* caller has dropped everything */
void pump_init(struct pour *pour, size_t piece_limit); /* members of the caller are kept */
/* Copies up to max bytes that are ready. 0: none; `sleep` was called. Else PUMP_END or PUMP_FAILED. Begins with the first piece when first called. */
int64_t pump_take(struct pump *p, struct pour *pour, char *to, size_t max);
void pump_drop(struct pump *p, struct pour *pour);

#endif
