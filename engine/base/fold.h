/* fold: text for searching: lower case, without accents, ae/oe/aa for the Danish letters, so that "Århus" and "aarhus" find each other. */
#ifndef ENGINE_BASE_FOLD_H
#define ENGINE_BASE_FOLD_H

#include "engine/base/str.h"

void fold_text(struct buf *out, struct str s);
/* A date as it is found however people write it: "05-03-2026 5-3-2026". */
void fold_date(struct buf *out, int64_t day);
/* What somebody typed to search for: as fold_text, but words that are dates, or a day and month ("5/3", "5.3.", "5-3-26"), are written as
 * fold_date writes them. */
void fold_query(struct buf *out, struct str typed);

#endif
