#include "engine/workflow/definition_reader.h"

#include "engine/store/people.h"

/* A date would leave open whether its day counts. */
static const struct expression *read_deadline(struct reader *r, const struct yaml *node) {
	const struct expression *e = reader_expression(r, node, &r->d->scope, NULL);
	enum kind kind = e ? expression_type(e)->kind : KIND_DURATION;
	if (kind != KIND_DATETIME && kind != KIND_INSTANT && kind != KIND_DURATION)
		problem_error(r->problems, node->place, "'deadline' is a %.*s, expected a datetime, an instant, or a duration such as 7d", STR_ARG(type_name(r->arena, expression_type(e))));
	return e;
}

static void read_send(struct reader *r, const struct yaml *node, struct action *action) {
	const struct yaml *channel = yaml_get(node, "channel");
	struct yaml_nodes to = reader_names(r, yaml_get(node, "to"));
	action->kind = ACTION_SEND;
	for (size_t i = 0; i < to.count; i++)
		*(const struct role **)ARENA_PUSH(r->arena, &action->to) = reader_find(r, NAMED("role", r->d->roles), to.items[i]);
	action->message = shape_text(yaml_get(node, "message"));
	action->link = shape_text(yaml_get(node, "link"));
	action->link_is_view = definition_view(r->d, action->link) != NULL;
	action->deadline = read_deadline(r, yaml_get(node, "deadline"));
	action->urgent = shape_truth(yaml_get(node, "urgent"), false);
	struct yaml_nodes attach = reader_names(r, yaml_get(node, "attach"));
	for (size_t i = 0; i < attach.count; i++)
		*(struct str *)ARENA_PUSH(r->arena, &action->attach) = attach.items[i]->text;
	if (channel)
		action->channel = str_is(channel->text, "sms") ? CHANNEL_SMS : CHANNEL_MAIL;
}

static void add_series(struct reader *r, struct str name) {
	for (size_t i = 0; i < r->d->documents.count; i++)
		if (str_equal(r->d->documents.items[i], name))
			return;
	*(struct str *)ARENA_PUSH(r->arena, &r->d->documents) = name;
}

static void read_document(struct reader *r, const struct yaml *node, struct action *action) {
	struct yaml_nodes roles = reader_names(r, yaml_get(node, "for"));
	action->kind = ACTION_DOCUMENT;
	for (size_t i = 0; i < roles.count; i++)
		*(const struct role **)ARENA_PUSH(r->arena, &action->to) = reader_find(r, NAMED("role", r->d->roles), roles.items[i]);
	action->document = yaml_get(node, "name")->text;
	action->template = yaml_get(node, "template")->text;
	action->language = shape_text(yaml_get(node, "language"));
	action->addendum = shape_truth(yaml_get(node, "addendum"), false);
	add_series(r, action->document);
}

/* Of this workflow (own) the field is known and gives the type; fields of others are checked when all packages are there. */
void read_assignments(struct reader *r, const struct yaml *data, bool own, const struct scope *scope, struct action *action) {
	for (size_t i = 0; data && i < data->count; i++) {
		const struct yaml *value = data->items[i];
		const struct field *field = own ? reader_find(r, NAMED("field", r->d->fields), value->key) : NULL;
		struct assignment *assignment = ARENA_PUSH(r->arena, &action->data);
		assignment->name = value->key->text;
		assignment->field = field;
		if (action->kind == ACTION_SET && field && field->sensitive && !yaml_is_null(value))
			problem_error(r->problems, value->place, "'%.*s' is sensitive: it can be asked for, passed on to another workflow, and set to null", STR_ARG(field->name));
		else if (!yaml_is_null(value) && (!own || field))
			assignment->value = (action->kind == ACTION_SET ? reader_drawing : reader_expression)(r, value, scope, own ? &field->type : NULL);
	}
}

static void read_start_action(struct reader *r, const struct yaml *node, struct action *action) {
	action->kind = ACTION_START;
	action->workflow = yaml_get(node, "workflow")->text;
	action->each = reader_expression(r, yaml_get(node, "each"), &r->d->scope, NULL);
	if (!action->each) {
		read_assignments(r, yaml_get(node, "data"), false, &r->d->scope, action);
		return;
	}
	const struct type *list = expression_type(action->each);
	if (list->kind != KIND_LIST || !list->item) {
		problem_error(r->problems, yaml_get(node, "each")->place, "'each' must be a list of something");
		return;
	}
	struct scope scope = reader_scope_with(r, "item", *list->item, SLOT_ITEM);
	read_assignments(r, yaml_get(node, "data"), false, &scope, action);
}

static void read_signal(struct reader *r, const struct yaml *node, struct action *action) {
	struct str to = yaml_get(node, "to")->text;
	const struct yaml *workflow = yaml_get(node, "workflow");
	action->kind = ACTION_SIGNAL;
	action->direction = str_is(to, "parent") ? SIGNAL_PARENT : str_is(to, "children") ? SIGNAL_CHILDREN : SIGNAL_SELF;
	action->event = yaml_get(node, "event")->text;
	action->workflow = shape_text(workflow);
	if (workflow && action->direction != SIGNAL_CHILDREN)
		problem_error(r->problems, workflow->key->place, "key 'workflow' in the signal: it narrows children only");
	read_assignments(r, yaml_get(node, "data"), action->direction == SIGNAL_SELF, &r->d->scope, action);
}

static void read_action(struct reader *r, const struct yaml *node, struct action *action) {
	const struct yaml *send = yaml_get(node, "send"), *set = yaml_get(node, "set"), *start = yaml_get(node, "start"), *document = yaml_get(node, "document"), *plan = yaml_get(node, "plan");
	const struct yaml *claim = yaml_get(node, "claim"), *release = yaml_get(node, "release"), *commit = yaml_get(node, "commit"), *reveal = yaml_get(node, "reveal");
	const struct yaml *share = yaml_get(node, "share");
	action->place = node->place;
	action->condition = reader_guard(r, yaml_get(node, "if"));
	if (send) {
		read_send(r, send, action);
	} else if (set) {
		action->kind = ACTION_SET;
		read_assignments(r, set, true, &r->d->scope, action);
	} else if (document) {
		read_document(r, document, action);
	} else if (start) {
		read_start_action(r, start, action);
	} else if (plan) {
		read_plan(r, plan, action);
	} else if (claim || release) {
		read_claim(r, claim ? claim : release, claim ? ACTION_CLAIM : ACTION_RELEASE, action);
	} else if (commit || reveal) {
		read_seed(r, commit ? commit : reveal, commit ? ACTION_COMMIT : ACTION_REVEAL, action);
	} else if (share) {
		read_share(r, share, action);
	} else {
		read_signal(r, yaml_get(node, "signal"), action);
	}
}

void read_actions(struct reader *r, const struct yaml *actions, struct action_list *out) {
	READER_FIX(r, out, actions ? actions->count : 0);
	for (size_t i = 0; i < out->count; i++)
		read_action(r, actions->items[i], &out->items[i]);
}
