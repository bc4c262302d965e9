#include "mailer/transport.h"

#include "engine/base/escape.h"
#include "engine/base/file.h"
#include "engine/workflow/data_members.h"
#include "engine/workflow/gsm.h"
#include "mailer/sms_template.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECT_SECONDS = 10,
	TOTAL_SECONDS = 30,
	DIGITS_MIN = 8, DIGITS_MAX = 15, /* E.164 with its calling code */
	TEXT_MAX = 2048,
	URL_MAX = 8192, HEADER_MAX = 1024, BODY_MAX = 32768,
	ANSWER_MAX = 4096, /* is looked at */
	ANSWER_MOST = 65536 /* is taken at all */
};

struct sms {
	CURL *curl;
	const struct sms_config *config;
	const struct gateway *gateway;
	size_t received;
	bool post;
	enum sms_place body_place;
	char token[512];
	struct buf answer;
	char fault[CURL_ERROR_SIZE];
	atomic_bool aborted;
};

static size_t take_answer(char *bytes, size_t size, size_t count, void *context) {
	struct sms *s = context;
	size_t len = size * count, room = ANSWER_MAX - s->answer.len;
	buf_add(&s->answer, bytes, len < room ? len : room);
	s->received += len;
	return s->received > ANSWER_MOST ? 0 : len;
}

static int take_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
	(void)a, (void)b, (void)c, (void)d;
	return atomic_load(&((struct sms *)context)->aborted);
}

/* The host must stand in the configuration, and plain http stays on this computer. */
static bool check_url(struct str url, struct err *err) {
	if (!escape_gate(url, URL_MAX, "sms.url", err))
		return false;
	struct str rest = url, scheme = str_cut(&rest, ':');
	struct str host = {rest.at + 2, rest.len > 2 ? rest.len - 2 : 0};
	if (!str_starts(rest, STR("//")) || !(str_is(scheme, "https") || str_is(scheme, "http")))
		return err_set(err, ERR_PERMANENT, "config.sms", "sms.url: expected https://...");
	for (size_t i = 0; i < host.len; i++)
		if (host.at[i] == '/' || host.at[i] == '?')
			host.len = i;
	if (host.len == 0 || memchr(host.at, '{', host.len) || memchr(host.at, '@', host.len))
		return err_set(err, ERR_PERMANENT, "config.sms", "sms.url: the host must be written out, without user or placeholder");
	struct str name = host.at[0] == '[' ? host : str_cut(&host, ':');
	bool local = str_is(name, "127.0.0.1") || str_is(name, "localhost") || str_starts(name, STR("[::1]"));
	if (str_is(scheme, "http") && !local)
		return err_set(err, ERR_PERMANENT, "config.sms", "sms.url: expected https, for names and codes would travel in clear text");
	return true;
}

static bool set_body(struct sms *s, struct err *err) {
	struct str type = s->gateway->content_type;
	s->post = s->gateway->body.len > 0;
	s->body_place = SMS_PLACE_FORM;
	if (!s->post || type.len == 0 || str_starts(type, STR("application/x-www-form-urlencoded")))
		return true;
	s->body_place = SMS_PLACE_JSON;
	if (str_starts(type, STR("application/json")))
		return escape_gate(type, HEADER_MAX, "content_type", err);
	return err_set(err, ERR_PERMANENT, "config.sms", "content_type: expected application/json or application/x-www-form-urlencoded");
}

static void set_manners(struct sms *s) {
	CURL *c = s->curl;
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TOTAL_SECONDS);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	/* On a kept connection that dies without an answer curl sends a request again by itself; nobody would know whether a person got two. */
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->fault);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, take_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
}

static bool add_header(struct curl_slist **list, const char *prefix, struct str template, const struct sms_fields *f, struct err *err) {
	struct buf line;
	buf_init(&line, HEADER_MAX * 2);
	buf_z(&line, prefix);
	bool ok = sms_template_fill(&line, template, SMS_PLACE_HEADER, f, err) && escape_gate(buf_text(&line), HEADER_MAX * 2, "an SMS gateway's header", err);
	if (ok) {
		*list = curl_slist_append(*list, line.at);
		BUG_IF(*list == NULL);
	}
	buf_free(&line);
	return ok;
}

/* A request made ready; all of it is freed by request_free, also after false. */
struct request {
	struct buf url, body;
	struct curl_slist *headers;
};

static void request_free(struct request *r) {
	buf_free(&r->url);
	buf_free(&r->body);
	curl_slist_free_all(r->headers);
}

