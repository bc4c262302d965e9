/* The site from outside, through whatever stands before it; and the SMS gateway, without an SMS. */
#include "cli/doctor.h"

#include "engine/base/clock.h"
#include "engine/base/dns.h"
#include "mailer/certificate.h"
#include "mailer/gateway.h"

#include <curl/curl.h>
#include <string.h>

enum { ANSWER_MAX = 4096, SKEW_S = 60, SENDER_LETTERS = 11, SENDER_DIGITS = 15 };

struct visit {
	CURLcode code;
	long status;
	struct buf body;
	char fault[CURL_ERROR_SIZE];
	bool hsts;
	int64_t date; /* of the answer, ms UTC; 0: it has none */
	int64_t certificate_until;
};

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
	struct visit *v = context;
	size_t len = size * count, room = v->body.limit - v->body.len;
	buf_add(&v->body, bytes, len < room ? len : room);
	return len;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context) {
	struct visit *v = context;
	struct str value = {bytes, size * count}, name = str_cut(&value, ':');
	char date[64];
	value = str_trim(value);
	if (name.len == 25 && strncasecmp(name.at, "Strict-Transport-Security", 25) == 0)
		v->hsts = true;
	if (name.len == 4 && strncasecmp(name.at, "Date", 4) == 0 && value.len < sizeof date) {
		memcpy(date, value.at, value.len);
		date[value.len] = '\0';
		int64_t at = curl_getdate(date, NULL);
		v->date = at > 0 ? at * 1000 : 0;
	}
	return size * count;
}

static void visit_url(const struct doctor *d, const char *url, bool head, int seconds, struct visit *v) {
	CURL *curl = curl_easy_init();
	BUG_IF(curl == NULL);
	*v = (struct visit){0};
	buf_init(&v->body, ANSWER_MAX);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_NOBODY, head ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)seconds);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, v->fault);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, v);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, v);
	if (d->ca_file) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, d->ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	v->code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &v->status);
	v->certificate_until = certificate_until(curl);
	if (v->code != CURLE_OK && v->fault[0] == '\0')
		memcpy(v->fault, "no answer", sizeof "no answer");
	curl_easy_cleanup(curl);
}

/* --- the site --- */

static void look_at_skew(struct doctor *d, int64_t date) {
	int64_t skew = (date - clock_now()) / 1000;
	if (date == 0)
		return;
	if (skew > SKEW_S || skew < -SKEW_S)
		doctor_tell(d, VERDICT_WARNING, "clock", "set it (timedatectl set-ntp true): deadlines and codes depend on it", "is %lld seconds %s that of another server", (long long)(skew < 0 ? -skew : skew),
		            skew < 0 ? "ahead of" : "behind");
	else
		doctor_tell(d, VERDICT_GOOD, "clock", NULL, "agrees with another server's");
}

static bool is_own_answer(const struct visit *v) {
	return v->code == CURLE_OK && v->status == 200 && str_is(buf_text(&v->body), "ok\n");
}

/* The same question past the web server that stands in front: whether there is anything to be in front of. */
static bool runs_here(const struct doctor *d, int seconds) {
	struct visit v;
	visit_url(d, arena_printf(d->arena, "http://%.*s/healthz", STR_ARG(d->config->listen)).at, false, seconds, &v);
	bool ok = is_own_answer(&v);
	buf_free(&v.body);
	return ok;
}

static void tell_no_answer(struct doctor *d, const struct visit *v) {
	int seconds = doctor_seconds(d, "the server itself");
	struct str url = d->config->base_url;
	if (v->code == CURLE_COULDNT_RESOLVE_HOST)
		doctor_tell(d, VERDICT_FAULT, "site from outside", "correct site.base_url, or the name's record", "%.*s: %s", STR_ARG(url), v->fault);
	else if (v->code == CURLE_PEER_FAILED_VERIFICATION || v->code == CURLE_SSL_CONNECT_ERROR)
		doctor_tell(d, VERDICT_FAULT, "site from outside", "mend the web server's certificate: browsers refuse it too", "%.*s: %s", STR_ARG(url), v->fault);
	else if (seconds > 0 && runs_here(d, seconds))
		doctor_tell(d, VERDICT_FAULT, "site from outside",
		            arena_printf(d->arena, "let the web server pass everything on to http://%.*s, and the firewall let this machine reach it", STR_ARG(d->config->listen)).at,
		            "the server runs, but %.*s/healthz does not reach it: %s", STR_ARG(url), v->code != CURLE_OK ? v->fault : arena_printf(d->arena, "status %ld", v->status).at);
	else
		doctor_tell(d, VERDICT_WARNING, "site from outside", "start the server (stafet serve) and run this again", "%.*s was not looked at: nothing answers on %.*s", STR_ARG(url),
		            STR_ARG(d->config->listen));
}

static void look_from_outside(struct doctor *d, bool secure) {
	struct visit v;
	int seconds = doctor_seconds(d, "site from outside");
	if (seconds == 0)
		return;
	visit_url(d, arena_printf(d->arena, "%.*s/healthz", STR_ARG(d->config->base_url)).at, false, seconds, &v);
	doctor_certificate(d, "site's certificate", v.certificate_until);
	if (!is_own_answer(&v)) {
		tell_no_answer(d, &v);
	} else {
		doctor_tell(d, VERDICT_GOOD, "site from outside", NULL, "%.*s answers", STR_ARG(d->config->base_url));
		if (secure && !v.hsts)
			doctor_tell(d, VERDICT_WARNING, "site from outside", "let the web server send it: browsers then never try http first", "the header Strict-Transport-Security is missing");
	}
	if (v.code == CURLE_OK && secure)
		look_at_skew(d, v.date);
	buf_free(&v.body);
}

