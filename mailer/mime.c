#include "mailer/mime.h"

#include "engine/base/escape.h"
#include "engine/base/secret.h"
#include "mailer/mime_file.h"

#include <libetpan/libetpan.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	ATTACHED_MAX = 50,
	DEPTH_MAX = 2,
	ADDRESS_MAX = 254,
	SUBJECT_MAX = 800,
	NAME_MAX_BYTES = 400, /* all of it quotes and backslashes stays on a line of 998 */
	HEADERS_MAX = 16 << 10,
	FOLD_AT = 78, /* RFC 5322 section 2.1.1 */
	MESSAGE_MAX = 16 << 20 /* with its documents in base64 */
};

/* headers */

/* All that libetpan would let pass into a header or an envelope is refused here. */
static bool check_address(struct str s, const char *what, struct err *err) {
	size_t ats = 0;
	if (!escape_gate(s, ADDRESS_MAX, what, err))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] <= ' ' || s.at[i] > '~' || strchr("<>()[],;:\\\"", s.at[i]))
			return err_set(err, ERR_INPUT, "field.email-character", "%s: byte %zu may not be in an address", what, i + 1);
		ats += s.at[i] == '@';
	}
	bool whole = ats == 1 && s.at[0] != '@' && s.at[s.len - 1] != '@';
	return whole || err_set(err, ERR_INPUT, "field.email-at", "%s is no address", what);
}

static bool check_id(struct str s, const char *what, struct err *err) {
	bool framed = s.len > 2 && s.at[0] == '<' && s.at[s.len - 1] == '>';
	if (!escape_gate(s, ADDRESS_MAX, what, err))
		return false;
	return framed ? check_address((struct str){s.at + 1, s.len - 2}, what, err) : err_set(err, ERR_INPUT, "text.character", "%s is not in < and >", what);
}

static bool check_language(struct str s, struct err *err) {
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] != '-' && ((s.at[i] | 0x20) < 'a' || (s.at[i] | 0x20) > 'z'))
			return err_set(err, ERR_INPUT, "text.character", "the language is no language tag");
	return s.len <= 35 || err_set(err, ERR_INPUT, "text.too-long", "the language is no language tag");
}

static bool check_all(const struct mail_config *config, const struct composed *m, struct err *err) {
	bool threaded = m->thread.len > 0;
	return check_address(config->from_address, "mail.from_address", err) && escape_gate(config->from_name, NAME_MAX_BYTES, "mail.from_name", err) &&
	       (config->reply_to.len == 0 || check_address(config->reply_to, "mail.reply_to", err)) && check_address(m->to, "the recipient", err) &&
	       escape_gate(m->to_name, NAME_MAX_BYTES, "the recipient's name", err) && escape_gate(m->subject, SUBJECT_MAX, "the subject", err) &&
	       check_id(m->message_id, "the Message-ID", err) && (!threaded || check_id(m->thread, "the thread", err)) && check_language(m->language, err);
}

/* May it stand as it is, between quotes if need be? "=?" would be taken for an encoded word. */
static bool is_quotable(struct str name) {
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] < ' ' || name.at[i] > '~')
			return false;
	return !memmem(name.at, name.len, "=?", 2);
}

/* RFC 5322 section 3.2.5: a phrase of atoms with one blank between them needs no quotes. */
static bool is_phrase(struct str name) {
	for (size_t i = 0; i < name.len; i++) {
		bool blank = name.at[i] == ' ';
		if (blank && (i == 0 || i + 1 == name.len || name.at[i - 1] == ' '))
			return false;
		if (!blank && strchr("()<>[]:;@\\,.\"", name.at[i]))
			return false;
	}
	return true;
}

static void add_name(struct buf *out, struct str name) {
	size_t column = out->len;
	while (column > 0 && out->at[column - 1] != '\n')
		column--;
	if (!is_quotable(name)) {
		escape_rfc2047(out, name, out->len - column);
	} else if (is_phrase(name)) {
		buf_str(out, name);
	} else {
		buf_char(out, '"');
		for (size_t i = 0; i < name.len; i++) {
			buf_z(out, name.at[i] == '"' || name.at[i] == '\\' ? "\\" : "");
			buf_char(out, name.at[i]);
		}
		buf_char(out, '"');
	}
}

static void add_mailbox(struct buf *out, const char *field, struct str name, struct str address) {
	size_t line = out->len;
	buf_printf(out, "%s: ", field);
	if (name.len > 0)
		add_name(out, name);
	for (size_t i = line; i < out->len; i++)
		line = out->at[i] == '\n' ? i + 1 : line;
	if (name.len > 0)
		buf_z(out, out->len - line + address.len + 3 > FOLD_AT ? "\r\n " : " ");
	buf_printf(out, "<%.*s>\r\n", STR_ARG(address));
}

