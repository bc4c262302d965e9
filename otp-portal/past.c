#include "otp-portal/past.h"

#include <string.h>

/* A payload is canonical JSON of our own: {"set":{"field":value,...},"reads":...}. Members are cut out as text here, and read by data.c
 * once their last state is known. */
struct scan {
	struct str rest;
};

static char scan_next(struct scan *s) {
	return s->rest.len > 0 ? s->rest.at[0] : '\0';
}

static void scan_skip(struct scan *s, size_t len) {
	len = len < s->rest.len ? len : s->rest.len;
	s->rest.at += len;
	s->rest.len -= len;
}

static void scan_string(struct scan *s) {
	scan_skip(s, 1);
	while (s->rest.len > 0 && scan_next(s) != '"')
		scan_skip(s, scan_next(s) == '\\' ? 2 : 1);
	scan_skip(s, 1);
}

/* One value of any kind. */
static struct str scan_value(struct scan *s) {
	const char *start = s->rest.at;
	size_t depth = 0;
	while (s->rest.len > 0) {
		char c = scan_next(s);
		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			break;
		if (c == '"') {
			scan_string(s);
			continue;
		}
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		scan_skip(s, 1);
	}
	return (struct str){start, (size_t)(s->rest.at - start)};
}

/* members: by slot, the JSON text that was set last; empty: never. */
static void take_set(const struct definition *d, struct str payload, struct str *members) {
	struct scan s = {payload};
	if (!str_starts(payload, STR("{\"set\":{")))
		return;
	scan_skip(&s, strlen("{\"set\":{"));
	while (scan_next(&s) == '"') {
		const char *start = s.rest.at + 1;
		scan_string(&s);
		struct str name = {start, (size_t)(s.rest.at - start) - 1};
		scan_skip(&s, 1); /* the colon */
		struct str value = scan_value(&s);
		const struct field *field = definition_field(d, name);
		if (field)
			members[field->slot] = value;
		if (scan_next(&s) == ',')
			scan_skip(&s, 1);
	}
}

static bool read_members(const struct definition *d, const struct str *members, const struct register_port *port, struct arena *a,
                         struct value *values, struct err *err) {
	struct buf json;
	bool first = true;
	buf_init(&json, 4 << 20);
	buf_char(&json, '{');
	for (size_t i = 0; i < d->fields.count; i++) {
		if (members[i].len == 0 || str_is(members[i], "null"))
			continue;
		buf_printf(&json, "%s\"%.*s\":", first ? "" : ",", STR_ARG(d->fields.items[i].name));
		buf_str(&json, members[i]);
		first = false;
	}
	buf_char(&json, '}');
	bool ok = data_from_json(d, buf_text(&json), port, a, values, err);
	buf_free(&json);
	return ok;
}

bool past_values(struct view *v, const struct definition *d, int64_t instance_id, int64_t history_id, const struct register_port *port,
                 struct arena *a, struct history *entry, struct value **values, struct err *err) {
	struct history_list entries = {0};
	struct str *members = ARENA_ARRAY(a, d->fields.count + 1, struct str);
	bool erased = false;
	*values = NULL;
	if (!history_list(v, instance_id, a, &entries, err))
		return false;
	for (size_t i = 0; i < entries.count; i++) {
		erased = erased || entries.items[i].payload.len == 0;
		take_set(d, entries.items[i].payload, members);
		if (entries.items[i].id != history_id)
			continue;
		*entry = entries.items[i];
		if (erased)
			return true;
		*values = ARENA_ARRAY(a, d->fields.count + 1, struct value);
		return read_members(d, members, port, a, *values, err);
	}
	return err_set(err, ERR_NOT_FOUND, "error.not-found", "no entry %lld", (long long)history_id);
}
