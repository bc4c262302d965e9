/* Children and signals. A child starts through the same gate as a form: the parent's values become answers, so nothing gets in unchecked. */
#include "engine/store/children.h"
#include "engine/store/mailbox.h"
#include "engine/workflow/engine_run.h"
#include "engine/workflow/upload.h"

enum { MOST_DEPTH = 8, DATA_LIMIT = 1 << 20 };

/* Of a group: it has no text of its own. */
static bool is_item(const struct value *v) {
	return v->kind == KIND_RECORD && v->record.type->key == SIZE_MAX && !upload_is(v);
}

void run_value_answers(struct arena *a, struct str name, const struct value *v, struct answers *out) {
	if (v->kind == KIND_LIST) {
		for (size_t i = 0; i < v->list.count; i++) {
			const struct value *item = &v->list.items[i];
			struct str numbered = arena_printf(a, "%.*s.%zu", STR_ARG(name), i + 1);
			run_value_answers(a, is_item(item) ? numbered : name, item, out);
		}
	} else if (is_item(v)) {
		for (size_t i = 0; i < v->record.type->count; i++)
			run_value_answers(a, arena_printf(a, "%.*s.%.*s", STR_ARG(name), STR_ARG(v->record.type->members[i].name)), &v->record.members[i], out);
	} else if (v->kind == KIND_MAP) {
		for (size_t i = 0; i < v->list.count; i++)
			answers_put(out, a, arena_printf(a, "%.*s.%.*s", STR_ARG(name), STR_ARG(v->list.keys[i])), value_text(a, &v->list.items[i]));
	} else if (upload_is(v)) {
		struct upload upload = upload_of(v);
		answers_put(out, a, name, upload_text(a, &upload));
	} else if (v->kind == KIND_RECORD) {
		answers_put(out, a, name, value_text(a, &v->record.members[v->record.type->key]));
	} else if (v->kind == KIND_SEALED) {
		answers_put(out, a, arena_printf(a, "%.*s.sealed", STR_ARG(name)), v->string);
	} else if (v->kind != KIND_UNSET) {
		answers_put(out, a, name, value_text(a, v));
	}
}

struct answers run_effect_answers(struct run *r, const struct effect *effect) {
	struct answers answers = {0};
	for (size_t i = 0; i < effect->data.count; i++)
		run_value_answers(r->a, effect->action->data.items[i].name, &effect->data.items[i], &answers);
	return answers;
}

/* A child that does not exist yet, and what its start decides. */
struct prepared_start {
	const struct definition *definition;
	struct loaded loaded;
	struct decision decision;
};

static struct event start_event(const struct prepared_start *start) {
	return (struct event){.kind = EVENT_START, .name = STR("start"), .role = start->definition->start.by->name, .values = start->loaded.values};
}

/* All are checked before the first one starts: what one takes from the others would be found too late. */
static bool stands_alone(const struct prepared_start *start, struct err *err) {
	for (size_t i = 0; i < start->decision.effects.count; i++)
		if (start->decision.effects.items[i].kind == EFFECT_CLAIM)
			return err_set(err, ERR_PERMANENT, "error.internal", "child '%.*s' cannot start: it claims a row at once", STR_ARG(start->definition->name));
		else if (start->decision.effects.items[i].kind == EFFECT_SHARE)
			return err_set(err, ERR_PERMANENT, "error.internal", "child '%.*s' cannot start: it shares with a group at once", STR_ARG(start->definition->name));
	return true;
}

static bool prepare_child(struct run *r, const struct loaded *l, const struct effect *effect, struct prepared_start *start, struct err *err) {
	const struct package *package = site_package(r->engine->site, effect->action->workflow);
	if (!package)
		return err_set(err, ERR_PERMANENT, "error.internal", "no workflow '%.*s' to start", STR_ARG(effect->action->workflow));
	if (r->depth >= MOST_DEPTH)
		return err_set(err, ERR_PERMANENT, "error.internal", "children nest deeper than %d", MOST_DEPTH);
	*start = (struct prepared_start){.definition = package->definition};
	if (!run_prepare(r, start->definition, l, &start->loaded, err))
		return false;
	struct answers answers = run_effect_answers(r, effect);
	struct form_problems problems = {0};
	struct form_world world = run_form_world(r, &start->loaded);
	if (!run_starter(r, &start->loaded, 0, &answers, err) || !run_start_from(r, &start->loaded, 0, 0, err) ||
	    !form_validate(&world, start->definition->start.form, -1, &answers, r->a, start->loaded.values, &problems, err))
		return false;
	if (problems.count > 0)
		return err_set(err, ERR_PERMANENT, "error.internal", "child '%.*s' cannot start: field %.*s: %s", STR_ARG(start->definition->name),
		               STR_ARG(problems.items[0].name), problems.items[0].key);
	struct event event = start_event(start);
	if (!run_decide(r, &start->loaded, &event, &start->decision, err) || !stands_alone(start, err))
		return false;
	return start->decision.outcome == DECISION_TAKEN ||
	       err_set(err, ERR_PERMANENT, "error.internal", "child '%.*s' cannot start: %s", STR_ARG(start->definition->name), start->decision.guard_err.text);
}

