/* The action `plan`, and whether the children's workflow has what it names. */
#include "engine/workflow/definition_reader.h"

#include "engine/store/children.h"
#include "engine/workflow/definition_check.h"

static const struct type of_datetime = {.kind = KIND_DATETIME}, of_duration = {.kind = KIND_DURATION}, of_string = {.kind = KIND_STRING};

/* "09:00", or an expression that gives such a text. */
static const struct expression *read_time(struct reader *r, const struct yaml *node, int64_t *ms) {
	return civil_parse_time(node->text, ms) ? NULL : reader_expression(r, node, &r->d->scope, &of_string);
}

static const struct expression *read_instant(struct reader *r, const struct yaml *node) {
	const struct expression *e = reader_expression(r, node, &r->d->scope, NULL);
	enum kind kind = e ? expression_type(e)->kind : KIND_INSTANT;
	if (kind != KIND_DATE && kind != KIND_DATETIME && kind != KIND_INSTANT)
		problem_error(r->problems, node->place, "'%.*s' of the pause is a %.*s, expected a date, datetime or instant", STR_ARG(node->key->text),
		              STR_ARG(type_name(r->arena, expression_type(e))));
	return e;
}

static void read_ways(struct reader *r, const struct yaml *node, struct plan_rule *plan) {
	const struct yaml *pause = yaml_get(node, "pause"), *keep = yaml_get(node, "keep"), *among = yaml_get(node, "among");
	plan->keep = shape_truth(keep, false);
	struct yaml_nodes names = reader_names(r, among);
	for (size_t i = 0; i < names.count; i++)
		*(struct str *)ARENA_PUSH(r->arena, &plan->among) = names.items[i]->text;
	if (among && !plan->keep)
		problem_error(r->problems, among->key->place, "key 'among' in the plan: only with 'keep' does anybody stand among the others");
	if (!pause)
		return;
	plan->paused_from = read_instant(r, yaml_get(pause, "from"));
	plan->paused_until = read_instant(r, yaml_get(pause, "until"));
	if (plan->keep)
		problem_error(r->problems, keep->key->place, "key 'keep' in the plan: after a pause nobody gets a first slot; give the two a plan each");
}

void read_plan(struct reader *r, const struct yaml *node, struct action *action) {
	const struct yaml *slots = yaml_get(node, "slots"), *fields = yaml_get(node, "fields"), *order = yaml_get(node, "order");
	struct plan_rule *plan = ARENA_NEW(r->arena, struct plan_rule);
	action->kind = ACTION_PLAN;
	action->plan = plan;
	action->workflow = yaml_get(node, "children")->text;
	action->event = yaml_get(node, "event")->text;
	struct yaml_nodes states = reader_names(r, yaml_get(node, "states"));
	for (size_t i = 0; i < states.count; i++)
		*(struct str *)ARENA_PUSH(r->arena, &plan->states) = states.items[i]->text;
	for (size_t i = 0; i < order->count; i++)
		*(struct str *)ARENA_PUSH(r->arena, &plan->order) = order->items[i]->text;
	if (order->count > CHILDREN_ORDER)
		problem_error(r->problems, order->place, "'order' of the plan has %zu fields, expected at most %d", order->count, CHILDREN_ORDER);
	plan->except = shape_text(yaml_get(node, "except"));
	plan->group = shape_text(yaml_get(node, "group"));
	plan->number = yaml_get(fields, "number")->text;
	plan->start = shape_text(yaml_get(fields, "start"));
	plan->end = shape_text(yaml_get(fields, "end"));
	plan->first = reader_expression(r, yaml_get(slots, "first"), &r->d->scope, &of_datetime);
	plan->step = reader_expression(r, yaml_get(slots, "step"), &r->d->scope, &of_duration);
	plan->from = read_time(r, yaml_get(slots, "from"), &plan->from_ms);
	plan->until = read_time(r, yaml_get(slots, "until"), &plan->until_ms);
	read_ways(r, node, plan);
	read_assignments(r, yaml_get(node, "data"), false, &r->d->scope, action);
}

/* ---- between two workflows */

#define BIT(kind) (1U << (kind))
enum {
	PLAIN = BIT(FIELD_TEXT) | BIT(FIELD_EMAIL) | BIT(FIELD_PHONE) | BIT(FIELD_DIGITS) | BIT(FIELD_INT) | BIT(FIELD_DATE) | BIT(FIELD_DATETIME) | BIT(FIELD_CHOICE),
	ORDERED = PLAIN | BIT(FIELD_DECIMAL) | BIT(FIELD_BOOL)
};

static void check_field(const struct action *action, const struct definition *children, const char *key, struct str name, unsigned kinds, const char *expected,
                        struct problems *problems) {
	if (name.len == 0)
		return;
	const struct field *field = definition_field(children, name);
	if (!field)
		problem_error(problems, action->place, "'%s' of the plan: workflow '%.*s' has no field '%.*s'", key, STR_ARG(children->name), STR_ARG(name));
	else if (field->sensitive)
		problem_error(problems, action->place, "'%s' of the plan: field '%.*s' of workflow '%.*s' is sensitive: nobody may see it by the order", key, STR_ARG(name), STR_ARG(children->name));
	else if (field->many || !(kinds & BIT(field->kind)))
		problem_error(problems, action->place, "'%s' of the plan: field '%.*s' of workflow '%.*s' is %s%s, expected %s", key, STR_ARG(name), STR_ARG(children->name),
		              field_kind_name(field->kind), field->many ? " (many)" : "", expected);
}

static void check_state(const struct action *action, const struct definition *children, struct str name, struct problems *problems) {
	if (!definition_state(children, name))
		problem_error(problems, action->place, "workflow '%.*s' has no state '%.*s'", STR_ARG(children->name), STR_ARG(name));
}

void definition_check_plan(const struct action *action, const struct definition *children, struct problems *problems) {
	const struct plan_rule *plan = action->plan;
	const struct event_rule *event = definition_event(children, action->event);
	for (size_t i = 0; i < plan->states.count; i++)
		check_state(action, children, plan->states.items[i], problems);
	for (size_t i = 0; i < plan->among.count; i++)
		check_state(action, children, plan->among.items[i], problems);
	for (size_t i = 0; i < plan->order.count; i++)
		check_field(action, children, "order", plan->order.items[i], ORDERED, "one that can be ordered", problems);
	check_field(action, children, "group", plan->group, PLAIN, "a single value", problems);
	check_field(action, children, "except", plan->except, BIT(FIELD_BOOL), "bool", problems);
	check_field(action, children, "number", plan->number, BIT(FIELD_INT), "int", problems);
	check_field(action, children, "start", plan->start, BIT(FIELD_DATETIME), "datetime", problems);
	check_field(action, children, "end", plan->end, BIT(FIELD_DATETIME), "datetime", problems);
	if (!event || !event_is_signal(event))
		problem_error(problems, action->place, "workflow '%.*s' has no signal '%.*s', by which the plan tells of a slot", STR_ARG(children->name), STR_ARG(action->event));
}
