#include "engine/base/escape.h"

#include <string.h>

/* Next character of text for people: U+FFFD where the bytes are no UTF-8. */
static uint32_t next_point(struct str s, size_t *at) {
	uint32_t point = str_utf8_next(s, at);
	return point == UINT32_MAX ? 0xFFFD : point;
}

static bool is_control(uint32_t p) {
	return p < ' ' || (p >= 0x7F && p < 0xA0);
}

/* Turns the reading direction around, so that a text looks like another one. */
static bool is_bidi(uint32_t p) {
	return (p >= 0x202A && p <= 0x202E) || (p >= 0x2066 && p <= 0x2069);
}

/* What no text for people needs: controls (line ends and TAB are up to the caller), bidi, line separators. */
static bool is_hostile(uint32_t p) {
	return is_control(p) || is_bidi(p) || p == 0x2028 || p == 0x2029;
}

static bool is_alnum(uint32_t p) {
	return (p >= 'a' && p <= 'z') || (p >= 'A' && p <= 'Z') || (p >= '0' && p <= '9');
}

static bool is_punctuation(uint32_t p) {
	return p > ' ' && p < 0x7F && !is_alnum(p);
}

static bool is_plain_html(char c) {
	switch (c) {
	case '&': case '<': case '>': case '"': case '\'': return false;
	case '\t': case '\n': case '\r': return true;
	default: return c >= ' ' && c < 0x7F;
	}
}

/* Up to the next character that does not stand for itself. */
static size_t plain_html_end(struct str s, size_t at) {
	for (;;) {
		while (at < s.len && is_plain_html(s.at[at]))
			at++;
		size_t next = at;
		uint32_t p = at < s.len && (unsigned char)s.at[at] >= 0x80 ? str_utf8_next(s, &next) : UINT32_MAX;
		if (p == UINT32_MAX || is_hostile(p))
			return at;
		at = next;
	}
}

void escape_html(struct buf *out, struct str s) {
	for (size_t at = 0; at < s.len;) {
		size_t end = plain_html_end(s, at); /* almost everything, and copied together */
		buf_add(out, s.at + at, end - at);
		if ((at = end) == s.len)
			return;
		uint32_t p = next_point(s, &at);
		switch (p) {
		case '&': buf_z(out, "&amp;"); break;
		case '<': buf_z(out, "&lt;"); break;
		case '>': buf_z(out, "&gt;"); break;
		case '"': buf_z(out, "&quot;"); break;
		case '\'': buf_z(out, "&#39;"); break;
		default:
			if (!is_hostile(p))
				buf_utf8(out, p);
		}
	}
}

/* A value stands in the middle of a template's text: white space at its ends could make a code block, a
 * line end at its end would leave a lone backslash. So both are cut off. */
static void add_markdown(struct buf *out, struct str s, const char *line_end) {
	s = str_trim(s);
	for (size_t at = 0; at < s.len;) {
		uint32_t p = next_point(s, &at);
		if (p == '\r') {
			if (at < s.len && s.at[at] == '\n')
				at++;
			p = '\n';
		}
		if (p == '\n')
			buf_z(out, line_end);
		else if (p == '\t')
			buf_char(out, ' ');
		else if (is_punctuation(p))
			buf_char(out, '\\'), buf_char(out, (char)p);
		else if (!is_hostile(p))
			buf_utf8(out, p);
	}
}

void escape_markdown(struct buf *out, struct str s) {
	add_markdown(out, s, "\\\n");
}

void escape_markdown_cell(struct buf *out, struct str s) {
	add_markdown(out, s, "&#10;");
}

/* Marks of reading direction, of interlinear notes and of language, the byte order mark: they have no shape, or turn others around. */
static bool is_shapeless(uint32_t p) {
	return p == 0x200E || p == 0x200F || p == 0x061C || p == 0xFEFF || (p >= 0xFFF9 && p <= 0xFFFC) || (p & 0xFFFE) == 0xFFFE ||
	       (p >= 0xFDD0 && p <= 0xFDEF) || (p >= 0xE0000 && p <= 0xE0FFF);
}

/* They pile up on the letter before them. */
static bool is_combining(uint32_t p) {
	return (p >= 0x0300 && p <= 0x036F) || (p >= 0x0483 && p <= 0x0489) || (p >= 0x1AB0 && p <= 0x1AFF) || (p >= 0x1DC0 && p <= 0x1DFF) ||
	       (p >= 0x20D0 && p <= 0x20FF) || (p >= 0xFE20 && p <= 0xFE2F);
}

