#include "mailer/sender.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/store/grants.h"
#include "engine/store/reports.h"
#include "engine/store/suppressions.h"
#include "engine/workflow/gsm.h"
#include "mailer/allowance.h"
#include "mailer/mime.h"
#include "mailer/retry.h"
#include "mailer/turns.h"
#include "mailer/verp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ROWS_MAX = 8,        /* a round begins with one row and doubles while there are more: short queues are shared by all senders */
	LEASE_MS = 20 * 60 * 1000, /* longer than ROWS_MAX sends that all time out */
	FINISH_TRIES = 3,
	RECIPIENT_MAX = 256
};

struct pending {
	int64_t id, fence;
	struct settlement settlement;
	bool untouched; /* nothing of it was sent: it goes back as it was */
	enum lesson lesson;
	enum way way;
	bool lost, dead; /* not for a fault of ours; there is no such address */
	char to[RECIPIENT_MAX];
	char answer[sizeof ((struct transport_result *)0)->answer + sizeof RETRY_UNKNOWN];
};

struct sender {
	struct mailer_options options;
	struct outbox_lane lane;
	char owner[32];
	const atomic_bool *closing;
	struct smtp *relays[WAY_SECOND + 1]; /* no relay and no gateway: capture, or no gateway configured */
	enum way way;      /* of what was leased */
	struct sms *sms;
	int64_t used_at;     /* monotonic: the connection was */
	struct arena *arena; /* of the round */
	int64_t limit;
	struct outbox_list rows;
	struct pending pending[ROWS_MAX];
	size_t pending_count;
	bool news;
};

static struct smtp *relay_of(const struct sender *s) {
	return s->relays[s->way];
}

/* Both or none. */
static void open_relays(struct sender *s, const struct mail_config *config, struct err *err) {
	s->relays[WAY_FIRST] = smtp_open(config, err);
	if (!s->relays[WAY_FIRST] || !config->fallback)
		return;
	s->relays[WAY_SECOND] = smtp_open(config->fallback, err);
	if (s->relays[WAY_SECOND])
		return;
	smtp_close(s->relays[WAY_FIRST]);
	s->relays[WAY_FIRST] = NULL;
}

struct sender *sender_open(const struct mailer_options *options, const struct gateway *gateway, struct outbox_lane lane, int number, const atomic_bool *closing, struct err *err) {
	const struct site_config *config = site_config(options->site);
	struct sender *s = calloc(1, sizeof *s);
	BUG_IF(s == NULL);
	enum channel channel = lane.channel;
	*s = (struct sender){.options = *options, .lane = lane, .closing = closing, .limit = 1};
	snprintf(s->owner, sizeof s->owner, "%s-%d", channel == CHANNEL_MAIL ? "mail" : "sms", number);
	s->arena = arena_new();
	bool none = options->capture || (channel == CHANNEL_SMS && !gateway);
	if (!none && channel == CHANNEL_MAIL)
		open_relays(s, &config->mail, err);
	else if (!none)
		s->sms = sms_open(&config->sms, gateway, err);
	if (none || s->relays[WAY_FIRST] || s->sms)
		return s;
	sender_close(s);
	return NULL;
}

void sender_close(struct sender *s) {
	if (!s)
		return;
	for (int i = 0; i <= WAY_SECOND; i++)
		smtp_close(s->relays[i]);
	sms_close(s->sms);
	arena_free(s->arena);
	free(s);
}

void sender_abort(struct sender *s) {
	for (int i = 0; i <= WAY_SECOND; i++)
		if (s->relays[i])
			smtp_abort(s->relays[i]);
	if (s->sms)
		sms_abort(s->sms);
}

/* What is only captured disturbs nobody, and nobody's limits. */
static struct turns turns_at(const struct sender *s, int64_t now) {
	struct turns t = {.lane = s->lane, .owner = str_from(s->owner)};
	if (s->options.capture)
		return t;
	t.mail = &site_config(s->options.site)->mail;
	t.lane.quiet_until = site_quiet_end(s->options.site, s->lane.channel, now);
	return t;
}

