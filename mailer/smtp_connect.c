#include "mailer/smtp_parts.h"

#include "engine/base/clock.h"
#include "engine/base/escape.h"
#include "engine/base/file.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECT_SECONDS = 10,
	QUIT_SECONDS = 2,
	LOCAL_MAX = 64, /* RFC 5321 section 4.5.3.1 */
	PASSWORD_MAX = 256
};

bool smtp_init(struct err *err) {
	/* Without an UTF-8 locale curl does not turn a relay's international domain into an ASCII one. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return err_set(err, ERR_PERMANENT, "config.locale", "the locale C.UTF-8 is missing");
	signal(SIGPIPE, SIG_IGN); /* CURLOPT_NOSIGNAL leaves it to us */
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
	if (code != CURLE_OK)
		return err_set(err, ERR_PERMANENT, "config.curl", "curl cannot start: %s", curl_easy_strerror(code));
	return true;
}

bool smtp_address(struct str address, struct err *err) {
	if (!escape_gate(address, ADDRESS_MAX, "address", err))
		return false;
	size_t at = 0, at_signs = 0;
	for (size_t i = 0; i < address.len; i++) {
		unsigned char c = (unsigned char)address.at[i];
		if (c == '@')
			at = i, at_signs++;
		else if (c <= ' ' || strchr("<>()[]\\,;:\"", c) || c >= 0x80)
			return err_set(err, ERR_INPUT, "address.invalid", "the address holds a character that cannot be sent to");
	}
	if (at_signs != 1 || at == 0 || at > LOCAL_MAX || at + 1 == address.len)
		return err_set(err, ERR_INPUT, "address.invalid", "the address is not of the form name@domain");
	return true;
}

/* What EHLO is answered with. */
static void note_offer(struct smtp_seen *seen, struct str line) {
	int64_t size;
	line = str_trim(line);
	if (line.len < 4 || !str_starts(line, STR("250")))
		return;
	struct str value = {line.at + 4, line.len - 4}, word = str_cut(&value, ' ');
	if (str_is(word, "STARTTLS"))
		seen->starttls = true;
	if (str_is(word, "SIZE") && str_to_int(value, &size))
		seen->size = size;
}

static size_t take_line(char *text, size_t size, size_t count, void *context) {
	struct smtp *s = context;
	struct str line = {text, size * count};
	snprintf(s->line, sizeof s->line, "%.*s", STR_ARG(line));
	if (s->seen)
		note_offer(s->seen, line);
	bool said = str_starts(line, STR("250-PIPELINING")) || str_starts(line, STR("250 PIPELINING"));
	s->pipelining = s->pipelining || said;
	return line.len;
}

/* What was offered before STARTTLS does not count after it. Of a command only its name is looked at: after AUTH comes the password. */
static int take_command(CURL *curl, curl_infotype type, char *text, size_t len, void *context) {
	struct smtp *s = context;
	(void)curl;
	if (type == CURLINFO_HEADER_OUT && str_starts((struct str){text, len}, STR("EHLO")))
		s->pipelining = false;
	return 0;
}

static int take_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
	(void)a, (void)b, (void)c, (void)d;
	return atomic_load(&((struct smtp *)context)->aborted);
}

static bool set_login(struct smtp *s, const struct mail_config *config, bool encrypted, struct err *err) {
	if (config->user.len == 0)
		return true;
	if (!encrypted)
		return err_set(err, ERR_PERMANENT, "config.mail", "mail.user needs mail.tls: required, or the password would travel in clear text");
	char user[ADDRESS_MAX + 1], password[PASSWORD_MAX];
	if (!escape_gate(config->user, ADDRESS_MAX, "mail.user", err) || !file_read_secret(config->password_file.at, "mail.password_file", password, sizeof password, err))
		return false;
	snprintf(user, sizeof user, "%.*s", STR_ARG(config->user));
	curl_easy_setopt(s->curl, CURLOPT_USERNAME, user);
	curl_easy_setopt(s->curl, CURLOPT_PASSWORD, password);
	explicit_bzero(password, sizeof password);
	return true;
}

/* The relay as curl wants it; what stands after the slash is what we say in EHLO: the sender's domain. */
static bool set_relay(struct smtp *s, const struct mail_config *config, struct err *err) {
	struct str relay = config->relay;
	bool implicit = str_starts(relay, STR("smtps://"));
	size_t scheme = implicit ? 8 : 7;
	if ((!implicit && !str_starts(relay, STR("smtp://"))) || relay.len == scheme || memchr(relay.at + scheme, '/', relay.len - scheme) ||
	    memchr(relay.at, '@', relay.len))
		return err_set(err, ERR_PERMANENT, "config.mail", "mail.relay: expected smtp://host:port or smtps://host:port, found \"%.*s\"", STR_ARG(relay));
	struct str domain = config->from_address;
	str_cut(&domain, '@');
	char url[1024];
	if (!escape_gate(relay, 255, "mail.relay", err) || !smtp_address(config->from_address, err))
		return false;
	snprintf(url, sizeof url, "%.*s/%.*s", STR_ARG(relay), STR_ARG(domain));
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, implicit ? "smtps" : "smtp");
	long tls = config->tls == TLS_OFF ? CURLUSESSL_NONE : config->tls == TLS_OPTIONAL ? CURLUSESSL_TRY : CURLUSESSL_ALL;
	curl_easy_setopt(s->curl, CURLOPT_USE_SSL, tls);
	return set_login(s, config, implicit || config->tls == TLS_REQUIRED, err);
}

