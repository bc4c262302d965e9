#include "otp-portal/pump.h"

#include "engine/base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRIES = 100, NAP_MS = 50 };

struct pump {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct pour *first, *last; /* who wants a piece, in turn */
	bool stopped, closing;
};

static bool is_empty(const struct pour *pour) {
	return pour->taken == pour->ready.len;
}

/* A piece is wanted when there is room for one. */
static void want(struct pump *p, struct pour *pour) {
	if (pour->listed || pour->filling || pour->ended || pour->failed || pour->dropped || pour->piece.len > 0)
		return;
	pour->listed = true;
	pour->next = NULL;
	if (p->last)
		p->last->next = pour;
	else
		p->first = pour;
	p->last = pour;
	pthread_cond_signal(&p->wanted);
}

static void unlist(struct pump *p, struct pour *pour) {
	struct pour **at = &p->first, *before = NULL;
	while (*at != pour) {
		before = *at;
		at = &(*at)->next;
	}
	*at = pour->next;
	if (p->last == pour)
		p->last = before;
	pour->listed = false;
}

/* A piece that is being made is left alone. */
static void turn_over(struct pump *p, struct pour *pour) {
	if (!pour->filling && is_empty(pour) && pour->piece.len > 0) {
		struct buf empty = pour->ready;
		pour->ready = pour->piece;
		pour->piece = empty;
		buf_clear(&pour->piece);
		pour->taken = 0;
	}
	want(p, pour);
}

/* False: it was not the time for it. */
static bool judge(struct pour *pour, bool made, const struct err *err) {
	if (made && !pour->piece.overflow) {
		pour->ended = pour->piece.len == 0;
		pour->tries = 0;
		return true;
	}
	if (!made && err->kind == ERR_TRANSIENT && ++pour->tries < TRIES) {
		buf_clear(&pour->piece);
		return false;
	}
	if (!made)
		log_err(LOG_ERROR, "stream-failed", err);
	pour->failed = true;
	return true;
}

static void nap(void) {
	struct timespec span = {.tv_nsec = NAP_MS * 1000000};
	nanosleep(&span, NULL);
}

/* Makes one piece; the lock is held before and after, not within. */
static void fill(struct pump *p, struct pour *pour) {
	struct err err = {0};
	unlist(p, pour);
	pour->filling = true;
	pthread_mutex_unlock(&p->lock);
	bool made = pour->more(pour, &pour->piece, &err);
	if (!made && err.kind == ERR_TRANSIENT)
		nap();
	pthread_mutex_lock(&p->lock);
	pour->filling = false;
	bool settled = judge(pour, made, &err), dropped = pour->dropped;
	bool wake = settled && pour->asleep && !dropped;
	if (!dropped)
		turn_over(p, pour);
	if (wake)
		pour->asleep = false;
	pthread_mutex_unlock(&p->lock);
	if (dropped)
		pour->gone(pour);
	else if (wake)
		pour->wake(pour);
	pthread_mutex_lock(&p->lock);
}

static void *work(void *context) {
	struct pump *p = context;
	pthread_mutex_lock(&p->lock);
	while (!p->closing) {
		if (p->first && !p->stopped)
			fill(p, p->first);
		else
			pthread_cond_wait(&p->wanted, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pump *pump_open(void) {
	struct pump *p = calloc(1, sizeof *p);
	BUG_IF(p == NULL);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wanted, NULL);
	if (pthread_create(&p->thread, NULL, work, p) == 0)
		return p;
	pthread_cond_destroy(&p->wanted);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}

/* Who sleeps is listed or being filled: the latter is woken when its piece is made. */
void pump_stop(struct pump *p) {
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopped = true;
	while (p->first) {
		struct pour *pour = p->first;
		bool wake = pour->asleep;
		unlist(p, pour);
		pour->failed = true;
		pour->asleep = false;
		pthread_mutex_unlock(&p->lock);
		if (wake)
			pour->wake(pour);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
}

void pump_close(struct pump *p) {
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_signal(&p->wanted);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->wanted);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void pump_init(struct pour *pour, size_t piece_limit) {
	buf_init(&pour->ready, piece_limit);
	buf_init(&pour->piece, piece_limit);
}

static int64_t take(struct pour *pour, char *to, size_t max) {
	size_t left = pour->ready.len - pour->taken, count = left < max ? left : max;
	memcpy(to, pour->ready.at + pour->taken, count);
	pour->taken += count;
	return (int64_t)count;
}

int64_t pump_take(struct pump *p, struct pour *pour, char *to, size_t max) {
	int64_t result = 0;
	pthread_mutex_lock(&p->lock);
	if (p->stopped && !pour->filling)
		pour->failed = true;
	turn_over(p, pour);
	if (!is_empty(pour))
		result = take(pour, to, max);
	else if (pour->failed)
		result = PUMP_FAILED;
	else if (pour->ended)
		result = PUMP_END;
	if (result == 0) {
		pour->asleep = true;
		pour->sleep(pour);
	}
	pthread_mutex_unlock(&p->lock);
	return result;
}

void pump_drop(struct pump *p, struct pour *pour) {
	pthread_mutex_lock(&p->lock);
	if (pour->listed)
		unlist(p, pour);
	pour->dropped = true;
	bool gone = !pour->filling;
	pthread_mutex_unlock(&p->lock);
	if (gone)
		pour->gone(pour);
}
