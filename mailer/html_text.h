/* html_text: the words of a mail that has no text but HTML, as many programs on telephones and in offices send it. By libxml2, inside the child that takes mails
 * apart: the bytes are anybody's. */
#ifndef MAILER_HTML_TEXT_H
#define MAILER_HTML_TEXT_H

#include "engine/base/arena.h"

/* Lines as a reader sees them, in arena: paragraphs and rows on their own, a quotation behind "> ", nothing of scripts, styles and what is hidden. charset: as
 * the part says, NULL: what the HTML itself says. Empty: it has no words. */
struct str html_text(struct arena *a, struct str html, const char *charset);

#endif
