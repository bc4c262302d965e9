/* The relay, as far as can be seen without a mail, who the mails say they are from, and the mailbox that what comes back goes to. */
#include "cli/doctor.h"
#include "engine/base/clock.h"
#include "mailer/imap.h"
#include "mailer/transport.h"
#include "mailer/verp.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- the relay --- */

static const char *todo_of(const struct doctor *d, enum smtp_trouble trouble) {
	switch (trouble) {
	case SMTP_NO_NAME:
		return "correct mail.relay, or the name's record";
	case SMTP_NO_CONNECTION:
		return "is it the right port (587 for smtp://, 465 for smtps://), and does a firewall let this machine through?";
	case SMTP_SILENT:
		return "a firewall may swallow it; ask its operator whether this machine may connect";
	case SMTP_NO_TLS:
		return d->config->mail.tls == TLS_REQUIRED ? "have its operator offer STARTTLS (mail.tls: off only where the relay is this very machine)" : "have its operator mend its TLS";
	case SMTP_CERTIFICATE:
		return "is mail.relay the name in its certificate? For a certificate of your own set mail.ca_file";
	case SMTP_LOGIN:
		return "is what stands in mail.user and mail.password_file right? Some relays want a password made for programs";
	default:
		return "its operator can say what this answer means";
	}
}

static const char *fault_of(enum smtp_trouble trouble) {
	static const char *const texts[] = {
	        [SMTP_WELL] = "",
	        [SMTP_NO_NAME] = "has a name that cannot be found",
	        [SMTP_NO_CONNECTION] = "takes no connection",
	        [SMTP_SILENT] = "does not answer",
	        [SMTP_NO_TLS] = "does not encrypt",
	        [SMTP_CERTIFICATE] = "has a certificate that is not good",
	        [SMTP_LOGIN] = "does not take the log-in",
	        [SMTP_OTHER] = "gives an answer that is no use",
	};
	return texts[trouble];
}

static void tell_relay(struct doctor *d, const struct smtp_seen *seen) {
	const struct mail_config *m = &d->config->mail;
	bool local = doctor_is_loopback(doctor_host(m->relay)), implicit = str_starts(m->relay, STR("smtps://"));
	if (seen->trouble != SMTP_WELL) {
		doctor_tell(d, VERDICT_FAULT, "mail relay", todo_of(d, seen->trouble), "%.*s %s: %s", STR_ARG(m->relay), fault_of(seen->trouble), seen->fault);
		return;
	}
	doctor_tell(d, VERDICT_GOOD, "mail relay", NULL, "%.*s answers%s", STR_ARG(m->relay), m->user.len > 0 ? " and takes the log-in" : "");
	if (!local && !implicit && m->tls != TLS_REQUIRED)
		doctor_tell(d, VERDICT_FAULT, "mail encryption", "set mail.tls: required", "anybody on the way can read the links in the mails%s", seen->starttls ? ", though the relay offers to encrypt" : "");
	if (!local && m->user.len == 0)
		doctor_tell(d, VERDICT_WARNING, "mail log-in", "right only where the relay knows this machine's address", "there is none: mail.user is not set");
	if (seen->size > 0 && seen->size < 1 << 20)
		doctor_tell(d, VERDICT_WARNING, "mail size", "ask the relay's operator for more", "the relay takes at most %lld kB a mail", (long long)(seen->size >> 10));
}

/* As the mailer says it in MAIL FROM: with a mailbox that is read, a signed address for each message. */
static struct str envelope_sender(struct doctor *d) {
	const struct mail_config *m = &d->config->mail;
	struct str from = m->bounce_address.len > 0 ? m->bounce_address : m->from_address;
	struct err ignored;
	struct keyring *keys = d->config->inbox.url.len > 0 ? keyring_open(arena_z(d->arena, d->config->key_file), &ignored) : NULL;
	if (keys)
		from = verp_address(d->arena, keys, from, 1);
	keyring_close(keys);
	return from;
}

static void look_at_relay(struct doctor *d) {
	struct smtp_seen seen;
	struct err err;
	const struct mail_config *m = &d->config->mail;
	struct str from = envelope_sender(d);
	if (m->relay.len == 0) {
		doctor_tell(d, VERDICT_FAULT, "mail relay", "set it, such as smtp://mail.example.dk:587", "mail.relay is not set in stafet.yaml");
		return;
	}
	int seconds = doctor_seconds(d, "mail relay");
	struct smtp *s = seconds > 0 ? smtp_open(m, &err) : NULL;
	if (seconds > 0 && !s)
		doctor_tell(d, VERDICT_FAULT, "mail relay", "correct the section mail of stafet.yaml, or the files that it names", "%s", err.text);
	if (!s)
		return;
	smtp_look(s, from, seconds, &seen);
	tell_relay(d, &seen);
	doctor_certificate(d, "mail relay's certificate", seen.certificate_until);
	if (seen.trouble == SMTP_WELL && !seen.sender_taken)
		doctor_tell(d, VERDICT_FAULT, "mail sender", "have the relay's operator allow this address, or set mail.from_address and mail.bounce_address to one that is allowed",
		            "the relay does not take mail from %.*s: %s", STR_ARG(from), seen.sender_answer);
	else if (seen.trouble == SMTP_WELL)
		doctor_tell(d, VERDICT_GOOD, "mail sender", NULL, "the relay takes mail from %.*s", STR_ARG(from));
	snprintf(d->relay_address, sizeof d->relay_address, "%s", d->sends_from ? d->sends_from : seen.address);
	smtp_close(s);
}

