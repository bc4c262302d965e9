#include "otp-portal/help_page.h"

#include "engine/workflow/markdown.h"
#include "otp-portal/page.h"

void help_page(struct request *r, struct response *out) {
	const struct site_config *config = site_config(r->world->options.site);
	struct str text = local_text_in(&config->help, language_code(r->language));
	if (text.len == 0) {
		page_not_found(r, out);
		return;
	}
	struct page page = {.title = language_word(r->language, "help.title"), .here = STR("/help")};
	page_begin(r, out, &page);
	buf_z(&out->body, "<h1>");
	page_word(r, out, "help.title");
	buf_z(&out->body, "</h1>\n<div class=\"prose\">\n");
	markdown_html(text, false, &out->body);
	buf_z(&out->body, "</div>\n");
	page_end(r, out);
}
