#include "mailer/text_reader.h"

#include "engine/base/log.h"
#include "engine/store/arrivals.h"
#include "engine/store/suppressions.h"
#include "engine/store/texts_in.h"
#include "mailer/answer.h"
#include "mailer/arrival.h"
#include "mailer/compose.h"
#include "mailer/notice.h"
#include "mailer/start_in.h"
#include "mailer/text_in.h"

enum { PAGE = 50, LOOKED_AT = 50 };
static const int64_t MINUTE_MS = 60000, DAY_MS = 24 * 60 * MINUTE_MS;

struct reading {
	struct job job;
	const struct mailer_options *options;
	const struct text_in *raw;
	const struct inbound *text;
	struct arrival_row row;
	struct str number; /* empty: nobody can answer it */
	bool aside;        /* what follows from it can never be done: it is only kept */
	struct arena *arena;
};

/* By the gateway's own name for it; without one, the same words within a minute are one text. */
static struct str name_of(const struct reading *r) {
	unsigned char hash[SECRET_HASH];
	struct str minute = arena_printf(r->arena, "%lld", (long long)(r->raw->at / MINUTE_MS));
	const struct str parts[] = {r->text->id, r->text->id.len > 0 ? STR("") : r->text->text, r->text->id.len > 0 ? STR("") : minute};
	secret_hash(hash, parts, 3);
	return secret_hex(r->arena, hash, 16);
}

static bool load_recent(struct tx *tx, const struct reading *r, int64_t now, struct outbox_list *out, struct err *err) {
	*out = (struct outbox_list){0};
	return r->number.len == 0 || outbox_texted(tx_view(tx), r->number, now - 90 * DAY_MS, LOOKED_AT, r->arena, out, err);
}

/* None of them may wait for an answer. */
static bool give_answer(struct reading *r, struct engine *engine, struct tx *tx, const struct outbox_list *recent, int64_t now, struct err *err) {
	for (size_t i = 0; i < recent->count; i++) {
		bool awaits;
		if (!engine_awaits_reply(engine, tx_view(tx), now, &recent->items[i], r->arena, &awaits, err))
			return false;
		if (!awaits)
			continue;
		struct reply reply = {.text = r->row.text};
		r->row.outbox_id = recent->items[i].id;
		return answer_give(engine, tx, &recent->items[i], &reply, now, r->arena, &r->row, err);
	}
	return true;
}

static bool suppress(struct reading *r, struct tx *tx, int64_t now, struct err *err) {
	struct suppression row = {.channel = CHANNEL_SMS, .address = r->number, .reason = arena_printf(r->arena, "sms: %.*s", (int)(r->row.text.len < 40 ? r->row.text.len : 40), r->row.text.at), .at = now};
	bool fresh;
	return suppression_add(tx, &row, &fresh, err);
}

static bool tell_stranger(struct reading *r, struct tx *tx, int64_t now, struct err *err) {
	const struct notice notice = {CHANNEL_SMS, r->number, COMPOSE_STRANGER, STR("{}")};
	bool told;
	if (!notice_send(tx, r->options->site, &notice, now, r->arena, &told, err))
		return false;
	r->row.outcome = told ? STR("stranger-told") : STR("stranger");
	return true;
}

/* The workflow that a text beginning with a word of the site's starts (*rest: what stands behind the word), or that any text does. */
static struct str find_start(const struct reading *r, bool any, struct str *rest) {
	const struct start_names *starts = &site_config(r->options->site)->sms.starts;
	for (size_t i = 0; r->number.len > 0 && i < starts->count; i++) {
		if (any && str_is(starts->names[i], "*")) {
			*rest = r->row.text;
			return starts->workflows[i];
		}
		if (!any && text_begins(r->row.text, starts->names[i], rest))
			return starts->workflows[i];
	}
	return STR("");
}

static bool begin(struct reading *r, struct engine *engine, struct tx *tx, struct str workflow, struct str text, int64_t now, struct err *err) {
	const struct start_post post = {.channel = CHANNEL_SMS, .workflow = workflow, .from = r->number, .text = text, .id = r->row.message_id};
	return start_in_apply(engine, tx, r->options->site, &post, now, r->arena, &r->row, err);
}