/* --- who sends --- */

static bool is_freemail(struct str domain) {
	static const char *const domains[] = {"gmail.com", "googlemail.com", "hotmail.com", "hotmail.dk", "outlook.com", "outlook.dk", "live.com", "live.dk", "msn.com", "yahoo.com", "yahoo.dk",
	                                      "icloud.com", "me.com", "mac.com", "aol.com", "gmx.net", "gmx.de", "proton.me", "protonmail.com", "mail.dk", "jubii.dk", "ofir.dk"};
	for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
		if (domain.len == strlen(domains[i]) && strncasecmp(domain.at, domains[i], domain.len) == 0)
			return true;
	return false;
}

static void look_at_sender(struct doctor *d) {
	const struct mail_config *m = &d->config->mail;
	struct str from = doctor_domain(m->from_address), host = doctor_host(d->config->base_url);
	struct str bounce = m->bounce_address.len > 0 ? doctor_domain(m->bounce_address) : from;
	size_t before = d->counts[VERDICT_WARNING] + d->counts[VERDICT_FAULT];
	if (str_ends(from, STR(".invalid")) || str_ends(from, STR(".example")))
		doctor_tell(d, VERDICT_FAULT, "sender", "set mail.from_address to an address of your own", "%.*s is an address that nobody has", STR_ARG(m->from_address));
	else if (is_freemail(from))
		doctor_tell(d, VERDICT_FAULT, "sender", "send from a domain of your own: no relay but theirs may send from there", "%.*s belongs to a mail service for everybody", STR_ARG(m->from_address));
	if (!doctor_same_owner(from, bounce))
		doctor_tell(d, VERDICT_WARNING, "sender", "choose a bounce_address in the sender's own domain, or SPF does not count for it (DMARC)", "mail.bounce_address is at %.*s, mail.from_address at %.*s",
		            STR_ARG(bounce), STR_ARG(from));
	if (m->reply_to.len > 0 && is_freemail(doctor_domain(m->reply_to)))
		doctor_tell(d, VERDICT_WARNING, "sender", "answers to a mail service for everybody cost points with spam filters: use an address of your own", "mail.reply_to is %.*s", STR_ARG(m->reply_to));
	if (!doctor_is_loopback(host) && !doctor_same_owner(from, host))
		doctor_tell(d, VERDICT_WARNING, "sender", "people trust a link more that leads to where the mail comes from: use one domain for both", "mails come from %.*s and lead to %.*s", STR_ARG(from),
		            STR_ARG(host));
	if (d->counts[VERDICT_WARNING] + d->counts[VERDICT_FAULT] == before)
		doctor_tell(d, VERDICT_GOOD, "sender", NULL, "%.*s; bounces and links are at home in the same domain", STR_ARG(m->from_address));
}

/* --- the mailbox --- */

/* Ends what waits when its time is up. */
struct alarm {
	atomic_bool stop, done;
	int64_t at; /* monotonic */
};

static void *ring(void *context) {
	struct alarm *alarm = context;
	const struct timespec slice = {.tv_nsec = 50 * 1000 * 1000};
	while (!atomic_load(&alarm->done) && clock_monotonic() < alarm->at)
		nanosleep(&slice, NULL);
	if (!atomic_load(&alarm->done))
		atomic_store(&alarm->stop, true);
	return NULL;
}

static void open_inbox(struct doctor *d, int seconds) {
	struct alarm alarm = {.at = clock_monotonic() + seconds * 1000};
	const struct inbox_config *b = &d->config->inbox;
	struct err err = {0};
	pthread_t thread;
	if (pthread_create(&thread, NULL, ring, &alarm) != 0)
		return;
	struct imap *imap = imap_open(b, &alarm.stop, &err);
	atomic_store(&alarm.done, true);
	pthread_join(thread, NULL);
	if (imap)
		doctor_tell(d, VERDICT_GOOD, "mailbox", NULL, "%.*s takes the log-in", STR_ARG(b->url));
	else
		doctor_tell(d, VERDICT_FAULT, "mailbox", "correct the section inbox of stafet.yaml; until then nobody learns what could not be delivered", "%.*s: %s", STR_ARG(b->url),
		            atomic_load(&alarm.stop) ? "does not answer" : err.text);
	imap_close(imap);
}

static void look_at_inbox(struct doctor *d) {
	const struct inbox_config *b = &d->config->inbox;
	if (b->url.len == 0) {
		doctor_tell(d, VERDICT_WARNING, "mailbox", "give the site a mailbox of its own for bounce_address (section inbox), or look into it yourself each day",
		            "none is read: nobody learns which messages could not be delivered");
		return;
	}
	int seconds = doctor_seconds(d, "mailbox");
	if (seconds > 0)
		open_inbox(d, seconds);
}

void doctor_mail(struct doctor *d) {
	look_at_relay(d);
	look_at_sender(d);
	look_at_inbox(d);
}
