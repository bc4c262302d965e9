/* markdown: CommonMark (md4c; raw HTML and autolinks off) to HTML and to plain text. Any thread. */
#ifndef ENGINE_WORKFLOW_MARKDOWN_H
#define ENGINE_WORKFLOW_MARKDOWN_H

#include "engine/base/str.h"

/* A fragment: p, h2..h4 (a # becomes h2), ul, ol, li, strong, em, a, br, table, blockquote, hr. Link targets only http, https, mailto, tel
 * or a path beginning with /. A link alone in its paragraph gets class="button" when `buttons`. */
void markdown_html(struct str markdown, bool buttons, struct buf *out);
/* For the text part of a mail: paragraphs wrapped at 72 columns, lists with "- ", a link as "text:\nhttps://..." (just the URL when both are equal). */
void markdown_text(struct str markdown, struct buf *out);

#endif