static void set_authority(struct smtp *s, struct str file) {
	if (file.len == 0)
		return;
	char path[4096];
	snprintf(path, sizeof path, "%.*s", STR_ARG(file));
	curl_easy_setopt(s->curl, CURLOPT_CAINFO, path);
	curl_easy_setopt(s->curl, CURLOPT_CAPATH, NULL); /* this file alone */
}

static void set_manners(struct smtp *s) {
	CURL *c = s->curl;
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(c, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)REPLY_SECONDS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TOTAL_SECONDS);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(c, CURLOPT_PROXY, ""); /* never through a proxy of the environment */
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->fault);
	curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L); /* greeting, EHLO, TLS and AUTH; the rest is the dialog's */
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_line);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(c, CURLOPT_VERBOSE, 1L); /* or take_command is not called */
	curl_easy_setopt(c, CURLOPT_DEBUGFUNCTION, take_command);
	curl_easy_setopt(c, CURLOPT_DEBUGDATA, s);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, take_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
}

/* Ready to connect. */
static bool prepare(struct smtp *s, struct err *err) {
	s->curl = curl_easy_init();
	BUG_IF(s->curl == NULL);
	s->connected = s->pipelining = false;
	s->sends = 0;
	set_manners(s);
	set_authority(s, s->config->ca_file);
	if (set_relay(s, s->config, err))
		return true;
	smtp_hang_up(s);
	return false;
}

struct smtp *smtp_open(const struct mail_config *config, struct err *err) {
	struct smtp *s = calloc(1, sizeof *s);
	BUG_IF(s == NULL);
	s->config = config;
	if (prepare(s, err))
		return s;
	smtp_close(s);
	return NULL;
}

void smtp_hang_up(struct smtp *s) {
	if (!s->curl)
		return;
	s->reply_ms = QUIT_SECONDS * 1000;
	s->total_at = clock_monotonic() + s->reply_ms;
	if (s->connected)
		dialog_quit(&s->dialog);
	s->connected = false;
	curl_easy_cleanup(s->curl);
	s->curl = NULL;
}

bool smtp_connected(const struct smtp *s) {
	return s->connected;
}

void smtp_close(struct smtp *s) {
	if (!s)
		return;
	smtp_hang_up(s);
	free(s);
}

void smtp_abort(struct smtp *s) {
	atomic_store(&s->aborted, true);
}

/* Trouble with the relay itself: every message would meet it. */
static bool is_configuration(CURLcode code, long status) {
	switch (code) {
	case CURLE_REMOTE_ACCESS_DENIED: /* EHLO was refused */
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_USE_SSL_FAILED: /* STARTTLS is not offered, or was stripped */
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_LOGIN_DENIED:
		return true;
	case CURLE_WEIRD_SERVER_REPLY: /* the greeting itself was a refusal */
		return status >= 500;
	default: /* a 334 that nothing came after is an AUTH the server did not like */
		return status == 334 || status == 530 || status == 534 || status == 535 || status == 538;
	}
}

static void judge_connection(const struct smtp *s, CURLcode code, struct transport_result *result) {
	long status = 0;
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	const char *fault = s->fault[0] ? s->fault : curl_easy_strerror(code);
	struct str answer = str_from(status >= 400 && s->line[0] != '\0' ? s->line : fault);
	*result = (struct transport_result){.outcome = OUTCOME_LATER, .code = status >= 400 ? status : 0, .early = true};
	result->fault = verdict_fault(STAGE_CONNECT, answer);
	result->configuration = result->fault == FAULT_SITE || is_configuration(code, status);
	transport_answer(result, answer);
}

bool smtp_connect(struct smtp *s, struct transport_result *result) {
	struct err err;
	if (!s->curl && !prepare(s, &err)) {
		*result = (struct transport_result){.outcome = OUTCOME_LATER, .fault = FAULT_SITE, .configuration = true, .early = true};
		transport_answer(result, str_from(err.text));
		return false;
	}
	s->line[0] = s->fault[0] = '\0';
	CURLcode code = curl_easy_perform(s->curl);
	s->connected = code == CURLE_OK;
	if (s->connected)
		dialog_open(&s->dialog, &(struct dialog_wire){smtp_wire_send, smtp_wire_receive, s}, s->pipelining);
	else
		judge_connection(s, code, result);
	return s->connected;
}
