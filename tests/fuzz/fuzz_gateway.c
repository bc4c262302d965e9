#include "mailer/gateway.h"
#include "mailer/sms_template.h"

#include <string.h>

/* libfyaml 0.7.12 loses a buffer when a long quoted scalar with many '' has no end. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void) {
	return "leak:libfyaml.so";
}

static void fill(struct str template, enum sms_place place) {
	const struct sms_fields f = {.to = STR("+4520123456"), .digits = STR("4520123456"), .text = STR("R\xC3\xB8" "d \"&\n\\"), .reference = STR("7"), .report_url = STR("https://x.dk/report/a"),
	                             .from = STR("A"), .user = STR("u&"), .token = STR("t\"%"), .coding = STR("0"), .minutes = STR("1"), .seconds = STR("60")};
	struct buf out;
	struct err err = {0};
	buf_init(&out, 1 << 16);
	if (!sms_template_fill(&out, template, place, &f, &err))
		BUG_IF(err.kind != ERR_PERMANENT && err.kind != ERR_INPUT);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct arena *a = arena_new();
	struct err err = {0};
	struct gateway *g = gateway_parse(a, "g", (struct str){(const char *)data, size}, &err);
	if (!g) {
		BUG_IF(err.kind != ERR_INPUT || strncmp(err.text, "g:", 2) != 0);
		arena_free(a);
		return 0;
	}
	BUG_IF(g->query.len == 0 && g->body.len == 0 && g->url.len == 0);
	fill(g->url, SMS_PLACE_URL);
	fill(g->query, SMS_PLACE_URL);
	fill(g->body, SMS_PLACE_FORM);
	fill(g->body, SMS_PLACE_JSON);
	for (size_t i = 0; i < g->headers.count; i++)
		fill(g->headers.items[i], SMS_PLACE_HEADER);
	struct report_text report = {STR("status=1&a=2"), STR("application/json"), STR("{\"status\": \"x\", \"b\": [1]}")};
	struct str status, reason;
	bool dead;
	enum delivery d = gateway_report(g, &report, a, &dead, &status, &reason);
	BUG_IF(g->report.status.len == 0 && d != DELIVERY_NONE);
	arena_free(a);
	return 0;
}
