#include "mailer/compose.h"

#include "engine/base/escape.h"
#include "engine/store/access.h"
#include "engine/store/blobs.h"
#include "engine/workflow/gsm.h"
#include "engine/workflow/message_values.h"
#include "mailer/letter.h"

#include <string.h>

enum {
	BODY_LIMIT = 512 << 10,
	SMS_LIMIT = 4000,
	SUBJECT_CHARACTERS = 150,
	NAME_CHARACTERS = 80,
	CONTACT_CHARACTERS = 200,
	ADDRESS_MAX = 254,
	HEADER_MAX = 800
};

/* What a message is made from, while it is made. */
struct making {
	struct engine *engine;
	struct site *site;
	struct view *view;
	const struct outbox_row *row;
	struct arena *arena;
	struct composed *out;
	struct err *err;
};

/* What cannot be made today cannot be made tomorrow, but for a store that was busy. */
static bool for_good(struct err *err) {
	if (err->kind != ERR_TRANSIENT)
		err->kind = ERR_PERMANENT;
	return false;
}

/* At most `most` characters, so that a long value does not keep its message from being sent. */
static struct str shorten(struct arena *a, struct str s, size_t most) {
	size_t at = 0, fits = 0;
	for (size_t count = 0; at < s.len && count < most; count++) {
		fits = at;
		(void)str_utf8_next(s, &at);
	}
	return at == s.len ? s : arena_printf(a, "%.*s\xE2\x80\xA6", (int)fits, s.at);
}

static struct str link_url(const struct making *m, const char *path, struct str token) {
	return arena_printf(m->arena, "%.*s%s%.*s", STR_ARG(site_config(m->site)->base_url), path, STR_ARG(token));
}

/* "stafet.example.dk": to be typed, no link beside the one that counts. */
static struct str plain_address(struct str url) {
	const char *host = memmem(url.at, url.len, "://", 3);
	return host ? (struct str){host + 3, url.len - (size_t)(host + 3 - url.at)} : url;
}

/* A mail that says neither a case nor a link carries no address: beside a code there is nothing to press. With a link it does, and its addresses are of an even
 * number then: rspamd's URI_COUNT_ODD. */
static bool finish_mail(const struct making *m, const struct language *language, struct str reference, struct str markdown) {
	const struct site_config *config = site_config(m->site);
	struct composed *out = m->out;
	struct letter_frame frame = {
	        .language = language,
	        .site = config->name,
	        .contact = local_text_in(&config->contact, language_code(language)),
	        .subject = out->subject,
	        .colour = config->colour,
	        .reference = reference,
	        .front = reference.len > 0 || out->url.len > 0 ? plain_address(config->base_url) : STR(""),
	};
	return letter_write(&frame, markdown, m->arena, &out->text, &out->html, m->err);
}

/* messages of a package */

/* The row's link; its address becomes that of the message. */
static bool load_link(const struct making *m, struct link *link) {
	if (!link_load(m->view, m->row->link_id, m->arena, link, m->err))
		return for_good(m->err);
	struct str token = engine_token(m->engine, link, m->arena);
	if (token.len == 0)
		return err_set(m->err, ERR_PERMANENT, "keys.missing", "the key file has no key %lld; restore it from its copy", (long long)link->key_id);
	m->out->url = link_url(m, "/l/", token);
	return true;
}

static bool find_link(const struct making *m, struct message_values *values) {
	struct link link;
	if (!m->row->has_link)
		return true;
	if (!load_link(m, &link))
		return false;
	values->url = m->out->url;
	values->link_expires_at = link.expires_at;
	return true;
}

static bool find_fields(const struct making *m, struct instance *instance, struct message_values *values) {
	const struct register_port *port = values->registers;
	if (!instance_load(m->view, m->row->instance_id, m->arena, instance, m->err))
		return for_good(m->err);
	values->definition = site_definition(m->site, m->view, instance->definition, m->err);
	if (!values->definition)
		return for_good(m->err);
	struct value *fields = ARENA_ARRAY(m->arena, values->definition->fields.count, struct value);
	values->fields = fields;
	return data_from_json(values->definition, m->row->data, port, m->arena, fields, m->err) || for_good(m->err);
}

