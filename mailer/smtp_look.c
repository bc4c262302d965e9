#include "mailer/smtp_parts.h"

#include "engine/base/clock.h"
#include "mailer/certificate.h"

#include <stdio.h>

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
	if (s->connected && smtp_address(from, &err)) {
		s->reply_ms = seconds * INT64_C(1000);
		s->total_at = clock_monotonic() + 2 * s->reply_ms;
		dialog_open(&s->dialog, &(struct dialog_wire){smtp_wire_send, smtp_wire_receive, s}, false);
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
