/* patrol: the thread that ends what takes too long. A visitor is a connection: past its deadline its socket is shut down. A waiter is a
 * request that waits for the writer: past its deadline it is woken without the writer's answer, and an answer that may not come too
 * soon is held here. All functions: any thread. */
#ifndef OTP_PORTAL_PATROL_H
#define OTP_PORTAL_PATROL_H

#include "engine/base/err.h"

struct patrol;

/* Owned by the caller; not touched any more after patrol_leave. */
struct visitor {
	struct visitor *prev, *next;
	int fd;
	int64_t due_at; /* clock_monotonic */
};

/* listed -> woken, once: by the writer's answer (settled) or by the deadline (not settled). */
struct waiter {
	struct waiter *prev, *next;
	int64_t due_at;
	bool listed, settled;
	void (*wake)(struct waiter *w); /* called without the patrol's lock */
};

struct patrol *patrol_open(void); /* caller closes; NULL: no thread could be started */
void patrol_close(struct patrol *p);
void patrol_enter(struct patrol *p, struct visitor *v, int fd, int64_t due_at);
void patrol_extend(struct patrol *p, struct visitor *v, int64_t due_at);
void patrol_leave(struct patrol *p, struct visitor *v);

void patrol_wait(struct patrol *p, struct waiter *w, int64_t due_at);
/* The answer is there; the waiter is woken now or at not_before. False: it was woken already, as too late. */
bool patrol_settle(struct patrol *p, struct waiter *w, int64_t not_before);

#endif