static bool request_make(struct sms *s, const struct sms_fields *f, struct request *r, struct err *err) {
	*r = (struct request){0};
	buf_init(&r->url, URL_MAX);
	buf_init(&r->body, BODY_MAX);
	const struct gateway *g = s->gateway;
	bool ok = sms_template_fill(&r->url, g->url, SMS_PLACE_URL, f, err);
	if (g->query.len > 0)
		buf_char(&r->url, memchr(r->url.at, '?', r->url.len) ? '&' : '?');
	if (!ok || !sms_template_fill(&r->url, g->query, SMS_PLACE_URL, f, err) || !sms_template_fill(&r->body, g->body, s->body_place, f, err))
		return false;
	for (size_t i = 0; i < g->headers.count; i++)
		if (!add_header(&r->headers, "", g->headers.items[i], f, err))
			return false;
	struct str form = STR("application/x-www-form-urlencoded");
	struct str type = g->content_type.len ? g->content_type : form;
	return add_header(&r->headers, "Expect:", STR(""), f, err) && (!s->post || add_header(&r->headers, "Content-Type: ", type, f, err));
}

/* What every message has of the site's. */
static struct sms_fields fields_of_site(const struct sms *s) {
	return (struct sms_fields){.from = s->config->from, .user = s->config->user, .token = str_from(s->token)};
}

/* Finds wrong placeholders and missing values now, not at the first message. */
static bool probe(struct sms *s, struct err *err) {
	struct sms_fields f = fields_of_site(s);
	struct request r = {0};
	f.to = STR("+1"), f.digits = STR("1"), f.text = STR("x"), f.reference = STR("1"), f.report_url = STR("x");
	f.coding = s->gateway->gsm, f.minutes = STR("1"), f.seconds = STR("60");
	bool ok = request_make(s, &f, &r, err);
	request_free(&r);
	return ok;
}

struct sms *sms_open(const struct sms_config *config, const struct gateway *gateway, struct err *err) {
	struct sms *s = calloc(1, sizeof *s);
	BUG_IF(s == NULL);
	s->config = config;
	s->gateway = gateway;
	s->curl = curl_easy_init();
	BUG_IF(s->curl == NULL);
	buf_init(&s->answer, ANSWER_MAX);
	set_manners(s);
	bool known = config->token_file.len == 0 || file_read_secret(config->token_file.at, "sms.token_file", s->token, sizeof s->token, err);
	if (known && check_url(gateway->url, err) && set_body(s, err) && probe(s, err))
		return s;
	sms_close(s);
	return NULL;
}

void sms_close(struct sms *s) {
	if (!s)
		return;
	curl_easy_cleanup(s->curl);
	buf_free(&s->answer);
	explicit_bzero(s->token, sizeof s->token);
	free(s);
}

void sms_abort(struct sms *s) {
	atomic_store(&s->aborted, true);
}

static bool check_message(const struct sms_config *config, const struct sms_fields *f, enum fault *fault, struct err *err) {
	bool number = str_starts(f->to, STR("+")) && f->digits.len >= DIGITS_MIN && f->digits.len <= DIGITS_MAX;
	for (size_t i = 0; number && i < f->digits.len; i++)
		number = f->digits.at[i] >= '0' && f->digits.at[i] <= '9';
	*fault = number ? FAULT_NONE : FAULT_ADDRESS;
	if (!number)
		return err_set(err, ERR_INPUT, "phone.invalid", "the number is not of the form +4512345678");
	if (!config_texts_to(config, f->to))
		return err_set(err, ERR_DENIED, "phone.country", "the number's country is not in sms.allowed");
	if (f->text.len == 0 || f->text.len > TEXT_MAX || !str_utf8_valid(f->text) || memchr(f->text.at, '\0', f->text.len))
		return err_set(err, ERR_INPUT, "sms.text", "the text is empty, too long or broken");
	return escape_gate(f->reference, HEADER_MAX, "reference", err);
}

/* A gateway that is busy or does not know us may be asked again; one that lost touch with its own back end may have sent. */
static enum outcome outcome_of_status(long status, bool *configuration) {
	*configuration = false;
	switch (status) {
	case 408:
	case 429:
	case 500:
	case 503:
		return OUTCOME_LATER;
	case 502:
	case 504:
		return OUTCOME_UNKNOWN;
	case 401:
	case 402:
	case 403:
	case 404:
	case 405:
	case 407:
		*configuration = true;
		return OUTCOME_LATER;
	default:
		*configuration = status < 400;
		return status >= 500 ? OUTCOME_UNKNOWN : status >= 400 ? OUTCOME_NEVER : OUTCOME_LATER;
	}
}

/* The status is one that the description names, or it names none. */
static bool is_expected(const struct gateway *g, long status) {
	char text[24];
	snprintf(text, sizeof text, "%ld", status);
	size_t i = 0;
	while (i < g->success.status.count && !str_is(g->success.status.items[i], text))
		i++;
	return g->success.status.count == 0 || i < g->success.status.count;
}

