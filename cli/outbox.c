/* outbox: what is to be sent, what became of it, and what somebody can do about it. */
#include "cli/command.h"
#include "engine/base/clock.h"
#include "engine/store/fate.h"
#include "engine/store/reports.h"
#include "mailer/retry.h"
#include "mailer/turns.h"

#include <string.h>

enum { OPEN = 1u << OUTBOX_QUEUED | 1u << OUTBOX_LEASED | 1u << OUTBOX_BEGUN | 1u << OUTBOX_UNKNOWN | 1u << OUTBOX_FAILED | 1u << OUTBOX_EXPIRED };

static const char usage_text[] = "usage: stafet outbox [--state STATE] [--after ID] [--limit N]   what is not sent yet, failed or came too late\n"
                                 "       stafet outbox explain ID\n"
                                 "       stafet outbox retry ID...                                send now, with the same link; what was sent goes once more\n"
                                 "       stafet outbox cancel ID...\n"
                                 "states: queued leased begun sent unknown failed expired cancelled all, and undelivered: sent, but reported as not arrived\n"
                                 "pages say: on its way (queued leased begun), sent, delivered or came back (sent, and reported so), stopped (failed), not sent in time (expired), unknown\n";

static int usage(struct buf *out) {
	buf_z(out, usage_text);
	return EXIT_USAGE;
}

static const char *channel_of(const struct outbox_row *row) {
	return row->channel == CHANNEL_MAIL ? "mail" : "sms";
}

static bool reference_of(struct view *v, const struct outbox_row *row, struct arena *a, struct str *reference, struct err *err) {
	struct instance in;
	*reference = STR("-");
	if (row->instance_id == 0)
		return true;
	if (!instance_load(v, row->instance_id, a, &in, err))
		return false;
	*reference = in.reference;
	return true;
}

/* What keeps more than one message back. */
static void say_pace(struct open_site *s, struct arena *a, const struct pace *p, struct buf *out) {
	int64_t now = clock_now();
	bool relay = str_starts(p->name, STR(":"));
	struct str name = {p->name.at + relay, p->name.len - relay}, at = site_time(s, a, p->open_at);
	if (relay && breaker_is_open(p))
		buf_printf(out, "%.*s does not work: %lld failures in a row, asked again by one message at %.*s", STR_ARG(name), (long long)p->strikes, STR_ARG(at));
	else if (relay)
		buf_printf(out, "%.*s: the last %lld messages met a failure of the relay or gateway itself", STR_ARG(name), (long long)p->strikes);
	else if (p->open_at > now)
		buf_printf(out, "%.*s asks to slow down: nothing is sent to it before %.*s", STR_ARG(name), STR_ARG(at));
	else
		buf_printf(out, "%.*s asked to slow down: it gets a message every %.1f seconds, and more with each that it takes", STR_ARG(name), (double)p->interval_ms / 1000);
	buf_printf(out, "  %.*s\n", STR_ARG(p->answer));
}

static bool say_paces(struct open_site *s, struct view *v, struct arena *a, struct buf *out, struct err *err) {
	struct pace_list paces;
	if (!pace_list(v, a, &paces, err))
		return false;
	for (size_t i = 0; i < paces.count; i++)
		if (paces.items[i].strikes > 0)
			say_pace(s, a, &paces.items[i], out);
	return true;
}

/* --- list --- */

/* Not a state of the row, but what somebody may ask for as if it were. */
enum { UNDELIVERED = 1u << (OUTBOX_CANCELLED + 1) };

static bool list_rows(struct open_site *s, struct view *v, struct arena *a, const struct list_wish *wish, struct buf *out, struct err *err) {
	struct outbox_list list, lost = {0};
	struct str reference;
	bool ok = wish->states == UNDELIVERED ? outbox_undelivered(v, wish->after, wish->limit, a, &list, err) : outbox_list(v, wish->states, wish->after, wish->limit, a, &list, err);
	if (!ok || (wish->states == OPEN && !outbox_undelivered(v, 0, 1, a, &lost, err)))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct outbox_row *row = &list.items[i];
		if (!reference_of(v, row, a, &reference, err))
			return false;
		struct str at = site_time(s, a, row->state == OUTBOX_QUEUED ? row->next_at : row->created_at);
		buf_printf(out, "%6lld  %-9s %.*s  %-4s %-9.*s %-20.*s %.*s%s%.*s", (long long)row->id, outbox_state_name(row->state), STR_ARG(at), channel_of(row),
		           STR_ARG(reference), STR_ARG(row->message), STR_ARG(row->recipient), row->answer.len > 0 ? "  " : "", STR_ARG(row->answer));
		if (row->delivery != DELIVERY_NONE)
			buf_printf(out, "  reported: %s", delivery_name(row->delivery));
		buf_char(out, '\n');
	}
	if (lost.count > 0)
		buf_z(out, "There are sent messages that were reported as not arrived: stafet outbox --state undelivered\n");
	if ((int64_t)list.count == wish->limit)
		buf_printf(out, "... go on with --after %lld\n", (long long)list.items[list.count - 1].id);
	return true;
}

