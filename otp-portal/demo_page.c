#include "otp-portal/demo_page.h"

#include "engine/base/clock.h"
#include "engine/base/escape.h"
#include "engine/store/lines.h"
#include "engine/store/mailbox.h"
#include "engine/store/timers.h"
#include "otp-portal/file_answer.h"
#include "otp-portal/page.h"

#include <string.h>
#include <time.h>

enum { CHUNK = 200, MESSAGES = 20000, GREETING = 40 };

static struct str local_time(const struct request *r, int64_t instant) {
	return language_datetime(r->language, r->arena, zone_local(site_zone(r->world->options.site), instant));
}

static bool read_rows(struct request *r, struct view *v, struct captured_list *out, struct err *err) {
	int64_t after = 0;
	if (!str_to_int(request_query(r, "after"), &after) || after < 0)
		after = 0;
	for (size_t before = 0; out->count < MESSAGES; before = out->count) {
		struct captured_list chunk = {0};
		if (!captured_list(v, after, CHUNK, r->arena, &chunk, err))
			return false;
		for (size_t i = 0; i < chunk.count; i++)
			*(struct captured *)ARENA_PUSH(r->arena, out) = chunk.items[i];
		if (out->count == before)
			break;
		after = out->items[out->count - 1].id;
	}
	return true;
}

static bool read_entry(struct request *r, const struct captured *row, struct inbox_entry *out, struct err *err) {
	*out = (struct inbox_entry){0};
	return r->world->options.inbox_entry(r->world->options.context, row, r->arena, out, err);
}

/* --- for people --- */

static void write_clock_button(struct request *r, const char *advance, const char *key, struct response *out) {
	buf_printf(&out->body, "<button name=\"advance\" value=\"%s\" class=\"quiet\">", advance);
	page_word(r, out, key);
	buf_z(&out->body, "</button>\n");
}

static void write_clock(struct request *r, struct response *out) {
	buf_z(&out->body, "<section class=\"note\" aria-label=\"");
	page_word(r, out, "demo.clock");
	buf_z(&out->body, "\">\n<p role=\"status\">");
	page_text(r, out, "demo.clock-now", local_time(r, r->now), STR(""));
	buf_z(&out->body, " ");
	page_word(r, out, "demo.clock-intro");
	buf_z(&out->body, "</p>\n<form method=\"post\" action=\"/demo/clock\" class=\"row-form\">\n");
	page_hidden_language(r, out);
	write_clock_button(r, "1h", "demo.clock-hour", out);
	write_clock_button(r, "1d", "demo.clock-day", out);
	write_clock_button(r, "7d", "demo.clock-week", out);
	buf_z(&out->body, "</form>\n</section>\n");
}

/* "Stafet" of "Stafet <stafet@example.dk>"; empty for an SMS. */
static struct str sender_of(const struct inbox_entry *entry) {
	for (size_t i = 0; i < entry->header_count; i++) {
		struct str value = entry->headers[i].value;
		if (str_is(entry->headers[i].name, "From"))
			return str_trim(str_cut(&value, '<'));
	}
	return STR("");
}

static struct str next_paragraph(struct str *text) {
	const char *end = text->len > 0 ? memmem(text->at, text->len, "\n\n", 2) : NULL;
	struct str paragraph = {text->at, end ? (size_t)(end - text->at) : text->len};
	*text = (struct str){text->at + paragraph.len, text->len - paragraph.len};
	*text = str_trim(*text);
	return paragraph;
}

/* How a message begins, behind its greeting. */
static struct str beginning(struct str text) {
	struct str first = next_paragraph(&text);
	return first.len <= GREETING && text.len > 0 ? next_paragraph(&text) : first;
}

static void write_caption(struct request *r, const struct captured *row, const struct inbox_entry *entry, struct response *out) {
	struct str sender = sender_of(entry);
	buf_z(&out->body, "<p class=\"caption\"><span class=\"tag\">");
	page_word(r, out, row->channel == CHANNEL_SMS ? "demo.sms" : "demo.mail");
	buf_z(&out->body, "</span> ");
	page_text(r, out, sender.len > 0 ? "demo.from-to" : "demo.to-only", row->to, sender);
	buf_z(&out->body, "<br>");
	escape_html(&out->body, local_time(r, row->at));
	buf_z(&out->body, "</p>\n");
}

