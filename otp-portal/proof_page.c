#include "otp-portal/proof.h"

#include "engine/base/address.h"
#include "engine/base/escape.h"
#include "otp-portal/one_field.h"
#include "otp-portal/page.h"

static void begin_form(const struct filling *f, const struct proof *p, const char *step, struct response *out) {
	struct request *r = f->prose.r;
	buf_z(&out->body, "<form method=\"post\" action=\"");
	escape_html(&out->body, f->path);
	buf_z(&out->body, "\" novalidate>\n");
	page_hidden(out, "step", str_from(step));
	page_hidden(out, "version", arena_printf(r->arena, "%lld", (long long)p->version));
	page_hidden_language(r, out);
}

static void end_form(struct request *r, const char *key, const char *class, struct response *out) {
	buf_printf(&out->body, "<p class=\"buttons\"><button%s>", class);
	page_word(r, out, key);
	buf_z(&out->body, "</button></p>\n</form>\n");
}

void proof_page(const struct filling *f, const struct proof *p, const char *problem, struct response *out) {
	struct request *r = f->prose.r;
	struct one_field field = {"code.label", "code.hint", problem, "code", CODE_INPUT, problem ? p->typed : STR("")};
	struct page page = {.title = language_word(r->language, "code.title"), .error = problem != NULL};
	size_t back = f->form->check ? f->form->pages.count : 0;
	if (r->method != METHOD_POST)
		page.here = page_with(r, f->path, arena_printf(r->arena, "step=code&version=%lld", (long long)p->version));
	out->status = problem ? 422 : 200;
	page_begin(r, out, &page);
	one_field_summary(r, &field, out);
	buf_z(&out->body, "<h1>");
	page_word(r, out, "code.title");
	buf_z(&out->body, "</h1>\n<p>");
	page_text(r, out, p->channel == CHANNEL_SMS ? "code.sent-sms" : "code.sent-mail", address_mask(r->arena, p->to), STR(""));
	buf_z(&out->body, "</p>\n");
	begin_form(f, p, "code", out);
	one_field_write(r, &field, out);
	end_form(r, "code.submit", "", out);
	begin_form(f, p, "code-again", out);
	end_form(r, "code.again", " class=\"quiet\"", out);
	page_way(r, out, filling_step(f, f->path, back), "code.back");
	page_end(r, out);
}
