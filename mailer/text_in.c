#include "mailer/text_in.h"

#include "engine/base/address.h"
#include "engine/base/fold.h"

#include <string.h>

enum { WORD_MAX = 20, COUNTRY_DIGITS = 9, WORD_BYTES = 400 };

static bool is_letter(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The only word, in capitals; false: there are more, or it has other letters. Blanks and punctuation around it do not count. */
static bool only_word(struct str text, char word[WORD_MAX + 1]) {
	size_t len = 0;
	bool ended = false;
	for (size_t at = 0; at < text.len;) {
		uint32_t point = str_utf8_next(text, &at);
		bool letter = point < 0x80 && is_letter((char)point);
		bool mark = !letter && (point < 0x30 || (point > 0x39 && point < 0x80) || point == 0xA0 || (point >= 0x2000 && point <= 0x206F));
		if (!letter && !mark)
			return false;
		ended = ended || (mark && len > 0);
		if (!letter)
			continue;
		if (ended || len == WORD_MAX)
			return false;
		word[len++] = (char)(point & 0xDF);
	}
	word[len] = '\0';
	return len > 0;
}

enum text_word text_word(struct str text) {
	static const char *const stops[] = {"STOP", "STOPP", "AFMELD", "UNSUBSCRIBE"}, *const starts[] = {"START", "TILMELD"};
	char word[WORD_MAX + 1];
	if (!only_word(text, word))
		return TEXT_OTHER;
	for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
		if (strcmp(word, stops[i]) == 0)
			return TEXT_STOP;
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (strcmp(word, starts[i]) == 0)
			return TEXT_START;
	return TEXT_OTHER;
}

static bool in_word(char c) {
	return is_letter(c) || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static struct str without_marks(struct str text) {
	while (text.len > 0 && !in_word(text.at[0]))
		text = (struct str){text.at + 1, text.len - 1};
	return text;
}

bool text_begins(struct str text, struct str word, struct str *rest) {
	struct buf first, wanted;
	struct str start = without_marks(text);
	size_t len = 0;
	while (len < start.len && in_word(start.at[len]))
		len++;
	buf_init(&first, WORD_BYTES);
	buf_init(&wanted, WORD_BYTES);
	fold_text(&first, (struct str){start.at, len});
	fold_text(&wanted, word);
	bool same = len > 0 && !first.overflow && str_equal(buf_text(&first), buf_text(&wanted));
	buf_free(&first);
	buf_free(&wanted);
	*rest = str_trim(without_marks((struct str){start.at + len, start.len - len}));
	return same;
}

static bool is_digits(struct str text) {
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	return text.len > 0;
}

bool text_sender(struct arena *a, struct str told, int64_t country, struct str *number) {
	struct err err;
	told = str_trim(told);
	if (is_digits(told) && told.len >= COUNTRY_DIGITS && told.at[0] != '0')
		told = arena_printf(a, "+%.*s", STR_ARG(told));
	return address_phone(a, told, country, number, &err);
}

static uint32_t unit_at(struct str bytes, size_t at) {
	return at + 1 < bytes.len ? (uint32_t)(unsigned char)bytes.at[at] << 8 | (unsigned char)bytes.at[at + 1] : 0;
}

struct str text_from_utf16(struct arena *a, struct str bytes) {
	struct buf out;
	buf_init(&out, bytes.len * 2 + 4);
	for (size_t at = 0; at < bytes.len; at += 2) {
		uint32_t unit = at + 1 < bytes.len ? unit_at(bytes, at) : 0xFFFD, next = unit_at(bytes, at + 2);
		bool pair = unit >= 0xD800 && unit < 0xDC00 && next >= 0xDC00 && next < 0xE000;
		bool half = !pair && unit >= 0xD800 && unit < 0xE000;
		buf_utf8(&out, pair ? 0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00) : half ? 0xFFFD : unit);
		at += pair ? 2 : 0;
	}
	struct str text = arena_str(a, buf_text(&out));
	buf_free(&out);
	return text;
}
