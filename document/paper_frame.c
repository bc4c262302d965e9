#include "document/paper_parts.h"

#include "engine/base/escape.h"

#include <string.h>

struct str paper_clean(struct paper *p, struct str text) {
	struct buf printed;
	buf_init(&printed, DOCUMENT_TEXT);
	escape_print(&printed, text);
	struct str kept = arena_str(p->arena, buf_text(&printed));
	buf_free(&printed);
	return kept;
}

/* One line, its baseline at y; width: where it is cut short, 0: nowhere. Its own width. */
static double draw_label(struct paper *p, enum letter letter, const char *colour, struct str text, double x, double y, double width, bool right) {
	struct str printed = paper_clean(p, text);
	PangoLayout *layout = paper_layout(p, letter);
	int own;
	pango_layout_set_text(layout, printed.at, (int)printed.len);
	paper_attributes(layout, &(struct words){0}, 0, 0);
	pango_layout_set_single_paragraph_mode(layout, TRUE);
	if (width > 0) {
		pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
		pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
	}
	pango_layout_get_size(layout, &own, NULL);
	paper_pick(p, colour);
	cairo_move_to(p->cr, right ? x - paper_units(own) : x, y);
	pango_cairo_show_layout_line(p->cr, pango_layout_get_line_readonly(layout, 0));
	g_object_unref(layout);
	return paper_units(own);
}

static cairo_status_t read_logo(void *context, unsigned char *out, unsigned length) {
	struct str *rest = context;
	if (length > rest->len)
		return CAIRO_STATUS_READ_ERROR;
	memcpy(out, rest->at, length);
	*rest = (struct str){rest->at + length, rest->len - length};
	return CAIRO_STATUS_SUCCESS;
}

/* Its width; 0: it is none that can be drawn, and the site's name is enough. */
static double draw_logo(struct paper *p) {
	struct str rest = p->layout->logo;
	if (rest.len == 0)
		return 0;
	cairo_surface_t *picture = cairo_image_surface_create_from_png_stream(read_logo, &rest);
	double width = cairo_image_surface_get_width(picture), height = cairo_image_surface_get_height(picture);
	bool good = cairo_surface_status(picture) == CAIRO_STATUS_SUCCESS && width > 0 && height > 0;
	if (good) {
		double scale = LOGO_HEIGHT / height < LOGO_WIDTH / width ? LOGO_HEIGHT / height : LOGO_WIDTH / width;
		cairo_save(p->cr);
		cairo_translate(p->cr, LEFT, HEAD + (LOGO_HEIGHT - height * scale) / 2);
		cairo_scale(p->cr, scale, scale);
		cairo_set_source_surface(p->cr, picture, 0, 0);
		/* Not cairo_paint: 1.16 then loses count of the tags. */
		cairo_rectangle(p->cr, 0, 0, width, height);
		cairo_fill(p->cr);
		cairo_restore(p->cr);
		width *= scale;
	}
	cairo_surface_destroy(picture);
	return good ? width : 0;
}

/* The baton of the pages' mark. */
static double draw_baton(struct paper *p) {
	cairo_save(p->cr);
	cairo_translate(p->cr, LEFT + 10, HEAD + LOGO_HEIGHT / 2);
	cairo_rotate(p->cr, -24 * G_PI / 180);
	paper_pick(p, paper_colour(p));
	cairo_set_line_width(p->cr, 6.5);
	cairo_set_line_cap(p->cr, CAIRO_LINE_CAP_ROUND);
	cairo_move_to(p->cr, -6.75, 0);
	cairo_line_to(p->cr, 6.75, 0);
	cairo_stroke(p->cr);
	cairo_restore(p->cr);
	return 20;
}

bool paper_has_head(const struct paper *p) {
	return p->layout->site.len > 0 || p->layout->logo.len > 0;
}

void paper_head(struct paper *p) {
	double width = draw_logo(p);
	if (width == 0)
		width = draw_baton(p);
	draw_label(p, LETTER_H4, INK, p->layout->site, LEFT + width + 9, HEAD + LOGO_HEIGHT / 2 + 4, RIGHT - LEFT - width - 9, false);
	paper_bar(p, LEFT, HEAD + LOGO_HEIGHT + 12, RIGHT - LEFT, 0.6, LINE);
}

/* "Side {{0}} af {{1}}" */
static struct str page_of(struct paper *p, size_t page, size_t pages) {
	struct str rest = p->layout->pages;
	struct buf out;
	buf_init(&out, 200);
	while (rest.len > 0) {
		size_t skip = 5;
		if (str_starts(rest, STR("{{0}}")))
			buf_printf(&out, "%zu", page + 1);
		else if (str_starts(rest, STR("{{1}}")))
			buf_printf(&out, "%zu", pages);
		else
			buf_char(&out, rest.at[0]), skip = 1;
		rest = (struct str){rest.at + skip, rest.len - skip};
	}
	struct str text = arena_str(p->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

void paper_foot(struct paper *p, size_t page, size_t pages) {
	const struct document_layout *l = p->layout;
	if (l->reference.len == 0 && l->pages.len == 0)
		return;
	const char *between = l->reference.len > 0 && l->title.len > 0 ? " · " : "";
	struct str left = arena_printf(p->arena, "%.*s%s%.*s", STR_ARG(l->reference), between, STR_ARG(l->title));
	paper_bar(p, LEFT, FOOT - 15, RIGHT - LEFT, 0.6, LINE);
	double width = draw_label(p, LETTER_CAPTION, SOFT, page_of(p, page, pages), RIGHT, FOOT, 0, true);
	draw_label(p, LETTER_CAPTION, SOFT, left, LEFT, FOOT, RIGHT - LEFT - width - 20, false);
}