static bool render(const struct making *m, const struct template *t, enum template_target target, size_t limit, struct message_values *values, struct str *out) {
	struct template_source source = {values, message_value};
	struct buf text;
	buf_init(&text, limit);
	bool ok = template_render(t, target, &source, m->arena, &text, m->err) || for_good(m->err);
	*out = arena_str(m->arena, ok ? str_trim(buf_text(&text)) : STR(""));
	buf_free(&text);
	return ok;
}

static bool make_mail(const struct making *m, const struct message *message, struct message_values *values) {
	struct str subject = STR(""), markdown;
	if (message->subject && !render(m, message->subject, TEMPLATE_HEADER, BODY_LIMIT, values, &subject))
		return false;
	if (!render(m, message->body, TEMPLATE_MARKDOWN, BODY_LIMIT, values, &markdown))
		return false;
	if (subject.len == 0)
		subject = texts_get(values->texts, message->language, "title");
	m->out->subject = shorten(m->arena, subject, SUBJECT_CHARACTERS);
	return finish_mail(m, values->language, values->instance->reference, markdown);
}

static bool make_of_package(const struct making *m) {
	const struct outbox_row *row = m->row;
	const struct package *package = site_package(m->site, row->workflow);
	const struct message *message = package ? texts_message(package->texts, row->message, row->channel, row->language) : NULL;
	if (!message)
		return err_set(m->err, ERR_PERMANENT, "error.internal", "workflow '%.*s' has no message '%.*s' for %s", STR_ARG(row->workflow), STR_ARG(row->message),
		               row->channel == CHANNEL_SMS ? "SMS" : "mail");
	struct instance instance;
	struct register_port registers = data_store_port(m->view);
	struct message_values values = {
	        .site = m->site,
	        .texts = package->texts,
	        .language = language_get(site_languages(m->site), message->language),
	        .role = row->role,
	        .recipient = row->recipient_name.len > 0 ? row->recipient_name : row->recipient,
	        .instance = &instance,
	        .registers = &registers,
	};
	m->out->language = language_code(values.language);
	if (!find_fields(m, &instance, &values) || !find_link(m, &values))
		return false;
	return row->channel == CHANNEL_SMS ? render(m, message->body, TEMPLATE_SMS, SMS_LIMIT, &values, &m->out->text) : make_mail(m, message, &values);
}

/* documents */

static bool read_blob(const struct making *m, const struct document *d, struct str *bytes) {
	char *all = arena_alloc(m->arena, (size_t)d->size + 1);
	for (int64_t at = 0; at < d->size;) {
		struct str piece;
		if (!blob_read(m->view, d->blob_id, at, m->arena, &piece, m->err))
			return for_good(m->err);
		if (piece.len == 0 || (int64_t)piece.len > d->size - at)
			return err_set(m->err, ERR_PERMANENT, "error.internal", "the file of document %lld is not whole", (long long)d->id);
		memcpy(all + at, piece.at, piece.len);
		at += (int64_t)piece.len;
	}
	*bytes = (struct str){all, (size_t)d->size};
	return true;
}

static bool fits(const struct making *m, const struct document_list *list) {
	int64_t size = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct document *d = &list->items[i];
		if (d->state != DOCUMENT_READY)
			return err_set(m->err, ERR_TRANSIENT, "error.busy", "its document %lld (%.*s) is not ready", (long long)d->id, STR_ARG(d->name));
		size += d->size;
	}
	return size <= COMPOSE_ATTACHED || err_set(m->err, ERR_PERMANENT, "error.too-large", "its documents have %lld bytes, and a mail may carry %d", (long long)size, COMPOSE_ATTACHED);
}

