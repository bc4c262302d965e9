#include "mailer/sender_records.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DEEPEST = 10, TERMS = 200, MX_HOSTS = 10 };

struct address {
	unsigned char at[16];
	int bits; /* 32 or 128; 0: none */
};

struct walk {
	const struct dns_port *port;
	struct arena *arena;
	struct address address;
	struct spf_seen *out;
	bool unsure;
};

/* One term: "-include:_spf.firma.dk" is fail, include, _spf.firma.dk. */
struct term {
	enum spf_result qualifier;
	struct str name, domain;
	int four, six; /* lengths of the prefixes */
	bool modifier;
};

static bool is(struct str s, const char *word) {
	return s.len == strlen(word) && strncasecmp(s.at, word, s.len) == 0;
}

static enum spf_result broken(struct walk *w, const char *why, struct str what) {
	snprintf(w->out->why, sizeof w->out->why, "%s%s%.*s", why, what.len > 0 ? ": " : "", (int)(what.len < 80 ? what.len : 80), what.at);
	return SPF_BROKEN;
}

static void unsure(struct walk *w, const char *why, struct str what) {
	w->unsure = true;
	if (w->out->why[0] == '\0')
		(void)broken(w, why, what);
}

static bool read_address(struct str text, struct address *out) {
	char z[INET6_ADDRSTRLEN];
	*out = (struct address){0};
	if (text.len == 0 || text.len >= sizeof z)
		return false;
	memcpy(z, text.at, text.len);
	z[text.len] = '\0';
	out->bits = inet_pton(AF_INET, z, out->at) == 1 ? 32 : inet_pton(AF_INET6, z, out->at) == 1 ? 128 : 0;
	return out->bits > 0;
}

static bool within(const struct address *a, const struct address *net, int prefix) {
	if (a->bits == 0 || a->bits != net->bits)
		return false;
	for (int i = 0; i < prefix; i++) {
		int bit = 0x80 >> (i & 7);
		if ((a->at[i / 8] & bit) != (net->at[i / 8] & bit))
			return false;
	}
	return true;
}

/* Cuts "/24", "//64" or "/24//64" off the end. */
static bool cut_prefixes(struct str *text, int *four, int *six) {
	const char *slash = text->len > 0 ? memchr(text->at, '/', text->len) : NULL;
	int64_t number;
	*four = 32;
	*six = 128;
	if (!slash)
		return true;
	struct str rest = {slash, text->len - (size_t)(slash - text->at)}, part;
	text->len = (size_t)(slash - text->at);
	const char *twice = memmem(rest.at, rest.len, "//", 2);
	part = twice ? (struct str){rest.at, (size_t)(twice - rest.at)} : rest;
	if (twice) {
		if (!str_to_int((struct str){twice + 2, rest.len - (size_t)(twice + 2 - rest.at)}, &number) || number < 0 || number > 128)
			return false;
		*six = (int)number;
	}
	if (part.len > 0) {
		if (!str_to_int((struct str){part.at + 1, part.len - 1}, &number) || number < 0 || number > 128)
			return false;
		*four = number <= 32 ? (int)number : 32;
		if (!twice)
			*six = (int)number; /* ip6:2001:db8::/32 */
	}
	return true;
}

static bool read_term(struct str text, struct term *out) {
	static const char signs[] = "+-~?";
	static const enum spf_result results[] = {SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_NEUTRAL};
	*out = (struct term){.qualifier = SPF_PASS};
	const char *sign = text.at[0] ? strchr(signs, text.at[0]) : NULL;
	if (sign) {
		out->qualifier = results[sign - signs];
		text = (struct str){text.at + 1, text.len - 1};
	}
	size_t end = 0;
	while (end < text.len && text.at[end] != ':' && text.at[end] != '=' && text.at[end] != '/')
		end++;
	out->name = (struct str){text.at, end};
	out->modifier = end < text.len && text.at[end] == '=';
	size_t skipped = end < text.len && text.at[end] != '/' ? end + 1 : end;
	out->domain = (struct str){text.at + skipped, text.len - skipped};
	return out->name.len > 0 && (out->modifier || cut_prefixes(&out->domain, &out->four, &out->six));
}

/* --- questions --- */

/* False: there were too many. */
static bool count_lookup(struct walk *w) {
	return ++w->out->lookups <= SPF_LOOKUPS;
}

static enum dns_outcome ask(struct walk *w, struct str name, enum dns_type type, struct dns_answer *out) {
	*out = (struct dns_answer){0};
	enum dns_outcome outcome = w->port->ask(w->port->context, name, type, w->arena, out);
	if (outcome == DNS_FAILED)
		unsure(w, "no answer for", name);
	return outcome;
}

static bool host_has(struct walk *w, struct str host, const struct term *t) {
	struct dns_answer answer;
	struct address one;
	bool six = w->address.bits == 128;
	if (w->address.bits == 0 || ask(w, host, six ? DNS_AAAA : DNS_A, &answer) != DNS_FOUND)
		return false;
	for (size_t i = 0; i < answer.count; i++)
		if (read_address(answer.items[i], &one) && within(&w->address, &one, six ? t->six : t->four))
			return true;
	return false;
}

