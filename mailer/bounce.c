#include "mailer/bounce.h"

#include "engine/base/address.h"
#include "engine/base/log.h"
#include "mailer/report_reader.h"
#include "mailer/verdict.h"
#include "mailer/verp.h"

#include <stdio.h>

enum delivery bounce_delivery(const struct arrival_report *report, bool *hard) {
	bool lasting = report->status.len > 0 && report->status.at[0] == '5';
	char answer[32];
	snprintf(answer, sizeof answer, "%s %.*s", lasting ? "550" : "450", (int)(report->status.len < 20 ? report->status.len : 20), report->status.at);
	*hard = false;
	if (str_is(report->action, "delivered"))
		return DELIVERY_DELIVERED;
	if (str_is(report->action, "delayed") || str_is(report->action, "relayed") || str_is(report->action, "expanded"))
		return DELIVERY_ON_WAY;
	if (!str_is(report->action, "failed"))
		return DELIVERY_NONE;
	*hard = lasting && verdict_fault(STAGE_RECIPIENT, str_from(answer)) == FAULT_ADDRESS;
	return lasting ? DELIVERY_FAILED : DELIVERY_EXPIRED;
}

static bool find_message(struct tx *tx, const struct keyring *keys, const struct mail_config *config, const struct arrival *m, struct arena *a, struct outbox_row *out,
                         bool *found, struct err *err) {
	struct str ours = config->bounce_address.len > 0 ? config->bounce_address : config->from_address;
	int64_t id;
	for (size_t i = 0; i < m->to.count; i++)
		if (verp_read(keys, ours, m->to.items[i], &id)) {
			*found = outbox_load(tx_view(tx), id, a, out, err);
			return *found || err->kind == ERR_NOT_FOUND;
		}
	*found = false;
	return m->original_id.len == 0 || outbox_of_message_id(tx_view(tx), m->original_id, a, out, found, err);
}

/* The one about our recipient; a mail that was passed on comes back for an address that we do not know. */
static const struct arrival_report *report_of(const struct arrival *m, const struct outbox_row *row, struct arena *a) {
	struct str wanted = address_key(a, row->recipient);
	for (size_t i = 0; i < m->reports.count; i++) {
		struct str key = address_key(a, m->reports.items[i].recipient);
		if (str_equal(key, wanted))
			return &m->reports.items[i];
	}
	return m->reports.count > 0 ? &m->reports.items[0] : NULL;
}

static bool keep(struct tx *tx, const struct outbox_row *row, const struct arrival_report *told, enum delivery delivery, bool dead, int64_t now, struct arena *a,
                 struct err *err) {
	struct str body = arena_printf(a, "Final-Recipient: %.*s\nAction: %.*s\nStatus: %.*s\nDiagnostic-Code: %.*s\n", STR_ARG(told->recipient), STR_ARG(told->action),
	                               STR_ARG(told->status), STR_ARG(told->answer));
	struct str reason = told->answer.len > 0 ? told->answer : told->status;
	struct report report = {.outbox_id = row->id, .at = now, .type = STR("message/delivery-status"), .body = body};
	return report_put(tx, &report, err) && report_tell(tx, &report, delivery, reason, dead, now, err);
}

bool bounce_apply(struct tx *tx, const struct keyring *keys, const struct mail_config *config, const struct arrival *m, int64_t now, struct arena *a,
                  int64_t *outbox_id, struct str *outcome, struct err *err) {
	struct outbox_row row;
	bool found, hard;
	*outbox_id = 0;
	*outcome = STR("not-ours");
	if (!find_message(tx, keys, config, m, a, &row, &found, err))
		return false;
	const struct arrival_report *told = found ? report_of(m, &row, a) : NULL;
	if (!told)
		return true;
	enum delivery delivery = bounce_delivery(told, &hard);
	*outbox_id = row.id;
	*outcome = str_from(delivery_name(delivery));
	if (!keep(tx, &row, told, delivery, hard, now, a, err)) {
		*outcome = STR("too-many");
		return err->kind == ERR_CONFLICT;
	}
	log_event(delivery == DELIVERY_FAILED ? LOG_WARN : LOG_INFO, "bounce", "id=%lld delivery=%s hard=%d status=\"%.*s\"", (long long)row.id, delivery_name(delivery), hard, STR_ARG(told->status));
	return true;
}
