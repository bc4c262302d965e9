/* Everything that otp-portal parses from strangers: body, query, cookies, target, framing, addresses, the door. The first byte says which. */
#include "otp-portal/door.h"
#include "otp-portal/network.h"
#include "otp-portal/request.h"

static const struct portal_world world = {.host = {"stafet.example.dk", 17}, .port = 8080, .loopback = true};

static void check_pairs(const struct pairs *pairs) {
	BUG_IF(pairs->count > REQUEST_FIELDS);
	for (size_t i = 0; i < pairs->count; i++) {
		BUG_IF(!str_utf8_valid(pairs->items[i].name) || !str_utf8_valid(pairs->items[i].value));
		for (size_t k = 0; k < pairs->items[i].value.len; k++)
			BUG_IF(pairs->items[i].value.at[k] == '\0');
	}
}

static void check_fields(struct arena *a, struct str s) {
	struct pairs out = {0};
	struct err err = {0};
	if (request_parse_fields(s, a, &out, &err))
		check_pairs(&out);
	else
		BUG_IF(err.kind != ERR_INPUT);
}

static void check_cookies(struct arena *a, struct str s) {
	struct pairs out = {0};
	request_parse_cookies(s, a, &out);
	BUG_IF(out.count > REQUEST_FIELDS);
}

static void check_target(struct arena *a, struct str s) {
	struct request r = {.arena = a, .world = &world};
	struct err err = {0};
	if (!request_parse_target(s, &r, &err))
		return;
	BUG_IF(r.path.len == 0 || r.path.at[0] != '/');
	check_pairs(&r.query);
}

/* Header lines "Name: value". What passes has one length at most, and one Host. */
static void check_framing(struct arena *a, struct str s) {
	struct request r = {.arena = a, .world = &world, .method = METHOD_POST};
	struct err err = {0};
	int64_t length;
	while (s.len > 0) {
		struct str value = str_cut(&s, '\n');
		struct pair *pair = ARENA_PUSH(a, &r.headers);
		pair->name = str_cut(&value, ':');
		pair->value = str_trim(value);
	}
	if (request_judge_framing(&r, &length, &err))
		BUG_IF(length < -1 || (length >= 0 && request_header(&r, "transfer-encoding").len > 0));
	request_host_known(&r);
	request_same_site(&r);
	request_is_form(&r);
}

static void check_addresses(struct arena *a, struct str s) {
	static const struct str trusted[] = {{"10.0.0.1", 8}};
	struct str host, client = network_client(STR("10.0.0.1"), s, trusted, 1, a);
	int port;
	BUG_IF(client.len == 0 || network_of(client, a).len == 0);
	if (network_split(s, a, &host, &port))
		BUG_IF(port < 0 || port > 65535);
}

static void check_door(struct arena *a, struct str s) {
	size_t length;
	bool expects;
	int argc;
	char **argv;
	if (door_parse_head(s, &length, &expects))
		BUG_IF(length > DOOR_BODY);
	if (door_parse_body(s, a, &argc, &argv))
		BUG_IF(argc < 1 || argv[argc] != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static void (*const checks[])(struct arena *, struct str) = {check_fields, check_cookies, check_target, check_framing, check_addresses, check_door};
	if (size == 0)
		return 0;
	struct arena *a = arena_new();
	checks[data[0] % 6](a, (struct str){(const char *)data + 1, size - 1});
	arena_free(a);
	return 0;
}
