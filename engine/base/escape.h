/* escape: all escaping there is, and the one gate for header-bound values. Writers append to a
 * capped buf. Any thread. */
#ifndef ENGINE_BASE_ESCAPE_H
#define ENGINE_BASE_ESCAPE_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

void escape_html(struct buf *out, struct str s);      /* text and double-quoted attributes: & < > " ' */
void escape_markdown(struct buf *out, struct str s);  /* ASCII punctuation backslash-escaped, newline = hard break; controls dropped */
void escape_markdown_cell(struct buf *out, struct str s); /* the same within a table's row, which a newline would end: &#10; */
void escape_url(struct buf *out, struct str s);       /* one component, RFC 3986 unreserved kept */
void escape_json(struct buf *out, struct str s);      /* with quotes */
struct str escape_csv_taken(struct str cell);         /* a cell that was read, without the ' that escape_csv put before a formula */
void escape_csv(struct buf *out, struct str s);       /* one cell, RFC 4180, formula guard (' before = + - @ TAB CR, also behind blanks and quotes); numbers with a sign stay as they are */
/* A file's name as a quoted string of a header can carry it anywhere: ASCII, Danish letters as two, what else is there as _. */
void escape_file_name(struct buf *out, struct str s);
/* A whole URI for a PDF: a byte that none may have, a quote, a bracket ( ) and a backslash as %XX. */
void escape_uri(struct buf *out, struct str s);
/* Text for paper: line separators become \n, TAB a blank; controls, marks of reading direction and what has no shape dropped, as are piles of accents. */
void escape_print(struct buf *out, struct str s);
/* Text for an SMS: typographic quotes, dashes, ellipsis and no-break space made plain; controls but \n dropped. */
void escape_sms(struct buf *out, struct str s);
/* %XX and + decoding of a form body or query component, whatever the bytes are; false on a bad escape. */
bool escape_url_bytes(struct arena *a, struct str s, struct str *out);
/* %XX and + decoding of a form body or query component; false on a bad escape, NUL or broken UTF-8. */
bool escape_url_decode(struct arena *a, struct str s, struct str *out);

/* The gate: no C0 control, DEL, NUL, bidi override or broken UTF-8, at most max bytes. Every
 * address, display name, subject, header and reference passes here before it is stored and again
 * before it is sent (libcurl before 8.22 hands CR LF in an address on to the relay: a second command). */
bool escape_gate(struct str s, size_t max, const char *what, struct err *err);

/* RFC 2047 Q-encoded value where needed (pure ASCII passes), words of <= 75 characters that never
 * split a UTF-8 sequence, folded with CRLF SPACE; `used` = columns already taken by the field name. */
void escape_rfc2047(struct buf *out, struct str s, size_t used);

#endif
