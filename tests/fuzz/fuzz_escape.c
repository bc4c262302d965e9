#include "engine/base/address.h"
#include "engine/base/escape.h"

#include <string.h>

static void check_decode(struct arena *a, struct str s) {
	struct str once, twice;
	struct buf again;
	if (!escape_url_decode(a, s, &once))
		return;
	buf_init(&again, 3 * once.len + 1);
	escape_url(&again, once);
	BUG_IF(!escape_url_decode(a, buf_text(&again), &twice) || !str_equal(once, twice));
	buf_free(&again);
}

/* A normal address is its own normal form, and passes the gate of the mailer. */
static void check_address(struct arena *a, struct str s) {
	struct err err = {0};
	struct str once, twice;
	if (address_email(a, s, &once, &err)) {
		BUG_IF(!address_email(a, once, &twice, &err) || !str_equal(once, twice));
		BUG_IF(!escape_gate(once, 254, "address", &err) || address_mask(a, once).len < 5);
	}
	if (address_phone(a, s, 45, &once, &err)) {
		BUG_IF(!address_phone(a, once, 0, &twice, &err) || !str_equal(once, twice));
		BUG_IF(once.len < 9 || once.len > 16 || address_mask(a, once).len < 5);
	}
}

static void check_header(struct str s) {
	struct buf out;
	buf_init(&out, 40 * s.len + 100);
	escape_rfc2047(&out, s, s.len % 90);
	BUG_IF(out.overflow);
	for (size_t i = 0; i < out.len; i++)
		BUG_IF(out.at[i] == '\r' ? strncmp(out.at + i, "\r\n ", 3) != 0 : (unsigned char)out.at[i] >= 0x7F);
	buf_free(&out);
}

static void check_text(void (*escape)(struct buf *, struct str), struct str s) {
	struct buf out;
	buf_init(&out, 8 * s.len + 10);
	escape(&out, s);
	BUG_IF(out.overflow || !str_utf8_valid(buf_text(&out)));
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str s = {(const char *)data, size};
	struct arena *a = arena_new();
	check_decode(a, s);
	check_address(a, s);
	check_header(s);
	check_text(escape_html, s);
	check_text(escape_markdown, s);
	check_text(escape_json, s);
	check_text(escape_csv, s);
	check_text(escape_sms, s);
	arena_free(a);
	return 0;
}
