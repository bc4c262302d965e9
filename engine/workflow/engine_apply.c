/* What a decision causes, written in one transaction: instance, history, people, timers, links, outbox, children, signals. */
#include "engine/store/mailbox.h"
#include "engine/store/timers.h"
#include "engine/workflow/engine_run.h"

#include <string.h>

bool run_taken(struct run *r, struct buf *out, struct str *text, struct err *err) {
	bool ok = !out->overflow || err_set(err, ERR_INPUT, "error.too-large", "the fields of one instance are larger than %d bytes", RUN_DATA);
	*text = arena_str(r->a, buf_text(out));
	buf_free(out);
	return ok;
}

bool run_data(struct run *r, const struct definition *d, const struct value *values, struct str *text, struct err *err) {
	struct buf out;
	buf_init(&out, RUN_DATA);
	data_to_json(d, values, &out);
	return run_taken(r, &out, text, err);
}

static bool write_history(struct run *r, const struct loaded *l, const struct event *event, const struct decision *decision,
                          const struct cause *cause, struct str payload, struct history *entry, struct err *err) {
	*entry = (struct history){
	        .instance_id = l->instance.id,
	        .seq = l->instance.version,
	        .at = r->now,
	        .kind = str_from(cause->kind),
	        .event = event->name,
	        .from = l->state ? l->state->name : STR(""),
	        .to = decision->moved ? decision->target->name : STR(""),
	        .refused = decision->outcome != DECISION_TAKEN,
	        .contact_id = cause->contact_id,
	        .role = cause->role,
	        .payload = payload,
	};
	memcpy(entry->key, cause->key, sizeof entry->key);
	return history_append(r->tx, site_keys(r->engine->site), entry, err);
}

static bool write_timers(struct run *r, const struct loaded *l, const struct event *event, const struct decision *decision, struct err *err) {
	if (decision->timers_all && !timer_cancel_all(r->tx, l->instance.id, err))
		return false;
	if (event->kind == EVENT_TIMER && !decision->timers_all && !timer_cancel(r->tx, l->instance.id, event->name, err))
		return false;
	for (size_t i = 0; i < decision->timers.count; i++) {
		const struct timer_effect *effect = &decision->timers.items[i];
		struct timer row = {
		        .instance_id = l->instance.id,
		        .root_id = l->instance.root_id,
		        .state = decision->target->name,
		        .name = effect->rule->name,
		        .due_at = effect->due_at,
		        .set_at = r->now,
		        .priority = effect->rule->priority,
		        .order = effect->order,
		        .fired = effect->fired,
		};
		r->stirred = r->stirred || (effect->what == TIMER_SET && row.due_at <= r->now);
		bool ok = effect->what == TIMER_SET         ? timer_set(r->tx, &row, err)
		          : effect->what == TIMER_REORDERED ? timer_reorder(r->tx, row.instance_id, row.name, row.order, err)
		                                            : timer_cancel(r->tx, row.instance_id, row.name, err);
		if (!ok)
			return false;
	}
	return true;
}

/* Signals that came too early for the state that was left. */
static bool release_signals(struct run *r, const struct loaded *l, struct err *err) {
	bool any;
	if (!mailbox_release(r->tx, l->instance.id, &any, err))
		return false;
	r->stirred = r->stirred || any;
	return true;
}

static bool leave_state(struct run *r, const struct loaded *l, const struct event *event, const struct decision *decision, int64_t history_id, struct err *err) {
	return !decision->moved || (run_close_links(r, l, event, decision, history_id, err) && release_signals(r, l, err));
}

static bool write_instance(struct run *r, struct loaded *l, const struct decision *decision, struct str data, struct err *err) {
	struct instance *instance = &l->instance;
	bool is_new = instance->id == 0;
	instance->data = data;
	instance->state = decision->target->name;
	instance->changed_at = r->now;
	instance->version++;
	if (decision->moved) {
		instance->entered_at = r->now;
		instance->ended_at = decision->target->final ? r->now : 0;
		bool kept = instance->ended_at == 0 || span_is_zero(l->definition->keep);
		instance->erase_at = kept ? 0 : civil_add(site_zone(r->engine->site), site_calendar(r->engine->site), r->now, l->definition->keep);
	}
	if (!is_new)
		return instance_update(r->tx, instance, err);
	instance->workflow = l->definition->name;
	memcpy(instance->definition, l->definition->hash, sizeof instance->definition);
	instance->started_at = r->now;
	return definition_keep(r->tx, l->definition->hash, l->definition->name, l->definition->source, r->now, err) &&
	       instance_insert(r->tx, r->a, instance, err);
}

static bool use_link(struct run *r, const struct loaded *l, const struct cause *cause, int64_t history_id, struct err *err) {
	if (!cause->link || cause->keeps)
		return true;
	return link_use(r->tx, cause->link->id, l->instance.id, history_id, r->now, err) && draft_remove(r->tx, cause->link->id, err);
}

bool run_apply(struct run *r, struct loaded *l, const struct event *event, const struct decision *decision, const struct cause *cause,
               struct receipt *receipt, struct err *err) {
	struct prepared_documents documents = {0};
	struct prepared_plans plans = {0};
	struct history entry;
	const struct value *before = l->instance.id ? l->values : NULL;
	const struct snapshot left = loaded_snapshot(l);
	struct str payload, data;
	if (!run_check_children(r, l, decision, err) || !run_prepare_plans(r, l, decision, &plans, err) || !run_payload(r, l, event, decision, cause, &payload, err) ||
	    !run_data(r, l->definition, decision->values, &data, err))
		return false;
	if (!write_instance(r, l, decision, data, err) || !run_prepare_documents(r, l, decision, &documents, err))
		return false;
	payload = run_documents_payload(r, &documents, payload);
	if (!write_history(r, l, event, decision, cause, payload, &entry, err) || !run_claims(r, l, decision, entry.id, err) || !run_draws(r, l, decision, entry.id, err) ||
	    !run_groups(r, l, before, decision, entry.id, err) || !run_wishes(r, l, before, decision, err) || !run_write_documents(r, &documents, entry.id, err) ||
	    !run_claim_files(r, l, decision->values, cause->link, err) || !use_link(r, l, cause, entry.id, err) || !leave_state(r, l, event, decision, entry.id, err) ||
	    !write_timers(r, l, event, decision, err) || !run_listing(r, l, decision->values, err) ||
	    !run_scopes(r, l, before, decision->values, err))
		return false;
	l->values = decision->values;
	if (!run_people(r, l, before, cause, err))
		return false;
	bool leaves = decision->moved || (cause->link && !cause->keeps); /* a state, or a task */
	if (!run_messages(r, l, decision, cause, entry.id, err) || (leaves && !run_cancel_messages(r, l, decision, &left, entry.id, err)) ||
	    !run_start_children(r, l, decision, err) || !run_send_signals(r, l, decision, &plans, err))
		return false;
	*receipt = (struct receipt){
	        .instance_id = l->instance.id,
	        .history_id = entry.id,
	        .at = r->now,
	        .reference = l->instance.reference,
	        .workflow = l->definition->name,
	        .state = l->instance.state,
	};
	return true;
}
