/* doctor: what `stafet doctor` looks at, a file each subject: what is on this machine (doctor_here.c), the relay and who sends (doctor_mail.c), what the sender's domain says of
 * itself (doctor_domain.c), the web: the site from outside and the SMS gateway (doctor_web.c). Nothing is sent and nothing is changed. One thread. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/command.h"

enum verdict { VERDICT_GOOD, VERDICT_WARNING, VERDICT_FAULT };

struct doctor {
	struct arena *arena;
	struct buf *out;
	struct site_config *config;
	struct dns *dns;      /* NULL: the resolver is told only once not to answer */
	const char *ca_file;  /* for web addresses; NULL: the system's */
	bool deep;
	int64_t until;        /* monotonic: nothing is begun after it */
	size_t counts[VERDICT_FAULT + 1];
	char relay_address[64]; /* in digits, once it was reached; or sends_from */
	const char *sends_from; /* by which address the relay goes out; NULL: by the one that it is reached by */
};

/* One finding. todo: what to do about it, a sentence without a point; NULL with what is good. */
__attribute__((format(printf, 5, 6))) void doctor_tell(struct doctor *d, enum verdict verdict, const char *what, const char *todo, const char *format, ...);
/* Says on a terminal what is looked at now. */
void doctor_progress(const struct doctor *d, const char *what);
/* Seconds that a step of the network may take, at least 1; 0: the time is up, and that was told. */
int doctor_seconds(struct doctor *d, const char *what);
/* The days until then, and what is told of them. */
void doctor_certificate(struct doctor *d, const char *what, int64_t until);
/* What stands behind the @. */
struct str doctor_domain(struct str address);
/* Whether both stand below one name that an organisation can own: mail.firma.dk and firma.dk. As far as can be said without a list of all such names. */
bool doctor_same_owner(struct str a, struct str b);
/* Host of an address such as https://[::1]:8080/x, without brackets. */
struct str doctor_host(struct str url);
bool doctor_is_loopback(struct str host);

void doctor_here(struct doctor *d);
void doctor_mail(struct doctor *d);
void doctor_domains(struct doctor *d);
void doctor_web(struct doctor *d);

#endif
