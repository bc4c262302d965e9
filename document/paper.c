#include "document/paper_parts.h"

#include "engine/base/civil.h"

static void draw_pages(struct paper *p, size_t pages) {
	for (size_t i = 1; i < p->count; i++)
		if (p->pieces[i].set == p->pieces[i - 1].set && p->strips[i].page != p->strips[i - 1].page)
			p->pieces[i].set->divided = true;
	cairo_tag_begin(p->cr, "Document", "");
	for (size_t page = 0, i = 0; page < pages; page++) {
		if (page == 0 && paper_has_head(p))
			paper_head(p);
		paper_foot(p, page, pages);
		while (i < p->count && p->strips[i].page == page)
			i += paper_strip(p, i);
		/* A text that goes on stays open, but not the part of it that stands on this page. */
		if (i < p->count)
			paper_go(p, p->pieces[i].set == p->pieces[i - 1].set && p->pieces[i].block->kind == BLOCK_TEXT ? p->pieces[i].block->words->element : paper_around(p->pieces[i].block));
		else
			paper_go(p, NULL), cairo_tag_end(p->cr, "Document");
		cairo_show_page(p->cr);
	}
}

static void describe(struct paper *p, cairo_surface_t *surface) {
	const struct document_layout *l = p->layout;
	struct str made = civil_format_instant(p->arena, l->instant);
	/* Without the part of a second. */
	struct str when = arena_printf(p->arena, "%.*sZ", made.len > 19 ? 19 : (int)made.len, made.at);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, paper_clean(p, l->title).at);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_AUTHOR, paper_clean(p, l->site).at);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, when.at);
}

static cairo_status_t write_bytes(void *context, const unsigned char *bytes, unsigned length) {
	struct buf *pdf = context;
	buf_add(pdf, bytes, length);
	return pdf->overflow ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static bool draw(struct paper *p, const struct block *blocks, struct err *err) {
	struct page_frame frame = {paper_has_head(p) ? HEAD + LOGO_HEIGHT + 40 : TOP, TOP, BOTTOM};
	paper_set(p, blocks);
	size_t pages = paging_place(p->strips, p->count, &frame);
	if (pages > PAPER_PAGES)
		return err_set(err, ERR_INPUT, "error.input", "the document would have %zu pages; %d are allowed", pages, PAPER_PAGES);
	draw_pages(p, pages);
	return true;
}

bool paper_draw(struct arena *a, const struct block *blocks, const struct document_layout *layout, struct buf *pdf, struct err *err) {
	cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(write_bytes, pdf, PAGE_WIDTH, PAGE_HEIGHT);
	struct paper p = {.arena = a, .layout = layout, .cr = cairo_create(surface)};
	/* Newer versions hide the objects that catalog.c completes in compressed streams; not in this one. */
	cairo_pdf_surface_restrict_to_version(surface, CAIRO_PDF_VERSION_1_4);
	describe(&p, surface);
	paper_open_fonts(&p);
	bool ok = draw(&p, blocks, err);
	cairo_status_t status = cairo_status(p.cr);
	cairo_destroy(p.cr);
	cairo_surface_finish(surface);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	if (ok && status != CAIRO_STATUS_SUCCESS)
		return err_set(err, ERR_PERMANENT, "error.internal", "the document cannot be drawn: %s", pdf->overflow ? "it is too large" : cairo_status_to_string(status));
	return ok;
}
