/* papers: the documents of a case on its pages, to be fetched there: `?file=.<series>.<version>.<addendum>` (see file_answer.h: what the page links to is sent,
 * nothing else). Who sees one: a contact with a role that the document is for. */
#ifndef OTP_PORTAL_PAPERS_H
#define OTP_PORTAL_PAPERS_H

#include "otp-portal/prose.h"

bool papers_sees(const struct participation_list *people, int64_t contact_id, const struct document *d);
/* "Udgave 2", "Tillæg 1 til udgave 2". In arena. */
struct str papers_version(const struct language *language, struct arena *a, const struct document *d);
/* A section with a heading; nothing when there are none for this reader. */
bool papers_write(const struct prose *p, struct view *v, int64_t contact_id, struct response *out, struct err *err);

#endif
