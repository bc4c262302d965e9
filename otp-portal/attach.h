/* attach: the files that came with a page of a form are judged and become part of its draft, before anything else of the page is looked at: so they
 * stay whatever else is wrong. */
#ifndef OTP_PORTAL_ATTACH_H
#define OTP_PORTAL_ATTACH_H

#include "otp-portal/filling.h"

/* Whether the form asks for a file at all. */
bool attach_asks(const struct form *form);
/* Looks at the files of this page; what cannot be taken is told in r->file_problems. True: out waits for the writer, and `again` then answers the request
 * with everything in the draft. False: nothing is to be kept, go on. link NULL: the first page of a start form, which gets its link here. */
bool attach_files(const struct filling *f, const struct link *link, struct str task, size_t page, void (*again)(struct request *r, struct response *out),
                  struct response *out);
/* Appends what is wrong with files of this page; a file that was not taken is told once, and is not said to be missing too. Whether there is any problem now. */
bool attach_problems(const struct filling *f, size_t page, struct form_problems *problems);
/* Removes the files of a draft that its answers do not name any more. In the transaction that saves it. */
bool attach_sweep(struct tx *tx, const struct form *form, const unsigned char link_id[SECRET_ID], struct str task, const struct answers *answers, struct arena *a,
                  struct err *err);

#endif