/* Whose address a visitor has: limits a network count by it. */
static void look_at_proxies(struct doctor *d, bool secure) {
	bool behind = secure && doctor_is_loopback(doctor_host(d->config->listen)), any = d->config->trusted_proxy_count > 0;
	if (behind && !any)
		doctor_tell(d, VERDICT_WARNING, "trusted_proxies", "set site.trusted_proxies to the web server's address, such as [127.0.0.1], and let it send X-Forwarded-For",
		            "is empty, though a web server stands in front: all visitors count as one, and what one does too often is refused to all");
	else if (behind || any)
		doctor_tell(d, VERDICT_GOOD, "trusted_proxies", NULL, "%s", any ? "is set" : "is not needed");
}

static void look_at_site(struct doctor *d) {
	struct str url = d->config->base_url;
	bool secure = str_starts(url, STR("https://")), loopback = doctor_is_loopback(doctor_host(url));
	if (secure)
		doctor_tell(d, VERDICT_GOOD, "base_url", NULL, "%.*s", STR_ARG(url));
	else if (loopback)
		doctor_tell(d, VERDICT_WARNING, "base_url", "set it to the public https:// address before people get links", "%.*s is only reachable on this machine", STR_ARG(url));
	else
		doctor_tell(d, VERDICT_FAULT, "base_url", "put a web server with a certificate in front, and write https:// here", "%.*s is not https; links would travel readable for everybody", STR_ARG(url));
	look_at_proxies(d, secure);
	look_from_outside(d, secure);
}

/* --- the SMS gateway --- */

static void look_at_sender_name(struct doctor *d, struct str from) {
	bool digits = from.len > 0, plain = from.len > 0;
	for (size_t i = 0; i < from.len; i++) {
		char c = from.at[i];
		bool digit = c >= '0' && c <= '9';
		digits = digits && (digit || (i == 0 && c == '+'));
		plain = plain && (digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ' || c == '-' || c == '.');
	}
	if (from.len == 0)
		doctor_tell(d, VERDICT_WARNING, "SMS sender", "set sms.from: at most 11 letters, or a number", "there is none; the gateway's own is shown");
	else if (digits ? from.len > SENDER_DIGITS + 1 : from.len > SENDER_LETTERS || !plain)
		doctor_tell(d, VERDICT_FAULT, "SMS sender", "set sms.from to at most 11 letters from A to Z, or a number", "phones cannot show '%.*s'", STR_ARG(from));
	else
		doctor_tell(d, VERDICT_GOOD, "SMS sender", NULL, "'%.*s'", STR_ARG(from));
}

static void look_at_countries(struct doctor *d) {
	const struct sms_config *s = &d->config->sms;
	int64_t own = 0;
	bool found = false;
	(void)str_to_int(s->country, &own);
	for (size_t i = 0; i < s->allowed_count; i++)
		found = found || s->allowed[i] == own;
	if (found)
		doctor_tell(d, VERDICT_GOOD, "SMS countries", NULL, "%zu may be sent to, your own (%lld) among them", s->allowed_count, (long long)own);
	else
		doctor_tell(d, VERDICT_FAULT, "SMS countries", "add it to sms.allowed, or set sms.country", "numbers of your own country (%lld) may not be sent to", (long long)own);
}

/* What answers at the gateway's address says nothing about the account: only that TLS and the way there are good. */
static void look_at_gateway(struct doctor *d, struct str url) {
	struct visit v;
	struct str rest = url, scheme = str_cut(&rest, ':'), host = doctor_host(url);
	bool secure = str_is(scheme, "https");
	int seconds = doctor_seconds(d, "SMS gateway");
	if (seconds == 0)
		return;
	rest = (struct str){rest.at + 2, rest.len - 2};
	rest = str_cut(&rest, '/');
	visit_url(d, arena_printf(d->arena, "%.*s://%.*s/", STR_ARG(scheme), STR_ARG(rest)).at, true, seconds, &v);
	if (v.code != CURLE_OK)
		doctor_tell(d, VERDICT_FAULT, "SMS gateway", "correct sms.url, or let the firewall through", "%.*s: %s", STR_ARG(rest), v.fault);
	else if (v.status >= 500)
		doctor_tell(d, VERDICT_WARNING, "SMS gateway", "ask its operator, or look again later", "%.*s answers with status %ld", STR_ARG(rest), v.status);
	else
		doctor_tell(d, VERDICT_GOOD, "SMS gateway", NULL, "%.*s answers", STR_ARG(rest));
	if (!secure && !doctor_is_loopback(host))
		doctor_tell(d, VERDICT_FAULT, "SMS gateway", "use its https:// address", "codes and the account's secret travel readable for everybody");
	doctor_certificate(d, "SMS gateway's certificate", v.certificate_until);
	buf_free(&v.body);
}

static void look_at_sms(struct doctor *d) {
	struct err err;
	const struct sms_config *s = &d->config->sms;
	if (s->gateway.len == 0)
		return;
	const struct gateway *gateway = gateway_open(d->arena, s, &err);
	if (!gateway) {
		doctor_tell(d, VERDICT_FAULT, "SMS gateway", "docs/sms-gateways.md explains descriptions", "%s", err.text);
		return;
	}
	if (memmem(gateway->url.at, gateway->url.len, "://", 3))
		look_at_gateway(d, gateway->url);
	look_at_sender_name(d, s->from);
	look_at_countries(d);
}

void doctor_web(struct doctor *d) {
	look_at_site(d);
	look_at_sms(d);
}
