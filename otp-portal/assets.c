#include "otp-portal/assets.h"

#include "otp-portal/page.h"

/* Built in by the assembler: see the Makefile for the dependency on the file. */
__asm__(".section .rodata\n"
        ".globl asset_style_begin\n"
        ".globl asset_style_end\n"
        "asset_style_begin:\n"
        ".incbin \"otp-portal/assets/style.css\"\n"
        "asset_style_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char asset_style_begin[], asset_style_end[];

static struct str style(void) {
	return (struct str){asset_style_begin, (size_t)(asset_style_end - asset_style_begin)};
}

struct str asset_style_path(struct arena *a) {
	unsigned char hash[SECRET_HASH];
	struct str text = style();
	secret_hash(hash, &text, 1);
	struct str name = secret_hex(a, hash, 8);
	return arena_printf(a, "/assets/%.*s/style.css", STR_ARG(name));
}

void asset_page(struct request *r, struct response *out) {
	if (!str_equal(r->path, r->world->style)) {
		page_not_found(r, out);
		return;
	}
	out->type = "text/css; charset=utf-8";
	out->cacheable = true;
	out->fixed = style();
}