static bool show_list(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	return list_rows(s, v, a, context, out, err) && say_paces(s, v, a, out, err);
}

static bool states_of(const char *name, unsigned *states) {
	*states = OPEN;
	if (!name)
		return true;
	*states = strcmp(name, "undelivered") == 0 ? UNDELIVERED : 0;
	for (int i = OUTBOX_QUEUED; i <= OUTBOX_CANCELLED; i++)
		if (strcmp(name, "all") == 0 || strcmp(name, outbox_state_name((enum outbox_state)i)) == 0)
			*states |= 1u << i;
	return *states != 0;
}

static int list(struct open_site *s, struct arguments *args, struct buf *out) {
	const char *state = arguments_option(args, "--state");
	struct list_wish wish;
	if (!list_wish_read(args, &wish) || arguments_unknown(args, out) || args->count > 0 || !states_of(state, &wish.states))
		return usage(out);
	return site_look(s, show_list, &wish, out);
}

/* --- explain --- */

static const char *fault_text(enum fault fault) {
	switch (fault) {
	case FAULT_NONE:
	case FAULT_RELAY:
		return "The relay or gateway was not reached, or gave no answer that counts. While it is down nothing else is sent through it either";
	case FAULT_SITE:
		return "The relay does not take mail from this site. `stafet doctor` looks at relay, login and sender's address";
	case FAULT_BUSY:
		return "The relay asks to come back later";
	case FAULT_ADDRESS:
		return "There is no such address. Have it corrected where it was typed";
	case FAULT_MAILBOX:
		return "The recipient's mailbox is full or takes no mail. Reach the person another way";
	case FAULT_SIZE:
		return "The message is too large for the relay or the recipient";
	case FAULT_POLICY:
		return "It was refused for what it says or where it comes from, not for its address. Look at SPF, DKIM and DMARC of the sender's domain";
	case FAULT_OTHER:
		break;
	}
	return "It was refused without a reason that can be read from the code";
}

static const char *state_text(enum outbox_state state) {
	switch (state) {
	case OUTBOX_QUEUED:
		return "It waits to be sent";
	case OUTBOX_LEASED:
	case OUTBOX_BEGUN:
		return "It is being sent";
	case OUTBOX_SENT:
		return "The relay or gateway has taken it. What becomes of it beyond is known where that is reported";
	case OUTBOX_UNKNOWN:
		return "The connection broke when it had been handed over: nobody can know whether it arrived. What does no harm twice is sent again by itself, once; "
		       "for the rest ask the recipient, then `retry` or `cancel`";
	case OUTBOX_FAILED:
		return "It was not sent, and is not tried again";
	case OUTBOX_EXPIRED:
		return "It could not be sent while it was of use, and is not tried again";
	case OUTBOX_CANCELLED:
		return "It is not wanted any more: its task was left, its recipient was replaced, or somebody cancelled it";
	}
	return "";
}

/* An SMS gateway's answer has no command that it belongs to, and an HTTP status is no SMTP code. */
static const char *meaning(const struct outbox_row *row) {
	struct str answer = row->answer, unknown = STR(RETRY_UNKNOWN);
	if (row->channel != CHANNEL_MAIL || answer.len == 0 || row->state == OUTBOX_SENT || row->state == OUTBOX_UNKNOWN)
		return NULL;
	if (str_starts(answer, unknown))
		answer = (struct str){answer.at + unknown.len, answer.len - unknown.len};
	return verdict_code(answer) > 0 ? fault_text(verdict_fault(STAGE_RECIPIENT, answer)) : NULL;
}

