#include "engine/workflow/form_field.h"

#include "engine/base/address.h"
#include "engine/base/config.h"
#include "engine/base/escape.h"
#include "engine/workflow/upload.h"

#include <stdlib.h>
#include <string.h>

static bool refuse(struct field_refusal *refusal, const char *key, struct str arg) {
	*refusal = (struct field_refusal){key, {arg, STR("")}};
	return false;
}

static bool control_free(struct str text, bool lines) {
	for (size_t at = 0; at < text.len;) {
		uint32_t c = str_utf8_next(text, &at);
		bool line_end = lines && (c == '\n' || c == '\t');
		/* C0, DEL, C1, the bidi overrides and isolates, broken UTF-8 */
		if (c == UINT32_MAX || (c < 0x20 && !line_end) || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069))
			return false;
	}
	return true;
}

/* U+2028 and U+2029, which come along when text is pasted, and which no mail may carry in a name. */
static size_t separator_at(struct str text, size_t i) {
	return text.len - i >= 3 && memcmp(text.at + i, "\xE2\x80", 2) == 0 && (text.at[i + 2] == '\xA8' || text.at[i + 2] == '\xA9') ? 3 : 0;
}

/* Browsers send CRLF for a line end in a text area. */
static struct str plain_lines(struct str text, bool lines, struct arena *a) {
	char *copy = arena_alloc(a, text.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		size_t separator = separator_at(text, i);
		if (separator > 0) {
			copy[len++] = lines ? '\n' : ' ';
			i += separator - 1;
			continue;
		}
		if (lines && text.at[i] == '\r' && i + 1 < text.len && text.at[i + 1] == '\n')
			continue;
		copy[len++] = lines && text.at[i] == '\r' ? '\n' : text.at[i];
	}
	return (struct str){copy, len};
}

static bool parse_text(const struct field *field, struct str text, struct arena *a, struct value *out, struct field_refusal *refusal) {
	bool lines = field->kind == FIELD_LONGTEXT;
	text = str_trim(plain_lines(text, lines, a));
	if (!control_free(text, lines))
		return refuse(refusal, "field.control", STR(""));
	int64_t count = (int64_t)str_utf8_count(text);
	int64_t most = field->has_max ? (int64_t)field->max : lines ? 4000 : 200;
	if (count == 0) /* it was separators alone */
		return refuse(refusal, "field.missing", STR(""));
	if (count > most)
		return refuse(refusal, "field.too-long", arena_printf(a, "%lld", (long long)most));
	if (field->has_min && count < (int64_t)field->min)
		return refuse(refusal, "field.too-short", arena_printf(a, "%lld", (long long)field->min));
	*out = value_string(arena_str(a, text));
	return true;
}

static bool is_digit(struct str text, size_t i) {
	return i < text.len && text.at[i] >= '0' && text.at[i] <= '9';
}

/* Digits without blanks and prefix; checked by length and weighted sum. */
static bool parse_digits(const struct field *field, struct str text, struct arena *a, struct value *out, struct field_refusal *refusal) {
	char *digits = arena_alloc(a, text.len + 1);
	size_t count = 0;
	int64_t sum = 0;
	text = str_trim(text);
	if (field->prefix.len > 0 && text.len >= field->prefix.len && strncasecmp(text.at, field->prefix.at, field->prefix.len) == 0)
		text = (struct str){text.at + field->prefix.len, text.len - field->prefix.len};
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == ' ' || text.at[i] == '-' || text.at[i] == '.')
			continue;
		if (!is_digit(text, i))
			return refuse(refusal, "field.not-digits", arena_printf(a, "%lld", (long long)field->digits));
		digits[count++] = text.at[i];
	}
	if ((int64_t)count != field->digits)
		return refuse(refusal, "field.not-digits", arena_printf(a, "%lld", (long long)field->digits));
	for (size_t i = 0; i < field->weights.count && i < count; i++)
		sum += field->weights.items[i] * (digits[i] - '0');
	if (field->modulo > 0 && sum % field->modulo != 0)
		return refuse(refusal, "field.checksum", STR(""));
	*out = value_string((struct str){digits, count});
	return true;
}

/* Range of numbers, told in the person's own terms. */
static bool in_range(const struct field *field, double number, struct arena *a, struct field_refusal *refusal) {
	if (field->has_min && number < field->min)
		return refuse(refusal, "field.too-small", arena_printf(a, "%.15g", field->min));
	if (field->has_max && number > field->max)
		return refuse(refusal, "field.too-large", arena_printf(a, "%.15g", field->max));
	return true;
}

