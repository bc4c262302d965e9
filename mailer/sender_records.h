/* sender_records: what a domain says in the DNS of who may send mail in its name: SPF (RFC 7208), DKIM keys (RFC 6376, 8463), DMARC (RFC 7489). Only read, to be told to an
 * operator: nothing here decides over a mail. The records are hostile text. Any thread. */
#ifndef MAILER_SENDER_RECORDS_H
#define MAILER_SENDER_RECORDS_H

#include "engine/base/dns.h"

/* Who answers questions: the resolver, or a test. */
struct dns_port {
	void *context;
	enum dns_outcome (*ask)(void *context, struct str name, enum dns_type type, struct arena *a, struct dns_answer *out);
};

enum { SPF_LOOKUPS = 10 }; /* that a record may cause, RFC 7208 section 4.6.4 */

enum spf_result {
	SPF_PASS,
	SPF_SOFTFAIL,
	SPF_FAIL,
	SPF_NEUTRAL, /* the record says nothing of this address */
	SPF_NONE,    /* there is no record */
	SPF_BROKEN,  /* two records, a word that none may have, too many lookups: receivers count it as none */
	SPF_UNSURE   /* it depends on a macro, or on a question that was not answered */
};
struct spf_seen {
	enum spf_result result;
	int lookups;
	char why[160]; /* of BROKEN and UNSURE */
};
/* May that address (in digits; empty: the record alone is looked at) send for the domain? */
void spf_look(const struct dns_port *port, struct str domain, struct str address, struct arena *a, struct spf_seen *out);

struct dmarc_seen {
	enum { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT } policy;
	bool strict_spf, strict_dkim, reports;
};
/* False: the text is no DMARC record. below: the record stands at a domain above the sender's, so its `sp` counts. */
bool dmarc_read(struct str text, bool below, struct dmarc_seen *out);

struct dkim_seen {
	bool rsa, revoked, testing;
	int bits; /* of an RSA key; 0: it cannot be read */
};
/* False: the text is no key record, or of a kind that nobody knows. */
bool dkim_read(struct str text, struct dkim_seen *out);

#endif
