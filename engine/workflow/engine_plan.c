/* Slots for children: read in one query, placed (plan.h), recorded, told. */
#include "engine/store/children.h"
#include "engine/store/mailbox.h"
#include "engine/workflow/engine_run.h"

enum { DATA_LIMIT = 1 << 20 };

/* " waiting open " */
static struct str between_blanks(struct arena *a, const struct str *names, size_t count) {
	struct str text = count > 0 ? STR(" ") : STR("");
	for (size_t i = 0; i < count; i++)
		text = arena_printf(a, "%.*s%.*s ", STR_ARG(text), STR_ARG(names[i]));
	return text;
}

static struct child_query query_of(struct run *r, const struct loaded *l, const struct action *action) {
	const struct plan_rule *rule = action->plan;
	struct child_query query = {
	        .parent_id = l->instance.id,
	        .workflow = action->workflow,
	        .states = between_blanks(r->a, rule->states.items, rule->states.count),
	        .among = between_blanks(r->a, rule->among.items, rule->among.count),
	        .except = rule->except,
	        .group = rule->group,
	        .number = rule->number,
	        .end = rule->end,
	};
	for (size_t i = 0; i < rule->order.count && i < CHILDREN_ORDER; i++)
		query.order[i] = rule->order.items[i];
	return query;
}

static struct plan_child child_of(const struct child_row *row) {
	struct plan_child child = {.id = row->id, .version = row->version, .group = row->group, .number = row->number, .beside = row->beside};
	if (!civil_parse_datetime(row->end, &child.end))
		child.end = 0;
	return child;
}

/* "plan choice 17:3:1 18:3:2": who was read, as of which entry of its history, and what slot it was given. With that the plan can be made again. */
static void record(struct loaded *l, const struct prepared_plan *plan) {
	struct buf text;
	buf_init(&text, RUN_DATA);
	buf_printf(&text, "plan %.*s", STR_ARG(plan->effect->action->workflow));
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_child *child = &plan->children[i];
		buf_printf(&text, " %lld:%lld:%lld", (long long)child->id, (long long)child->version, (long long)(child->told ? child->place : 0));
	}
	*(struct str *)ARENA_PUSH(l->log.a, &l->log.reads) = arena_str(l->log.a, buf_text(&text));
	buf_free(&text);
}

static bool prepare(struct run *r, struct loaded *l, const struct effect *effect, struct prepared_plan *out, struct err *err) {
	struct child_query query = query_of(r, l, effect->action);
	struct plan_ask ask = effect->plan;
	struct child_list rows;
	if (l->past && !run_past_children(l->past, r->a, effect->action->workflow, &query.then, err))
		return false;
	if (l->instance.id != 0 && (!children_in_order(r->view, &query, r->a, &rows, err) || (ask.mode == PLAN_KEEP && !children_highest(r->view, &query, r->a, &ask.highest, err))))
		return false;
	*out = (struct prepared_plan){.effect = effect, .count = l->instance.id != 0 ? rows.count : 0};
	out->children = ARENA_ARRAY(r->a, out->count, struct plan_child);
	for (size_t i = 0; i < out->count; i++)
		out->children[i] = child_of(&rows.items[i]);
	if (!plan_places(&ask, site_zone(r->engine->site), out->children, out->count, r->a, err))
		return false;
	record(l, out);
	return true;
}

bool run_prepare_plans(struct run *r, struct loaded *l, const struct decision *decision, struct prepared_plans *out, struct err *err) {
	for (size_t i = 0; i < decision->effects.count; i++)
		if (decision->effects.items[i].kind == EFFECT_PLAN && !prepare(r, l, &decision->effects.items[i], ARENA_PUSH(r->a, out), err))
			return false;
	return true;
}

static void put_field(struct answers *answers, struct arena *a, struct str field, struct value value) {
	if (field.len > 0)
		answers_put(answers, a, field, value_text(a, &value));
}

struct answers run_slot_answers(const struct plan_rule *rule, const struct plan_child *child, const struct answers *same, struct arena *a) {
	struct answers answers = {0};
	for (size_t i = 0; i < same->count; i++)
		*(struct answer *)ARENA_PUSH(a, &answers) = same->items[i];
	put_field(&answers, a, rule->number, value_int(child->place));
	put_field(&answers, a, rule->start, value_datetime(child->opens));
	put_field(&answers, a, rule->end, value_datetime(child->ends));
	return answers;
}

static struct str slot_data(const struct plan_rule *rule, const struct plan_child *child, const struct answers *same, struct arena *a) {
	struct answers answers = run_slot_answers(rule, child, same, a);
	struct buf out;
	buf_init(&out, DATA_LIMIT);
	answers_to_json(&answers, &out);
	struct str json = arena_str(a, buf_text(&out));
	buf_free(&out);
	return json;
}

bool run_tell_slots(struct run *r, const struct loaded *l, const struct prepared_plan *plan, struct err *err) {
	const struct action *action = plan->effect->action;
	struct answers same = run_effect_answers(r, plan->effect);
	struct arena *a = arena_new();
	bool ok = true;
	for (size_t i = 0; ok && i < plan->count; i++) {
		const struct plan_child *child = &plan->children[i];
		if (!child->told)
			continue;
		arena_reset(a);
		struct signal_row row = {
		        .instance_id = child->id,
		        .root_id = l->instance.root_id,
		        .from_instance_id = l->instance.id,
		        .event = action->event,
		        .data = slot_data(action->plan, child, &same, a),
		        .at = r->now,
		        .hops = r->hops,
		};
		r->stirred = true;
		ok = mailbox_put(r->tx, &row, err);
	}
	arena_free(a);
	return ok;
}
