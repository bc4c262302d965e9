/* What the sender's domain says of itself in the DNS: may this relay send for it, can a receiver prove who sent, do bounces come back. */
#include "cli/doctor.h"

#include "mailer/sender_records.h"

#include <arpa/inet.h>
#include <string.h>

enum { BITS_LEAST = 1024, BITS_GOOD = 2048, LABELS = 12 };

struct domains {
	struct doctor *d;
	struct str from, bounce;
	bool spf_good, dkim_good;
};

/* A question within the time that is left. */
static enum dns_outcome ask(void *context, struct str name, enum dns_type type, struct arena *a, struct dns_answer *out) {
	struct doctor *d = context;
	struct err err;
	if (doctor_seconds(d, arena_printf(a, "the DNS, %.*s", STR_ARG(name)).at) == 0)
		return DNS_FAILED;
	return dns_ask(d->dns, name, type, a, out, &err);
}

/* --- SPF --- */

/* A relay on this machine or in this network goes out by another address, which is not seen from here. */
static bool is_private(struct str address) {
	unsigned char at[16];
	char z[INET6_ADDRSTRLEN] = "";
	if (address.len >= sizeof z)
		return true;
	memcpy(z, address.at, address.len);
	if (inet_pton(AF_INET, z, at) == 1)
		return at[0] == 10 || at[0] == 127 || (at[0] == 172 && at[1] >= 16 && at[1] < 32) || (at[0] == 192 && at[1] == 168) || (at[0] == 169 && at[1] == 254);
	return inet_pton(AF_INET6, z, at) != 1 || (at[0] & 0xFE) == 0xFC || (at[0] == 0xFE && (at[1] & 0xC0) == 0x80) || z[0] == ':';
}

static void tell_address(struct domains *s, const struct spf_seen *seen, struct str address) {
	static const char todo[] = "ask the relay's operator what to put into the record (an include, most often)";
	struct str domain = s->bounce;
	s->spf_good = seen->result == SPF_PASS;
	if (seen->result == SPF_PASS)
		doctor_tell(s->d, VERDICT_GOOD, "SPF", NULL, "%.*s lets %.*s send (%d lookups)", STR_ARG(domain), STR_ARG(address), seen->lookups);
	else if (seen->result == SPF_UNSURE)
		doctor_tell(s->d, VERDICT_WARNING, "SPF", "send yourself a mail and look for spf=pass in its headers", "cannot tell whether %.*s lets %.*s send: %s", STR_ARG(domain), STR_ARG(address), seen->why);
	else if (seen->result == SPF_FAIL)
		doctor_tell(s->d, VERDICT_FAULT, "SPF", todo, "%.*s forbids %.*s to send; right only if the relay goes out by another address", STR_ARG(domain), STR_ARG(address));
	else
		doctor_tell(s->d, VERDICT_WARNING, "SPF", todo, "%.*s does not name %.*s; right only if the relay goes out by another address", STR_ARG(domain), STR_ARG(address));
}

static void look_at_spf(struct domains *s) {
	const struct dns_port port = {s->d, ask};
	struct str address = str_from(s->d->relay_address);
	struct spf_seen seen;
	bool hidden = address.len == 0 || is_private(address); /* told by --sends-from */
	spf_look(&port, s->bounce, address, s->d->arena, &seen);
	if (seen.result == SPF_NONE)
		doctor_tell(s->d, VERDICT_FAULT, "SPF", "publish one that names the relay, such as \"v=spf1 include:... -all\"; its operator has the words", "%.*s has no record", STR_ARG(s->bounce));
	else if (seen.result == SPF_BROKEN)
		doctor_tell(s->d, VERDICT_FAULT, "SPF", "mend it: receivers treat it as if there were none", "the record of %.*s is broken: %s", STR_ARG(s->bounce), seen.why);
	else if (!hidden)
		tell_address(s, &seen, address);
	else if (seen.result == SPF_UNSURE)
		doctor_tell(s->d, VERDICT_WARNING, "SPF", "send yourself a mail and look for spf=pass in its headers", "cannot tell: %s", seen.why);
	else
		doctor_tell(s->d, VERDICT_GOOD, "SPF", NULL, "%.*s has one record (%d lookups); by which address the relay goes out is not seen from here (--sends-from IP)", STR_ARG(s->bounce), seen.lookups);
}

/* --- DKIM --- */

