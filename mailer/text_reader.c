#include "mailer/text_reader.h"

#include "engine/base/log.h"
#include "engine/store/access.h"
#include "engine/store/arrivals.h"
#include "engine/store/suppressions.h"
#include "engine/store/texts_in.h"
#include "mailer/allowance.h"
#include "mailer/answer.h"
#include "mailer/arrival.h"
#include "mailer/compose.h"
#include "mailer/text_in.h"

enum { PAGE = 50, LOOKED_AT = 50, STRANGERS_AN_HOUR = 20 };
static const int64_t MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS;

struct reading {
	struct job job;
	const struct mailer_options *options;
	const struct text_in *raw;
	const struct inbound *text;
	struct arrival_row row;
	struct str number; /* empty: nobody can answer it */
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

/* *outcome "noted": none of them waits for an answer. */
static bool give_answer(struct reading *r, struct engine *engine, struct tx *tx, const struct outbox_list *recent, int64_t now, struct err *err) {
	r->row.outcome = STR("noted");
	for (size_t i = 0; i < recent->count; i++) {
		bool awaits;
		if (!engine_awaits_reply(engine, tx_view(tx), &recent->items[i], r->arena, &awaits, err))
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
	struct suppression row = {.channel = CHANNEL_SMS, .address = r->number, .reason = arena_printf(r->arena, "text: %.*s", (int)(r->row.text.len < 40 ? r->row.text.len : 40), r->row.text.at), .at = now};
	bool fresh;
	return suppression_add(tx, &row, &fresh, err);
}

/* Only somebody who can read it, whom we may text, and once: a program that answers must not be answered again. */
static bool may_be_told(struct reading *r, struct tx *tx, int64_t now, bool *may, struct err *err) {
	const struct site *site = r->options->site;
	struct suppression suppression;
	struct str one = STR("texts-stranger"), all = STR("texts-strangers"), key = allowance_key(site_keys(site), r->number, r->arena);
	int64_t of_one, of_all;
	bool suppressed;
	*may = false;
	if (r->number.len == 0 || !config_texts_to(&site_config(site)->sms, r->number))
		return true;
	if (!suppression_load(tx_view(tx), CHANNEL_SMS, r->number, r->arena, &suppression, &suppressed, err) ||
	    !counter_read(tx_view(tx), one, key, now, 30 * DAY_MS, &of_one, err) || !counter_read(tx_view(tx), all, STR(""), now, HOUR_MS, &of_all, err))
		return false;
	*may = !suppressed && of_one == 0 && of_all < STRANGERS_AN_HOUR;
	return !*may || (counter_add(tx, one, key, now, 30 * DAY_MS, &of_one, err) && counter_add(tx, all, STR(""), now, HOUR_MS, &of_all, err));
}

static struct str own_id(const struct reading *r) {
	unsigned char id[SECRET_ID];
	secret_random(id, sizeof id);
	struct str hex = secret_hex(r->arena, id, sizeof id);
	return arena_printf(r->arena, "<%.*s@text>", STR_ARG(hex));
}

static bool tell_stranger(struct reading *r, struct tx *tx, int64_t now, struct err *err) {
	const struct site_config *config = site_config(r->options->site);
	bool may;
	if (!may_be_told(r, tx, now, &may, err))
		return false;
	r->row.outcome = may ? STR("stranger-told") : STR("stranger");
	struct outbox_row row = {
	        .channel = CHANNEL_SMS,
	        .recipient = r->number,
	        .language = config->languages[0],
	        .message = STR(COMPOSE_STRANGER),
	        .data = STR("{}"),
	        .message_id = own_id(r),
	        .priority = OUTBOX_OTHER,
	        .created_at = now,
	        .next_at = now,
	        .deadline_at = now + 10 * MINUTE_MS, /* too soon for a second try when nobody knows whether it went */
	};
	return !may || outbox_put(tx, &row, err);
}

static bool follow(struct reading *r, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	enum text_word word = r->number.len > 0 ? text_word(r->row.text) : TEXT_OTHER;
	struct outbox_list recent;
	bool removed = false;
	r->row.outcome = word == TEXT_STOP ? STR("stop") : STR("start");
	if (word == TEXT_STOP)
		return suppress(r, tx, now, err);
	if (word == TEXT_START && !suppression_remove(tx, CHANNEL_SMS, r->number, &removed, err))
		return false;
	if (removed)
		return true;
	if (!load_recent(tx, r, now, &recent, err))
		return false;
	return recent.count > 0 ? give_answer(r, engine, tx, &recent, now, err) : tell_stranger(r, tx, now, err);
}

static bool reading_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct reading *r = (struct reading *)job;
	bool found, fresh;
	if (!text_in_take(tx, r->raw->id, &found, err) || !found)
		return !found;
	if (!arrival_note(tx, &r->row, &fresh, err))
		return false;
	if (!fresh || !r->text)
		return true;
	return follow(r, engine, tx, now, err) && arrival_done(tx, &r->row, err);
}

static bool read_one(const struct mailer_options *options, const struct gateway *gateway, const struct text_in *raw, struct arena *a, struct err *err) {
	struct report_text came = {raw->query, raw->type, raw->body};
	struct inbound text;
	struct str names;
	bool readable = gateway_inbound(gateway, &came, a, &text, &names);
	struct reading r = {.job.run = reading_run, .options = options, .raw = raw, .text = readable ? &text : NULL, .arena = a,
	                    .row = {.at = raw->at, .uid = raw->id, .kind = readable ? STR("text") : STR("unreadable"), .outcome = STR("noted")}};
	if (readable) {
		bool known = text_sender(a, text.from, site_country(options->site), &r.number);
		r.row.sender = known ? r.number : text.from;
		r.row.text = text.text;
		arrival_mask(r.row.text);
		r.row.message_id = name_of(&r);
	}
	if (!writer_run(options->writer, &r.job, err))
		return false;
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
