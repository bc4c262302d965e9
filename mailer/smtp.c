#include "mailer/transport.h"
#include "mailer/certificate.h"

#include "engine/base/escape.h"
#include "engine/base/file.h"

#include <curl/curl.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	CONNECT_SECONDS = 10,
	REPLY_SECONDS = 60, /* for any one answer, so for the one after the final dot too */
	TOTAL_SECONDS = 120,
	ADDRESS_MAX = 254, /* RFC 5321 section 4.5.3.1 and its erratum 1690 */
	LOCAL_MAX = 64,
	PASSWORD_MAX = 256
};

struct smtp {
	const struct mail_config *config;
	CURL *curl;     /* NULL: no connection */
	int sends;      /* on it */
	struct str body; /* of the send under way */
	size_t given;
	bool ended;     /* the body's end was given: the final dot is on its way */
	enum stage stage; /* of the last command */
	bool well;      /* the last send ended with an answer */
	struct smtp_seen *seen; /* of a look; NULL: none */
	char line[512]; /* the server's last line */
	char fault[CURL_ERROR_SIZE];
	atomic_bool aborted;
};

bool smtp_init(struct err *err) {
	/* Without an UTF-8 locale curl does not turn international domains into ASCII ones. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return err_set(err, ERR_PERMANENT, "config.locale", "the locale C.UTF-8 is missing");
	signal(SIGPIPE, SIG_IGN); /* CURLOPT_NOSIGNAL leaves it to us */
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
	if (code != CURLE_OK)
		return err_set(err, ERR_PERMANENT, "config.curl", "curl cannot start: %s", curl_easy_strerror(code));
	return true;
}

/* An address that needs no quoting, in an envelope where quoting is a door: RFC 5321 dot-string @ domain.
 * The local part is ASCII; the domain may be international. */
static bool address_check(struct str address, struct err *err) {
	if (!escape_gate(address, ADDRESS_MAX, "address", err))
		return false;
	size_t at = 0, at_signs = 0;
	for (size_t i = 0; i < address.len; i++) {
		unsigned char c = (unsigned char)address.at[i];
		if (c == '@')
			at = i, at_signs++;
		else if (c <= ' ' || strchr("<>()[]\\,;:\"", c) || (c >= 0x80 && at_signs == 0))
			return err_set(err, ERR_INPUT, "address.invalid", "the address holds a character that cannot be sent to");
	}
	if (at_signs != 1 || at == 0 || at > LOCAL_MAX || at + 1 == address.len)
		return err_set(err, ERR_INPUT, "address.invalid", "the address is not of the form name@domain");
	return true;
}

static size_t give_body(char *out, size_t size, size_t count, void *context) {
	struct smtp *s = context;
	size_t left = s->body.len - s->given, room = size * count;
	size_t len = left < room ? left : room;
	if (len > 0)
		memcpy(out, s->body.at + s->given, len);
	s->given += len;
	s->ended = len == 0;
	return len;
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

static size_t take_line(char *line, size_t size, size_t count, void *context) {
	struct smtp *s = context;
	size_t len = size * count;
	if (s->seen)
		note_offer(s->seen, (struct str){line, len});
	if (!str_starts((struct str){line, len}, STR("221"))) /* the good-bye says nothing about the message */
		snprintf(s->line, sizeof s->line, "%.*s", (int)len, line);
	return len;
}

/* Which command the next answer belongs to. Of a command only its name is looked at: after AUTH comes the password. */
static int take_command(CURL *curl, curl_infotype type, char *text, size_t len, void *context) {
	struct smtp *s = context;
	struct str line = {text, len};
	(void)curl;
	if (type != CURLINFO_HEADER_OUT)
		return 0;
	if (str_starts(line, STR("MAIL ")))
		s->stage = STAGE_SENDER;
	else if (str_starts(line, STR("RCPT ")))
		s->stage = STAGE_RECIPIENT;
	else if (str_starts(line, STR("DATA")))
		s->stage = STAGE_CONTENT;
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
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(c, CURLOPT_PROXY, ""); /* never through a proxy of the environment */
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->fault);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(c, CURLOPT_READDATA, s);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_line);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(c, CURLOPT_VERBOSE, 1L); /* or take_command is not called */
	curl_easy_setopt(c, CURLOPT_DEBUGFUNCTION, take_command);
	curl_easy_setopt(c, CURLOPT_DEBUGDATA, s);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, take_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
}

static bool make_connection(struct smtp *s, struct err *err) {
	s->curl = curl_easy_init();
	BUG_IF(s->curl == NULL);
	s->sends = 0;
	s->well = true;
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
	if (make_connection(s, err))
		return s;
	smtp_close(s);
	return NULL;
}

void smtp_hang_up(struct smtp *s) {
	curl_socket_t socket = CURL_SOCKET_BAD;
	if (!s->curl)
		return;
	curl_easy_getinfo(s->curl, CURLINFO_ACTIVESOCKET, &socket);
	if (!s->well && socket != CURL_SOCKET_BAD)
		shutdown(socket, SHUT_RDWR); /* or curl says QUIT and waits a minute for a relay that has stopped answering */
	curl_easy_cleanup(s->curl);
	s->curl = NULL;
}