/* What says no word of ours answers the newest open question; where there is none, it may start something, too. */
static bool answer_or_begin(struct reading *r, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct outbox_list recent;
	struct str rest, any = find_start(r, true, &rest);
	r->row.outcome = STR("noted");
	if (!load_recent(tx, r, now, &recent, err) || !give_answer(r, engine, tx, &recent, now, err))
		return false;
	if (r->row.outbox_id != 0)
		return true;
	if (any.len > 0)
		return begin(r, engine, tx, any, rest, now, err);
	return recent.count > 0 || tell_stranger(r, tx, now, err);
}

static bool follow(struct reading *r, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	enum text_word word = r->number.len > 0 ? text_word(r->row.text) : TEXT_OTHER;
	bool removed = false;
	struct str rest, workflow = find_start(r, false, &rest);
	r->row.outcome = word == TEXT_STOP ? STR("stop") : STR("start");
	if (word == TEXT_STOP)
		return suppress(r, tx, now, err);
	if (word == TEXT_START && !suppression_remove(tx, CHANNEL_SMS, r->number, &removed, err))
		return false;
	if (removed)
		return true;
	return workflow.len > 0 ? begin(r, engine, tx, workflow, rest, now, err) : answer_or_begin(r, engine, tx, now, err);
}

static bool reading_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct reading *r = (struct reading *)job;
	bool found, fresh;
	r->row.outbox_id = r->row.instance_id = 0;
	r->row.files = STR("");
	r->row.outcome = r->aside ? STR("set-aside") : STR("noted");
	if (!text_in_take(tx, r->raw->id, &found, err) || !found)
		return !found;
	if (!arrival_note(tx, &r->row, &fresh, err))
		return false;
	if (!fresh || !r->text || r->aside)
		return true;
	return follow(r, engine, tx, now, err) && arrival_done(tx, &r->row, err);
}

/* What can never be done for it must not keep the next one waiting. */
static bool take(struct reading *r, struct err *err) {
	if (writer_run(r->options->writer, &r->job, err))
		return true;
	if (err->kind == ERR_TRANSIENT)
		return false;
	log_err(LOG_ERROR, "text-set-aside", err);
	*err = (struct err){0};
	r->aside = true;
	return writer_run(r->options->writer, &r->job, err);
}

static bool read_one(const struct mailer_options *options, const struct gateway *gateway, const struct text_in *raw, struct arena *a, struct err *err) {
	struct report_text came = {raw->query, raw->type, raw->body};
	struct inbound text;
	struct str names;
	bool readable = gateway_inbound(gateway, &came, a, &text, &names);
	struct reading r = {.job.run = reading_run, .options = options, .raw = raw, .text = readable ? &text : NULL, .arena = a,
	                    .row = {.at = raw->at, .uid = raw->id, .kind = readable ? STR("text") : STR("unreadable")}};
	if (readable) {
		bool known = text_sender(a, text.from, site_country(options->site), &r.number);
		r.row.sender = known ? r.number : text.from;
		r.row.text = text.text;
		arrival_mask(r.row.text);
		r.row.message_id = name_of(&r);
	}
	if (!take(&r, err))
		return false;
	mailer_count_arrival(options->tally, readable ? "text" : "unreadable");
	log_event(readable ? LOG_INFO : LOG_WARN, readable ? "text-in" : "text-not-understood", "id=%lld parameters=\"%.*s\"", (long long)raw->id, STR_ARG(names));
	return true;
}

static bool list_oldest(const struct mailer_options *options, struct arena *a, struct text_in_list *out, struct err *err) {
	struct view *v = store_view(options->store, err);
	bool ok = v && texts_in_oldest(v, PAGE, a, out, err);
	view_close(v);
	return ok;
}

bool texts_read(const struct mailer_options *options, const struct gateway *gateway, struct err *err) {
	struct arena *a = arena_new();
	struct text_in_list list;
	bool ok = list_oldest(options, a, &list, err);
	for (size_t i = 0; ok && i < list.count; i++)
		ok = read_one(options, gateway, &list.items[i], a, err);
	arena_free(a);
	return ok;
}
