#include "mailer/gateway.h"
#include "mailer/text_in.h"

static const char described[] = "query: a\nreport: {status: status, delivered: ['1', DELIVERED], failed: ['2'], no_number: [GONE], expired: [EXPIRED], on_way: ['8'], reason: [error, a.0.b]}\n"
                               "inbound: {from: from, text: text, id: id, charset: charset}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Query, Content-Type and body of a report or a text, with newlines between them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct arena *a = arena_new();
	struct err err = {0};
	struct gateway *g = gateway_parse(a, "g", STR(described), &err);
	BUG_IF(!g);
	struct report_text report = {.body = {(const char *)data, size}};
	report.query = str_cut(&report.body, '\n');
	report.type = str_cut(&report.body, '\n');
	struct str status, reason;
	bool dead;
	enum delivery d = gateway_report(g, &report, a, &dead, &status, &reason);
	BUG_IF((unsigned)d >= DELIVERIES || !str_utf8_valid(status) || !str_utf8_valid(reason));
	for (size_t i = 0; i < reason.len; i++)
		BUG_IF((unsigned char)reason.at[i] < 0x20 || reason.at[i] == 0x7F);
	BUG_IF(dead && d != DELIVERY_FAILED);
	/* understood by its word and by nothing else */
	BUG_IF(d == DELIVERY_DELIVERED && !str_is(status, "1") && !str_is(status, "DELIVERED"));
	struct inbound text;
	struct str names, number;
	if (gateway_inbound(g, &report, a, &text, &names)) {
		BUG_IF(text.from.len == 0 || text.text.len == 0 || !str_utf8_valid(text.from) || !str_utf8_valid(text.text) || !str_utf8_valid(text.id));
		for (size_t i = 0; i < text.text.len; i++)
			BUG_IF(((unsigned char)text.text.at[i] < 0x20 && text.text.at[i] != '\n') || text.text.at[i] == 0x7F);
		if (text_sender(a, text.from, 45, &number))
			BUG_IF(number.len < 9 || number.len > 16 || number.at[0] != '+');
		BUG_IF(text_word(text.text) != TEXT_OTHER && text.text.len < 4);
	}
	BUG_IF(!str_utf8_valid(names));
	arena_free(a);
	return 0;
}
