/* Tokens as strangers type them: of links and log-ins, of a gateway's reports and texts, and in the address that a bounce comes to. With keys that everybody knows, so that good ones are found too: one
 * that is taken is written in no other way than we write it. The first byte says which; also what the browser calls itself. */
#include "engine/base/err.h"
#include "engine/base/secret.h"
#include "engine/store/reports.h"
#include "engine/store/texts_in.h"
#include "mailer/verp.h"
#include "otp-portal/agent.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char two_keys[] = "1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 2026-01-01\n2 AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 2026-02-01\n";

static const struct keyring *keys_open(void) {
	static struct keyring *keys;
	struct err err;
	char path[] = "/tmp/stafet-fuzz-XXXXXX";
	if (keys)
		return keys;
	int fd = mkstemp(path);
	BUG_IF(!secret_init(&err) || fd < 0 || write(fd, two_keys, sizeof two_keys - 1) < 0);
	close(fd);
	keys = keyring_open(path, &err);
	unlink(path);
	BUG_IF(!keys);
	return keys;
}

/* Bytes and what they are written as belong together: nothing has two spellings. */
static void check_link(const struct keyring *keys, struct arena *a, struct str s) {
	unsigned char id[SECRET_ID], mac[SECRET_MAC], bytes[SECRET_ID];
	char again[SECRET_TOKEN + 1];
	if (secret_base64url_decode(s, bytes, sizeof bytes))
		BUG_IF(!str_equal(secret_base64url(a, bytes, sizeof bytes), s));
	if (!token_split(s, id, mac))
		return;
	for (int64_t key = 1; key <= 2; key++) {
		BUG_IF(!token_make(keys, key, "link", id, again));
		BUG_IF(token_verify(keys, key, "link", id, mac) != str_is(s, again));
	}
	BUG_IF(token_verify(keys, 3, "link", id, mac));
}

static void check_report(const struct keyring *keys, struct arena *a, struct str s) {
	int64_t id;
	char again[SECRET_TOKEN + 1];
	(void)a;
	if (report_token_read(keys, s, &id) && report_token(keys, id, again))
		BUG_IF(s.len != SECRET_TOKEN);
	if (inbound_token_read(keys, s))
		BUG_IF(!inbound_token(keys, again) || s.len != SECRET_TOKEN);
}

static void check_bounce(const struct keyring *keys, struct arena *a, struct str s) {
	int64_t id = 0;
	if (!verp_read(keys, STR("retur@skole.example"), s, &id))
		return;
	/* an older key's is taken too, and has another key id in it */
	struct str ours = verp_address(a, keys, STR("retur@skole.example"), id);
	BUG_IF(s.len != ours.len || id < 0);
	BUG_IF(strncasecmp(s.at, "retur+2.", 8) == 0 && strncasecmp(s.at, ours.at, ours.len) != 0);
}

static void check_agent(const struct keyring *keys, struct arena *a, struct str s) {
	(void)keys, (void)a;
	struct str names[] = {agent_browser(s), agent_system(s)};
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < names[i].len; k++)
			BUG_IF(names[i].at[k] < ' ' || names[i].at[k] > '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static void (*const checks[])(const struct keyring *, struct arena *, struct str) = {check_link, check_report, check_bounce, check_agent};
	if (size == 0)
		return 0;
	struct arena *a = arena_new();
	struct str s = arena_str(a, (struct str){(const char *)data + 1, size - 1});
	checks[data[0] % 4](keys_open(), a, s);
	arena_free(a);
	return 0;
}
