#include "engine/base/escape.h"
#include "engine/workflow/data_members.h"
#include "mailer/arrival.h"
#include "mailer/text_in.h"
#include "mailer/transport.h"

enum { PARAMETERS = 100, TEXT_MOST = 8 << 10 };

/* name=value&...; what cannot be decoded is passed over: the rest may still tell enough. */
static void read_parameters(struct str text, struct arena *a, struct members *out) {
	for (size_t i = 0; text.len > 0 && i < PARAMETERS; i++) {
		struct str value = str_cut(&text, '&'), name = str_cut(&value, '=');
		struct member m;
		if (escape_url_decode(a, name, &m.name) && escape_url_decode(a, value, &m.text) && m.name.len > 0)
			*(struct member *)ARENA_PUSH(a, out) = m;
	}
}

static bool is_json(struct str type, struct str body) {
	body = str_trim(body);
	return str_starts(type, STR("application/json")) || str_starts(body, STR("{")) || str_starts(body, STR("["));
}

static struct str plain_line(struct str text, struct arena *a) {
	struct transport_result line;
	transport_answer(&line, text);
	return arena_str(a, str_from(line.answer));
}

static bool has(const struct text_list *texts, struct str word) {
	for (size_t i = 0; i < texts->count; i++)
		if (str_equal(texts->items[i], word))
			return true;
	return false;
}

static void read_all(const struct report_text *came, struct arena *a, struct members *found) {
	struct members more = {0};
	struct err err;
	*found = (struct members){0};
	read_parameters(came->query, a, found);
	if (!is_json(came->type, came->body))
		read_parameters(came->body, a, found);
	else if (!members_from_json(came->body, a, &more, &err))
		more = (struct members){0};
	for (size_t i = 0; i < more.count; i++)
		*(struct member *)ARENA_PUSH(a, found) = more.items[i];
}

enum delivery gateway_report(const struct gateway *g, const struct report_text *report, struct arena *a, bool *dead, struct str *status, struct str *reason) {
	struct members found;
	read_all(report, a, &found);
	struct str told = members_get(&found, g->report.status), why = STR("");
	for (size_t i = 0; i < g->report.reason.count && why.len == 0; i++)
		why = members_get(&found, g->report.reason.items[i]);
	*status = plain_line(told, a);
	*reason = plain_line(why, a);
	*dead = told.len > 0 && has(&g->report.no_number, told);
	for (int d = DELIVERY_ON_WAY; d < DELIVERIES && told.len > 0; d++)
		if (has(&g->report.words[d], told))
			return (enum delivery)d;
	return *dead ? DELIVERY_FAILED : DELIVERY_NONE;
}

/* The bytes of a parameter, which need be no UTF-8; empty: it is not there. */
static struct str raw_parameter(struct str text, struct str wanted, struct arena *a) {
	for (size_t i = 0; text.len > 0 && i < PARAMETERS; i++) {
		struct str value = str_cut(&text, '&'), name = str_cut(&value, '='), bytes;
		if (str_equal(name, wanted) && escape_url_bytes(a, value, &bytes))
			return bytes;
	}
	return STR("");
}

static struct str in_utf16(const struct gateway *g, const struct report_text *came, struct arena *a) {
	struct str bytes = raw_parameter(came->query, g->inbound.text, a);
	if (bytes.len == 0 && !is_json(came->type, came->body))
		bytes = raw_parameter(came->body, g->inbound.text, a);
	return text_from_utf16(a, bytes);
}

static struct str names_of(const struct members *found, struct arena *a) {
	struct buf names;
	buf_init(&names, 4096);
	for (size_t i = 0; i < found->count; i++) {
		buf_z(&names, i > 0 ? " " : "");
		buf_str(&names, found->items[i].name);
	}
	struct str line = plain_line(buf_text(&names), a);
	buf_free(&names);
	return line;
}

bool gateway_inbound(const struct gateway *g, const struct report_text *came, struct arena *a, struct inbound *out, struct str *names) {
	struct members found;
	read_all(came, a, &found);
	struct str charset = members_get(&found, g->inbound.charset);
	bool wide = g->inbound.charset.len > 0 && (str_starts(charset, STR("UTF-16")) || str_starts(charset, STR("UCS-2")));
	struct str text = wide ? in_utf16(g, came, a) : members_get(&found, g->inbound.text);
	*names = names_of(&found, a);
	out->from = plain_line(members_get(&found, g->inbound.from), a);
	out->text = arrival_clean(a, text, true, TEXT_MOST);
	out->id = g->inbound.id.len > 0 ? members_get(&found, g->inbound.id) : STR("");
	return g->inbound.from.len > 0 && out->from.len > 0 && out->text.len > 0;
}
