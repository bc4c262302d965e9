/* traffic: what the portal has answered since it started. Any thread. Requests that the library refuses by itself (no HTTP at all) are not in it. */
#ifndef OTP_PORTAL_TRAFFIC_H
#define OTP_PORTAL_TRAFFIC_H

#include "engine/base/meter.h"

enum { TRAFFIC_STATUSES = 600 };
struct traffic {
	atomic_llong statuses[TRAFFIC_STATUSES]; /* by HTTP status */
	struct meter pages, changes;             /* from the request's last byte to the answer's first; changes: the writer had to commit */
	atomic_int connections;                  /* open now */
};

#endif