static void write_card(struct request *r, const struct captured *row, const struct inbox_entry *entry, struct response *out) {
	struct buf *b = &out->body;
	struct str text = entry->text;
	buf_z(b, "<li>\n");
	write_caption(r, row, entry, out);
	buf_z(b, "<h2><a href=\"");
	escape_html(b, page_path(r, arena_printf(r->arena, "/demo/inbox/%lld", (long long)row->id)));
	buf_z(b, "\">");
	escape_html(b, entry->subject.len > 0 ? entry->subject : str_cut(&text, '\n'));
	buf_z(b, "</a></h2>\n");
	if (entry->subject.len > 0) {
		buf_z(b, "<p class=\"first\">");
		escape_html(b, beginning(text));
		buf_z(b, "</p>\n");
	}
	buf_z(b, "<p class=\"open\" aria-hidden=\"true\">");
	page_word(r, out, "list.open");
	buf_z(b, "</p>\n</li>\n");
}

static bool write_cards(struct request *r, const struct captured_list *rows, struct response *out, struct err *err) {
	buf_z(&out->body, "<ul class=\"cards\">\n");
	for (size_t i = rows->count; i > 0; i--) {
		struct inbox_entry entry;
		if (!read_entry(r, &rows->items[i - 1], &entry, err))
			return false;
		write_card(r, &rows->items[i - 1], &entry, out);
	}
	buf_z(&out->body, "</ul>\n");
	return true;
}

static bool write_inbox(struct request *r, struct view *v, struct response *out, struct err *err) {
	struct captured_list rows = {0};
	struct page page = {.title = language_word(r->language, "demo.inbox"), .here = STR("/demo/inbox")};
	if (!read_rows(r, v, &rows, err))
		return false;
	page_begin(r, out, &page);
	buf_z(&out->body, "<h1>");
	page_word(r, out, "demo.inbox");
	buf_z(&out->body, "</h1>\n<p>");
	page_word(r, out, rows.count > 0 ? "demo.inbox-intro" : "demo.inbox-empty");
	buf_z(&out->body, "</p>\n");
	write_clock(r, out);
	if (rows.count > 0 && !write_cards(r, &rows, out, err))
		return false;
	page_end(r, out);
	return true;
}

static void with_view(struct request *r, struct response *out,
                      bool (*write)(struct request *, struct view *, struct response *, struct err *)) {
	struct err err;
	struct view *v = store_view(r->world->options.store, &err);
	if (!v || !write(r, v, out, &err))
		page_failure(r, out, &err);
	if (v)
		view_close(v);
}

void demo_inbox(struct request *r, struct response *out) {
	with_view(r, out, write_inbox);
}

static void write_links(struct request *r, const struct inbox_entry *entry, struct response *out) {
	struct buf *b = &out->body;
	for (size_t i = 0; i < entry->link_count; i++) {
		struct str link = entry->links[i];
		if (!str_starts(link, STR("http://")) && !str_starts(link, STR("https://")))
			continue;
		buf_z(b, "<p><a class=\"button\" href=\"");
		escape_html(b, link);
		buf_z(b, "\">");
		page_word(r, out, "demo.open-link");
		buf_z(b, "</a></p>\n<p class=\"caption url\">");
		escape_html(b, link);
		buf_z(b, "</p>\n");
	}
}

/* The mail's own HTML is a stranger here: a sandbox without scripts; a click opens in the whole window. */
static void write_html(const struct inbox_entry *entry, struct response *out) {
	struct buf *b = &out->body;
	if (entry->html.len == 0)
		return;
	buf_z(b, "<iframe title=\"");
	escape_html(b, entry->subject);
	buf_z(b, "\" sandbox=\"allow-top-navigation-by-user-activation\" srcdoc=\"&lt;base target=&quot;_top&quot;&gt;");
	escape_html(b, entry->html);
	buf_z(b, "\"></iframe>\n");
}

/* An SMS is its text; that of a mail is for who wants to know. */
static void write_plain(struct request *r, const struct inbox_entry *entry, struct response *out) {
	struct buf *b = &out->body;
	bool folded = entry->html.len > 0;
	if (folded) {
		buf_z(b, "<details><summary>");
		page_word(r, out, "demo.text");
		buf_z(b, "</summary>\n");
	}
	buf_z(b, "<pre>");
	escape_html(b, entry->text);
	buf_z(b, folded ? "</pre>\n</details>\n" : "</pre>\n");
}

static struct str file_url(struct request *r, int64_t id, size_t index) {
	return arena_printf(r->arena, "%.*s/demo/inbox/%lld?attachment=%zu", STR_ARG(site_config(r->world->options.site)->base_url), (long long)id, index + 1);
}

