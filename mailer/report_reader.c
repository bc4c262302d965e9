#include "mailer/report_reader.h"

#include "engine/base/log.h"

enum { PAGE = 100 };

/* What one report says. */
struct told {
	enum delivery delivery;
	bool dead; /* there is no such number */
	struct str reason;
};

struct reading {
	struct job job;
	const struct report_list *list;
	const struct told *told;
};

static bool is_lost(const struct outbox_row *row) {
	return row->delivery == DELIVERY_FAILED || row->delivery == DELIVERY_EXPIRED;
}

bool report_tell(struct tx *tx, const struct report *report, enum delivery delivery, struct str reason, bool dead, int64_t now, struct err *err) {
	struct arena *a = arena_new();
	struct outbox_row before, after;
	bool ok = outbox_load(tx_view(tx), report->outbox_id, a, &before, err) && report_read(tx, report, delivery, reason, now, err) &&
	          outbox_load(tx_view(tx), report->outbox_id, a, &after, err);
	if (ok && is_lost(&after) && !is_lost(&before))
		ok = engine_undelivered(tx, now, &after, dead, err);
	arena_free(a);
	return ok;
}

static bool reading_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	const struct reading *r = (struct reading *)job;
	(void)engine;
	for (size_t i = 0; i < r->list->count; i++)
		if (!report_tell(tx, &r->list->items[i], r->told[i].delivery, r->told[i].reason, r->told[i].dead, now, err))
			return false;
	return true;
}

static void understand(const struct gateway *g, const struct report *report, struct arena *a, struct told *out) {
	struct report_text text = {report->query, report->type, report->body};
	struct str status;
	out->delivery = gateway_report(g, &text, a, &out->dead, &status, &out->reason);
	bool known = out->delivery != DELIVERY_NONE;
	log_event(known ? LOG_INFO : LOG_WARN, known ? "report-read" : "report-not-understood", "id=%lld status=\"%.*s\" delivery=%s reason=\"%.*s\"",
	          (long long)report->outbox_id, STR_ARG(status), delivery_name(out->delivery), STR_ARG(out->reason));
}

static bool list_unread(const struct mailer_options *options, struct arena *a, struct report_list *out, struct err *err) {
	struct view *v = store_view(options->store, err);
	bool ok = v && reports_unread(v, PAGE, a, out, err);
	view_close(v);
	return ok;
}

static bool read_page(const struct mailer_options *options, const struct gateway *gateway, struct arena *a, struct err *err) {
	struct report_list list;
	if (!list_unread(options, a, &list, err))
		return false;
	if (list.count == 0)
		return true;
	struct told *told = ARENA_ARRAY(a, list.count, struct told);
	for (size_t i = 0; i < list.count; i++)
		understand(gateway, &list.items[i], a, &told[i]);
	struct reading reading = {.job.run = reading_run, .list = &list, .told = told};
	bool ok = writer_run(options->writer, &reading.job, err);
	for (size_t i = 0; ok && options->tally && i < list.count; i++)
		atomic_fetch_add(&options->tally->reports[CHANNEL_SMS][told[i].delivery], 1);
	return ok;
}

bool reports_read(const struct mailer_options *options, const struct gateway *gateway, struct err *err) {
	struct arena *a = arena_new();
	bool ok = read_page(options, gateway, a, err);
	arena_free(a);
	return ok;
}
