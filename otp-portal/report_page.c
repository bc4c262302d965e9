#include "otp-portal/report_page.h"

#include "engine/base/log.h"
#include "engine/store/reports.h"
#include "engine/store/texts_in.h"
#include "otp-portal/page.h"

enum { TYPE_MAX = 100 };

static bool keep(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct report *report = c->context;
	(void)engine;
	report->at = now;
	return report_put(tx, report, err);
}

static void say_kept(struct response *out) {
	out->type = "text/plain; charset=utf-8";
	buf_z(&out->body, "ok\n");
}

/* More than one message may have are answered as if they were kept: a gateway that is refused would only try again. */
static void kept(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	const struct report *report = c->context;
	if (!ok && err->kind == ERR_NOT_FOUND) {
		page_not_found(r, out);
		return;
	}
	if (!ok && err->kind != ERR_CONFLICT) {
		page_failure(r, out, err);
		return;
	}
	if (!ok)
		log_event(LOG_WARN, "report-dropped", "id=%lld text=\"it has too many\"", (long long)report->outbox_id);
	say_kept(out);
}

/* By the address and the size of what came; else it is answered. *type: as it was declared, cut. */
static bool takes(struct request *r, bool ours, size_t most, struct str *type, struct response *out) {
	if (!ours)
		page_not_found(r, out);
	else if (r->query_text.len + r->body_text.len > most)
		page_error(r, out, 413, "error.too-large");
	*type = request_header(r, "Content-Type");
	type->len = type->len < TYPE_MAX ? type->len : TYPE_MAX;
	return ours && r->query_text.len + r->body_text.len <= most;
}

void report_page(struct request *r, struct response *out) {
	struct report report = {.query = r->query_text, .body = r->body_text};
	bool ours = report_token_read(site_keys(r->world->options.site), r->rest, &report.outbox_id);
	if (!takes(r, ours, REPORT_BYTES, &report.type, out))
		return;
	struct change *c = response_change(out, sizeof report, keep, kept);
	*(struct report *)c->context = report;
}

static bool keep_text(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct text_in *text = c->context;
	(void)engine;
	text->at = now;
	return text_in_put(tx, text, err);
}

/* Too many are refused, so that the gateway keeps them and tries again. */
static void kept_text(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	(void)c;
	if (ok)
		say_kept(out);
	else
		page_failure(r, out, err);
}

void inbound_page(struct request *r, struct response *out) {
	struct text_in text = {.query = r->query_text, .body = r->body_text};
	bool ours = inbound_token_read(site_keys(r->world->options.site), r->rest);
	if (!takes(r, ours, TEXT_IN_BYTES, &text.type, out))
		return;
	struct change *c = response_change(out, sizeof text, keep_text, kept_text);
	*(struct text_in *)c->context = text;
}
