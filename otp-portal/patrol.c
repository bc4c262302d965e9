#include "otp-portal/patrol.h"

#include "engine/base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { LONGEST_SLEEP = 1000 };

struct patrol {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* on CLOCK_MONOTONIC */
	struct visitor visitors; /* heads of rings */
	struct waiter waiters;
	bool closing;
};

static void shut_late_visitors(struct patrol *p, int64_t now) {
	for (struct visitor *v = p->visitors.next; v != &p->visitors; v = v->next) {
		if (v->due_at > now)
			continue;
		shutdown(v->fd, SHUT_RDWR);
		v->due_at = INT64_MAX;
	}
}

static void unlist(struct waiter *w) {
	w->prev->next = w->next;
	w->next->prev = w->prev;
	w->listed = false;
}

/* Takes the due ones off the list, chained by next. */
static struct waiter *take_late_waiters(struct patrol *p, int64_t now) {
	struct waiter *late = NULL;
	for (struct waiter *w = p->waiters.next, *next; w != &p->waiters; w = next) {
		next = w->next;
		if (w->due_at > now)
			continue;
		unlist(w);
		w->next = late;
		late = w;
	}
	return late;
}

static int64_t next_due(const struct patrol *p, int64_t now) {
	int64_t due = now + LONGEST_SLEEP;
	for (const struct waiter *w = p->waiters.next; w != &p->waiters; w = w->next)
		due = w->due_at < due ? w->due_at : due;
	return due;
}

static void sleep_until(struct patrol *p, int64_t due) {
	struct timespec at = {.tv_sec = due / 1000, .tv_nsec = due % 1000 * 1000000};
	pthread_cond_timedwait(&p->changed, &p->lock, &at);
}

static void *walk(void *context) {
	struct patrol *p = context;
	pthread_mutex_lock(&p->lock);
	while (!p->closing) {
		int64_t now = clock_monotonic();
		shut_late_visitors(p, now);
		struct waiter *late = take_late_waiters(p, now);
		pthread_mutex_unlock(&p->lock);
		while (late) {
			struct waiter *w = late;
			late = w->next; /* wake may free it */
			w->wake(w);
		}
		pthread_mutex_lock(&p->lock);
		if (!p->closing)
			sleep_until(p, next_due(p, clock_monotonic()));
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct patrol *patrol_open(void) {
	struct patrol *p = calloc(1, sizeof *p);
	BUG_IF(p == NULL);
	p->visitors.prev = p->visitors.next = &p->visitors;
	p->waiters.prev = p->waiters.next = &p->waiters;
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&p->thread, NULL, walk, p) == 0)
		return p;
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}

void patrol_close(struct patrol *p) {
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void patrol_enter(struct patrol *p, struct visitor *v, int fd, int64_t due_at) {
	pthread_mutex_lock(&p->lock);
	*v = (struct visitor){.prev = p->visitors.prev, .next = &p->visitors, .fd = fd, .due_at = due_at};
	v->prev->next = v;
	v->next->prev = v;
	pthread_mutex_unlock(&p->lock);
}

void patrol_extend(struct patrol *p, struct visitor *v, int64_t due_at) {
	pthread_mutex_lock(&p->lock);
	v->due_at = due_at;
	pthread_mutex_unlock(&p->lock);
}

void patrol_leave(struct patrol *p, struct visitor *v) {
	pthread_mutex_lock(&p->lock);
	v->prev->next = v->next;
	v->next->prev = v->prev;
	pthread_mutex_unlock(&p->lock);
}

void patrol_wait(struct patrol *p, struct waiter *w, int64_t due_at) {
	pthread_mutex_lock(&p->lock);
	w->due_at = due_at;
	w->listed = true;
	w->settled = false;
	w->prev = p->waiters.prev;
	w->next = &p->waiters;
	w->prev->next = w;
	w->next->prev = w;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

bool patrol_settle(struct patrol *p, struct waiter *w, int64_t not_before) {
	pthread_mutex_lock(&p->lock);
	bool in_time = w->listed, now = not_before <= clock_monotonic();
	if (in_time)
		w->settled = true;
	if (in_time && now)
		unlist(w);
	if (in_time && !now) {
		w->due_at = not_before;
		pthread_cond_signal(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	if (in_time && now)
		w->wake(w);
	return in_time;
}
