#include "otp-portal/assets.h"

#include "engine/base/colour.h"
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

enum { STYLE_BYTES = 256 * 1024 };

/* What somebody drew is a picture and nothing else, also for who opens it alone. */
static const char picture_policy[] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

static struct str named(struct arena *a, struct str bytes, const char *name, const char *ending) {
	unsigned char hash[SECRET_HASH];
	secret_hash(hash, &bytes, 1);
	struct str hex = secret_hex(a, hash, 8);
	return arena_printf(a, "/assets/%.*s/%s.%s", STR_ARG(hex), name, ending);
}

static void add_colours(struct buf *out, const struct colour_set *set) {
	buf_printf(out, ":root { --brand: %s; --brand-ink: %s; --brand-text: %s; }", set->fill, set->ink, set->text);
}

static struct asset make_style(struct arena *a, const struct colour_set *light, const struct colour_set *dark) {
	struct buf css;
	buf_init(&css, STYLE_BYTES);
	buf_add(&css, asset_style_begin, (size_t)(asset_style_end - asset_style_begin));
	add_colours(&css, light);
	buf_z(&css, "\n@media screen and (prefers-color-scheme: dark) { ");
	add_colours(&css, dark);
	buf_z(&css, " }\n");
	BUG_IF(css.overflow);
	struct str bytes = arena_str(a, buf_text(&css));
	buf_free(&css);
	return (struct asset){named(a, bytes, "style", "css"), bytes, "text/css; charset=utf-8", NULL};
}

/* The baton of the style sheet's mark. */
static struct asset make_icon(struct arena *a, const struct colour_set *light) {
	struct str svg = arena_printf(a, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect x=\"1\" y=\"11\" width=\"30\" height=\"10\" rx=\"5\" "
	                                 "fill=\"%s\" transform=\"rotate(-24 16 16)\"/></svg>\n", light->text);
	return (struct asset){named(a, svg, "icon", "svg"), svg, "image/svg+xml", picture_policy};
}

const struct assets *assets_make(struct arena *a, const struct site_config *config) {
	struct assets *assets = ARENA_NEW(a, struct assets);
	struct colour_set light, dark;
	colour_light(config->colour, &light);
	colour_dark(config->colour, &dark);
	assets->style = make_style(a, &light, &dark);
	assets->icon = make_icon(a, &light);
	if (config->logo.bytes.len > 0)
		assets->logo = (struct asset){named(a, config->logo.bytes, "logo", config->logo.ending), config->logo.bytes, config->logo.type, picture_policy};
	return assets;
}

void asset_page(struct request *r, struct response *out) {
	const struct assets *assets = r->world->assets;
	const struct asset *all[] = {&assets->style, &assets->icon, &assets->logo};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (!str_equal(r->path, all[i]->path))
			continue;
		out->type = all[i]->type;
		out->policy = all[i]->policy;
		out->cacheable = true;
		out->fixed = all[i]->bytes;
		return;
	}
	page_not_found(r, out);
}