/* One job for the writer: settles what is pending, then at most one of: leases, begins, captures. */
struct step {
	struct job job;
	struct sender *sender;
	int64_t lease;                /* how many rows */
	bool more;                    /* answer: lease again */
	const struct outbox_row *row; /* to begin */
	struct captured *captured;    /* instead of sending it */
	size_t parts;                 /* of an SMS that is paid for */
	enum allowance allowance;     /* answer */
	struct learned learned[ROWS_MAX]; /* answer, of each that was pending */
	bool held;                    /* answer: the row is still ours and begun */
};

/* A row that is no longer ours was cancelled or reclaimed meanwhile: nothing is left to do for it. */
static bool is_lost(const struct err *err) {
	return err->kind == ERR_CONFLICT || err->kind == ERR_NOT_FOUND;
}

static bool settle_row(struct tx *tx, const struct pending *p, int64_t now, struct err *err) {
	const struct settlement *s = &p->settlement;
	if (p->untouched ? outbox_release(tx, p->id, p->fence, err) : outbox_settle(tx, p->id, p->fence, s->state, s->next_at, str_from(p->answer), now, err))
		return p->untouched || !s->again || outbox_requeue(tx, p->id, s->next_at, err);
	if (!is_lost(err))
		return false;
	log_err(LOG_WARN, "settlement-lost", err);
	return true;
}

/* Refused by the relay at once is the same as a mail that comes back, and so is one that was refused for now until it was too late. */
static bool tell_lost(struct tx *tx, const struct pending *p, int64_t now, struct err *err) {
	struct outbox_row row;
	struct arena *a = arena_new();
	bool ok = outbox_load(tx_view(tx), p->id, a, &row, err) && ((row.state != OUTBOX_FAILED && row.state != OUTBOX_EXPIRED) || engine_undelivered(tx, now, &row, p->dead, err));
	arena_free(a);
	return ok;
}

static bool settle_one(struct tx *tx, enum channel channel, const struct pending *p, int64_t now, struct learned *learned, struct err *err) {
	return settle_row(tx, p, now, err) && (!p->lost || tell_lost(tx, p, now, err)) && turns_learn(tx, channel, p->way, p->lesson, str_from(p->to), str_from(p->answer), now, learned, err);
}

static bool capture_one(struct tx *tx, const struct outbox_row *row, struct captured *captured, int64_t now, struct err *err) {
	captured->at = now;
	return captured_put(tx, captured, err) && outbox_settle(tx, row->id, row->fence, OUTBOX_SENT, 0, STR("captured"), now, err);
}

static bool lease(struct sender *s, struct step *step, struct tx *tx, int64_t now, struct err *err) {
	struct turns t = turns_at(s, now);
	return turns_lease(tx, &t, now, clock_steady() + LEASE_MS, step->lease, s->arena, &s->rows, &s->way, &step->more, err);
}

static bool step_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	(void)engine;
	struct step *step = (struct step *)job;
	struct sender *s = step->sender;
	for (size_t i = 0; i < s->pending_count; i++)
		if (!settle_one(tx, s->lane.channel, &s->pending[i], now, &step->learned[i], err))
			return false;
	if (step->lease > 0)
		return lease(s, step, tx, now, err);
	if (!step->row)
		return true;
	step->allowance = ALLOWANCE_TAKEN;
	if (step->parts > 0 && !allowance_take(tx, site_keys(s->options.site), &site_config(s->options.site)->sms, step->row->recipient, step->parts, now, &step->allowance, err))
		return false;
	step->held = step->allowance == ALLOWANCE_TAKEN && outbox_begin(tx, step->row->id, step->row->fence, clock_steady(), err);
	if (!step->held)
		return step->allowance != ALLOWANCE_TAKEN || is_lost(err);
	if (step->parts > 0 && !delivery_begin(tx, step->row->id, (int64_t)step->parts, err))
		return false;
	return !step->captured || capture_one(tx, step->row, step->captured, now, err);
}