void escape_print(struct buf *out, struct str s) {
	enum { HIGHEST_PILE = 4 };
	size_t pile = 0;
	for (size_t at = 0; at < s.len;) {
		uint32_t p = next_point(s, &at);
		pile = is_combining(p) ? pile + 1 : 0;
		if (p == '\n' || p == 0x2028 || p == 0x2029)
			buf_char(out, '\n');
		else if (p == '\t' || p == '\r')
			buf_char(out, ' ');
		else if (!is_hostile(p) && !is_shapeless(p) && pile <= HIGHEST_PILE)
			buf_utf8(out, p);
	}
}

static void add_hex(struct buf *out, char lead, unsigned char byte) {
	static const char digit[] = "0123456789ABCDEF";
	buf_add(out, (char[]){lead, digit[byte >> 4], digit[byte & 15]}, 3);
}

void escape_uri(struct buf *out, struct str s) {
	for (size_t i = 0; i < s.len; i++) {
		if (is_alnum((unsigned char)s.at[i]) || (s.at[i] != '\0' && strchr("-._~:/?#[]@!$&*+,;=%", s.at[i])))
			buf_char(out, s.at[i]);
		else
			add_hex(out, '%', (unsigned char)s.at[i]);
	}
}

void escape_url(struct buf *out, struct str s) {
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];
		if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
			buf_char(out, (char)c);
		else
			add_hex(out, '%', c);
	}
}

/* < > & and the line separators too, so that it may stand inside a script element. */
void escape_json(struct buf *out, struct str s) {
	buf_char(out, '"');
	for (size_t at = 0; at < s.len;) {
		size_t plain = at;
		while (plain < s.len && (is_alnum((unsigned char)s.at[plain]) || s.at[plain] == ' '))
			plain++;
		if (plain > at) {
			buf_add(out, s.at + at, plain - at);
			at = plain;
			continue;
		}
		uint32_t p = next_point(s, &at);
		switch (p) {
		case '"': buf_z(out, "\\\""); break;
		case '\\': buf_z(out, "\\\\"); break;
		case '\n': buf_z(out, "\\n"); break;
		case '\r': buf_z(out, "\\r"); break;
		case '\t': buf_z(out, "\\t"); break;
		default:
			if (is_control(p) || p == '<' || p == '>' || p == '&' || p == 0x2028 || p == 0x2029)
				buf_printf(out, "\\u%04x", (unsigned)p);
			else
				buf_utf8(out, p);
		}
	}
	buf_char(out, '"');
}

/* "-12,5", "+45 20 12 34 56": a number or a telephone number, which no spreadsheet computes anything else from. */
static bool is_signed_number(struct str s) {
	bool digit = false;
	if (s.len < 2 || s.len > 40 || (s.at[0] != '+' && s.at[0] != '-'))
		return false;
	for (size_t i = 1; i < s.len; i++) {
		bool here = s.at[i] >= '0' && s.at[i] <= '9';
		if (!here && s.at[i] != ' ' && s.at[i] != '.' && s.at[i] != ',')
			return false;
		digit = digit || here;
	}
	return digit;
}

/* What is not written, or not seen, in front of a formula. TAB, CR and LF are told by is_formula itself. */
static bool is_nothing(uint32_t p) {
	if (p == '\t' || p == '\r' || p == '\n')
		return false;
	return is_hostile(p) || p == ' ' || p == '"' || p == '\'' || p == 0xA0 || p == 0xAD || (p >= 0x200B && p <= 0x200F) || (p >= 0x2060 && p <= 0x206F) ||
	       p == 0xFEFF;
}

/* A spreadsheet takes such a cell for a formula, also in full-width characters and behind blanks and quotes. */
static bool is_formula(struct str s) {
	uint32_t p = ' ';
	for (size_t at = 0; at < s.len && is_nothing(p);)
		p = str_utf8_next(s, &at);
	if (is_signed_number(s))
		return false;
	return p == '=' || p == '+' || p == '-' || p == '@' || p == '\t' || p == '\r' || p == '\n' || p == 0xFF1D ||
	       p == 0xFF0B || p == 0xFF0D || p == 0xFF20;
}

