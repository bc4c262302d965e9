/* scrape: the listener of this machine that answers GET /metrics with what a callback writes (Prometheus' text format), and nothing else. */
#ifndef OTP_PORTAL_SCRAPE_H
#define OTP_PORTAL_SCRAPE_H

#include "engine/base/err.h"

struct scrape;

/* at: 127.0.0.1:9101 or [::1]:9101; port 0: a free one. NULL: cannot listen, or not on this machine alone. Caller closes. */
struct scrape *scrape_open(const char *at, void (*write)(void *context, struct buf *out), void *context, struct err *err);
void scrape_close(struct scrape *s); /* NULL is harmless */
int scrape_port(const struct scrape *s);

#endif
