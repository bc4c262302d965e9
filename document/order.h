/* order: what is to be drawn, as bytes from the parent to its child. Both are the same program, so no version and no byte order. */
#ifndef DOCUMENT_ORDER_H
#define DOCUMENT_ORDER_H

#include "document/document.h"

void order_write(struct buf *out, struct str markdown, const struct document_layout *layout);
/* Borrowed from bytes. False: they are no order. */
bool order_read(struct str bytes, struct str *markdown, struct document_layout *layout);

#endif