/* Once a change, not once a message. */
static void log_learned(struct sender *s, const struct pending *p, const struct learned *l) {
	static const char *const events[] = {[LEARNED_FAILED] = "relay-failed", [LEARNED_DOWN] = "relay-down", [LEARNED_UP] = "relay-up",
	                                     [LEARNED_SLOWED] = "domain-slowed", [LEARNED_EASED] = "domain-eased"};
	static const enum log_level levels[] = {[LEARNED_FAILED] = LOG_WARN, [LEARNED_DOWN] = LOG_ERROR, [LEARNED_UP] = LOG_INFO,
	                                        [LEARNED_SLOWED] = LOG_WARN, [LEARNED_EASED] = LOG_INFO};
	if (l->what == LEARNED_NOTHING)
		return;
	s->news = true;
	struct arena *a = arena_new();
	bool domain = l->what == LEARNED_SLOWED || l->what == LEARNED_EASED;
	struct str name = domain ? turns_domain(a, str_from(p->to)) : turns_relay(s->lane.channel, p->way);
	name = (struct str){name.at + !domain, name.len - !domain}; /* without the mark of a relay */
	bool bad = l->what != LEARNED_UP && l->what != LEARNED_EASED;
	log_event(levels[l->what], events[l->what], "%s=%.*s%s%s%s", domain ? "domain" : "relay", STR_ARG(name), bad ? " answer=\"" : "", bad ? p->answer : "", bad ? "\"" : "");
	arena_free(a);
}

static bool step_do(struct sender *s, struct step *step) {
	struct err err = {0};
	step->job.run = step_run;
	step->sender = s;
	if (!writer_run(s->options.writer, &step->job, &err)) {
		log_err(LOG_ERROR, "mailer-stuck", &err);
		return false;
	}
	for (size_t i = 0; i < s->pending_count; i++)
		log_learned(s, &s->pending[i], &step->learned[i]);
	s->pending_count = 0;
	return true;
}

static struct pending *pend(struct sender *s, const struct outbox_row *row) {
	BUG_IF(s->pending_count == ROWS_MAX);
	struct pending *p = &s->pending[s->pending_count++];
	*p = (struct pending){.id = row->id, .fence = row->fence, .way = s->way};
	snprintf(p->to, sizeof p->to, "%.*s", STR_ARG(row->recipient)); /* the round's arena ends before it is settled */
	return p;
}

/* A relay that does not answer, or refuses us before it hears what we have, fails all messages alike. */
static enum lesson lesson_of(const struct transport_result *result, enum channel channel) {
	if (result->outcome == OUTCOME_SENT)
		return LESSON_SENT;
	if (result->early || result->outcome == OUTCOME_UNKNOWN || (result->outcome == OUTCOME_LATER && (result->configuration || result->code == 0)))
		return LESSON_DOWN;
	bool busy = channel == CHANNEL_MAIL && result->fault == FAULT_BUSY && !throttle_is_greylisting(str_from(result->answer));
	return busy ? LESSON_BUSY : LESSON_ANSWERED;
}

static void pend_result(struct sender *s, const struct outbox_row *row, const struct transport_result *result, enum lesson lesson) {
	uint32_t random;
	secret_random(&random, sizeof random);
	struct settlement settlement = retry_settle(row, result->outcome, clock_now(), random);
	struct pending *p = pend(s, row);
	p->settlement = settlement;
	p->lesson = lesson;
	p->dead = result->fault == FAULT_ADDRESS;
	bool ended = settlement.state == OUTBOX_FAILED || settlement.state == OUTBOX_EXPIRED;
	p->lost = ended && (p->dead || result->fault == FAULT_MAILBOX || result->fault == FAULT_POLICY || result->fault == FAULT_OTHER);
	snprintf(p->answer, sizeof p->answer, "%s%s", settlement.state == OUTBOX_UNKNOWN ? RETRY_UNKNOWN : "", result->answer);
	if (s->options.tally)
		atomic_fetch_add(&s->options.tally->sends[row->channel][result->outcome], 1);
	enum log_level level = result->configuration ? LOG_ERROR : result->outcome == OUTCOME_SENT ? LOG_INFO : LOG_WARN;
	log_event(level, "message-settled", "id=%lld channel=%s outcome=%s state=%s%s attempt=%lld code=%lld fault=%s%s answer=\"%s\"", (long long)row->id,
	          row->channel == CHANNEL_MAIL ? "mail" : "sms", mailer_outcomes[result->outcome], outbox_state_name(settlement.state),
	          settlement.again ? " again=true" : "", (long long)row->attempts, (long long)result->code, fault_name(result->fault),
	          result->configuration ? " configuration=true" : "", result->answer);
}

