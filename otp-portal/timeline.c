#include "otp-portal/timeline.h"

#include "engine/base/escape.h"
#include "engine/store/fate.h"
#include "engine/store/timers.h"
#include "otp-portal/acquaintance.h"
#include "otp-portal/page.h"
#include "otp-portal/papers.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 100, MINUTE_MS = 60000 };

/* One thing, in up to three lines. */
struct moment {
	int64_t at;
	size_t order; /* among those of one instant */
	struct str text, by, state;
};

struct telling {
	const struct timeline *t;
	struct view *v;
	struct arena *a;
	const struct language *language;
	const struct definition *d;
	struct acquaintance known;
	LIST_OF(struct moment) past, next;
	bool older; /* more has happened than is in past */
};

static struct str word(const struct telling *m, const char *key, struct str arg0, struct str arg1) {
	return language_text(m->language, m->a, key, arg0, arg1);
}

static struct str named(const struct telling *m, const char *group, struct str name) {
	return prose_get(m->t->prose, group, name, NULL, (struct str){0});
}

static bool actor(const struct telling *m, const struct history *h, struct str *out, struct err *err) {
	struct contact contact = {0};
	struct str name = STR("");
	*out = STR("");
	if (h->contact_id == 0 || h->role.len == 0)
		return true;
	for (size_t i = 0; i < m->known.people.count; i++)
		if (m->known.people.items[i].contact_id == h->contact_id && str_equal(m->known.people.items[i].role, h->role))
			name = m->known.people.items[i].name;
	if (!contact_load(m->v, h->contact_id, m->a, &contact, err))
		return false;
	*out = word(m, "timeline.by", acquaintance_who(&m->known, h->role, h->contact_id, name, contact.value), STR(""));
	return true;
}

/* --- what has happened --- */

static struct str deed(const struct telling *m, const struct history *h) {
	bool by_person = str_is(h->kind, "form"), by_time = str_is(h->kind, "timer");
	struct str text = named(m, by_time ? "timers" : "done", h->event), title = named(m, "events", h->event);
	if (str_is(h->kind, "start"))
		return language_word(m->language, "timeline.started");
	if (text.len > 0)
		return text;
	if (by_person)
		return word(m, "timeline.done", title.len > 0 ? title : h->event, STR(""));
	return language_word(m->language, by_time ? "timeline.time" : "timeline.moved");
}

/* What only sent something or set a field is told by its messages. */
static bool is_told(const struct history *h) {
	return !h->refused && (str_is(h->kind, "start") || str_is(h->kind, "form") || h->to.len > 0);
}