static bool attach(const struct making *m) {
	struct document_list list;
	if (!attachment_list(m->view, m->row->id, m->arena, &list, m->err))
		return for_good(m->err);
	if (!fits(m, &list))
		return false;
	m->out->attached = ARENA_ARRAY(m->arena, list.count, struct attached);
	for (size_t i = 0; i < list.count; i++) {
		struct attached *one = &m->out->attached[m->out->attached_count++];
		one->name = list.items[i].file;
		one->type = STR("application/pdf");
		if (!read_blob(m, &list.items[i], &one->bytes))
			return false;
	}
	return true;
}

/* messages of the product's own */

/* As the page of the log-in derives it too. */
static bool log_in_code(const struct making *m, const struct login *login, struct str *code) {
	char digits[9];
	if (!code_make(site_keys(m->site), login->key_id, login->id, login->address, login->digits, digits))
		return err_set(m->err, ERR_PERMANENT, "error.internal", "the key file has no key %lld", (long long)login->key_id);
	*code = arena_str(m->arena, str_from(digits));
	return true;
}

static bool log_in_url(const struct making *m, const struct login *login, struct str *url) {
	char token[SECRET_TOKEN + 1];
	if (!token_make(site_keys(m->site), login->key_id, "login", login->id, token))
		return err_set(m->err, ERR_PERMANENT, "error.internal", "the key file has no key %lld", (long long)login->key_id);
	*url = link_url(m, "/home/otplogin?link=", str_from(token));
	return true;
}

/* The last line binds the code to our pages, for phones that fill it in (origin-bound one-time codes). Where all of it would not be one part, the name goes. */
static struct str sms_of_code(const struct making *m, const struct language *language, const struct login *login, struct str code) {
	const struct site_config *config = site_config(m->site);
	struct str until = language_datetime(language, m->arena, zone_local(site_zone(m->site), login->expires_at)), host = config->base_url;
	struct str text = language_text(language, m->arena, "sms.act-code", code, until);
	uint32_t foreign;
	str_cut(&host, '/');
	str_cut(&host, '/');
	host = str_cut(&host, '/');
	struct str name = str_cut(&host, ':');
	struct str last = arena_printf(m->arena, "@%.*s #%.*s", STR_ARG(name), STR_ARG(code));
	struct str whole = arena_printf(m->arena, "%.*s: %.*s\n\n%.*s", STR_ARG(config->name), STR_ARG(text), STR_ARG(last));
	if (gsm_septets(whole, &foreign) > GSM_PART || foreign)
		whole = arena_printf(m->arena, "%.*s\n\n%.*s", STR_ARG(text), STR_ARG(last));
	return whole;
}

static void make_sms(const struct making *m, struct str text) {
	struct buf out;
	buf_init(&out, SMS_LIMIT);
	escape_sms(&out, str_trim(text));
	m->out->text = arena_str(m->arena, buf_text(&out));
	buf_free(&out);
}

static struct str first_text(const struct answers *answers, const char *name) {
	const struct answer *found = answers_get(answers, str_from(name));
	return found && found->texts.count > 0 ? found->texts.items[0] : STR("");
}

/* "Firefox på Windows", or that nobody knows. */
static bool browser_words(const struct making *m, const struct language *language, struct str *words) {
	struct answers agent;
	if (!answers_from_json(m->row->data, m->arena, &agent, m->err))
		return for_good(m->err);
	struct str browser = first_text(&agent, "browser"), system = first_text(&agent, "system");
	const char *key = browser.len == 0 ? "mail.new-unknown" : system.len == 0 ? "mail.new-browser-only" : "mail.new-browser";
	*words = language_text(language, m->arena, key, browser, system);
	return true;
}

/* The words that stand in a message of our own: {{0}} and {{1}} of its text. */
static bool fill_own(const struct making *m, const struct language *language, const struct login *login, struct str words[2]) {
	bool told = str_is(m->row->message, "login-new"), by_link = str_is(m->row->message, "login-link");
	words[1] = language_datetime(language, m->arena, zone_local(site_zone(m->site), told ? login->used_at : login->expires_at));
	words[0] = STR("");
	if (told)
		return browser_words(m, language, &words[0]);
	if (str_is(m->row->message, "login-guessed"))
		return true;
	return by_link ? log_in_url(m, login, &words[0]) : log_in_code(m, login, &words[0]);
}

