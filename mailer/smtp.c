#include "mailer/transport.h"
#include "mailer/certificate.h"

#include "engine/base/clock.h"
#include "engine/base/escape.h"
#include "engine/base/file.h"
#include "mailer/dialog.h"

#include <curl/curl.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECT_SECONDS = 10,
	REPLY_SECONDS = 60, /* for any one answer, so for the one after the final dot too */
	TOTAL_SECONDS = 120,
	QUIT_SECONDS = 2,
	POLL_MS = 250, /* an abort is heard so soon */
	ADDRESS_MAX = 254, /* RFC 5321 section 4.5.3.1 and its erratum 1690 */
	LOCAL_MAX = 64,
	PASSWORD_MAX = 256
};

struct smtp {
	const struct mail_config *config;
	CURL *curl;     /* NULL: no connection */
	bool connected; /* it stands, TLS and login included */
	int sends;      /* on it */
	struct dialog dialog;
	char from[ADDRESS_MAX + 1], to[ADDRESS_MAX + 1]; /* that were offered */
	bool behind;       /* right behind a final dot */
	bool silent;       /* no answer came in time */
	bool step_by_step; /* this relay does not hear what is said behind a dot */
	int64_t reply_ms, total_at; /* how long one answer may take; until when all of it (monotonic) */
	bool pipelining; /* offered in the last EHLO's answer */
	struct smtp_seen *seen; /* of a look; NULL: none */
	char line[512]; /* the server's last line while the connection was made */
	char fault[CURL_ERROR_SIZE];
	atomic_bool aborted;
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

/* An address that needs no quoting, in an envelope where quoting is a door: RFC 5321 dot-string @ domain, ASCII. */
static bool address_check(struct str address, struct err *err) {
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
	if (!escape_gate(relay, 255, "mail.relay", err) || !address_check(config->from_address, err))
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

/* --- bytes --- */

static bool wait_for(struct smtp *s, short events, int64_t until) {
	curl_socket_t socket = CURL_SOCKET_BAD;
	curl_easy_getinfo(s->curl, CURLINFO_ACTIVESOCKET, &socket);
	struct pollfd fd = {.fd = socket, .events = events};
	until = until < s->total_at ? until : s->total_at;
	for (int64_t left; socket != CURL_SOCKET_BAD && !atomic_load(&s->aborted) && (left = until - clock_monotonic()) > 0;)
		if (poll(&fd, 1, left < POLL_MS ? (int)left : POLL_MS) > 0)
			return true;
	s->silent = !atomic_load(&s->aborted);
	snprintf(s->fault, sizeof s->fault, "%s", s->silent ? "no answer in time" : "aborted");
	return false;
}

static bool wire_send(void *context, struct str bytes) {
	struct smtp *s = context;
	int64_t until = clock_monotonic() + s->reply_ms;
	while (bytes.len > 0) {
		size_t sent = 0;
		CURLcode code = curl_easy_send(s->curl, bytes.at, bytes.len, &sent);
		bytes.at += sent;
		bytes.len -= sent;
		if (code == CURLE_AGAIN ? !wait_for(s, POLLOUT, until) : code != CURLE_OK) {
			snprintf(s->fault, sizeof s->fault, "%s", code == CURLE_AGAIN ? s->fault : "the connection has ended");
			return false;
		}
	}
	return true;
}

static size_t wire_receive(void *context, char *out, size_t cap) {
	struct smtp *s = context;
	int64_t until = clock_monotonic() + s->reply_ms;
	for (;;) {
		size_t came = 0;
		CURLcode code = curl_easy_recv(s->curl, out, cap, &came);
		if (code == CURLE_OK && came > 0)
			return came;
		if (code != CURLE_AGAIN) {
			snprintf(s->fault, sizeof s->fault, "the connection has ended");
			return 0;
		}
		if (!wait_for(s, POLLIN, until))
			return 0;
	}
}

/* --- answers --- */

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

static bool connect_relay(struct smtp *s, struct transport_result *result) {
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
		dialog_open(&s->dialog, &(struct dialog_wire){wire_send, wire_receive, s}, s->pipelining);
	else
		judge_connection(s, code, result);
	return s->connected;
}

/* Only an answer to the final dot, or its absence, tells of a message's fate. */
static void judge(const struct smtp *s, bool taken, struct transport_result *result) {
	const struct dialog *d = &s->dialog;
	bool refused = !taken && d->code >= 400;
	struct str answer = str_from(taken || refused ? d->line : s->fault[0] ? s->fault : "an answer that is none");
	*result = (struct transport_result){.outcome = OUTCOME_LATER, .code = taken || refused ? d->code : 0};
	result->fault = taken ? FAULT_NONE : refused ? verdict_fault(d->stage, answer) : FAULT_RELAY;
	result->early = !taken && d->stage < STAGE_RECIPIENT && result->fault != FAULT_SIZE; /* a size may be what MAIL is refused for */
	result->configuration = result->fault == FAULT_SITE;
	if (taken)
		result->outcome = OUTCOME_SENT;
	else if (!refused && d->dotted)
		result->outcome = OUTCOME_UNKNOWN;
	else if (refused && d->code >= 500 && !result->configuration)
		result->outcome = OUTCOME_NEVER;
	transport_answer(result, answer);
}

/* --- sending --- */

static bool addresses_good(const struct envelope *e, struct err *err) {
	return address_check(e->from, err) && address_check(e->to, err);
}

static void note_offered(struct smtp *s, const struct envelope *e) {
	snprintf(s->from, sizeof s->from, "%.*s", STR_ARG(e->from));
	snprintf(s->to, sizeof s->to, "%.*s", STR_ARG(e->to));
}

static bool offered_other(const struct smtp *s, const struct envelope *e) {
	return s->connected && s->dialog.offered && (!str_is(e->from, s->from) || !str_is(e->to, s->to));
}

void smtp_offer(struct smtp *s, const struct envelope *e) {
	struct err err;
	s->reply_ms = REPLY_SECONDS * 1000;
	s->total_at = clock_monotonic() + TOTAL_SECONDS * INT64_C(1000);
	if (offered_other(s, e))
		smtp_withdraw(s);
	if (!s->connected || !addresses_good(e, &err))
		return;
	note_offered(s, e);
	dialog_offer(&s->dialog, e);
}

void smtp_withdraw(struct smtp *s) {
	if (!s->connected || !s->dialog.offered)
		return;
	s->dialog.broken = true;
	smtp_hang_up(s);
}

/* The relay had closed the connection that we kept: nothing was begun on it, so a new one may be tried at once. */
static bool was_stale(const struct smtp *s) {
	const struct dialog *d = &s->dialog;
	bool first = !d->heard || (d->code == 421 && d->stage == STAGE_SENDER);
	return s->sends > 0 && d->broken && !d->dotted && first && !atomic_load(&s->aborted);
}

/* On the connection that stands, or a new one. */
static bool send_once(struct smtp *s, const struct envelope *e, struct str mime, const struct envelope *next, struct transport_result *result) {
	s->reply_ms = REPLY_SECONDS * 1000;
	s->total_at = clock_monotonic() + TOTAL_SECONDS * INT64_C(1000);
	if (!s->connected && !connect_relay(s, result))
		return false;
	s->fault[0] = '\0';
	s->silent = false;
	bool taken = dialog_send(&s->dialog, e, mime, next);
	judge(s, taken, result);
	return true;
}

/* The one after it may be offered behind the dot: by what the relay has shown, and if the connection lasts that long. */
static const struct envelope *offered_behind(const struct smtp *s, const struct envelope *next) {
	struct err err;
	bool lasts = s->sends + 1 < s->config->per_connection;
	return next && lasts && !s->step_by_step && addresses_good(next, &err) ? next : NULL;
}

void smtp_send(struct smtp *s, const struct envelope *e, struct str mime, const struct envelope *next, struct transport_result *result) {
	struct err err;
	if (!addresses_good(e, &err)) {
		*result = (struct transport_result){.outcome = OUTCOME_NEVER};
		transport_answer(result, str_from(err.text));
		return;
	}
	if (offered_other(s, e))
		smtp_withdraw(s);
	bool behind = s->behind;
	bool stood = send_once(s, e, mime, offered_behind(s, next), result);
	if (stood && was_stale(s)) {
		s->step_by_step = s->step_by_step || (behind && s->silent);
		smtp_hang_up(s);
		stood = send_once(s, e, mime, offered_behind(s, next), result);
	}
	s->sends++;
	s->behind = s->dialog.offered;
	if (s->behind)
		note_offered(s, next);
	if (!stood || s->dialog.broken || s->sends >= s->config->per_connection)
		smtp_hang_up(s);
}

/* --- looking --- */

static enum smtp_trouble trouble_of(CURLcode code, long status) {
	switch (code) {
	case CURLE_OK:
		return SMTP_WELL;
	case CURLE_COULDNT_RESOLVE_HOST:
		return SMTP_NO_NAME;
	case CURLE_COULDNT_CONNECT:
		return SMTP_NO_CONNECTION;
	case CURLE_OPERATION_TIMEDOUT:
		return SMTP_SILENT;
	case CURLE_USE_SSL_FAILED:
	case CURLE_SSL_CONNECT_ERROR:
		return SMTP_NO_TLS;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return SMTP_CERTIFICATE;
	case CURLE_LOGIN_DENIED:
		return SMTP_LOGIN;
	default:
		return status == 334 || status == 530 || status == 534 || status == 535 || status == 538 ? SMTP_LOGIN : SMTP_OTHER;
	}
}

static enum smtp_trouble try_connection(struct smtp *s, int seconds, struct smtp_seen *out) {
	long status = 0;
	struct transport_result result = {0};
	curl_easy_setopt(s->curl, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT, (long)seconds);
	curl_easy_setopt(s->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)seconds);
	curl_easy_setopt(s->curl, CURLOPT_TIMEOUT, (long)seconds);
	CURLcode code = curl_easy_perform(s->curl);
	s->connected = code == CURLE_OK;
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	const char *fault = s->fault[0] ? s->fault : curl_easy_strerror(code);
	transport_answer(&result, str_from(s->line[0] && (status >= 400 || s->connected) ? s->line : fault));
	snprintf(out->fault, sizeof out->fault, "%s", result.answer);
	return trouble_of(code, status);
}

void smtp_look(struct smtp *s, struct str from, int seconds, struct smtp_seen *out) {
	char *address = NULL;
	struct err err;
	struct transport_result result = {0};
	*out = (struct smtp_seen){0};
	s->seen = out;
	out->trouble = try_connection(s, seconds, out);
	out->certificate_until = certificate_until(s->curl);
	if (curl_easy_getinfo(s->curl, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address)
		snprintf(out->address, sizeof out->address, "%s", address);
	if (s->connected && address_check(from, &err)) {
		s->reply_ms = seconds * INT64_C(1000);
		s->total_at = clock_monotonic() + 2 * s->reply_ms;
		dialog_open(&s->dialog, &(struct dialog_wire){wire_send, wire_receive, s}, false);
		out->sender_taken = dialog_try_sender(&s->dialog, from);
		transport_answer(&result, str_from(s->dialog.code ? s->dialog.line : s->fault));
		snprintf(out->sender_answer, sizeof out->sender_answer, "%s", result.answer);
	}
	if (s->connected && s->dialog.broken && s->dialog.code == 0) { /* it was none that can be talked with */
		out->trouble = SMTP_OTHER;
		snprintf(out->fault, sizeof out->fault, "%s", out->sender_answer);
	}
	s->seen = NULL;
}
