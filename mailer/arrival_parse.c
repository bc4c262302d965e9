/* Inside the child: header lines and parts by libetpan, everything else by what RFC 3464, 3834 and 6522 say. */
#include "mailer/arrival_parts.h"

#include "engine/base/address.h"
#include "mailer/html_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADERS = 1000, VALUE = 16 << 10, SUBJECT = 2000, DEPTH = 50, LINE = 500, PARTS = 200 };

struct header {
	struct str name, value; /* unfolded */
};
struct headers {
	struct header *items;
	size_t count, cap;
};

/* --- text --- */

/* What people may see: UTF-8, no control characters; line ends only where they are wanted. */
static struct str line_of(struct arena *a, struct str text) {
	return arrival_clean(a, text, false, LINE);
}

static struct str lower(struct arena *a, struct str text) {
	struct str copy = arena_str(a, text);
	for (size_t i = 0; i < copy.len; i++)
		((char *)copy.at)[i] = (char)tolower((unsigned char)copy.at[i]);
	return copy;
}

static bool holds(struct str text, const char *word) {
	size_t len = strlen(word);
	for (size_t i = 0; i + len <= text.len; i++)
		if (strncasecmp(text.at + i, word, len) == 0)
			return true;
	return false;
}

/* --- headers --- */

static struct str unfold(struct arena *a, const char *value) {
	char *line = arena_z(a, str_from(value));
	size_t len = 0;
	for (const char *at = value; *at && len < VALUE;) {
		size_t blanks = strspn(at, " \t\r\n");
		line[len++] = blanks > 0 ? ' ' : *at;
		at += blanks > 0 ? blanks : 1;
	}
	return str_trim((struct str){line, len});
}

/* The header lines that *text begins with, and one empty line behind them; false: there are none. */
static bool read_headers(struct arena *a, struct str *text, struct headers *out) {
	struct mailimf_fields *fields = NULL;
	size_t at = 0;
	*out = (struct headers){0};
	if (text->len == 0 || mailimf_optional_fields_parse(text->at, text->len, &at, &fields) != MAILIMF_NO_ERROR)
		return false;
	for (clistiter *i = clist_begin(fields->fld_list); i && out->count < HEADERS; i = clist_next(i)) {
		const struct mailimf_field *field = clist_content(i);
		if (field->fld_type != MAILIMF_FIELD_OPTIONAL_FIELD)
			continue;
		struct header *h = ARENA_PUSH(a, out);
		h->name = arena_str(a, str_from(field->fld_data.fld_optional_field->fld_name));
		h->value = unfold(a, field->fld_data.fld_optional_field->fld_value);
	}
	mailimf_fields_free(fields);
	mailimf_crlf_parse(text->at, text->len, &at);
	*text = (struct str){text->at + at, text->len - at};
	return out->count > 0;
}

static bool named(const struct header *h, const char *name) {
	return h->name.len == strlen(name) && strncasecmp(h->name.at, name, h->name.len) == 0;
}

static const struct header *find(const struct headers *headers, const char *name) {
	for (size_t i = 0; i < headers->count; i++)
		if (named(&headers->items[i], name))
			return &headers->items[i];
	return NULL;
}

static struct str value_of(const struct headers *headers, const char *name) {
	const struct header *h = find(headers, name);
	return h ? h->value : STR("");
}

/* Each "<...>" of it. */
static void add_ids(struct arena *a, struct str value, struct arrival_words *out) {
	while (value.len > 0 && out->count < ARRIVAL_LIST) {
		str_cut(&value, '<');
		struct str id = str_cut(&value, '>');
		if (id.len > 0 && id.len <= 250)
			*(struct str *)ARENA_PUSH(a, out) = line_of(a, arena_printf(a, "<%.*s>", STR_ARG(id)));
	}
}

static void add_address(struct arena *a, const char *typed, struct arrival_words *out) {
	struct str normal;
	struct err err;
	if (typed && out->count < ARRIVAL_LIST && address_email(a, str_trim(str_from(typed)), &normal, &err))
		*(struct str *)ARENA_PUSH(a, out) = normal;
}

static void add_mailboxes(struct arena *a, const clist *mailboxes, struct arrival_words *out) {
	for (clistiter *i = mailboxes ? clist_begin(mailboxes) : NULL; i; i = clist_next(i))
		add_address(a, ((struct mailimf_mailbox *)clist_content(i))->mb_addr_spec, out);
}

