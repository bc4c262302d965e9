/* Inside the child: the files of a mail. Names as RFC 2183, 2231 and 2047 write them, and as programs do that know none of these. */
#include "mailer/arrival_parts.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {
	NAME = 250, SEGMENTS = 20,
	SHOWN_MOST = 100 << 10, /* bytes of a picture in the text; a larger one is a photo that somebody wants us to have */
	TINY = 5 << 10,         /* of a picture that nobody called an attachment: a logo, a dot that counts readers */
	HTML = 1 << 20
};

static const struct mailmime_disposition *disposition_of(const struct mailmime *part) {
	for (clistiter *i = part->mm_mime_fields ? clist_begin(part->mm_mime_fields->fld_list) : NULL; i; i = clist_next(i)) {
		const struct mailmime_field *field = clist_content(i);
		if (field->fld_type == MAILMIME_FIELD_DISPOSITION)
			return field->fld_data.fld_disposition;
	}
	return NULL;
}

static bool is_attachment(const struct mailmime *part) {
	const struct mailmime_disposition *d = disposition_of(part);
	return d && d->dsp_type && d->dsp_type->dsp_type != MAILMIME_DISPOSITION_TYPE_INLINE;
}

static struct str id_of(const struct mailmime *part) {
	for (clistiter *i = part->mm_mime_fields ? clist_begin(part->mm_mime_fields->fld_list) : NULL; i; i = clist_next(i)) {
		const struct mailmime_field *field = clist_content(i);
		if (field->fld_type == MAILMIME_FIELD_ID && field->fld_data.fld_id)
			return str_from(field->fld_data.fld_id);
	}
	return STR("");
}

/* --- names --- */

/* One name, in up to SEGMENTS pieces that may come in any order. */
struct naming {
	struct str plain, pieces[SEGMENTS];
	bool encoded[SEGMENTS]; /* %-encoded; the first begins with its charset */
	size_t count;
};

static void note_piece(struct naming *n, const char *base, const char *key, const char *value) {
	size_t len = strlen(base), number = 0;
	if (!key || !value || strncasecmp(key, base, len) != 0)
		return;
	const char *rest = key + len;
	if (*rest == '\0') {
		n->plain = n->plain.len > 0 ? n->plain : str_from(value);
		return;
	}
	if (*rest++ != '*')
		return;
	bool whole = *rest == '\0';
	for (; isdigit((unsigned char)*rest) && number < SEGMENTS; rest++)
		number = number * 10 + (size_t)(*rest - '0');
	if (number >= SEGMENTS || (*rest != '\0' && strcmp(rest, "*") != 0))
		return;
	n->pieces[number] = str_from(value);
	n->encoded[number] = whole || *rest == '*';
	n->count = number + 1 > n->count ? number + 1 : n->count;
}

static void add_decoded(struct buf *out, struct str piece) {
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < piece.len; i++) {
		const char *high = i + 2 < piece.len && piece.at[i] == '%' ? strchr(digits, tolower((unsigned char)piece.at[i + 1])) : NULL;
		const char *low = high && *high ? strchr(digits, tolower((unsigned char)piece.at[i + 2])) : NULL;
		bool byte = low && *low;
		int value = byte ? (int)((high - digits) << 4 | (low - digits)) : piece.at[i];
		buf_char(out, (char)value);
		i += byte ? 2 : 0;
	}
}

static struct str of_pieces(struct arena *a, const struct naming *n) {
	const char *charset = NULL;
	struct buf bytes;
	buf_init(&bytes, 4096);
	for (size_t i = 0; i < n->count; i++) {
		struct str piece = n->pieces[i];
		if (i == 0 && n->encoded[0]) {
			charset = arena_z(a, str_cut(&piece, '\''));
			str_cut(&piece, '\''); /* its language */
		}
		if (n->encoded[i])
			add_decoded(&bytes, piece);
		else
			buf_str(&bytes, piece);
	}
	struct str name = text_in_utf8(a, arena_str(a, buf_text(&bytes)), charset);
	buf_free(&bytes);
	return name;
}

static struct str name_of(struct arena *a, const struct naming *n) {
	if (n->count > 0)
		return arrival_clean(a, of_pieces(a, n), false, NAME);
	if (memmem(n->plain.at ? n->plain.at : "", n->plain.len, "=?", 2))
		return arrival_clean(a, text_of_words(a, n->plain), false, NAME);
	bool known = str_utf8_valid(n->plain);
	return arrival_clean(a, known ? n->plain : text_in_utf8(a, n->plain, "windows-1252"), false, NAME);
}

static struct str file_name(struct arena *a, const struct mailmime *part) {
	struct naming of_disposition = {0}, of_type = {0};
	const struct mailmime_disposition *d = disposition_of(part);
	for (clistiter *i = d && d->dsp_parms ? clist_begin(d->dsp_parms) : NULL; i; i = clist_next(i)) {
		const struct mailmime_disposition_parm *p = clist_content(i);
		if (p->pa_type == MAILMIME_DISPOSITION_PARM_FILENAME)
			note_piece(&of_disposition, "filename", "filename", p->pa_data.pa_filename);
		else if (p->pa_type == MAILMIME_DISPOSITION_PARM_PARAMETER)
			note_piece(&of_disposition, "filename", p->pa_data.pa_parameter->pa_name, p->pa_data.pa_parameter->pa_value);
	}
	const struct mailmime_content *c = part->mm_content_type;
	for (clistiter *i = c && c->ct_parameters ? clist_begin(c->ct_parameters) : NULL; i; i = clist_next(i)) {
		const struct mailmime_parameter *p = clist_content(i);
		note_piece(&of_type, "name", p->pa_name, p->pa_value);
	}
	struct str name = name_of(a, &of_disposition);
	return name.len > 0 ? name : name_of(a, &of_type);
}