static bool start_child(struct run *r, struct prepared_start *start, struct err *err) {
	struct event event = start_event(start);
	struct cause cause = {.kind = "start"};
	struct receipt receipt;
	r->depth++;
	bool ok = run_apply(r, &start->loaded, &event, &start->decision, &cause, &receipt, err);
	r->depth--;
	return ok;
}

/* Each in memory of its own: there may be very many. */
static bool each_child(struct run *r, const struct loaded *parent, const struct decision *decision, bool starts, struct err *err) {
	struct arena *lasting = r->a;
	struct prepared_start start;
	bool ok = true;
	for (size_t i = 0; ok && i < decision->effects.count; i++) {
		if (decision->effects.items[i].kind != EFFECT_START)
			continue;
		if (r->a == lasting)
			r->a = arena_new();
		else
			arena_reset(r->a);
		ok = prepare_child(r, parent, &decision->effects.items[i], &start, err) && (!starts || start_child(r, &start, err));
	}
	if (r->a != lasting)
		arena_free(r->a);
	r->a = lasting;
	return ok;
}

bool run_check_children(struct run *r, const struct loaded *parent, const struct decision *decision, struct err *err) {
	int64_t rehearsed = r->engine->rehearsed;
	bool ok = each_child(r, parent, decision, false, err);
	r->engine->rehearsed = rehearsed; /* none of these was made */
	return ok;
}

bool run_start_children(struct run *r, const struct loaded *parent, const struct decision *decision, struct err *err) {
	return each_child(r, parent, decision, true, err);
}

static struct str signal_data(struct run *r, const struct effect *effect) {
	struct answers answers = run_effect_answers(r, effect);
	struct buf out;
	buf_init(&out, DATA_LIMIT);
	answers_to_json(&answers, &out);
	struct str json = arena_str(r->a, buf_text(&out));
	buf_free(&out);
	return json;
}

static bool put_signal(struct run *r, const struct loaded *l, int64_t to, const struct effect *effect, struct err *err) {
	struct signal_row row = {
	        .instance_id = to,
	        .root_id = l->instance.root_id,
	        .from_instance_id = l->instance.id,
	        .event = effect->action->event,
	        .data = signal_data(r, effect),
	        .at = r->now,
	        .hops = r->hops,
	};
	r->stirred = true;
	return mailbox_put(r->tx, &row, err);
}

static bool signal_children(struct run *r, const struct loaded *l, const struct effect *effect, struct err *err) {
	struct child_states children;
	if (!children_states(r->view, l->instance.id, effect->action->workflow, r->a, &children, err))
		return false;
	for (size_t i = 0; i < children.count; i++)
		if (!children.items[i].ended && !put_signal(r, l, children.items[i].id, effect, err))
			return false;
	return true;
}

bool run_send_signals(struct run *r, const struct loaded *l, const struct decision *decision, const struct prepared_plans *plans, struct err *err) {
	size_t next_plan = 0;
	for (size_t i = 0; i < decision->effects.count; i++) {
		const struct effect *effect = &decision->effects.items[i];
		bool ok = true;
		if (effect->kind == EFFECT_PLAN && !run_tell_slots(r, l, &plans->items[next_plan++], err))
			return false;
		if (effect->kind != EFFECT_SIGNAL)
			continue;
		if (effect->action->direction == SIGNAL_CHILDREN)
			ok = signal_children(r, l, effect, err);
		else if (effect->action->direction == SIGNAL_SELF)
			ok = put_signal(r, l, l->instance.id, effect, err);
		else if (l->instance.parent_id != 0)
			ok = put_signal(r, l, l->instance.parent_id, effect, err);
		if (!ok)
			return false;
	}
	return true;
}
