#include "engine/base/escape.h"
#include "engine/workflow/data_members.h"
#include "mailer/transport.h"

enum { PARAMETERS = 100 };

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

enum delivery gateway_report(const struct gateway *g, const struct report_text *report, struct arena *a, bool *dead, struct str *status, struct str *reason) {
	struct members found = {0}, more = {0};
	struct err err;
	read_parameters(report->query, a, &found);
	if (!is_json(report->type, report->body))
		read_parameters(report->body, a, &found);
	else if (!members_from_json(report->body, a, &more, &err))
		more = (struct members){0};
	for (size_t i = 0; i < more.count; i++)
		*(struct member *)ARENA_PUSH(a, &found) = more.items[i];
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