static void add_addresses(struct arena *a, struct str value, struct arrival_words *out) {
	struct mailimf_address_list *list = NULL;
	size_t at = 0;
	if (value.len == 0 || mailimf_address_list_parse(value.at, value.len, &at, &list) != MAILIMF_NO_ERROR)
		return;
	for (clistiter *i = clist_begin(list->ad_list); i; i = clist_next(i)) {
		const struct mailimf_address *address = clist_content(i);
		if (address->ad_type == MAILIMF_ADDRESS_MAILBOX)
			add_address(a, address->ad_data.ad_mailbox->mb_addr_spec, out);
		else if (address->ad_type == MAILIMF_ADDRESS_GROUP && address->ad_data.ad_group->grp_mb_list)
			add_mailboxes(a, address->ad_data.ad_group->grp_mb_list->mb_list, out);
	}
	mailimf_address_list_free(list);
}

struct str text_of_words(struct arena *a, struct str value) {
	char *text = NULL;
	size_t at = 0;
	value.len = value.len < SUBJECT ? value.len : SUBJECT; /* libetpan takes the square of its time */
	if (value.len == 0 || mailmime_encoded_phrase_parse("UTF-8", value.at, value.len, &at, "UTF-8", &text) != MAILIMF_NO_ERROR || !text)
		return line_of(a, value);
	struct str decoded = line_of(a, str_from(text));
	free(text);
	return decoded;
}

/* RFC 3834 section 5, and what absence notes of widespread programs say instead of it. */
static bool is_automatic(const struct headers *h, struct str from) {
	static const char *const any[] = {"X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Autoresponder", "List-Id", "List-Unsubscribe", "Feedback-ID", "X-Failed-Recipients", NULL};
	static const char *const senders[] = {"mailer-daemon@", "postmaster@", "noreply@", "no-reply@", "bounce", NULL};
	struct str submitted = value_of(h, "Auto-Submitted"), precedence = value_of(h, "Precedence");
	if (submitted.len > 0 && !(submitted.len >= 2 && strncasecmp(submitted.at, "no", 2) == 0 && (submitted.len == 2 || strchr(" ;(", submitted.at[2]))))
		return true;
	if (holds(precedence, "bulk") || holds(precedence, "junk") || holds(precedence, "list") || holds(precedence, "auto_reply"))
		return true;
	if (str_is(value_of(h, "Return-Path"), "<>") || value_of(h, "X-Auto-Response-Suppress").len > 0)
		return true;
	for (size_t i = 0; any[i]; i++)
		if (find(h, any[i]))
			return true;
	for (size_t i = 0; senders[i]; i++)
		if (from.len >= strlen(senders[i]) && strncasecmp(from.at, senders[i], strlen(senders[i])) == 0)
			return true;
	return false;
}

static void read_top(struct reading *r, const struct headers *h) {
	static const char *const recipients[] = {"Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc", NULL};
	struct arrival *out = r->out;
	struct arrival_words ids = {0}, from = {0};
	add_ids(r->a, value_of(h, "Message-ID"), &ids);
	out->message_id = ids.count > 0 ? ids.items[0] : STR("");
	add_addresses(r->a, value_of(h, "From"), &from);
	out->from = from.count > 0 ? from.items[0] : STR("");
	out->subject = text_of_words(r->a, value_of(h, "Subject"));
	for (size_t i = 0; recipients[i]; i++)
		for (size_t k = 0; k < h->count; k++)
			if (named(&h->items[k], recipients[i]))
				add_addresses(r->a, h->items[k].value, &out->to);
	add_ids(r->a, value_of(h, "In-Reply-To"), &out->refers);
	add_ids(r->a, value_of(h, "References"), &out->refers);
	out->kind = is_automatic(h, out->from) ? ARRIVAL_AUTOMATIC : ARRIVAL_PERSON;
}

/* --- parts --- */

bool part_is(const struct mailmime *part, int composite, int discrete, const char *subtype) {
	const struct mailmime_content *c = part->mm_content_type;
	if (!c || !c->ct_type || !c->ct_subtype || strcasecmp(c->ct_subtype, subtype) != 0)
		return false;
	if (c->ct_type->tp_type == MAILMIME_TYPE_COMPOSITE_TYPE)
		return composite != 0 && c->ct_type->tp_data.tp_composite_type->ct_type == composite;
	return discrete != 0 && c->ct_type->tp_data.tp_discrete_type->dt_type == discrete;
}

