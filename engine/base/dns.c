#include "engine/base/dns.h"

#include "engine/base/clock.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 65535, NAME_MAX_BYTES = 253, ALIASES = 8, TRIES = 2 };

struct dns {
	struct __res_state state;
	struct sockaddr_in6 six; /* of a server of IPv6 */
	bool silent;
};

/* --- the server --- */

static bool split_server(struct str server, char host[INET6_ADDRSTRLEN], int64_t *port) {
	size_t colon = server.len;
	while (colon > 0 && server.at[colon - 1] != ':')
		colon--;
	struct str text = {server.at, colon > 0 ? colon - 1 : 0};
	if (text.len > 2 && text.at[0] == '[' && text.at[text.len - 1] == ']')
		text = (struct str){text.at + 1, text.len - 2};
	if (text.len == 0 || text.len >= INET6_ADDRSTRLEN || !str_to_int((struct str){server.at + colon, server.len - colon}, port) || *port < 1 || *port > 65535)
		return false;
	memcpy(host, text.at, text.len);
	host[text.len] = '\0';
	return true;
}

static bool use_server(struct dns *d, struct str server, struct err *err) {
	char host[INET6_ADDRSTRLEN];
	int64_t port;
	struct sockaddr_in four = {.sin_family = AF_INET};
	if (!split_server(server, host, &port))
		return err_set(err, ERR_INPUT, "error.input", "expected an IP address and a port, such as 127.0.0.1:53");
	d->state.nscount = 1;
	four.sin_port = d->six.sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &four.sin_addr) == 1) {
		d->state.nsaddr_list[0] = four;
		return true;
	}
	d->six.sin6_family = AF_INET6;
	d->state.nsaddr_list[0].sin_family = 0;
	d->state._u._ext.nsaddrs[0] = malloc(sizeof d->six); /* res_nclose frees it */
	BUG_IF(d->state._u._ext.nsaddrs[0] == NULL);
	bool six = inet_pton(AF_INET6, host, &d->six.sin6_addr) == 1;
	*d->state._u._ext.nsaddrs[0] = d->six;
	return six || err_set(err, ERR_INPUT, "error.input", "expected an IP address and a port, such as 127.0.0.1:53");
}

struct dns *dns_open(struct str server, struct err *err) {
	struct dns *d = calloc(1, sizeof *d);
	BUG_IF(d == NULL);
	if (res_ninit(&d->state) != 0) {
		err_set(err, ERR_TRANSIENT, "error.busy", "the machine's resolver cannot be set up");
		free(d);
		return NULL;
	}
	d->state.retrans = DNS_SECONDS / TRIES;
	d->state.retry = TRIES;
	if (server.len == 0 || use_server(d, server, err))
		return d;
	dns_close(d);
	return NULL;
}

void dns_close(struct dns *d) {
	if (!d)
		return;
	res_nclose(&d->state);
	free(d);
}

/* --- reading --- */

static struct str plain_text(struct arena *a, const unsigned char *bytes, size_t len) {
	char *text = arena_alloc(a, len + 1);
	for (size_t i = 0; i < len; i++)
		text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '?';
	text[len] = '\0';
	return (struct str){text, len};
}

/* A name in the message, at `at`; false: it is broken. */
static bool read_name(ns_msg *message, const unsigned char *at, struct arena *a, struct str *out) {
	char name[NS_MAXDNAME];
	if (dn_expand(ns_msg_base(*message), ns_msg_end(*message), at, name, sizeof name) < 0)
		return false;
	*out = plain_text(a, (const unsigned char *)name, strlen(name));
	return true;
}

static bool read_txt(const unsigned char *at, size_t len, struct arena *a, struct str *out) {
	unsigned char text[DNS_TEXT];
	size_t used = 0;
	for (size_t i = 0; i < len;) {
		size_t part = at[i++];
		if (part > len - i || used + part > sizeof text)
			return false;
		memcpy(text + used, at + i, part);
		used += part;
		i += part;
	}
	*out = plain_text(a, text, used);
	return true;
}

static bool read_record(ns_msg *message, const ns_rr *rr, enum dns_type type, struct arena *a, struct str *out) {
	char text[INET6_ADDRSTRLEN];
	const unsigned char *at = ns_rr_rdata(*rr);
	size_t len = ns_rr_rdlen(*rr);
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		if (len != (type == DNS_A ? 4 : 16) || !inet_ntop(type == DNS_A ? AF_INET : AF_INET6, at, text, sizeof text))
			return false;
		*out = arena_str(a, str_from(text));
		return true;
	case DNS_MX:
		return len > 2 && read_name(message, at + 2, a, out);
	case DNS_PTR:
		return len > 0 && read_name(message, at, a, out);
	case DNS_TXT:
		return read_txt(at, len, a, out);
	}
	return false;
}