static bool needs_quotes(struct str s) {
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] && strchr(",;\"\r\n\t", s.at[i]))
			return true;
	return s.len > 0 && (s.at[0] == ' ' || s.at[s.len - 1] == ' ');
}

struct str escape_csv_taken(struct str cell) {
	struct str rest = {cell.at + 1, cell.len - 1};
	return cell.len > 1 && cell.at[0] == '\'' && is_formula(rest) ? rest : cell;
}

void escape_csv(struct buf *out, struct str s) {
	bool formula = is_formula(s), quotes = formula || needs_quotes(s);
	if (quotes)
		buf_char(out, '"');
	if (formula)
		buf_char(out, '\'');
	for (size_t at = 0; at < s.len;) {
		uint32_t p = next_point(s, &at);
		if (p == '"')
			buf_z(out, "\"\"");
		else if (p == '\n' || p == '\r' || p == '\t' || !is_control(p))
			buf_utf8(out, p);
	}
	if (quotes)
		buf_char(out, '"');
}

/* What stands for a typographic character in GSM 7-bit; NULL: it stays as it is. */
static const char *plain_text(uint32_t p) {
	static const struct {
		uint32_t first, last;
		const char *text;
	} table[] = {
		{'\t', '\t', " "},        {'\n', '\n', "\n"},       {0xA0, 0xA0, " "},    {0xAB, 0xAB, "\""},
		{0xAD, 0xAD, ""},         {0xB4, 0xB4, "'"},        {0xBB, 0xBB, "\""},   {0x2000, 0x200A, " "},
		{0x200B, 0x200F, ""},     {0x2010, 0x2015, "-"},    {0x2018, 0x201B, "'"}, {0x201C, 0x201F, "\""},
		{0x2026, 0x2026, "..."},  {0x202F, 0x202F, " "},    {0x2032, 0x2032, "'"}, {0x2033, 0x2033, "\""},
		{0x2039, 0x203A, "'"},    {0x205F, 0x205F, " "},    {0x2060, 0x2060, ""}, {0x2212, 0x2212, "-"},
		{0x3000, 0x3000, " "},    {0xFEFF, 0xFEFF, ""},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (p >= table[i].first && p <= table[i].last)
			return table[i].text;
	return is_hostile(p) ? "" : NULL;
}

void escape_sms(struct buf *out, struct str s) {
	for (size_t at = 0; at < s.len;) {
		uint32_t p = next_point(s, &at);
		const char *plain = plain_text(p);
		if (plain)
			buf_z(out, plain);
		else
			buf_utf8(out, p);
	}
}

static int hex_value(char c) {
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool escape_url_bytes(struct arena *a, struct str s, struct str *out) {
	char *text = arena_alloc(a, s.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i] == '+' ? ' ' : s.at[i];
		if (c == '%') {
			int high = s.len - i > 2 ? hex_value(s.at[i + 1]) : -1;
			int low = high >= 0 ? hex_value(s.at[i + 2]) : -1;
			if (low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		text[len++] = c;
	}
	*out = (struct str){text, len};
	return true;
}

bool escape_url_decode(struct arena *a, struct str s, struct str *out) {
	return escape_url_bytes(a, s, out) && !(out->len > 0 && memchr(out->at, '\0', out->len)) && str_utf8_valid(*out);
}

bool escape_gate(struct str s, size_t max, const char *what, struct err *err) {
	if (s.len > max) {
		err_set(err, ERR_INPUT, "text.too-long", "%s: %zu bytes, at most %zu are allowed", what, s.len, max);
		err_arg(err, 0, str_from(what));
		return false;
	}
	for (size_t at = 0; at < s.len;) {
		uint32_t p = str_utf8_next(s, &at);
		if (p != UINT32_MAX && !is_hostile(p))
			continue;
		if (p == UINT32_MAX)
			err_set(err, ERR_INPUT, "text.character", "%s: byte %zu is no UTF-8", what, at);
		else
			err_set(err, ERR_INPUT, "text.character", "%s: the character U+%04X is not allowed", what, (unsigned)p);
		err_arg(err, 0, str_from(what));
		return false;
	}
	return true;
}

enum {
	LINE = 76,        /* RFC 2047 section 2: a line with an encoded word, which itself has 75 at most */
	WORD_FRAME = 12,  /* =?UTF-8?Q?...?= */
	FOLD_AT = 78,     /* RFC 5322 section 2.1.1 */
	LONGEST_RUN = 900 /* characters without a blank, so that a line stays under 998 */
};

/* Plain ASCII may go as it is, unless a reader would change it: "=?" looks like an encoded word, blanks at
 * the ends and in rows get lost, what cannot be folded gets too long. */
static bool passes_plain(struct str s) {
	size_t run = 0;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];
		if (c < ' ' || c > '~' || (c == '=' && i + 1 < s.len && s.at[i + 1] == '?'))
			return false;
		if (c == ' ' && (i == 0 || i + 1 == s.len || s.at[i - 1] == ' '))
			return false;
		run = c == ' ' ? 0 : run + 1;
		if (run > LONGEST_RUN)
			return false;
	}
	return true;
}

static void fold_plain(struct buf *out, struct str s, size_t column) {
	for (bool first = true; s.len > 0; first = false) {
		struct str word = str_cut(&s, ' ');
		bool fold = !first && column + 1 + word.len > FOLD_AT;
		if (!first)
			buf_z(out, fold ? "\r\n " : " ");
		buf_str(out, word);
		column = fold ? 1 + word.len : column + !first + word.len;
	}
}

/* How many columns a character takes in a word. Only what is allowed everywhere stays as it is, also in a
 * display name (RFC 2047 section 5 (3)); a blank becomes _. */
static size_t q_columns(struct str character) {
	unsigned char c = (unsigned char)character.at[0];
	return is_alnum(c) || (c != '\0' && strchr("!*+-/ ", c)) ? 1 : 3 * character.len;
}

static void q_encode(struct buf *out, struct str character) {
	if (q_columns(character) == 1) {
		buf_char(out, (char)(character.at[0] == ' ' ? '_' : character.at[0]));
		return;
	}
	for (size_t i = 0; i < character.len; i++)
		add_hex(out, '=', (unsigned char)character.at[i]);
}

/* Next character that may go into a header. CR LF must not: it would come back when the word is decoded. */
static bool next_header_character(struct str s, size_t *at, struct str *out) {
	while (*at < s.len) {
		size_t start = *at;
		uint32_t p = str_utf8_next(s, at);
		*out = (struct str){s.at + start, *at - start};
		if (p == UINT32_MAX)
			*out = STR("\xEF\xBF\xBD");
		if (p == '\t')
			*out = STR(" ");
		if (p == UINT32_MAX || p == '\t' || !is_hostile(p))
			return true;
	}
	return false;
}

void escape_rfc2047(struct buf *out, struct str s, size_t used) {
	if (passes_plain(s)) {
		fold_plain(out, s, used);
		return;
	}
	bool open = false;
	size_t column = used > 0 ? used : 1; /* of a line of 76, so that a word is at most 75 */
	struct str character;
	for (size_t at = 0; next_header_character(s, &at, &character);) {
		size_t columns = q_columns(character);
		if (column + (open ? 0 : WORD_FRAME) + columns > LINE) {
			buf_z(out, open ? "?=\r\n " : "\r\n ");
			column = 1;
			open = false;
		}
		if (!open) {
			buf_z(out, "=?UTF-8?Q?");
			column += WORD_FRAME; /* its end is counted from the start */
			open = true;
		}
		q_encode(out, character);
		column += columns;
	}
	if (open)
		buf_z(out, "?=");
}

void escape_file_name(struct buf *out, struct str s) {
	static const struct {
		uint32_t from;
		const char *to;
	} letters[] = {{0xE6, "ae"}, {0xF8, "oe"}, {0xE5, "aa"}, {0xC6, "Ae"}, {0xD8, "Oe"}, {0xC5, "Aa"}, {0xE9, "e"}, {0xF6, "o"}, {0xE4, "a"}, {0xFC, "u"}};
	for (size_t at = 0; at < s.len;) {
		uint32_t p = str_utf8_next(s, &at);
		const char *plain = p >= ' ' && p <= '~' && !strchr("\"\\%/:*?<>|", (int)p) ? NULL : "_";
		for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
			plain = letters[i].from == p ? letters[i].to : plain;
		if (plain)
			buf_z(out, plain);
		else
			buf_char(out, (char)p);
	}
}