static bool tell_history(struct telling *m, struct err *err) {
	struct history_list list;
	size_t told = 0;
	if (!history_list(m->v, m->t->prose->instance->id, m->a, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++)
		told += is_told(&list.items[i]);
	m->older = told > MOST;
	for (size_t i = 0; i < list.count; i++) {
		const struct history *h = &list.items[i];
		struct str by;
		if (!is_told(h) || told-- > MOST)
			continue;
		if (!actor(m, h, &by, err))
			return false;
		struct str state = h->to.len > 0 ? word(m, "timeline.state", prose_state(m->t->prose, h->to), STR("")) : STR("");
		struct str text = deed(m, h);
		*(struct moment *)ARENA_PUSH(m->a, &m->past) = (struct moment){h->at, 2 * (size_t)h->seq, text, by, state};
	}
	return true;
}

static bool tell_documents(struct telling *m, struct err *err) {
	struct document_list list;
	if (!document_of_instance(m->v, m->t->prose->instance->id, m->a, &list, err))
		return false;
	for (size_t i = 0; m->t->ready && i < list.count; i++) {
		const struct document *d = &list.items[i];
		if (d->state != DOCUMENT_READY || !papers_sees(&m->known.people, m->t->contact_id, d))
			continue;
		struct str text = word(m, "timeline.document", d->title, papers_version(m->language, m->a, d));
		*(struct moment *)ARENA_PUSH(m->a, &m->past) = (struct moment){.at = d->at, .order = SIZE_MAX / 4 + (size_t)d->id, .text = text};
	}
	return true;
}

static struct str message_label(const struct telling *m, struct str name, bool sms) {
	struct str label = named(m, "messages", name);
	return label.len > 0 ? label : language_word(m->language, sms ? "timeline.sms" : "timeline.mail");
}

/* People of one role who are not told apart get one line together. */
static bool is_repeated(const struct telling *m, int64_t at, struct str text) {
	for (size_t i = m->past.count; i > 0; i--)
		if (m->past.items[i - 1].at / MINUTE_MS == at / MINUTE_MS && str_equal(m->past.items[i - 1].text, text))
			return true;
	return false;
}

static bool tell_messages(struct telling *m, struct err *err) {
	struct outbox_list list;
	if (!outbox_of_instance(m->v, m->t->prose->instance->id, m->a, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct outbox_row *row = &list.items[i];
		const char *key = fate_key(fate_of(row));
		if (!key || row->workflow.len == 0)
			continue;
		struct str label = message_label(m, row->message, row->channel == CHANNEL_SMS);
		struct str to = acquaintance_who(&m->known, row->role, row->contact_id, row->recipient_name, row->recipient), what = word(m, "timeline.message", label, to);
		struct str text = arena_printf(m->a, "%.*s: %.*s", STR_ARG(language_word(m->language, key)), STR_ARG(what));
		int64_t at = row->sent_at ? row->sent_at : row->created_at;
		if (!is_repeated(m, at, text))
			*(struct moment *)ARENA_PUSH(m->a, &m->past) = (struct moment){.at = at, .order = SIZE_MAX / 2 + (size_t)row->id, .text = text};
	}
	return true;
}

/* --- what is next --- */

static void tell_sends(struct telling *m, const struct transition *way, int64_t at) {
	for (size_t i = 0; i < way->actions.count; i++) {
		const struct action *action = &way->actions.items[i];
		for (size_t k = 0; action->kind == ACTION_SEND && !action->condition && k < action->to.count; k++) {
			struct str role = action->to.items[k]->name, label = named(m, "roles", role);
			struct str message = message_label(m, action->message, action->channel == CHANNEL_SMS);
			struct str text = word(m, "timeline.will-send", word(m, "timeline.message", message, label.len > 0 ? label : role), STR(""));
			*(struct moment *)ARENA_PUSH(m->a, &m->next) = (struct moment){.at = at, .order = m->next.count, .text = text};
		}
	}
}

/* Only what will happen for certain, if nothing else does: without guard or condition. */
static void tell_timer(struct telling *m, const struct timer_rule *rule, int64_t at) {
	if (!rule || rule->cases.count != 1 || rule->cases.items[0].guard)
		return;
	const struct transition *way = &rule->cases.items[0];
	tell_sends(m, way, at);
	if (!way->target)
		return;
	struct str text = named(m, "timers", rule->name);
	struct str state = word(m, "timeline.will-be", prose_state(m->t->prose, way->target->name), STR(""));
	*(struct moment *)ARENA_PUSH(m->a, &m->next) =
	        (struct moment){.at = at, .order = m->next.count, .text = text.len > 0 ? text : language_word(m->language, "timeline.deadline"), .state = state};
}

static bool tell_timers(struct telling *m, struct err *err) {
	const struct instance *instance = m->t->prose->instance;
	const struct state *state = definition_state(m->d, instance->state);
	struct timer_list list;
	if (!timer_list(m->v, instance->id, m->a, &list, err))
		return false;
	for (size_t i = 0; state && i < list.count; i++)
		tell_timer(m, state_timer(state, list.items[i].name), list.items[i].due_at);
	return true;
}

/* --- the page --- */

static int by_time(const void *a, const void *b) {
	const struct moment *x = a, *y = b;
	return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->order < y->order ? -1 : x->order > y->order;
}

static void write_line(struct buf *b, struct str text, const char *class) {
	if (text.len == 0)
		return;
	buf_printf(b, "<div%s%s%s>", class ? " class=\"" : "", class ? class : "", class ? "\"" : "");
	escape_html(b, text);
	buf_z(b, "</div>");
}

static void write_time(const struct telling *m, int64_t at, struct buf *b) {
	int64_t local = zone_local(site_zone(m->t->prose->r->world->options.site), at) / MINUTE_MS * MINUTE_MS;
	struct str machine = civil_format_datetime(m->a, local);
	buf_printf(b, "<li><time datetime=\"%.*s\">", STR_ARG(machine));
	escape_html(b, language_datetime(m->language, m->a, local));
	buf_z(b, "</time>");
}

/* What is of one minute stands together, in the order in which it happened. */
static void write_minute(const struct telling *m, const struct moment *moments, size_t count, struct buf *b) {
	write_time(m, moments[0].at, b);
	for (size_t i = 0; i < count; i++) {
		write_line(b, moments[i].text, NULL);
		write_line(b, moments[i].by, "caption");
		write_line(b, moments[i].state, NULL);
	}
	buf_z(b, "</li>\n");
}

static bool same_minute(const struct moment *a, const struct moment *b) {
	return a->at / MINUTE_MS == b->at / MINUTE_MS;
}

static void write_heading(struct telling *m, const char *key, struct response *out) {
	buf_z(&out->body, "<h3>");
	page_word(m->t->prose->r, out, key);
	buf_z(&out->body, "</h3>\n<ol class=\"timeline\">\n");
}

static void write_next(struct telling *m, struct response *out) {
	if (m->next.count == 0)
		return;
	qsort(m->next.items, m->next.count, sizeof *m->next.items, by_time);
	write_heading(m, "timeline.next", out);
	for (size_t first = 0, end; first < m->next.count; first = end) {
		for (end = first + 1; end < m->next.count && same_minute(&m->next.items[first], &m->next.items[end]);)
			end++;
		write_minute(m, &m->next.items[first], end - first, &out->body);
	}
	buf_z(&out->body, "</ol>\n");
}

/* The newest minute first; where there is very much, without the oldest. */
static void write_past(struct telling *m, struct response *out) {
	qsort(m->past.items, m->past.count, sizeof *m->past.items, by_time);
	size_t left_out = m->past.count > MOST ? m->past.count - MOST : 0;
	write_heading(m, "timeline.past", out);
	for (size_t end = m->past.count, first; end > left_out; end = first) {
		for (first = end - 1; first > left_out && same_minute(&m->past.items[first - 1], &m->past.items[end - 1]);)
			first--;
		write_minute(m, &m->past.items[first], end - first, &out->body);
	}
	buf_z(&out->body, "</ol>\n");
	if (left_out == 0 && !m->older)
		return;
	buf_z(&out->body, "<p>");
	page_word(m->t->prose->r, out, "timeline.older");
	buf_z(&out->body, "</p>\n");
}

bool timeline_write(const struct timeline *t, struct view *v, struct response *out, struct err *err) {
	struct telling m = {.t = t, .v = v, .a = t->prose->r->arena, .language = t->prose->r->language, .d = t->prose->definition};
	if (!acquaintance_read(t->prose, v, t->rule, t->contact_id, t->ready, &m.known, err) || !tell_history(&m, err) || !tell_documents(&m, err) || !tell_messages(&m, err) || !tell_timers(&m, err))
		return false;
	buf_z(&out->body, "<section class=\"course\">\n<h2>");
	page_word(t->prose->r, out, "timeline.title");
	buf_z(&out->body, "</h2>\n");
	write_next(&m, out);
	if (m.past.count > 0)
		write_past(&m, out);
	buf_z(&out->body, "</section>\n");
	return true;
}
