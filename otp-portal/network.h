/* network: who is at the other end. Pure. */
#ifndef OTP_PORTAL_NETWORK_H
#define OTP_PORTAL_NETWORK_H

#include "engine/base/arena.h"

/* The visitor's address: the peer's, or, when the peer is a trusted proxy, the last address of X-Forwarded-For that is not one itself. */
struct str network_client(struct str peer, struct str forwarded_for, const struct str *trusted, size_t trusted_count, struct arena *a);
/* What limits are counted by: an IPv4 address, or the /64 of an IPv6 one. Anything else is itself. */
struct str network_of(struct str address, struct arena *a);
/* "127.0.0.1:8080", "[::1]:8080", "localhost:8080" -> host without brackets, port; false when it is none. */
bool network_split(struct str listen, struct arena *a, struct str *host, int *port);
bool network_is_loopback(struct str host);

#endif