static void explain_quiet(struct open_site *s, struct arena *a, const struct outbox_row *row, struct buf *out) {
	int64_t end = site_quiet_end(s->site, row->channel, clock_now());
	if (row->state != OUTBOX_QUEUED || !row->patient || end == 0 || outbox_deadline(row) <= end)
		return;
	struct str until = site_time(s, a, end);
	buf_printf(out, "; it waits until the quiet hours end at %.*s", STR_ARG(until));
}

static void explain_tries(struct open_site *s, struct arena *a, const struct outbox_row *row, struct buf *out) {
	struct str made = site_time(s, a, row->created_at), next = site_time(s, a, row->next_at), last = site_time(s, a, outbox_deadline(row));
	buf_printf(out, "made        %.*s\ntries       %lld", STR_ARG(made), (long long)row->attempts);
	if (row->state == OUTBOX_QUEUED)
		buf_printf(out, "; the next at %.*s, none after %.*s", STR_ARG(next), STR_ARG(last));
	explain_quiet(s, a, row, out);
	if (row->state == OUTBOX_SENT) {
		struct str sent = site_time(s, a, row->sent_at);
		buf_printf(out, "; sent at %.*s", STR_ARG(sent));
	}
	buf_z(out, "\n");
}

/* Of the relay and of the recipient's domain. */
static bool explain_waiting(struct open_site *s, struct view *v, struct arena *a, const struct outbox_row *row, struct buf *out, struct err *err) {
	struct pace paces[3];
	int64_t count = row->channel == CHANNEL_MAIL ? 3 : 1;
	if (row->state != OUTBOX_QUEUED)
		return true;
	if (!pace_load(v, turns_relay(row->channel, WAY_FIRST), a, &paces[0], err) ||
	    (count > 1 && (!pace_load(v, turns_relay(row->channel, WAY_SECOND), a, &paces[1], err) || !pace_load(v, turns_domain(a, row->recipient), a, &paces[2], err))))
		return false;
	for (int64_t i = 0; i < count; i++)
		if (paces[i].strikes > 0) {
			buf_z(out, "waits       ");
			say_pace(s, a, &paces[i], out);
		}
	return true;
}

