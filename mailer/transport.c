#include "mailer/transport.h"

#include <string.h>

enum { SECRET_WORD = 4 }; /* a run this long with a digit in it may be a code; tokens are longer */

void transport_answer(struct transport_result *result, struct str line) {
	size_t len = 0;
	line = str_trim(line);
	for (size_t at = 0; at < line.len;) {
		size_t start = at;
		uint32_t point = str_utf8_next(line, &at);
		bool plain = point != UINT32_MAX && point >= 0x20 && point != 0x7F && !(point >= 0x80 && point < 0xA0);
		struct str piece = plain ? (struct str){line.at + start, at - start} : STR(" ");
		if (len + piece.len >= sizeof result->answer)
			break;
		memcpy(result->answer + len, piece.at, piece.len);
		len += piece.len;
	}
	result->answer[len] = '\0';
}

static bool is_word(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool may_be_secret(struct str word) {
	if (word.len < SECRET_WORD)
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (word.at[i] >= '0' && word.at[i] <= '9')
			return true;
	return word.len >= 20;
}

static void star(char *answer, struct str word) {
	size_t len = strlen(answer);
	for (char *found = answer; (found = memmem(found, len - (size_t)(found - answer), word.at, word.len)) != NULL; found += word.len)
		memset(found, '*', word.len);
}

void transport_hide(struct transport_result *result, struct str secret) {
	if (secret.len > 0)
		star(result->answer, secret);
}

void transport_mask(struct transport_result *result, struct str text) {
	for (size_t at = 0; at < text.len;) {
		size_t start = at;
		while (at < text.len && is_word(text.at[at]))
			at++;
		struct str word = {text.at + start, at - start};
		if (may_be_secret(word))
			star(result->answer, word);
		at += at == start;
	}
}
