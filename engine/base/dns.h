/* dns: the few questions that are asked about a sender's domain, over glibc's resolver; the only file that includes it. Every answer is hostile: it is read within
 * limits, what is no text is dropped, aliases are followed eight times at most. One thread a handle. */
#ifndef ENGINE_BASE_DNS_H
#define ENGINE_BASE_DNS_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct dns;

enum dns_type { DNS_A, DNS_AAAA, DNS_MX, DNS_TXT, DNS_PTR };
enum { DNS_RECORDS = 64, DNS_TEXT = 4096, DNS_SECONDS = 4 };

/* Records as text: an address in digits, a host name, the joined strings of a TXT record (bytes that are not printable ASCII as ?). An MX "." has an empty host. */
struct dns_answer {
	struct str *items;
	size_t count;
};
enum dns_outcome {
	DNS_FOUND,
	DNS_NONE,  /* there is no such name, or it has no such record */
	DNS_FAILED /* no answer, or one that cannot be used: nothing is known */
};

/* server: "192.0.2.1:53" or "[::1]:53"; empty: the machine's own. NULL: it is none (INPUT). Caller closes. */
struct dns *dns_open(struct str server, struct err *err);
void dns_close(struct dns *d);
/* At most DNS_SECONDS and a little. After the resolver has been silent once, every further question fails at once. In arena. err is set with FAILED. */
enum dns_outcome dns_ask(struct dns *d, struct str name, enum dns_type type, struct arena *a, struct dns_answer *out, struct err *err);
/* "4.3.2.1.in-addr.arpa" for an address in digits; empty: it is none. In arena. */
struct str dns_reverse_name(struct arena *a, struct str address);

/* One answer's bytes, for tests and fuzzers. alias: where the name leads when no record of the type is there; else empty. */
bool dns_read(const unsigned char *bytes, size_t len, enum dns_type type, struct arena *a, struct dns_answer *out, struct str *alias, struct err *err);

#endif
