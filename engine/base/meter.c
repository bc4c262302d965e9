#include "engine/base/meter.h"

#include "engine/base/err.h"

#include <time.h>

const int64_t meter_bounds_us[METER_BUCKETS] = {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};

int64_t meter_begin(void) {
	struct timespec t;
	BUG_IF(clock_gettime(CLOCK_MONOTONIC, &t) != 0);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void meter_add(struct meter *m, int64_t begun) {
	int64_t us = meter_begin() - begun;
	int bucket = 0;
	while (bucket < METER_BUCKETS && us > meter_bounds_us[bucket])
		bucket++;
	atomic_fetch_add_explicit(&m->counts[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->sum_us, us, memory_order_relaxed);
}