/* libetpan 1.9.4 reads some bytes past the end of quoted-printable that breaks off behind "=". */
static const char *with_room_behind(struct arena *a, const char *bytes, size_t len) {
	char *copy = arena_alloc(a, len + 16);
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

struct str part_body(struct arena *a, const struct mailmime *part) {
	const struct mailmime_data *body = part->mm_body;
	char *bytes = NULL;
	size_t at = 0, len = 0;
	if (!body || body->dt_type != MAILMIME_DATA_TEXT)
		return STR("");
	const char *encoded = with_room_behind(a, body->dt_data.dt_text.dt_data, body->dt_data.dt_text.dt_length);
	if (mailmime_part_parse(encoded, body->dt_data.dt_text.dt_length, &at, body->dt_encoding, &bytes, &len) != MAILIMF_NO_ERROR || !bytes)
		return STR("");
	struct str copy = arena_str(a, (struct str){bytes, len});
	mmap_string_unref(bytes);
	return copy;
}

struct str text_in_utf8(struct arena *a, struct str bytes, const char *charset) {
	char *text = NULL;
	size_t len = 0;
	if (!charset || bytes.len == 0 || strcasecmp(charset, "utf-8") == 0 || charconv_buffer("UTF-8", charset, bytes.at, bytes.len, &text, &len) != MAIL_CHARCONV_NO_ERROR)
		return bytes;
	struct str copy = arena_str(a, (struct str){text, len});
	charconv_buffer_free(text);
	return copy;
}

struct str part_text(struct arena *a, const struct mailmime *part) {
	const char *charset = part->mm_content_type ? mailmime_content_charset_get(part->mm_content_type) : NULL;
	return text_in_utf8(a, part_body(a, part), charset);
}

static void read_text(struct reading *r, const struct mailmime *part) {
	if (r->out->text.len > 0)
		return;
	r->out->text = arrival_clean(r->a, part_text(r->a, part), true, ARRIVAL_TEXT);
}

/* libetpan's own answer is us-ascii where nothing is said. */
static const char *charset_said(const struct mailmime_content *c) {
	for (clistiter *i = c && c->ct_parameters ? clist_begin(c->ct_parameters) : NULL; i; i = clist_next(i)) {
		const struct mailmime_parameter *parameter = clist_content(i);
		if (strcasecmp(parameter->pa_name, "charset") == 0)
			return parameter->pa_value;
	}
	return NULL;
}

/* What a program wrote that sends no text beside it. */
static void read_html(struct reading *r) {
	struct str text = html_text(r->a, part_body(r->a, r->html), charset_said(r->html->mm_content_type));
	r->out->text = arrival_clean(r->a, text, true, ARRIVAL_TEXT);
}

/* "rfc822; ann@example.org" */
static struct str typed_value(struct arena *a, struct str value) {
	struct str rest = value;
	str_cut(&rest, ';');
	return line_of(a, str_trim(rest));
}

static void read_status(struct reading *r, struct str text) {
	struct headers block;
	r->report = true;
	while (r->out->reports.count < ARRIVAL_LIST && read_headers(r->a, &text, &block)) {
		struct str recipient = value_of(&block, "Final-Recipient"), action = value_of(&block, "Action");
		if (recipient.len == 0)
			recipient = value_of(&block, "Original-Recipient");
		if (recipient.len == 0 && action.len == 0)
			continue; /* the block about the message */
		struct arrival_report *report = ARENA_PUSH(r->a, &r->out->reports);
		report->recipient = typed_value(r->a, recipient);
		report->action = lower(r->a, line_of(r->a, str_cut(&action, ' ')));
		report->status = line_of(r->a, value_of(&block, "Status"));
		report->answer = typed_value(r->a, value_of(&block, "Diagnostic-Code"));
	}
}

static void read_original(struct reading *r, struct str text) {
	struct headers h;
	struct arrival_words ids = {0};
	if (r->out->original_id.len > 0 || !read_headers(r->a, &text, &h))
		return;
	add_ids(r->a, value_of(&h, "Message-ID"), &ids);
	if (ids.count > 0)
		r->out->original_id = ids.items[0];
}

static void read_single(struct reading *r, const struct mailmime *part) {
	if (part_is(part, MAILMIME_COMPOSITE_TYPE_MESSAGE, 0, "delivery-status") || part_is(part, MAILMIME_COMPOSITE_TYPE_MESSAGE, 0, "global-delivery-status"))
		read_status(r, part_body(r->a, part));
	else if (part_is(part, 0, MAILMIME_DISCRETE_TYPE_TEXT, "rfc822-headers"))
		read_original(r, part_body(r->a, part));
	else if (!files_note(r, part) && (!part->mm_content_type || part_is(part, 0, MAILMIME_DISCRETE_TYPE_TEXT, "plain")))
		read_text(r, part);
}

/* A message within the mail is what came back; its own parts are nobody's answer. */
static void read_part(struct reading *r, const struct mailmime *part, int depth) {
	if (!part || depth > DEPTH || r->parts++ > PARTS)
		return;
	if (part->mm_type == MAILMIME_SINGLE)
		read_single(r, part);
	else if (part->mm_type == MAILMIME_MESSAGE && part->mm_body && part->mm_body->dt_type == MAILMIME_DATA_TEXT) {
		read_original(r, (struct str){part->mm_body->dt_data.dt_text.dt_data, part->mm_body->dt_data.dt_text.dt_length});
		files_note(r, part);
	}
	for (clistiter *i = part->mm_type == MAILMIME_MULTIPLE ? clist_begin(part->mm_data.mm_multipart.mm_mp_list) : NULL; i; i = clist_next(i))
		read_part(r, clist_content(i), depth + 1);
}

static bool begins(struct str line, const char *with) {
	return line.len >= strlen(with) && strncasecmp(line.at, with, strlen(with)) == 0;
}

/* Where the mail that is answered begins: "> ", "Den ... skrev Bo:", "-----Oprindelig meddelelse-----", a line of underscores, "Fra: Bo" as Outlook writes it. */
static bool begins_quote(struct str line, struct str next) {
	struct str text = str_trim(line);
	bool ends = text.len > 0 && text.at[text.len - 1] == ':';
	bool wrote = ends && (holds(text, " wrote:") || holds(text, "skrev") || holds(text, "schrieb"));
	bool outlook = (begins(text, "Fra: ") || begins(text, "From: ")) && (begins(next, "Sendt: ") || begins(next, "Sent: ") || begins(next, "Dato: ") || begins(next, "Date: ") || begins(next, "Til: ") || begins(next, "To: "));
	return begins(text, ">") || wrote || outlook || begins(text, "-----O") || begins(text, "________") || begins(text, "-- Oprindelig");
}

/* "Den 21. nov. kl. 10 skrev Bo\n<bo@firma.example>:" stands on two lines. */
static bool begins_long(struct str line, struct str next) {
	struct str text = str_trim(next);
	bool date = begins(line, "Den ") || begins(line, "On ");
	return date && text.len > 0 && text.at[text.len - 1] == ':' && (holds(line, "skrev") || holds(text, "skrev") || holds(text, " wrote:") || holds(line, " wrote"));
}

static struct str own_words(struct str text) {
	struct str rest = text;
	while (rest.len > 0) {
		const char *start = rest.at;
		struct str line = str_cut(&rest, '\n'), after = rest, next = str_cut(&after, '\n');
		if (begins_quote(line, next) || begins_long(line, next))
			return str_trim((struct str){text.at, (size_t)(start - text.at)});
	}
	return text;
}

/* "5.1.1" or "4.2.2" as it stands among other words. */
static struct str status_in(struct str text) {
	for (size_t i = 0; i + 5 <= text.len; i++) {
		const char *s = text.at + i;
		bool alone = i == 0 || !isalnum((unsigned char)s[-1]);
		if (!alone || (s[0] != '4' && s[0] != '5') || s[1] != '.' || !isdigit((unsigned char)s[2]) || s[3] != '.' || !isdigit((unsigned char)s[4]))
			continue;
		size_t len = 5;
		while (i + len < text.len && len < 9 && isdigit((unsigned char)s[len]))
			len++;
		return (struct str){s, len};
	}
	return STR("");
}

/* A mail server that writes in its own way (Exim): whom it did not reach, and a code in its text. */
static void read_plain_bounce(struct reading *r, const struct headers *h) {
	struct arrival_words failed = {0};
	add_addresses(r->a, value_of(h, "X-Failed-Recipients"), &failed);
	struct str status = status_in(r->out->text);
	for (size_t i = 0; i < failed.count; i++) {
		struct arrival_report *report = ARENA_PUSH(r->a, &r->out->reports);
		*report = (struct arrival_report){failed.items[i], STR("failed"), status, STR("")};
	}
	r->report = failed.count > 0;
}

bool arrival_parse(struct arena *a, struct str raw, struct arrival *out) {
	struct reading r = {.a = a, .out = out};
	struct mailmime *mime = NULL;
	struct headers top;
	struct str rest = raw;
	size_t at = 0;
	*out = (struct arrival){0};
	mmap_string_set_ceil(SIZE_MAX); /* no files of libetpan's own for what is large */
	if (!read_headers(a, &rest, &top))
		return false;
	read_top(&r, &top);
	if (mailmime_parse(raw.at, raw.len, &at, &mime) != MAILIMF_NO_ERROR)
		return false;
	if (mime->mm_type == MAILMIME_MESSAGE)
		read_part(&r, mime->mm_data.mm_message.mm_msg_mime, 0);
	if (out->text.len == 0 && r.html)
		read_html(&r);
	if (!r.report)
		read_plain_bounce(&r, &top);
	if (r.report)
		out->kind = ARRIVAL_REPORT;
	if (out->kind == ARRIVAL_PERSON)
		files_take(&r);
	mailmime_free(mime);
	out->words = own_words(out->text);
	return true;
}
