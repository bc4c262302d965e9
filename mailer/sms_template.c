#include "mailer/sms_template.h"

#include "engine/base/escape.h"

#include <string.h>

enum { VALUE_MAX = 1024, JSON_MAX = 32768 };

static const struct str *field_of(const struct sms_fields *f, struct str name) {
	const struct {
		const char *name;
		const struct str *value;
	} all[] = {{"to", &f->to}, {"digits", &f->digits}, {"text", &f->text}, {"reference", &f->reference}, {"report_url", &f->report_url}, {"from", &f->from},
	           {"user", &f->user}, {"token", &f->token}, {"coding", &f->coding}, {"minutes", &f->minutes}, {"seconds", &f->seconds}};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (str_is(name, all[i].name))
			return all[i].value;
	return NULL;
}

static void put_json(struct buf *out, struct str value, bool quoted, bool number) {
	if (number && !quoted) {
		buf_str(out, value);
		return;
	}
	struct buf whole;
	buf_init(&whole, JSON_MAX);
	escape_json(&whole, value);
	struct str text = buf_text(&whole);
	out->overflow |= whole.overflow;
	if (quoted && text.len >= 2)
		text = (struct str){text.at + 1, text.len - 2};
	buf_str(out, text);
	buf_free(&whole);
}

static bool is_number(const struct sms_fields *f, const struct str *value) {
	int64_t number;
	return value == &f->digits || value == &f->minutes || value == &f->seconds || (value == &f->coding && str_to_int(*value, &number));
}

static bool put_value(struct buf *out, struct str name, enum sms_place place, bool quoted, const struct sms_fields *f, struct err *err) {
	const struct str *value = field_of(f, name);
	if (!value)
		return err_set(err, ERR_PERMANENT, "config.sms", "sms: there is no {{%.*s}}; expected to, digits, text, reference, report_url, from, user, token, coding, minutes or seconds", STR_ARG(name));
	if (value->len == 0 && (value == &f->from || value == &f->user || value == &f->token))
		return err_set(err, ERR_PERMANENT, "config.sms", "sms.%.*s%s is missing: the gateway asks for it", STR_ARG(name), value == &f->token ? "_file" : "");
	if (place == SMS_PLACE_JSON)
		put_json(out, *value, quoted, is_number(f, value));
	else if (place != SMS_PLACE_HEADER)
		escape_url(out, *value);
	else if (escape_gate(*value, VALUE_MAX, "an SMS gateway's header", err))
		buf_str(out, *value);
	else
		return false;
	return true;
}

bool sms_template_fill(struct buf *out, struct str template, enum sms_place place, const struct sms_fields *f, struct err *err) {
	bool quoted = false; /* inside a JSON string */
	for (size_t i = 0; i < template.len; i++) {
		struct str rest = {template.at + i, template.len - i};
		if (str_starts(rest, STR("{{"))) {
			const char *end = memmem(rest.at, rest.len, "}}", 2);
			if (!end)
				return err_set(err, ERR_PERMANENT, "config.sms", "sms: a {{ without its }}");
			struct str name = str_trim((struct str){rest.at + 2, (size_t)(end - rest.at) - 2});
			if (!put_value(out, name, place, quoted, f, err))
				return false;
			i += (size_t)(end - rest.at) + 1;
			continue;
		}
		bool escaped = quoted && rest.at[0] == '\\' && rest.len > 1;
		quoted ^= place == SMS_PLACE_JSON && rest.at[0] == '"';
		buf_add(out, rest.at, escaped ? 2 : 1);
		i += escaped;
	}
	if (out->overflow)
		return err_set(err, ERR_PERMANENT, "config.sms", "sms: the request would be too long");
	return true;
}
