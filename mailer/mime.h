/* mime: a composed mail as RFC 5322 bytes (libetpan), CRLF line ends: text/plain and text/html in multipart/alternative, round them and
 * the documents multipart/mixed, Date, Message-ID in the
 * sender's domain, MIME-Version, Q-encoded headers, Auto-Submitted, Content-Language, References. The only file that includes libetpan. */
#ifndef MAILER_MIME_H
#define MAILER_MIME_H

#include "engine/base/config.h"
#include "mailer/compose.h"

/* at: instant of the Date header; local: its wall clock. INPUT: a header did not pass the gate. In arena. */
bool mime_build(const struct mail_config *config, const struct composed *message, int64_t at, int64_t local, struct arena *a,
                struct str *out, struct err *err);
/* For the demo's inbox: what is in a message of ours. */
struct mime_parts {
	struct mime_header {
		struct str name, value; /* value decoded and unfolded */
	} *headers;
	size_t header_count;
	struct str text, html;
	struct attached *attached;
	size_t attached_count;
};
bool mime_parse(struct str raw, struct arena *a, struct mime_parts *out, struct err *err);

#endif
