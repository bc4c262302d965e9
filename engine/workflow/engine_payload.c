#include "engine/base/escape.h"
#include "engine/workflow/engine_run.h"

enum { KEPT_ITEMS = 3 }; /* from so many on, what changed is shorter than the list */

/* {"at":2,"drop":1,"put":[...]}: from that item on so many others than before. False: little of the list stays. */
static bool put_change(const struct value *before, const struct value *after, struct buf *out) {
	size_t old = before->list.count, count = after->list.count, least = old < count ? old : count, head = 0, tail = 0;
	if (before->kind != KIND_LIST || after->kind != KIND_LIST)
		return false;
	while (head < least && value_identical(&before->list.items[head], &after->list.items[head]))
		head++;
	while (tail < least - head && value_identical(&before->list.items[old - tail - 1], &after->list.items[count - tail - 1]))
		tail++;
	if (head + tail < KEPT_ITEMS)
		return false;
	const struct value put = {.kind = KIND_LIST, .list = {after->list.items + head, NULL, count - head - tail}};
	buf_printf(out, "{\"" PAYLOAD_LIST_AT "\":%zu,\"" PAYLOAD_LIST_DROP "\":%zu,\"" PAYLOAD_LIST_PUT "\":", head, old - head - tail);
	value_to_json(&put, out);
	buf_char(out, '}');
	return true;
}

static size_t put_fields(const struct definition *d, const struct value *other, const struct value *values, bool whole, struct buf *out) {
	size_t count = 0;
	for (size_t i = 0; i < d->fields.count; i++) {
		if (other ? value_identical(&other[i], &values[i]) : values[i].kind == KIND_UNSET)
			continue;
		buf_printf(out, "%s\"%.*s\":", count++ ? "," : "", STR_ARG(d->fields.items[i].name));
		if (whole || !other || !put_change(&other[i], &values[i], out))
			value_to_json(&values[i], out);
	}
	return count;
}

void run_payload_set(const struct definition *d, const struct value *before, const struct value *after, bool whole, struct buf *out) {
	buf_z(out, "{\"set\":{");
	put_fields(d, before, after, whole, out);
	buf_z(out, "},\"reads\":[");
}

bool run_payload_decided(const struct loaded *l, const struct decision *decision, struct buf *out, struct err *err) {
	if (!run_claims_payload(l, decision, out, err))
		return false;
	run_draws_payload(l, decision, out);
	run_groups_payload(l, decision, out);
	if (decision->guard_err.kind != ERR_NONE) {
		buf_z(out, ",\"error\":");
		escape_json(out, str_from(decision->guard_err.text));
	}
	buf_z(out, ",\"" PAYLOAD_READ_AT "\":");
	return true;
}

static bool reads_reply(const struct definition *d) {
	for (size_t i = 0; i < d->expressions.count; i++)
		if (expression_reads(d->expressions.items[i].expression, d->fields.count + SLOT_REPLY) || expression_reads(d->expressions.items[i].expression, d->fields.count + SLOT_REFUSED))
			return true;
	return false;
}

static void put_said(const struct definition *d, const struct event *event, struct buf *out) {
	buf_z(out, ",\"" PAYLOAD_SAID_BY "\":");
	escape_json(out, event->actor);
	if (!event->said || !reads_reply(d))
		return;
	buf_z(out, ",\"" PAYLOAD_SAID "\":");
	escape_json(out, event->said->text);
	buf_z(out, ",\"" PAYLOAD_SAID_REFUSED "\":");
	value_to_json(&event->said->refused, out);
}

/* What came with the event and does not stand in what the decision left. */
static void put_given(const struct definition *d, const struct event *event, const struct decision *decision, struct buf *out) {
	size_t before = out->len;
	if (!event->values)
		return;
	buf_z(out, ",\"" PAYLOAD_GIVEN "\":{");
	if (put_fields(d, decision->values, event->values, false, out) > 0)
		buf_char(out, '}');
	else
		out->len = before;
}

bool run_payload(struct run *r, const struct loaded *l, const struct event *event, const struct decision *decision, const struct cause *cause, struct str *text, struct err *err) {
	struct buf out;
	buf_init(&out, RUN_DATA);
	run_payload_set(l->definition, l->instance.id ? l->values : NULL, decision->values, false, &out);
	for (size_t i = 0; i < l->log.reads.count; i++) {
		buf_z(&out, i ? "," : "");
		escape_json(&out, l->log.reads.items[i]);
	}
	buf_char(&out, ']');
	bool told = run_payload_decided(l, decision, &out, err);
	buf_printf(&out, "%lld%s", (long long)l->read_at, decision->aside ? ",\"" PAYLOAD_ASIDE "\":true" : "");
	if ((l->ledger && l->ledger->asked) || (l->urn && l->urn->asked))
		buf_printf(&out, ",\"" PAYLOAD_SEEN "\":%lld", (long long)l->seen);
	run_groups_read(l, &out);
	put_given(l->definition, event, decision, &out);
	if (event->kind == EVENT_SIGNAL && event->actor.len > 0)
		put_said(l->definition, event, &out);
	buf_z(&out, cause->proved ? ",\"proof\":\"code\"" : "");
	if (cause->granted.len > 0) {
		buf_z(&out, ",\"" RUN_GRANTED "\":");
		escape_json(&out, cause->granted);
	}
	buf_char(&out, '}');
	return run_taken(r, &out, text, err) && told;
}