bool smtp_connected(const struct smtp *s) {
	return s->curl && s->sends > 0;
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
static bool is_configuration(CURLcode code, long status, bool ended) {
	switch (code) {
	case CURLE_REMOTE_ACCESS_DENIED: /* EHLO was refused */
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_USE_SSL_FAILED: /* STARTTLS is not offered, or was stripped */
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_LOGIN_DENIED:
		return true;
	case CURLE_WEIRD_SERVER_REPLY: /* before the body: the greeting itself was a refusal */
		return !ended && status >= 500;
	default: /* a 334 that nothing came after is an AUTH the server did not like */
		return status == 334 || status == 530 || status == 534 || status == 535 || status == 538;
	}
}

/* The table of curl's answers, one recipient: a 250 beside an error belongs to MAIL or RCPT and is no success; a 354 after the body's end
 * means that nobody can know. */
static void judge(const struct smtp *s, CURLcode code, long status, struct transport_result *result) {
	bool said = status >= 400 && s->line[0] != '\0';
	const char *fault = s->fault[0] ? s->fault : curl_easy_strerror(code);
	struct str answer = str_from(code == CURLE_OK || said ? s->line : fault);
	result->code = status;
	result->fault = code == CURLE_OK ? FAULT_NONE : verdict_fault(s->stage, answer);
	result->early = s->stage < STAGE_RECIPIENT && result->fault != FAULT_SIZE; /* MAIL names the message's size */
	result->configuration = code != CURLE_OK && (result->fault == FAULT_SITE || is_configuration(code, status, s->ended));
	if (code == CURLE_OK)
		result->outcome = OUTCOME_SENT;
	else if (s->ended && status == 354)
		result->outcome = OUTCOME_UNKNOWN;
	else if (status >= 500 && status < 600 && !result->configuration)
		result->outcome = OUTCOME_NEVER;
	else
		result->outcome = OUTCOME_LATER;
	transport_answer(result, answer);
}

static CURLcode perform(struct smtp *s, struct str body, long *status) {
	s->body = body;
	s->given = 0;
	s->ended = false;
	s->stage = STAGE_CONNECT;
	s->line[0] = s->fault[0] = '\0';
	CURLcode code = curl_easy_perform(s->curl);
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, status);
	s->well = code == CURLE_OK;
	return code;
}

/* The relay had closed the connection that we kept: nothing was said on it, so a new one may be tried at once. */
static bool was_stale(const struct smtp *s, CURLcode code, long status) {
	long opened = 0;
	curl_easy_getinfo(s->curl, CURLINFO_NUM_CONNECTS, &opened);
	return code != CURLE_OK && status == 0 && opened == 0 && s->given == 0 && !atomic_load(&s->aborted);
}

static bool set_envelope(struct smtp *s, struct str from, struct str to, struct curl_slist **list, struct err *err) {
	char address[ADDRESS_MAX + 1];
	if (!address_check(from, err) || !address_check(to, err))
		return false;
	snprintf(address, sizeof address, "%.*s", STR_ARG(from));
	curl_easy_setopt(s->curl, CURLOPT_MAIL_FROM, address);
	snprintf(address, sizeof address, "%.*s", STR_ARG(to));
	*list = curl_slist_append(NULL, address);
	BUG_IF(*list == NULL);
	curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, *list);
	return true;
}

static void send_on(struct smtp *s, struct str mime, struct transport_result *result) {
	long status = 0;
	CURLcode code = perform(s, mime, &status);
	if (was_stale(s, code, status))
		code = perform(s, mime, &status);
	judge(s, code, status, result);
	s->sends++;
}

void smtp_send(struct smtp *s, struct str from, struct str to, struct str mime, struct transport_result *result) {
	struct curl_slist *list = NULL;
	struct err err;
	if (!s->curl && !make_connection(s, &err)) {
		*result = (struct transport_result){.outcome = OUTCOME_LATER, .fault = FAULT_SITE, .configuration = true, .early = true};
		transport_answer(result, str_from(err.text));
		return;
	}
	*result = (struct transport_result){.outcome = OUTCOME_NEVER};
	if (set_envelope(s, from, to, &list, &err))
		send_on(s, mime, result);
	else
		transport_answer(result, str_from(err.text));
	curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, NULL);
	curl_slist_free_all(list);
	if (s->sends >= s->config->per_connection)
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

static bool ask(struct smtp *s, const char *command, char *said, size_t size, enum smtp_trouble *trouble) {
	long status = 0;
	struct transport_result result = {0};
	curl_easy_setopt(s->curl, CURLOPT_CUSTOMREQUEST, command);
	CURLcode code = perform(s, STR(""), &status);
	const char *fault = s->fault[0] ? s->fault : curl_easy_strerror(code);
	transport_answer(&result, str_from(status >= 400 && s->line[0] ? s->line : code == CURLE_OK ? s->line : fault));
	snprintf(said, size, "%s", result.answer);
	*trouble = trouble_of(code, status);
	return code == CURLE_OK;
}

void smtp_look(struct smtp *s, struct str from, int seconds, struct smtp_seen *out) {
	char command[ADDRESS_MAX + 16], ignored[256], *address = NULL;
	enum smtp_trouble trouble;
	struct err err;
	*out = (struct smtp_seen){0};
	s->seen = out;
	curl_easy_setopt(s->curl, CURLOPT_UPLOAD, 0L);
	curl_easy_setopt(s->curl, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(s->curl, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT, (long)seconds);
	curl_easy_setopt(s->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)seconds);
	curl_easy_setopt(s->curl, CURLOPT_TIMEOUT, (long)seconds);
	bool reached = ask(s, "NOOP", out->fault, sizeof out->fault, &out->trouble);
	out->certificate_until = certificate_until(s->curl);
	if (curl_easy_getinfo(s->curl, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address)
		snprintf(out->address, sizeof out->address, "%s", address);
	if (reached && address_check(from, &err)) {
		snprintf(command, sizeof command, "MAIL FROM:<%.*s>", STR_ARG(from));
		out->sender_taken = ask(s, command, out->sender_answer, sizeof out->sender_answer, &trouble);
		(void)ask(s, "RSET", ignored, sizeof ignored, &trouble);
	}
	s->seen = NULL;
}
