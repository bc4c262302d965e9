#include "document/order.h"

#include <string.h>

enum { PARTS = 9 };

static void list_parts(struct document_layout *l, struct str *markdown, struct str *parts[PARTS]) {
	struct str *all[PARTS] = {markdown, &l->language, &l->title, &l->site, &l->reference, &l->date, &l->pages, &l->colour, &l->logo};
	memcpy(parts, all, sizeof all);
}

void order_write(struct buf *out, struct str markdown, const struct document_layout *layout) {
	struct document_layout copy = *layout;
	struct str *parts[PARTS];
	list_parts(&copy, &markdown, parts);
	buf_add(out, &layout->instant, sizeof layout->instant);
	for (size_t i = 0; i < PARTS; i++) {
		buf_add(out, &parts[i]->len, sizeof parts[i]->len);
		buf_str(out, *parts[i]);
	}
}

static bool take(struct str *bytes, void *out, size_t len) {
	if (bytes->len < len)
		return false;
	memcpy(out, bytes->at, len);
	*bytes = (struct str){bytes->at + len, bytes->len - len};
	return true;
}

bool order_read(struct str bytes, struct str *markdown, struct document_layout *layout) {
	struct str *parts[PARTS];
	list_parts(layout, markdown, parts);
	if (!take(&bytes, &layout->instant, sizeof layout->instant))
		return false;
	for (size_t i = 0; i < PARTS; i++) {
		size_t len;
		if (!take(&bytes, &len, sizeof len) || len > bytes.len)
			return false;
		*parts[i] = (struct str){bytes.at, len};
		bytes = (struct str){bytes.at + len, bytes.len - len};
	}
	return bytes.len == 0;
}
