#include "engine/base/clock.h"

#include "engine/base/err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum mode { REAL, STANDING, RUNNING };

static atomic_int clock_mode = REAL;
static atomic_int_fast64_t simulated; /* STANDING: the time; RUNNING: what is added to the monotonic clock */

static int64_t read_ms(clockid_t id) {
	struct timespec t;
	BUG_IF(clock_gettime(id, &t) != 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_monotonic(void) {
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_processor(void) {
	return read_ms(CLOCK_THREAD_CPUTIME_ID);
}

int64_t clock_now(void) {
	switch (atomic_load(&clock_mode)) {
	case STANDING:
		return atomic_load(&simulated);
	case RUNNING:
		return atomic_load(&simulated) + clock_monotonic();
	default:
		return read_ms(CLOCK_REALTIME);
	}
}

static pthread_once_t begun = PTHREAD_ONCE_INIT;
static int64_t began_at; /* on the wall, when the monotonic clock was 0 */

static void begin(void) {
	began_at = read_ms(CLOCK_REALTIME) - clock_monotonic();
}

int64_t clock_steady(void) {
	if (clock_is_simulated())
		return clock_now();
	pthread_once(&begun, begin);
	return began_at + clock_monotonic();
}

void clock_simulate(int64_t at, int running) {
	atomic_store(&simulated, running ? at - clock_monotonic() : at);
	atomic_store(&clock_mode, running ? RUNNING : STANDING);
}

void clock_advance(int64_t ms) {
	BUG_IF(!clock_is_simulated());
	atomic_fetch_add(&simulated, ms);
}

int clock_is_simulated(void) {
	return atomic_load(&clock_mode) != REAL;
}
