/* arrival_parts: what the halves of the child share: a mail that is being taken apart, its parts as libetpan sees them. Private to arrival_parse.c and
 * arrival_files.c. */
#ifndef MAILER_ARRIVAL_PARTS_H
#define MAILER_ARRIVAL_PARTS_H

#include "mailer/arrival.h"

#include <libetpan/libetpan.h>

struct reading {
	struct arena *a;
	struct arrival *out;
	int parts;
	bool report; /* a part says what became of recipients */
	struct file_parts {
		const struct mailmime **items;
		size_t count, cap;
	} files;                    /* in the order of the mail */
	const struct mailmime *html; /* the first that is no file */
	struct arrival_words shown; /* Content-IDs of pictures that its HTML shows */
};

bool part_is(const struct mailmime *part, int composite, int discrete, const char *subtype); /* 0: not of that kind */
struct str part_body(struct arena *a, const struct mailmime *part); /* without transfer encoding */
struct str part_text(struct arena *a, const struct mailmime *part); /* the same in UTF-8, as far as its charset is known */
struct str text_in_utf8(struct arena *a, struct str bytes, const char *charset); /* the bytes themselves where that cannot be done */
struct str text_of_words(struct arena *a, struct str value);        /* RFC 2047, one line */

/* Takes the part for a file when it has a name or says that it is one; looks which pictures HTML shows. False: it is neither, and may be the text. */
bool files_note(struct reading *r, const struct mailmime *part);
/* Once all parts are seen: out->files. */
void files_take(struct reading *r);

#endif
