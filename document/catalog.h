/* catalog: what cairo does not write into a PDF's root object: the text's language, and that readers show the title. */
#ifndef DOCUMENT_CATALOG_H
#define DOCUMENT_CATALOG_H

#include "engine/base/err.h"

/* Appends an incremental update (ISO 32000-1, 7.5.6). language: letters and hyphens. PERMANENT: the bytes are not as expected. */
bool catalog_complete(struct buf *pdf, struct str language, struct err *err);

#endif