/* "application/pdf", in lower case. */
static struct str type_of(struct arena *a, const struct mailmime *part) {
	static const char *const discrete[] = {[MAILMIME_DISCRETE_TYPE_TEXT] = "text", [MAILMIME_DISCRETE_TYPE_IMAGE] = "image", [MAILMIME_DISCRETE_TYPE_AUDIO] = "audio",
	                                       [MAILMIME_DISCRETE_TYPE_VIDEO] = "video", [MAILMIME_DISCRETE_TYPE_APPLICATION] = "application"};
	const struct mailmime_content *c = part->mm_content_type;
	if (!c || !c->ct_type || !c->ct_subtype || c->ct_type->tp_type != MAILMIME_TYPE_DISCRETE_TYPE)
		return STR("");
	int kind = c->ct_type->tp_data.tp_discrete_type->dt_type;
	const char *main = kind > 0 && (size_t)kind < sizeof discrete / sizeof *discrete && discrete[kind] ? discrete[kind] : "";
	struct str type = arrival_clean(a, arena_printf(a, "%s/%.100s", main, c->ct_subtype), false, NAME);
	for (size_t i = 0; i < type.len; i++)
		((char *)type.at)[i] = (char)tolower((unsigned char)type.at[i]);
	return type;
}

/* --- which parts --- */

static bool ends_id(char c) {
	return c == '"' || c == '\'' || c == '>' || c == ')' || (unsigned char)c <= ' ';
}

static void find_shown(struct reading *r, struct str html) {
	html.len = html.len < HTML ? html.len : HTML;
	for (size_t i = 0; i + 4 < html.len && r->shown.count < ARRIVAL_LIST; i++) {
		if (strncasecmp(html.at + i, "cid:", 4) != 0)
			continue;
		size_t from = i + 4, to = from;
		while (to < html.len && !ends_id(html.at[to]))
			to++;
		struct buf id;
		buf_init(&id, NAME);
		add_decoded(&id, (struct str){html.at + from, to - from});
		*(struct str *)ARENA_PUSH(r->a, &r->shown) = arena_str(r->a, buf_text(&id));
		buf_free(&id);
		i = to - 1;
	}
}

static bool is_signature(const struct mailmime *part) {
	static const char *const kinds[] = {"pkcs7-signature", "x-pkcs7-signature", "pgp-signature", "pgp-keys", "pgp-encrypted"};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (part_is(part, 0, MAILMIME_DISCRETE_TYPE_APPLICATION, kinds[i]))
			return true;
	return false;
}

static bool is_message(const struct mailmime *part) {
	return part->mm_type == MAILMIME_MESSAGE;
}

/* Some programs give the text itself a name. */
static bool is_text(const struct reading *r, const struct mailmime *part) {
	return r->out->text.len == 0 && r->files.count == 0 && !is_attachment(part) && part_is(part, 0, MAILMIME_DISCRETE_TYPE_TEXT, "plain");
}

bool files_note(struct reading *r, const struct mailmime *part) {
	bool named = file_name(r->a, part).len > 0;
	if (!named && !is_attachment(part) && part_is(part, 0, MAILMIME_DISCRETE_TYPE_TEXT, "html")) {
		find_shown(r, part_body(r->a, part));
		r->html = r->html ? r->html : part;
		return true;
	}
	if ((!named && !is_attachment(part) && !is_message(part)) || is_text(r, part))
		return false;
	if (!is_signature(part))
		*(const struct mailmime **)ARENA_PUSH(r->a, &r->files) = part;
	return true;
}

static bool is_shown(const struct reading *r, const struct mailmime *part) {
	struct str id = id_of(part);
	for (size_t i = 0; i < r->shown.count && id.len > 0; i++)
		if (str_equal(r->shown.items[i], id))
			return true;
	return false;
}

static void take_file(struct reading *r, const struct mailmime *part) {
	struct arrival_file *file = ARENA_PUSH(r->a, &r->out->files);
	*file = (struct arrival_file){.name = file_name(r->a, part), .type = type_of(r->a, part)};
	if (is_message(part) && !str_ends(file->name, STR(".eml")))
		file->name = file->name.len > 0 ? arena_printf(r->a, "%.*s.eml", STR_ARG(file->name)) : STR("message.eml"); /* what is in it is not given on */
	if (r->out->files.count > ARRIVAL_FILES) {
		file->fate = ARRIVAL_FILE_MANY;
		return;
	}
	struct str content = is_message(part) ? STR("x") : str_starts(file->type, STR("text/")) ? part_text(r->a, part) : part_body(r->a, part);
	bool shown = is_shown(r, part), picture = str_starts(file->type, STR("image/"));
	if (picture && ((shown && content.len < SHOWN_MOST) || (!is_attachment(part) && content.len < TINY)))
		file->fate = ARRIVAL_FILE_SHOWN;
	else
		file->content = content;
}

void files_take(struct reading *r) {
	for (size_t i = 0; i < r->files.count && i < ARRIVAL_LIST; i++)
		take_file(r, r->files.items[i]);
}