/* The relay never heard of it. */
static void pend_untouched(struct sender *s, const struct outbox_row *row, const char *answer, enum lesson lesson) {
	struct pending *p = pend(s, row);
	p->untouched = true;
	p->lesson = lesson;
	snprintf(p->answer, sizeof p->answer, "%s", answer);
}

struct letter {
	struct composed message;
	struct envelope envelope; /* of a mail */
	struct str raw;           /* what is sent: MIME, or the text of an SMS */
};

/* A row as far as it can be brought without anybody hearing of it. */
struct draft {
	struct letter letter;
	struct transport_result result; /* unless it is good: why there is nothing to send */
	bool good;
};

/* Without a mailbox that is read nobody would know what a signed address means. */
static struct str bounces_to(struct sender *s, const struct outbox_row *row) {
	const struct site_config *config = site_config(s->options.site);
	struct str address = config->mail.bounce_address.len ? config->mail.bounce_address : config->mail.from_address;
	return config->inbox.url.len > 0 ? verp_address(s->arena, site_keys(s->options.site), address, row->id) : address;
}

static bool build(struct sender *s, struct view *v, const struct outbox_row *row, struct letter *out, struct err *err) {
	struct site *site = s->options.site;
	if (!compose_message(s->options.engine, site, v, row, s->arena, &out->message, err))
		return false;
	out->raw = out->message.text;
	out->envelope = (struct envelope){bounces_to(s, row), out->message.to};
	int64_t now = clock_now();
	return s->lane.channel == CHANNEL_SMS ||
	       mime_build(&site_config(site)->mail, &out->message, now, zone_local(site_zone(site), now), s->arena, &out->raw, err);
}

/* Whoever said STOP gets nothing but a code that somebody waits for at a page. */
static bool check_wanted(struct sender *s, struct view *v, const struct outbox_row *row, struct err *err) {
	struct suppression suppression;
	bool found = false;
	if (row->priority == OUTBOX_CODE)
		return true;
	if (!suppression_load(v, row->channel, row->recipient, s->arena, &suppression, &found, err))
		return false;
	return !found || err_set(err, ERR_DENIED, "error.input", "not sent: %s wants no messages (%.*s; stafet suppressions)",
	                         row->channel == CHANNEL_SMS ? "this number" : "this address", STR_ARG(suppression.reason));
}

/* A register may have taken the role back since it was written. */
static bool check_role(struct sender *s, struct view *v, const struct outbox_row *row, struct err *err) {
	bool lost = false;
	if (row->instance_id == 0 || row->role.len == 0)
		return true;
	if (!grant_lost(v, row->instance_id, row->role, row->contact_id, site_day(s->options.site, clock_now()), &lost, err))
		return false;
	return !lost || err_set(err, ERR_PERMANENT, "error.input", "not sent: its recipient takes no part in the case any more");
}