static void write_files(struct request *r, int64_t id, const struct inbox_entry *entry, struct response *out) {
	struct buf *b = &out->body;
	if (entry->file_count == 0)
		return;
	buf_z(b, "<h2>");
	page_word(r, out, "demo.files");
	buf_z(b, "</h2>\n<ul class=\"files\">\n");
	for (size_t i = 0; i < entry->file_count; i++) {
		const struct inbox_file *file = &entry->files[i];
		buf_z(b, "<li><a class=\"file\" href=\"");
		escape_html(b, file_url(r, id, i));
		buf_z(b, "\">");
		escape_html(b, file->name);
		buf_z(b, "</a> (");
		escape_html(b, texts_size(r->language, (int64_t)file->bytes.len, r->arena));
		buf_z(b, ")</li>\n");
	}
	buf_z(b, "</ul>\n");
}

/* A file of a message, as its reader would save it. */
static bool send_file(struct request *r, const struct inbox_entry *entry, struct response *out, struct err *err) {
	int64_t number;
	if (!str_to_int(request_query(r, "attachment"), &number) || number < 1 || (size_t)number > entry->file_count)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "no such file");
	const struct inbox_file *file = &entry->files[number - 1];
	out->type = str_is(file->type, "application/pdf") ? "application/pdf" : "application/octet-stream";
	out->body.limit = file->bytes.len + 1;
	file_answer_head(r, file->name, out);
	buf_str(&out->body, file->bytes);
	return true;
}

static void write_heads(struct request *r, const struct inbox_entry *entry, struct response *out) {
	struct buf *b = &out->body;
	if (entry->header_count == 0)
		return;
	buf_z(b, "<details><summary>");
	page_word(r, out, "demo.headers");
	buf_z(b, "</summary>\n<dl class=\"answers\">\n");
	for (size_t i = 0; i < entry->header_count; i++) {
		buf_z(b, "<div><dt>");
		escape_html(b, entry->headers[i].name);
		buf_z(b, "</dt><dd class=\"url\">");
		escape_html(b, entry->headers[i].value);
		buf_z(b, "</dd></div>\n");
	}
	buf_z(b, "</dl>\n</details>\n");
}

static bool write_message(struct request *r, struct view *v, struct response *out, struct err *err) {
	struct captured row;
	struct inbox_entry entry;
	int64_t id;
	if (!str_to_int(r->rest, &id))
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "no such message");
	if (!captured_load(v, id, r->arena, &row, err) || !read_entry(r, &row, &entry, err))
		return false;
	if (request_query(r, "attachment").len > 0)
		return send_file(r, &entry, out, err);
	struct page page = {.title = entry.subject.len > 0 ? entry.subject : language_word(r->language, "demo.sms"), .here = r->path};
	out->policy = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
	page_begin(r, out, &page);
	page_way(r, out, STR("/demo/inbox"), "demo.inbox");
	buf_z(&out->body, "<h1>");
	escape_html(&out->body, page.title);
	buf_z(&out->body, "</h1>\n");
	write_caption(r, &row, &entry, out);
	write_links(r, &entry, out);
	write_html(&entry, out);
	write_files(r, row.id, &entry, out);
	write_plain(r, &entry, out);
	write_heads(r, &entry, out);
	page_end(r, out);
	return true;
}

void demo_message(struct request *r, struct response *out) {
	with_view(r, out, write_message);
}

/* --- for programs --- */

static void json_member(struct buf *b, const char *name, struct str value) {
	buf_printf(b, ",\"%s\":", name);
	escape_json(b, value);
}

static void write_entry_json(struct request *r, const struct captured *row, const struct inbox_entry *entry, struct buf *b) {
	buf_printf(b, "{\"id\":%lld", (long long)row->id);
	json_member(b, "at", civil_format_instant(r->arena, row->at));
	json_member(b, "channel", row->channel == CHANNEL_SMS ? STR("sms") : STR("mail"));
	json_member(b, "message_id", entry->message_id);
	buf_z(b, ",\"headers\":[");
	for (size_t i = 0; i < entry->header_count; i++) {
		buf_z(b, i ? ",[" : "[");
		escape_json(b, entry->headers[i].name);
		buf_char(b, ',');
		escape_json(b, entry->headers[i].value);
		buf_char(b, ']');
	}
	buf_char(b, ']');
	json_member(b, "to", row->to);
	json_member(b, "subject", entry->subject);
	json_member(b, "text", entry->text);
	json_member(b, "html", entry->html);
	buf_z(b, ",\"links\":[");
	for (size_t i = 0; i < entry->link_count; i++) {
		buf_z(b, i ? "," : "");
		escape_json(b, entry->links[i]);
	}
	buf_z(b, "],\"attachments\":[");
	for (size_t i = 0; i < entry->file_count; i++) {
		buf_z(b, i ? ",{\"name\":" : "{\"name\":");
		escape_json(b, entry->files[i].name);
		json_member(b, "type", entry->files[i].type);
		json_member(b, "url", file_url(r, row->id, i));
		buf_char(b, '}');
	}
	buf_z(b, "]}");
}

