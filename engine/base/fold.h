/* fold: text for searching: lower case, without accents, ae/oe/aa for the Danish letters, so that "Århus" and "aarhus" find each other. */
#ifndef ENGINE_BASE_FOLD_H
#define ENGINE_BASE_FOLD_H

#include "engine/base/str.h"

void fold_text(struct buf *out, struct str s);

#endif
