/* imap_stream: bytes to and from a mail server for libetpan, over a connection that libcurl made: so TLS, certificate and name are verified, which libetpan 1.9.4
 * does not do. One thread. */
#ifndef MAILER_IMAP_STREAM_H
#define MAILER_IMAP_STREAM_H

#include <stdatomic.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

struct _mailstream;

/* url: imaps://host:port or imap://host:port. ca_file: PEM; NULL: the system's. NULL on error. Freed by mailstream_close(). stop: reads and writes end soon after it is set. */
struct _mailstream *imap_stream_open(struct str url, const char *ca_file, const atomic_bool *stop, struct err *err);

#endif
