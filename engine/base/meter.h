/* meter: how often something took how long, since the process started. For whoever watches a site. Any thread. */
#ifndef ENGINE_BASE_METER_H
#define ENGINE_BASE_METER_H

#include <stdatomic.h>
#include <stdint.h>

enum { METER_BUCKETS = 13 };
extern const int64_t meter_bounds_us[METER_BUCKETS]; /* upper ends, the last bucket has none */

struct meter {
	atomic_llong counts[METER_BUCKETS + 1];
	atomic_llong sum_us;
};

int64_t meter_begin(void); /* now, for meter_add */
void meter_add(struct meter *m, int64_t begun);

#endif
