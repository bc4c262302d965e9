/* mime_file: a file as a part of a mail (RFC 2183, RFC 2231, RFC 2045 section 6.8). Pure. */
#ifndef MAILER_MIME_FILE_H
#define MAILER_MIME_FILE_H

#include "mailer/compose.h"

/* Header, blank line and base64, CRLF line ends. */
void mime_file_write(struct buf *out, const struct attached *file);
size_t mime_file_size(const struct attached *file); /* of that, at most */
/* The file's name from a part's header; empty: it has none. In arena. */
struct str mime_file_name(struct str header, struct arena *a);

#endif