static bool tell_key(struct doctor *d, struct str name, struct str text) {
	struct dkim_seen key;
	if (!dkim_read(text, &key)) {
		doctor_tell(d, VERDICT_FAULT, "DKIM", "publish the record again as the relay gives it", "%.*s holds no key", STR_ARG(name));
	} else if (key.revoked) {
		doctor_tell(d, VERDICT_FAULT, "DKIM", "take the selector out of mail.dkim_selectors, or publish its key", "the key %.*s is revoked", STR_ARG(name));
	} else if (key.rsa && key.bits < BITS_LEAST) {
		doctor_tell(d, VERDICT_FAULT, "DKIM", "have the relay make one of 2048 bits: nobody trusts such a short one", "the key %.*s has %d bits", STR_ARG(name), key.bits);
	} else if (key.rsa && key.bits < BITS_GOOD) {
		doctor_tell(d, VERDICT_WARNING, "DKIM", "have the relay make one of 2048 bits", "the key %.*s has %d bits", STR_ARG(name), key.bits);
		return true;
	} else if (key.testing) {
		doctor_tell(d, VERDICT_WARNING, "DKIM", "take t=y out of it once mails arrive signed", "the key %.*s says that it is only a test", STR_ARG(name));
		return true;
	} else {
		doctor_tell(d, VERDICT_GOOD, "DKIM", NULL, "%.*s holds a good key", STR_ARG(name));
		return true;
	}
	return false;
}

static void look_at_selector(struct domains *s, struct str selector) {
	struct dns_answer answer;
	struct str name = arena_printf(s->d->arena, "%.*s._domainkey.%.*s", STR_ARG(selector), STR_ARG(s->from));
	enum dns_outcome outcome = ask(s->d, name, DNS_TXT, s->d->arena, &answer);
	if (outcome == DNS_FAILED)
		doctor_tell(s->d, VERDICT_WARNING, "DKIM", "look again later", "%.*s could not be looked up", STR_ARG(name));
	else if (outcome == DNS_NONE)
		doctor_tell(s->d, VERDICT_FAULT, "DKIM", "publish the record that the relay gives for this selector", "%.*s is not there: what it signs cannot be checked", STR_ARG(name));
	else if (answer.count > 1)
		doctor_tell(s->d, VERDICT_FAULT, "DKIM", "leave the one that the relay gives", "%.*s has more than one record", STR_ARG(name));
	else if (tell_key(s->d, name, answer.items[0]))
		s->dkim_good = true;
}

static void look_at_dkim(struct domains *s) {
	const struct mail_config *m = &s->d->config->mail;
	if (m->dkim_selector_count == 0)
		doctor_tell(s->d, VERDICT_WARNING, "DKIM", "the relay signs, and its operator knows the selector: set mail.dkim_selectors to it, such as [s1]", "is not looked at: mail.dkim_selectors is not set");
	for (size_t i = 0; i < m->dkim_selector_count; i++)
		look_at_selector(s, m->dkim_selectors[i]);
}

/* --- DMARC --- */

/* The record of the domain, or of the nearest above it that has one. */
static bool find_dmarc(struct domains *s, struct str *at, struct dmarc_seen *out, enum dns_outcome *outcome) {
	struct dns_answer answer;
	struct str domain = s->from;
	for (int i = 0; i < LABELS && memchr(domain.at, '.', domain.len); i++) {
		*outcome = ask(s->d, arena_printf(s->d->arena, "_dmarc.%.*s", STR_ARG(domain)), DNS_TXT, s->d->arena, &answer);
		if (*outcome == DNS_FAILED)
			return false;
		for (size_t k = 0; k < answer.count; k++)
			if (dmarc_read(answer.items[k], i > 0, out)) {
				*at = domain;
				return true;
			}
		str_cut(&domain, '.');
	}
	return false;
}

static void tell_policy(struct domains *s, struct str at, const struct dmarc_seen *seen) {
	static const char *const words[] = {"none", "quarantine", "reject"};
	bool hard = seen->policy != DMARC_NONE, spf = s->spf_good && (seen->strict_spf ? str_equal(s->from, s->bounce) : doctor_same_owner(s->from, s->bounce));
	if (hard && !s->dkim_good && !spf)
		doctor_tell(s->d, VERDICT_FAULT, "DMARC", "have the relay sign with a key of your domain (DKIM), and set mail.dkim_selectors",
		            "%.*s asks receivers to %s what is not proved, and neither DKIM nor SPF is seen to prove your mail", STR_ARG(at), seen->policy == DMARC_REJECT ? "refuse" : "set aside");
	else if (hard && !s->dkim_good)
		doctor_tell(s->d, VERDICT_WARNING, "DMARC", "let the relay sign too (DKIM): SPF alone is lost when a mail is passed on", "%.*s has policy %s, which only SPF meets", STR_ARG(at), words[seen->policy]);
	else
		doctor_tell(s->d, VERDICT_GOOD, "DMARC", NULL, "%.*s has policy %s%s", STR_ARG(at), words[seen->policy], seen->reports ? "" : "; without rua nobody tells you what was refused");
}