static const struct own_message {
	const char *name, *subject, *text;
} own_messages[] = {
        {"login-code", "mail.code-subject", "mail.code-text"},
        {"login-link", "mail.link-subject", "mail.link-text"},
        {"login-new", "mail.new-subject", "mail.new-text"},
        {"login-guessed", "mail.guessed-subject", "mail.guessed-text"},
        {"act-code", "mail.act-subject", "mail.act-text"},
};

static const struct own_message *find_own(struct str name) {
	for (size_t i = 0; i < sizeof own_messages / sizeof *own_messages; i++)
		if (str_is(name, own_messages[i].name))
			return &own_messages[i];
	return NULL;
}

static struct str in_markdown(struct arena *a, struct str text) {
	struct buf out;
	buf_init(&out, BODY_LIMIT);
	escape_markdown(&out, text);
	struct str escaped = arena_str(a, buf_text(&out));
	buf_free(&out);
	return escaped;
}

/* What the person knows the link by: the subject of the mail that brought it, which nobody who did not get that mail sees. */
static void find_known(const struct making *m, const struct link *link, struct str *title, struct str *reference) {
	struct outbox_row row;
	struct instance instance;
	struct composed mail = {0};
	struct err unread;
	struct making first = {m->engine, m->site, m->view, &row, m->arena, &mail, &unread};
	bool found = false;
	if (link->instance_id == 0 || !instance_load(m->view, link->instance_id, m->arena, &instance, &unread))
		return;
	*reference = instance.reference;
	if (!outbox_of_link(m->view, link->instance_id, link->id, m->arena, &row, &found, &unread) || !found || row.workflow.len == 0)
		return;
	row.language = m->row->language;
	if (row.channel == CHANNEL_MAIL && make_of_package(&first))
		*title = mail.subject;
}

/* "Save and finish later": the link, and what it is about; nothing of the answers. Of a form that was not sent yet only the package's title: who typed the
 * address may be a stranger to it. */
static bool make_later(const struct making *m) {
	const struct language *language = language_get(site_languages(m->site), m->row->language);
	struct link link;
	if (!load_link(m, &link))
		return false;
	const struct package *package = site_package(m->site, link.workflow);
	struct str title = package ? texts_get(package->texts, language_code(language), "title") : link.workflow, reference = STR("");
	m->out->language = language_code(language);
	if (m->row->channel != CHANNEL_MAIL) {
		make_sms(m, language_text(language, m->arena, "mail.later-sms", m->out->url, title));
		return true;
	}
	find_known(m, &link, &title, &reference);
	m->out->subject = shorten(m->arena, language_text(language, m->arena, "mail.later-subject", title, STR("")), SUBJECT_CHARACTERS);
	return finish_mail(m, language, reference, language_text(language, m->arena, "mail.later-text", m->out->url, in_markdown(m->arena, title)));
}

/* To a number that nobody here has texted. */
static bool make_for_stranger(const struct making *m) {
	const struct site_config *config = site_config(m->site);
	const struct language *language = language_get(site_languages(m->site), m->row->language);
	struct str contact = shorten(m->arena, local_text_in(&config->contact, language_code(language)), CONTACT_CHARACTERS);
	m->out->language = language_code(language);
	make_sms(m, language_text(language, m->arena, "sms.stranger", config->name, contact));
	return true;
}

/* What kept it from starting: the field's name and what the gate says of it. */
static struct str reason(const struct making *m, const struct language *language, const struct package *package, const struct answers *data) {
	struct str key = first_text(data, "problem"), field = first_text(data, "field"), first = first_text(data, "first"), second = first_text(data, "second");
	if (str_is(key, "field.missing"))
		return language_word(language, "mail.not-taken-empty");
	struct str label = package ? texts_at(package->texts, language_code(language), STR("fields"), field, STR("label"), STR("")) : STR("");
	struct str why = language_text(language, m->arena, arena_z(m->arena, key), first, second);
	return label.len > 0 ? arena_printf(m->arena, "%.*s: %.*s", STR_ARG(label), STR_ARG(why)) : why;
}