/* With two bounds one message says both. */
static bool parse_int(const struct field *field, struct str text, struct arena *a, struct value *out, struct field_refusal *refusal) {
	int64_t number;
	bool whole = str_to_int(str_trim(text), &number);
	if (whole)
		*out = value_int(number);
	if (whole && in_range(field, (double)number, a, refusal))
		return true;
	if (field->has_min && field->has_max) {
		*refusal = (struct field_refusal){"field.int-range", {arena_printf(a, "%.15g", field->min), arena_printf(a, "%.15g", field->max)}};
		return false;
	}
	return whole ? false : refuse(refusal, "field.not-int", STR(""));
}

struct marks {
	size_t points, commas;
	char last; /* of either kind; NUL: none */
};

static struct marks find_marks(struct str text) {
	struct marks m = {0};
	for (size_t i = 0; i < text.len; i++) {
		m.points += text.at[i] == '.';
		m.commas += text.at[i] == ',';
		if (text.at[i] == '.' || text.at[i] == ',')
			m.last = text.at[i];
	}
	return m;
}

static bool groups_three(struct str text, size_t i) {
	return i > 0 && is_digit(text, i - 1) && is_digit(text, i + 1) && is_digit(text, i + 2) && is_digit(text, i + 3) && !is_digit(text, i + 4);
}

/* As strtod reads it. A lone mark is the decimal mark, be it comma or point. Of both kinds, or of one kind more than once ("1.350,5", "1,350.5", "1.350.000"), the
 * last kind is the decimal mark if it stands once, and the others must group thousands: what could be read in two ways is refused. */
static bool plain_decimal(struct str text, char *copy, size_t size) {
	struct marks m = find_marks(text);
	size_t len = 0, of_last = m.last == '.' ? m.points : m.commas;
	bool has_decimal = of_last == 1, decimal_seen = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool mark = c == '.' || c == ',', decimal = mark && has_decimal && c == m.last;
		bool sign = (c == '-' || c == '+') && (i == 0 || text.at[i - 1] == 'e' || text.at[i - 1] == 'E');
		if (c == ' ')
			continue;
		if (mark && !decimal) {
			if (decimal_seen || !groups_three(text, i))
				return false;
			continue;
		}
		if ((!decimal && !sign && !is_digit(text, i) && c != 'e' && c != 'E') || len == size - 1)
			return false;
		decimal_seen = decimal_seen || decimal;
		copy[len++] = decimal ? '.' : c;
	}
	copy[len] = '\0';
	return len > 0;
}

static bool parse_decimal(const struct field *field, struct str text, struct arena *a, struct value *out, struct field_refusal *refusal) {
	char copy[64], *end;
	if (!plain_decimal(str_trim(text), copy, sizeof copy))
		return refuse(refusal, "field.not-decimal", STR(""));
	double number = strtod(copy, &end);
	if (end == copy || *end != '\0' || number - number != 0.0)
		return refuse(refusal, "field.not-decimal", STR(""));
	*out = value_double(number);
	return in_range(field, number, a, refusal);
}

static bool parse_bool(const struct field *field, struct str text, struct value *out, struct field_refusal *refusal) {
	text = str_trim(text);
	bool yes = str_is(text, "true") || str_is(text, "yes") || str_is(text, "1") || str_is(text, "on");
	bool no = str_is(text, "false") || str_is(text, "no") || str_is(text, "0");
	if (!yes && !no)
		return refuse(refusal, "field.not-choice", STR(""));
	if (no && field->accept)
		return refuse(refusal, "field.must-accept", STR(""));
	*out = value_bool(yes);
	return true;
}

static bool read_limit(const struct expression *limit, const struct environment *env, struct arena *a, int64_t *day) {
	struct value value;
	struct err unset;
	if (!limit || !expression_evaluate(limit, env, a, &value, &unset))
		return false;
	*day = value.integer;
	return true;
}

struct day_limits form_day_limits(const struct form_world *world, const struct field *field, const struct value *values, struct arena *a) {
	struct environment env = form_environment(world, values, a);
	struct day_limits limits = {0};
	limits.has_min = read_limit(field->min_date, &env, a, &limits.min);
	limits.has_max = read_limit(field->max_date, &env, a, &limits.max);
	return limits;
}

