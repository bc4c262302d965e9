/* file_answer: sending files back. A page links to the files that it shows, below its own path (`?file=<field>.<n>`), and exactly those are sent: the same
 * page is made again, and if it has that link the file comes instead of it. So who may see a file is decided in one place, by the page. */
#ifndef OTP_PORTAL_FILE_ANSWER_H
#define OTP_PORTAL_FILE_ANSWER_H

#include "otp-portal/prose.h"

struct upload;

/* Name and size, as a link when the page has a path of its own (p->here). index: from 0. */
void file_answer_link(const struct prose *p, const struct field *field, size_t index, const struct upload *upload, struct buf *out);
/* Name and manners of a file that is sent. */
void file_answer_head(struct request *r, struct str name, struct response *out);
/* After the page was made: nothing, unless ?file= was asked for. */
void file_answer(struct request *r, struct response *out);

#endif
