#include "engine/workflow/gsm.h"

/* 6.2.1 without the ASCII ones, and 6.2.1.1: those take an escape before them. */
static const uint32_t basic[] = {0xA3, 0xA5, 0xE8, 0xE9, 0xF9, 0xEC, 0xF2, 0xC7, 0xD8, 0xF8, 0xC5, 0xE5, 0x394, 0x3A6, 0x393, 0x39B, 0x3A9, 0x3A0, 0x3A8,
                                 0x3A3, 0x398, 0x39E, 0xC6, 0xE6, 0xDF, 0xC9, 0xA4, 0xA1, 0xC4, 0xD6, 0xD1, 0xDC, 0xA7, 0xBF, 0xE4, 0xF6, 0xF1, 0xFC, 0xE0};

static size_t septets(uint32_t c) {
	switch (c) {
	case '\n':
	case '\r':
		return 1;
	case '\f': case '^': case '{': case '}': case '\\': case '[': case '~': case ']': case '|': case 0x20AC:
		return 2;
	case '`':
		return 0;
	default:
		break;
	}
	if (c >= ' ' && c < 0x7F)
		return 1;
	for (size_t i = 0; i < sizeof basic / sizeof *basic; i++)
		if (basic[i] == c)
			return 1;
	return 0;
}

size_t gsm_septets(struct str text, uint32_t *foreign) {
	size_t count = 0;
	*foreign = 0;
	for (size_t at = 0; at < text.len;) {
		uint32_t c = str_utf8_next(text, &at);
		size_t cost = septets(c);
		if (cost == 0 && *foreign == 0)
			*foreign = c;
		count += cost ? cost : 1;
	}
	return count;
}

static size_t cost_of(uint32_t c, bool ucs2) {
	return ucs2 ? (c > 0xFFFF ? 2 : 1) : septets(c);
}

struct gsm_cost gsm_cost(struct str text) {
	struct gsm_cost cost = {0};
	size_t total = gsm_septets(text, &cost.foreign), part = 0;
	bool ucs2 = cost.foreign != 0;
	size_t one = ucs2 ? 70 : GSM_PART, of_many = ucs2 ? 67 : 153;
	if (ucs2) {
		total = 0;
		for (size_t at = 0; at < text.len;)
			total += cost_of(str_utf8_next(text, &at), true);
	}
	if (total <= one) {
		cost.parts = total > 0;
		return cost;
	}
	for (size_t at = 0; at < text.len;) {
		size_t units = cost_of(str_utf8_next(text, &at), ucs2);
		if (cost.parts == 0 || part + units > of_many) {
			cost.parts++;
			part = 0;
		}
		part += units;
	}
	return cost;
}
