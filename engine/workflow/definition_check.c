#include "engine/workflow/definition_check.h"

#include "engine/workflow/definition_checks.h"

#include <string.h>

void checker_tell(struct checker *c, bool warning, struct yaml_place place, const char *format, ...) {
	struct buf text;
	va_list args;
	buf_init(&text, 2000);
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	for (size_t i = c->first; i < c->problems->count; i++) {
		const struct problem *told = &c->problems->items[i];
		if (told->place.line == place.line && told->place.column == place.column && told->warning == warning && str_equal(told->text, buf_text(&text))) {
			buf_free(&text);
			return;
		}
	}
	if (warning)
		problem_warn(c->problems, place, "%.*s", STR_ARG(buf_text(&text)));
	else
		problem_error(c->problems, place, "%.*s", STR_ARG(buf_text(&text)));
	buf_free(&text);
}

/* An expression again, with the fields that may be unset where it stands: the compiler then warns where it is read without has(). */
static void check_expression(void *context, const struct flow_point *point, const struct expression *expression) {
	struct checker *c = context;
	const struct definition *d = c->d;
	struct arena *scratch = arena_new();
	struct problems problems = {.arena = scratch};
	/* What opens at a time that nobody knows would never open. */
	bool opening = point->event && point->event->opens == expression;
	struct scope scope = d->scope;
	scope.warns = false;
	scope.items = ARENA_ARRAY(scratch, d->scope.count, struct scope_name);
	memcpy(scope.items, d->scope.items, d->scope.count * sizeof *scope.items);
	for (size_t i = 0; i < scope.count; i++)
		scope.items[i].optional = !scope.items[i].let && scope.items[i].slot < d->fields.count && !point->set[scope.items[i].slot];
	struct yaml_place place = {"", 1, 1};
	for (size_t i = 0; i < d->expressions.count; i++)
		if (d->expressions.items[i].expression == expression)
			place = d->expressions.items[i].place;
	if (expression_compile(scratch, expression_source(expression), place, &scope, NULL, &problems))
		for (size_t i = 0; i < problems.count; i++)
			checker_tell(c, !opening, problems.items[i].place, "%.*s", STR_ARG(problems.items[i].text));
	arena_free(scratch);
}

void check_reads(struct checker *c) {
	flow_walk(c->flow, &(struct flow_visitor){.context = c, .expression = check_expression});
}

/* Problems may outlive the definition and the texts that their places point into. */
static void keep_places(struct checker *c) {
	for (size_t i = c->first; i < c->problems->count; i++) {
		struct yaml_place *place = &c->problems->items[i].place;
		place->file = place->file ? arena_z(c->problems->arena, str_from(place->file)) : NULL;
	}
}

void definition_check(const struct definition *d, const struct texts *texts, struct problems *problems) {
	struct arena *arena = arena_new();
	struct checker c = {.d = d, .texts = texts, .problems = problems, .first = problems->count, .flow = flow_new(d, arena), .arena = arena};
	check_machine(&c);
	check_ties(&c);
	check_start(&c);
	check_reads(&c);
	check_draws(&c);
	check_series(&c);
	if (texts) {
		check_words(&c);
		check_messages(&c);
		check_documents(&c);
	}
	keep_places(&c);
	arena_free(arena);
}
