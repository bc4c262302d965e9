/* A message once more, by hand: with the same link, so it is the same task, done once by whichever copy. */
#include "engine/base/log.h"
#include "engine/store/people.h"
#include "engine/store/suppressions.h"
#include "engine/workflow/engine_run.h"

static const int64_t DAY_MS = 24 * INT64_C(3600000);

int64_t engine_resend_until(const struct outbox_row *row, int64_t now, int64_t link_expires_at) {
	int64_t deadline = outbox_deadline(row), most = row->workflow.len == 0 ? deadline : link_expires_at ? link_expires_at : INT64_MAX;
	if (deadline < now + DAY_MS)
		deadline = now + DAY_MS;
	deadline = deadline < most ? deadline : most;
	if (row->limit_at != 0 && row->limit_at < deadline)
		deadline = row->limit_at;
	return deadline > now ? deadline : 0;
}

static bool useless(const struct outbox_row *row, const char *why, struct err *err) {
	return err_set(err, ERR_CONFLICT, "store.conflict", "message %lld is of no use any more: %s", (long long)row->id, why);
}

/* A link that nobody can act through any more would only confuse. */
static bool is_of_use(struct view *v, const struct outbox_row *row, int64_t now, struct arena *a, int64_t *until, struct err *err) {
	struct link link = {.state = LINK_LIVE};
	if (row->has_link && !link_load(v, row->link_id, a, &link, err))
		return false;
	if (link.state != LINK_LIVE)
		return useless(row, "its link was used or withdrawn", err);
	*until = engine_resend_until(row, now, link.expires_at);
	return *until > 0 || useless(row, row->limit_at != 0 && row->limit_at <= now ? "what it says held until its deadline" : "its link or code has expired", err);
}

static bool still_has_role(struct engine *e, struct view *v, const struct outbox_row *row, int64_t now, struct arena *a, struct err *err) {
	bool has = row->instance_id == 0 || row->role.len == 0;
	if (!has && !engine_has_role(e, v, row->instance_id, row->role, row->contact_id, now, a, &has, err))
		return false;
	return has || useless(row, "its recipient takes no part in the case any more", err);
}

/* Codes that somebody asks for at a page go to everybody. */
static bool is_wanted(struct view *v, const struct outbox_row *row, struct arena *a, struct err *err) {
	struct suppression suppression = {0};
	bool found = false;
	if (row->priority != OUTBOX_CODE && !suppression_load(v, row->channel, row->recipient, a, &suppression, &found, err))
		return false;
	if (!found)
		return true;
	err_set(err, ERR_DENIED, "resend.suppressed", "message %lld is not sent: %s wants no messages (%.*s; stafet suppressions)", (long long)row->id,
	        row->channel == CHANNEL_SMS ? "this number" : "this address", STR_ARG(suppression.reason));
	err_arg(err, 0, suppression.reason);
	return false;
}

static bool arrived(const struct outbox_row *row) {
	return row->state == OUTBOX_SENT && row->delivery != DELIVERY_FAILED && row->delivery != DELIVERY_EXPIRED;
}

static bool is_at_rest(const struct outbox_row *row, struct err *err) {
	bool being_sent = row->state == OUTBOX_LEASED || row->state == OUTBOX_BEGUN;
	if (being_sent || row->state == OUTBOX_CANCELLED)
		return err_set(err, ERR_CONFLICT, "store.conflict", "message %lld is %s%s", (long long)row->id, being_sent ? "being sent: " : "", outbox_state_name(row->state));
	return row->workflow.len > 0 || !arrived(row) ||
	       err_set(err, ERR_CONFLICT, "store.conflict", "message %lld is sent, and is asked for anew where it was asked for", (long long)row->id);
}

static bool check(struct engine *e, struct view *v, int64_t now, const struct outbox_row *row, struct arena *a, int64_t *until, struct err *err) {
	return is_at_rest(row, err) && is_of_use(v, row, now, a, until, err) && still_has_role(e, v, row, now, a, err) && is_wanted(v, row, a, err);
}

bool engine_may_resend(struct engine *e, struct view *v, int64_t now, const struct outbox_row *row, struct arena *a, struct err *err) {
	int64_t until;
	return check(e, v, now, row, a, &until, err);
}

/* A message of its own, since mail servers drop a second one with the same Message-ID. */
static bool put_copy(struct run *r, const struct outbox_row *original, int64_t until, int64_t *id, struct err *err) {
	struct outbox_row row = *original;
	row.message_id = run_message_id(r);
	row.created_at = row.next_at = r->now;
	row.deadline_at = until;
	struct attachments documents = {0};
	if (!attachments_of_message(r->view, original->id, r->a, &documents, err) || !attachment_put(r->tx, &row, &documents, err))
		return false;
	*id = row.id;
	return true;
}

bool engine_resend(struct engine *e, struct tx *tx, int64_t now, int64_t outbox_id, struct arena *a, int64_t *id, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct outbox_row row;
	int64_t until;
	*id = outbox_id;
	if (!outbox_load(r.view, outbox_id, a, &row, err) || !check(e, r.view, now, &row, a, &until, err))
		return false;
	if (!(arrived(&row) ? put_copy(&r, &row, until, id, err) : outbox_retry(tx, outbox_id, now, until, err)))
		return false;
	log_event(LOG_INFO, "message-resent", "id=%lld as=%lld", (long long)outbox_id, (long long)*id);
	return true;
}