static ns_type wire_type(enum dns_type type) {
	static const ns_type types[] = {[DNS_A] = ns_t_a, [DNS_AAAA] = ns_t_aaaa, [DNS_MX] = ns_t_mx, [DNS_TXT] = ns_t_txt, [DNS_PTR] = ns_t_ptr};
	return types[type];
}

bool dns_read(const unsigned char *bytes, size_t len, enum dns_type type, struct arena *a, struct dns_answer *out, struct str *alias, struct err *err) {
	ns_msg message;
	ns_rr rr;
	struct str one;
	*out = (struct dns_answer){.items = ARENA_ARRAY(a, DNS_RECORDS, struct str)};
	*alias = STR("");
	if (len > MESSAGE_MAX || ns_initparse(bytes, (int)len, &message) != 0)
		return err_set(err, ERR_INPUT, "error.input", "the resolver's answer cannot be read");
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		if (ns_parserr(&message, ns_s_an, i, &rr) != 0)
			return err_set(err, ERR_INPUT, "error.input", "the resolver's answer is broken");
		if (ns_rr_class(rr) != ns_c_in)
			continue;
		if (ns_rr_type(rr) == ns_t_cname && read_name(&message, ns_rr_rdata(rr), a, &one))
			*alias = one;
		if (ns_rr_type(rr) != wire_type(type))
			continue;
		if (out->count == DNS_RECORDS)
			return err_set(err, ERR_INPUT, "error.input", "the resolver's answer has more than %d records", DNS_RECORDS);
		if (!read_record(&message, &rr, type, a, &out->items[out->count]))
			return err_set(err, ERR_INPUT, "error.input", "a record in the resolver's answer is broken or too long");
		out->count++;
	}
	return true;
}

/* --- asking --- */

static enum dns_outcome failed(struct str name, const char *why, struct err *err) {
	err_set(err, ERR_TRANSIENT, "error.busy", "%.*s: %s", (int)(name.len < NAME_MAX_BYTES ? name.len : NAME_MAX_BYTES), name.at, why);
	return DNS_FAILED;
}

static enum dns_outcome ask_once(struct dns *d, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out, struct str *alias, struct err *err) {
	unsigned char *bytes = arena_alloc(a, MESSAGE_MAX);
	*out = (struct dns_answer){0};
	*alias = STR("");
	int64_t begun = clock_monotonic();
	int len = res_nquery(&d->state, name, ns_c_in, wire_type(type), bytes, MESSAGE_MAX);
	if (len < 0 && (d->state.res_h_errno == HOST_NOT_FOUND || d->state.res_h_errno == NO_DATA))
		return DNS_NONE;
	if (len < 0) {
		/* glibc gives one code for silence and for a refusal, which comes at once. */
		d->silent = clock_monotonic() - begun > DNS_SECONDS * 700;
		return failed(str_from(name), d->silent ? "the resolver does not answer" : "the resolver gave no answer that can be used", err);
	}
	if (!dns_read(bytes, (size_t)(len < MESSAGE_MAX ? len : MESSAGE_MAX), type, a, out, alias, err))
		return DNS_FAILED;
	return out->count > 0 || alias->len > 0 ? DNS_FOUND : DNS_NONE;
}

enum dns_outcome dns_ask(struct dns *d, struct str name, enum dns_type type, struct arena *a, struct dns_answer *out, struct err *err) {
	struct str alias;
	*out = (struct dns_answer){0};
	if (name.len == 0 || name.len > NAME_MAX_BYTES)
		return DNS_NONE;
	for (int i = 0; i < ALIASES; i++) {
		if (d->silent)
			return failed(name, "the resolver does not answer", err);
		enum dns_outcome outcome = ask_once(d, arena_z(a, name), type, a, out, &alias, err);
		if (outcome != DNS_FOUND || out->count > 0)
			return outcome;
		name = alias;
	}
	return failed(name, "the name leads from alias to alias", err);
}

/* --- reverse names --- */

static struct str reverse_six(struct arena *a, const unsigned char at[16]) {
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(a, 64);
	for (size_t i = 0; i < 16; i++) {
		text[4 * i] = digits[at[15 - i] & 15];
		text[4 * i + 1] = '.';
		text[4 * i + 2] = digits[at[15 - i] >> 4];
		text[4 * i + 3] = '.';
	}
	return arena_printf(a, "%.64sip6.arpa", text);
}

struct str dns_reverse_name(struct arena *a, struct str address) {
	unsigned char at[16];
	const char *z = arena_z(a, address);
	if (inet_pton(AF_INET, z, at) == 1)
		return arena_printf(a, "%d.%d.%d.%d.in-addr.arpa", at[3], at[2], at[1], at[0]);
	return inet_pton(AF_INET6, z, at) == 1 ? reverse_six(a, at) : STR("");
}
