#include "mailer/dialog.h"

#include <string.h>

/* A relay that says anything: the first byte chooses how much at a time, and whether commands come together. */
struct relay {
	const uint8_t *says;
	size_t left, piece;
};

static bool hear(void *context, struct str bytes) {
	(void)context, (void)bytes;
	return true;
}

static size_t speak(void *context, char *out, size_t cap) {
	struct relay *r = context;
	size_t len = r->left < r->piece ? r->left : r->piece;
	len = len < cap ? len : cap;
	memcpy(out, r->says, len);
	r->says += len;
	r->left -= len;
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing but a whole answer of 2xx to the final dot is "sent"; and what is none of that says so. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0)
		return 0;
	struct relay r = {data + 1, size - 1, 1 + data[0] / 2};
	struct dialog d;
	const struct envelope e = {STR("a@skole.example"), STR("ida@example.dk")};
	dialog_open(&d, &(struct dialog_wire){hear, speak, &r}, data[0] % 2);
	for (int i = 0; i < 5; i++) {
		bool broken = d.broken, sent;
		if (i % 2)
			dialog_offer(&d, &e);
		sent = dialog_send(&d, &e, STR("Hej\r\n.\r\n"), i < 3 ? &e : NULL);
		BUG_IF(sent && (broken || !d.dotted || d.code < 200 || d.code > 299 || d.line[0] != '2'));
		BUG_IF(!sent && !d.broken && d.code < 400);
		BUG_IF(!sent && d.code >= 200 && d.code < 400 && !d.broken);
	}
	dialog_quit(&d);
	return 0;
}