static bool mx_has(struct walk *w, struct str domain, const struct term *t) {
	struct dns_answer answer;
	if (w->address.bits == 0 || ask(w, domain, DNS_MX, &answer) != DNS_FOUND)
		return false;
	for (size_t i = 0; i < answer.count && i < MX_HOSTS; i++)
		if (host_has(w, answer.items[i], t))
			return true;
	return false;
}

/* --- records --- */

static bool is_spf(struct str text) {
	struct str word = str_cut(&text, ' ');
	return is(word, "v=spf1");
}

static enum spf_result find_record(struct walk *w, struct str domain, struct str *out) {
	struct dns_answer answer;
	size_t found = 0;
	enum dns_outcome outcome = ask(w, domain, DNS_TXT, &answer);
	for (size_t i = 0; i < answer.count; i++)
		if (is_spf(answer.items[i])) {
			*out = answer.items[i];
			found++;
		}
	if (outcome == DNS_FAILED)
		return SPF_UNSURE;
	return found == 0 ? SPF_NONE : found == 1 ? SPF_PASS : broken(w, "there is more than one record at", domain);
}

static enum spf_result evaluate(struct walk *w, struct str domain, int depth);

/* MATCH is told by PASS, none by NEUTRAL; anything else ends the evaluation. */
static enum spf_result match_include(struct walk *w, const struct term *t, int depth) {
	enum spf_result result = evaluate(w, t->domain, depth + 1);
	if (result == SPF_NONE)
		return broken(w, "includes what has no record", t->domain);
	return result == SPF_PASS || result == SPF_BROKEN || result == SPF_UNSURE ? result : SPF_NEUTRAL;
}

static enum spf_result match_network(struct walk *w, const struct term *t, int bits) {
	struct address net;
	if (!read_address(t->domain, &net) || net.bits != bits)
		return broken(w, "is no address", t->domain);
	return within(&w->address, &net, bits == 32 ? t->four : t->six) ? SPF_PASS : SPF_NEUTRAL;
}

static enum spf_result match_asking(struct walk *w, const struct term *t, struct str domain, int depth) {
	if (!count_lookup(w))
		return broken(w, "needs more than 10 lookups", STR(""));
	if (t->domain.len > 0 && memchr(t->domain.at, '%', t->domain.len)) {
		unsure(w, "a macro decides", t->domain);
		return SPF_NEUTRAL;
	}
	struct str host = t->domain.len > 0 ? t->domain : domain;
	if (is(t->name, "include"))
		return t->domain.len > 0 ? match_include(w, t, depth) : broken(w, "include names no domain", STR(""));
	if (is(t->name, "a"))
		return host_has(w, host, t) ? SPF_PASS : SPF_NEUTRAL;
	if (is(t->name, "mx"))
		return mx_has(w, host, t) ? SPF_PASS : SPF_NEUTRAL;
	unsure(w, "what cannot be looked up from here decides", t->name);
	return SPF_NEUTRAL;
}

static enum spf_result match(struct walk *w, const struct term *t, struct str domain, int depth) {
	static const char *const asking[] = {"include", "a", "mx", "ptr", "exists"};
	if (is(t->name, "all"))
		return SPF_PASS;
	if (is(t->name, "ip4"))
		return match_network(w, t, 32);
	if (is(t->name, "ip6"))
		return match_network(w, t, 128);
	for (size_t i = 0; i < sizeof asking / sizeof *asking; i++)
		if (is(t->name, asking[i]))
			return match_asking(w, t, domain, depth);
	return broken(w, "has a word that nobody knows", t->name);
}

static enum spf_result redirect(struct walk *w, struct str domain, int depth) {
	if (!count_lookup(w))
		return broken(w, "needs more than 10 lookups", STR(""));
	if (memchr(domain.at, '%', domain.len)) {
		unsure(w, "a macro decides", domain);
		return SPF_UNSURE;
	}
	enum spf_result result = evaluate(w, domain, depth + 1);
	return result == SPF_NONE ? broken(w, "redirects to what has no record", domain) : result;
}

static enum spf_result evaluate(struct walk *w, struct str domain, int depth) {
	struct str record = STR(""), next = STR("");
	struct term t;
	enum spf_result result = depth > DEEPEST ? broken(w, "includes itself", domain) : find_record(w, domain, &record);
	if (result != SPF_PASS)
		return result;
	str_cut(&record, ' ');
	for (int i = 0; record.len > 0 && i < TERMS; i++) {
		struct str text = str_trim(str_cut(&record, ' '));
		if (text.len == 0)
			continue;
		if (!read_term(text, &t))
			return broken(w, "has a word that cannot be read", text);
		if (t.modifier && is(t.name, "redirect"))
			next = t.domain;
		if (t.modifier)
			continue;
		result = match(w, &t, domain, depth);
		if (result != SPF_NEUTRAL)
			return result == SPF_PASS ? t.qualifier : result;
	}
	return next.len > 0 ? redirect(w, next, depth) : SPF_NEUTRAL;
}

void spf_look(const struct dns_port *port, struct str domain, struct str address, struct arena *a, struct spf_seen *out) {
	struct walk w = {.port = port, .arena = a, .out = out};
	*out = (struct spf_seen){0};
	(void)read_address(address, &w.address);
	out->result = evaluate(&w, domain, 0);
	bool known = out->result == SPF_PASS || out->result == SPF_NONE || out->result == SPF_BROKEN;
	if (w.unsure && !known)
		out->result = SPF_UNSURE;
}