static bool make_not_taken(const struct making *m) {
	const struct language *language = language_get(site_languages(m->site), m->row->language);
	struct answers data;
	if (!answers_from_json(m->row->data, m->arena, &data, m->err))
		return for_good(m->err);
	const struct package *package = site_package(m->site, first_text(&data, "workflow"));
	struct str why = reason(m, language, package, &data);
	m->out->language = language_code(language);
	if (m->row->channel == CHANNEL_SMS) {
		make_sms(m, language_text(language, m->arena, "sms.not-taken", site_config(m->site)->name, why));
		return true;
	}
	bool open = package && package->definition->start.open;
	struct str text = language_text(language, m->arena, "mail.not-taken-text", in_markdown(m->arena, why), STR(""));
	if (open) {
		m->out->url = link_url(m, "/start/", package->definition->name);
		struct str form = language_text(language, m->arena, "mail.not-taken-form", m->out->url, STR(""));
		text = arena_printf(m->arena, "%.*s\n%.*s", STR_ARG(text), STR_ARG(form));
	}
	m->out->subject = language_word(language, "mail.not-taken-subject");
	return finish_mail(m, language, STR(""), text);
}

static bool make_own(const struct making *m) {
	if (str_is(m->row->message, COMPOSE_NOT_TAKEN))
		return make_not_taken(m);
	if (m->row->channel == CHANNEL_SMS && str_is(m->row->message, COMPOSE_STRANGER))
		return make_for_stranger(m);
	if (m->row->has_link && str_is(m->row->message, "later"))
		return make_later(m);
	const struct own_message *own = find_own(m->row->message);
	const struct language *language = language_get(site_languages(m->site), m->row->language);
	struct login login;
	struct str words[2];
	if (!m->row->has_link || !own)
		return err_set(m->err, ERR_PERMANENT, "error.internal", "there is no message '%.*s'", STR_ARG(m->row->message));
	if (!login_load(m->view, m->row->link_id, m->arena, &login, m->err))
		return for_good(m->err);
	if (!fill_own(m, language, &login, words))
		return false;
	struct str text = language_text(language, m->arena, own->text, words[0], words[1]);
	m->out->language = language_code(language);
	m->out->subject = language_word(language, own->subject);
	m->out->url = str_is(m->row->message, "login-link") ? words[0] : STR("");
	if (m->row->channel == CHANNEL_MAIL)
		return finish_mail(m, language, STR(""), text);
	make_sms(m, str_is(m->row->message, "act-code") ? sms_of_code(m, language, &login, words[0]) : text);
	return true;
}

/* Nothing that stands in a header or an envelope may leave without this. */
static bool pass_gate(const struct composed *out, struct err *err) {
	return escape_gate(out->to, ADDRESS_MAX, "the recipient", err) && escape_gate(out->to_name, HEADER_MAX, "the recipient's name", err) &&
	       escape_gate(out->subject, HEADER_MAX, "the subject", err) && escape_gate(out->message_id, ADDRESS_MAX, "the Message-ID", err) &&
	       escape_gate(out->thread, ADDRESS_MAX, "the thread", err);
}

bool compose_message(struct engine *engine, struct site *site, struct view *v, const struct outbox_row *row, struct arena *a, struct composed *out,
                     struct err *err) {
	struct making m = {engine, site, v, row, a, out, err};
	*out = (struct composed){
	        .channel = row->channel,
	        .to = row->recipient,
	        .to_name = shorten(a, row->recipient_name, NAME_CHARACTERS),
	        .subject = STR(""),
	        .text = STR(""),
	        .html = STR(""),
	        .message_id = row->message_id,
	        .thread = row->thread,
	        .url = STR(""),
	};
	if (row->workflow.len > 0 ? !make_of_package(&m) : !make_own(&m))
		return false;
	if (row->channel == CHANNEL_SMS)
		out->subject = STR("");
	return (row->channel == CHANNEL_SMS || attach(&m)) && pass_gate(out, err);
}