static bool parse_date(const struct form_world *world, const struct field *field, struct str text, const struct value *values,
                       struct arena *a, struct value *out, struct field_refusal *refusal) {
	int64_t day;
	if (world->languages ? !language_parse_date(world->languages, text, &day) : !civil_parse_date(text, &day))
		return refuse(refusal, "field.not-date", STR(""));
	struct day_limits limits = form_day_limits(world, field, values, a);
	*out = value_date(day);
	if (limits.has_min && day < limits.min)
		return refuse(refusal, "field.too-early", civil_format_date(a, limits.min));
	if (limits.has_max && day > limits.max)
		return refuse(refusal, "field.too-late", civil_format_date(a, limits.max));
	return true;
}

static bool parse_choice(const struct field *field, struct str text, struct value *out, struct field_refusal *refusal) {
	text = str_trim(text);
	for (size_t i = 0; i < field->options.count; i++) {
		if (!str_equal(field->options.items[i], text))
			continue;
		*out = value_string(field->options.items[i]);
		return true;
	}
	return refuse(refusal, "field.not-choice", STR(""));
}

/* Of a number that somebody is only called at, the country does not matter. */
static bool is_texted(const struct definition *d, const struct field *field) {
	for (size_t i = 0; i < d->roles.count; i++)
		if (d->roles.items[i].contact == field || d->roles.items[i].code == field)
			return true;
	return false;
}

static struct str calling_codes(const struct sms_config *sms, struct arena *a) {
	struct str list = STR("");
	for (size_t i = 0; i < sms->allowed_count; i++)
		list = arena_printf(a, "%.*s%s+%lld", STR_ARG(list), i > 0 ? ", " : "", (long long)sms->allowed[i]);
	return list;
}

static bool parse_address(const struct form_world *world, const struct field *field, struct str text, struct arena *a, struct value *out,
                          struct field_refusal *refusal) {
	struct str normal;
	struct err err;
	bool email = field->kind == FIELD_EMAIL;
	bool ok = email ? address_email(a, text, &normal, &err) : address_phone(a, text, world->country, &normal, &err);
	if (!ok)
		return refuse(refusal, err.key, STR(""));
	if (!email && is_texted(world->definition, field) && world->sms && !config_texts_to(world->sms, normal))
		return refuse(refusal, "field.phone-country", calling_codes(world->sms, a));
	*out = value_string(normal);
	return true;
}

/* What is in the file was looked at when it came. */
static bool parse_file(const struct field *field, struct str text, struct arena *a, struct value *out, struct field_refusal *refusal) {
	struct upload upload;
	struct str extension;
	bool allowed = false;
	if (!upload_read(text, &upload) || !upload_type(upload.name, &extension))
		return refuse(refusal, "field.no-file", STR(""));
	for (size_t i = 0; i < field->extensions.count; i++)
		allowed = allowed || str_equal(field->extensions.items[i], extension);
	if (!allowed)
		return refuse(refusal, "field.file-kind", upload.name);
	if (upload.size > (int64_t)field->max)
		return refuse(refusal, "field.file-large", upload.name);
	*out = upload_value(a, &upload);
	return true;
}

bool field_parse(const struct form_world *world, const struct field *field, struct str text, const struct value *values,
                 struct arena *a, struct value *out, struct field_refusal *refusal) {
	int64_t local;
	switch (field->kind) {
	case FIELD_TEXT:
	case FIELD_LONGTEXT:
		return parse_text(field, text, a, out, refusal);
	case FIELD_EMAIL:
	case FIELD_PHONE:
		return parse_address(world, field, text, a, out, refusal);
	case FIELD_DIGITS:
		return parse_digits(field, text, a, out, refusal);
	case FIELD_INT:
		return parse_int(field, text, a, out, refusal);
	case FIELD_DECIMAL:
		return parse_decimal(field, text, a, out, refusal);
	case FIELD_BOOL:
		return parse_bool(field, text, out, refusal);
	case FIELD_DATE:
		return parse_date(world, field, text, values, a, out, refusal);
	case FIELD_DATETIME:
		if (!civil_parse_datetime(str_trim(text), &local))
			return refuse(refusal, "field.not-datetime", STR(""));
		*out = value_datetime(local);
		return true;
	case FIELD_CHOICE:
		return parse_choice(field, text, out, refusal);
	case FIELD_FILE:
		return parse_file(field, text, a, out, refusal);
	case FIELD_REF:
	case FIELD_MATRIX:
	case FIELD_GROUP:
		break;
	}
	BUG_IF(true);
	return false;
}