/* A whole JSON answer without the member is a refusal; anything else may come from somebody in between, and nobody can know. */
static enum outcome outcome_of_json(const struct sms *s) {
	struct arena *a = arena_new();
	struct members members;
	struct err err;
	enum outcome outcome = OUTCOME_UNKNOWN;
	if (members_from_json(buf_text(&s->answer), a, &members, &err))
		outcome = members_get(&members, s->gateway->success.member).len > 0 ? OUTCOME_SENT : OUTCOME_NEVER;
	arena_free(a);
	return outcome;
}

static enum outcome outcome_of_success(const struct sms *s, long status) {
	const struct gateway *g = s->gateway;
	if (!is_expected(g, status))
		return OUTCOME_UNKNOWN;
	if (g->success.member.len > 0)
		return outcome_of_json(s);
	for (size_t i = 0; i < g->success.begins.count; i++)
		if (str_starts(str_trim(buf_text(&s->answer)), g->success.begins.items[i]))
			return OUTCOME_SENT;
	return g->success.begins.count > 0 ? OUTCOME_UNKNOWN : OUTCOME_SENT;
}

static bool says(const struct text_list *reasons, struct str told, bool whole) {
	for (size_t i = 0; i < reasons->count; i++)
		if (whole ? str_equal(told, reasons->items[i]) : str_starts(told, reasons->items[i]))
			return true;
	return false;
}

/* A refusal that is about the number, whatever the HTTP status: nobody who looks after the configuration can mend it. */
static enum fault fault_of_number(const struct sms *s) {
	const struct gateway *g = s->gateway;
	struct arena *a = arena_new();
	struct members members = {0};
	struct err err;
	bool named = g->refusal.member.len > 0;
	struct str told = str_trim(buf_text(&s->answer));
	if (named)
		told = members_from_json(told, a, &members, &err) ? members_get(&members, g->refusal.member) : STR("");
	enum fault fault = says(&g->refusal.no_number, told, named) ? FAULT_ADDRESS : says(&g->refusal.barred, told, named) ? FAULT_POLICY : FAULT_NONE;
	arena_free(a);
	return fault;
}

static void judge(struct sms *s, CURLcode code, struct transport_result *result) {
	long status = 0, sent = 0;
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(s->curl, CURLINFO_REQUEST_SIZE, &sent);
	result->code = status;
	result->configuration = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CACERT_BADFILE;
	result->early = status == 0 && sent == 0;
	if (status == 0)
		result->outcome = sent > 0 ? OUTCOME_UNKNOWN : OUTCOME_LATER;
	else if (status < 200 || status > 299)
		result->outcome = outcome_of_status(status, &result->configuration);
	else
		result->outcome = outcome_of_success(s, status);
	if (status > 0 && code == CURLE_OK && result->outcome != OUTCOME_SENT)
		result->fault = fault_of_number(s);
	if (result->fault != FAULT_NONE) {
		result->outcome = OUTCOME_NEVER;
		result->configuration = false;
	}
	const char *fault = s->fault[0] ? s->fault : curl_easy_strerror(code);
	transport_answer(result, s->answer.len > 0 ? buf_text(&s->answer) : str_from(code == CURLE_OK ? "" : fault));
	transport_hide(result, str_from(s->token));
}

static CURLcode perform(struct sms *s, const struct request *r) {
	curl_easy_setopt(s->curl, CURLOPT_URL, r->url.at);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, r->headers);
	if (s->post) {
		curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, r->body.at);
		curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
	}
	buf_clear(&s->answer);
	s->received = 0;
	s->fault[0] = '\0';
	CURLcode code = curl_easy_perform(s->curl);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, NULL);
	return code;
}

void sms_send(struct sms *s, const struct sms_message *message, struct transport_result *result) {
	*result = (struct transport_result){.outcome = OUTCOME_NEVER};
	struct str to = message->to;
	struct gsm_cost cost = gsm_cost(message->text);
	char minutes[24], seconds[24];
	snprintf(minutes, sizeof minutes, "%lld", (long long)(message->seconds < 60 ? 1 : message->seconds / 60));
	snprintf(seconds, sizeof seconds, "%lld", (long long)message->seconds);
	struct sms_fields f = fields_of_site(s);
	f.to = to, f.text = message->text, f.reference = message->reference, f.report_url = message->report_url;
	f.coding = cost.foreign ? s->gateway->ucs2 : s->gateway->gsm, f.minutes = str_from(minutes), f.seconds = str_from(seconds);
	f.digits = (struct str){to.at + (to.len > 0), to.len - (to.len > 0)};
	struct request r = {0};
	struct err err;
	if (check_message(s->config, &f, &result->fault, &err) && request_make(s, &f, &r, &err)) {
		CURLcode code = perform(s, &r);
		judge(s, code, result);
	} else {
		transport_answer(result, str_from(err.text));
	}
	request_free(&r);
}
