#include "mailer/smtp_parts.h"

#include "engine/base/clock.h"

#include <poll.h>
#include <stdio.h>

enum { POLL_MS = 250 }; /* an abort is heard so soon */

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

bool smtp_wire_send(void *context, struct str bytes) {
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

size_t smtp_wire_receive(void *context, char *out, size_t cap) {
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
	return smtp_address(e->from, err) && smtp_address(e->to, err);
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
	if (!s->connected && !smtp_connect(s, result))
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
