#include "engine/workflow/expression_tree.h"

#include <stdio.h>
#include <string.h>

static char peek(const struct lexer *lexer, size_t ahead) {
	size_t at = lexer->at + ahead;
	return at < lexer->text.len ? lexer->text.at[at] : '\0';
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int hex_digit(char c) {
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool fail(struct lexer *lexer, const char *why) {
	snprintf(lexer->error, sizeof lexer->error, "%s", why);
	return false;
}

static void skip_blanks(struct lexer *lexer) {
	for (;;) {
		char c = peek(lexer, 0);
		if (lexer->at < lexer->text.len && (c == ' ' || (c >= '\t' && c <= '\r')))
			lexer->at++;
		else if (c == '/' && peek(lexer, 1) == '/')
			while (lexer->at < lexer->text.len && peek(lexer, 0) != '\n')
				lexer->at++;
		else
			return;
	}
}

/* \xHH \uHHHH \UHHHHHHHH and \ooo: `digits` digits of base 16 or 8. */
static bool read_code(struct lexer *lexer, int digits, int base, struct buf *out) {
	uint32_t point = 0;
	for (int i = 0; i < digits; i++) {
		int digit = hex_digit(peek(lexer, 0));
		if (digit < 0 || digit >= base)
			return fail(lexer, "an escape in a string is too short");
		point = point * (uint32_t)base + (uint32_t)digit;
		lexer->at++;
	}
	if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000) || (base == 8 && point > 0xFF))
		return fail(lexer, "an escape in a string is no character");
	buf_utf8(out, point);
	return true;
}

static bool read_escape(struct lexer *lexer, struct buf *out) {
	static const char letters[] = "abfnrtv\\?\"'`", meanings[] = "\a\b\f\n\r\t\v\\?\"'`";
	char c = peek(lexer, 0);
	const char *found = c ? strchr(letters, c) : NULL;
	if (found) {
		buf_char(out, meanings[found - letters]);
		lexer->at++;
		return true;
	}
	if (c >= '0' && c <= '3')
		return read_code(lexer, 3, 8, out);
	lexer->at++;
	switch (c) {
	case 'x':
	case 'X': return read_code(lexer, 2, 16, out);
	case 'u': return read_code(lexer, 4, 16, out);
	case 'U': return read_code(lexer, 8, 16, out);
	default: return fail(lexer, "unknown escape in a string");
	}
}

static bool read_string_body(struct lexer *lexer, char quote, bool triple, bool raw, struct buf *out) {
	for (;;) {
		char c = peek(lexer, 0);
		if (lexer->at >= lexer->text.len || (!triple && (c == '\n' || c == '\r')))
			return fail(lexer, "a string is not closed");
		if (c == quote && (!triple || (peek(lexer, 1) == quote && peek(lexer, 2) == quote))) {
			lexer->at += triple ? 3 : 1;
			return true;
		}
		lexer->at++;
		if (c != '\\' || raw)
			buf_char(out, c);
		else if (!read_escape(lexer, out))
			return false;
	}
}

static bool read_string(struct lexer *lexer, struct token *token) {
	struct buf text;
	bool raw = peek(lexer, 0) == 'r' || peek(lexer, 0) == 'R';
	lexer->at += raw;
	char quote = peek(lexer, 0);
	bool triple = peek(lexer, 1) == quote && peek(lexer, 2) == quote;
	lexer->at += triple ? 3 : 1;
	buf_init(&text, 4 * EXPRESSION_BYTES);
	bool ok = read_string_body(lexer, quote, triple, raw, &text);
	token->kind = TOKEN_STRING;
	token->text = arena_str(lexer->a, buf_text(&text));
	buf_free(&text);
	if (ok && !str_utf8_valid(token->text))
		return fail(lexer, "a string is not UTF-8");
	return ok;
}

