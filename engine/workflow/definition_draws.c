/* Seeds: the actions that commit and reveal them, and where draw() may draw with them. */
#include "engine/workflow/definition_checks.h"
#include "engine/workflow/definition_reader.h"
#include "engine/workflow/draw.h"

static struct seed_rule *find_seed(const struct definition *d, struct str name) {
	for (size_t i = 0; i < d->seeds.count; i++)
		if (str_equal(d->seeds.items[i].name, name))
			return &d->seeds.items[i];
	return NULL;
}

const struct seed_rule *definition_seed(const struct definition *d, struct str name) {
	const struct seed_rule *seed = find_seed(d, name);
	return seed && seed->committed ? seed : NULL;
}

bool definition_draws(const struct definition *d) {
	return d->seeds.count > 0 || d->parent_seed.len > 0;
}

void read_seed(struct reader *r, const struct yaml *node, enum action_kind kind, struct action *action) {
	const struct yaml *name = yaml_get(node, "seed"), *set = yaml_get(node, "set");
	const struct field *field = reader_find(r, NAMED("field", r->d->fields), set);
	struct seed_rule *seed = find_seed(r->d, name->text);
	action->kind = kind;
	action->seed = name->text;
	action->field = field;
	if (!seed) {
		seed = ARENA_PUSH(r->arena, &r->d->seeds);
		*seed = (struct seed_rule){.name = name->text, .place = name->place};
	}
	const struct field **of = kind == ACTION_COMMIT ? &seed->committed : &seed->revealed;
	if (!field)
		return;
	if (field->kind != FIELD_TEXT || field->many || field->sensitive || field->max < DRAW_HEX || field->min > DRAW_HEX)
		problem_error(r->problems, set->place, "field '%.*s' must be a text that can take %d characters", STR_ARG(field->name), DRAW_HEX);
	if (*of && *of != field)
		problem_error(r->problems, set->place, "seed '%.*s' is told in field '%.*s' elsewhere", STR_ARG(seed->name), STR_ARG((*of)->name));
	*of = field;
}

void read_draws(struct reader *r) {
	struct definition *d = r->d;
	for (size_t i = 0; i < d->expressions.count; i++) {
		struct str seed = expression_seed(d->expressions.items[i].expression);
		if (seed.len == 0 || definition_seed(d, seed))
			continue;
		if (d->parent_seed.len > 0 && !str_equal(d->parent_seed, seed))
			problem_error(r->problems, d->expressions.items[i].place, "the workflow draws with one seed of whoever starts it, not both '%.*s' and '%.*s'", STR_ARG(d->parent_seed), STR_ARG(seed));
		d->parent_seed = seed;
		d->parent_seed_place = d->expressions.items[i].place;
	}
	for (size_t i = 0; i < d->seeds.count; i++)
		if (!d->seeds.items[i].committed)
			problem_error(r->problems, d->seeds.items[i].place, "no action commits the seed '%.*s'", STR_ARG(d->seeds.items[i].name));
}

/* ---- on the paths through the machine */

static struct yaml_place place_of(const struct definition *d, const struct expression *expression) {
	for (size_t i = 0; i < d->expressions.count; i++)
		if (d->expressions.items[i].expression == expression)
			return d->expressions.items[i].place;
	return (struct yaml_place){"", 1, 1};
}

static void check_hidden(struct checker *c, const struct flow_point *point, const struct seed_rule *seed, struct yaml_place place, const char *what) {
	if (!point->set[seed->committed->slot])
		checker_tell(c, false, place, "%s the seed '%.*s', which some path here has not committed", what, STR_ARG(seed->name));
	else if (seed->revealed && point->set[seed->revealed->slot])
		checker_tell(c, false, place, "%s the seed '%.*s', which is revealed by then", what, STR_ARG(seed->name));
}

static void check_draw(void *context, const struct flow_point *point, const struct expression *expression) {
	struct checker *c = context;
	struct str name = expression_seed(expression);
	const struct seed_rule *seed = name.len > 0 ? definition_seed(c->d, name) : NULL;
	if (seed)
		check_hidden(c, point, seed, place_of(c->d, expression), "draw() with");
}

/* What a seed is told in says nothing else. */
static const struct seed_rule *seed_of(const struct definition *d, const struct field *field) {
	for (size_t i = 0; i < d->seeds.count; i++)
		if (field == d->seeds.items[i].committed || field == d->seeds.items[i].revealed)
			return &d->seeds.items[i];
	return NULL;
}

static void refuse_field(struct checker *c, const struct field *field, struct yaml_place place, const char *what) {
	const struct seed_rule *seed = field ? seed_of(c->d, field) : NULL;
	if (seed)
		checker_tell(c, false, place, "%s '%.*s', in which the seed '%.*s' is told; only `commit` and `reveal` do", what, STR_ARG(field->name), STR_ARG(seed->name));
}

static void check_action(void *context, const struct flow_point *point, const struct action *action) {
	struct checker *c = context;
	if (action->kind == ACTION_REVEAL)
		check_hidden(c, point, definition_seed(c->d, action->seed), action->place, "this reveals");
	for (size_t i = 0; i < action->data.count; i++)
		refuse_field(c, action->data.items[i].field, action->place, "this sets");
}

static void check_fields(struct checker *c) {
	for (size_t i = 0; i < c->d->forms.count; i++)
		for (size_t p = 0; p < c->d->forms.items[i].pages.count; p++)
			for (size_t k = 0; k < c->d->forms.items[i].pages.items[p].items.count; k++)
				refuse_field(c, c->d->forms.items[i].pages.items[p].items.items[k].field, c->d->forms.items[i].place, "this form asks for");
	for (size_t i = 0; i < c->d->fields.count; i++)
		if (c->d->fields.items[i].initial)
			refuse_field(c, &c->d->fields.items[i], c->d->fields.items[i].place, "a default stands in");
}

void check_draws(struct checker *c) {
	const struct definition *d = c->d;
	for (size_t i = 0; i < d->seeds.count; i++)
		if (!d->seeds.items[i].revealed)
			checker_tell(c, true, d->seeds.items[i].place, "nothing reveals the seed '%.*s', so nobody can check what was drawn", STR_ARG(d->seeds.items[i].name));
	if (d->parent_seed.len > 0 && (d->start.open || d->start.login.count > 0 || d->start.mail || d->start.sms))
		checker_tell(c, false, d->parent_seed_place, "draw() with the seed '%.*s', which no action here commits; people start this workflow, so nobody else does", STR_ARG(d->parent_seed));
	if (d->seeds.count == 0)
		return;
	check_fields(c);
	flow_walk(c->flow, &(struct flow_visitor){.context = c, .action = check_action, .expression = check_draw});
}