static bool write_json(struct request *r, struct view *v, struct response *out, struct err *err) {
	struct captured_list rows = {0};
	if (!read_rows(r, v, &rows, err))
		return false;
	out->type = "application/json";
	out->body.limit *= 8;
	buf_char(&out->body, '[');
	for (size_t i = 0; i < rows.count; i++) {
		struct inbox_entry entry;
		if (!read_entry(r, &rows.items[i], &entry, err))
			return false;
		buf_z(&out->body, i ? ",\n" : "");
		write_entry_json(r, &rows.items[i], &entry, &out->body);
	}
	buf_z(&out->body, "]\n");
	return true;
}

void demo_inbox_json(struct request *r, struct response *out) {
	with_view(r, out, write_json);
}

/* --- the clock --- */

static bool new_time(const struct request *r, int64_t now, int64_t *at) {
	const struct site *site = r->world->options.site;
	struct span span;
	int64_t local;
	if (span_parse(str_trim(request_form(r, "advance")), &span))
		*at = civil_add(site_zone(site), site_calendar(site), now, span);
	else if (civil_parse_datetime(str_trim(request_form(r, "set")), &local))
		*at = zone_instant(site_zone(site), local);
	else
		return false;
	return *at >= now && *at - now <= 3660 * CIVIL_DAY_MS; /* ten years at once: a clock never goes back */
}

/* Nothing is due: no timer, no signal, no message on its way. Also true when it cannot be read. */
static bool is_quiet(struct request *r) {
	const unsigned held = 1u << OUTBOX_LEASED | 1u << OUTBOX_BEGUN;
	struct outbox_list rows = {0};
	struct err err;
	struct line_list mails, texts;
	struct document_list drawn = {0};
	struct signal_row signal;
	bool told = false;
	int64_t timer_at, document_at, now = clock_now();
	struct view *v = store_view(r->world->options.store, &err);
	bool read = v && timer_next(v, &timer_at, &err) && mailbox_next(v, 0, r->arena, &signal, &told, &err) && line_list(v, (struct outbox_lane){.channel = CHANNEL_MAIL, .most = OUTBOX_OTHER}, now, r->arena, &mails, &err) &&
	            line_list(v, (struct outbox_lane){.channel = CHANNEL_SMS, .most = OUTBOX_OTHER}, now, r->arena, &texts, &err) &&
	            outbox_list(v, held, 0, 1, r->arena, &rows, &err) && document_next(v, &document_at, &err) &&
	            document_rows(v, 1u << DOCUMENT_DRAWING, 0, 1, r->arena, &drawn, &err);
	if (v)
		view_close(v);
	return !read || (timer_at > now && !told && !mails.items[0].due && !texts.items[0].due && document_at > now && rows.count == 0 && drawn.count == 0);
}

/* What happened before the clock moves is mailed before it moves, and whoever moved it finds what became due. */
static void wait_until_quiet(struct request *r) {
	enum { STEP_MS = 5, MOST_MS = 10000 }; /* a document takes a while on a busy machine */
	for (int waited = 0; waited < MOST_MS && !is_quiet(r); waited += STEP_MS)
		nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000}, NULL);
}

void demo_clock(struct request *r, struct response *out) {
	wait_until_quiet(r);
	int64_t now = clock_now(), at;
	if (!new_time(r, now, &at)) {
		page_error(r, out, 422, "error.input");
		return;
	}
	clock_advance(at - now);
	if (r->world->options.clock_moved)
		r->world->options.clock_moved(r->world->options.context);
	wait_until_quiet(r);
	struct str accept = request_header(r, "Accept");
	if (memmem(accept.at, accept.len, "text/html", 9)) {
		response_redirect(out, r, page_path(r, STR("/demo/inbox")));
		return;
	}
	out->type = "application/json";
	buf_printf(&out->body, "{\"now\":\"%.*s\"}\n", STR_ARG(civil_format_instant(r->arena, at)));
}