static void prepare(struct sender *s, const struct outbox_row *row, struct draft *out) {
	*out = (struct draft){.result.outcome = OUTCOME_NEVER};
	if (clock_now() > outbox_deadline(row)) {
		out->result.outcome = OUTCOME_LATER; /* there is no later any more: it expires */
		transport_answer(&out->result, STR("not sent: its deadline has passed"));
		return;
	}
	struct err err = {0};
	struct view *v = store_view(s->options.store, &err);
	out->good = v && check_wanted(s, v, row, &err) && check_role(s, v, row, &err) && build(s, v, row, &out->letter, &err);
	view_close(v);
	if (out->good)
		return;
	if (err.kind == ERR_DENIED)
		out->result.fault = FAULT_POLICY; /* refused as a relay would refuse it: whoever is responsible hears of it */
	out->result.outcome = err.kind == ERR_TRANSIENT ? OUTCOME_LATER : OUTCOME_NEVER;
	transport_answer(&out->result, str_from(err.text));
}

/* What it costs is logged, with the character that made it dear. */
static void send_sms(struct sender *s, const struct outbox_row *row, const struct letter *letter, struct transport_result *result) {
	struct gsm_cost cost = gsm_cost(letter->raw);
	int64_t left = (outbox_deadline(row) - clock_now()) / 1000;
	const struct str base = site_config(s->options.site)->base_url;
	char token[SECRET_TOKEN + 1];
	BUG_IF(!report_token(site_keys(s->options.site), row->id, token));
	struct str report_url = arena_printf(s->arena, "%.*s/report/%s", STR_ARG(base), token);
	struct sms_message message = {letter->message.to, letter->raw, arena_printf(s->arena, "%lld", (long long)row->id), report_url, left > 60 ? left : 60};
	if (cost.foreign)
		log_event(LOG_INFO, "sms-parts", "id=%lld parts=%zu coding=ucs2 character=U+%04X", (long long)row->id, cost.parts, (unsigned)cost.foreign);
	else
		log_event(LOG_INFO, "sms-parts", "id=%lld parts=%zu coding=gsm", (long long)row->id, cost.parts);
	sms_send(s->sms, &message, result);
}

static void transmit(struct sender *s, const struct outbox_row *row, const struct letter *letter, const struct envelope *next, struct transport_result *result) {
	if (relay_of(s)) {
		smtp_send(relay_of(s), &letter->envelope, letter->raw, next, result);
	} else if (s->sms) {
		send_sms(s, row, letter, result);
	} else {
		*result = (struct transport_result){.outcome = OUTCOME_LATER, .configuration = true, .early = true};
		transport_answer(result, STR("no SMS gateway is configured (sms.gateway)"));
	}
	transport_mask(result, letter->message.text);
}

/* It waits as for a relay that is busy; nobody else waits for it. */
static void refuse_cost(struct transport_result *result, enum allowance allowance) {
	bool day = allowance == ALLOWANCE_OF_DAY;
	*result = (struct transport_result){.outcome = OUTCOME_LATER, .configuration = day};
	transport_answer(result, day ? STR("not sent: as many SMS as a day may cost were sent in the last 24 hours (sms.per_day)")
	                             : STR("not sent: as many SMS as one number may get were sent to it in the last 24 hours (sms.per_number)"));
}

/* The relay was not even asked. */
static bool judged_here(const struct transport_result *result) {
	return result->outcome == OUTCOME_NEVER && result->code == 0;
}

/* next: what comes after it, NULL when that is not known or nothing. */
static enum round deliver(struct sender *s, const struct outbox_row *row, const struct draft *draft, const struct draft *next) {
	struct transport_result result = draft->result;
	if (!draft->good) {
		pend_result(s, row, &result, LESSON_UNASKED);
		return ROUND_SENT;
	}
	const struct letter *letter = &draft->letter;
	struct captured captured = {.outbox_id = row->id, .channel = s->lane.channel, .to = letter->message.to, .raw = letter->raw};
	struct step begin = {.row = row, .captured = s->options.capture ? &captured : NULL, .parts = s->sms ? gsm_cost(letter->raw).parts : 0};
	if (relay_of(s))
		smtp_offer(relay_of(s), &letter->envelope); /* the relay looks at it while the disk writes */
	bool done = step_do(s, &begin);
	if (relay_of(s) && (!done || !begin.held))
		smtp_withdraw(relay_of(s));
	if (!done)
		return ROUND_STUCK;
	if (begin.allowance != ALLOWANCE_TAKEN) {
		refuse_cost(&result, begin.allowance);
		pend_result(s, row, &result, LESSON_UNASKED);
	}
	if (!begin.held || s->options.capture)
		return ROUND_SENT;
	transmit(s, row, letter, next && next->good ? &next->letter.envelope : NULL, &result);
	s->used_at = clock_monotonic();
	enum lesson lesson = atomic_load(s->closing) ? LESSON_NONE : judged_here(&result) ? LESSON_UNASKED : lesson_of(&result, s->lane.channel);
	if (result.early && result.outcome == OUTCOME_LATER)
		pend_untouched(s, row, result.answer, lesson);
	else
		pend_result(s, row, &result, lesson);
	return lesson == LESSON_DOWN ? ROUND_DOWN : ROUND_SENT;
}