static void add_date(struct buf *out, int64_t at, int64_t local) {
	static const char days[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int64_t day = civil_day_of(local), year, seconds = (local - day * CIVIL_DAY_MS) / 1000, offset = (local - at) / 60000;
	int month, day_of_month;
	int64_t ahead = offset < 0 ? -offset : offset;
	civil_split(day, &year, &month, &day_of_month);
	buf_printf(out, "Date: %s, %d %s %04lld %02d:%02d:%02d %c%02d%02d\r\n", days[civil_weekday(day) - 1], day_of_month, months[month - 1], (long long)year,
	           (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60), offset < 0 ? '-' : '+', (int)(ahead / 60 % 100), (int)(ahead % 60));
}

static void add_headers(const struct mail_config *config, const struct composed *m, int64_t at, int64_t local, struct buf *out) {
	add_date(out, at, local);
	add_mailbox(out, "From", config->from_name, config->from_address);
	add_mailbox(out, "To", m->to_name, m->to);
	if (config->reply_to.len > 0)
		add_mailbox(out, "Reply-To", STR(""), config->reply_to);
	buf_z(out, "Subject: ");
	escape_rfc2047(out, m->subject, strlen("Subject: "));
	buf_printf(out, "\r\nMessage-ID: %.*s\r\n", STR_ARG(m->message_id));
	if (m->thread.len > 0 && !str_equal(m->thread, m->message_id))
		buf_printf(out, "In-Reply-To: %.*s\r\nReferences: %.*s\r\n", STR_ARG(m->thread), STR_ARG(m->thread));
	buf_z(out, "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n");
	if (m->language.len > 0)
		buf_printf(out, "Content-Language: %.*s\r\n", STR_ARG(m->language));
}

/* body; what libetpan takes it frees, and without memory nothing goes on */

static char *copy_z(const char *z) {
	char *copy = strdup(z);
	BUG_IF(!copy);
	return copy;
}

static void set_parameter(struct mailmime_content *content, const char *name, const char *value) {
	struct mailmime_parameter *parameter = mailmime_param_new_with_data((char *)(uintptr_t)name, (char *)(uintptr_t)value);
	BUG_IF(!parameter || clist_append(content->ct_parameters, parameter) < 0);
}

/* The next line without its end, which is LF, CRLF, or CR: a bare one must never leave. */
static struct str cut_line(struct str *rest) {
	struct str line = *rest;
	line.len = 0;
	while (line.len < rest->len && line.at[line.len] != '\n' && line.at[line.len] != '\r')
		line.len++;
	size_t end = line.len < rest->len;
	if (end && line.at[line.len] == '\r' && line.len + 1 < rest->len && line.at[line.len + 1] == '\n')
		end++;
	*rest = (struct str){rest->at + line.len + end, rest->len - line.len - end};
	return line;
}

/* Every line end as CRLF, which quoted-printable then keeps. Blanks before one mean nothing, and libetpan would write them twice. */
static struct str with_crlf(struct arena *a, struct str s) {
	struct buf out;
	buf_init(&out, 2 * s.len + 2);
	while (s.len > 0) {
		struct str line = cut_line(&s);
		while (line.len > 0 && (line.at[line.len - 1] == ' ' || line.at[line.len - 1] == '\t'))
			line.len--;
		buf_str(&out, line);
		buf_z(&out, "\r\n");
	}
	struct str text = arena_str(a, buf_text(&out));
	buf_free(&out);
	return text;
}

/* text is borrowed until the part was written. */
static struct mailmime *new_part(const char *type, struct str text) {
	struct mailmime_content *content = mailmime_content_new_with_str(type);
	struct mailmime_fields *fields = mailmime_fields_new_encoding(MAILMIME_MECHANISM_QUOTED_PRINTABLE);
	BUG_IF(!content || !fields);
	set_parameter(content, "charset", "utf-8");
	struct mailmime *part = mailmime_new_empty(content, fields);
	BUG_IF(!part || mailmime_set_body_text(part, (char *)(uintptr_t)text.at, text.len) != MAILIMF_NO_ERROR);
	return part;
}

/* Of our own making: whoever can foresee it can write parts into a text. */
static struct str new_boundary(struct arena *a) {
	unsigned char random[16];
	secret_random(random, sizeof random);
	struct str hex = secret_hex(a, random, sizeof random);
	return arena_printf(a, "=_%.*s", STR_ARG(hex));
}

/* libetpan's comes from an unseeded random(). */
static void set_boundary(struct mailmime *whole, struct arena *a) {
	for (clistiter *i = clist_begin(whole->mm_content_type->ct_parameters); i; i = clist_next(i)) {
		struct mailmime_parameter *parameter = clist_content(i);
		if (strcasecmp(parameter->pa_name, "boundary") != 0)
			continue;
		free(parameter->pa_value);
		parameter->pa_value = copy_z(new_boundary(a).at);
		return;
	}
	BUG_IF(true);
}

static struct mailmime *new_alternative(struct str text, struct str html, struct arena *a) {
	struct mailmime_fields *fields = mailmime_fields_new_empty();
	struct mailmime_content *content = mailmime_content_new_with_str("multipart/alternative");
	BUG_IF(!fields || !content);
	struct mailmime *whole = mailmime_new_empty(content, fields);
	BUG_IF(!whole);
	set_boundary(whole, a);
	BUG_IF(mailmime_add_part(whole, new_part("text/plain", text)) != MAILIMF_NO_ERROR);
	BUG_IF(html.len > 0 && mailmime_add_part(whole, new_part("text/html", html)) != MAILIMF_NO_ERROR);
	return whole;
}

/* mailmime_write_mem leaves out the fields of what it begins with. */
static void write_alternative(MMAPString *out, struct mailmime *whole) {
	int column = 0;
	BUG_IF(mailmime_content_write_mem(out, &column, whole->mm_content_type) != MAILIMF_NO_ERROR);
	BUG_IF(!mmap_string_append(out, "\r\n"));
	BUG_IF(mailmime_write_mem(out, &column, whole) != MAILIMF_NO_ERROR);
}

/* multipart/mixed round the text and its files; without files the text alone. */
static void write_parts(const struct composed *message, struct str text, struct arena *a, struct buf *out) {
	struct str boundary = new_boundary(a);
	if (message->attached_count == 0) {
		buf_str(out, text);
		return;
	}
	buf_printf(out, "Content-Type: multipart/mixed;\r\n boundary=\"%.*s\"\r\n\r\n--%.*s\r\n", STR_ARG(boundary), STR_ARG(boundary));
	buf_str(out, text);
	for (size_t i = 0; i < message->attached_count; i++) {
		buf_printf(out, "\r\n--%.*s\r\n", STR_ARG(boundary));
		mime_file_write(out, &message->attached[i]);
	}
	buf_printf(out, "\r\n--%.*s--\r\n", STR_ARG(boundary));
}

static size_t size_of(const struct composed *message, size_t text) {
	size_t size = HEADERS_MAX + text + 1000;
	for (size_t i = 0; i < message->attached_count; i++)
		size += mime_file_size(&message->attached[i]) + 100;
	return size;
}

bool mime_build(const struct mail_config *config, const struct composed *message, int64_t at, int64_t local, struct arena *a, struct str *out,
                struct err *err) {
	if (!check_all(config, message, err))
		return false;
	struct mailmime *whole = new_alternative(with_crlf(a, message->text), with_crlf(a, message->html), a);
	MMAPString *text = mmap_string_new("");
	struct buf all;
	BUG_IF(!text);
	write_alternative(text, whole);
	buf_init(&all, size_of(message, text->len));
	add_headers(config, message, at, local, &all);
	buf_z(&all, "MIME-Version: 1.0\r\n");
	write_parts(message, (struct str){text->str, text->len}, a, &all);
	BUG_IF(all.overflow);
	*out = arena_str(a, buf_text(&all));
	mmap_string_free(text);
	mailmime_free(whole);
	buf_free(&all);
	return true;
}

/* reading */

/* Encoded words become text. What libetpan cannot decode stays as it is written. */
static struct str decode_value(struct arena *a, struct str value) {
	size_t at = 0;
	char *decoded = NULL;
	if (!memmem(value.at, value.len, "=?", 2))
		return arena_str(a, value);
	int status = mailmime_encoded_phrase_parse("utf-8", value.at, value.len, &at, "utf-8", &decoded);
	bool good = status == MAILIMF_NO_ERROR && decoded && str_utf8_valid(str_from(decoded));
	struct str text = arena_str(a, good ? str_from(decoded) : value);
	free(decoded);
	return text;
}

/* Cuts one header with its folded lines from *rest, unfolded; empty at the end of all headers. */
static struct str cut_header(struct arena *a, struct str *rest) {
	struct buf line;
	buf_init(&line, rest->len + 1);
	do {
		struct str part = str_cut(rest, '\n');
		buf_str(&line, str_ends(part, STR("\r")) ? (struct str){part.at, part.len - 1} : part);
	} while (line.len > 0 && rest->len > 0 && (rest->at[0] == ' ' || rest->at[0] == '\t'));
	struct str header = arena_str(a, buf_text(&line));
	buf_free(&line);
	return header;
}

static void read_headers(struct str raw, struct arena *a, struct mime_parts *out) {
	struct {
		struct mime_header *items;
		size_t count, cap;
	} list = {0};
	while (raw.len > 0) {
		struct str value = cut_header(a, &raw);
		if (value.len == 0)
			break;
		struct str name = str_cut(&value, ':');
		*(struct mime_header *)ARENA_PUSH(a, &list) = (struct mime_header){name, decode_value(a, str_trim(value))};
	}
	out->headers = list.items;
	out->header_count = list.count;
}

static bool is_type(const struct mailmime *part, const char *subtype) {
	const struct mailmime_content *content = part->mm_content_type;
	return content && content->ct_type && content->ct_type->tp_type == MAILMIME_TYPE_DISCRETE_TYPE &&
	       content->ct_type->tp_data.tp_discrete_type->dt_type == MAILMIME_DISCRETE_TYPE_TEXT && strcasecmp(content->ct_subtype, subtype) == 0;
}

static bool decode_body(struct mailmime *part, struct arena *a, struct str *out, struct err *err) {
	const struct mailmime_data *data = part->mm_data.mm_single;
	size_t at = 0, len = 0;
	char *decoded = NULL;
	if (!data || data->dt_type != MAILMIME_DATA_TEXT)
		return err_set(err, ERR_INPUT, "error.input", "a part of the message has no text");
	if (mailmime_part_parse(data->dt_data.dt_text.dt_data, data->dt_data.dt_text.dt_length, &at, data->dt_encoding, &decoded, &len) != MAILIMF_NO_ERROR)
		return err_set(err, ERR_INPUT, "error.input", "a part of the message cannot be decoded");
	*out = arena_str(a, (struct str){decoded, len});
	mailmime_decoded_part_free(decoded);
	return true;
}

static bool read_body(struct mailmime *part, struct arena *a, struct str *out, struct err *err) {
	struct str decoded;
	if (!decode_body(part, a, &decoded, err))
		return false;
	char *text = arena_alloc(a, decoded.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < decoded.len; i++)
		if (decoded.at[i] != '\r')
			text[len++] = decoded.at[i];
	*out = (struct str){text, len};
	return true;
}

/* What is neither of the texts is a file. */
static bool read_file(struct mailmime *part, struct arena *a, struct mime_parts *out, struct err *err) {
	struct str raw = {part->mm_mime_start, part->mm_length};
	const char *end = raw.len > 0 ? memmem(raw.at, raw.len, "\r\n\r\n", 4) : NULL;
	const struct mailmime_content *content = part->mm_content_type;
	if (!end || !content || out->attached_count == ATTACHED_MAX)
		return true;
	struct attached *file = &out->attached[out->attached_count++];
	file->name = mime_file_name((struct str){raw.at, (size_t)(end - raw.at)}, a);
	file->type = str_is(str_from(content->ct_subtype), "pdf") ? STR("application/pdf") : STR("application/octet-stream");
	return decode_body(part, a, &file->bytes, err);
}

/* Twice deep at most: the texts, and the files beside them. */
static bool read_parts(struct mailmime *whole, int depth, struct arena *a, struct mime_parts *out, struct err *err) {
	struct mailmime *inner = whole->mm_type == MAILMIME_MESSAGE ? whole->mm_data.mm_message.mm_msg_mime : whole;
	if (!inner || inner->mm_type != MAILMIME_MULTIPLE)
		return err_set(err, ERR_INPUT, "error.input", "the message has no parts");
	for (clistiter *i = clist_begin(inner->mm_data.mm_multipart.mm_mp_list); i; i = clist_next(i)) {
		struct mailmime *part = clist_content(i);
		struct str *body = is_type(part, "html") ? &out->html : is_type(part, "plain") ? &out->text : NULL;
		if (part->mm_type == MAILMIME_MULTIPLE && depth < DEPTH_MAX && !read_parts(part, depth + 1, a, out, err))
			return false;
		if (part->mm_type == MAILMIME_SINGLE && !(body ? read_body(part, a, body, err) : read_file(part, a, out, err)))
			return false;
	}
	return true;
}

bool mime_parse(struct str raw, struct arena *a, struct mime_parts *out, struct err *err) {
	struct mailmime *whole = NULL;
	size_t at = 0;
	*out = (struct mime_parts){.text = STR(""), .html = STR("")};
	if (raw.len == 0 || raw.len > MESSAGE_MAX)
		return err_set(err, ERR_INPUT, "error.input", "the message is empty or too long");
	read_headers(raw, a, out);
	if (mailmime_parse(raw.at, raw.len, &at, &whole) != MAILIMF_NO_ERROR || !whole)
		return err_set(err, ERR_INPUT, "error.input", "the message cannot be read");
	out->attached = ARENA_ARRAY(a, ATTACHED_MAX, struct attached);
	bool ok = read_parts(whole, 1, a, out, err);
	mailmime_free(whole);
	return ok;
}
