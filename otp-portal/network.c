#include "otp-portal/network.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_trusted(struct str address, const struct str *trusted, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (str_equal(address, trusted[i]))
			return true;
	return false;
}

static bool is_address(struct str s, struct arena *a) {
	struct in6_addr six;
	struct in_addr four;
	if (s.len > INET6_ADDRSTRLEN)
		return false;
	char *z = arena_z(a, s);
	return inet_pton(AF_INET, z, &four) == 1 || inet_pton(AF_INET6, z, &six) == 1;
}

/* Cuts the last part off a comma-separated list. */
static struct str cut_last(struct str *list) {
	size_t at = list->len;
	while (at > 0 && list->at[at - 1] != ',')
		at--;
	struct str last = {list->at + at, list->len - at};
	list->len = at > 0 ? at - 1 : 0;
	return str_trim(last);
}

struct str network_client(struct str peer, struct str forwarded_for, const struct str *trusted, size_t trusted_count, struct arena *a) {
	struct str client = peer;
	/* From the right: what stands left of an untrusted address is that one's own invention. */
	while (is_trusted(client, trusted, trusted_count) && forwarded_for.len > 0) {
		struct str before = cut_last(&forwarded_for);
		if (!is_address(before, a))
			break;
		client = before;
	}
	return client;
}

struct str network_of(struct str address, struct arena *a) {
	struct in6_addr six;
	char *z = arena_z(a, address);
	if (inet_pton(AF_INET6, z, &six) != 1)
		return address;
	if (IN6_IS_ADDR_V4MAPPED(&six)) {
		const unsigned char *b = six.s6_addr + 12;
		return arena_printf(a, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
	}
	char text[INET6_ADDRSTRLEN];
	memset(six.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &six, text, sizeof text);
	return arena_printf(a, "%s/64", text);
}

bool network_split(struct str listen, struct arena *a, struct str *host, int *port) {
	size_t colon = listen.len;
	while (colon > 0 && listen.at[colon - 1] != ':')
		colon--;
	if (colon == 0)
		return false;
	int64_t number;
	*host = (struct str){listen.at, colon - 1};
	if (!str_to_int((struct str){listen.at + colon, listen.len - colon}, &number) || number < 0 || number > 65535)
		return false;
	*port = (int)number;
	if (host->len > 2 && host->at[0] == '[' && host->at[host->len - 1] == ']')
		*host = (struct str){host->at + 1, host->len - 2};
	if (str_is(*host, "localhost"))
		*host = STR("127.0.0.1");
	return is_address(*host, a);
}

bool network_is_loopback(struct str host) {
	return str_starts(host, STR("127.")) || str_is(host, "::1") || str_is(host, "localhost");
}
