#include "engine/base/address.h"

#include <stdio.h>
#include <string.h>

enum {
	EMAIL_MAX = 254, /* RFC 5321 4.5.3.1.3, without the angle brackets */
	LOCAL_MAX = 64,
	LABEL_MAX = 63,
	PHONE_MIN = 8,
	PHONE_MAX = 15, /* E.164 */
	TYPED_MAX = 1000
};

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c) {
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* White space that comes along when an address is copied from a page or a document. */
static bool is_blank_point(uint32_t p) {
	return p == ' ' || (p >= '\t' && p <= '\r') || p == 0xA0 || (p >= 0x2000 && p <= 0x200F) || p == 0x202F ||
	       (p >= 0x202A && p <= 0x202E) || p == 0x2060 || (p >= 0x2066 && p <= 0x2069) || p == 0xFEFF;
}

static struct str trim(struct str s) {
	size_t start = 0, end = 0;
	for (size_t at = 0; at < s.len;) {
		size_t before = at;
		if (is_blank_point(str_utf8_next(s, &at)))
			continue;
		if (end == 0)
			start = before;
		end = at;
	}
	return (struct str){s.at + start, end - start};
}

/* Why something is no address or number: the message for people, and for the log. */
struct fault {
	const char *key, *why;
};
static const struct fault nothing = {"field.missing", "there is no address"},
                          too_long = {"field.email-long", "the address is longer than 254 characters"},
                          no_at = {"field.email-at", "there is no @"},
                          two_ats = {"field.email-two", "there is more than one @"},
                          no_local = {"field.email-before", "there is nothing before the @"},
                          long_local = {"field.email-long", "more than 64 characters stand before the @"},
                          letter_before = {"field.email-letter", "a letter outside a-z stands before the @"},
                          dot_before = {"field.email-dots", "a dot stands at an end or beside a dot before the @"},
                          character_before = {"field.email-character", "a character that is not allowed stands before the @"},
                          dot_behind = {"field.email-dots", "a dot is too many behind the @"},
                          long_label = {"field.email-long", "more than 63 characters without a dot stand behind the @"},
                          hyphen = {"field.email-end", "a hyphen stands at an end of a name behind the @"},
                          letter_behind = {"field.email-letter", "a letter outside a-z stands behind the @ (write such a domain as xn--...)"},
                          character_behind = {"field.email-character", "a character that is not allowed stands behind the @"},
                          no_dot = {"field.email-end", "there is no dot behind the @"},
                          number_behind = {"field.email-end", "the domain ends in a number"};

static bool refuse(struct err *err, const struct fault *fault, struct str typed) {
	err_set(err, ERR_INPUT, fault->key, "%s", fault->why);
	err_arg(err, 0, (struct str){typed.at, typed.len < 100 ? typed.len : 0}); /* never half a character */
	return false;
}

/* What is wrong with the local part, or NULL. */
static const struct fault *local_fault(struct str local) {
	if (local.len == 0)
		return &no_local;
	if (local.len > LOCAL_MAX)
		return &long_local;
	for (size_t i = 0; i < local.len; i++) {
		char c = local.at[i];
		if ((unsigned char)c >= 0x80)
			return &letter_before;
		bool dot = c == '.';
		if (dot && (i == 0 || i + 1 == local.len || local.at[i - 1] == '.'))
			return &dot_before;
		if (!dot && !is_letter(c) && !is_digit(c) && (c == '\0' || !strchr("!#$%&'*+-/=?^_`{|}~", c)))
			return &character_before;
	}
	return NULL;
}

static const struct fault *label_fault(struct str label) {
	if (label.len == 0)
		return &dot_behind;
	if (label.len > LABEL_MAX)
		return &long_label;
	if (label.at[0] == '-' || label.at[label.len - 1] == '-')
		return &hyphen;
	for (size_t i = 0; i < label.len; i++) {
		if ((unsigned char)label.at[i] >= 0x80)
			return &letter_behind;
		if (!is_letter(label.at[i]) && !is_digit(label.at[i]) && label.at[i] != '-')
			return &character_behind;
	}
	return NULL;
}

static const struct fault *domain_fault(struct str domain) {
	size_t labels = 0;
	struct str label = STR("");
	for (bool more = true; more; labels++) {
		more = domain.len > 0 && memchr(domain.at, '.', domain.len) != NULL;
		label = str_cut(&domain, '.');
		const struct fault *fault = label_fault(label);
		if (fault)
			return fault;
	}
	if (labels < 2)
		return &no_dot;
	for (size_t i = 0; i < label.len; i++)
		if (!is_digit(label.at[i]))
			return NULL;
	return &number_behind; /* RFC 3696 section 2; also 192.0.2.1 */
}

static const struct fault *email_fault(struct str address) {
	if (address.len == 0)
		return &nothing;
	if (address.len > EMAIL_MAX)
		return &too_long;
	struct str domain = address, local = str_cut(&domain, '@');
	if (local.len == address.len)
		return &no_at;
	if (domain.len > 0 && memchr(domain.at, '@', domain.len))
		return &two_ats;
	const struct fault *fault = local_fault(local);
	return fault ? fault : domain_fault(domain);
}

bool address_email(struct arena *a, struct str typed, struct str *normal, struct err *err) {
	struct str address = trim(typed);
	const struct fault *fault = email_fault(address);
	if (fault)
		return refuse(err, fault, address);
	char *copy = arena_z(a, address);
	for (char *c = strchr(copy, '@'); *c; c++)
		*c = lower(*c);
	*normal = (struct str){copy, address.len};
	return true;
}

struct str address_key(struct arena *a, struct str normal) {
	char *copy = arena_z(a, normal);
	for (size_t i = 0; i < normal.len; i++)
		copy[i] = lower(copy[i]);
	return (struct str){copy, normal.len};
}

static const struct fault no_digits = {"field.phone-digits", "it has a character that is no digit"}, too_few = {"field.phone-short", "it has too few digits"},
                          too_many = {"field.phone-long", "it has more than 15 digits"},
                          not_danish = {"field.phone-danish", "a Danish number has 8 digits and begins with 2-9"},
                          no_code = {"field.not-phone", "no country's code begins with 0"},
                          no_country = {"field.not-phone", "it must begin with + and the code of the country"};

/* What was typed, without its punctuation. */
struct dialled {
	bool international; /* + or 00 stood in front */
	char digits[PHONE_MAX + 3]; /* 00 and one too many, which is then refused */
	size_t count;
};

static bool is_separator(uint32_t p) {
	return is_blank_point(p) || p == '-' || p == '.' || p == '(' || p == ')' || (p >= 0x2010 && p <= 0x2014);
}

static const struct fault *read_number(struct str s, struct dialled *out) {
	for (size_t at = 0; at < s.len;) {
		/* "+44 (0)20 ...": the 0 is only dialled inside the country */
		struct str here = {s.at + at, s.len - at};
		if (out->international && str_starts(here, STR("(0)"))) {
			at += 3;
			continue;
		}
		uint32_t p = str_utf8_next(s, &at);
		if (is_separator(p))
			continue;
		if (p == '+' && !out->international && out->count == 0) {
			out->international = true;
			continue;
		}
		if (p < '0' || p > '9')
			return &no_digits;
		if (out->count == sizeof out->digits)
			return &too_many;
		out->digits[out->count++] = (char)p;
	}
	return out->count ? NULL : &no_digits;
}

static void drop_front(struct dialled *n, size_t count) {
	n->count -= count;
	memmove(n->digits, n->digits + count, n->count);
}

/* Puts the calling code in front of a number that was typed as inside the country. */
static const struct fault *add_country(struct dialled *n, int64_t country) {
	if (country < 1 || country > 999)
		return &no_country;
	if (country == 45 && n->count == 10 && n->digits[0] == '4' && n->digits[1] == '5')
		return NULL; /* only the + is missing */
	if (country != 45 && n->digits[0] == '0')
		drop_front(n, 1);
	char code[24];
	size_t len = (size_t)snprintf(code, sizeof code, "%d", (int)country);
	if (len + n->count > PHONE_MAX)
		return &too_many;
	memmove(n->digits + len, n->digits, n->count);
	memcpy(n->digits, code, len);
	n->count += len;
	return NULL;
}

static const struct fault *number_fault(const struct dialled *n) {
	if (n->count < PHONE_MIN || n->count > PHONE_MAX)
		return n->count < PHONE_MIN ? &too_few : &too_many;
	if (n->digits[0] == '0')
		return &no_code;
	bool danish = n->digits[0] == '4' && n->digits[1] == '5';
	if (danish && (n->count != 10 || n->digits[2] < '2'))
		return &not_danish;
	return NULL;
}

static const struct fault *complete(struct dialled *n, int64_t country) {
	if (!n->international && n->count > 2 && n->digits[0] == '0' && n->digits[1] == '0') {
		n->international = true;
		drop_front(n, 2);
	}
	const struct fault *fault = n->international ? NULL : add_country(n, country);
	return fault ? fault : number_fault(n);
}

bool address_phone(struct arena *a, struct str typed, int64_t country, struct str *normal, struct err *err) {
	struct str shown = trim(typed);
	struct dialled number = {0};
	const struct fault *fault = typed.len > TYPED_MAX ? &too_many : read_number(shown, &number);
	if (!fault)
		fault = complete(&number, country);
	if (fault)
		return refuse(err, fault, shown);
	*normal = arena_printf(a, "+%.*s", (int)number.count, number.digits);
	return true;
}

struct str address_mask(struct arena *a, struct str normal) {
	struct str domain = normal, local = str_cut(&domain, '@');
	if (local.len > 0 && domain.len > 0)
		return arena_printf(a, "%c***@%.*s", local.at[0], STR_ARG(domain));
	if (normal.len <= PHONE_MIN || normal.at[0] != '+')
		return STR("***");
	const char *end = normal.at + normal.len - 2;
	if (str_starts(normal, STR("+45")))
		return arena_printf(a, "+45 ** ** ** %.2s", end);
	return arena_printf(a, "%.3s ****** %.2s", normal.at, end);
}