/* "7d", "3 workdays": the number is read up to `end`; a unit follows. */
static bool read_span(struct lexer *lexer, struct token *token, size_t end) {
	size_t from = lexer->at, at = end;
	if (at < lexer->text.len && lexer->text.at[at] == ' ')
		at++;
	size_t unit = at;
	while (at < lexer->text.len && is_letter(lexer->text.at[at]))
		at++;
	struct str text = {lexer->text.at + from, at - from}, word = {lexer->text.at + unit, at - unit};
	bool spaced = unit > end;
	bool known = str_starts(word, STR("workday")) || str_starts(word, STR("month")) || str_starts(word, STR("year"));
	if (word.len == 0 || (spaced && !known))
		return false;
	if (!span_parse(text, &token->span)) {
		fail(lexer, "unknown unit of a duration; s min h d w, workdays, months, years are known");
		return false;
	}
	*token = (struct token){TOKEN_SPAN, text, token->span, from};
	lexer->at = at;
	return true;
}

static size_t digits_end(const struct lexer *lexer, size_t at) {
	while (at < lexer->text.len && is_digit(lexer->text.at[at]))
		at++;
	return at;
}

static size_t hex_end(const struct lexer *lexer, size_t at) {
	while (at < lexer->text.len && hex_digit(lexer->text.at[at]) >= 0)
		at++;
	return at;
}

static bool read_number(struct lexer *lexer, struct token *token) {
	size_t from = lexer->at, at = digits_end(lexer, from);
	struct str text = lexer->text;
	token->kind = TOKEN_INT;
	if (text.at[from] == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X')) {
		at = hex_end(lexer, from + 2);
		if (at == from + 2)
			return fail(lexer, "0x is followed by no hexadecimal digit");
	} else if (at + 1 < text.len && text.at[at] == '.' && is_digit(text.at[at + 1])) {
		token->kind = TOKEN_DOUBLE;
		at = digits_end(lexer, at + 1);
	}
	/* Hexadecimal digits never end before an e. */
	if (at < text.len && (text.at[at] == 'e' || text.at[at] == 'E')) {
		size_t exponent = at + 1;
		if (exponent < text.len && (text.at[exponent] == '+' || text.at[exponent] == '-'))
			exponent++;
		if (digits_end(lexer, exponent) > exponent) {
			token->kind = TOKEN_DOUBLE;
			at = digits_end(lexer, exponent);
		}
	}
	if (token->kind == TOKEN_INT && read_span(lexer, token, at))
		return true;
	if (lexer->error[0])
		return false;
	token->text = (struct str){text.at + from, at - from};
	lexer->at = at;
	return !is_letter(peek(lexer, 0)) || fail(lexer, "a number is followed by letters that are no unit");
}

static bool read_mark(struct lexer *lexer, struct token *token) {
	static const char *const doubles[] = {"<=", ">=", "==", "!=", "&&", "||"};
	struct str rest = {lexer->text.at + lexer->at, lexer->text.len - lexer->at};
	token->kind = TOKEN_MARK;
	for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
		if (!str_starts(rest, str_from(doubles[i])))
			continue;
		token->text = (struct str){rest.at, 2};
		lexer->at += 2;
		return true;
	}
	if (rest.at[0] == '=')
		return fail(lexer, "'=' is no operator; '==' compares");
	if (rest.at[0] == '&' || rest.at[0] == '|')
		return fail(lexer, "write && and ||");
	if (rest.at[0] == '\0' || !strchr("()[],.?:!+-*/%<>", rest.at[0]))
		return fail(lexer, "this character has no meaning here");
	token->text = (struct str){rest.at, 1};
	lexer->at++;
	return true;
}

bool lexer_next(struct lexer *lexer, struct token *token) {
	skip_blanks(lexer);
	*token = (struct token){.at = lexer->at};
	char c = peek(lexer, 0);
	if (lexer->at >= lexer->text.len)
		return true;
	bool raw = (c == 'r' || c == 'R') && (peek(lexer, 1) == '"' || peek(lexer, 1) == '\'');
	if (raw || c == '"' || c == '\'')
		return read_string(lexer, token);
	if (is_digit(c))
		return read_number(lexer, token);
	if (!is_letter(c))
		return read_mark(lexer, token);
	size_t from = lexer->at;
	while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0)))
		lexer->at++;
	token->kind = TOKEN_NAME;
	token->text = (struct str){lexer->text.at + from, lexer->at - from};
	return true;
}
