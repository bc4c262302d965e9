/* letter: the two bodies of a mail round one Markdown text: plain text, and HTML that is readable without images, in a narrow window, in the dark,
 * and where style sheets are thrown away. Any thread. */
#ifndef MAILER_LETTER_H
#define MAILER_LETTER_H

#include "engine/base/language.h"

struct letter_frame {
	const struct language *language;
	struct str site, contact;       /* contact: with whom to ask for help; may be empty */
	struct str subject, reference;  /* reference: empty: none */
	struct str front;               /* where the site is, as people write it; empty: not said */
	struct str colour;              /* the site's, as in config.h */
};
/* PERMANENT when a body becomes too long. Both in arena. */
bool letter_write(const struct letter_frame *frame, struct str markdown, struct arena *a, struct str *text, struct str *html, struct err *err);

#endif