static void look_at_dmarc(struct domains *s) {
	struct dmarc_seen seen;
	struct str at = s->from;
	enum dns_outcome outcome = DNS_NONE;
	if (find_dmarc(s, &at, &seen, &outcome))
		tell_policy(s, at, &seen);
	else if (outcome == DNS_FAILED)
		doctor_tell(s->d, VERDICT_WARNING, "DMARC", "look again later", "the record of %.*s could not be looked up", STR_ARG(s->from));
	else
		doctor_tell(s->d, VERDICT_WARNING, "DMARC", arena_printf(s->d->arena, "publish \"v=DMARC1; p=none; rua=mailto:...\" at _dmarc.%.*s: large receivers ask for it", STR_ARG(s->from)).at,
		            "%.*s has no record", STR_ARG(s->from));
}

/* --- where bounces go, and who the relay is --- */

static void look_at_mx(struct domains *s, struct str domain, const char *what) {
	struct dns_answer answer;
	enum dns_outcome outcome = ask(s->d, domain, DNS_MX, s->d->arena, &answer);
	bool null = outcome == DNS_FOUND && answer.count == 1 && (answer.items[0].len == 0 || str_is(answer.items[0], "."));
	if (outcome == DNS_NONE)
		outcome = ask(s->d, domain, DNS_A, s->d->arena, &answer);
	if (outcome == DNS_FAILED)
		doctor_tell(s->d, VERDICT_WARNING, what, "look again later", "%.*s could not be looked up", STR_ARG(domain));
	else if (outcome == DNS_NONE || null)
		doctor_tell(s->d, VERDICT_FAULT, what, "publish an MX record, or use an address in a domain that has one", "%.*s takes no mail: what cannot be delivered comes back to nobody", STR_ARG(domain));
	else
		doctor_tell(s->d, VERDICT_GOOD, what, NULL, "%.*s takes mail", STR_ARG(domain));
}

static void look_at_ptr(struct domains *s) {
	struct dns_answer answer;
	struct str address = str_from(s->d->relay_address);
	if (address.len == 0 || is_private(address))
		return;
	enum dns_outcome outcome = ask(s->d, dns_reverse_name(s->d->arena, address), DNS_PTR, s->d->arena, &answer);
	if (outcome == DNS_NONE)
		doctor_tell(s->d, VERDICT_WARNING, "PTR", "have the relay's operator give its address a name: receivers refuse mail from addresses without one", "the relay's address %.*s has no name", STR_ARG(address));
	else if (outcome == DNS_FOUND)
		doctor_tell(s->d, VERDICT_GOOD, "PTR", NULL, "the relay's address %.*s is %.*s", STR_ARG(address), STR_ARG(answer.items[0]));
}

void doctor_domains(struct doctor *d) {
	const struct mail_config *m = &d->config->mail;
	struct domains s = {.d = d, .from = doctor_domain(m->from_address), .bounce = doctor_domain(m->bounce_address.len > 0 ? m->bounce_address : m->from_address)};
	struct dns_answer answer;
	struct err err;
	if (m->relay.len == 0 || str_ends(s.from, STR(".invalid")) || str_ends(s.from, STR(".example")))
		return;
	if (dns_ask(d->dns, s.from, DNS_MX, d->arena, &answer, &err) == DNS_FAILED) {
		doctor_tell(d, VERDICT_WARNING, "DNS", "mend the machine's resolver, or name another: --resolver 9.9.9.9:53", "%.*s was not looked at: %s", STR_ARG(s.from), err.text);
		return;
	}
	look_at_spf(&s);
	look_at_dkim(&s);
	look_at_dmarc(&s);
	look_at_mx(&s, s.bounce, "MX, bounces");
	if (!str_equal(s.from, s.bounce))
		look_at_mx(&s, s.from, "MX, sender");
	look_at_ptr(&s);
}