/* It waits for those that are not ready. */
static bool explain_documents(struct view *v, struct arena *a, int64_t id, struct buf *out, struct err *err) {
	struct document_list list;
	if (!attachment_list(v, id, a, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++)
		buf_printf(out, "carries     document %lld (%.*s): %s\n", (long long)list.items[i].id, STR_ARG(list.items[i].name), document_state_name(list.items[i].state));
	return true;
}

static const char *delivery_text(const struct outbox_row *row) {
	static const char *const of_mail[DELIVERIES] = {
	        [DELIVERY_NONE] = "",
	        [DELIVERY_ON_WAY] = "A mail server on the way is still trying",
	        [DELIVERY_DELIVERED] = "A mail server says that it is in the mailbox",
	        [DELIVERY_FAILED] = "It came back. Have the address corrected where it was typed, or reach the person another way",
	        [DELIVERY_EXPIRED] = "The mail servers on the way have given up",
	};
	static const char *const of_sms[DELIVERIES] = {
	        [DELIVERY_NONE] = "",
	        [DELIVERY_ON_WAY] = "The gateway has handed it on; the phone has not confirmed it yet",
	        [DELIVERY_DELIVERED] = "The phone has confirmed it",
	        [DELIVERY_FAILED] = "It did not reach the phone. Look at the number, or reach the person another way",
	        [DELIVERY_EXPIRED] = "The phone was not reached while the message was of use: it may have been switched off",
	};
	if (row->delivery == DELIVERY_FAILED && row->parts > 1)
		return "At least one of its parts did not reach the phone. Look at the number, or reach the person another way";
	return row->channel == CHANNEL_MAIL ? of_mail[row->delivery] : of_sms[row->delivery];
}

/* What gateway or mail servers told since, as it was understood and as it came. */
static bool explain_delivery(struct open_site *s, struct view *v, struct arena *a, const struct outbox_row *row, struct buf *out, struct err *err) {
	struct report_list list;
	if (!reports_of(v, row->id, a, &list, err))
		return false;
	struct str at = site_time(s, a, row->delivery_at);
	if (row->delivery != DELIVERY_NONE)
		buf_printf(out, "delivery    %s at %.*s: %s.%s%.*s\n", delivery_name(row->delivery), STR_ARG(at), delivery_text(row), row->delivery_reason.len == 0 ? "" : row->channel == CHANNEL_MAIL ? " The mail server says: " : " The gateway says: ",
		           STR_ARG(row->delivery_reason));
	for (size_t i = 0; i < list.count; i++) {
		const struct report *report = &list.items[i];
		struct transport_result query, body;
		transport_answer(&query, report->query);
		transport_answer(&body, report->body);
		at = site_time(s, a, report->at);
		buf_printf(out, "report      %.*s  %s%s%s%s\n", STR_ARG(at), query.answer, query.answer[0] && body.answer[0] ? " " : "", body.answer, report->read_at ? "" : "  (not read yet)");
	}
	return true;
}

static bool explain_row(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	int64_t id = *(const int64_t *)context;
	struct outbox_row row;
	struct str reference;
	if (!outbox_load(v, id, a, &row, err) || !reference_of(v, &row, a, &reference, err))
		return false;
	buf_printf(out, "message     %lld, %s \"%.*s\" to %.*s%s%.*s\ncase        %.*s %.*s\n", (long long)row.id, channel_of(&row), STR_ARG(row.message),
	           STR_ARG(row.recipient), row.role.len > 0 ? ", " : "", STR_ARG(row.role), STR_ARG(reference), STR_ARG(row.workflow));
	if (row.channel == CHANNEL_MAIL)
		buf_printf(out, "Message-ID  %.*s\n", STR_ARG(row.message_id));
	explain_tries(s, a, &row, out);
	buf_printf(out, "state       %s: %s.\n", outbox_state_name(row.state), state_text(row.state));
	if (fate_key(fate_of(&row))) {
		struct str word = language_word(language_get(site_languages(s->site), STR("en")), fate_key(fate_of(&row)));
		buf_printf(out, "pages say   %.*s\n", STR_ARG(word));
	}
	if (row.answer.len > 0)
		buf_printf(out, "answer      %.*s\n", STR_ARG(row.answer));
	if (meaning(&row))
		buf_printf(out, "means       %s.\n", meaning(&row));
	return explain_delivery(s, v, a, &row, out, err) && explain_waiting(s, v, a, &row, out, err) && explain_documents(v, a, id, out, err);
}

static int explain(struct open_site *s, struct arguments *args, struct buf *out) {
	int64_t id;
	if (arguments_unknown(args, out) || args->count != 2 || !str_to_int(str_from(args->items[1]), &id))
		return usage(out);
	return site_look(s, explain_row, &id, out);
}

/* --- retry and cancel --- */

struct hand {
	int64_t id, as;
	bool retry;
};

static bool hand_run(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct hand *h = context;
	if (!h->retry)
		return outbox_drop(tx, h->id, err);
	struct arena *a = arena_new();
	bool ok = engine_resend(engine, tx, now, h->id, a, &h->as, err);
	arena_free(a);
	return ok;
}

static void say_done(const struct hand *h, struct buf *out) {
	if (!h->retry)
		buf_printf(out, "message %lld is cancelled\n", (long long)h->id);
	else if (h->as == h->id)
		buf_printf(out, "message %lld is sent now\n", (long long)h->id);
	else
		buf_printf(out, "message %lld is sent again, as %lld, with the same link\n", (long long)h->id, (long long)h->as);
}

static bool ids_good(const struct arguments *args) {
	int64_t id;
	for (int i = 1; i < args->count; i++)
		if (!str_to_int(str_from(args->items[i]), &id) || id < 1)
			return false;
	return args->count > 1;
}

/* Each for itself: one that cannot be changed keeps no other from it. */
static int change(struct open_site *s, struct arguments *args, bool retry, struct buf *out) {
	int status = EXIT_GOOD;
	if (arguments_unknown(args, out) || !ids_good(args))
		return usage(out);
	for (int i = 1; i < args->count; i++) {
		struct hand hand = {.retry = retry};
		struct err err = {0};
		str_to_int(str_from(args->items[i]), &hand.id);
		if (site_write(s, hand_run, &hand, &err))
			say_done(&hand, out);
		else
			status = command_failed(out, &err);
	}
	return status;
}

int command_outbox(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	(void)input;
	const char *verb = args->count > 0 ? args->items[0] : "";
	if (strcmp(verb, "explain") == 0)
		return explain(s, args, out);
	if (strcmp(verb, "retry") == 0 || strcmp(verb, "cancel") == 0)
		return change(s, args, verb[0] == 'r', out);
	return list(s, args, out);
}