enum round sender_lease(struct sender *s) {
	struct step lease = {.lease = s->limit};
	arena_reset(s->arena);
	s->rows = (struct outbox_list){0};
	do {
		if (!step_do(s, &lease)) {
			s->rows = (struct outbox_list){0};
			return ROUND_STUCK;
		}
	} while (lease.more && s->rows.count == 0 && !atomic_load(s->closing));
	bool full = (int64_t)s->rows.count == s->limit;
	s->limit = !full ? 1 : s->limit * 2 < ROWS_MAX ? s->limit * 2 : ROWS_MAX;
	return s->rows.count > 0 ? ROUND_LEASED : ROUND_IDLE;
}

enum round sender_send(struct sender *s) {
	enum round came = ROUND_SENT;
	size_t i = 0;
	struct draft drafts[2]; /* a mail is ready before the one in front of it goes, so that their conversations can meet */
	bool ahead = relay_of(s) != NULL, ready = false;
	while (i < s->rows.count && came == ROUND_SENT && !atomic_load(s->closing)) {
		struct draft *draft = &drafts[i % 2], *next = ahead && i + 1 < s->rows.count ? &drafts[(i + 1) % 2] : NULL;
		if (!ready)
			prepare(s, &s->rows.items[i], draft);
		ready = next != NULL;
		if (next)
			prepare(s, &s->rows.items[i + 1], next);
		came = deliver(s, &s->rows.items[i], draft, next);
		i += came != ROUND_STUCK;
	}
	for (; i < s->rows.count; i++)
		pend_untouched(s, &s->rows.items[i], "", LESSON_NONE);
	if (came == ROUND_DOWN) {
		s->limit = 1;
		sender_finish(s);
	}
	return came;
}

bool sender_news(struct sender *s) {
	bool news = s->news;
	s->news = false;
	return news;
}

int64_t sender_tidy(struct sender *s) {
	bool connected = false;
	for (int i = 0; i <= WAY_SECOND; i++)
		connected = connected || (s->relays[i] && smtp_connected(s->relays[i]));
	if (!connected)
		return INT64_MAX;
	int64_t left = s->used_at + site_config(s->options.site)->mail.idle_seconds * INT64_C(1000) - clock_monotonic();
	if (left > 0)
		return left;
	for (int i = 0; i <= WAY_SECOND; i++)
		if (s->relays[i])
			smtp_hang_up(s->relays[i]);
	return INT64_MAX;
}

bool sender_next(struct sender *s, struct view *v, int64_t *next_at, struct err *err) {
	struct arena *a = arena_new();
	int64_t now = clock_now();
	struct turns t = turns_at(s, now);
	bool ok = turns_next(v, &t, now, a, next_at, err);
	arena_free(a);
	return ok;
}

bool sender_owes(const struct sender *s) {
	return s->pending_count > 0;
}

void sender_finish(struct sender *s) {
	for (int i = 0; i < FINISH_TRIES && s->pending_count > 0; i++) {
		if (i > 0)
			nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
		struct step flush = {0};
		step_do(s, &flush);
	}
}
